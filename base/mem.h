// The memory functions that the compiler calls on its own account, as in ISO C. A freestanding
// program links base/mem.c; an architecture may override each with a faster one (they are weak).
#pragma once

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
void *memchr(const void *bytes, int byte, size_t len);
