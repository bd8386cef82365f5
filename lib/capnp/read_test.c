// Messages word by word: what is well-formed, and everything that is not.
#include "lib/capnp/read.h"

#include "base/test.h"
#include "lib/capnp/list.h"
#include "lib/capnp/word.h"

static struct capnp_message message;

static struct capnp_pointer open_words(const uint64_t *words, uint32_t count) {
    capnp_message_init(&message, words, count);
    return capnp_root(&message);
}

#define OPEN(...) open_words((const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / 8)
#define STRUCT(offset, data, pointers) capnp_make_offset(capnp_make_struct(data, pointers), offset)
#define LIST(offset, element, count) capnp_make_offset(capnp_make_list(element, count), offset)
#define CHECK_ERROR(expected) CHECK_EQ(capnp_status(&message).code, (uint32_t)(expected))

TEST(numbers_and_what_the_sender_did_not_know) {
    struct capnp_struct s = capnp_struct_at(OPEN(STRUCT(0, 1, 0), 0x8877'6655'4433'2211));
    CHECK_EQ(capnp_get_u8(s, 7), 0x88);
    CHECK_EQ(capnp_get_u16(s, 2), 0x4433);
    CHECK_EQ(capnp_get_u32(s, 4), 0x88776655u);
    CHECK_EQ(capnp_get_u64(s, 0), 0x8877'6655'4433'2211);
    CHECK(capnp_get_bool(s, 0) && !capnp_get_bool(s, 1) && capnp_get_bool(s, 63));
    CHECK_EQ(capnp_get_u8(s, 8), 0);
    CHECK_EQ(capnp_get_u16(s, 8), 0);
    CHECK_EQ(capnp_get_u32(s, 8), 0);
    CHECK_EQ(capnp_get_u64(s, 8), 0);
    CHECK_EQ(capnp_get_u64(s, UINT32_MAX - 7), 0);
    CHECK(!capnp_get_bool(s, 64) && !capnp_has(s, 0));
    CHECK_ERROR(0);
}

TEST(null_empty_and_zero_sized) {
    CHECK_EQ(capnp_struct_at(OPEN(0)).data_bytes, 0);
    CHECK_EQ(capnp_struct_at(OPEN(CAPNP_EMPTY_STRUCT)).data_bytes, 0);
    CHECK_ERROR(0);
    CHECK(capnp_is_null((struct capnp_pointer){}));
    CHECK_EQ(capnp_text_at((struct capnp_pointer){}).len, 0);
    CHECK_STR_EQ(capnp_text_at((struct capnp_pointer){}).bytes, "");
    CHECK_EQ(capnp_list_at((struct capnp_pointer){}, CAPNP_BITS).count, 0);
    CHECK_EQ(capnp_handle_at((struct capnp_pointer){}).v, 0);
    OPEN();
    CHECK_ERROR(CAPNP_OUT_OF_BOUNDS);
    capnp_message_init(&message, (const char *)(uint64_t[2]){} + 4, 1);
    CHECK_ERROR(CAPNP_BAD_POINTER);
}

TEST(a_pointer_stays_in_its_segment) {
    CHECK_EQ(capnp_struct_at(OPEN(STRUCT(0, 1, 1), 7, 0)).pointers, 1);
    CHECK_ERROR(0);
    capnp_struct_at(OPEN(STRUCT(0, 1, 1), 7));
    CHECK_ERROR(CAPNP_OUT_OF_BOUNDS);
    capnp_struct_at(OPEN(STRUCT(1, 1, 0), 7));
    CHECK_ERROR(CAPNP_OUT_OF_BOUNDS);
    capnp_struct_at(OPEN(STRUCT(-2, 1, 0), 7));
    CHECK_ERROR(CAPNP_OUT_OF_BOUNDS);
    capnp_struct_at(OPEN(STRUCT((1 << 29) - 1, 1, 0), 7));
    CHECK_ERROR(CAPNP_OUT_OF_BOUNDS);
    capnp_struct_at(OPEN(STRUCT(0, 65535, 65535), 7));
    CHECK_ERROR(CAPNP_OUT_OF_BOUNDS);
    capnp_list_at(OPEN(LIST(0, CAPNP_8_BYTES, CAPNP_COUNT_MAX), 7), CAPNP_8_BYTES);
    CHECK_ERROR(CAPNP_OUT_OF_BOUNDS);
    capnp_list_at(OPEN(LIST(0, CAPNP_STRUCTS, 1), STRUCT(1, 1, 0)), CAPNP_STRUCTS);
    CHECK_ERROR(CAPNP_OUT_OF_BOUNDS);
    capnp_text_at(OPEN(LIST(0, CAPNP_1_BYTE, 9), 7));
    CHECK_ERROR(CAPNP_OUT_OF_BOUNDS);
}

TEST(another_kind_than_the_schema_says) {
    capnp_struct_at(OPEN(LIST(0, CAPNP_VOID, 0)));
    CHECK_ERROR(CAPNP_WRONG_KIND);
    capnp_list_at(OPEN(STRUCT(0, 1, 0), 0), CAPNP_STRUCTS);
    CHECK_ERROR(CAPNP_WRONG_KIND);
    capnp_text_at(OPEN(LIST(0, CAPNP_2_BYTES, 1), 0));
    CHECK_ERROR(CAPNP_WRONG_KIND);
    capnp_struct_at(OPEN(capnp_make_handle(0)));
    CHECK_ERROR(CAPNP_WRONG_KIND);
    capnp_handle_at(OPEN(STRUCT(0, 1, 0), 0));
    CHECK_ERROR(CAPNP_WRONG_KIND);
    capnp_handle_at(OPEN(capnp_make_handle(0) | 4));
    CHECK_ERROR(CAPNP_BAD_POINTER);
    capnp_handle_at(OPEN(capnp_make_handle(0)));
    CHECK_ERROR(CAPNP_BAD_HANDLE);
    struct capnp_pointer root = OPEN(capnp_make_handle(1));
    message.handles = (const handle_t[]){{5}, {6}};
    message.handle_count = 2;
    CHECK_EQ(capnp_handle_at(root).v, 6);
    CHECK_ERROR(0);
}

TEST(texts) {
    struct capnp_text text = capnp_text_at(OPEN(LIST(0, CAPNP_1_BYTE, 3), 0x6968));
    CHECK_EQ(text.len, 2);
    CHECK_STR_EQ(text.bytes, "hi");
    CHECK(capnp_text_equal(text, CAPNP_TEXT("hi")) && !capnp_text_equal(text, capnp_text("ho")));
    CHECK_EQ(capnp_data_at(OPEN(LIST(0, CAPNP_1_BYTE, 3), 0x6968)).len, 3);
    CHECK_ERROR(0);
    text = capnp_text_or(OPEN(LIST(0, CAPNP_1_BYTE, 2), 0x6968), CAPNP_TEXT("default"));
    CHECK_STR_EQ(text.bytes, "default");
    CHECK_ERROR(CAPNP_BAD_TEXT);
    capnp_text_at(OPEN(LIST(0, CAPNP_1_BYTE, 0)));
    CHECK_ERROR(CAPNP_BAD_TEXT);
    CHECK_EQ(capnp_data_or(OPEN(0), (struct capnp_data){(const uint8_t *)"x", 1}).len, 1);
}

TEST(lists_of_numbers_and_bits) {
    struct capnp_u16_list u16 = capnp_u16_list_at(OPEN(LIST(0, CAPNP_2_BYTES, 3), 0x0003'0002'0001));
    CHECK_EQ(capnp_u16_list_count(u16), 3);
    CHECK_EQ(capnp_u16_list_get(u16, 2), 3);
    CHECK_ERROR(0);
    CHECK_EQ(capnp_u16_list_get(u16, 3), 0);
    CHECK_ERROR(CAPNP_BAD_INDEX);
    struct capnp_bool_list bits = capnp_bool_list_at(OPEN(LIST(0, CAPNP_BITS, 66), 1ull << 63, 2));
    CHECK(!capnp_bool_list_get(bits, 0) && capnp_bool_list_get(bits, 63) && capnp_bool_list_get(bits, 65));
    struct capnp_i8_list i8 = capnp_i8_list_at(OPEN(LIST(0, CAPNP_1_BYTE, 1), 0xff));
    CHECK_EQ(capnp_i8_list_get(i8, 0), -1);
    struct capnp_f64_list f64 = capnp_f64_list_at(OPEN(LIST(0, CAPNP_8_BYTES, 1), 0x3fe0'0000'0000'0000));
    CHECK(capnp_f64_list_get(f64, 0) == 0.5);
    CHECK_EQ(capnp_f64_list_bits(f64, 0), 0x3fe0'0000'0000'0000);
    struct capnp_f32_list f32 = capnp_f32_list_at(OPEN(LIST(0, CAPNP_4_BYTES, 2), 0x3f00'0000'0000'0000));
    CHECK(capnp_f32_list_get(f32, 1) == 0.5f);
    CHECK_EQ(capnp_f32_list_bits(f32, 1), 0x3f00'0000);
    CHECK_EQ(capnp_void_list_count(capnp_void_list_at(OPEN(LIST(0, CAPNP_VOID, 100)))), 100);
    CHECK_ERROR(0);
}

// Spec, Lists: numbers may have become structs, and the other way round.
TEST(cross_readings_of_lists) {
    struct capnp_list list = capnp_list_at(OPEN(LIST(0, CAPNP_2_BYTES, 2), 0x0002'0001), CAPNP_STRUCTS);
    CHECK_EQ(capnp_get_u16(capnp_list_struct(list, 1), 0), 2);
    CHECK_EQ(capnp_get_u32(capnp_list_struct(list, 1), 0), 0); // there are only two bytes
    CHECK(!capnp_has(capnp_list_struct(list, 1), 0));
    list = capnp_list_at(OPEN(LIST(0, CAPNP_POINTERS, 2), 0, LIST(0, CAPNP_1_BYTE, 2), 'x'), CAPNP_STRUCTS);
    CHECK(!capnp_has(capnp_list_struct(list, 0), 0));
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(capnp_list_struct(list, 1), 0)).bytes, "x");
    list = capnp_list_at(OPEN(LIST(0, CAPNP_VOID, 2)), CAPNP_STRUCTS);
    CHECK_EQ(list.count, 2);
    CHECK_EQ(capnp_get_u8(capnp_list_struct(list, 1), 0), 0);
    struct capnp_u32_list numbers =
        capnp_u32_list_at(OPEN(LIST(0, CAPNP_STRUCTS, 4), STRUCT(2, 1, 1), 1, 0, 2, 0));
    CHECK_EQ(capnp_u32_list_count(numbers), 2);
    CHECK_EQ(capnp_u32_list_get(numbers, 1), 2);
    struct capnp_text_list texts =
        capnp_text_list_at(OPEN(LIST(0, CAPNP_STRUCTS, 2), STRUCT(1, 1, 1), 1, LIST(0, CAPNP_1_BYTE, 2), 'y'));
    CHECK_STR_EQ(capnp_text_list_get(texts, 0).bytes, "y");
    CHECK_EQ(capnp_void_list_count(capnp_void_list_at(OPEN(LIST(0, CAPNP_STRUCTS, 1), STRUCT(1, 1, 0), 1))), 1);
    CHECK_ERROR(0);
    capnp_list_at(OPEN(LIST(0, CAPNP_BITS, 2), 3), CAPNP_STRUCTS);
    CHECK_ERROR(CAPNP_WRONG_KIND);
    capnp_bool_list_at(OPEN(LIST(0, CAPNP_STRUCTS, 1), STRUCT(1, 1, 0), 1));
    CHECK_ERROR(CAPNP_WRONG_KIND);
    capnp_u8_list_at(OPEN(LIST(0, CAPNP_STRUCTS, 1), STRUCT(1, 0, 1), 0));
    CHECK_ERROR(CAPNP_WRONG_KIND);
    capnp_text_list_at(OPEN(LIST(0, CAPNP_STRUCTS, 1), STRUCT(1, 1, 0), 0));
    CHECK_ERROR(CAPNP_WRONG_KIND);
    capnp_u8_list_at(OPEN(LIST(0, CAPNP_2_BYTES, 1), 0));
    CHECK_ERROR(CAPNP_WRONG_KIND);
}

TEST(tags_that_lie) {
    capnp_list_at(OPEN(LIST(0, CAPNP_STRUCTS, 2), STRUCT(3, 1, 0), 1, 2), CAPNP_STRUCTS);
    CHECK_ERROR(CAPNP_BAD_POINTER);
    capnp_list_at(OPEN(LIST(0, CAPNP_STRUCTS, 1), LIST(1, CAPNP_8_BYTES, 1), 1), CAPNP_STRUCTS);
    CHECK_ERROR(CAPNP_BAD_POINTER);
    // 2^30 - 1 elements of 2^17 words would overflow 32 bits.
    capnp_list_at(OPEN(LIST(0, CAPNP_STRUCTS, 1), STRUCT(-1, 65535, 65535), 1), CAPNP_STRUCTS);
    CHECK_ERROR(CAPNP_BAD_POINTER);
}

TEST(elements_without_size_cost_traversal) {
    capnp_list_at(OPEN(LIST(0, CAPNP_VOID, CAPNP_COUNT_MAX)), CAPNP_VOID);
    CHECK_ERROR(CAPNP_TRAVERSAL_LIMIT);
    capnp_list_at(OPEN(LIST(0, CAPNP_STRUCTS, 0), STRUCT(1 << 28, 0, 0)), CAPNP_STRUCTS);
    CHECK_ERROR(CAPNP_TRAVERSAL_LIMIT);
}

TEST(reading_ends_at_the_traversal_limit) {
    struct capnp_pointer root = OPEN(STRUCT(0, 1, 1), 1, STRUCT(-2, 1, 1)); // it contains itself
    unsigned steps = 0;
    while (capnp_status(&message).code == 0 && steps < 100'000) {
        capnp_struct_at(root);
        steps++;
    }
    CHECK_ERROR(CAPNP_TRAVERSAL_LIMIT);
    CHECK_EQ(steps, (3 * CAPNP_TRAVERSAL_FACTOR + CAPNP_TRAVERSAL_WORDS) / 2 + 1);
}

TEST(nesting_ends_at_its_limit) {
    struct capnp_pointer at = OPEN(STRUCT(0, 0, 1), STRUCT(-1, 0, 1));
    for (unsigned i = 0; i < CAPNP_NESTING; i++) {
        struct capnp_struct s = capnp_struct_at(at);
        CHECK_EQ(s.pointers, 1);
        at = capnp_get_pointer(s, 0);
    }
    CHECK_ERROR(0);
    CHECK_EQ(capnp_struct_at(at).pointers, 0);
    CHECK_ERROR(CAPNP_NESTING_LIMIT);
}

static struct capnp_segment segments[3];

// Segments of up to four words each, ended by a word that is UINT64_MAX.
static struct capnp_pointer open_segments(uint64_t words[3][4]) {
    for (unsigned i = 0; i < 3; i++) {
        uint32_t count = 0;
        while (count < 4 && words[i][count] != UINT64_MAX) {
            count++;
        }
        segments[i] = (struct capnp_segment){words[i], count, count};
    }
    capnp_message_init_segments(&message, segments, 3);
    return capnp_root(&message);
}

TEST(far_pointers) {
    constexpr uint64_t END = UINT64_MAX;
    uint64_t single[3][4] = {{capnp_make_far(2, 1), END}, {END}, {7, STRUCT(-2, 1, 0), END}};
    CHECK_EQ(capnp_get_u64(capnp_struct_at(open_segments(single)), 0), 7);
    CHECK_ERROR(0);
    uint64_t twice[3][4] = {{capnp_make_far(1, 0) | CAPNP_FAR_DOUBLE, END},
                            {capnp_make_far(2, 1), STRUCT(0, 1, 0), END}, {7, 8, END}};
    CHECK_EQ(capnp_get_u64(capnp_struct_at(open_segments(twice)), 0), 8);
    uint64_t blob[3][4] = {{capnp_make_far(1, 0) | CAPNP_FAR_DOUBLE, END},
                           {capnp_make_far(2, 1), LIST(0, CAPNP_1_BYTE, 2), END}, {7, 'z', END}};
    CHECK_STR_EQ(capnp_text_at(open_segments(blob)).bytes, "z");
    CHECK_ERROR(0);
    // What lies behind a far pointer has its own segment: a pointer there counts from there.
    uint64_t inner[3][4] = {{capnp_make_far(2, 0), END}, {END}, {STRUCT(0, 0, 1), LIST(0, CAPNP_1_BYTE, 2), 'w', END}};
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(capnp_struct_at(open_segments(inner)), 0)).bytes, "w");
    CHECK_ERROR(0);
}

TEST(far_pointers_that_are_no_good) {
    constexpr uint64_t END = UINT64_MAX;
    struct {
        uint64_t words[3][4];
        uint32_t error;
    } cases[] = {
        {{{capnp_make_far(3, 0), END}, {END}, {END}}, CAPNP_OUT_OF_BOUNDS},
        {{{capnp_make_far(UINT32_MAX, 0), END}, {END}, {END}}, CAPNP_OUT_OF_BOUNDS},
        {{{capnp_make_far(2, 0), END}, {END}, {END}}, CAPNP_OUT_OF_BOUNDS},
        {{{capnp_make_far(2, CAPNP_COUNT_MAX), END}, {END}, {0, END}}, CAPNP_OUT_OF_BOUNDS},
        {{{capnp_make_far(2, 0), END}, {END}, {STRUCT(0, 1, 0), END}}, CAPNP_OUT_OF_BOUNDS},
        {{{capnp_make_far(2, 0), END}, {END}, {capnp_make_far(2, 0), END}}, CAPNP_BAD_POINTER},
        {{{capnp_make_far(2, 0) | CAPNP_FAR_DOUBLE, END}, {END}, {capnp_make_far(1, 0), END}}, CAPNP_OUT_OF_BOUNDS},
        {{{capnp_make_far(2, 0) | CAPNP_FAR_DOUBLE, END}, {END}, {STRUCT(0, 1, 0), 0, END}}, CAPNP_BAD_POINTER},
        {{{capnp_make_far(2, 0) | CAPNP_FAR_DOUBLE, END}, {END}, {capnp_make_far(9, 0), STRUCT(0, 1, 0), END}},
         CAPNP_BAD_POINTER},
        {{{capnp_make_far(2, 0) | CAPNP_FAR_DOUBLE, END}, {END}, {capnp_make_far(1, 0), capnp_make_far(1, 0), END}},
         CAPNP_BAD_POINTER},
        {{{capnp_make_far(2, 0) | CAPNP_FAR_DOUBLE, END}, {END}, {capnp_make_far(1, 1), STRUCT(0, 1, 0), END}},
         CAPNP_OUT_OF_BOUNDS},
        {{{capnp_make_far(2, 0) | CAPNP_FAR_DOUBLE, END},
          {END},
          {capnp_make_far(1, 0) | CAPNP_FAR_DOUBLE, STRUCT(0, 1, 0), END}},
         CAPNP_BAD_POINTER},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(capnp_struct_at(open_segments(cases[i].words)).data_bytes, 0);
        CHECK_ERROR(cases[i].error);
        CHECK(capnp_status_text(capnp_status(&message)) != nullptr);
    }
}

TEST(defaults_stand_in_for_what_is_null_or_malformed) {
    const uint64_t fallback[] = {STRUCT(0, 1, 1), 5, LIST(0, CAPNP_1_BYTE, 2), 'd'};
    struct capnp_struct s = capnp_struct_or(OPEN(0), fallback);
    CHECK_EQ(capnp_get_u64(s, 0), 5);
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(s, 0)).bytes, "d");
    s = capnp_struct_or(OPEN(STRUCT(5, 1, 0)), fallback);
    CHECK_EQ(capnp_get_u64(s, 0), 5);
    CHECK_ERROR(CAPNP_OUT_OF_BOUNDS);
    const uint64_t list[] = {LIST(0, CAPNP_4_BYTES, 2), 0x0000'0008'0000'0007};
    CHECK_EQ(capnp_u32_list_get(capnp_u32_list_or(OPEN(0), list), 1), 8);
}

TEST(the_first_error_stays) {
    struct capnp_pointer root = OPEN(STRUCT(5, 1, 0));
    capnp_struct_at(root);
    capnp_text_at(root);
    CHECK_ERROR(CAPNP_OUT_OF_BOUNDS);
    CHECK(capnp_status_text((status_t){0}) == nullptr && capnp_status_text((status_t){CAPNP_STATUS_END}) == nullptr);
}
