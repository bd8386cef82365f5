// Strings: the handful of ISO C functions that the tree uses, and bounded helpers that are better
// than the rest of them. A freestanding program gets the ISO ones from base/cstr.c (weak).
#pragma once

#include <stddef.h>
#include <stdint.h>

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t limit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t limit);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

static inline bool str_equal(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

bool str_starts_with(const char *s, const char *prefix);
bool str_ends_with(const char *s, const char *suffix);

// Copies as much as fits with its NUL into `to` of `size` bytes (at least 1), which is always
// terminated. False when something was cut off.
bool str_copy(char *to, size_t size, const char *from);

// The same from a run of bytes that has no NUL of its own; stops at a NUL if there is one.
bool str_copy_bytes(char *to, size_t size, const char *from, size_t len);

// Appends to the string already in `to`; false when something was cut off.
bool str_append(char *to, size_t size, const char *from);

// Whether `len` bytes hold a NUL, that is, may be handed to a function that wants a string.
bool str_is_terminated(const char *bytes, size_t len);

// In a line of words with spaces between them, the first that is `word` or begins with it and a '='. Gives what follows
// it (a space, the end or the '='); null when there is none.
const char *str_find_word(const char *line, const char *word);

// Reads the whole run of bytes as a number: decimal, or hexadecimal after 0x. False, with *out
// untouched, when it is empty, holds anything else, or does not fit.
[[nodiscard]] bool str_parse_u64(const char *bytes, size_t len, uint64_t *out);

// The ASCII classes, independent of any locale, defined for every int.
static inline bool char_is_digit(int c) {
    return c >= '0' && c <= '9';
}

static inline bool char_is_alpha(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool char_is_alnum(int c) {
    return char_is_alpha(c) || char_is_digit(c);
}

static inline bool char_is_space(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool char_is_print(int c) {
    return c >= ' ' && c <= '~';
}

static inline char char_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}
