#include "base/test.h"

#include <string.h>

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
    CHECK(authority_reach(graph, nullptr, &reach));
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

constexpr uint64_t PLAY_TIMER = 0x200, PLAY_DESK = 0x300; // interfaces

// The shell may call LogControl.watch, which carries a capability of this interface. Both may hand on all that they have; logd has a timer.
static void play_field(struct authority *graph, uint64_t interface_id, bool is_given) {
    play_begin(graph);
    graph->carried.at[0] = (struct authority_carried){interface_id, is_given};
    REQUIRE(authority_add_interface(graph, &(struct authority_interface){PLAY_TIMER, 0, OBJECT_TIMER, "Timer"}));
    REQUIRE(authority_add_interface(graph, &(struct authority_interface){PLAY_DESK, 0, 0, "Desk"}));
    seen_of(graph, PLAY_SHELL, 1)->badge |= BADGE_CONTROL;
    seen_of(graph, PLAY_SHELL, 1)->rights |= RIGHT_COPY_BIT;
    seen_of(graph, PLAY_SHELL, 2)->rights |= RIGHT_COPY_BIT;
    seen_of(graph, PLAY_LOGD, 2)->rights |= RIGHT_TRANSFER_BIT;
    seen_of(graph, PLAY_LOGD, 2)->type = OBJECT_TIMER;
}

TEST(a_method_that_gives_lets_the_servers_pass) {
    struct authority graph;
    play_field(&graph, AUTHORITY_ANYTHING, true);
    CHECK(reaches(&graph, "shell", "timer"));
    graph.methods.at[1].carried_count = 0;
    CHECK(!reaches(&graph, "shell", "timer"));
    authority_free(&graph);
}

TEST(a_field_for_an_object_lets_such_objects_pass) {
    struct authority graph;
    play_field(&graph, PLAY_TIMER, true);
    CHECK(reaches(&graph, "shell", "timer"));
    seen_of(&graph, PLAY_LOGD, 2)->type = OBJECT_NOTIFICATION;
    seen_of(&graph, PLAY_SHELL, 2)->type = OBJECT_TIMER;
    CHECK(!reaches(&graph, "shell", "notification"));
    seen_of(&graph, PLAY_LOGD, 2)->rights = RIGHT_SIGNAL_BIT; // not to be handed on, whatever the field is for
    graph.carried.at[0].interface_id = AUTHORITY_ANYTHING;
    CHECK(!reaches(&graph, "shell", "notification"));
    authority_free(&graph);
}

TEST(a_field_for_a_service_lets_the_right_to_send_there_pass) {
    struct authority graph;
    play_field(&graph, PLAY_LOG, false);
    CHECK(reaches(&graph, "logd", "log"));
    CHECK(!reaches(&graph, "logd", "notification"));
    graph.carried.at[0].interface_id = PLAY_LOG_CONTROL; // whatever its badge is, the shell's is one to Log
    CHECK(!reaches(&graph, "logd", "log"));
    seen_of(&graph, PLAY_SHELL, 1)->rights |= RIGHT_MINT_BIT; // now it makes one
    CHECK(reaches(&graph, "logd", "log.control"));
    authority_free(&graph);
}

TEST(who_is_handed_an_endpoint_may_call_back) {
    struct authority graph;
    play_field(&graph, AUTHORITY_ANYTHING, false);
    CHECK(reaches(&graph, "shell", "timer")); // the shell brings one of its own making, and logd may bring there what it has
    graph.carried.at[0].interface_id = PLAY_DESK; // one of an interface whose methods carry nothing
    CHECK(!reaches(&graph, "shell", "timer"));
    CHECK(reaches(&graph, "logd", "shell")); // but it may call the shell
    CHECK(!reaches(&graph, "logd", "desk")); // which is no desk that there is
    REQUIRE(authority_add_method(&graph, &(struct authority_method){.interface_id = PLAY_DESK, .name = "Desk.put"}));
    REQUIRE(authority_add_carried(&graph, &(struct authority_carried){PLAY_TIMER, false}));
    CHECK(reaches(&graph, "shell", "timer"));
    authority_free(&graph);
}

TEST(rogues_share_what_they_may_hand_on) {
    struct authority graph;
    struct authority_target timer;
    struct authority_reach reach;
    bool rogues[3], is_proved;
    play_field(&graph, PLAY_DESK, false);
    CHECK(authority_target_called(&graph, "timer", &timer));
    const uint32_t shell = authority_process_by_koid(&graph, PLAY_SHELL), logd = authority_process_by_koid(&graph, PLAY_LOGD);
    REQUIRE(authority_prove(&graph, shell, &timer, rogues, &is_proved, &reach));
    CHECK(is_proved && !rogues[logd] && rogues[shell]); // logd has to keep to its contract
    CHECK_EQ(authority_reaches(&graph, &reach, shell, &timer), AUTHORITY_NONE);
    authority_reach_free(&reach);
    seen_of(&graph, PLAY_LOGD, 2)->rights = RIGHT_SIGNAL_BIT;
    REQUIRE(authority_prove(&graph, shell, &timer, rogues, &is_proved, &reach));
    CHECK(is_proved && rogues[logd]); // it could not hand it on
    CHECK(authority_reaches(&graph, &reach, logd, &timer) != AUTHORITY_NONE);
    authority_reach_free(&reach);
    REQUIRE(authority_prove(&graph, logd, &timer, rogues, &is_proved, &reach));
    CHECK(!is_proved && !rogues[shell]);
    authority_reach_free(&reach);
    authority_free(&graph);
}

