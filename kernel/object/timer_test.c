// Timers on the host port's machine, where every interrupt is counted.
#include "kernel/object/timer.h"

#include "abi/gen/abi.h"
#include "base/test.h"
#include "kernel/arch/host/machine.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"

constexpr uint32_t EVERY_RIGHT = 0xffff;
constexpr uint32_t TIMERS = 8;
constexpr uint64_t MS = 1'000'000;

static struct {
    struct account *root;
    struct process *process;
    struct thread *thread;
    uint64_t self, notification;
    uint64_t timers[TIMERS];
    struct timer *objects[TIMERS];
} scene;

[[gnu::constructor]] static void begin(void) {
    host_machine_init(16 << 20);
}

static void set_scene(void) {
    host_processor_reset();
    host_cycles = 0;
    scene.root = account_create_root(4 << 20);
    scene.process = host_process(scene.root, "p");
    scene.thread = host_thread(scene.process, BAND_NORMAL, 0);
    scene.self = host_give(scene.process, &scene.process->object, EVERY_RIGHT, 0);
    host_notification(scene.process, &scene.notification);
    for (uint32_t i = 0; i < TIMERS; i++) {
        struct object *object;
        REQUIRE(status_ok(object_create(OBJECT_TIMER, scene.root, &object)));
        scene.objects[i] = CONTAINER_OF(object, struct timer, object);
        scene.timers[i] = host_give(scene.process, object, EVERY_RIGHT, 0);
        object_put(object);
    }
    REQUIRE(host_run(scene.thread));
}

static void clear_scene(void) {
    CHECK(host_finish(scene.root, &scene.process, 1));
}

static status_t set(uint32_t timer, uint64_t deadline_ns, uint64_t period_ns, uint64_t slack_ns) {
    return HOST_METHOD(scene.timers[timer], TIMER_SET, deadline_ns, period_ns, slack_ns, scene.notification, 1ull << timer);
}

static uint64_t info(uint32_t timer, uint32_t word) {
    CHECK(status_ok(HOST_METHOD(scene.timers[timer], TIMER_INFO, 0)));
    return host_user.words[word];
}

// The bits that are set, taken.
static uint64_t poll(void) {
    host_syscall(SYS_WAIT, scene.notification, 0, DEADLINE_POLL, (const uint64_t[MESSAGE_WORDS]){});
    return host_user.status == 0 ? host_user.words[0] : 0;
}

// Interrupts of the local timer until that time.
static uint32_t interrupts_until(uint64_t end_ns) {
    uint32_t count = 0;
    while (host_deadline_ns <= end_ns && host_wait_for_timer()) {
        count++;
    }
    host_cycles = end_ns;
    return count;
}

TEST(once) {
    set_scene();
    CHECK(status_ok(set(0, 5 * MS, 0, 0)));
    CHECK_EQ(info(0, 0), 5 * MS);
    CHECK_EQ(interrupts_until(5 * MS - 1), 0u);
    CHECK_EQ(poll(), 0u);
    CHECK_EQ(interrupts_until(5 * MS), 1u);
    CHECK_EQ(poll(), 1u);
    CHECK_EQ(info(0, 0), 0u);
    CHECK_EQ(info(0, 2), 1u);
    CHECK_EQ(interrupts_until(100 * MS), 0u);
    clear_scene();
}

TEST(a_past_deadline_fires_at_once) {
    set_scene();
    host_cycles = 7 * MS;
    CHECK(status_ok(set(0, 0, 0, 0)));
    CHECK_EQ(interrupts_until(7 * MS), 1u);
    CHECK_EQ(poll(), 1u);
    clear_scene();
}

TEST(periods_do_not_drift) {
    set_scene();
    CHECK(status_ok(set(0, 3 * MS, 2 * MS, 0)));
    for (uint64_t i = 0; i < 10; i++) {
        CHECK_EQ(interrupts_until(3 * MS + i * 2 * MS), 1u);
        CHECK_EQ(poll(), 1u);
        host_cycles += MS / 2; // whatever the program did meanwhile
    }
    CHECK_EQ(info(0, 0), 3 * MS + 20 * MS);
    CHECK_EQ(info(0, 2), 10u);
    CHECK_EQ(info(0, 3), 0u);
    clear_scene();
}

TEST(what_was_missed_is_counted_and_not_replayed) {
    set_scene();
    CHECK(status_ok(set(0, MS, MS, 0)));
    host_cycles = 10 * MS + 1;
    CHECK_EQ(interrupts_until(10 * MS + 1), 1u);
    CHECK_EQ(info(0, 2), 1u);
    CHECK_EQ(info(0, 3), 9u);
    CHECK_EQ(info(0, 0), 11 * MS);
    clear_scene();
}

