// Messages between threads, through the real system calls on the host port's machine. What each test leaves
// behind is taken apart and must all have come back.
#include "abi/gen/abi.h"
#include "base/test.h"
#include "kernel/arch/host/invariants.h"
#include "kernel/arch/host/machine.h"
#include "kernel/arch/host/usage.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"

constexpr uint64_t PAGE_ADDRESS = 0x10'0000;
constexpr uint64_t BADGE = 7;
constexpr uint32_t RIGHTS_THREAD = RIGHT_TRANSFER_BIT | RIGHT_COPY_BIT | RIGHT_MANAGE_BIT;
constexpr uint32_t RIGHTS_SERVER = RIGHT_RECEIVE_BIT | RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT;
constexpr uint32_t RIGHTS_CLIENT = RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT;
constexpr uint64_t NO_WORDS[MESSAGE_WORDS] = {};

// Two processes that meet at an endpoint. Thread 0 of each has a message page.
static struct {
    struct account *root;
    struct process *client, *server;
    struct thread *c0, *c1, *s0, *s1;
    struct endpoint *endpoint;
    uint64_t at_client, at_server; // handles to it
    uint64_t s0_handle, s1_handle; // the server's to its own threads
    uint64_t c0_handle;            // and to a client's
    uint64_t server_handle;        // the server's to its own process
    uint64_t client_handle;        // and to the client
} scene;

[[gnu::constructor]] static void begin(void) {
    host_machine_init(16 << 20);
}

static void set_scene(void) {
    host_processor_reset();
    scene.root = account_create_root(8 << 20);
    scene.client = host_process(scene.root, "client");
    scene.server = host_process(scene.root, "server");
    scene.s0 = host_thread(scene.server, BAND_NORMAL, PAGE_ADDRESS);
    scene.s1 = host_thread(scene.server, BAND_NORMAL, 0);
    scene.c0 = host_thread(scene.client, BAND_NORMAL, PAGE_ADDRESS);
    scene.c1 = host_thread(scene.client, BAND_NORMAL, 0);
    scene.endpoint = host_endpoint(scene.server, RIGHTS_SERVER, &scene.at_server);
    scene.at_client = host_give(scene.client, &scene.endpoint->object, RIGHTS_CLIENT, BADGE);
    scene.s0_handle = host_give(scene.server, &scene.s0->object, RIGHTS_THREAD, 0);
    scene.s1_handle = host_give(scene.server, &scene.s1->object, RIGHTS_THREAD, 0);
    scene.c0_handle = host_give(scene.server, &scene.c0->object, RIGHTS_THREAD, 0);
    constexpr uint32_t RIGHTS = RIGHT_KILL_BIT | RIGHT_MANAGE_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT;
    scene.server_handle = host_give(scene.server, &scene.server->object, RIGHTS, 0);
    scene.client_handle = host_give(scene.server, &scene.client->object, RIGHTS, 0);
}

static void clear_scene(void) {
    if (scene.endpoint != nullptr) {
        CHECK(endpoint_check(scene.endpoint));
    }
    CHECK(handle_table_check(scene.client) && handle_table_check(scene.server));
    struct process *const all[] = {scene.client, scene.server};
    CHECK(host_finish(scene.root, all, 2));
}

#define WORDS(...) ((const uint64_t[MESSAGE_WORDS]){__VA_ARGS__})

static void receive(struct thread *thread) {
    REQUIRE(host_run(thread));
    host_syscall(SYS_RECV, scene.at_server, 4ull << MESSAGE_ACCEPT_SHIFT, DEADLINE_NEVER, NO_WORDS);
}

static void call(struct thread *thread, uint64_t info, uint64_t deadline_ns, const uint64_t words[]) {
    REQUIRE(host_run(thread));
    host_syscall(SYS_CALL, scene.at_client, info, deadline_ns, words);
}

// Makes `thread` run and says what its system call came to.
static uint32_t outcome(struct thread *thread) {
    return host_run(thread) ? host_user.status : UINT32_MAX;
}

