// The words of Cap'n Proto's text syntax: what lib/reflect/read.c is made of, and nobody else uses.
#pragma once

#include "lib/capnp/read.h"
#include "lib/reflect/read.h"

struct scan {
    const char *text;
    size_t len, at;
    char *error;                        // REFLECT_ERROR_BYTES
    struct reflect_expected *expected;  // for completion: what would come where the text ends; null: nobody asks
};

// Keeps "column 7: ..." for what is at `at`. Returns false.
[[gnu::format(printf, 3, 4)]] bool scan_fail(struct scan *scan, size_t at, const char *format, ...);

// Goes on to the next word; then the character there, '\0' at the end.
char scan_next(struct scan *scan);

// Takes this character if it is next.
bool scan_take(struct scan *scan, char c);

// Takes a name; empty when there is none.
struct capnp_text scan_name(struct scan *scan);

// Whether nothing follows but what could be the beginning of a name: it is still being typed.
bool scan_is_last(const struct scan *scan);

// The elements of the list that the scan stands in, behind its bracket. Moves nothing.
uint32_t scan_count_elements(const struct scan *scan);

// A number as it stands there, without its sign.
struct scan_number {
    bool whole;               // `size` is its value, if it is not `huge`
    bool huge;                // more than 64 bits
    uint64_t size;
    struct capnp_text digits; // decimal: of a whole number that was written so, or with point or exponent; else empty
};
[[nodiscard]] bool scan_number(struct scan *scan, struct scan_number *out);

// The text in quotes, and in further quotes behind it: how long it is; and its bytes into `to`, unless that is null.
[[nodiscard]] bool scan_string(struct scan *scan, char *to, size_t *len);

// The same of bytes in hexadecimal, behind 0x".
bool scan_is_bytes(const struct scan *scan);
[[nodiscard]] bool scan_bytes(struct scan *scan, uint8_t *to, size_t *len);