TEST(the_shortest_period_leaves_room) {
    set_scene();
    CHECK(status_ok(set(0, 1, 1, 0)));
    CHECK(interrupts_until(10 * MS) <= 10 * MS / TIMER_LEAST_PERIOD_NS + 1);
    CHECK(info(0, 2) >= 10 * MS / TIMER_LEAST_PERIOD_NS - 1);
    CHECK_EQ(info(0, 2) + info(0, 3), info(0, 0) - 1);
    clear_scene();
}

TEST(extreme_times) {
    set_scene();
    CHECK_EQ(set(0, TIMER_MAX_NS, 0, 0).code, STATUS_BAD_ARGUMENT.code);
    CHECK_EQ(set(0, 0, TIMER_MAX_NS, 0).code, STATUS_BAD_ARGUMENT.code);
    CHECK_EQ(set(0, 0, 0, UINT64_MAX).code, STATUS_BAD_ARGUMENT.code);
    CHECK(status_ok(set(0, 0, TIMER_MAX_NS - 1, 0)));
    CHECK_EQ(interrupts_until(MS), 1u);
    CHECK_EQ(info(0, 0), TIMER_MAX_NS - 1);
    CHECK(status_ok(set(1, TIMER_MAX_NS - 1, 1, TIMER_MAX_NS - 1)));
    clear_scene();
}

// Eight timers whose windows overlap need one interrupt; without slack they need eight.
TEST(slack_saves_interrupts) {
    set_scene();
    for (uint32_t i = 0; i < TIMERS; i++) {
        CHECK(status_ok(set(i, 10 * MS + i * MS, 0, 0)));
    }
    CHECK_EQ(interrupts_until(100 * MS), 8u);
    CHECK_EQ(poll(), 0xffu);
    for (uint32_t i = 0; i < TIMERS; i++) {
        CHECK(status_ok(set(i, 110 * MS + i * MS, 0, 10 * MS)));
    }
    CHECK_EQ(interrupts_until(120 * MS - 1), 0u); // as late as all of them allow
    CHECK_EQ(interrupts_until(120 * MS), 1u);
    CHECK_EQ(poll(), 0xffu);
    CHECK_EQ(interrupts_until(200 * MS), 0u);
    clear_scene();
}

// One that may not fire yet hides one that may: that is taken along with it, and makes no interrupt of its own.
TEST(slack_behind_a_strict_deadline) {
    set_scene();
    CHECK(status_ok(set(0, 10 * MS, 0, 0)));
    CHECK(status_ok(set(1, 16 * MS, 0, 0)));
    CHECK(status_ok(set(2, 5 * MS, 0, 20 * MS)));
    CHECK_EQ(interrupts_until(10 * MS), 1u);
    CHECK_EQ(poll(), 1u);
    CHECK_EQ(interrupts_until(100 * MS), 1u);
    CHECK_EQ(poll(), 6u);
    clear_scene();
}

TEST(setting_anew_and_cancelling) {
    set_scene();
    CHECK(status_ok(set(0, 5 * MS, MS, 0)));
    CHECK(status_ok(set(0, 8 * MS, 0, 0)));
    interrupts_until(7 * MS);
    CHECK_EQ(poll(), 0u);
    CHECK(status_ok(HOST_METHOD(scene.timers[0], TIMER_CANCEL, 0)));
    CHECK_EQ(host_user.words[0], 1u);
    CHECK(status_ok(HOST_METHOD(scene.timers[0], TIMER_CANCEL, 0)));
    CHECK_EQ(host_user.words[0], 0u);
    interrupts_until(100 * MS);
    CHECK_EQ(poll(), 0u);
    clear_scene();
}

// A timer keeps its notification alive, and its own last handle unsets it.
TEST(life_and_end) {
    set_scene();
    CHECK(status_ok(set(0, 5 * MS, MS, 0)));
    CHECK(status_ok(HOST_METHOD(scene.self, PROCESS_HANDLE_CLOSE, scene.notification)));
    host_settle();
    CHECK_EQ(object_live_count(OBJECT_NOTIFICATION), 1u);
    interrupts_until(6 * MS);
    CHECK_EQ(info(0, 2), 2u);
    CHECK(status_ok(HOST_METHOD(scene.self, PROCESS_HANDLE_CLOSE, scene.timers[0])));
    host_settle();
    CHECK_EQ(object_live_count(OBJECT_NOTIFICATION), 0u);
    CHECK_EQ(object_live_count(OBJECT_TIMER), TIMERS - 1);
    clear_scene();
}
