// Building through the example's accessors, in one segment and in many, and reading it back.
#include "lib/capnp/build.h"

#include "base/test.h"
#include "lib/capnp/example.capnp.h"

static uint64_t memory[512];
static struct capnp_builder builder;

// A builder whose segments are as small as can be, so that everything lies somewhere else.
static uint64_t pool[4096];
static uint32_t pool_used;
static struct capnp_segment table[512];

static bool grow_little(void *context, uint32_t min_words, struct capnp_segment *out) {
    uint32_t words = min_words + *(const uint32_t *)context;
    if (words > sizeof(pool) / 8 - pool_used) {
        return false;
    }
    *out = (struct capnp_segment){.words = pool + pool_used, .capacity = words};
    pool_used += words;
    return true;
}

static void begin(uint32_t first_words, uint32_t more_words) {
    static uint32_t more;
    more = more_words;
    pool_used = 0;
    memset(pool, 0xa5, sizeof(pool));
    memset(memory, 0x5a, sizeof(memory));
    capnp_builder_init_growing(&builder, memory, first_words, table, 512, grow_little, &more);
}

static void fill(struct log_record_builder record) {
    log_record_set_sequence(record, 42);
    log_record_set_level(record, LOG_LEVEL_WARNING);
    log_record_set_urgent(record, true);
    log_record_set_offset(record, -7);
    log_record_set_ratio(record, 2.25);
    log_record_set_text(record, CAPNP_TEXT("disk full"));
    log_origin_set_name(log_record_init_origin(record), CAPNP_TEXT("logd"));
    log_origin_set_holder(log_record_edit_origin(record), 9);
    struct capnp_text_list_builder tags = log_record_init_tags(record, 2);
    capnp_text_list_set(tags, 0, CAPNP_TEXT("a"));
    capnp_text_list_set(tags, 1, CAPNP_TEXT("a longer tag than one word"));
    struct capnp_u32_list_builder lines = log_record_init_lines(record, 3);
    for (uint32_t i = 0; i < capnp_u32_list_builder_count(lines); i++) {
        capnp_u32_list_set(lines, i, i * i);
    }
    struct log_record_list_builder related = log_record_init_related(record, 2);
    log_record_set_count(log_record_list_edit(related, 1), 3);
    log_record_set_text(log_record_list_edit(related, 1), CAPNP_TEXT("inner"));
    struct capnp_pointer_list_builder grid = log_record_init_grid(record, 2);
    capnp_u16_list_set(capnp_u16_list_init_at(capnp_pointer_list_edit(grid, 1), 1), 0, 77);
    log_origin_set_name(log_origin_init_at(log_record_edit_details(record)), CAPNP_TEXT("any"));
    log_record_where_set_file(log_record_edit_where(record), CAPNP_TEXT("main.c"));
    log_record_where_set_line(log_record_edit_where(record), 12);
    struct log_record_crash_builder crash = log_record_init_crash(record);
    log_record_crash_set_address(crash, 0xdead);
    log_record_crash_set_reason(crash, CAPNP_TEXT("null read"));
}

