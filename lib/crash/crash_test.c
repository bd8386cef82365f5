#include "lib/crash/crash.h"

#include <stdio.h>
#include <stdlib.h>

#include "abi/gen/abi.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/test.h"
#include "base/xxh64.h"

// A program of three functions: `inner` at 0x100 with a frame of 24 bytes behind its first instruction, `middle` at 0x200 that counts
// from its frame pointer, `outer` at 0x300 with a frame of 8 bytes: nothing but the return address.
static uint8_t table[512];
static size_t table_bytes;
static const uint8_t build_id[SYMBOLS_BUILD_ID_BYTES] = {1, 2, 3};

static void put(uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        table[table_bytes++] = (uint8_t)(value >> (8 * i));
    }
}

static void put_function(uint32_t start, uint32_t name, uint32_t row) {
    put(start, 4);
    put(0x80, 4);
    put(name, 4);
    put(row, 4);
}

static void put_row(uint16_t offset, uint16_t value) {
    put(offset, 2);
    put(value, 2);
}

static void make_table(void) {
    constexpr uint32_t functions_at = 16 + 36, rows_at = functions_at + 3 * 16, names_at = rows_at + 4 * 4;
    table_bytes = 0;
    put(SYMBOLS_MAGIC, 8);
    put(1, 4);
    put(names_at, 4);
    for (size_t i = 0; i < sizeof build_id; i++) {
        put(build_id[i], 1);
    }
    put(3, 4);
    put(functions_at, 4);
    put(4, 4);
    put(rows_at, 4);
    put_function(0x100, 0, 0);
    put_function(0x200, 6, 2);
    put_function(0x300, 13, 3);
    put_row(0, 1);
    put_row(4, 3);
    put_row(0, SYMBOLS_BY_FRAME_POINTER | 2);
    put_row(0, 1);
    for (const char *name = "inner\0middle\0outer"; table_bytes < names_at + 19; name++) {
        put((uint8_t)*name, 1);
    }
}

static struct symbols symbols;
static struct symbols_program program;

static void open_table(void) {
    make_table();
    REQUIRE(symbols_open(table, table_bytes, &symbols));
    REQUIRE(symbols_find(&symbols, build_id, &program));
}

TEST(functions_are_found) {
    open_table();
    struct symbols_function found;
    CHECK(!symbols_at(&program, 0xff, &found));
    REQUIRE(symbols_at(&program, 0x100, &found));
    CHECK_STR_EQ(found.name, "inner");
    CHECK_EQ(symbols_row(&program, &found, 0x103), 1);
    CHECK_EQ(symbols_row(&program, &found, 0x104), 3);
    CHECK_EQ(symbols_row(&program, &found, 0x17f), 3);
    CHECK(!symbols_at(&program, 0x180, &found)); // between two
    REQUIRE(symbols_at(&program, 0x37f, &found));
    CHECK_STR_EQ(found.name, "outer");
    CHECK(!symbols_at(&program, UINT64_MAX, &found));
    const uint8_t other[SYMBOLS_BUILD_ID_BYTES] = {1, 2, 4};
    struct symbols_program none;
    CHECK(!symbols_find(&symbols, other, &none));
}

constexpr uint64_t BIAS = 0x10'0000, STACK = 0x8'0000;
static uint64_t stack[16];

static bool read_stack(void *, uint64_t address, uint64_t *word) {
    if (address % 8 != 0 || address < STACK || address >= STACK + sizeof stack) {
        return false;
    }
    *word = stack[(address - STACK) / 8];
    return true;
}

static struct backtrace from(uint64_t ip) {
    return (struct backtrace){.program = &program,
                              .bias = BIAS,
                              .low = BIAS,
                              .high = BIAS + 0x1000,
                              .ip = BIAS + ip,
                              .sp = STACK,
                              .calls_push = true,
                              .read = read_stack};
}

