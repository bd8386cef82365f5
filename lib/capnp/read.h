// Reading a message where it lies.
//
//   struct capnp_message message;
//   capnp_message_init(&message, page, page_bytes / CAPNP_WORD_BYTES);
//   struct log_record record = log_record_root(&message);   // generated code, over what is below
//   ...
//   TRY(capnp_status(&message));
//
// Nothing here fails, allocates or blocks. Whatever is malformed reads as its default, and the message keeps the first
// error. References are values that point into the message: they are good as long as its memory and its `struct
// capnp_message` stay where they are. Who must not be able to change the memory meanwhile is whoever sent it: what another
// process may still write to is copied first. (It could not make a reader leave the message, but break a text's end.)
//
// A reference whose `message` is null is to trusted words of the program itself: constants, defaults.
#pragma once

#include "lib/capnp/status.h"
#include "lib/capnp/word.h"

// A part of a message; 8-byte aligned, never null. A reader does not write to it.
struct capnp_segment {
    uint64_t *words;
    uint32_t count;    // words in use
    uint32_t capacity; // words there are; only builders look at it
};

struct capnp_message {
    const struct capnp_segment *segments;
    uint32_t segment_count;
    uint32_t error;              // enum capnp_status; 0: none so far
    uint64_t traversal_words;    // how much may still be read
    uint32_t nesting;            // how many pointers may be followed one below the other
    uint32_t handle_count;
    const handle_t *handles;     // the capability table; borrowed
    struct capnp_segment single; // where `segments` points when there is but one
};

constexpr uint32_t CAPNP_NESTING = 64;
constexpr uint64_t CAPNP_TRAVERSAL_FACTOR = 8;
constexpr uint64_t CAPNP_TRAVERSAL_WORDS = 4096;

// NUL-terminated, `len` without the NUL; other NULs may be in it, and whether it is UTF-8 nobody has looked.
struct capnp_text {
    const char *bytes;
    size_t len;
};

struct capnp_data {
    const uint8_t *bytes;
    size_t len;
};

#define CAPNP_TEXT(literal) ((struct capnp_text){"" literal, sizeof(literal) - 1})

// A place where a pointer is. `at` null: there is none, it reads as null. `place`: its segment in the lower half, how many
// pointers may be followed from here in the upper.
struct capnp_pointer {
    struct capnp_message *message;
    const uint64_t *at;
    uint64_t place;
};

// The pointers follow the data.
struct capnp_struct {
    struct capnp_message *message;
    const uint8_t *data;
    uint64_t place;
    uint32_t data_bytes; // a multiple of 8, except for an element of a list of numbers
    uint16_t pointers;
};

// Elements are `step_bytes` apart, and each has so much data, then so many pointers.
struct capnp_list {
    struct capnp_message *message;
    const uint8_t *data;
    uint64_t place;
    uint32_t count;
    uint32_t step_bytes; // 0: bits, or nothing
    uint32_t data_bytes;
    uint16_t pointers;
    enum capnp_element element; // as it is in the message
};

// A message of one segment; `words` is 8-byte aligned. With the usual limits and no capabilities; change the fields for
// others. When it is empty, capnp_root finds OUT_OF_BOUNDS; when it is not aligned, BAD_POINTER.
void capnp_message_init(struct capnp_message *message, const void *words, uint32_t word_count);

// The same of several; the table is borrowed.
void capnp_message_init_segments(struct capnp_message *message, const struct capnp_segment *segments, uint32_t count);

// The first error, or STATUS_OK.
static inline status_t capnp_status(const struct capnp_message *message) {
    return (status_t){message->error};
}

// Keeps the error if it is the first. `message` may be null.
void capnp_fail(struct capnp_message *message, enum capnp_status error);

struct capnp_pointer capnp_root(struct capnp_message *message);

static inline struct capnp_pointer capnp_constant(const uint64_t *words) {
    return (struct capnp_pointer){.at = words, .place = UINT64_MAX << 32};
}

// The string must be terminated and outlive the value.
struct capnp_text capnp_text(const char *string);

// ---- numbers: 0 or false outside what the sender knew of the struct; the caller XORs with the default ----
//
// `byte` is a multiple of the number's size, as in every schema: so is then the address, which not every machine could load
// from otherwise.
#define CAPNP_ALIGNED(address, value) __builtin_assume_aligned(address, sizeof(value))

static inline bool capnp_get_bool(struct capnp_struct s, uint32_t bit) {
    return bit / 8 < s.data_bytes && (s.data[bit / 8] >> bit % 8 & 1) != 0;
}

static inline uint8_t capnp_get_u8(struct capnp_struct s, uint32_t byte) {
    return byte < s.data_bytes ? s.data[byte] : 0;
}

