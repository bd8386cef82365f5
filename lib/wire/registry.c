#include "lib/wire/registry.h"

#include "abi/message.h"

static_assert(REGISTRY_ALLOW_MAX * WIRE_NAME_BYTES <= MESSAGE_PAGE_BYTES);

bool registry_allow_decode(const struct wire_request *request, struct registry_allow *out) {
    size_t count = request->page_bytes / WIRE_NAME_BYTES;
    if (request->page_bytes % WIRE_NAME_BYTES != 0 || count > REGISTRY_ALLOW_MAX) {
        return false;
    }
    const char(*names)[WIRE_NAME_BYTES] = (const char(*)[WIRE_NAME_BYTES])request->page;
    for (size_t i = 0; i < count; i++) {
        if (!wire_name_valid(names[i])) {
            return false;
        }
    }
    *out = (struct registry_allow){.holder = request->words[0], .count = count, .names = names};
    return true;
}

bool registry_allow_encode(uint8_t *page, uint64_t holder, const char *const *names, size_t count,
                           struct wire_body *out) {
    if (count > REGISTRY_ALLOW_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!wire_name_put((char *)page + i * WIRE_NAME_BYTES, names[i])) {
            return false;
        }
    }
    *out = (struct wire_body){.words = {holder}, .page_bytes = (uint32_t)(count * WIRE_NAME_BYTES)};
    return true;
}