TEST(callers_are_found) {
    open_table();
    memset(stack, 0, sizeof stack);
    stack[2] = BIAS + 0x310; // inner's caller
    stack[3] = 0;            // outer has none
    struct backtrace_frame frames[4];
    const struct backtrace inner = from(0x110);
    REQUIRE(backtrace_walk(&inner, frames, 4) == 2);
    CHECK_STR_EQ(frames[0].function, "inner");
    CHECK_EQ(frames[0].offset, 0x10);
    CHECK_STR_EQ(frames[1].function, "outer");
    CHECK_EQ(frames[1].offset, 0x10);
    // In its first instructions the frame is not there yet.
    stack[0] = BIAS + 0x300 + 0x80; // behind a call that is outer's last instruction
    const struct backtrace begun = from(0x100);
    REQUIRE(backtrace_walk(&begun, frames, 4) == 2);
    CHECK_STR_EQ(frames[1].function, "outer");
    // By the frame pointer, which only the innermost has.
    struct backtrace middle = from(0x210);
    middle.fp = STACK + 8;
    stack[2] = BIAS + 0x310;
    REQUIRE(backtrace_walk(&middle, frames, 4) == 2);
    CHECK_STR_EQ(frames[1].function, "outer");
    stack[2] = BIAS + 0x210;
    REQUIRE(backtrace_walk(&inner, frames, 4) == 2);
    CHECK_STR_EQ(frames[1].function, "middle");
}

TEST(calls_astray_are_followed_back) {
    open_table();
    memset(stack, 0, sizeof stack);
    stack[0] = BIAS + 0x310;
    struct backtrace_frame frames[4];
    struct backtrace astray = from(0);
    astray.ip = 8;
    REQUIRE(backtrace_walk(&astray, frames, 4) == 2);
    CHECK(frames[0].function == nullptr);
    CHECK_STR_EQ(frames[1].function, "outer");
    astray.calls_push = false;
    astray.ra = BIAS + 0x120;
    REQUIRE(backtrace_walk(&astray, frames, 1) == 1); // no more than there is room for
    REQUIRE(backtrace_walk(&astray, frames, 4) >= 2);
    CHECK_STR_EQ(frames[1].function, "inner");
    astray.program = nullptr;
    CHECK(backtrace_walk(&astray, frames, 4) >= 1);
}

// Whatever table and stack hold, a walk ends inside of its bounds.
TEST(nothing_is_believed) {
    uint64_t state = 7;
    for (uint32_t round = 0; round < 20'000; round++) {
        make_table();
        for (uint32_t i = 0; i < 1 + round % 8; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            table[(state >> 32) % table_bytes] = (uint8_t)(state >> 24);
        }
        for (size_t i = 0; i < 16; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            stack[i] = BIAS + (state >> 40) % 0x400;
        }
        const size_t len = round % 3 == 0 ? (state >> 33) % table_bytes : table_bytes;
        uint8_t *copy = malloc(len + 1); // so that a byte read beyond is noticed
        memcpy(copy, table, len);
        struct backtrace_frame frames[CRASH_FRAMES];
        struct backtrace walk = from((state >> 20) % 0x400);
        if (symbols_open(copy, len, &symbols) && symbols_find(&symbols, build_id, &program)) {
            const size_t count = backtrace_walk(&walk, frames, CRASH_FRAMES);
            CHECK(count >= 1 && count <= CRASH_FRAMES);
        }
        uint8_t id[SYMBOLS_BUILD_ID_BYTES];
        (void)symbols_build_id(copy, len, id);
        free(copy);
    }
}

TEST(build_ids_are_read) {
    uint8_t image[256] = {};
    image[32] = 64; // the segments' table
    image[54] = 56;
    image[56] = 1;
    image[64] = 4; // a note ...
    image[72] = 128;
    image[96] = 36;
    memcpy(image + 128, (const uint8_t[]){4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0, 9, 8, 7}, 19);
    uint8_t id[SYMBOLS_BUILD_ID_BYTES];
    REQUIRE(symbols_build_id(image, sizeof image, id));
    CHECK_EQ(id[0], 9);
    CHECK_EQ(id[2], 7);
    CHECK(!symbols_build_id(image, 128 + 35, id));
    image[140] = 'X';
    CHECK(!symbols_build_id(image, sizeof image, id));
}

static struct crashes crashes;
static struct remains remains;

