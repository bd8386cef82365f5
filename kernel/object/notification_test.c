// Notifications on the host port's machine: bits, waiters, and the binding to an endpoint.
#include "kernel/object/notification.h"

#include "abi/gen/abi.h"
#include "abi/gen/methods.h"
#include "base/test.h"
#include "kernel/arch/host/invariants.h"
#include "kernel/arch/host/machine.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/interrupt.h"

constexpr uint32_t EVERY_RIGHT = 0xffff;
constexpr uint64_t NO_WORDS[MESSAGE_WORDS] = {};
#define WORDS(...) ((const uint64_t[MESSAGE_WORDS]){__VA_ARGS__})

// One process of three threads.
static struct {
    struct account *root;
    struct process *process;
    struct thread *threads[3];
    uint64_t self; // to the process
    struct endpoint *endpoint;
    struct notification *notification;
    uint64_t at_endpoint, at_notification;
} scene;

[[gnu::constructor]] static void begin(void) {
    host_machine_init(16 << 20);
}

static void set_scene(void) {
    host_processor_reset();
    scene.root = account_create_root(4 << 20);
    scene.process = host_process(scene.root, "p");
    for (uint32_t i = 0; i < 3; i++) {
        scene.threads[i] = host_thread(scene.process, BAND_NORMAL, 0);
    }
    scene.self = host_give(scene.process, &scene.process->object, EVERY_RIGHT, 0);
    scene.endpoint = host_endpoint(scene.process, EVERY_RIGHT, &scene.at_endpoint);
    scene.notification = host_notification(scene.process, &scene.at_notification);
}

static void clear_scene(void) {
    CHECK(handle_table_check(scene.process));
    CHECK(host_finish(scene.root, &scene.process, 1));
}

static void signal(struct thread *thread, uint64_t bits) {
    REQUIRE(host_run(thread));
    host_syscall(SYS_SIGNAL, scene.at_notification, 0, 0, WORDS(bits));
    CHECK_EQ(host_user.status, STATUS_OK.code);
}

static void wait(struct thread *thread, uint64_t deadline_ns) {
    REQUIRE(host_run(thread));
    host_syscall(SYS_WAIT, scene.at_notification, 0, deadline_ns, NO_WORDS);
}

static void receive(struct thread *thread, uint64_t deadline_ns) {
    REQUIRE(host_run(thread));
    host_syscall(SYS_RECV, scene.at_endpoint, 0, deadline_ns, NO_WORDS);
}

static status_t bind(struct thread *thread, uint64_t endpoint) {
    return host_run(thread) ? HOST_METHOD(scene.at_notification, NOTIFICATION_BIND, endpoint)
                            : STATUS_BAD_STATE;
}

static struct notification *bound_to(const struct endpoint *endpoint) NO_THREAD_SAFETY_ANALYSIS {
    return endpoint->bound;
}

static uint32_t outcome(struct thread *thread) {
    return host_run(thread) ? host_user.status : UINT32_MAX;
}

TEST(bits_gather_and_are_taken_at_once) {
    set_scene();
    signal(scene.threads[0], 1);
    signal(scene.threads[1], 4);
    signal(scene.threads[1], 4);
    signal(scene.threads[1], 0);
    wait(scene.threads[2], DEADLINE_POLL);
    CHECK_EQ(host_user.status, STATUS_OK.code);
    CHECK_EQ(host_user.words[0], 5u);
    wait(scene.threads[2], DEADLINE_POLL);
    CHECK_EQ(host_user.status, STATUS_TIMED_OUT.code);
    clear_scene();
}

TEST(waiters_in_turn) {
    set_scene();
    wait(scene.threads[0], DEADLINE_NEVER);
    wait(scene.threads[1], DEADLINE_NEVER);
    signal(scene.threads[2], 0); // nothing
    CHECK_EQ(scene.threads[0]->state, THREAD_WAITING);
    signal(scene.threads[2], 2);
    signal(scene.threads[2], 3);
    CHECK_EQ(outcome(scene.threads[0]), STATUS_OK.code);
    CHECK_EQ(host_user.words[0], 2u);
    CHECK_EQ(outcome(scene.threads[1]), STATUS_OK.code);
    CHECK_EQ(host_user.words[0], 3u);
    clear_scene();
}

