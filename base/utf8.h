// UTF-8 (RFC 3629): one code point at a time, strict, and how many terminal columns it takes.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr uint32_t UTF8_REPLACEMENT = 0xfffd;
constexpr size_t UTF8_MAX_BYTES = 4;

enum utf8_result : int {
    UTF8_OK,
    UTF8_INCOMPLETE, // a valid beginning: more bytes are needed
    UTF8_INVALID,    // overlong, surrogate, beyond U+10FFFF, or no lead byte
};

// Decodes the code point at the start of `bytes`. *out_len is how many bytes to step over: the whole
// sequence, or the longest part of a bad one that no valid sequence begins with (at least 1), so that
// a scan always goes on. *out_code is UTF8_REPLACEMENT unless the result is UTF8_OK. `len` may be 0:
// incomplete, with *out_len 0.
enum utf8_result utf8_decode(const char *bytes, size_t len, uint32_t *out_code, size_t *out_len);

// Writes 1 to 4 bytes; returns how many. What is no scalar value is written as the replacement.
size_t utf8_encode(uint32_t code, char out[UTF8_MAX_BYTES]);

// Whether the whole run of bytes is valid.
bool utf8_valid(const char *bytes, size_t len);

// Terminal columns of a code point: 0 for combining marks and controls, 2 for wide ones (East Asian
// wide and full-width, emoji), 1 for all others.
unsigned utf8_width(uint32_t code);