static uint64_t fp_of(const uint64_t gpr[16]) {
    return gpr[6];
}

static uint64_t ra_of(const uint64_t *) {
    return 0;
}

static const struct crash_machine machine = {
    .name = "x86_64",
    .calls_push = true,
    .registers = {"r10", "r10", "r10", "r10", "r10", "r10", "r10", "r10", "r10", "r10", "r10", "r10", "r10", "r10", "r10", "r10"},
    .frame_pointer = fp_of,
    .return_address = ra_of,
};

static struct crash *add(void) {
    return crashes_add(&crashes, &remains, &machine, &symbols, build_id);
}

TEST(the_last_ones_are_kept) {
    crashes = (struct crashes){};
    remains = (struct remains){};
    open_table();
    CHECK(crashes_find(&crashes, 0) == nullptr && crashes_find(&crashes, 1) == nullptr);
    for (uint32_t i = 1; i <= 3 * CRASHES_MAX; i++) {
        CHECK_EQ(add()->number, i);
        CHECK(crashes_find(&crashes, i) != nullptr && crashes_find(&crashes, i + 1) == nullptr);
        CHECK((crashes_find(&crashes, i - CRASHES_MAX) != nullptr) == false);
        CHECK(i < CRASHES_MAX || crashes_find(&crashes, i - CRASHES_MAX + 1) != nullptr);
    }
}

// A fault in inner, which outer has called.
static void lie_there(void) {
    const uint64_t words[] = {1, 2, BIAS + 0x310};
    remains = (struct remains){
        .name = "logd",
        .program = "logd",
        .reason = "page fault",
        .record = {.kind = EXIT_FAULT, .ip = BIAS + 0x110, .sp = STACK, .gpr = {0xabcd}},
        .image_low = BIAS,
        .image_high = BIAS + 0x1000,
        .image_bias = BIAS,
        .stack_low = STACK - 0x1000,
        .stack_high = STACK + sizeof words,
        .stack_at = STACK,
        .stack_bytes = sizeof words,
        .handle_count = 1,
        .handles_left = 2,
        .handles = {{.handle = 0x21, .type = OBJECT_ENDPOINT, .rights = RIGHT_SEND_BIT, .badge = 7, .name = "console"}},
    };
    memcpy(remains.stack, words, sizeof words);
}

TEST(a_record_has_all_that_is_left) {
    static char text[CRASH_TEXT_BYTES];
    crashes = (struct crashes){};
    open_table();
    lie_there();
    struct crash *crash = add();
    crash_add_mapping(crash, 0x1000, 0x3000, PROT_READ | PROT_EXECUTE, "code");
    REQUIRE(crash->frame_count == 2);
    CHECK_STR_EQ(crash->frames[0].function, "inner");
    CHECK_STR_EQ(crash->frames[1].function, "outer");
    CHECK_STR_EQ(crash_place(crash)->function, "inner");
    (void)crash_text(crash, &machine, text, sizeof text);
    CHECK(strstr(text, "\nframe 1 0x100310 outer+0x10\n") != nullptr);
    CHECK(strstr(text, "\nhandle 0x21 endpoint 0x7 0 console SEND\nhandles left 2\n") != nullptr);
    CHECK(strstr(text, "\nmapping 0x1000 0x3000 r-x code\n") != nullptr);
    CHECK(strstr(text, " r10 0xabcd") != nullptr);
    CHECK(strstr(text, "\nmemory 0x80000 0100000000000000") != nullptr);
    CHECK(strstr(text, "withheld") == nullptr);
    // Where it ended itself, no register is known but where.
    remains.record = (struct exit_record){.kind = EXIT_NORMAL, .code = 134};
    remains.stopped_ip = BIAS + 0x114;
    remains.stopped_sp = STACK;
    crash = add();
    CHECK_EQ(crash->frame_count, 2);
    CHECK_EQ(crash->record.ip, BIAS + 0x114);
}

