// Bytes as hexadecimal digits.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Reads pairs of digits, nothing else, of at most `size` bytes. False, with *len 0, when it is anything else.
[[nodiscard]] bool shell_hex(const char *text, uint8_t *out, size_t size, size_t *len);