TEST(a_wait_that_ends_early_takes_nothing) {
    set_scene();
    const uint64_t soon_ns = host_cycles + 100;
    wait(scene.threads[0], soon_ns);
    wait(scene.threads[1], DEADLINE_NEVER);
    host_cycles = soon_ns;
    host_timer();
    CHECK_EQ(outcome(scene.threads[0]), STATUS_TIMED_OUT.code);
    signal(scene.threads[2], 1);
    CHECK_EQ(outcome(scene.threads[1]), STATUS_OK.code);
    clear_scene();
}

TEST(closing_it_wakes_who_waits) {
    set_scene();
    wait(scene.threads[0], DEADLINE_NEVER);
    wait(scene.threads[1], host_cycles + 1'000'000);
    REQUIRE(host_run(scene.threads[2]));
    CHECK(status_ok(HOST_METHOD(scene.self, PROCESS_HANDLE_CLOSE, scene.at_notification)));
    host_settle();
    CHECK_EQ(outcome(scene.threads[0]), STATUS_OBJECT_DEAD.code);
    CHECK_EQ(outcome(scene.threads[1]), STATUS_OBJECT_DEAD.code);
    CHECK_EQ(object_live_count(OBJECT_NOTIFICATION), 0u);
    clear_scene();
}

// Forty threads wait: taken apart in several steps.
TEST(closing_it_wakes_a_crowd) {
    set_scene();
    struct thread *crowd[40];
    for (uint32_t i = 0; i < 40; i++) {
        crowd[i] = host_thread(scene.process, BAND_NORMAL, 0);
        wait(crowd[i], DEADLINE_NEVER);
    }
    REQUIRE(host_run(scene.threads[2]));
    CHECK(status_ok(HOST_METHOD(scene.self, PROCESS_HANDLE_CLOSE, scene.at_notification)));
    host_settle();
    for (uint32_t i = 0; i < 40; i++) {
        CHECK_EQ(outcome(crowd[i]), STATUS_OBJECT_DEAD.code);
    }
    clear_scene();
}

// ---- bound -----------------------------------------------------------------------------------------

TEST(bound_bits_come_as_messages) {
    set_scene();
    signal(scene.threads[0], 8); // before
    CHECK(status_ok(bind(scene.threads[0], scene.at_endpoint)));
    CHECK(status_is(bind(scene.threads[0], scene.at_endpoint), STATUS_IN_USE));
    wait(scene.threads[0], DEADLINE_POLL);
    CHECK_EQ(host_user.status, STATUS_BAD_STATE.code);
    receive(scene.threads[1], DEADLINE_NEVER);
    CHECK_EQ(host_user.status, STATUS_OK.code);
    CHECK_EQ(host_user.info, MESSAGE_NOTIFICATION);
    CHECK_EQ(host_user.badge, 0u);
    CHECK_EQ(host_user.words[0], 8u);
    receive(scene.threads[1], DEADLINE_NEVER);
    signal(scene.threads[0], 16); // while it waits
    CHECK_EQ(outcome(scene.threads[1]), STATUS_OK.code);
    CHECK_EQ(host_user.words[0], 16u);
    receive(scene.threads[1], DEADLINE_POLL);
    CHECK_EQ(host_user.status, STATUS_TIMED_OUT.code);
    clear_scene();
}