TEST(of_a_secret_program_only_the_calls_are_kept) {
    static char text[CRASH_TEXT_BYTES];
    crashes = (struct crashes){};
    open_table();
    lie_there();
    remains.secret = 1;
    const struct crash *crash = add();
    CHECK_EQ(crash->frame_count, 2);
    const uint8_t none[sizeof crash->stack] = {};
    CHECK(memcmp(crash->stack, none, sizeof none) == 0);
    CHECK_EQ(crash->record.gpr[0], 0);
    (void)crash_text(crash, &machine, text, sizeof text);
    CHECK(strstr(text, "\nwithheld\n") != nullptr && strstr(text, "\nmemory ") == nullptr && strstr(text, "r10") == nullptr);
    CHECK(strstr(text, "\nframe 1 0x100310 outer+0x10\n") != nullptr);
}

TEST(what_another_process_left_can_be_shown) {
    static struct crashes damaged;
    crashes = (struct crashes){};
    open_table();
    lie_there();
    for (size_t i = 0; i < 3 * CRASHES_MAX; i++) {
        CHECK(crashes_check(&crashes));
        CHECK_EQ(add()->number, i + 1);
    }
    CHECK(crashes_check(&crashes));
    uint64_t state = 11;
    uint32_t refused = 0;
    for (uint32_t round = 0; round < 3'000; round++) {
        static char text[CRASH_TEXT_BYTES];
        damaged = crashes;
        for (uint32_t i = 0; i < 1 + round % 40; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            const size_t at = round % 2 == 0 ? (state >> 33) % 400 : (state >> 33) % sizeof damaged; // often where the numbers are
            ((uint8_t *)&damaged)[at] = (uint8_t)(state >> 24);
        }
        const bool sound = crashes_check(&damaged);
        refused += !sound;
        for (uint32_t number = (uint32_t)damaged.count; sound && crashes_find(&damaged, number) != nullptr; number--) {
            CHECK(crash_text(crashes_find(&damaged, number), &machine, text, sizeof text) < sizeof text);
        }
    }
    CHECK(refused > 0 && refused < 3'000);
}

TEST(the_longest_text_fits) {
    static char text[CRASH_TEXT_BYTES];
    crashes = (struct crashes){};
    open_table();
    struct crash *crash = add();
    memset(crash, 0xff, sizeof *crash);
    crash->has_build_id = true;
    crash->secret = false;
    crash->record.kind = EXIT_FAULT;
    memset(crash->name, 'n', sizeof crash->name - 1);
    memset(crash->program, 'n', sizeof crash->program - 1);
    memset(crash->reason, 'n', sizeof crash->reason - 1);
    crash->name[NAME_BYTES - 1] = crash->program[NAME_BYTES - 1] = crash->reason[REMAINS_REASON_BYTES - 1] = '\0';
    crash->frame_count = CRASH_FRAMES;
    crash->handle_count = REMAINS_HANDLES;
    crash->mapping_count = 0;
    crash->stack_bytes = CRASH_STACK_BYTES;
    for (size_t i = 0; i < CRASH_FRAMES; i++) {
        memset(crash->frames[i].function, 'f', CRASH_FUNCTION_BYTES);
        crash->frames[i].function[CRASH_FUNCTION_BYTES - 1] = '\0';
    }
    for (size_t i = 0; i < REMAINS_HANDLES; i++) {
        memset(crash->handles[i].name, 'h', NAME_BYTES);
        crash->handles[i].name[NAME_BYTES - 1] = '\0';
    }
    for (size_t i = 0; i < CRASH_MAPPINGS + 2; i++) {
        crash_add_mapping(crash, UINT64_MAX, UINT64_MAX, UINT32_MAX, "what is longer than there is room for");
    }
    const size_t len = crash_text(crash, &machine, text, sizeof text);
    CHECK_EQ(len, strlen(text));
    CHECK(len < sizeof text - 1);
    const char *end = strstr(text, "-- end ");
    REQUIRE(end != nullptr);
    uint64_t sum = 0;
    REQUIRE(sscanf(end, "-- end %016lx --\n", &sum) == 1);
    CHECK_EQ(sum, xxh64(text, (size_t)(end - text), 0));
    CHECK_EQ(crash_place(crash)->offset, UINT32_MAX);
}
