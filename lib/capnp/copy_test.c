// Copies, the canonical form, and frames: of the example's records, and of what is malformed.
#include "lib/capnp/copy.h"

#include "base/test.h"
#include "lib/capnp/canonical.h"
#include "lib/capnp/example.capnp.h"
#include "lib/capnp/frame.h"

static uint64_t memory[512], other[512], third[512];
static struct capnp_builder builder;

static struct log_record_builder sample(void) {
    capnp_builder_init(&builder, memory, 512);
    struct log_record_builder record = log_record_init_root(&builder);
    log_record_set_sequence(record, 42);
    log_record_set_text(record, CAPNP_TEXT("text"));
    capnp_u32_list_set(log_record_init_lines(record, 3), 2, 5);
    struct log_record_list_builder related = log_record_init_related(record, 2);
    log_record_set_offset(log_record_list_edit(related, 0), 8);
    log_origin_set_name(log_record_init_origin(log_record_list_edit(related, 1)), CAPNP_TEXT("origin"));
    capnp_bool_list_set(capnp_bool_list_init_at(log_record_edit_details(record), 3), 1, true);
    capnp_text_list_set(log_record_init_tags(record, 2), 1, CAPNP_TEXT("tag"));
    return record;
}

static void check_sample(struct log_record record) {
    CHECK_EQ(log_record_get_sequence(record), 42);
    CHECK_STR_EQ(log_record_get_text(record).bytes, "text");
    CHECK_EQ(capnp_u32_list_get(log_record_get_lines(record), 2), 5);
    CHECK_EQ(log_record_get_offset(log_record_list_get(log_record_get_related(record), 0)), 8);
    struct log_record second = log_record_list_get(log_record_get_related(record), 1);
    CHECK_STR_EQ(log_origin_get_name(log_record_get_origin(second)).bytes, "origin");
    CHECK(capnp_bool_list_get(capnp_bool_list_at(log_record_get_details(record)), 1));
    CHECK_STR_EQ(capnp_text_list_get(log_record_get_tags(record), 1).bytes, "tag");
}

TEST(a_copy_is_whole) {
    struct log_record_builder record = sample();
    struct capnp_builder to;
    capnp_builder_init(&to, other, 512);
    struct log_record_builder copy = log_record_init_root(&to);
    log_record_set_related(copy, log_record_get_related(log_record_read(record)));
    log_record_set_details(copy, log_record_get_details(log_record_read(record)));
    CHECK(capnp_bool_list_get(capnp_bool_list_at(log_record_get_details(log_record_read(copy))), 1));
    capnp_set_struct(capnp_init_root(&to), log_record_read(record).s);
    REQUIRE(status_ok(capnp_builder_status(&to)));
    struct capnp_message message;
    capnp_message_init(&message, other, to.first.count);
    check_sample(log_record_root(&message));
    CHECK(status_ok(capnp_status(&message)));
}

// What an older program does not know of a struct is copied with it.
TEST(unknown_fields_are_kept) {
    sample();
    struct capnp_builder to;
    capnp_builder_init(&to, other, 512);
    struct capnp_message message;
    capnp_message_init(&message, memory, builder.first.count);
    struct log_origin as_older = log_origin_root(&message);
    log_origin_list_init_at(capnp_init_root(&to), 1);
    capnp_set_struct(capnp_init_root(&to), as_older.s);
    check_sample((struct log_record){capnp_struct_at(capnp_root(&to.view))});
}

// The same of a list of structs, each of which knows more than this program: unions and pointers, too.
TEST(unknown_fields_are_kept_in_lists) {
    struct log_record_builder record = sample();
    struct log_record_crash_builder crash =
        log_record_init_crash(log_record_list_edit(log_record_edit_related(record), 0));
    log_record_crash_set_address(crash, 0x1234);
    log_record_crash_set_reason(crash, CAPNP_TEXT("reason"));
    const struct log_origin_list as_older = {log_record_get_related(log_record_read(record)).list};
    struct capnp_builder to;
    capnp_builder_init(&to, other, 512);
    struct log_record_builder copy = log_record_init_root(&to);
    capnp_set_list(capnp_edit_pointer(copy.s, 4), as_older.list);
    const struct log_record_list kept = log_record_get_related(log_record_read(copy));
    REQUIRE(log_record_list_count(kept) == 2);
    const struct log_record first = log_record_list_get(kept, 0);
    CHECK_EQ(log_record_get_offset(first), 8);
    REQUIRE(log_record_which(first) == LOG_RECORD_CRASH);
    CHECK_EQ(log_record_crash_get_address(log_record_get_crash(first)), 0x1234);
    CHECK_STR_EQ(log_record_crash_get_reason(log_record_get_crash(first)).bytes, "reason");
    CHECK_STR_EQ(log_origin_get_name(log_record_get_origin(log_record_list_get(kept, 1))).bytes, "origin");
}