TEST(call_and_reply) {
    set_scene();
    receive(scene.s0);
    for (uint64_t round = 1; round < 4; round++) {
        call(scene.c0, 42, DEADLINE_NEVER, WORDS(round, 2, 3, 4, 5, 6, 7, 8));
        CHECK_EQ(host_user.thread, scene.s0); // at once: no run queue
        CHECK_EQ(host_user.status, STATUS_OK.code);
        CHECK_EQ(host_user.badge, BADGE);
        CHECK_EQ(host_user.info, 42 | MESSAGE_WANTS_REPLY);
        CHECK_MEM_EQ(host_user.words, WORDS(round, 2, 3, 4, 5, 6, 7, 8), sizeof(host_user.words));
        CHECK(thread_check(scene.c0) && thread_check(scene.s0));
        host_syscall(SYS_REPLY_RECV, scene.at_server, 9, DEADLINE_NEVER, WORDS(round + 10));
        CHECK_EQ(host_user.thread, scene.c0);
        CHECK_EQ(host_user.status, STATUS_OK.code);
        CHECK_EQ(host_user.info, 9u);
        CHECK_EQ(host_user.badge, 0u);
        CHECK_MEM_EQ(host_user.words, WORDS(round + 10), sizeof(host_user.words));
        CHECK(thread_check(scene.c0) && thread_check(scene.s0));
    }
    clear_scene();
}

TEST(senders_in_turn_receivers_the_warmest_first) {
    set_scene();
    REQUIRE(host_run(scene.c0));
    host_syscall(SYS_SEND, scene.at_client, 0, DEADLINE_NEVER, WORDS(1));
    REQUIRE(host_run(scene.c1));
    host_syscall(SYS_SEND, scene.at_client, 0, DEADLINE_NEVER, WORDS(2));
    CHECK(endpoint_check(scene.endpoint));
    receive(scene.s0);
    CHECK_EQ(host_user.words[0], 1u);
    CHECK_EQ(host_user.info, 0u);
    receive(scene.s0);
    CHECK_EQ(host_user.words[0], 2u);
    CHECK_EQ(outcome(scene.c0), STATUS_OK.code);
    CHECK_EQ(outcome(scene.c1), STATUS_OK.code);
    receive(scene.s0);
    receive(scene.s1);
    REQUIRE(host_run(scene.c0));
    host_syscall(SYS_SEND, scene.at_client, 0, DEADLINE_NEVER, WORDS(3));
    CHECK_EQ(scene.s0->state, THREAD_RECEIVING);
    CHECK_EQ(outcome(scene.s1), STATUS_OK.code);
    clear_scene();
}

TEST(polls) {
    set_scene();
    call(scene.c0, 0, DEADLINE_POLL, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_TIMED_OUT.code);
    host_syscall(SYS_SEND, scene.at_client, 0, DEADLINE_POLL, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_TIMED_OUT.code);
    REQUIRE(host_run(scene.s0));
    host_syscall(SYS_RECV, scene.at_server, 0, DEADLINE_POLL, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_TIMED_OUT.code);
    receive(scene.s0);
    REQUIRE(host_run(scene.c0));
    host_syscall(SYS_SEND, scene.at_client, 0, DEADLINE_POLL, WORDS(5));
    CHECK_EQ(host_user.status, STATUS_OK.code);
    CHECK_EQ(outcome(scene.s0), STATUS_OK.code);
    clear_scene();
}

TEST(deadlines_of_every_wait) {
    set_scene();
    const uint64_t soon_ns = host_cycles + 1000;
    call(scene.c0, 0, soon_ns, NO_WORDS); // queued
    REQUIRE(host_run(scene.c1));
    host_syscall(SYS_SEND, scene.at_client, 0, soon_ns, NO_WORDS);
    CHECK(host_deadline_ns <= soon_ns);
    while (host_cycles < soon_ns) {
        REQUIRE(host_wait_for_timer());
    }
    CHECK_EQ(outcome(scene.c0), STATUS_TIMED_OUT.code);
    CHECK_EQ(outcome(scene.c1), STATUS_TIMED_OUT.code);
    const uint64_t later_ns = host_cycles + 1000;
    REQUIRE(host_run(scene.s0));
    host_syscall(SYS_RECV, scene.at_server, 0, later_ns + 1000, NO_WORDS);
    call(scene.c0, 0, later_ns, NO_WORDS); // taken, not answered
    CHECK_EQ(host_user.thread, scene.s0);
    while (host_cycles < later_ns) {
        REQUIRE(host_wait_for_timer());
    }
    CHECK_EQ(outcome(scene.c0), STATUS_TIMED_OUT.code);
    REQUIRE(host_run(scene.s0));
    host_syscall(SYS_REPLY_RECV, scene.at_server, 0, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_NO_CALLER.code);
    host_syscall(SYS_RECV, scene.at_server, 0, host_cycles + 10, NO_WORDS);
    CHECK_EQ(scene.s0->state, THREAD_RECEIVING);
    host_cycles += 10;
    host_timer();
    CHECK_EQ(outcome(scene.s0), STATUS_TIMED_OUT.code);
    clear_scene();
}

