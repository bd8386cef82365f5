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
    policy_denial_set_action(denial, POLICY_ACTION_CONTROL);
    policy_denial_set_object(denial, CAPNP_TEXT("log"));
    policy_denial_set_reason(denial, CAPNP_TEXT("no rule allows it"));
    return denial;
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
    CHECK_STR_EQ(denial_sentence(policy_denial_read(denial), text),
                 "hello.4 may not control log: no rule allows it; shell and execd may. To allow it, add `control = true` to "
                 "the entry (t.capnp:9)");
    policy_denial_set_holder_count(denial, 12);
    CHECK(strstr(denial_sentence(policy_denial_read(denial), text), "; shell, execd and 10 more may.") != nullptr);
}

TEST(what_is_not_there_is_not_said) {
    const struct policy_denial_builder denial = begin();
    CHECK_STR_EQ(denial_sentence(policy_denial_read(denial), text),
                 "hello.4 may not control log: no rule allows it; nobody may");
    CHECK(strstr(denial_sentence((struct policy_denial){}, text), "may not use") != nullptr);
}

TEST(whatever_it_holds_it_is_one_line_that_fits) {
    static char longer[600];
    const struct policy_denial_builder denial = begin();
    memset(longer, '\x1b', sizeof longer - 1);
    policy_denial_set_action(denial, (enum policy_action)77);
    policy_denial_set_reason(denial, capnp_text(longer));
    policy_denial_set_holder_count(denial, UINT32_MAX);
    CHECK_EQ(strlen(denial_sentence(policy_denial_read(denial), text)), DENIAL_TEXT_BYTES - 1);
    CHECK(strchr(text, '\x1b') == nullptr && strchr(text, '\n') == nullptr);
}