static void check_filled(struct log_record record) {
    CHECK_EQ(log_record_get_sequence(record), 42);
    CHECK_EQ(log_record_get_level(record), LOG_LEVEL_WARNING);
    CHECK(log_record_get_urgent(record));
    CHECK_EQ(log_record_get_offset(record), -7);
    CHECK(log_record_get_ratio(record) == 2.25);
    CHECK_STR_EQ(log_record_get_text(record).bytes, "disk full");
    CHECK_STR_EQ(log_origin_get_name(log_record_get_origin(record)).bytes, "logd");
    CHECK_EQ(log_origin_get_holder(log_record_get_origin(record)), 9);
    CHECK_EQ(capnp_text_list_count(log_record_get_tags(record)), 2);
    CHECK_STR_EQ(capnp_text_list_get(log_record_get_tags(record), 1).bytes, "a longer tag than one word");
    CHECK_EQ(capnp_u32_list_get(log_record_get_lines(record), 2), 4);
    struct log_record inner = log_record_list_get(log_record_get_related(record), 1);
    CHECK_EQ(log_record_which(inner), LOG_RECORD_COUNT);
    CHECK_EQ(log_record_get_count(inner), 3);
    CHECK_STR_EQ(log_record_get_text(inner).bytes, "inner");
    CHECK_STR_EQ(log_record_get_text(log_record_list_get(log_record_get_related(record), 0)).bytes, "(none)");
    struct capnp_pointer_list grid = log_record_get_grid(record);
    CHECK_EQ(capnp_u16_list_count(capnp_u16_list_at(capnp_pointer_list_get(grid, 0))), 0);
    CHECK_EQ(capnp_u16_list_get(capnp_u16_list_at(capnp_pointer_list_get(grid, 1)), 0), 77);
    CHECK_STR_EQ(log_origin_get_name(log_origin_at(log_record_get_details(record))).bytes, "any");
    CHECK_STR_EQ(log_record_where_get_file(log_record_get_where(record)).bytes, "main.c");
    CHECK_EQ(log_record_where_get_line(log_record_get_where(record)), 12);
    CHECK_EQ(log_record_which(record), LOG_RECORD_CRASH);
    CHECK_EQ(log_record_crash_get_address(log_record_get_crash(record)), 0xdead);
    CHECK_STR_EQ(log_record_crash_get_reason(log_record_get_crash(record)).bytes, "null read");
}

TEST(what_is_written_is_read) {
    memset(memory, 0xff, sizeof(memory));
    capnp_builder_init(&builder, memory, 512);
    struct log_record_builder record = log_record_init_root(&builder);
    fill(record);
    REQUIRE(status_ok(capnp_builder_status(&builder)));
    check_filled(log_record_read(record));
    struct capnp_message message;
    capnp_message_init(&message, memory, builder.first.count);
    check_filled(log_record_root(&message));
    CHECK(status_ok(capnp_status(&message)));
}

TEST(defaults) {
    capnp_builder_init(&builder, memory, 512);
    struct log_record record = log_record_read(log_record_init_root(&builder));
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(log_record_get_level(record), LOG_LEVEL_INFO);
        CHECK_EQ(log_record_get_offset(record), -1);
        CHECK(log_record_get_ratio(record) == 0.5);
        CHECK_STR_EQ(log_record_get_text(record).bytes, "(none)");
        CHECK(!log_record_has_text(record) && !log_record_has_origin(record));
        CHECK_EQ(log_record_which(record), LOG_RECORD_PLAIN);
        CHECK_EQ(log_record_list_count(log_record_get_related(record)), 0);
        record = (struct log_record){};
    }
    CHECK_STR_EQ(log_origin_get_name(log_nobody()).bytes, "nobody");
    CHECK_EQ(log_origin_get_holder(log_nobody()), 7);
    CHECK_STR_EQ(log_greeting().bytes, "hello");
}

TEST(many_segments) {
    for (uint32_t more = 0; more < 40; more++) {
        begin(1, more);
        struct log_record_builder record = log_record_init_root(&builder);
        fill(record);
        REQUIRE(status_ok(capnp_builder_status(&builder)));
        CHECK(builder.view.segment_count > 1);
        check_filled(log_record_read(record));
        struct capnp_message message;
        capnp_message_init_segments(&message, table, builder.view.segment_count);
        check_filled(log_record_root(&message));
        CHECK(status_ok(capnp_status(&message)));
    }
}

