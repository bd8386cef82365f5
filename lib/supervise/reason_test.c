#include "lib/supervise/reason.h"

#include "base/str.h"
#include "base/test.h"

static const struct reason_image image = {
    .name = "hello", .base = 0x10'0000, .end = 0x11'0000, .stack_low = 0xe'0000, .stack_high = 0xf'0000};

static const char *text_of(struct exit_record record) {
    static char text[200];
    reason_text(&record, &image, text, sizeof text);
    return text;
}

TEST(every_end_has_its_words) {
    CHECK_STR_EQ(text_of((struct exit_record){.kind = EXIT_NORMAL, .code = 3}), "exit code 3");
    CHECK_STR_EQ(text_of((struct exit_record){.kind = EXIT_NORMAL, .code = UINT64_MAX}), "exit code -1");
    CHECK_STR_EQ(text_of((struct exit_record){.kind = EXIT_KILLED}), "killed");
    CHECK_STR_EQ(text_of((struct exit_record){.kind = EXIT_FAULT,
                                              .fault_kind = FAULT_PAGE,
                                              .fault_access = 1,
                                              .ip = 0x10'1234,
                                              .thread_koid = 57}),
                 "page fault: read of 0 at hello+0x1234 (thread 57)");
    CHECK_STR_EQ(text_of((struct exit_record){.kind = EXIT_FAULT,
                                              .fault_kind = FAULT_PAGE,
                                              .fault_access = 2,
                                              .fault_address = 0xd'fff8,
                                              .sp = 0xe'0000,
                                              .ip = 0x10'0010}),
                 "stack overflow: write of 0xdfff8 at hello+0x10 (thread 0)");
    CHECK_STR_EQ(text_of((struct exit_record){.kind = EXIT_FAULT,
                                              .fault_kind = FAULT_PAGE,
                                              .fault_access = 4 | 8,
                                              .fault_address = 0x10'8000,
                                              .ip = 0x10'8000}),
                 "protection fault: execution of hello+0x8000 at hello+0x8000 (thread 0)");
    CHECK_STR_EQ(text_of((struct exit_record){.kind = EXIT_FAULT, .fault_kind = FAULT_ILLEGAL, .ip = 0x5}),
                 "illegal instruction at 0x5 (thread 0)");
    for (uint32_t kind = 0; kind < 12; kind++) {
        CHECK(strlen(text_of((struct exit_record){.kind = EXIT_FAULT, .fault_kind = kind})) > 10);
    }
}

TEST(short_buffers_are_terminated) {
    struct exit_record record = {
        .kind = EXIT_FAULT, .fault_kind = FAULT_PAGE, .ip = UINT64_MAX, .sp = UINT64_MAX};
    for (size_t i = 0; i < 16; i++) {
        record.gpr[i] = UINT64_MAX;
    }
    static const char *const names[16] = {"a", "b", "c", nullptr, "d"};
    for (size_t size = 1; size < 400; size++) {
        char to[400];
        memset(to, 'x', sizeof to);
        reason_text(&record, &image, to, size);
        CHECK(strnlen(to, size) < size);
        reason_registers(&record, names, to, size);
        CHECK(strnlen(to, size) < size);
    }
}
