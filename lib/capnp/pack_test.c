// The packed form: the specification's own examples, and everything cut into pieces.
#include "lib/capnp/pack.h"

#include "base/test.h"
#include "lib/capnp/status.h"

static uint64_t words[2048], back[2048];
static uint8_t bytes[2048 * 10], whole[2048 * 10];

// Packs the words, compares, and unpacks again.
static void check_packed(const uint64_t *from, size_t count, const uint8_t *expected, size_t len) {
    size_t used = 0;
    REQUIRE(status_ok(capnp_pack_all(from, count, bytes, sizeof(bytes), &used)));
    CHECK_EQ(used, len);
    CHECK_MEM_EQ(bytes, expected, len);
    REQUIRE(status_ok(capnp_unpack_all(expected, len, back, 2048, &used)));
    CHECK_EQ(used, count);
    CHECK_MEM_EQ(back, from, count * 8);
}

#define WORDS(...) (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / 8
#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

TEST(the_examples_of_the_specification) {
    const uint64_t same = 0x8a8a'8a8a'8a8a'8a8a;
    check_packed(WORDS(0x0002'0003'0000'0008, 0x0000'01aa'0000'0019),
                 BYTES(0x51, 0x08, 0x03, 0x02, 0x31, 0x19, 0xaa, 0x01));
    check_packed(WORDS(0, 0, 0, 0), BYTES(0x00, 0x03));
    uint8_t literal[34] = {0xff};
    memset(literal + 1, 0x8a, 33);
    literal[9] = 3;
    check_packed(WORDS(same, same, same, same), literal, 34);
    check_packed(&same, 0, literal, 0);
}

TEST(runs_end_at_256) {
    for (uint64_t fill = 0; fill < 2; fill++) {
        for (size_t count = 254; count < 260; count++) {
            for (size_t i = 0; i < count; i++) {
                words[i] = fill * 0x0101'0101'0101'0101;
            }
            size_t used = 0, unpacked = 0;
            REQUIRE(status_ok(capnp_pack_all(words, count, bytes, sizeof(bytes), &used)));
            REQUIRE(status_ok(capnp_unpack_all(bytes, used, back, 2048, &unpacked)));
            CHECK_EQ(unpacked, count);
            CHECK_MEM_EQ(back, words, count * 8);
        }
    }
}

static uint64_t random_state = 88172645463325252ull;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void fill_random(size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t kind = next_random() % 4;
        words[i] = kind == 0 ? 0 : kind == 1 ? next_random() : next_random() >> next_random() % 64;
    }
}

TEST(in_pieces_of_any_size) {
    for (unsigned round = 0; round < 300; round++) {
        size_t count = next_random() % 600;
        fill_random(count);
        struct capnp_packer packer = {};
        const uint64_t *in = words;
        uint8_t *out = bytes;
        do {
            size_t in_piece = next_random() % 20, out_piece = next_random() % 40;
            size_t in_left = (size_t)(words + count - in);
            const uint64_t *in_end = in + (in_piece < in_left ? in_piece : in_left);
            uint8_t *out_end = out + out_piece;
            while (!capnp_pack(&packer, &in, in_end, &out, out_end)) {
                out_end = out + 1 + next_random() % 3;
            }
            CHECK(in == in_end && out <= out_end);
        } while (in != words + count);
        CHECK((uint64_t)(out - bytes) <= capnp_packed_bytes_max(count));
        struct capnp_unpacker unpacker = {};
        const uint8_t *from = bytes;
        uint64_t *to = back;
        bool done = false;
        while (!done) {
            size_t in_left = (size_t)(out - from), in_piece = next_random() % 30;
            const uint8_t *from_end = from + (in_piece < in_left ? in_piece : in_left);
            done = capnp_unpack(&unpacker, &from, from_end, &to, to + next_random() % 7) && from == out;
        }
        CHECK_EQ(to - back, (ptrdiff_t)count);
        CHECK_MEM_EQ(back, words, count * 8);
    }
}

TEST(cut_off_or_without_room) {
    fill_random(200);
    size_t used = 0, unpacked = 0;
    REQUIRE(status_ok(capnp_pack_all(words, 200, whole, sizeof(whole), &used)));
    for (size_t room = 0; room < used; room++) {
        CHECK_EQ(capnp_pack_all(words, 200, bytes, room, &unpacked).code, (uint32_t)CAPNP_NO_SPACE);
        CHECK_MEM_EQ(bytes, whole, room);
        status_t status = capnp_unpack_all(whole, room, back, 2048, &unpacked);
        CHECK(status_ok(status) ? unpacked < 200 : status.code == CAPNP_TRUNCATED);
    }
    for (size_t room = 0; room < 200; room++) {
        CHECK_EQ(capnp_unpack_all(whole, used, back, room, &unpacked).code, (uint32_t)CAPNP_NO_SPACE);
    }
}
