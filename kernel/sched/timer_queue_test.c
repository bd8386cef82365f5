#include "kernel/sched/timer_queue.h"

#include "base/container.h"
#include "base/test.h"

constexpr uint32_t TIMERS = 100;

struct alarm {
    struct timer_node timer;
    uint32_t fired;
    uint32_t order;
    struct timer_queue *rearm_in; // when it fires, it is armed again
    uint64_t rearm_ns;
};

// Fires what is due, at most `limit`.
static void expire(struct timer_queue *queue, uint64_t now_ns, uint32_t limit) {
    struct timer_node *timer;
    while ((timer = timer_queue_take_due(queue, now_ns, limit-- == 0)) != nullptr) {
        CHECK(timer_is_firing(queue, timer));
        timer->expired(timer);
    }
    CHECK(queue->firing == nullptr);
}

static uint32_t fired_count;

static void fire(struct timer_node *timer) {
    struct alarm *alarm = CONTAINER_OF(timer, struct alarm, timer);
    alarm->fired++;
    alarm->order = fired_count++;
    CHECK(!timer->armed);
    if (alarm->rearm_in != nullptr) {
        timer_arm(alarm->rearm_in, timer, alarm->rearm_ns);
    }
}

static struct alarm new_alarm(void) {
    return (struct alarm){.timer = {.expired = fire}};
}

TEST(empty) {
    struct timer_queue queue;
    timer_queue_init(&queue);
    CHECK_EQ(timer_queue_next(&queue), UINT64_MAX);
    expire(&queue, UINT64_MAX - 1, 10);
    struct alarm alarm = new_alarm();
    timer_disarm(&queue, &alarm.timer); // was not armed
    CHECK_EQ(alarm.fired, 0u);
}

TEST(soonest_first_whatever_the_order_of_arming) {
    struct timer_queue queue;
    timer_queue_init(&queue);
    fired_count = 0;
    struct alarm alarms[TIMERS];
    for (uint32_t i = 0; i < TIMERS; i++) {
        alarms[i] = new_alarm();
        timer_arm(&queue, &alarms[i].timer, 1000 + i * 37 % TIMERS);
    }
    CHECK_EQ(timer_queue_next(&queue), 1000u);
    expire(&queue, 999, TIMERS);
    CHECK_EQ(fired_count, 0u);
    expire(&queue, 1000 + TIMERS / 2 - 1, TIMERS);
    CHECK_EQ(fired_count, TIMERS / 2);
    CHECK_EQ(timer_queue_next(&queue), 1000 + TIMERS / 2);
    expire(&queue, UINT64_MAX - 1, TIMERS);
    for (uint32_t i = 0; i < TIMERS; i++) {
        CHECK_EQ(alarms[i].fired, 1u);
        CHECK_EQ(alarms[i].order, i * 37 % TIMERS);
    }
    CHECK_EQ(timer_queue_next(&queue), UINT64_MAX);
}

TEST(equal_deadlines_all_fire) {
    struct timer_queue queue;
    timer_queue_init(&queue);
    struct alarm alarms[TIMERS];
    for (uint32_t i = 0; i < TIMERS; i++) {
        alarms[i] = new_alarm();
        timer_arm(&queue, &alarms[i].timer, 5);
    }
    for (uint32_t i = 0; i < TIMERS; i += 2) {
        timer_disarm(&queue, &alarms[i].timer);
        timer_disarm(&queue, &alarms[i].timer);
    }
    expire(&queue, 5, TIMERS);
    for (uint32_t i = 0; i < TIMERS; i++) {
        CHECK_EQ(alarms[i].fired, i % 2);
    }
}

TEST(the_limit_bounds_one_expiry) {
    struct timer_queue queue;
    timer_queue_init(&queue);
    fired_count = 0;
    struct alarm alarms[TIMERS];
    for (uint32_t i = 0; i < TIMERS; i++) {
        alarms[i] = new_alarm();
        timer_arm(&queue, &alarms[i].timer, i);
    }
    expire(&queue, TIMERS, 32);
    CHECK_EQ(fired_count, 32u);
    CHECK_EQ(timer_queue_next(&queue), TIMERS + TIMER_REST_NS); // programs have their turn first
    expire(&queue, TIMERS, 32);
    CHECK_EQ(fired_count, 64u);
    expire(&queue, TIMERS, 0);
    CHECK_EQ(fired_count, 64u);
}

// What rearms itself in the past must not hold the interrupt for ever.
TEST(rearming_while_it_fires) {
    struct timer_queue queue;
    timer_queue_init(&queue);
    struct alarm alarm = new_alarm();
    alarm.rearm_in = &queue;
    alarm.rearm_ns = 1;
    timer_arm(&queue, &alarm.timer, 1);
    expire(&queue, 10, 32);
    CHECK_EQ(alarm.fired, 32u);
    CHECK(alarm.timer.armed);
    alarm.rearm_ns = 20;
    expire(&queue, 10, 32);
    CHECK_EQ(alarm.fired, 33u);
    CHECK_EQ(timer_queue_next(&queue), 10 + TIMER_REST_NS);
}

TEST(disarming_another_from_an_expiry_is_safe) {
    struct timer_queue queue;
    timer_queue_init(&queue);
    struct alarm first = new_alarm(), second = new_alarm(), third = new_alarm();
    timer_arm(&queue, &first.timer, 1);
    timer_arm(&queue, &second.timer, 2);
    timer_arm(&queue, &third.timer, 3);
    expire(&queue, 1, 1);
    timer_disarm(&queue, &second.timer);
    expire(&queue, 3, 8);
    CHECK_EQ(second.fired, 0u);
    CHECK_EQ(third.fired, 1u);
}
