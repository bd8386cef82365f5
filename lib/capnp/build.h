// Building a message, in memory that the caller gives.
//
//   struct capnp_builder builder;
//   capnp_builder_init(&builder, page, MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES);
//   struct log_record_builder record = log_record_init_root(&builder);  // generated code, over what is below
//   ...
//   TRY(capnp_builder_status(&builder));                                // builder.first.count words are the message
//
// Nothing here fails or blocks (except `grow`, if it does). When there is no room, what is returned is a *dead* reference
// (`data` or `at` null), on which everything does nothing, and the builder keeps the first error. References are values;
// they are good as long as the builder and its memory stay where they are, and their object is not overwritten: what
// is overwritten or cleared is zeroed, and its room is lost.
#pragma once

#include "lib/capnp/read.h"

// Gives memory for a further segment of at least so many words: sets words and capacity. It need not be zeroed. False
// when there is none.
typedef bool capnp_grow_fn(void *context, uint32_t min_words, struct capnp_segment *out);

constexpr uint32_t CAPNP_FEW_HANDLES = 4;

struct capnp_builder {
    struct capnp_message view; // what was built so far as its reader sees it; also keeps the error
    struct capnp_segment *segments;
    uint32_t segment_max;
    uint32_t handle_max; // at most 64
    handle_t *handles;   // the capability table
    uint64_t moved;      // bit i: handle i is given away with the message, not copied
    capnp_grow_fn *grow;
    void *context;
    struct capnp_segment first; // where `segments` points when there is but one
    handle_t few[CAPNP_FEW_HANDLES];
};

// A place where a pointer is.
struct capnp_pointer_builder {
    struct capnp_builder *builder;
    uint64_t *at;
    uint32_t segment;
};

// Always as large as its type says, or larger.
struct capnp_struct_builder {
    struct capnp_builder *builder;
    uint64_t *data; // the pointers follow
    uint32_t segment;
    uint16_t data_words;
    uint16_t pointers;
};

struct capnp_list_builder {
    struct capnp_builder *builder;
    uint8_t *data;
    uint32_t segment;
    uint32_t count;
    uint32_t step_bytes; // 0: bits, or nothing
    uint16_t data_words; // of an element, before its pointers
    uint16_t pointers;
    enum capnp_element element;
};

// A message of one segment in this memory, which is 8-byte aligned and need not be zeroed, with room for four handles.
void capnp_builder_init(struct capnp_builder *builder, void *memory, uint32_t word_count);

// The same that grows: up to `table_count` segments (at least 1), of which the table keeps the account.
void capnp_builder_init_growing(struct capnp_builder *builder, void *memory, uint32_t word_count,
                                struct capnp_segment *table, uint32_t table_count, capnp_grow_fn *grow, void *context);

// A message in one segment whose root is this struct, all defaults: the two of them fit into the memory.
struct capnp_struct_builder capnp_builder_init_struct(struct capnp_builder *builder, uint64_t *memory, uint32_t word_count,
                                                      uint16_t data_words, uint16_t pointers);

// The root of a message of which nothing was built yet: this struct, all defaults. As capnp_init_struct of capnp_init_root.
struct capnp_struct_builder capnp_build_root(struct capnp_builder *builder, uint16_t data_words, uint16_t pointers);

// Takes capabilities in this table, of at most 64, instead of the four. Before any is set.
void capnp_builder_handles(struct capnp_builder *builder, handle_t *table, uint32_t count);

// The first error, or STATUS_OK.
static inline status_t capnp_builder_status(const struct capnp_builder *builder) {
    return (status_t){builder->view.error};
}

// The root pointer, to be initialised. NO_SPACE when there is no memory at all.
struct capnp_pointer_builder capnp_init_root(struct capnp_builder *builder);

// ---- numbers: the place must lie in the struct's type, `byte` a multiple of the number's size ----

static inline void capnp_put_bool(struct capnp_struct_builder s, uint32_t bit, bool value) {
    if (s.data != nullptr) {
        uint8_t *byte = (uint8_t *)s.data + bit / 8;
        *byte = (uint8_t)((*byte & ~(1u << bit % 8)) | (unsigned)value << bit % 8);
    }
}

static inline void capnp_put_u8(struct capnp_struct_builder s, uint32_t byte, uint8_t value) {
    if (s.data != nullptr) {
        ((uint8_t *)s.data)[byte] = value;
    }
}

static inline void capnp_put_u16(struct capnp_struct_builder s, uint32_t byte, uint16_t value) {
    if (s.data != nullptr) {
        __builtin_memcpy(CAPNP_ALIGNED((uint8_t *)s.data + byte, value), &value, sizeof(value));
    }
}

static inline void capnp_put_u32(struct capnp_struct_builder s, uint32_t byte, uint32_t value) {
    if (s.data != nullptr) {
        __builtin_memcpy(CAPNP_ALIGNED((uint8_t *)s.data + byte, value), &value, sizeof(value));
    }
}

static inline void capnp_put_u64(struct capnp_struct_builder s, uint32_t byte, uint64_t value) {
    if (s.data != nullptr) {
        __builtin_memcpy(CAPNP_ALIGNED((uint8_t *)s.data + byte, value), &value, sizeof(value));
    }
}

// ---- pointers ----

