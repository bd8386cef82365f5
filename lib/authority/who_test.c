#include "base/test.h"

#include "abi/gen/abi.h"
#include "lib/authority/play.h"
#include "lib/authority/who.h"
#include "lib/badge/badge.h"

constexpr uint64_t PLAY_VMO = 0x200, PLAY_PROCESS = 0x201, PLAY_DESK = 0x300; // interfaces

static struct inspect_handle *seen_of(struct authority *graph, uint64_t koid, uint32_t handle) {
    return &graph->handles.at[authority_handle_of(graph, authority_process_by_koid(graph, koid), handle)].seen;
}

// Beside play_begin's: kernel objects have contracts, and a service has one that nobody serves.
static void play_kernel(struct authority *graph) {
    play_begin(graph);
    REQUIRE(authority_add_interface(graph, &(struct authority_interface){PLAY_VMO, 0, OBJECT_VMO, "Vmo"}));
    REQUIRE(authority_add_interface(graph, &(struct authority_interface){PLAY_PROCESS, 0, OBJECT_PROCESS, "Process"}));
    REQUIRE(authority_add_interface(graph, &(struct authority_interface){PLAY_DESK, 0, 0, "Desk"}));
    REQUIRE(authority_add_method(graph, &(struct authority_method){.interface_id = PLAY_VMO, .name = "Vmo.none", .ordinal = 0}));
    REQUIRE(authority_add_method(graph, &(struct authority_method){.interface_id = PLAY_VMO, .name = "Vmo.write", .ordinal = VMO_WRITE}));
    REQUIRE(authority_add_method(graph, &(struct authority_method){.interface_id = PLAY_PROCESS, .name = "Process.handleRevoke",
                                                                   .ordinal = PROCESS_HANDLE_REVOKE}));
    REQUIRE(authority_add_method(graph, &(struct authority_method){.interface_id = PLAY_DESK, .name = "Desk.draw", .ordinal = 3}));
}

// How many handles allow it; ~0u: there is no such method.
static uint32_t count(const struct authority *graph, const char *word) {
    struct authority_call call;
    uint32_t found = 0;
    if (authority_call_named(graph, word, &call) != AUTHORITY_CALL_FOUND) {
        return ~0u;
    }
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        found += authority_can_call(graph, &call, i);
    }
    return found;
}

static bool can(const struct authority *graph, const char *word, uint64_t koid, uint32_t handle) {
    struct authority_call call;
    return authority_call_named(graph, word, &call) == AUTHORITY_CALL_FOUND &&
           authority_can_call(graph, &call, authority_handle_of(graph, authority_process_by_koid(graph, koid), handle));
}

TEST(a_kernel_object_is_called_by_who_has_one_with_the_right) {
    struct authority graph;
    play_kernel(&graph);
    CHECK_EQ(count(&graph, "vmo.write"), 0);
    *seen_of(&graph, PLAY_SHELL, 2) = (struct inspect_handle){.handle = 2, .type = OBJECT_VMO, .rights = RIGHT_READ_BIT, .object_koid = 70};
    CHECK_EQ(count(&graph, "vmo.write"), 0);
    seen_of(&graph, PLAY_SHELL, 2)->rights |= RIGHT_WRITE_BIT;
    CHECK_EQ(count(&graph, "vmo.write"), 1);
    CHECK(can(&graph, "vmo.write", PLAY_SHELL, 2));
    *seen_of(&graph, PLAY_LOGD, 3) = (struct inspect_handle){.handle = 3, .type = OBJECT_PROCESS, .rights = RIGHT_MANAGE_BIT, .object_koid = PLAY_LOGD};
    CHECK_EQ(count(&graph, "process.handleRevoke"), 1);
    CHECK_EQ(count(&graph, "process.handle_revoke"), 1);
    CHECK_EQ(count(&graph, "vmo.none"), ~0u);
    CHECK_EQ(count(&graph, "vmo.grow"), ~0u);
    CHECK_EQ(count(&graph, "logd.write"), ~0u);
    authority_free(&graph);
}