static inline uint16_t capnp_get_u16(struct capnp_struct s, uint32_t byte) {
    uint16_t value = 0;
    if (byte + sizeof(value) <= s.data_bytes) {
        __builtin_memcpy(&value, CAPNP_ALIGNED(s.data + byte, value), sizeof(value));
    }
    return value;
}

static inline uint32_t capnp_get_u32(struct capnp_struct s, uint32_t byte) {
    uint32_t value = 0;
    if (byte + sizeof(value) <= s.data_bytes) {
        __builtin_memcpy(&value, CAPNP_ALIGNED(s.data + byte, value), sizeof(value));
    }
    return value;
}

static inline uint64_t capnp_get_u64(struct capnp_struct s, uint32_t byte) {
    uint64_t value = 0;
    if (byte + sizeof(value) <= s.data_bytes) {
        __builtin_memcpy(&value, CAPNP_ALIGNED(s.data + byte, value), sizeof(value));
    }
    return value;
}

// Only for programs that have floating-point registers.
static inline float capnp_f32(uint32_t bits) {
    float value;
    __builtin_memcpy(&value, &bits, sizeof(value));
    return value;
}
static inline double capnp_f64(uint64_t bits) {
    double value;
    __builtin_memcpy(&value, &bits, sizeof(value));
    return value;
}
static inline uint32_t capnp_f32_bits(float value) {
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof(bits));
    return bits;
}
static inline uint64_t capnp_f64_bits(double value) {
    uint64_t bits;
    __builtin_memcpy(&bits, &value, sizeof(bits));
    return bits;
}

// ---- pointers ----

static inline struct capnp_pointer capnp_get_pointer(struct capnp_struct s, uint32_t index) {
    return (struct capnp_pointer){
        .message = s.message,
        .at = index < s.pointers ? (const uint64_t *)(const void *)(s.data + s.data_bytes) + index : nullptr,
        .place = s.place,
    };
}

static inline bool capnp_is_null(struct capnp_pointer p) {
    return p.at == nullptr || *p.at == 0;
}

static inline bool capnp_has(struct capnp_struct s, uint32_t index) {
    return !capnp_is_null(capnp_get_pointer(s, index));
}

// What the inline functions below call, so that a reference stays in registers. In each, `at` may be null.
struct capnp_struct capnp_follow_struct(struct capnp_message *message, const uint64_t *at, uint64_t place,
                                        const uint64_t *fallback);
struct capnp_list capnp_follow_list(struct capnp_message *message, const uint64_t *at, uint64_t place,
                                    enum capnp_element want, const uint64_t *fallback);
struct capnp_data capnp_follow_blob(struct capnp_message *message, const uint64_t *at, uint64_t place, bool is_text);
handle_t capnp_follow_handle(struct capnp_message *message, const uint64_t *at);

// The struct; when null or malformed that of `fallback` (words of a trusted message, or nullptr: all defaults).
static inline struct capnp_struct capnp_struct_or(struct capnp_pointer p, const uint64_t *fallback) {
    return capnp_follow_struct(p.message, p.at, p.place, fallback);
}
static inline struct capnp_struct capnp_struct_at(struct capnp_pointer p) {
    return capnp_struct_or(p, nullptr);
}

// The list; when null or malformed that of `fallback`, or an empty one. Its elements lie as wanted; or it is a list of
// structs, whose first fields are taken; or structs are wanted, and it has numbers or pointers, each taken for the first
// field of a struct (spec, Lists; not so with bits).
static inline struct capnp_list capnp_list_or(struct capnp_pointer p, enum capnp_element want, const uint64_t *fallback) {
    return capnp_follow_list(p.message, p.at, p.place, want, fallback);
}
static inline struct capnp_list capnp_list_at(struct capnp_pointer p, enum capnp_element want) {
    return capnp_list_or(p, want, nullptr);
}

static inline struct capnp_text capnp_text_or(struct capnp_pointer p, struct capnp_text fallback) {
    struct capnp_data found = capnp_follow_blob(p.message, p.at, p.place, true);
    return found.bytes == nullptr ? fallback : (struct capnp_text){(const char *)found.bytes, found.len};
}
static inline struct capnp_text capnp_text_at(struct capnp_pointer p) {
    return capnp_text_or(p, CAPNP_TEXT(""));
}

static inline struct capnp_data capnp_data_or(struct capnp_pointer p, struct capnp_data fallback) {
    struct capnp_data found = capnp_follow_blob(p.message, p.at, p.place, false);
    return found.bytes == nullptr ? fallback : found;
}
// `bytes` may be null when it is empty.
static inline struct capnp_data capnp_data_at(struct capnp_pointer p) {
    return capnp_follow_blob(p.message, p.at, p.place, false);
}

// A handle of the message's table, borrowed; 0 when null.
static inline handle_t capnp_handle_at(struct capnp_pointer p) {
    return capnp_follow_handle(p.message, p.at);
}

bool capnp_text_equal(struct capnp_text a, struct capnp_text b);
