// Keys on their way to another process of the service.
#include "base/mem.h"
#include "base/str.h"
#include "lib/keystore/keystore.h"

constexpr uint64_t VERSION = 1;

struct saved {
    uint64_t version, len_bytes;
    struct keystore store;
};

size_t keystore_save(const struct keystore *store, void *to, size_t room) {
    struct saved *saved = to;
    if (room < sizeof(*saved)) {
        return room == 0 ? sizeof(*saved) : 0;
    }
    memset(saved, 0, sizeof(*saved)); // padding, too
    saved->version = VERSION;
    saved->len_bytes = sizeof(*saved);
    saved->store = *store;
    return sizeof(*saved);
}

// Whether every name has an end, and there are as many keys as are counted.
static bool is_whole(const struct keystore *store) {
    uint32_t count = 0;
    for (size_t i = 0; i < KEYSTORE_KEYS_MAX; i++) {
        if (strnlen(store->keys[i].name, NAME_BYTES) == NAME_BYTES) {
            return false;
        }
        count += store->keys[i].number != 0;
    }
    return count == store->count;
}

bool keystore_adopt(struct keystore *store, const void *from, size_t len) {
    const struct saved *saved = from;
    if (len != sizeof(*saved) || saved->version != VERSION || saved->len_bytes != len || !is_whole(&saved->store)) {
        return false;
    }
    *store = saved->store;
    return true;
}
