#include "lib/denial/denial.h"

#include <stdio.h>

#include "base/test.h"

static uint64_t memory[512];
static struct capnp_builder builder;
static char text[DENIAL_TEXT_BYTES];

static struct policy_denial_builder begin(void) {
    memset(memory, 0, sizeof memory);
    capnp_builder_init(&builder, memory, 512);
    const struct policy_denial_builder denial = policy_denial_init_root(&builder);
    policy_denial_set_subject(denial, CAPNP_TEXT("hello.4"));
    policy_denial_set_attempted(denial, CAPNP_TEXT("control"));
    policy_denial_set_missing(denial, CAPNP_TEXT("control of log"));
    policy_denial_set_object(denial, CAPNP_TEXT("log"));
    policy_denial_set_reason(denial, CAPNP_TEXT("no rule allows it"));
    return denial;
}

static const char *sentence(struct policy_denial from) {
    struct denial denial;
    denial_read(from, &denial);
    return denial_sentence(&denial, text);
}

TEST(it_says_who_may_and_what_to_write_where) {
    const struct policy_denial_builder denial = begin();
    const struct capnp_text_list_builder holders = policy_denial_init_holders(denial, 2);
    capnp_text_list_set(holders, 0, CAPNP_TEXT("shell"));
    capnp_text_list_set(holders, 1, CAPNP_TEXT("execd"));
    policy_denial_set_holder_count(denial, 2);
    policy_denial_set_file(denial, CAPNP_TEXT("t.capnp"));
    policy_denial_set_line(denial, 9);
    policy_denial_set_advice(denial, CAPNP_TEXT("add `control = true` to the entry"));
    CHECK_STR_EQ(sentence(policy_denial_read(denial)),
                 "hello.4 may not control log: no rule allows it; shell and execd may. To allow it, add `control = true` to "
                 "the entry (t.capnp:9)");
    policy_denial_set_holder_count(denial, 12);
    CHECK(strstr(sentence(policy_denial_read(denial)), "; shell, execd and 10 more may.") != nullptr);
}

TEST(what_is_not_there_is_not_said) {
    const struct policy_denial_builder denial = begin();
    CHECK_STR_EQ(sentence(policy_denial_read(denial)),
                 "hello.4 may not control log: no rule allows it; nobody may");
    CHECK(strstr(sentence((struct policy_denial){}), "may not ") != nullptr);
}

TEST(whatever_it_holds_it_is_one_line_that_fits) {
    static char longer[800];
    const struct policy_denial_builder denial = begin();
    memset(longer, '\x1b', sizeof longer - 1);
    policy_denial_set_reason(denial, capnp_text(longer));
    policy_denial_set_holder_count(denial, UINT32_MAX);
    CHECK_EQ(strlen(sentence(policy_denial_read(denial))), DENIAL_TEXT_BYTES - 1);
    CHECK(strchr(text, '\x1b') == nullptr && strchr(text, '\n') == nullptr);
}

TEST(what_the_maker_does_not_know_is_not_said) {
    const struct denial denial = {.subject = "a", .attempted = "call vmo.resize of", .object = "b", .reason = "c", .holder_count = 3};
    CHECK_STR_EQ(denial_sentence(&denial, text), "a may not call vmo.resize of b: c");
}

TEST(the_log_has_all_of_it_in_fields) {
    static struct denial_record record;
    struct denial denial = {.subject = "hello.4", .attempted = "control", .object = "log", .missing = "control of log",
                            .reason = "no rule allows it", .holders = {"shell", "execd"}, .holder_count = 5,
                            .holders_are_known = true, .file = "t.capnp", .line = 9};
    denial_record(&denial, 3, &record);
    static const char *const names[] = {"who", "attempted", "object", "missing", "holders", "line", "times"};
    static const char *const values[] = {"hello.4", "control", "log", "control of log", "shell, execd and 3 more", "t.capnp:9", nullptr};
    CHECK_EQ(record.record.kind, LOG_KIND_DENIAL);
    CHECK_STR_EQ(record.record.text, denial_sentence(&denial, text));
    CHECK_EQ(record.record.count, 7);
    for (uint32_t i = 0; i < record.record.count; i++) {
        CHECK_STR_EQ(record.fields[i].name, names[i]);
        CHECK(values[i] == nullptr ? record.fields[i].integer == 3 : strcmp(record.fields[i].text, values[i]) == 0);
    }
    denial = (struct denial){.subject = "a", .attempted = "b", .object = "c", .reason = "d"};
    denial_record(&denial, 1, &record);
    CHECK_EQ(record.record.count, 3);
}
