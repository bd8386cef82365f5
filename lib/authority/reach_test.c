#include "base/test.h"

#include "abi/gen/abi.h"
#include "lib/authority/play.h"
#include "lib/authority/reach.h"
#include "lib/badge/badge.h"

static struct inspect_handle *seen_of(struct authority *graph, uint64_t koid, uint32_t handle) {
    return &graph->handles.at[authority_handle_of(graph, authority_process_by_koid(graph, koid), handle)].seen;
}

// Whether it is not proved that the process cannot reach what the word means.
static bool reaches(const struct authority *graph, const char *process, const char *word) {
    struct authority_reach reach;
    struct authority_target target;
    CHECK(authority_target_called(graph, word, &target));
    CHECK(authority_reach(graph, &reach));
    const uint32_t item = authority_reaches(graph, &reach, authority_process_by_name(graph, process), &target);
    authority_reach_free(&reach);
    return item != AUTHORITY_NONE;
}

TEST(what_is_held_is_reached) {
    struct authority graph;
    play_begin(&graph);
    CHECK(reaches(&graph, "shell", "log"));
    CHECK(reaches(&graph, "shell", "logd"));
    CHECK(!reaches(&graph, "shell", "log.control"));
    CHECK(!reaches(&graph, "shell", "account"));
    CHECK(reaches(&graph, "init", "account"));
    CHECK(!reaches(&graph, "logd", "account"));
    authority_free(&graph);
}

TEST(a_method_that_brings_lets_what_travels_pass) {
    struct authority graph;
    play_begin(&graph);
    CHECK(!reaches(&graph, "logd", "log")); // the shell has no control, and nothing else brings
    seen_of(&graph, PLAY_SHELL, 1)->badge |= BADGE_CONTROL;
    CHECK(!reaches(&graph, "logd", "log")); // its handle may not be handed on
    seen_of(&graph, PLAY_SHELL, 1)->rights |= RIGHT_COPY_BIT;
    CHECK(reaches(&graph, "logd", "log"));
    CHECK(reaches(&graph, "logd", "log.control"));
    authority_free(&graph);
}

TEST(a_method_that_gives_lets_the_servers_pass) {
    struct authority graph;
    play_begin(&graph);
    seen_of(&graph, PLAY_LOGD, 2)->rights |= RIGHT_TRANSFER_BIT;
    seen_of(&graph, PLAY_LOGD, 2)->type = OBJECT_TIMER;
    CHECK(!reaches(&graph, "shell", "timer"));
    graph.methods.at[0].gives = true; // Log.append
    CHECK(reaches(&graph, "shell", "timer"));
    authority_free(&graph);
}

TEST(what_nothing_is_known_of_lets_everything_pass) {
    struct authority graph;
    play_begin(&graph);
    CHECK(reaches(&graph, "logd", "notification")); // it has one
    seen_of(&graph, PLAY_SHELL, 1)->rights |= RIGHT_COPY_BIT;
    CHECK(!reaches(&graph, "logd", "log"));
    seen_of(&graph, PLAY_SHELL, 1)->interface_id = 0x777;
    CHECK(reaches(&graph, "logd", "log"));
    authority_free(&graph);
}

TEST(who_may_mint_makes_itself_one_with_control) {
    struct authority graph;
    play_begin(&graph);
    seen_of(&graph, PLAY_SHELL, 1)->rights |= RIGHT_MINT_BIT;
    CHECK(reaches(&graph, "shell", "log.control"));
    authority_free(&graph);
}

TEST(a_hold_on_a_process_is_all_of_it) {
    struct authority graph;
    play_begin(&graph);
    seen_of(&graph, PLAY_SHELL, 2)->type = OBJECT_PROCESS;
    seen_of(&graph, PLAY_SHELL, 2)->object_koid = PLAY_LOGD;
    seen_of(&graph, PLAY_SHELL, 2)->rights = RIGHT_INSPECT_BIT;
    CHECK(!reaches(&graph, "shell", "thread"));
    seen_of(&graph, PLAY_SHELL, 2)->rights |= RIGHT_MANAGE_BIT;
    CHECK(reaches(&graph, "shell", "thread")); // logd's own
    CHECK(reaches(&graph, "logd", "log"));     // what the shell makes it do
    authority_free(&graph);
}

TEST(who_mints_devices_may_have_anything) {
    struct authority graph;
    play_begin(&graph);
    seen_of(&graph, PLAY_SHELL, 2)->type = OBJECT_RESOURCE;
    CHECK(!reaches(&graph, "shell", "account"));
    seen_of(&graph, PLAY_SHELL, 2)->rights |= RIGHT_CREATE_BIT;
    CHECK(reaches(&graph, "shell", "account"));
    authority_free(&graph);
}

TEST(targets_have_names) {
    struct authority graph;
    struct authority_target target;
    play_begin(&graph);
    CHECK(authority_target_called(&graph, "Log", &target) && target.interface_id == PLAY_LOG && !target.control);
    CHECK(authority_target_called(&graph, "logControl", &target) && target.interface_id == PLAY_LOG_CONTROL);
    CHECK(authority_target_called(&graph, "log.control", &target) && target.control);
    CHECK(!authority_target_called(&graph, "log.append", &target));
    CHECK(!authority_target_called(&graph, "logs", &target));
    CHECK(!authority_target_called(&graph, "", &target));
    CHECK(!authority_target_called(&graph, ".control", &target));
    CHECK(authority_target_called(&graph, "vmo", &target) && target.type == OBJECT_VMO);
    authority_free(&graph);
}
