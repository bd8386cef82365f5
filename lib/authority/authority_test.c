#include "base/test.h"

#include "abi/gen/abi.h"
#include "lib/authority/effect.h"
#include "lib/authority/play.h"
#include "lib/authority/why.h"
#include "lib/badge/badge.h"

static uint32_t handle_of(const struct authority *graph, uint64_t koid, uint32_t handle) {
    return authority_handle_of(graph, authority_process_by_koid(graph, koid), handle);
}

// ---- the graph ----

TEST(what_belongs_together_is_found) {
    struct authority graph;
    play_begin(&graph);
    const uint32_t logd = authority_process_by_name(&graph, "logd");
    CHECK_EQ(graph.processes.at[logd].koid, PLAY_LOGD);
    CHECK_EQ(graph.objects.count, 4); // each once
    CHECK_EQ(graph.handles.at[handle_of(&graph, PLAY_LOGD, 1)].parent, handle_of(&graph, PLAY_INIT, 2));
    CHECK_EQ(authority_handle_called(&graph, logd, "log"), handle_of(&graph, PLAY_LOGD, 1));
    CHECK_EQ(authority_handle_called(&graph, logd, "0x2"), handle_of(&graph, PLAY_LOGD, 2));
    CHECK_EQ(authority_handle_called(&graph, logd, "2"), handle_of(&graph, PLAY_LOGD, 2));
    CHECK_EQ(authority_handle_called(&graph, logd, "9"), AUTHORITY_NONE);
    CHECK_EQ(authority_handle_called(&graph, logd, "logs"), AUTHORITY_NONE);
    CHECK_EQ(authority_process_by_name(&graph, "log"), AUTHORITY_NONE);
    CHECK_EQ(authority_process_by_koid(&graph, 21), AUTHORITY_NONE);
    authority_free(&graph);
    CHECK_EQ(authority_process_by_koid(&graph, PLAY_INIT), AUTHORITY_NONE); // empty
}

TEST(a_name_of_its_own_is_made_printable) {
    struct authority graph = {};
    CHECK(authority_add_process(&graph, &(struct inspect_process){.koid = 5, .name = "a\x1b[2J b"}));
    CHECK_STR_EQ(graph.processes.at[0].name, "a?[2J?b");
    authority_free(&graph);
}

TEST(accounts_are_somebodys) {
    struct authority graph;
    play_begin(&graph);
    CHECK_EQ(authority_payer(&graph, PLAY_SHELL_ACCOUNT), authority_process_by_name(&graph, "shell"));
    CHECK_EQ(authority_payer(&graph, 77), AUTHORITY_NONE);
    CHECK_EQ(authority_payer(&graph, 0), AUTHORITY_NONE);
    CHECK(authority_account_is_under(&graph, PLAY_SHELL_ACCOUNT, PLAY_ROOT));
    CHECK(authority_account_is_under(&graph, PLAY_ROOT, PLAY_ROOT));
    CHECK(!authority_account_is_under(&graph, PLAY_ROOT, PLAY_SHELL_ACCOUNT));
    CHECK(!authority_account_is_under(&graph, 77, PLAY_ROOT));
    CHECK(!authority_account_is_under(&graph, 0, 0));
    authority_free(&graph);
}

TEST(a_control_badge_allows_the_interface_that_extends) {
    struct authority graph;
    play_begin(&graph);
    struct inspect_handle handle = {.interface_id = PLAY_LOG, .badge = 6};
    CHECK(authority_may_use(&graph, &handle, PLAY_LOG));
    CHECK(!authority_may_use(&graph, &handle, PLAY_LOG_CONTROL));
    handle.badge |= BADGE_CONTROL;
    CHECK(authority_may_use(&graph, &handle, PLAY_LOG_CONTROL));
    CHECK(!authority_may_use(&graph, &handle, 0x999));
    handle.interface_id = PLAY_LOG_CONTROL;
    CHECK(authority_may_use(&graph, &handle, PLAY_LOG));
    handle.interface_id = 0x777; // of no contract: it may be any
    CHECK(authority_may_use(&graph, &handle, PLAY_LOG_CONTROL));
    authority_free(&graph);
}

// ---- why ----

static const char *how(const struct authority *graph, const struct authority_chain *chain, uint32_t step) {
    static char text[AUTHORITY_HOW_BYTES];
    return authority_how(graph, &chain->steps[step], text);
}

