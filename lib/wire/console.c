#include "lib/wire/console.h"

#include "abi/message.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

static_assert(CONSOLE_WRITE_MAX <= MESSAGE_PAGE_BYTES && CONSOLE_LINE_MAX <= MESSAGE_PAGE_BYTES);

bool console_read_decode(const struct wire_request *request, struct console_read *out) {
    if (request->words[0] > 1 || request->page_bytes > CONSOLE_PROMPT_MAX) {
        return false;
    }
    out->resume = request->words[0] != 0;
    out->prompt = (const char *)request->page;
    out->prompt_bytes = request->page_bytes;
    return true;
}

bool console_offer_decode(const struct wire_request *request, struct console_offer *out) {
    if (request->words[0] > CONSOLE_LINE_MAX || request->words[1] > CONSOLE_CANDIDATES_MAX) {
        return false;
    }
    // As many strings as announced, filling the page's bytes exactly; they go on the screen as they are.
    size_t found = 0;
    for (size_t i = 0; i < request->page_bytes; i++) {
        if (request->page[i] == 0x7f || (request->page[i] < ' ' && request->page[i] != '\0')) {
            return false;
        }
        found += request->page[i] == '\0';
    }
    bool terminated = request->page_bytes == 0 || request->page[request->page_bytes - 1] == '\0';
    if (!terminated || found != request->words[1] ||
        !utf8_valid((const char *)request->page, request->page_bytes)) {
        return false;
    }
    out->replace_bytes = (size_t)request->words[0];
    out->count = (size_t)request->words[1];
    out->candidates = (const char *)request->page;
    out->candidates_bytes = request->page_bytes;
    return true;
}

bool console_read_encode(uint8_t *page, bool resume, const char *prompt, struct wire_body *out) {
    size_t len = strlen(prompt);
    if (len > CONSOLE_PROMPT_MAX) {
        return false;
    }
    memcpy(page, prompt, len);
    *out = (struct wire_body){.words = {resume}, .page_bytes = (uint32_t)len};
    return true;
}

bool console_offer_add(uint8_t *page, struct wire_body *body, const char *candidate) {
    size_t len = strlen(candidate) + 1;
    if (body->words[1] >= CONSOLE_CANDIDATES_MAX || !range_within(body->page_bytes, len, MESSAGE_PAGE_BYTES)) {
        return false;
    }
    memcpy(page + body->page_bytes, candidate, len);
    body->page_bytes += (uint32_t)len;
    body->words[1]++;
    return true;
}
