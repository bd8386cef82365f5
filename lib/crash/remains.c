#include "lib/crash/remains.h"

#include "base/mem.h"

constexpr size_t WORDS = sizeof(struct remains) / sizeof(uint64_t);

void remains_put(struct remains_box *box, const struct remains *remains) {
    const uint64_t number = box->count + 1;
    uint64_t *published = &box->entries[number % REMAINS_BOXED].number;
    uint64_t *to = box->entries[number % REMAINS_BOXED].words;
    const uint8_t *from = (const uint8_t *)remains;
    __atomic_store_n(published, 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE); // who reads a word of the new one finds no number afterwards
    for (size_t i = 0; i < WORDS; i++) {
        uint64_t word;
        memcpy(&word, from + i * sizeof(word), sizeof(word));
        __atomic_store_n(&to[i], word, __ATOMIC_RELAXED);
    }
    __atomic_store_n(published, number, __ATOMIC_RELEASE);
    __atomic_store_n(&box->count, number, __ATOMIC_RELEASE);
}

uint64_t remains_count(const struct remains_box *box) {
    return __atomic_load_n(&box->count, __ATOMIC_ACQUIRE);
}

static void bound(struct remains *remains) {
    remains->name[NAME_BYTES - 1] = remains->program[NAME_BYTES - 1] = remains->reason[REMAINS_REASON_BYTES - 1] = '\0';
    remains->handle_count = remains->handle_count < REMAINS_HANDLES ? remains->handle_count : REMAINS_HANDLES;
    remains->stack_bytes = remains->stack_bytes < REMAINS_STACK_BYTES ? remains->stack_bytes : REMAINS_STACK_BYTES;
    for (size_t i = 0; i < remains->handle_count; i++) {
        remains->handles[i].name[NAME_BYTES - 1] = '\0';
    }
}

bool remains_read(const struct remains_box *box, uint64_t number, struct remains *out) {
    const uint64_t *published = &box->entries[number % REMAINS_BOXED].number;
    const uint64_t *from = box->entries[number % REMAINS_BOXED].words;
    uint8_t *to = (uint8_t *)out;
    if (number == 0 || __atomic_load_n(published, __ATOMIC_ACQUIRE) != number) {
        return false;
    }
    for (size_t i = 0; i < WORDS; i++) {
        const uint64_t word = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        memcpy(to + i * sizeof(word), &word, sizeof(word));
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(published, __ATOMIC_RELAXED) != number) {
        return false; // a younger one took its place meanwhile
    }
    bound(out);
    return true;
}
