// Builds and reads the message of speed.capnp, ROUNDS times: what is counted is in build() and sum().
#include <stdio.h>

#include "speed.capnp.h"

constexpr int ROUNDS = 1000;

static uint64_t words[512];

[[gnu::noinline]] static uint32_t build(uint64_t seed) {
    struct capnp_builder builder;
    capnp_builder_init(&builder, words, 512);
    struct speed_whole_builder whole = speed_whole_init_root(&builder);
    speed_whole_set_a(whole, seed);
    speed_whole_set_b(whole, seed + 1);
    speed_whole_set_c(whole, (int64_t)seed);
    speed_whole_set_d(whole, (uint32_t)seed);
    speed_whole_set_e(whole, 7);
    speed_whole_set_f(whole, -8);
    speed_whole_set_g(whole, 9);
    speed_whole_set_h(whole, -10);
    speed_whole_set_i(whole, 11);
    speed_whole_set_j(whole, -12);
    speed_whole_set_k(whole, true);
    speed_whole_set_l(whole, false);
    speed_whole_set_m(whole, true);
    speed_whole_set_n(whole, SPEED_KIND_ALL);
    speed_whole_set_o(whole, 1.5);
    speed_whole_set_p(whole, 2.5f);
    speed_whole_set_q(whole, seed * 3);
    speed_whole_set_name(whole, CAPNP_TEXT("a name of some length"));
    speed_whole_set_text(whole, CAPNP_TEXT("and a text that is a little longer than the name"));
    struct speed_part_list_builder parts = speed_whole_init_parts(whole, 10);
    for (uint32_t i = 0; i < 10; i++) {
        struct speed_part_builder part = speed_part_list_edit(parts, i);
        speed_part_set_id(part, seed + i);
        speed_part_set_size(part, i);
        speed_part_set_kind(part, SPEED_KIND_SOME);
        speed_part_set_good(part, true);
    }
    return builder.first.count;
}

[[gnu::noinline]] static uint64_t sum(uint32_t word_count) {
    struct capnp_message message;
    capnp_message_init(&message, words, word_count);
    struct speed_whole whole = speed_whole_root(&message);
    uint64_t sum = speed_whole_get_a(whole) + speed_whole_get_b(whole) + (uint64_t)speed_whole_get_c(whole);
    sum += speed_whole_get_d(whole) + speed_whole_get_e(whole) + (uint32_t)speed_whole_get_f(whole);
    sum += speed_whole_get_g(whole) + (uint16_t)speed_whole_get_h(whole) + speed_whole_get_i(whole);
    sum += (uint8_t)speed_whole_get_j(whole) + speed_whole_get_k(whole) + speed_whole_get_l(whole);
    sum += speed_whole_get_m(whole) + speed_whole_get_n(whole) + (uint64_t)speed_whole_get_o(whole);
    sum += (uint64_t)speed_whole_get_p(whole) + speed_whole_get_q(whole);
    sum += speed_whole_get_name(whole).len + speed_whole_get_text(whole).len;
    struct speed_part_list parts = speed_whole_get_parts(whole);
    for (uint32_t i = 0; i < speed_part_list_count(parts); i++) {
        struct speed_part part = speed_part_list_get(parts, i);
        sum += speed_part_get_id(part) + speed_part_get_size(part) + speed_part_get_kind(part) + speed_part_get_good(part);
    }
    return sum;
}

int main(void) {
    uint64_t total = 0;
    for (int i = 0; i < ROUNDS; i++) {
        total += sum(build((uint64_t)i));
    }
    printf("%llu\n", (unsigned long long)total);
    return 0;
}