// And through a generated setter, and what an older program then changes of it is all that changes.
TEST(unknown_fields_are_kept_by_setters_and_edits) {
    const struct log_origin as_older = {log_record_read(sample()).s};
    struct capnp_builder to;
    capnp_builder_init(&to, other, 512);
    struct log_record_builder outer = log_record_init_root(&to);
    log_record_set_origin(outer, as_older);
    check_sample((struct log_record){log_record_get_origin(log_record_read(outer)).s});
    log_origin_set_holder(log_record_edit_origin(outer), 43); // where a record has its sequence
    const struct log_record kept = {log_record_get_origin(log_record_read(outer)).s};
    CHECK_EQ(log_record_get_sequence(kept), 43);
    CHECK_STR_EQ(log_record_get_text(kept).bytes, "text");
    CHECK_EQ(capnp_u32_list_get(log_record_get_lines(kept), 2), 5);
    CHECK_STR_EQ(capnp_text_list_get(log_record_get_tags(kept), 1).bytes, "tag");
}

TEST(a_part_may_take_the_place_of_the_whole) {
    struct log_record_builder record = sample();
    struct log_record_list related = log_record_get_related(log_record_read(record));
    capnp_set_struct(capnp_init_root(&builder), log_record_list_get(related, 1).s);
    REQUIRE(status_ok(capnp_builder_status(&builder)));
    struct log_record now = log_record_root(&builder.view);
    CHECK_STR_EQ(log_origin_get_name(log_record_get_origin(now)).bytes, "origin");
    capnp_set_pointer(capnp_init_root(&builder), capnp_root(&builder.view)); // itself: nothing happens
    CHECK_STR_EQ(log_origin_get_name(log_record_get_origin(log_record_root(&builder.view))).bytes, "origin");
    capnp_set_pointer(capnp_init_root(&builder), (struct capnp_pointer){});
    CHECK_EQ(memory[0], 0);
}

TEST(capabilities_are_copied) {
    struct log_record_builder record = sample();
    log_record_give_sink(record, (struct log_sink){{9}});
    struct capnp_builder to;
    capnp_builder_init(&to, other, 512);
    handle_t handles[6] = {};
    capnp_builder_handles(&to, handles, 6);
    capnp_set_handle(capnp_init_root(&to), (handle_t){3});
    capnp_set_struct(capnp_init_root(&to), log_record_read(record).s);
    CHECK_EQ(log_record_get_sink(log_record_root(&to.view)).handle.v, 9);
    CHECK_EQ(handles[1].v, 9);
    CHECK_EQ(to.moved, 0);
}

TEST(a_malformed_source_fails_both) {
    struct capnp_builder to;
    struct capnp_message message;
    // A struct of one pointer that leads to itself: as deep as the limit, and no deeper.
    capnp_message_init(&message, (const uint64_t[]){0x0001'0000'0000'0000, 0x0001'0000'ffff'fffc}, 2);
    capnp_builder_init(&to, other, 512);
    capnp_set_pointer(capnp_init_root(&to), capnp_root(&message));
    CHECK_EQ(capnp_status(&message).code, (uint32_t)CAPNP_NESTING_LIMIT);
    CHECK_EQ(capnp_builder_status(&to).code, (uint32_t)CAPNP_NESTING_LIMIT);
    CHECK_EQ(to.first.count, CAPNP_NESTING + 1);
    capnp_message_init(&message, (const uint64_t[]){0x0001'0000'0000'0000, 0x0001'0000'0000'0000}, 2);
    capnp_builder_init(&to, other, 512);
    capnp_set_pointer(capnp_init_root(&to), capnp_root(&message));
    CHECK_EQ(capnp_builder_status(&to).code, (uint32_t)CAPNP_OUT_OF_BOUNDS);
    CHECK_EQ(other[1], 0);
}

TEST(canonical_form) {
    uint32_t used = 0, again = 0;
    struct log_record record = log_record_read(sample());
    CHECK_EQ(capnp_check_canonical(memory, builder.first.count).code, (uint32_t)CAPNP_NOT_CANONICAL);
    REQUIRE(status_ok(capnp_canonicalise(record.s, other, 512, &used)));
    CHECK(used < builder.first.count);
    CHECK(status_ok(capnp_check_canonical(other, used)));
    struct capnp_message message;
    capnp_message_init(&message, other, used);
    check_sample(log_record_root(&message));
    REQUIRE(status_ok(capnp_canonicalise(log_record_root(&message).s, third, 512, &again)));
    CHECK_EQ(used, again);
    CHECK_MEM_EQ(third, other, used * 8);
    for (uint32_t room = 0; room < used; room++) {
        CHECK_EQ(capnp_canonicalise(record.s, third, room, &again).code, (uint32_t)CAPNP_NO_SPACE);
    }
    // One word more, or one bit elsewhere in a pointer, and it is another form.
    CHECK_EQ(capnp_check_canonical(other, used + 1).code, (uint32_t)CAPNP_NOT_CANONICAL);
    other[0] += 4;
    CHECK(!status_ok(capnp_check_canonical(other, used)));
}