TEST(a_grant_says_its_line) {
    struct authority graph;
    struct authority_chain chain;
    play_begin(&graph);
    authority_why(&graph, handle_of(&graph, PLAY_SHELL, 1), &chain);
    CHECK(chain.gap == nullptr);
    CHECK_EQ(chain.count, 2);
    CHECK_STR_EQ(how(&graph, &chain, 0), "came with its object");
    CHECK_STR_EQ(how(&graph, &chain, 1), "granted by init: s.capnp:23, service log");
    CHECK_EQ(chain.payer, authority_process_by_name(&graph, "init"));
    authority_free(&graph);
}

TEST(a_message_says_its_method) {
    struct authority graph;
    struct authority_chain chain;
    play_begin(&graph);
    authority_why(&graph, handle_of(&graph, PLAY_LOGD, 2), &chain);
    CHECK(chain.gap == nullptr);
    CHECK_EQ(chain.count, 2);
    CHECK_STR_EQ(how(&graph, &chain, 1), "came with a request of shell: LogControl.watch"); // not append: that brings nothing
    CHECK_EQ(chain.reason, authority_unit_by_name(&graph, "shell"));
    authority_free(&graph);
}

TEST(a_parent_that_is_gone_was_somebodys) {
    struct authority graph;
    struct authority_chain chain;
    play_begin(&graph);
    authority_why(&graph, handle_of(&graph, PLAY_LOGD, 3), &chain);
    CHECK(chain.gap == nullptr);
    CHECK_EQ(chain.count, 2);
    CHECK_EQ(chain.steps[0].holder, authority_process_by_name(&graph, "init"));
    CHECK_STR_EQ(how(&graph, &chain, 0), "given up since");
    CHECK_STR_EQ(how(&graph, &chain, 1), "granted by init: s.capnp:9, logd's own");
    CHECK_EQ(chain.reason, authority_unit_by_name(&graph, "logd"));
    authority_free(&graph);
}

// The shell handed its notification on through a process that keeps none itself.
TEST(what_came_by_another_way_than_the_step_above_is_a_gap) {
    struct authority graph;
    struct authority_chain chain;
    play_begin(&graph);
    struct authority_handle *handle = &graph.handles.at[handle_of(&graph, PLAY_LOGD, 2)];
    handle->seen.origin = ORIGIN_COPIED;
    handle->seen.granter_koid = PLAY_LOGD;
    authority_why(&graph, handle_of(&graph, PLAY_LOGD, 2), &chain);
    CHECK_STR_EQ(chain.gap, "how it had come to who gave it up since is not known");
    CHECK_EQ(chain.count, 3);
    CHECK_EQ(chain.steps[0].holder, authority_process_by_name(&graph, "shell"));
    CHECK_EQ(chain.steps[1].handle, AUTHORITY_NONE);
    CHECK_EQ(chain.steps[1].holder, authority_process_by_name(&graph, "logd"));
    CHECK_STR_EQ(how(&graph, &chain, 1), "given up since");
    CHECK_STR_EQ(how(&graph, &chain, 2), "copied by logd");
    handle->parent = AUTHORITY_NONE; // nor did logd make the shell's notification
    authority_why(&graph, handle_of(&graph, PLAY_LOGD, 2), &chain);
    CHECK(chain.gap != nullptr);
    REQUIRE(authority_add_grant(&graph, &(struct authority_grant){PLAY_LOGD, 2, 0, "events", "handed by who ran it", ""}));
    handle->grant = graph.grants.count - 1;
    authority_why(&graph, handle_of(&graph, PLAY_LOGD, 2), &chain);
    CHECK(chain.gap == nullptr); // who started it says so
    authority_free(&graph);
}

TEST(who_has_ended_is_known_by_its_unit) {
    struct authority graph;
    struct authority_chain chain;
    play_begin(&graph);
    const uint32_t shell = authority_unit_by_name(&graph, "shell"), logd = authority_unit_by_name(&graph, "logd");
    const uint32_t notification = handle_of(&graph, PLAY_LOGD, 2), log = handle_of(&graph, PLAY_SHELL, 1);
    graph.handles.at[notification].seen.granter_koid = 33;
    graph.handles.at[notification].parent = AUTHORITY_NONE;
    authority_why(&graph, notification, &chain);
    CHECK_STR_EQ(chain.gap, "who granted it is gone");
    REQUIRE(authority_add_former(&graph, &(struct authority_former){33, shell}));
    authority_why(&graph, notification, &chain);
    CHECK_EQ(chain.steps[0].former, shell);
    CHECK_STR_EQ(how(&graph, &chain, 1), "came with a request of shell (ended): LogControl.watch");
    CHECK_STR_EQ(chain.gap, "how it had come to who gave it up since is not known"); // the shell's own handle came with its object
    // What the service is granted at each start its former process had, too.
    graph.handles.at[log].seen.origin = ORIGIN_ANSWER;
    graph.handles.at[log].seen.granter_koid = 34;
    graph.handles.at[log].seen.method = 0x10'0003;
    graph.handles.at[log].grant = AUTHORITY_NONE;
    REQUIRE(authority_add_former(&graph, &(struct authority_former){34, logd}));
    graph.methods.at[1].gives = true;
    authority_why(&graph, log, &chain);
    CHECK_EQ(chain.count, 3);
    CHECK_STR_EQ(how(&graph, &chain, 1), "ended; its successor's: granted by init: s.capnp:12, provides log");
    CHECK_STR_EQ(how(&graph, &chain, 2), "came with the answer of logd (ended): LogControl.watch");
    CHECK(chain.gap == nullptr);
    authority_free(&graph);
}

