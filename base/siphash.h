// SipHash-2-4 (Aumasson and Bernstein, 2012) over whole 64-bit words: a keyed function whose values nobody can
// guess or tell from chance without the key.
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const uint64_t *words, size_t count);
