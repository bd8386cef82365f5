// Lists under construction, one type for each kind of element, as in list.h:
//
//   struct capnp_u32_list_builder lines = log_record_init_lines(record, 3);
//   capnp_u32_list_set(lines, 0, 17);
//
// Setting an element that is not there does nothing, and the builder keeps BAD_INDEX. `edit` of a list that is null
// is an empty list. A list's length is fixed when it is made; capnp_trim_list cuts it.
#pragma once

#include "lib/capnp/build.h"
#include "lib/capnp/list.h"

struct capnp_list_builder capnp_place_list(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                           enum capnp_element element, uint32_t count);
struct capnp_list_builder capnp_place_struct_list(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                                  uint64_t shape, uint32_t count);
struct capnp_list_builder capnp_reach_list(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                           enum capnp_element element, uint64_t shape, const uint64_t *fallback);

// As capnp_struct_in_registers.
static inline struct capnp_list_builder capnp_list_in_registers(struct capnp_list_builder l) {
    return (struct capnp_list_builder){l.builder, l.data, l.segment, l.count, l.step_bytes, l.data_words, l.pointers,
                                       l.element};
}

// A new list of numbers or pointers, all 0. TOO_LARGE.
static inline struct capnp_list_builder capnp_init_list(struct capnp_pointer_builder p, enum capnp_element element,
                                                        uint32_t count) {
    return capnp_list_in_registers(capnp_place_list(p.builder, p.at, p.segment, element, count));
}

// A new list of structs, all defaults. TOO_LARGE.
static inline struct capnp_list_builder capnp_init_struct_list(struct capnp_pointer_builder p, uint16_t data_words,
                                                               uint16_t pointers, uint32_t count) {
    uint64_t shape = capnp_make_struct(data_words, pointers);
    return capnp_list_in_registers(capnp_place_struct_list(p.builder, p.at, p.segment, shape, count));
}

// The list that is there, a copy of `fallback`, or an empty one. WRONG_KIND.
static inline struct capnp_list_builder capnp_edit_list(struct capnp_pointer_builder p, enum capnp_element element,
                                                        const uint64_t *fallback) {
    return capnp_list_in_registers(capnp_reach_list(p.builder, p.at, p.segment, element, 0, fallback));
}

// The same of structs, which are made larger if they are smaller than this.
static inline struct capnp_list_builder capnp_edit_struct_list(struct capnp_pointer_builder p, uint16_t data_words,
                                                               uint16_t pointers, const uint64_t *fallback) {
    uint64_t shape = capnp_make_struct(data_words, pointers);
    return capnp_list_in_registers(capnp_reach_list(p.builder, p.at, p.segment, CAPNP_STRUCTS, shape, fallback));
}

// Shortens the list that is there to `count` elements; what is cut off is zeroed. When nothing was built since,
// its room is given back.
void capnp_trim_list(struct capnp_pointer_builder p, uint32_t count);

// Whether the list has this element; if not, the error is kept.
static inline bool capnp_list_builder_has(struct capnp_list_builder list, uint32_t index) {
    if (index < list.count) {
        return true;
    }
    if (list.builder != nullptr) {
        capnp_fail(&list.builder->view, CAPNP_BAD_INDEX);
    }
    return false;
}

// Where an element begins that the list has.
static inline uint8_t *capnp_list_edit_element(struct capnp_list_builder list, uint32_t index) {
    return list.data + (uint64_t)index * list.step_bytes;
}

static inline struct capnp_struct_builder capnp_list_edit_struct(struct capnp_list_builder list, uint32_t index) {
    if (!capnp_list_builder_has(list, index)) {
        return (struct capnp_struct_builder){};
    }
    uint64_t *data = (uint64_t *)(void *)capnp_list_edit_element(list, index);
    return (struct capnp_struct_builder){list.builder, data, list.segment, list.data_words, list.pointers};
}

static inline struct capnp_pointer_builder capnp_list_edit_pointer(struct capnp_list_builder list, uint32_t index) {
    if (!capnp_list_builder_has(list, index)) {
        return (struct capnp_pointer_builder){};
    }
    uint64_t *element = (uint64_t *)(void *)capnp_list_edit_element(list, index);
    return (struct capnp_pointer_builder){list.builder, element + list.data_words, list.segment};
}

static inline struct capnp_list capnp_read_list(struct capnp_list_builder list) {
    return list.data == nullptr
               ? (struct capnp_list){.element = list.element}
               : (struct capnp_list){
                     .message = &list.builder->view,
                     .data = list.data,
                     .place = (uint64_t)list.builder->view.nesting << 32 | list.segment,
                     .count = list.count,
                     .step_bytes = list.step_bytes,
                     .data_bytes = list.element == CAPNP_STRUCTS    ? list.data_words * 8u
                                   : list.element == CAPNP_POINTERS ? 0
                                                                    : list.step_bytes,
                     .pointers = list.pointers,
                     .element = list.element,
                 };
}