// A server in its loop of answers hears of them as well: the fast path gives way.
TEST(bound_bits_between_an_answer_and_the_next_call) {
    set_scene();
    CHECK(status_ok(bind(scene.threads[0], scene.at_endpoint)));
    receive(scene.threads[1], DEADLINE_NEVER);
    REQUIRE(host_run(scene.threads[0]));
    host_syscall(SYS_CALL, scene.at_endpoint, 1, DEADLINE_NEVER, NO_WORDS);
    signal(scene.threads[2], 32);
    REQUIRE(host_run(scene.threads[1]));
    host_syscall(SYS_REPLY_RECV, scene.at_endpoint, 0, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(outcome(scene.threads[1]), STATUS_OK.code);
    CHECK_EQ(host_user.info, MESSAGE_NOTIFICATION);
    CHECK_EQ(host_user.words[0], 32u);
    CHECK_EQ(outcome(scene.threads[0]), STATUS_OK.code);
    clear_scene();
}

TEST(unbinding_gives_the_bits_back) {
    set_scene();
    CHECK(status_ok(bind(scene.threads[0], scene.at_endpoint)));
    const uint32_t references = scene.endpoint->object.references;
    signal(scene.threads[0], 2);
    CHECK(status_ok(bind(scene.threads[0], 0)));
    CHECK(status_ok(bind(scene.threads[0], 0))); // nothing to undo
    CHECK_EQ(scene.endpoint->object.references, references - 1);
    receive(scene.threads[1], DEADLINE_POLL);
    CHECK_EQ(host_user.status, STATUS_TIMED_OUT.code);
    wait(scene.threads[1], DEADLINE_POLL);
    CHECK_EQ(host_user.words[0], 2u);
    clear_scene();
}

TEST(what_binding_refuses) {
    set_scene();
    wait(scene.threads[1], DEADLINE_NEVER);
    CHECK(status_is(bind(scene.threads[0], scene.at_endpoint), STATUS_BAD_STATE)); // somebody waits
    signal(scene.threads[0], 1);
    uint64_t other;
    struct notification *second = host_notification(scene.process, &other);
    REQUIRE(host_run(scene.threads[0]));
    CHECK(status_ok(HOST_METHOD(other, NOTIFICATION_BIND, scene.at_endpoint)));
    CHECK(status_is(bind(scene.threads[0], scene.at_endpoint), STATUS_IN_USE)); // the endpoint has one
    const uint64_t send_only = host_give(scene.process, &scene.endpoint->object, RIGHT_SEND_BIT, 0);
    CHECK(status_is(bind(scene.threads[0], send_only), STATUS_NO_RIGHT));
    CHECK(status_is(bind(scene.threads[0], other), STATUS_WRONG_TYPE));
    CHECK(status_is(bind(scene.threads[0], 99), STATUS_BAD_HANDLE));
    CHECK_EQ(bound_to(scene.endpoint), second);
    clear_scene();
}

TEST(a_binding_outlives_neither_side) {
    set_scene();
    CHECK(status_ok(bind(scene.threads[0], scene.at_endpoint)));
    CHECK(status_ok(HOST_METHOD(scene.self, PROCESS_HANDLE_CLOSE, scene.at_endpoint)));
    signal(scene.threads[0], 1); // to a dead endpoint
    wait(scene.threads[0], DEADLINE_POLL);
    CHECK_EQ(host_user.status, STATUS_BAD_STATE.code);
    CHECK(status_ok(bind(scene.threads[0], 0)));
    wait(scene.threads[0], DEADLINE_POLL);
    CHECK_EQ(host_user.words[0], 1u);
    host_settle();
    CHECK_EQ(object_live_count(OBJECT_ENDPOINT), 0u);
    scene.endpoint = host_endpoint(scene.process, EVERY_RIGHT, &scene.at_endpoint);
    CHECK(status_ok(bind(scene.threads[0], scene.at_endpoint)));
    receive(scene.threads[1], DEADLINE_NEVER);
    REQUIRE(host_run(scene.threads[0]));
    CHECK(status_ok(HOST_METHOD(scene.self, PROCESS_HANDLE_CLOSE, scene.at_notification)));
    host_settle();
    CHECK_EQ(bound_to(scene.endpoint), nullptr);
    CHECK(endpoint_check(scene.endpoint));
    clear_scene();
}

// ---- interrupts ------------------------------------------------------------------------------------

TEST(an_interrupt_signals_until_it_is_closed) {
    set_scene();
    struct interrupt *interrupt;
    REQUIRE(status_ok(method_resource_mint_interrupt(nullptr, 5, 0, scene.root, &interrupt)));
    const uint64_t handle = host_give(scene.process, &interrupt->object, EVERY_RIGHT, 0);
    object_put(&interrupt->object);
    wait(scene.threads[0], DEADLINE_NEVER);
    REQUIRE(host_run(scene.threads[1]));
    CHECK(status_ok(HOST_METHOD(handle, INTERRUPT_BIND, scene.at_notification, 64)));
    host_line_fires(5);
    host_line_fires(5); // masked until acknowledged
    CHECK_EQ(outcome(scene.threads[0]), STATUS_OK.code);
    CHECK_EQ(host_user.words[0], 64u);
    CHECK(status_ok(HOST_METHOD(handle, INTERRUPT_ACKNOWLEDGE)));
    CHECK(status_is(HOST_METHOD(handle, INTERRUPT_ACKNOWLEDGE), STATUS_BAD_STATE));
    // The notification's handle goes first: the interrupt keeps it, until it goes too.
    CHECK(status_ok(HOST_METHOD(scene.self, PROCESS_HANDLE_CLOSE, scene.at_notification)));
    host_line_fires(5);
    CHECK(status_ok(HOST_METHOD(scene.self, PROCESS_HANDLE_CLOSE, handle)));
    host_settle();
    host_line_fires(5);
    CHECK_EQ(object_live_count(OBJECT_NOTIFICATION), 0u);
    clear_scene();
}