TEST(the_supervisor_lends_endpoints_where_one_is_asked_for) {
    struct authority graph;
    play_field(&graph, PLAY_DESK, false);
    seen_of(&graph, PLAY_INIT, 2)->rights |= RIGHT_COPY_BIT;
    CHECK(!reaches(&graph, "logd", "log")); // init may call, but lends nothing there
    seen_of(&graph, PLAY_SHELL, 1)->rights = 0;
    graph.carried.at[0].interface_id = AUTHORITY_ANYTHING;
    CHECK(!reaches(&graph, "logd", "log"));
    REQUIRE(authority_add_interface(&graph, &(struct authority_interface){0x400, 0, OBJECT_ENDPOINT, "Endpoint"}));
    graph.carried.at[0].interface_id = 0x400;
    CHECK(reaches(&graph, "logd", "log"));
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

// The shell has an address space that is not known to be its own, and may hand on nothing.
static struct inspect_handle *play_address_space(struct authority *graph, uint64_t koid) {
    play_begin(graph);
    struct inspect_handle *seen = seen_of(graph, PLAY_SHELL, 2);
    seen->type = OBJECT_VSPACE;
    seen->object_koid = koid;
    seen->rights = RIGHT_MAP_BIT;
    return seen;
}

TEST(an_address_space_is_of_its_process_whoever_has_handles_to_it) {
    struct authority graph;
    struct inspect_handle *seen = play_address_space(&graph, PLAY_LOGD_SPACE); // to which logd has none: it closed its own
    CHECK(reaches(&graph, "shell", "thread"));
    CHECK(reaches(&graph, "logd", "log"));
    seen->rights = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT;
    CHECK(!reaches(&graph, "shell", "thread"));
    seen->rights = RIGHT_MAP_BIT;
    seen->object_koid = PLAY_SHELL_SPACE;
    seen_of(&graph, PLAY_LOGD, 2)->type = OBJECT_VSPACE; // the shell's, which both have: logd has a hold on it, and nobody one on logd
    seen_of(&graph, PLAY_LOGD, 2)->object_koid = PLAY_SHELL_SPACE;
    seen_of(&graph, PLAY_LOGD, 2)->rights = RIGHT_INSPECT_BIT;
    CHECK(!reaches(&graph, "shell", "thread"));
    authority_free(&graph);
}

TEST(an_address_space_in_doubt_is_everybodys) {
    struct authority graph;
    const struct inspect_handle *seen = play_address_space(&graph, PLAY_LOGD_SPACE);
    const uint32_t logd = authority_process_by_koid(&graph, PLAY_LOGD);
    graph.processes.at[logd].vspace_koid = 0; // nobody said
    CHECK(reaches(&graph, "shell", "thread"));
    graph.processes.at[logd].ended = true; // then it has none
    CHECK(!reaches(&graph, "shell", "thread"));
    CHECK_EQ(seen->object_koid, PLAY_LOGD_SPACE);
    authority_free(&graph);
}

TEST(who_mints_devices_may_have_anything) {
    struct authority graph;
    play_begin(&graph);
    seen_of(&graph, PLAY_SHELL, 2)->type = OBJECT_RESOURCE;
    CHECK(!reaches(&graph, "shell", "account"));
    CHECK(!reaches(&graph, "shell", "interrupt"));
    seen_of(&graph, PLAY_SHELL, 2)->rights |= RIGHT_CREATE_BIT;
    CHECK(reaches(&graph, "shell", "account"));
    CHECK(reaches(&graph, "shell", "interrupt")); // which nobody has yet
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
    CHECK(authority_target_is_anybodys(&target));
    CHECK(authority_target_called(&graph, "trace", &target) && !authority_target_is_anybodys(&target));
    CHECK(authority_target_called(&graph, "log", &target) && !authority_target_is_anybodys(&target));
    authority_free(&graph);
}

TEST(a_service_is_the_one_that_the_supervisor_runs) {
    struct authority graph;
    play_begin(&graph);
    const uint32_t logd = authority_process_by_name(&graph, "logd");
    CHECK_EQ(graph.processes.at[logd].koid, PLAY_LOGD);
    memcpy(graph.processes.at[0].name, "logd", 5); // anybody may call a process so
    CHECK_EQ(authority_process_by_name(&graph, "logd"), logd);
    authority_free(&graph);
}
