// The words of the encoding: what the bits of a pointer say (spec: Structs, Lists, Inter-Segment Pointers, Capabilities).
//
// Everything is little-endian, as are the machines that we have: words are used where they lie.
#pragma once

#include <stddef.h>
#include <stdint.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

enum capnp_kind : uint8_t {
    CAPNP_KIND_STRUCT = 0,
    CAPNP_KIND_LIST = 1,
    CAPNP_KIND_FAR = 2,
    CAPNP_KIND_OTHER = 3, // a capability, when all other bits of the lower half are 0
};

// How the elements of a list lie.
enum capnp_element : uint8_t {
    CAPNP_VOID = 0,
    CAPNP_BITS = 1,
    CAPNP_1_BYTE = 2,
    CAPNP_2_BYTES = 3,
    CAPNP_4_BYTES = 4,
    CAPNP_8_BYTES = 5,
    CAPNP_POINTERS = 6,
    CAPNP_STRUCTS = 7, // a tag word comes first
};

constexpr size_t CAPNP_WORD_BYTES = 8;
constexpr uint32_t CAPNP_COUNT_MAX = (1u << 29) - 1; // elements of a list, words of a struct list, words before a landing pad
constexpr uint64_t CAPNP_FAR_DOUBLE = 4;
constexpr uint64_t CAPNP_EMPTY_STRUCT = 0xffff'fffc; // offset -1: spec, Zero-sized structs

static inline enum capnp_kind capnp_word_kind(uint64_t word) {
    return (enum capnp_kind)(word & 3);
}

// Words from the end of the pointer to the object; of a tag, read without its sign, the number of elements.
static inline int32_t capnp_word_offset(uint64_t word) {
    return (int32_t)(uint32_t)word >> 2;
}
static inline uint32_t capnp_word_tag_count(uint64_t word) {
    return (uint32_t)word >> 2;
}

static inline uint16_t capnp_word_data_words(uint64_t word) {
    return (uint16_t)(word >> 32);
}
static inline uint16_t capnp_word_pointers(uint64_t word) {
    return (uint16_t)(word >> 48);
}
static inline uint32_t capnp_word_struct_words(uint64_t word) {
    return (uint32_t)capnp_word_data_words(word) + capnp_word_pointers(word);
}

static inline enum capnp_element capnp_word_element(uint64_t word) {
    return (enum capnp_element)(word >> 32 & 7);
}
static inline uint32_t capnp_word_count(uint64_t word) {
    return (uint32_t)(word >> 35);
}

static inline bool capnp_word_far_is_double(uint64_t word) {
    return (word & CAPNP_FAR_DOUBLE) != 0;
}
static inline uint32_t capnp_word_far_offset(uint64_t word) {
    return (uint32_t)word >> 3;
}
static inline uint32_t capnp_word_far_segment(uint64_t word) {
    return (uint32_t)(word >> 32);
}

static inline bool capnp_word_is_handle(uint64_t word) {
    return (uint32_t)word == CAPNP_KIND_OTHER;
}
static inline uint32_t capnp_word_handle(uint64_t word) {
    return (uint32_t)(word >> 32);
}

// The words that say the same: what a pointer says of its object, without the offset; and with it.
static inline uint64_t capnp_make_struct(uint16_t data_words, uint16_t pointers) {
    return CAPNP_KIND_STRUCT | (uint64_t)data_words << 32 | (uint64_t)pointers << 48;
}
static inline uint64_t capnp_make_list(enum capnp_element element, uint32_t count) {
    return CAPNP_KIND_LIST | (uint64_t)element << 32 | (uint64_t)count << 35;
}
static inline uint64_t capnp_make_offset(uint64_t word, int64_t offset) {
    return word | (uint32_t)offset << 2;
}
static inline uint64_t capnp_make_far(uint32_t segment, uint32_t pad_offset) {
    return CAPNP_KIND_FAR | (uint64_t)pad_offset << 3 | (uint64_t)segment << 32;
}
static inline uint64_t capnp_make_handle(uint32_t index) {
    return CAPNP_KIND_OTHER | (uint64_t)index << 32;
}

// Bytes from one element to the next, 0 for bits and nothing; and words of a whole list, for all but structs.
static inline uint32_t capnp_element_bytes(enum capnp_element element) {
    static const uint8_t bytes[] = {0, 0, 1, 2, 4, 8, 8, 0};
    return bytes[element];
}
static inline uint64_t capnp_element_words(enum capnp_element element, uint32_t count) {
    return element == CAPNP_BITS ? (count + 63ull) / 64 : ((uint64_t)count * capnp_element_bytes(element) + 7) / 8;
}