// Whatever the room, building ends with an error kept, and nothing was written outside.
TEST(no_room) {
    begin(512, 0);
    fill(log_record_init_root(&builder));
    uint32_t whole = builder.segments[0].count;
    for (uint32_t words = 0; words < whole; words++) {
        memset(memory, 0x77, sizeof(memory));
        capnp_builder_init(&builder, memory, words);
        fill(log_record_init_root(&builder));
        CHECK_EQ(capnp_builder_status(&builder).code, (uint32_t)CAPNP_NO_SPACE);
        CHECK(builder.first.count <= words);
        CHECK_EQ(memory[words], 0x7777'7777'7777'7777);
        struct capnp_message message;
        capnp_message_init(&message, memory, words == 0 ? 0 : builder.first.count);
        log_record_get_text(log_record_root(&message));
        CHECK_EQ(capnp_status(&message).code, words == 0 ? (uint32_t)CAPNP_OUT_OF_BOUNDS : 0u);
    }
}

TEST(dead_references_do_nothing) {
    struct log_record_builder dead = {};
    fill(dead);
    log_record_set_sink(dead, (struct log_sink){{4}});
    log_record_clear_text(dead);
    capnp_trim_list(capnp_edit_pointer(dead.s, 0), 0);
    CHECK(log_record_init_text(dead, 5) == nullptr);
    CHECK_EQ(log_record_get_sequence(log_record_read(dead)), 0);
    CHECK_EQ(log_record_list_count(log_record_list_read(log_record_edit_related(dead))), 0);
}

static bool all_zero(const uint64_t *from, const uint64_t *to) {
    while (from < to && *from == 0) {
        from++;
    }
    return from == to;
}

TEST(what_is_cleared_or_overwritten_is_zeroed) {
    for (uint32_t first = 1; first < 512; first += 510) {
        begin(first, 3);
        struct log_record_builder root = log_record_init_root(&builder);
        uint64_t *after_root = memory + builder.segments[0].count;
        struct log_record_list_builder related = log_record_init_related(root, 1);
        fill(log_record_list_edit(related, 0));
        log_record_clear_related(root);
        REQUIRE(status_ok(capnp_builder_status(&builder)));
        CHECK(!log_record_has_related(log_record_read(root)));
        if (first > 1) {
            CHECK(all_zero(after_root, memory + builder.segments[0].count));
        }
        for (uint32_t i = 2; i < builder.view.segment_count; i++) {
            CHECK(all_zero(table[i].words, table[i].words + table[i].count));
        }
    }
    begin(512, 0);
    struct log_record_builder root = log_record_init_root(&builder);
    log_record_set_text(root, CAPNP_TEXT("secret!"));
    uint64_t *text = memory + builder.segments[0].count - 1;
    log_record_set_text(root, log_record_get_text(log_record_read(root))); // out of what it overwrites
    CHECK_STR_EQ(log_record_get_text(log_record_read(root)).bytes, "secret!");
    CHECK_EQ(*text, 0);
}

TEST(unions_and_groups) {
    capnp_builder_init(&builder, memory, 512);
    struct log_record_builder record = log_record_init_root(&builder);
    log_record_crash_set_reason(log_record_init_crash(record), CAPNP_TEXT("x"));
    log_record_crash_set_address(log_record_edit_crash(record), 5);
    CHECK_EQ(log_record_which(log_record_read(record)), LOG_RECORD_CRASH);
    log_record_set_plain(record);
    CHECK_EQ(log_record_which(log_record_read(record)), LOG_RECORD_PLAIN);
    struct log_record_crash again = log_record_crash_read(log_record_init_crash(record));
    CHECK_EQ(log_record_crash_get_address(again), 0);
    CHECK(!log_record_crash_has_reason(again));
}

// Both short ways are the long one, to the word.
TEST(a_root_is_what_it_is_by_itself) {
    static const uint16_t shapes[][2] = {{0, 0}, {1, 0}, {0, 1}, {5, 4}, {300, 211}, {300, 212}};
    static uint64_t expected[512];
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const uint16_t data_words = shapes[i][0], pointers = shapes[i][1];
        memset(expected, 0x5a, sizeof(expected));
        capnp_builder_init(&builder, expected, 512);
        const struct capnp_struct_builder by_itself = capnp_init_struct(capnp_init_root(&builder), data_words, pointers);
        const uint32_t words = builder.first.count, status = capnp_builder_status(&builder).code;
        CHECK_EQ(status, i == 5 ? (uint32_t)CAPNP_NO_SPACE : 0);
        for (int way = 0; way < (i == 5 ? 1 : 2); way++) {
            struct capnp_struct_builder root;
            memset(memory, 0x5a, sizeof(memory));
            memset(&builder, 0x5a, sizeof(builder));
            if (way == 0) {
                capnp_builder_init(&builder, memory, 512);
                root = capnp_build_root(&builder, data_words, pointers);
            } else {
                root = capnp_builder_init_struct(&builder, memory, 512, data_words, pointers);
            }
            CHECK_EQ(builder.first.count, words);
            CHECK_EQ(capnp_builder_status(&builder).code, status);
            CHECK_EQ(memcmp(memory, expected, sizeof(memory)), 0);
            CHECK_EQ(root.data == nullptr ? -1 : root.data - memory, by_itself.data == nullptr ? -1 : by_itself.data - expected);
            CHECK_EQ(root.pointers, by_itself.pointers);
            CHECK_EQ(builder.view.handle_count, 0);
        }
    }
    capnp_builder_init(&builder, memory, 512);
    const struct capnp_struct_builder first = capnp_build_root(&builder, 1, 1);
    capnp_put_u64(first, 0, 7);
    const struct capnp_struct_builder other = capnp_build_root(&builder, 2, 0); // in its place, as capnp_init_struct
    CHECK(other.data != first.data);
    CHECK_EQ(first.data[0], 0);
}

