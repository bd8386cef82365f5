#include "lib/lineedit/text.h"

#include "base/str.h"
#include "base/utf8.h"

// Steps over one code point and says how wide it is. Never stands still before `len`.
static size_t step(const char *text, size_t len, size_t at, unsigned *width) {
    uint32_t code;
    size_t step_bytes;
    enum utf8_result result = utf8_decode(text + at, len - at, &code, &step_bytes);
    *width = result == UTF8_OK ? utf8_width(code) : 1;
    return at + (result == UTF8_OK ? step_bytes : 1);
}

size_t text_next(const char *text, size_t len, size_t at) {
    if (at >= len) {
        return len;
    }
    unsigned width;
    size_t end = step(text, len, at, &width);
    while (end < len) {
        size_t next = step(text, len, end, &width);
        if (width != 0) {
            break;
        }
        end = next;
    }
    return end;
}

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t text_prev(const char *text, size_t at) {
    size_t start = at;
    while (start > 0) {
        size_t end = start;
        start--;
        while (start > 0 && is_continuation(text[start]) && end - start < UTF8_MAX_BYTES) {
            start--;
        }
        unsigned width;
        if (step(text, end, start, &width) != end) {
            // Not one code point: stray bytes are clusters of their own.
            return end - 1;
        }
        if (width != 0) {
            break;
        }
    }
    return start;
}

size_t text_width(const char *text, size_t from, size_t to) {
    size_t columns = 0;
    while (from < to) {
        unsigned width;
        from = step(text, to, from, &width);
        columns += width;
    }
    return columns;
}

size_t text_skip_columns(const char *text, size_t len, size_t from, size_t columns) {
    size_t passed = 0;
    while (from < len && passed < columns) {
        size_t next = text_next(text, len, from);
        passed += text_width(text, from, next);
        from = next;
    }
    return from;
}

static bool is_word(char c) {
    return char_is_alnum(c) || c == '_' || (unsigned char)c >= 0x80;
}

size_t text_word_end(const char *text, size_t len, size_t at) {
    while (at < len && !is_word(text[at])) {
        at++;
    }
    while (at < len && is_word(text[at])) {
        at++;
    }
    return at;
}

size_t text_word_start(const char *text, size_t at) {
    while (at > 0 && !is_word(text[at - 1])) {
        at--;
    }
    while (at > 0 && is_word(text[at - 1])) {
        at--;
    }
    return at;
}

size_t text_blank_word_start(const char *text, size_t at) {
    while (at > 0 && text[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && text[at - 1] != ' ') {
        at--;
    }
    return at;
}
