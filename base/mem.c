// Plain C memory functions: word-wise, no special instructions, no vector registers.
//
// no_builtin keeps the compiler from recognising these loops and calling the function it is in.
#include "base/mem.h"

#include <stdint.h>

// A word at any address; the compiler knows whether the machine can load it in one piece.
struct [[gnu::packed, gnu::may_alias]] word {
    uint64_t v;
};

constexpr size_t WORD = sizeof(struct word);
constexpr uintptr_t WORD_MASK = sizeof(struct word) - 1;

[[gnu::weak]] __attribute__((no_builtin)) void *memcpy(void *restrict to, const void *restrict from, size_t len) {
    unsigned char *out = to;
    const unsigned char *in = from;
    if (len >= 2 * WORD) {
        while (((uintptr_t)out & WORD_MASK) != 0) {
            *out++ = *in++;
            len--;
        }
        for (; len >= 4 * WORD; len -= 4 * WORD, out += 4 * WORD, in += 4 * WORD) {
            uint64_t a = ((const struct word *)in)[0].v;
            uint64_t b = ((const struct word *)in)[1].v;
            uint64_t c = ((const struct word *)in)[2].v;
            uint64_t d = ((const struct word *)in)[3].v;
            ((struct word *)out)[0].v = a;
            ((struct word *)out)[1].v = b;
            ((struct word *)out)[2].v = c;
            ((struct word *)out)[3].v = d;
        }
        for (; len >= WORD; len -= WORD, out += WORD, in += WORD) {
            ((struct word *)out)->v = ((const struct word *)in)->v;
        }
    }
    while (len-- != 0) {
        *out++ = *in++;
    }
    return to;
}

[[gnu::weak]] __attribute__((no_builtin)) void *memmove(void *to, const void *from, size_t len) {
    unsigned char *out = to;
    const unsigned char *in = from;
    if ((uintptr_t)out - (uintptr_t)in >= len) {
        // The destination does not begin inside the source: forwards is safe, word-wise too,
        // because each word is read before anything behind it is written.
        for (; len >= WORD; len -= WORD, out += WORD, in += WORD) {
            uint64_t word = ((const struct word *)in)->v;
            ((struct word *)out)->v = word;
        }
        while (len-- != 0) {
            *out++ = *in++;
        }
        return to;
    }
    for (; len >= WORD; len -= WORD) {
        uint64_t word = ((const struct word *)(in + len - WORD))->v;
        ((struct word *)(out + len - WORD))->v = word;
    }
    while (len-- != 0) {
        out[len] = in[len];
    }
    return to;
}

[[gnu::weak]] __attribute__((no_builtin)) void *memset(void *to, int byte, size_t len) {
    unsigned char *out = to;
    uint64_t pattern = (unsigned char)byte * UINT64_C(0x0101010101010101);
    if (len >= 2 * WORD) {
        while (((uintptr_t)out & WORD_MASK) != 0) {
            *out++ = (unsigned char)byte;
            len--;
        }
        for (; len >= 4 * WORD; len -= 4 * WORD, out += 4 * WORD) {
            ((struct word *)out)[0].v = pattern;
            ((struct word *)out)[1].v = pattern;
            ((struct word *)out)[2].v = pattern;
            ((struct word *)out)[3].v = pattern;
        }
        for (; len >= WORD; len -= WORD, out += WORD) {
            ((struct word *)out)->v = pattern;
        }
    }
    while (len-- != 0) {
        *out++ = (unsigned char)byte;
    }
    return to;
}

[[gnu::weak]] __attribute__((no_builtin)) int memcmp(const void *a, const void *b, size_t len) {
    const unsigned char *left = a;
    const unsigned char *right = b;
    while (len >= WORD && ((const struct word *)left)->v == ((const struct word *)right)->v) {
        left += WORD;
        right += WORD;
        len -= WORD;
    }
    for (; len != 0; len--, left++, right++) {
        if (*left != *right) {
            return *left < *right ? -1 : 1;
        }
    }
    return 0;
}

[[gnu::weak]] __attribute__((no_builtin)) void *memchr(const void *bytes, int byte, size_t len) {
    const unsigned char *in = bytes;
    for (; len != 0; len--, in++) {
        if (*in == (unsigned char)byte) {
            return (void *)(uintptr_t)in;
        }
    }
    return nullptr;
}