TEST(capabilities) {
    capnp_builder_init(&builder, memory, 512);
    struct log_record_builder record = log_record_init_root(&builder);
    log_record_set_sink(record, (struct log_sink){{17}});
    CHECK_EQ(log_record_get_sink(log_record_read(record)).handle.v, 17);
    log_record_give_sink(record, (struct log_sink){{18}});
    CHECK_EQ(log_record_get_sink(log_record_read(record)).handle.v, 18);
    CHECK_EQ(builder.view.handle_count, 2);
    CHECK_EQ(builder.moved, 2);
    log_record_set_sink(record, (struct log_sink){});
    CHECK(!log_record_has_sink(log_record_read(record)));
    struct log_record_list_builder related = log_record_init_related(record, 3);
    for (uint32_t i = 0; i < 3; i++) {
        log_record_set_sink(log_record_list_edit(related, i), (struct log_sink){{i + 1}});
    }
    CHECK_EQ(capnp_builder_status(&builder).code, (uint32_t)CAPNP_NO_HANDLES);
}

// What an older program wrote is smaller than what this one edits.
TEST(editing_enlarges) {
    for (uint32_t more = 0; more < 12; more++) {
        begin(more == 0 ? 512 : more, more);
        struct capnp_pointer_builder root = capnp_init_root(&builder);
        struct capnp_struct_builder old = capnp_init_struct(root, 1, 2);
        capnp_put_u64(old, 0, 42);
        capnp_set_text(capnp_edit_pointer(old, 0), CAPNP_TEXT("old text"));
        log_origin_set_name(log_origin_init_at(capnp_edit_pointer(old, 1)), CAPNP_TEXT("old origin"));
        struct log_record_builder record = log_record_edit_at(root);
        log_record_set_offset(record, 5);
        CHECK_EQ(log_record_get_sequence(log_record_read(record)), 42);
        CHECK_STR_EQ(log_record_get_text(log_record_read(record)).bytes, "old text");
        // Elements become larger, and numbers and pointers become structs.
        capnp_u32_list_set(capnp_u32_list_init_at(log_record_edit_details(record), 2), 1, 6);
        struct log_origin_list_builder origins = log_origin_list_edit_at(log_record_edit_details(record));
        CHECK_EQ(log_origin_get_holder(log_origin_list_get(log_origin_list_read(origins), 1)), 6);
        capnp_text_list_set(capnp_text_list_init_at(log_record_edit_details(record), 2), 1, CAPNP_TEXT("pointer"));
        origins = log_origin_list_edit_at(log_record_edit_details(record));
        log_origin_set_holder(log_origin_list_edit(origins, 1), 8);
        struct capnp_message message;
        capnp_message_init_segments(&message, table, builder.view.segment_count);
        struct log_record read = log_record_root(&message);
        struct log_origin origin = log_origin_list_get(log_origin_list_at(log_record_get_details(read)), 1);
        CHECK_STR_EQ(log_origin_get_name(origin).bytes, "pointer");
        CHECK_EQ(log_origin_get_holder(origin), 8);
        CHECK_STR_EQ(log_origin_get_name(log_record_get_origin(read)).bytes, "old origin");
        CHECK(status_ok(capnp_status(&message)) && status_ok(capnp_builder_status(&builder)));
    }
}