TEST(cancel_ends_any_wait) {
    set_scene();
    call(scene.c0, 0, DEADLINE_NEVER, NO_WORDS);
    REQUIRE(host_run(scene.s0));
    CHECK(status_ok(HOST_METHOD(scene.c0_handle, THREAD_CANCEL)));
    CHECK_EQ(outcome(scene.c0), STATUS_CANCELED.code);
    call(scene.c0, 0, DEADLINE_NEVER, NO_WORDS);
    receive(scene.s0);
    CHECK(status_ok(HOST_METHOD(scene.c0_handle, THREAD_CANCEL)));
    CHECK(status_is(HOST_METHOD(scene.c0_handle, THREAD_CANCEL), STATUS_BAD_STATE));
    CHECK_EQ(scene.s0->caller, nullptr);
    CHECK_EQ(outcome(scene.c0), STATUS_CANCELED.code);
    clear_scene();
}

TEST(callers_learn_that_their_server_went_away) {
    set_scene();
    receive(scene.s0);
    call(scene.c0, 0, DEADLINE_NEVER, NO_WORDS);
    call(scene.c1, 0, DEADLINE_NEVER, NO_WORDS);
    receive(scene.s0); // drops the one, takes the other
    CHECK_EQ(outcome(scene.c0), STATUS_PEER_DIED.code);
    call(scene.c0, 0, DEADLINE_NEVER, NO_WORDS);
    REQUIRE(host_run(scene.s0));
    CHECK(status_ok(HOST_METHOD(scene.s1_handle, THREAD_EXIT)));
    (void)HOST_METHOD(scene.s0_handle, THREAD_EXIT); // the last of its process; it does not return
    host_settle();
    CHECK_EQ(outcome(scene.c1), STATUS_PEER_DIED.code);
    CHECK_EQ(outcome(scene.c0), STATUS_OBJECT_DEAD.code);
    CHECK_EQ(scene.server->state, PROCESS_ENDED);
    host_syscall(SYS_CALL, scene.at_client, 0, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_OBJECT_DEAD.code);
    clear_scene();
}

// More than can be woken in one go; and the endpoint's memory lasts until the last of them is.
TEST(a_crowd_learns_that_an_endpoint_died) {
    constexpr uint32_t CROWD = 200;
    set_scene();
    struct process *all[3] = {scene.client, scene.server, host_process(scene.root, "crowd")};
    const uint64_t handle = host_give(all[2], &scene.endpoint->object, RIGHT_SEND_BIT, 0);
    struct thread *crowd[CROWD];
    for (uint32_t i = 0; i < CROWD; i++) {
        crowd[i] = host_thread(all[2], BAND_NORMAL, 0);
        REQUIRE(host_run(crowd[i]));
        host_syscall(SYS_CALL, handle, 0, i % 2 == 0 ? DEADLINE_NEVER : host_cycles + 1'000'000, NO_WORDS);
    }
    process_end(scene.client, &(struct exit_record){.kind = EXIT_KILLED}); // its handle goes
    REQUIRE(host_run(scene.s0));
    CHECK(status_ok(HOST_METHOD(scene.server_handle, PROCESS_HANDLE_CLOSE, scene.at_server)));
    host_settle();
    for (uint32_t i = 0; i < CROWD; i++) {
        CHECK_EQ(outcome(crowd[i]), STATUS_OBJECT_DEAD.code);
    }
    CHECK(host_finish(scene.root, all, 3));
}

