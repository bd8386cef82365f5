// Builds and reads the message of twenty.capnp a thousand times, for counting instructions; twenty.cpp does the same with
// the C++ library. The accessors are what the generator makes of the schema.
#include <stdio.h>

#include "lib/capnp/build_list.h"
#include "lib/capnp/list.h"

constexpr unsigned ROUNDS = 1000;
constexpr uint32_t WORDS = 512;
constexpr uint32_t ITEMS = 10;

struct twenty { struct capnp_struct s; };
struct twenty_builder { struct capnp_struct_builder s; };
struct item { struct capnp_struct s; };
struct item_builder { struct capnp_struct_builder s; };

#define NUMBER(type, name, c_type, bits, byte, fallback) \
    static inline c_type type##_get_##name(struct type from) { \
        return (c_type)(capnp_get_u##bits(from.s, byte) ^ (uint##bits##_t)(fallback)); \
    } \
    static inline void type##_set_##name(struct type##_builder to, c_type value) { \
        capnp_put_u##bits(to.s, byte, (uint##bits##_t)value ^ (uint##bits##_t)(fallback)); \
    }
#define FLAG(type, name, bit, fallback) \
    static inline bool type##_get_##name(struct type from) { \
        return capnp_get_bool(from.s, bit) ^ (fallback); \
    } \
    static inline void type##_set_##name(struct type##_builder to, bool value) { \
        capnp_put_bool(to.s, bit, value ^ (fallback)); \
    }

NUMBER(twenty, a, uint64_t, 64, 0, 0)
NUMBER(twenty, b, uint64_t, 64, 8, 0)
NUMBER(twenty, c, uint32_t, 32, 16, 0)
NUMBER(twenty, d, uint32_t, 32, 20, 0)
NUMBER(twenty, e, uint16_t, 16, 24, 0)
NUMBER(twenty, f, uint16_t, 16, 26, 0)
NUMBER(twenty, g, uint8_t, 8, 28, 0)
NUMBER(twenty, h, uint8_t, 8, 29, 0)
NUMBER(twenty, i, int64_t, 64, 32, 0)
NUMBER(twenty, j, int32_t, 32, 40, -1)
NUMBER(twenty, k, int16_t, 16, 30, 0)
FLAG(twenty, l, 352, false)
FLAG(twenty, m, 353, true)
NUMBER(twenty, n, uint64_t, 64, 48, 0)
NUMBER(twenty, o, uint32_t, 32, 56, 100)
NUMBER(twenty, p, uint64_t, 64, 64, 0)
NUMBER(twenty, q, uint32_t, 32, 60, 0)
NUMBER(item, id, uint64_t, 64, 0, 0)
NUMBER(item, weight, int32_t, 32, 8, 0)
NUMBER(item, kind, uint16_t, 16, 12, 0)
FLAG(item, flag, 112, false)

[[gnu::noinline]] static uint64_t consume(const uint64_t *words, uint32_t count) {
    struct capnp_message message;
    capnp_message_init(&message, words, count);
    struct twenty t = {capnp_struct_at(capnp_root(&message))};
    uint64_t sum = twenty_get_a(t) + twenty_get_b(t) + twenty_get_c(t) + twenty_get_d(t) + twenty_get_e(t) +
                   twenty_get_f(t) + twenty_get_g(t) + twenty_get_h(t) + (uint64_t)twenty_get_i(t) +
                   (uint64_t)twenty_get_j(t) + (uint64_t)twenty_get_k(t) + twenty_get_l(t) + twenty_get_m(t) +
                   twenty_get_n(t) + twenty_get_o(t) + twenty_get_p(t) + twenty_get_q(t);
    struct capnp_text name = capnp_text_at(capnp_get_pointer(t.s, 0));
    struct capnp_text text = capnp_text_at(capnp_get_pointer(t.s, 1));
    sum += name.len + (uint8_t)name.bytes[0] + text.len + (uint8_t)text.bytes[0];
    struct capnp_list items = capnp_list_at(capnp_get_pointer(t.s, 2), CAPNP_STRUCTS);
    for (uint32_t i = 0; i < items.count; i++) {
        struct item item = {capnp_list_struct(items, i)};
        sum += item_get_id(item) + (uint64_t)item_get_weight(item) + item_get_kind(item) + item_get_flag(item);
    }
    return status_ok(capnp_status(&message)) ? sum : 0;
}

[[gnu::noinline]] static uint64_t build_and_consume(uint64_t *memory, uint64_t x, struct capnp_text name,
                                                    struct capnp_text text) {
    struct capnp_builder builder;
    capnp_builder_init(&builder, memory, WORDS);
    struct twenty_builder t = {capnp_init_struct(capnp_init_root(&builder), 9, 3)};
    twenty_set_a(t, x);
    twenty_set_b(t, x + 1);
    twenty_set_c(t, (uint32_t)x + 2);
    twenty_set_d(t, (uint32_t)x + 3);
    twenty_set_e(t, (uint16_t)(x + 4));
    twenty_set_f(t, (uint16_t)(x + 5));
    twenty_set_g(t, (uint8_t)(x + 6));
    twenty_set_h(t, (uint8_t)(x + 7));
    twenty_set_i(t, (int64_t)x);
    twenty_set_j(t, (int32_t)x);
    twenty_set_k(t, (int16_t)x);
    twenty_set_l(t, (x & 1) != 0);
    twenty_set_m(t, (x & 2) != 0);
    twenty_set_n(t, x);
    twenty_set_o(t, (uint32_t)x);
    twenty_set_p(t, x);
    twenty_set_q(t, (uint32_t)x);
    capnp_set_text(capnp_edit_pointer(t.s, 0), name);
    capnp_set_text(capnp_edit_pointer(t.s, 1), text);
    struct capnp_list_builder items = capnp_init_struct_list(capnp_edit_pointer(t.s, 2), 2, 0, ITEMS);
    for (uint32_t i = 0; i < ITEMS; i++) {
        struct item_builder item = {capnp_list_edit_struct(items, i)};
        item_set_id(item, x + i);
        item_set_weight(item, (int32_t)i);
        item_set_kind(item, (uint16_t)i);
        item_set_flag(item, (i & 1) != 0);
    }
    return status_ok(capnp_builder_status(&builder)) ? consume(memory, builder.first.count) : 0;
}

int main(void) {
    static uint64_t memory[WORDS];
    uint64_t total = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        total += build_and_consume(memory, i, CAPNP_TEXT("a name"), CAPNP_TEXT("some text that is longer"));
    }
    printf("%llu\n", (unsigned long long)total);
}