TEST(editing_what_is_not_there_or_is_something_else) {
    capnp_builder_init(&builder, memory, 512);
    struct log_record_builder record = log_record_init_root(&builder);
    CHECK_EQ(log_record_list_builder_count(log_record_edit_related(record)), 0);
    log_origin_set_holder(log_record_edit_origin(record), 1);
    CHECK(status_ok(capnp_builder_status(&builder)));
    static const uint64_t origin[] = {0x0001'0001'0000'0000, 7, 0};
    struct capnp_struct_builder made = capnp_edit_struct(log_record_edit_details(record), 1, 1, origin);
    CHECK_EQ(made.data[0], 7);
    CHECK_EQ(capnp_list_edit_struct(capnp_edit_struct_list(log_record_edit_details(record), 1, 1, nullptr), 0).data_words, 0);
    CHECK_EQ(capnp_builder_status(&builder).code, (uint32_t)CAPNP_WRONG_KIND);
    capnp_builder_init(&builder, memory, 512);
    record = log_record_init_root(&builder);
    capnp_u32_list_set(log_record_init_lines(record, 1), 1, 0);
    CHECK_EQ(capnp_builder_status(&builder).code, (uint32_t)CAPNP_BAD_INDEX);
    capnp_builder_init(&builder, memory, 512);
    CHECK(log_record_init_tags(log_record_init_root(&builder), UINT32_MAX).list.data == nullptr);
    CHECK_EQ(capnp_builder_status(&builder).code, (uint32_t)CAPNP_TOO_LARGE);
}

TEST(trimming) {
    for (uint32_t first = 1; first < 512; first += 510) {
        begin(first, 20);
        struct log_record_builder record = log_record_init_root(&builder);
        struct log_record_list_builder related = log_record_init_related(record, 2);
        capnp_trim_list(capnp_edit_pointer(record.s, 4), 1);
        uint32_t newest = builder.view.segment_count - 1;
        uint32_t used = builder.segments[newest].count;
        log_record_set_text(log_record_list_edit(related, 0), CAPNP_TEXT("kept"));
        CHECK_EQ(builder.segments[newest].count, used + 1); // what was cut off was given back
        CHECK_EQ(log_record_list_count(log_record_get_related(log_record_read(record))), 1);
        capnp_u8_list_init_at(log_record_edit_details(record), 9); // is cut when something without size was made since
        log_record_init_lines(record, 0);
        capnp_trim_list(log_record_edit_details(record), 0);
        CHECK_EQ(capnp_u32_list_count(log_record_get_lines(log_record_read(record))), 0);
        CHECK(status_ok(capnp_builder_status(&builder)));
        struct capnp_bool_list_builder bits = capnp_bool_list_init_at(log_record_edit_details(record), 70);
        for (uint32_t i = 0; i < 70; i++) {
            capnp_bool_list_set(bits, i, true);
        }
        capnp_trim_list(log_record_edit_details(record), 3);
        struct capnp_bool_list cut = capnp_bool_list_at(log_record_get_details(log_record_read(record)));
        CHECK_EQ(capnp_bool_list_count(cut), 3);
        CHECK_EQ(*(const uint64_t *)cut.list.data, 7);
        struct capnp_text_list_builder tags = log_record_init_tags(record, 3);
        capnp_text_list_set(tags, 2, CAPNP_TEXT("secret"));
        capnp_trim_list(capnp_edit_pointer(record.s, 2), 1);
        CHECK_EQ(capnp_text_list_count(log_record_get_tags(log_record_read(record))), 1);
        struct capnp_message message;
        capnp_message_init_segments(&message, builder.segments, builder.view.segment_count);
        CHECK_STR_EQ(log_record_get_text(log_record_list_get(log_record_get_related(log_record_root(&message)), 0)).bytes,
                     "kept");
        CHECK(status_ok(capnp_status(&message)) && status_ok(capnp_builder_status(&builder)));
    }
}
