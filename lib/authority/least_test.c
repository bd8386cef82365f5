#include "base/test.h"

#include "abi/gen/abi.h"
#include "base/str.h"
#include "lib/authority/least.h"
#include "lib/authority/play.h"

static struct inspect_handle *shells_log(struct authority *graph) {
    return &graph->handles.at[authority_handle_of(graph, authority_process_by_koid(graph, PLAY_SHELL), 1)].seen;
}

// The grant by which the process has a handle of this number.
static uint32_t grant_of(const struct authority *graph, uint64_t koid, uint32_t handle) {
    uint32_t found = AUTHORITY_NONE;
    for (uint32_t i = 0; i < graph->grants.count; i++) {
        found = graph->grants.at[i].process_koid == koid && graph->grants.at[i].handle == handle ? i : found;
    }
    CHECK(found != AUTHORITY_NONE);
    return found;
}

TEST(what_was_used_is_needed) {
    struct authority graph;
    play_begin(&graph);
    const uint32_t log = grant_of(&graph, PLAY_SHELL, 1);
    CHECK_EQ(authority_need_of(&graph, log), AUTHORITY_UNUSED);
    shells_log(&graph)->use = HANDLE_USED;
    CHECK_EQ(authority_need_of(&graph, log), AUTHORITY_NEEDED);
    authority_free(&graph);
}

TEST(control_is_needed_once_it_was_used) {
    struct authority graph;
    play_begin(&graph);
    const uint32_t log = grant_of(&graph, PLAY_SHELL, 1);
    (void)str_append(graph.grants.at[log].source, sizeof graph.grants.at[log].source, " control"); // it fits
    CHECK_EQ(authority_need_of(&graph, log), AUTHORITY_UNUSED);
    shells_log(&graph)->use = HANDLE_USED;
    CHECK_EQ(authority_need_of(&graph, log), AUTHORITY_NEEDS_USE);
    shells_log(&graph)->use |= HANDLE_MARKED;
    CHECK_EQ(authority_need_of(&graph, log), AUTHORITY_NEEDED);
    authority_free(&graph);
}

TEST(what_is_not_seen_is_kept) {
    struct authority graph;
    play_begin(&graph);
    CHECK_EQ(authority_need_of(&graph, grant_of(&graph, PLAY_LOGD, 1)), AUTHORITY_NOT_SEEN); // it waits there for requests
    const uint32_t log = grant_of(&graph, PLAY_SHELL, 1);
    shells_log(&graph)->type = OBJECT_NOTIFICATION;
    CHECK_EQ(authority_need_of(&graph, log), AUTHORITY_NOT_SEEN);
    graph.grants.at[log].handle = 99; // it was closed
    CHECK_EQ(authority_need_of(&graph, log), AUTHORITY_NOT_SEEN);
    authority_free(&graph);
}
