// Builds and reads the message of twenty.capnp a thousand times, for counting instructions; twenty.cpp does the same with
// the C++ library. The accessors are the generator's.
#include <stdio.h>

#include "twenty.capnp.h"

constexpr unsigned ROUNDS = 1000;
constexpr uint32_t WORDS = 512;
constexpr uint32_t ITEMS = 10;

[[gnu::noinline]] static uint64_t consume(const uint64_t *words, uint32_t count) {
    struct capnp_message message;
    capnp_message_init(&message, words, count);
    struct twenty t = twenty_root(&message);
    uint64_t sum = twenty_get_a(t) + twenty_get_b(t) + twenty_get_c(t) + twenty_get_d(t) + twenty_get_e(t) +
                   twenty_get_f(t) + twenty_get_g(t) + twenty_get_h(t) + (uint64_t)twenty_get_i(t) +
                   (uint64_t)twenty_get_j(t) + (uint64_t)twenty_get_k(t) + twenty_get_l(t) + twenty_get_m(t) +
                   twenty_get_n(t) + twenty_get_o(t) + twenty_get_p(t) + twenty_get_q(t);
    struct capnp_text name = twenty_get_name(t);
    struct capnp_text text = twenty_get_text(t);
    sum += name.len + (uint8_t)name.bytes[0] + text.len + (uint8_t)text.bytes[0];
    struct twenty_item_list items = twenty_get_items(t);
    for (uint32_t i = 0; i < twenty_item_list_count(items); i++) {
        struct twenty_item item = twenty_item_list_get(items, i);
        sum += twenty_item_get_id(item) + (uint64_t)twenty_item_get_weight(item) + twenty_item_get_kind(item) +
               twenty_item_get_flag(item);
    }
    return status_ok(capnp_status(&message)) ? sum : 0;
}

[[gnu::noinline]] static uint64_t build_and_consume(uint64_t *memory, uint64_t x, struct capnp_text name,
                                                    struct capnp_text text) {
    struct capnp_builder builder;
    capnp_builder_init(&builder, memory, WORDS);
    struct twenty_builder t = twenty_init_root(&builder);
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
    twenty_set_name(t, name);
    twenty_set_text(t, text);
    struct twenty_item_list_builder items = twenty_init_items(t, ITEMS);
    for (uint32_t i = 0; i < ITEMS; i++) {
        struct twenty_item_builder item = twenty_item_list_edit(items, i);
        twenty_item_set_id(item, x + i);
        twenty_item_set_weight(item, (int32_t)i);
        twenty_item_set_kind(item, (uint16_t)i);
        twenty_item_set_flag(item, (i & 1) != 0);
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
