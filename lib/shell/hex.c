#include "lib/shell/hex.h"

#include "base/str.h"

static int digit(char c) {
    if (char_is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool shell_hex(const char *text, uint8_t *out, size_t size, size_t *len) {
    const size_t digits = strlen(text);
    *len = 0;
    if (digits % 2 != 0 || digits / 2 > size) {
        return false;
    }
    for (size_t i = 0; i < digits / 2; i++) {
        const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    *len = digits / 2;
    return true;
}
