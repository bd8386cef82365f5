// Floating-point numbers as text and back, in integers: programs of this system have no floating-point registers.
//
// Both ways are correctly rounded (ties to even), as the standard tool's C library does it.
#pragma once

#include <stddef.h>
#include <stdint.h>

// What IEEE 754 calls binary32 and binary64.
enum reflect_float : uint8_t { REFLECT_FLOAT32, REFLECT_FLOAT64 };

constexpr size_t REFLECT_FLOAT_BYTES = 32;

// The bits of the number that is nearest to `text`: digits, maybe with a point and digits, maybe with an exponent; no sign.
// The caller has seen that it is nothing else. False, with *bits untouched: it is too large for the format.
[[nodiscard]] bool reflect_float_read(const char *text, size_t len, enum reflect_float format, uint64_t *bits);

// Writes the number as the standard tool does: with 6 (Float32) or 15 digits if they say which number it is, else with 8 or 17.
// Returns its length; terminated.
size_t reflect_float_write(char out[REFLECT_FLOAT_BYTES], uint64_t bits, enum reflect_float format);
