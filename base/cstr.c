// The ISO C string functions of base/str.h, for programs that have no C library.
#include "base/str.h"

[[gnu::weak]] __attribute__((no_builtin)) size_t strlen(const char *s) {
    const char *end = s;
    while (*end != '\0') {
        end++;
    }
    return (size_t)(end - s);
}

[[gnu::weak]] __attribute__((no_builtin)) size_t strnlen(const char *s, size_t limit) {
    size_t len = 0;
    while (len < limit && s[len] != '\0') {
        len++;
    }
    return len;
}

[[gnu::weak]] __attribute__((no_builtin)) int strncmp(const char *a, const char *b, size_t limit) {
    for (; limit != 0; limit--, a++, b++) {
        if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        }
        if (*a == '\0') {
            break;
        }
    }
    return 0;
}

[[gnu::weak]] __attribute__((no_builtin)) int strcmp(const char *a, const char *b) {
    return strncmp(a, b, SIZE_MAX);
}

[[gnu::weak]] __attribute__((no_builtin)) char *strchr(const char *s, int c) {
    for (;; s++) {
        if (*s == (char)c) {
            return (char *)(uintptr_t)s;
        }
        if (*s == '\0') {
            return nullptr;
        }
    }
}

[[gnu::weak]] __attribute__((no_builtin)) char *strrchr(const char *s, int c) {
    const char *found = nullptr;
    for (;; s++) {
        if (*s == (char)c) {
            found = s;
        }
        if (*s == '\0') {
            return (char *)(uintptr_t)found;
        }
    }
}
