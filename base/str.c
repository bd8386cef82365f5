// Bounded string helpers. Portable over any C library that has strlen and memcpy.
#include "base/str.h"

#include "base/checked.h"
#include "base/mem.h"

bool str_starts_with(const char *s, const char *prefix) {
    for (; *prefix != '\0'; s++, prefix++) {
        if (*s != *prefix) {
            return false;
        }
    }
    return true;
}

bool str_ends_with(const char *s, const char *suffix) {
    size_t len = strlen(s);
    size_t suffix_len = strlen(suffix);
    return suffix_len <= len && memcmp(s + len - suffix_len, suffix, suffix_len) == 0;
}

bool str_copy_bytes(char *to, size_t size, const char *from, size_t len) {
    size_t wanted = strnlen(from, len);
    size_t copied = wanted < size ? wanted : size - 1;
    memcpy(to, from, copied);
    to[copied] = '\0';
    return copied == wanted;
}

bool str_copy(char *to, size_t size, const char *from) {
    return str_copy_bytes(to, size, from, SIZE_MAX);
}

bool str_append(char *to, size_t size, const char *from) {
    size_t used = strnlen(to, size - 1);
    return str_copy(to + used, size - used, from);
}

bool str_is_terminated(const char *bytes, size_t len) {
    return memchr(bytes, '\0', len) != nullptr;
}

static bool digit_value(char c, uint64_t *out) {
    if (char_is_digit(c)) {
        *out = (uint64_t)(c - '0');
    } else if (c >= 'a' && c <= 'f') {
        *out = (uint64_t)(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
        *out = (uint64_t)(c - 'A') + 10;
    } else {
        return false;
    }
    return true;
}

const char *str_find_word(const char *line, const char *word) {
    const size_t len = strlen(word);
    for (const char *at = line; *at != '\0'; at++) {
        const bool begins = at == line || at[-1] == ' ';
        if (begins && strncmp(at, word, len) == 0 && (at[len] == ' ' || at[len] == '\0' || at[len] == '=')) {
            return at + len;
        }
    }
    return nullptr;
}

bool str_parse_u64(const char *bytes, size_t len, uint64_t *out) {
    uint64_t radix = 10;
    uint64_t result = 0;
    if (len > 2 && bytes[0] == '0' && (bytes[1] == 'x' || bytes[1] == 'X')) {
        radix = 16;
        bytes += 2;
        len -= 2;
    }
    if (len == 0) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        uint64_t digit;
        if (!digit_value(bytes[i], &digit) || digit >= radix || !checked_mul_u64(result, radix, &result) ||
            !checked_add_u64(result, digit, &result)) {
            return false;
        }
    }
    *out = result;
    return true;
}