TEST(canonical_corners) {
    uint32_t used;
    REQUIRE(status_ok(capnp_canonicalise((struct capnp_struct){}, other, 512, &used)));
    CHECK_EQ(used, 1);
    CHECK_EQ(other[0], CAPNP_EMPTY_STRUCT);
    CHECK(status_ok(capnp_check_canonical(other, 1)));
    CHECK_EQ(capnp_check_canonical((const uint64_t[]){0}, 1).code, (uint32_t)CAPNP_NOT_CANONICAL);
    CHECK_EQ(capnp_check_canonical(other, 0).code, (uint32_t)CAPNP_OUT_OF_BOUNDS);
    struct log_record_builder record = sample();
    log_record_set_sink(record, (struct log_sink){{9}});
    CHECK_EQ(capnp_canonicalise(log_record_read(record).s, other, 512, &used).code, (uint32_t)CAPNP_NOT_CANONICAL);
    const struct {
        uint64_t words[4];
        uint32_t count;
    } not_canonical[] = {
        {{0x0000'0001'0000'0000, 0}, 2},                                       // a word that could be left out
        {{0x0001'0000'0000'0000, 0}, 2},                                       // a pointer that could
        {{0x0000'0001'0000'0004, 0, 1}, 3},                                    // a gap
        {{0x0001'0000'0000'0000, 0x0000'000a'0000'0001, 0x0101}, 3},           // something after the last element
        {{0x0001'0000'0000'0000, 0x0000'0011'0000'0001, 0x4}, 3},              // and after the last bit
        {{0x0001'0000'0000'0000, 0x0000'000f'0000'0001, 0x0000'0001'0000'0004, 0}, 4}, // in all elements
        {{0x0001'0000'0000'0000, 0x0000'000f'0000'0001, 0, 1}, 4},             // a word that belongs to no element
        {{0x0000'0000'0000'0002}, 1},                                          // a far pointer
        {{0x0000'000a'0000'0001, 1}, 2},                                       // a list for a root
    };
    for (unsigned i = 0; i < sizeof(not_canonical) / sizeof(not_canonical[0]); i++) {
        status_t status = capnp_check_canonical(not_canonical[i].words, not_canonical[i].count);
        CHECK_EQ(status.code, (uint32_t)CAPNP_NOT_CANONICAL);
    }
}

static struct capnp_segment table[64];
static uint64_t pool[512];

static bool grow_little(void *context, uint32_t min_words, struct capnp_segment *out) {
    uint32_t *used = context;
    *out = (struct capnp_segment){.words = pool + *used, .capacity = min_words};
    *used += min_words;
    return *used <= 512;
}

TEST(frames) {
    struct log_record_builder record = sample();
    struct capnp_builder to;
    for (uint32_t first = 1; first < 512; first += 37) {
        uint32_t grown = 0;
        capnp_builder_init_growing(&to, other, first, table, 64, grow_little, &grown);
        capnp_set_struct(capnp_init_root(&to), log_record_read(record).s);
        REQUIRE(status_ok(capnp_builder_status(&to)));
        uint64_t bytes = capnp_frame_bytes(&to.view);
        REQUIRE(bytes <= sizeof(third));
        REQUIRE(status_ok(capnp_frame_write(&to.view, third, bytes)));
        CHECK_EQ(capnp_frame_write(&to.view, third, bytes - 1).code, (uint32_t)CAPNP_NO_SPACE);
        struct capnp_segment read_table[64];
        struct capnp_message message;
        size_t used = 0;
        REQUIRE(status_ok(capnp_frame_open(third, sizeof(third), read_table, 64, &message, &used)));
        CHECK_EQ(used, bytes);
        check_sample(log_record_root(&message));
        uint64_t need;
        for (uint64_t len = 0; len < bytes; len++) {
            CHECK_EQ(capnp_frame_open(third, len, read_table, 64, &message, &used).code, (uint32_t)CAPNP_TRUNCATED);
            status_t status = capnp_frame_measure(third, len, 64, &need);
            CHECK(status_ok(status) ? need == bytes : need > len && need <= bytes);
        }
    }
}

TEST(frames_that_are_no_good) {
    struct capnp_segment read_table[4];
    struct capnp_message message;
    size_t used;
    const uint32_t many[2] = {4, 0}, endless[2] = {UINT32_MAX, 0}, huge[4] = {1, UINT32_MAX, UINT32_MAX, 0};
    CHECK_EQ(capnp_frame_open(many, 8, read_table, 4, &message, &used).code, (uint32_t)CAPNP_BAD_FRAME);
    CHECK_EQ(capnp_frame_open(endless, 8, read_table, 4, &message, &used).code, (uint32_t)CAPNP_BAD_FRAME);
    CHECK_EQ(capnp_frame_open(huge, 16, read_table, 4, &message, &used).code, (uint32_t)CAPNP_TRUNCATED);
    alignas(8) uint8_t odd[24] = {0};
    CHECK_EQ(capnp_frame_open(odd + 1, 16, read_table, 4, &message, &used).code, (uint32_t)CAPNP_BAD_FRAME);
    // No words at all: a message whose root cannot be read.
    REQUIRE(status_ok(capnp_frame_open(odd, 8, read_table, 4, &message, &used)));
    capnp_struct_at(capnp_root(&message));
    CHECK_EQ(capnp_status(&message).code, (uint32_t)CAPNP_OUT_OF_BOUNDS);
}