TEST(a_message_is_one_that_carries_such_a_handle) {
    struct authority graph;
    struct authority_chain chain;
    constexpr uint64_t PLAY_NOTIFICATION = 0x400, PLAY_VMO = 0x401;
    play_begin(&graph);
    REQUIRE(authority_add_interface(&graph, &(struct authority_interface){PLAY_NOTIFICATION, 0, OBJECT_NOTIFICATION, "Notification"}));
    REQUIRE(authority_add_interface(&graph, &(struct authority_interface){PLAY_VMO, 0, OBJECT_VMO, "Vmo"}));
    graph.carried.at[0].interface_id = PLAY_NOTIFICATION;
    REQUIRE(authority_add_method(&graph, &(struct authority_method){.interface_id = PLAY_LOG, .name = "Log.fill", .ordinal = 3}));
    REQUIRE(authority_add_carried(&graph, &(struct authority_carried){PLAY_VMO, false}));
    authority_why(&graph, handle_of(&graph, PLAY_LOGD, 2), &chain);
    CHECK_STR_EQ(how(&graph, &chain, 1), "came with a request of shell: LogControl.watch");
    graph.handles.at[handle_of(&graph, PLAY_LOGD, 2)].seen.type = OBJECT_TIMER; // against both contracts
    authority_why(&graph, handle_of(&graph, PLAY_LOGD, 2), &chain);
    CHECK_STR_EQ(how(&graph, &chain, 1), "came with a request of shell: LogControl.watch or Log.fill");
    authority_free(&graph);
}

TEST(what_is_not_known_is_a_gap) {
    struct authority graph;
    struct authority_chain chain;
    play_begin(&graph);
    struct authority_handle *handle = &graph.handles.at[handle_of(&graph, PLAY_LOGD, 2)];
    handle->seen.method = 7; // no such method
    authority_why(&graph, handle_of(&graph, PLAY_LOGD, 2), &chain);
    CHECK(chain.gap != nullptr);
    handle->seen.method = 0x10'0003;
    handle->seen.granter_koid = 33; // gone
    authority_why(&graph, handle_of(&graph, PLAY_LOGD, 2), &chain);
    CHECK_STR_EQ(chain.gap, "who granted it is gone");
    handle->seen.granter_koid = PLAY_SHELL;
    handle->seen.parent_handle = INSPECT_PARENT_FAR;
    authority_why(&graph, handle_of(&graph, PLAY_LOGD, 2), &chain);
    CHECK(chain.gap != nullptr);
    handle->seen.parent_handle = 2;
    handle->object = AUTHORITY_NONE;
    authority_why(&graph, handle_of(&graph, PLAY_LOGD, 2), &chain);
    CHECK(chain.gap != nullptr);
    authority_free(&graph);
}

TEST(a_chain_that_is_too_long_says_so) {
    struct authority graph = {};
    struct authority_chain chain;
    CHECK(authority_add_process(&graph, &(struct inspect_process){.koid = 2}));
    for (uint32_t i = 1; i <= 2 * AUTHORITY_STEPS_MAX; i++) {
        CHECK(authority_add_handle(&graph, 2, &(struct inspect_handle){.handle = i, .parent_handle = i - 1, .parent_process_koid = 2,
                                                                       .origin = i == 1 ? ORIGIN_BOOT : ORIGIN_COPIED, .granter_koid = 2}));
    }
    authority_link(&graph);
    authority_why(&graph, 2 * AUTHORITY_STEPS_MAX - 1, &chain);
    CHECK(chain.gap != nullptr);
    CHECK(chain.count <= AUTHORITY_STEPS_MAX);
    authority_free(&graph);
}

// ---- the second look ----

static struct inspect_process later(uint64_t koid, uint64_t handles_made) {
    return (struct inspect_process){.koid = koid, .state = 1, .handles_made = handles_made};
}