TEST(who_stands_in_for_a_kernel_object_is_called_too) {
    struct authority graph;
    play_kernel(&graph);
    seen_of(&graph, PLAY_SHELL, 1)->interface_id = PLAY_VMO;
    CHECK(can(&graph, "vmo.write", PLAY_SHELL, 1));
    CHECK(can(&graph, "logd.write", PLAY_SHELL, 1));
    authority_free(&graph);
}

TEST(a_service_is_called_through_an_endpoint_of_its_interface) {
    struct authority graph;
    play_kernel(&graph);
    CHECK_EQ(count(&graph, "log.append"), 2); // init has all of it
    CHECK(can(&graph, "log.append", PLAY_SHELL, 1) && can(&graph, "log.append", PLAY_INIT, 2));
    CHECK(can(&graph, "logd.append", PLAY_SHELL, 1));
    CHECK_EQ(count(&graph, "logd.append"), 2);
    CHECK_EQ(count(&graph, "log.draw"), ~0u);
    CHECK_EQ(count(&graph, "desk.draw"), 0);
    authority_free(&graph);
}

TEST(only_control_or_who_may_mint_it_calls_what_extends) {
    struct authority graph;
    play_kernel(&graph);
    CHECK(!can(&graph, "log.watch", PLAY_SHELL, 1));
    CHECK(can(&graph, "log.watch", PLAY_INIT, 2)); // it mints
    CHECK_EQ(count(&graph, "log.control.watch"), 1);
    seen_of(&graph, PLAY_SHELL, 1)->badge |= BADGE_CONTROL;
    CHECK(can(&graph, "log.watch", PLAY_SHELL, 1) && can(&graph, "logControl.watch", PLAY_SHELL, 1));
    seen_of(&graph, PLAY_SHELL, 1)->badge = 6;
    seen_of(&graph, PLAY_SHELL, 1)->rights |= RIGHT_MINT_BIT;
    CHECK(can(&graph, "logd.watch", PLAY_SHELL, 1));
    CHECK(!can(&graph, "desk.draw", PLAY_SHELL, 1)); // logd does not know it
    authority_free(&graph);
}

TEST(a_service_has_the_methods_that_it_serves) {
    struct authority graph;
    play_kernel(&graph);
    CHECK_EQ(count(&graph, "logd.draw"), ~0u);
    CHECK_EQ(count(&graph, "shell.draw"), ~0u);
    CHECK_EQ(count(&graph, "shell.append"), ~0u); // it calls, and serves nothing
    CHECK_EQ(count(&graph, "init.append"), ~0u);  // logd was the last to serve
    authority_free(&graph);
}

TEST(a_handle_of_no_contract_may_be_what_is_served_there) {
    struct authority graph;
    play_kernel(&graph);
    seen_of(&graph, PLAY_SHELL, 1)->interface_id = 0x777;
    CHECK(can(&graph, "log.append", PLAY_SHELL, 1));
    CHECK(!can(&graph, "desk.draw", PLAY_SHELL, 1));
    CHECK(!can(&graph, "vmo.write", PLAY_SHELL, 1));
    authority_free(&graph);
}

TEST(a_word_that_means_no_method_says_why) {
    struct authority graph;
    struct authority_call call;
    play_kernel(&graph);
    CHECK_EQ(authority_call_named(&graph, "log", &call), AUTHORITY_CALL_MALFORMED);
    CHECK_EQ(authority_call_named(&graph, ".log", &call), AUTHORITY_CALL_MALFORMED);
    CHECK_EQ(authority_call_named(&graph, "log.", &call), AUTHORITY_CALL_MALFORMED);
    CHECK_EQ(authority_call_named(&graph, "", &call), AUTHORITY_CALL_MALFORMED);
    CHECK_EQ(authority_call_named(&graph, "lgo.append", &call), AUTHORITY_CALL_NO_SUBJECT);
    CHECK_EQ(authority_call_named(&graph, "log.other.append", &call), AUTHORITY_CALL_NO_SUBJECT);
    CHECK_EQ(authority_call_named(&graph, "log.nosuch", &call), AUTHORITY_CALL_NO_METHOD);
    CHECK_EQ(authority_call_named(&graph, "timer.set", &call), AUTHORITY_CALL_NO_METHOD); // no contract has it here
    authority_free(&graph);
}
