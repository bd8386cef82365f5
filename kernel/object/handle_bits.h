// The arithmetic of handles and slots: how a handle is made of an index and a generation, where its slot lies, and
// what a slot's word says.
//
// C11, and proved (docs/concepts/proofs.md). Written with / and % by powers of two, which are the same shifts and
// masks to a compiler, and which a prover understands.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    HANDLE_INDICES = 0x10000,
    HANDLE_GENERATIONS = 0x10000,
    HANDLE_CHUNK_SLOTS = 64, // slots of a page-sized chunk; the first is its header, so 63 hold handles
};

/*@ ensures \result == handle % HANDLE_INDICES;
    assigns \nothing;
*/
static inline uint32_t handle_index(uint64_t handle) {
    return (uint32_t)(handle % HANDLE_INDICES);
}

/*@ ensures \result == handle / HANDLE_INDICES;
    ensures \result < HANDLE_GENERATIONS;
    assigns \nothing;
*/
static inline uint32_t handle_generation(uint32_t handle) {
    return handle / HANDLE_INDICES;
}

// A handle of a generation other than 0 is not 0, and both parts can be had back from it.
/*@ requires generation < HANDLE_GENERATIONS;
    requires index < HANDLE_INDICES;
    ensures \result == generation * HANDLE_INDICES + index;
    ensures \result % HANDLE_INDICES == index;
    ensures \result / HANDLE_INDICES == generation;
    ensures generation != 0 ==> \result != 0;
    assigns \nothing;
*/
static inline uint32_t handle_make(uint32_t generation, uint32_t index) {
    return generation * HANDLE_INDICES + index;
}

// Generations run from 1 to the last and over again: 0 is none, so that 0 is no handle.
/*@ requires generation < HANDLE_GENERATIONS;
    ensures 0 < \result < HANDLE_GENERATIONS;
    ensures generation < HANDLE_GENERATIONS - 1 ==> \result == generation + 1;
    ensures generation == HANDLE_GENERATIONS - 1 ==> \result == 1;
    assigns \nothing;
*/
static inline uint32_t handle_next_generation(uint32_t generation) {
    return generation == HANDLE_GENERATIONS - 1 ? 1 : generation + 1;
}

/*@ ensures \result == index / HANDLE_CHUNK_SLOTS;
    ensures index < HANDLE_INDICES ==> \result < HANDLE_INDICES / HANDLE_CHUNK_SLOTS;
    ensures \forall integer slots; slots % HANDLE_CHUNK_SLOTS == 0 ==> index < slots ==>
            \result < slots / HANDLE_CHUNK_SLOTS;
    assigns \nothing;
*/
static inline uint32_t handle_chunk(uint32_t index) {
    return index / HANDLE_CHUNK_SLOTS;
}

/*@ ensures \result < HANDLE_CHUNK_SLOTS;
    ensures index / HANDLE_CHUNK_SLOTS * HANDLE_CHUNK_SLOTS + \result == index;
    assigns \nothing;
*/
static inline uint32_t handle_slot_in_chunk(uint32_t index) {
    return index % HANDLE_CHUNK_SLOTS;
}

// A slot's word: type in bits 24..31, origin in 20..23, rights below.
enum { SLOT_RIGHTS_END = 0x100000, SLOT_ORIGIN_END = 16, SLOT_TYPE_END = 256, SLOT_TYPE_UNIT = 0x1000000 };

/*@ requires type < SLOT_TYPE_END;
    requires origin < SLOT_ORIGIN_END;
    requires rights < SLOT_RIGHTS_END;
    ensures \result / SLOT_TYPE_UNIT == type;
    ensures \result / SLOT_RIGHTS_END % SLOT_ORIGIN_END == origin;
    ensures \result % SLOT_RIGHTS_END == rights;
    assigns \nothing;
*/
static inline uint32_t slot_word(uint32_t type, uint32_t origin, uint32_t rights) {
    return type * SLOT_TYPE_UNIT + origin * SLOT_RIGHTS_END + rights;
}

/*@ ensures \result == word / SLOT_TYPE_UNIT;
    ensures \result < SLOT_TYPE_END;
    assigns \nothing;
*/
static inline uint32_t slot_word_type(uint32_t word) {
    return word / SLOT_TYPE_UNIT;
}

/*@ ensures \result == word / SLOT_RIGHTS_END % SLOT_ORIGIN_END;
    assigns \nothing;
*/
static inline uint32_t slot_word_origin(uint32_t word) {
    return word / SLOT_RIGHTS_END % SLOT_ORIGIN_END;
}

/*@ ensures \result == word % SLOT_RIGHTS_END;
    assigns \nothing;
*/
static inline uint32_t slot_word_rights(uint32_t word) {
    return word % SLOT_RIGHTS_END;
}