TEST(a_graph_is_whole_when_nothing_came_to_a_table_that_was_read) {
    struct authority graph = {};
    CHECK(authority_is_whole(&graph));
    const struct inspect_process first = later(2, 7), second = later(5, 9);
    CHECK(authority_add_process(&graph, &first) && authority_add_process(&graph, &second));
    authority_look_again(&graph, &first); // the other has gone, and holds nothing
    CHECK(authority_is_whole(&graph));
    authority_look_again(&graph, &second);
    CHECK(authority_is_whole(&graph));
    const struct inspect_process third = later(6, 0), fed = later(5, 10);
    authority_look_again(&graph, &fed);
    CHECK(!authority_is_whole(&graph));
    authority_look_again(&graph, &second);
    CHECK(authority_is_whole(&graph));
    authority_look_again(&graph, &third); // it was not there
    CHECK(!authority_is_whole(&graph));
    authority_link(&graph);
    CHECK(!authority_is_whole(&graph));
    authority_begin_again(&graph);
    CHECK(authority_is_whole(&graph));
    CHECK(authority_add_process(&graph, &second));
    CHECK_EQ(authority_process_by_koid(&graph, 5), 0);
    authority_free(&graph);
}

// ---- what if ----

TEST(a_revoke_takes_what_was_derived) {
    struct authority graph;
    struct authority_effect effect;
    play_begin(&graph);
    REQUIRE(authority_if_revoked(&graph, handle_of(&graph, PLAY_SHELL, 2), &effect));
    CHECK_EQ(effect.gone_count, 2);
    CHECK(effect.gone[handle_of(&graph, PLAY_LOGD, 2)]);
    CHECK_EQ(effect.ends_count, 0);
    authority_effect_free(&effect);
    authority_free(&graph);
}

TEST(who_cannot_receive_any_more_ends) {
    struct authority graph;
    struct authority_effect effect;
    play_begin(&graph);
    REQUIRE(authority_if_revoked(&graph, handle_of(&graph, PLAY_LOGD, 1), &effect));
    CHECK_EQ(effect.ends_count, 1);
    CHECK(effect.ends[authority_process_by_name(&graph, "logd")]);
    CHECK_EQ(effect.gone_count, 3); // all that logd has
    CHECK(!effect.gone[handle_of(&graph, PLAY_SHELL, 1)]); // init could receive still
    authority_effect_free(&effect);
    authority_free(&graph);
}

TEST(an_end_takes_what_it_paid_for) {
    struct authority graph;
    struct authority_effect effect;
    play_begin(&graph);
    REQUIRE(authority_if_ended(&graph, authority_process_by_name(&graph, "shell"), &effect));
    CHECK(effect.gone[handle_of(&graph, PLAY_LOGD, 2)]); // the shell's notification
    CHECK_EQ(effect.gone_count, 3);
    CHECK_EQ(effect.ends_count, 1);
    authority_effect_free(&effect);
    authority_free(&graph);
}

TEST(a_wait_through_a_lost_handle_ends) {
    struct authority graph;
    struct authority_effect effect;
    play_begin(&graph);
    struct inspect_object *thread = &graph.objects.at[authority_object_by_koid(&graph, PLAY_THREAD)];
    thread->state = 6; // it waits for the notification
    thread->numbers[0] = PLAY_EVENTS;
    graph.handles.at[handle_of(&graph, PLAY_LOGD, 2)].seen.rights |= RIGHT_WAIT_BIT;
    REQUIRE(authority_if_revoked(&graph, handle_of(&graph, PLAY_SHELL, 2), &effect));
    CHECK_EQ(effect.wait_count, 1);
    CHECK_EQ(effect.wait[authority_object_by_koid(&graph, PLAY_THREAD)], AUTHORITY_WAIT_REVOKED);
    CHECK_EQ(effect.ends_count, 0);
    authority_effect_free(&effect);
    authority_free(&graph);
}

TEST(a_difference_is_counted) {
    struct authority before, later;
    struct authority_effect effect;
    play_begin(&before);
    play_begin(&later);
    REQUIRE(authority_if_revoked(&before, handle_of(&before, PLAY_SHELL, 2), &effect));
    struct authority_difference difference = authority_compare(&before, &effect, &later);
    CHECK_EQ(difference.still_there, 2);
    CHECK_EQ(difference.also_gone, 0);
    later.processes.at[authority_process_by_name(&later, "shell")].handle_count = 0;
    difference = authority_compare(&before, &effect, &later);
    CHECK_EQ(difference.still_there, 1);
    CHECK_EQ(difference.also_gone, 0);
    CHECK_EQ(difference.closed, 1);
    authority_effect_free(&effect);
    authority_free(&before);
    authority_free(&later);
}