#define CAPNP_LIST_BUILDER(name, element) \
    struct capnp_##name##_list_builder { \
        struct capnp_list_builder list; \
    }; \
    static inline struct capnp_##name##_list_builder capnp_##name##_list_init_at(struct capnp_pointer_builder p, \
                                                                                 uint32_t count) { \
        return (struct capnp_##name##_list_builder){capnp_init_list(p, element, count)}; \
    } \
    static inline struct capnp_##name##_list_builder capnp_##name##_list_edit_or(struct capnp_pointer_builder p, \
                                                                                 const uint64_t *fallback) { \
        return (struct capnp_##name##_list_builder){capnp_edit_list(p, element, fallback)}; \
    } \
    static inline struct capnp_##name##_list_builder capnp_##name##_list_edit_at(struct capnp_pointer_builder p) { \
        return capnp_##name##_list_edit_or(p, nullptr); \
    } \
    static inline uint32_t capnp_##name##_list_builder_count(struct capnp_##name##_list_builder list) { \
        return list.list.count; \
    } \
    static inline struct capnp_##name##_list capnp_##name##_list_read(struct capnp_##name##_list_builder list) { \
        return (struct capnp_##name##_list){capnp_read_list(list.list)}; \
    }

#define CAPNP_NUMBER_LIST_BUILDER(name, type, element) \
    CAPNP_LIST_BUILDER(name, element) \
    static inline void capnp_##name##_list_set(struct capnp_##name##_list_builder list, uint32_t index, type value) { \
        if (capnp_list_builder_has(list.list, index)) { \
            __builtin_memcpy(CAPNP_ALIGNED(capnp_list_edit_element(list.list, index), value), &value, sizeof(value)); \
        } \
    }

CAPNP_NUMBER_LIST_BUILDER(u8, uint8_t, CAPNP_1_BYTE)
CAPNP_NUMBER_LIST_BUILDER(u16, uint16_t, CAPNP_2_BYTES)
CAPNP_NUMBER_LIST_BUILDER(u32, uint32_t, CAPNP_4_BYTES)
CAPNP_NUMBER_LIST_BUILDER(u64, uint64_t, CAPNP_8_BYTES)
CAPNP_NUMBER_LIST_BUILDER(i8, int8_t, CAPNP_1_BYTE)
CAPNP_NUMBER_LIST_BUILDER(i16, int16_t, CAPNP_2_BYTES)
CAPNP_NUMBER_LIST_BUILDER(i32, int32_t, CAPNP_4_BYTES)
CAPNP_NUMBER_LIST_BUILDER(i64, int64_t, CAPNP_8_BYTES)
CAPNP_NUMBER_LIST_BUILDER(f32, float, CAPNP_4_BYTES)
CAPNP_NUMBER_LIST_BUILDER(f64, double, CAPNP_8_BYTES)

static inline void capnp_f32_list_put_bits(struct capnp_f32_list_builder list, uint32_t index, uint32_t value) {
    capnp_u32_list_set((struct capnp_u32_list_builder){list.list}, index, value);
}
static inline void capnp_f64_list_put_bits(struct capnp_f64_list_builder list, uint32_t index, uint64_t value) {
    capnp_u64_list_set((struct capnp_u64_list_builder){list.list}, index, value);
}

CAPNP_LIST_BUILDER(void, CAPNP_VOID)

CAPNP_LIST_BUILDER(bool, CAPNP_BITS)
static inline void capnp_bool_list_set(struct capnp_bool_list_builder list, uint32_t index, bool value) {
    if (capnp_list_builder_has(list.list, index)) {
        uint8_t *byte = list.list.data + index / 8;
        *byte = (uint8_t)((*byte & ~(1u << index % 8)) | (unsigned)value << index % 8);
    }
}

CAPNP_LIST_BUILDER(pointer, CAPNP_POINTERS)
static inline struct capnp_pointer_builder capnp_pointer_list_edit(struct capnp_pointer_list_builder list,
                                                                   uint32_t index) {
    return capnp_list_edit_pointer(list.list, index);
}

CAPNP_LIST_BUILDER(text, CAPNP_POINTERS)
static inline void capnp_text_list_set(struct capnp_text_list_builder list, uint32_t index, struct capnp_text value) {
    capnp_set_text(capnp_list_edit_pointer(list.list, index), value);
}

CAPNP_LIST_BUILDER(data, CAPNP_POINTERS)
static inline void capnp_data_list_set(struct capnp_data_list_builder list, uint32_t index, struct capnp_data value) {
    capnp_set_data(capnp_list_edit_pointer(list.list, index), value);
}