// The same with a crowd of receivers: while most still wait to be woken, no call finds one of them.
TEST(nobody_calls_a_receiver_of_a_dead_endpoint) {
    constexpr uint32_t CROWD = 200;
    set_scene();
    struct process *all[3] = {scene.client, scene.server, host_process(scene.root, "crowd")};
    const uint64_t handle = host_give(all[2], &scene.endpoint->object, RIGHT_RECEIVE_BIT, 0);
    struct thread *crowd[CROWD];
    for (uint32_t i = 0; i < CROWD; i++) {
        crowd[i] = host_thread(all[2], BAND_NORMAL, 0);
        REQUIRE(host_run(crowd[i]));
        host_syscall(SYS_RECV, handle, 0, DEADLINE_NEVER, NO_WORDS);
    }
    REQUIRE(host_run(scene.c0));
    CHECK(status_ok(handle_close(scene.server, scene.at_server)));
    CHECK(status_ok(handle_close(all[2], handle)));
    host_syscall(SYS_CALL, scene.at_client, 0, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(outcome(scene.c0), STATUS_OBJECT_DEAD.code);
    host_settle();
    for (uint32_t i = 0; i < CROWD; i++) {
        CHECK_EQ(outcome(crowd[i]), STATUS_OBJECT_DEAD.code);
    }
    CHECK(host_finish(scene.root, all, 3));
}

// ---- what travels along ----------------------------------------------------------------------------

TEST(page_and_handles_both_ways) {
    set_scene();
    uint64_t moved, copied;
    host_notification(scene.client, &moved);
    host_notification(scene.client, &copied);
    memcpy(scene.c0->message_page, "across", 7);
    receive(scene.s0);
    call(scene.c0, message_info(1, 7, 2, 1), DEADLINE_NEVER, WORDS(0, 0, 0, 0, 0, 0, moved | copied << 32));
    CHECK_EQ(host_user.thread, scene.s0);
    CHECK_EQ(message_handle_count(host_user.info), 2u);
    CHECK_EQ(message_page_bytes(host_user.info), 7u);
    CHECK_STR_EQ(scene.s0->message_page, "across");
    const uint64_t both = host_user.words[6];
    CHECK(process_slot(scene.server, (uint32_t)both) != nullptr);
    CHECK(process_slot(scene.server, both >> 32) != nullptr);
    CHECK(process_slot(scene.client, moved) == nullptr);
    CHECK(process_slot(scene.client, copied) != nullptr);
    // The caller takes none back: the answer cannot be carried, and nothing is lost.
    host_syscall(SYS_REPLY_RECV, scene.at_server, message_info(0, 0, 1, 1), DEADLINE_NEVER,
                 WORDS(0, 0, 0, 0, 0, 0, both));
    CHECK_EQ(host_user.status, STATUS_TOO_LARGE.code);
    CHECK_EQ(host_user.thread, scene.s0);
    CHECK(process_slot(scene.server, (uint32_t)both) != nullptr);
    host_syscall(SYS_REPLY_RECV, 0, 5, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_OK.code);
    CHECK_EQ(outcome(scene.c0), STATUS_OK.code);
    clear_scene();
}

TEST(what_cannot_be_carried_stays) {
    set_scene();
    uint64_t handle;
    host_notification(scene.client, &handle);
    const struct {
        uint64_t info, words6;
        status_t status;
    } bad[] = {
        {message_info(0, 0, 5, 0), 0, STATUS_BAD_ARGUMENT},
        {message_info(0, MESSAGE_PAGE_BYTES + 1, 0, 0), 0, STATUS_BAD_ARGUMENT},
        {message_info(0, 0, 1, 2), handle, STATUS_BAD_ARGUMENT},
        {message_info(0, 0, 2, 1), handle | handle << 32, STATUS_BAD_ARGUMENT},
        {message_info(0, 0, 2, 1), handle, STATUS_BAD_HANDLE},
        {MESSAGE_FAULT, 0, STATUS_BAD_ARGUMENT},
        {1ull << 63, 0, STATUS_BAD_ARGUMENT},
        {5ull << MESSAGE_ACCEPT_SHIFT, 0, STATUS_BAD_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        receive(scene.s0);
        call(scene.c0, bad[i].info, DEADLINE_NEVER, WORDS(0, 0, 0, 0, 0, 0, bad[i].words6));
        CHECK_EQ(host_user.status, bad[i].status.code);
        CHECK(process_slot(scene.client, handle) != nullptr);
        CHECK_EQ(scene.s0->state, THREAD_RECEIVING);
        CHECK(endpoint_check(scene.endpoint));
        REQUIRE(host_run(scene.s1));
        CHECK(status_ok(HOST_METHOD(scene.s0_handle, THREAD_CANCEL)));
    }
    receive(scene.s1); // has no message page
    call(scene.c0, message_info(0, 8, 0, 0), DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_TOO_LARGE.code);
    call(scene.c1, message_info(0, 8, 0, 0), DEADLINE_NEVER, NO_WORDS); // nor has this one
    CHECK_EQ(host_user.status, STATUS_BAD_ARGUMENT.code);
    clear_scene();
}

// A receiver that cannot take a queued message does not get stuck on it.
TEST(receiving_passes_by_what_cannot_be_carried) {
    set_scene();
    uint64_t handle;
    host_notification(scene.client, &handle);
    call(scene.c0, message_info(0, 0, 1, 1), DEADLINE_NEVER, WORDS(0, 0, 0, 0, 0, 0, handle));
    call(scene.c1, 3, DEADLINE_NEVER, WORDS(3));
    REQUIRE(host_run(scene.s0));
    host_syscall(SYS_RECV, scene.at_server, 0, DEADLINE_NEVER, NO_WORDS); // accepts none
    CHECK_EQ(host_user.thread, scene.s0);
    CHECK_EQ(host_user.words[0], 3u);
    CHECK_EQ(outcome(scene.c0), STATUS_TOO_LARGE.code);
    CHECK(process_slot(scene.client, handle) != nullptr);
    clear_scene();
}

static uint32_t handles_of(const struct process *process) NO_THREAD_SAFETY_ANALYSIS {
    return (uint32_t)(process->handles_made - process->handles_gone);
}

// The second of two handles finds no room in the receiver's table, and no money for more.
TEST(handles_travel_all_or_none) {
    set_scene();
    uint64_t first, second;
    host_notification(scene.client, &first);
    host_notification(scene.client, &second);
    while (handles_of(scene.server) < HANDLE_CHUNK_SLOTS - 2) {
        CHECK(host_give(scene.server, &scene.endpoint->object, RIGHT_SEND_BIT, 0) != 0);
    }
    receive(scene.s0);
    const struct account_usage usage = account_usage(scene.root);
    CHECK(status_ok(account_charge(scene.root, usage.limit_bytes - usage.used_bytes)));
    call(scene.c0, message_info(0, 0, 2, 3), DEADLINE_NEVER, WORDS(0, 0, 0, 0, 0, 0, first | second << 32));
    CHECK_EQ(host_user.status, STATUS_NO_MEMORY.code);
    CHECK(process_slot(scene.client, first) != nullptr && process_slot(scene.client, second) != nullptr);
    CHECK_EQ(handles_of(scene.server), HANDLE_CHUNK_SLOTS - 2);
    CHECK(handle_table_check(scene.server));
    account_uncharge(scene.root, usage.limit_bytes - usage.used_bytes);
    call(scene.c0, message_info(0, 0, 2, 3), DEADLINE_NEVER, WORDS(0, 0, 0, 0, 0, 0, first | second << 32));
    CHECK_EQ(host_user.thread, scene.s0);
    clear_scene();
}

TEST(the_handle_in_use_may_itself_be_moved) {
    set_scene();
    receive(scene.s0);
    call(scene.c0, message_info(0, 0, 1, 1), DEADLINE_NEVER, WORDS(0, 0, 0, 0, 0, 0, scene.at_client));
    CHECK_EQ(host_user.thread, scene.s0);
    CHECK(process_slot(scene.client, scene.at_client) == nullptr);
    const uint64_t back = (uint32_t)host_user.words[6];
    host_syscall(SYS_REPLY_RECV, scene.at_server, message_info(0, 0, 1, 1), DEADLINE_NEVER,
                 WORDS(0, 0, 0, 0, 0, 0, back)); // not accepted
    CHECK_EQ(host_user.status, STATUS_TOO_LARGE.code);
    CHECK(status_ok(HOST_METHOD(scene.server_handle, PROCESS_HANDLE_CLOSE, back)));
    host_syscall(SYS_REPLY_RECV, scene.at_server, 0, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(outcome(scene.c0), STATUS_OK.code);
    clear_scene();
}

// The server gives its only receive right away with the answer, so it cannot go on to receive.
TEST(the_receive_right_may_leave_with_the_answer) {
    set_scene();
    receive(scene.s0);
    call(scene.c0, 1ull << MESSAGE_ACCEPT_SHIFT | 0, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(host_user.thread, scene.s0);
    host_syscall(SYS_REPLY_RECV, scene.at_server, message_info(0, 0, 1, 1), DEADLINE_NEVER,
                 WORDS(0, 0, 0, 0, 0, 0, scene.at_server));
    CHECK_EQ(outcome(scene.c0), STATUS_OK.code);
    CHECK_EQ(outcome(scene.s0), STATUS_REVOKED.code);
    CHECK_EQ(scene.endpoint->receive_handles, 1u);
    clear_scene();
}

// ---- reply objects ---------------------------------------------------------------------------------

static uint64_t save_reply_of(struct thread *caller) {
    receive(scene.s0);
    call(caller, 4ull << MESSAGE_ACCEPT_SHIFT, DEADLINE_NEVER, NO_WORDS);
    CHECK(host_run(scene.s0));
    CHECK(status_ok(HOST_METHOD(scene.s0_handle, THREAD_SAVE_REPLY)));
    return host_user.words[0];
}

TEST(an_answer_through_a_reply_object) {
    set_scene();
    const uint64_t reply = save_reply_of(scene.c0);
    CHECK(thread_check(scene.c0));
    CHECK(status_is(HOST_METHOD(scene.s0_handle, THREAD_SAVE_REPLY), STATUS_NO_CALLER));
    host_syscall(SYS_REPLY_RECV, 0, 0, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_NO_CALLER.code);
    REQUIRE(host_run(scene.s1)); // any thread of the holder
    host_syscall(SYS_SEND, reply, 6, DEADLINE_NEVER, WORDS(66));
    CHECK_EQ(host_user.status, STATUS_OK.code);
    host_syscall(SYS_SEND, reply, 6, DEADLINE_NEVER, WORDS(66));
    CHECK_EQ(host_user.status, STATUS_BAD_HANDLE.code);
    CHECK_EQ(outcome(scene.c0), STATUS_OK.code);
    CHECK_EQ(host_user.words[0], 66u);
    const uint64_t dropped = save_reply_of(scene.c0);
    CHECK(status_ok(HOST_METHOD(scene.server_handle, PROCESS_HANDLE_CLOSE, dropped)));
    CHECK_EQ(outcome(scene.c0), STATUS_PEER_DIED.code);
    clear_scene();
}

TEST(a_reply_object_whose_caller_went_away) {
    set_scene();
    const uint64_t first = save_reply_of(scene.c0), second = save_reply_of(scene.c1);
    CHECK(status_ok(HOST_METHOD(scene.c0_handle, THREAD_CANCEL)));
    CHECK_EQ(outcome(scene.c0), STATUS_CANCELED.code);
    REQUIRE(host_run(scene.s0));
    CHECK(status_ok(HOST_METHOD(scene.client_handle, PROCESS_EXIT)));
    host_settle();
    REQUIRE(host_run(scene.s0));
    host_syscall(SYS_SEND, first, 0, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_PEER_DIED.code);
    CHECK(status_ok(HOST_METHOD(scene.server_handle, PROCESS_HANDLE_CLOSE, second)));
    clear_scene();
}

// The answer carries the very handle through which it is given.
TEST(an_answer_that_moves_its_own_reply_handle) {
    set_scene();
    const uint64_t reply = save_reply_of(scene.c0);
    host_syscall(SYS_SEND, reply, message_info(0, 0, 1, 1), DEADLINE_NEVER, WORDS(0, 0, 0, 0, 0, 0, reply));
    CHECK_EQ(host_user.status, STATUS_OK.code);
    CHECK(process_slot(scene.server, reply) == nullptr);
    CHECK(handle_table_check(scene.server));
    CHECK_EQ(outcome(scene.c0), STATUS_OK.code);
    const uint64_t spent = (uint32_t)host_user.words[6];
    host_syscall(SYS_SEND, spent, 0, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_PEER_DIED.code);
    clear_scene();
}

// ---- urgency ---------------------------------------------------------------------------------------

TEST(a_server_works_at_its_callers_urgency_and_no_longer) {
    set_scene();
    receive(scene.s0);
    REQUIRE(host_run(scene.c0));
    scene.c0->band = scene.c0->effective_band = BAND_REALTIME;
    call(scene.c0, 0, host_cycles + 1000, NO_WORDS);
    CHECK_EQ(host_user.thread, scene.s0);
    CHECK_EQ(scene.s0->effective_band, BAND_REALTIME);
    host_cycles += 1000;
    host_timer();
    CHECK_EQ(scene.c0->state, THREAD_RUNNING);
    CHECK_EQ(scene.s0->effective_band, BAND_NORMAL);
    scene.c0->band = scene.c0->effective_band = BAND_NORMAL;
    receive(scene.s0);
    REQUIRE(host_run(scene.c0));
    scene.c0->band = scene.c0->effective_band = BAND_REALTIME;
    call(scene.c0, 0, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(scene.s0->effective_band, BAND_REALTIME);
    CHECK(status_ok(HOST_METHOD(scene.s0_handle, THREAD_SAVE_REPLY)));
    CHECK_EQ(scene.s0->effective_band, BAND_NORMAL);
    clear_scene();
}