// The index must lie in the struct's type.
static inline struct capnp_pointer_builder capnp_edit_pointer(struct capnp_struct_builder s, uint32_t index) {
    return (struct capnp_pointer_builder){
        .builder = s.builder,
        .at = s.data != nullptr ? s.data + s.data_words + index : nullptr,
        .segment = s.segment,
    };
}

// What the inline functions below call, so that a reference stays in registers. In each, `at` may be null.
struct capnp_struct_builder capnp_place_struct(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                               uint64_t shape);
struct capnp_struct_builder capnp_reach_struct(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                               uint64_t shape, const uint64_t *fallback);
uint8_t *capnp_place_bytes(struct capnp_builder *builder, uint64_t *at, uint32_t segment, uint64_t count,
                           const void *bytes, size_t len);
void capnp_place_handle(struct capnp_builder *builder, uint64_t *at, uint32_t segment, handle_t handle, bool move);
void capnp_wipe(struct capnp_builder *builder, uint64_t *at, uint32_t segment);

// The same value in a variable whose address no function has seen: the compiler then knows that what is stored in the
// message does not change it, and checks it once for all setters.
static inline struct capnp_struct_builder capnp_struct_in_registers(struct capnp_struct_builder s) {
    return (struct capnp_struct_builder){s.builder, s.data, s.segment, s.data_words, s.pointers};
}

// A new struct, all defaults.
static inline struct capnp_struct_builder capnp_init_struct(struct capnp_pointer_builder p, uint16_t data_words,
                                                            uint16_t pointers) {
    return capnp_struct_in_registers(capnp_place_struct(p.builder, p.at, p.segment, capnp_make_struct(data_words, pointers)));
}

// The struct that is there, enlarged if it is smaller than this; a copy of `fallback`, or a new one, when there is
// none. WRONG_KIND: something else is there.
static inline struct capnp_struct_builder capnp_edit_struct(struct capnp_pointer_builder p, uint16_t data_words,
                                                            uint16_t pointers, const uint64_t *fallback) {
    return capnp_struct_in_registers(
        capnp_reach_struct(p.builder, p.at, p.segment, capnp_make_struct(data_words, pointers), fallback));
}

// A copy of the text or the bytes, which may lie in this message.
static inline void capnp_set_text(struct capnp_pointer_builder p, struct capnp_text value) {
    capnp_place_bytes(p.builder, p.at, p.segment, value.len + 1ull, value.bytes, value.len);
}
static inline void capnp_set_data(struct capnp_pointer_builder p, struct capnp_data value) {
    capnp_place_bytes(p.builder, p.at, p.segment, value.len, value.bytes, value.len);
}

// So many zeros, and the NUL of a text, to be filled in. nullptr when there is no room.
static inline char *capnp_init_text(struct capnp_pointer_builder p, uint32_t len) {
    return (char *)capnp_place_bytes(p.builder, p.at, p.segment, len + 1ull, nullptr, 0);
}
static inline uint8_t *capnp_init_data(struct capnp_pointer_builder p, uint32_t len) {
    return capnp_place_bytes(p.builder, p.at, p.segment, len, nullptr, 0);
}

// The receiver gets a copy of the handle; with `give`, the handle itself. NO_HANDLES when the table is full. A handle
// that is 0 is null.
static inline void capnp_set_handle(struct capnp_pointer_builder p, handle_t handle) {
    capnp_place_handle(p.builder, p.at, p.segment, handle, false);
}
static inline void capnp_give_handle(struct capnp_pointer_builder p, handle_t handle) {
    capnp_place_handle(p.builder, p.at, p.segment, handle, true);
}

// In a pointer that is null: a capability that whoever built it puts into the table before the message goes, at the index that is
// returned; until then it is 0 there. It will be given. UINT32_MAX: the reference is dead, or the table full (NO_HANDLES).
static inline uint32_t capnp_reserve_handle(struct capnp_pointer_builder p) {
    if (p.at == nullptr) {
        return UINT32_MAX;
    }
    const uint32_t index = p.builder->view.handle_count;
    if (index == p.builder->handle_max) {
        capnp_fail(&p.builder->view, CAPNP_NO_HANDLES);
        return UINT32_MAX;
    }
    p.builder->handles[index] = (handle_t){};
    p.builder->moved |= 1ull << index;
    p.builder->view.handle_count = index + 1;
    *p.at = capnp_make_handle(index);
    return index;
}

// Null again. What was there is zeroed, to a depth of CAPNP_NESTING.
static inline void capnp_clear(struct capnp_pointer_builder p) {
    capnp_wipe(p.builder, p.at, p.segment);
}

// ---- as a reader sees it ----

static inline struct capnp_struct capnp_read_struct(struct capnp_struct_builder s) {
    return s.data == nullptr ? (struct capnp_struct){}
                             : (struct capnp_struct){
                                   .message = &s.builder->view,
                                   .data = (const uint8_t *)s.data,
                                   .place = (uint64_t)s.builder->view.nesting << 32 | s.segment,
                                   .data_bytes = s.data_words * 8u,
                                   .pointers = s.pointers,
                               };
}

static inline struct capnp_pointer capnp_read_pointer(struct capnp_pointer_builder p) {
    return p.at == nullptr ? (struct capnp_pointer){}
                           : (struct capnp_pointer){
                                 .message = &p.builder->view,
                                 .at = p.at,
                                 .place = (uint64_t)p.builder->view.nesting << 32 | p.segment,
                             };
}
