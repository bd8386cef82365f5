// Lists as they are read, one type for each kind of element:
//
//   struct capnp_u32_list lines = capnp_u32_list_at(pointer);
//   for (uint32_t i = 0; i < capnp_u32_list_count(lines); i++) { ... capnp_u32_list_get(lines, i) ... }
//
// An element that is not there reads as 0, "" or null, and the message keeps BAD_INDEX. A list of lists, of
// capabilities or of anything is a capnp_pointer_list. All of {} is an empty list.
#pragma once

#include "lib/capnp/read.h"

// Whether the list has this element; if not, the error is kept.
static inline bool capnp_list_has(struct capnp_list list, uint32_t index) {
    if (index < list.count) {
        return true;
    }
    capnp_fail(list.message, CAPNP_BAD_INDEX);
    return false;
}

// Where an element begins that the list has.
static inline const uint8_t *capnp_list_element(struct capnp_list list, uint32_t index) {
    return list.data + (uint64_t)index * list.step_bytes;
}

// Of a list that was read with CAPNP_STRUCTS.
static inline struct capnp_struct capnp_list_struct(struct capnp_list list, uint32_t index) {
    if (!capnp_list_has(list, index)) {
        return (struct capnp_struct){};
    }
    return (struct capnp_struct){list.message, capnp_list_element(list, index), list.place, list.data_bytes,
                                 list.pointers};
}

// Of a list that was read with CAPNP_POINTERS.
static inline struct capnp_pointer capnp_list_pointer(struct capnp_list list, uint32_t index) {
    if (!capnp_list_has(list, index)) {
        return (struct capnp_pointer){.message = list.message};
    }
    const void *at = capnp_list_element(list, index) + list.data_bytes;
    return (struct capnp_pointer){.message = list.message, .at = at, .place = list.place};
}

#define CAPNP_LIST(name, element) \
    struct capnp_##name##_list { \
        struct capnp_list list; \
    }; \
    static inline struct capnp_##name##_list capnp_##name##_list_or(struct capnp_pointer p, const uint64_t *fallback) { \
        return (struct capnp_##name##_list){capnp_list_or(p, element, fallback)}; \
    } \
    static inline struct capnp_##name##_list capnp_##name##_list_at(struct capnp_pointer p) { \
        return capnp_##name##_list_or(p, nullptr); \
    } \
    static inline uint32_t capnp_##name##_list_count(struct capnp_##name##_list list) { \
        return list.list.count; \
    }

#define CAPNP_NUMBER_LIST(name, type, element) \
    CAPNP_LIST(name, element) \
    static inline type capnp_##name##_list_get(struct capnp_##name##_list list, uint32_t index) { \
        type value = 0; \
        if (capnp_list_has(list.list, index)) { \
            __builtin_memcpy(&value, CAPNP_ALIGNED(capnp_list_element(list.list, index), value), sizeof(value)); \
        } \
        return value; \
    }

CAPNP_NUMBER_LIST(u8, uint8_t, CAPNP_1_BYTE)
CAPNP_NUMBER_LIST(u16, uint16_t, CAPNP_2_BYTES)
CAPNP_NUMBER_LIST(u32, uint32_t, CAPNP_4_BYTES)
CAPNP_NUMBER_LIST(u64, uint64_t, CAPNP_8_BYTES)
CAPNP_NUMBER_LIST(i8, int8_t, CAPNP_1_BYTE)
CAPNP_NUMBER_LIST(i16, int16_t, CAPNP_2_BYTES)
CAPNP_NUMBER_LIST(i32, int32_t, CAPNP_4_BYTES)
CAPNP_NUMBER_LIST(i64, int64_t, CAPNP_8_BYTES)
CAPNP_NUMBER_LIST(f32, float, CAPNP_4_BYTES)
CAPNP_NUMBER_LIST(f64, double, CAPNP_8_BYTES)

// The bits of a float, for programs that have no floating-point registers.
static inline uint32_t capnp_f32_list_bits(struct capnp_f32_list list, uint32_t index) {
    return capnp_u32_list_get((struct capnp_u32_list){list.list}, index);
}
static inline uint64_t capnp_f64_list_bits(struct capnp_f64_list list, uint32_t index) {
    return capnp_u64_list_get((struct capnp_u64_list){list.list}, index);
}

CAPNP_LIST(void, CAPNP_VOID)

CAPNP_LIST(bool, CAPNP_BITS)
static inline bool capnp_bool_list_get(struct capnp_bool_list list, uint32_t index) {
    return capnp_list_has(list.list, index) && (list.list.data[index / 8] >> index % 8 & 1) != 0;
}

CAPNP_LIST(pointer, CAPNP_POINTERS)
static inline struct capnp_pointer capnp_pointer_list_get(struct capnp_pointer_list list, uint32_t index) {
    return capnp_list_pointer(list.list, index);
}

CAPNP_LIST(text, CAPNP_POINTERS)
static inline struct capnp_text capnp_text_list_get(struct capnp_text_list list, uint32_t index) {
    return capnp_text_at(capnp_list_pointer(list.list, index));
}

CAPNP_LIST(data, CAPNP_POINTERS)
static inline struct capnp_data capnp_data_list_get(struct capnp_data_list list, uint32_t index) {
    return capnp_data_at(capnp_list_pointer(list.list, index));
}
