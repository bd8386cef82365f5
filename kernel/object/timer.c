#include "kernel/object/timer.h"

#include "abi/gen/methods.h"
#include "base/container.h"
#include "kernel/lock.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/thread.h"
#include "kernel/plat/clock.h"
#include "kernel/sched/sched.h"

static struct timer *timer_of(struct object *object) {
    return CONTAINER_OF(object, struct timer, object);
}

static void arm(struct timer *timer) REQUIRES(timer->lock) {
    sched_arm_between(&timer->node, timer->next_ns, timer->next_ns + timer->slack_ns);
}

// Takes the setting away, and returns the notification whose reference the caller now has; null when there is none.
// *queue is where an expiry may still be on its way.
static struct notification *unset(struct timer *timer, const struct timer_queue **queue) REQUIRES(timer->lock) {
    struct notification *notification = timer->notification;
    *queue = sched_disarm(&timer->node);
    timer->notification = nullptr;
    return notification;
}

// After `unset`, with no lock held: the setting signals nothing any more, and keeps nothing alive.
static void finish_unset(struct timer *timer, const struct timer_queue *queue, struct notification *notification) {
    while (timer_is_firing(queue, &timer->node)) {
        spin_relax();
    }
    if (notification != nullptr) {
        object_put(&notification->object);
    }
}

// ---- expiry ----------------------------------------------------------------------------------------

// On to the first multiple of the period that is far enough ahead.
static void advance(struct timer *timer, uint64_t now_ns) REQUIRES(timer->lock) {
    const uint64_t period_ns = timer->period_ns;
    const uint64_t ahead_ns = period_ns < TIMER_LEAST_PERIOD_NS ? TIMER_LEAST_PERIOD_NS : 1;
    const uint64_t behind_ns = now_ns > timer->next_ns ? now_ns - timer->next_ns : 0;
    const uint64_t periods = (behind_ns + ahead_ns + period_ns - 1) / period_ns;
    timer->next_ns += periods * period_ns;
    timer->missed += periods - 1;
}

static void timer_fired(struct timer_node *node) {
    struct timer *timer = CONTAINER_OF(node, struct timer, node);
    struct notification *notification = nullptr;
    const struct timer_queue *queue;
    uint64_t bits = 0;
    spin_lock(&timer->lock);
    if (timer->notification != nullptr && !node->armed) { // else this expiry is stale
        bits = timer->bits;
        timer->fired++;
        if (timer->period_ns == 0) {
            notification = unset(timer, &queue);
        } else {
            notification = timer->notification;
            object_get(&notification->object);
            advance(timer, clock_now().v);
            arm(timer);
        }
    }
    spin_unlock(&timer->lock);
    if (notification != nullptr) {
        notification_signal(notification, bits);
        object_put(&notification->object);
    }
}

// ---- creation and destruction ----------------------------------------------------------------------

void timer_init(struct object *object) {
    struct timer *timer = timer_of(object);
    spin_init(&timer->lock, LOCK_TIMER);
    timer->node.expired = timer_fired;
}

static bool cancel(struct timer *timer) {
    const struct timer_queue *queue;
    spin_lock(&timer->lock);
    struct notification *notification = unset(timer, &queue);
    spin_unlock(&timer->lock);
    finish_unset(timer, queue, notification);
    return notification != nullptr;
}

bool timer_destroy_step(struct object *object) {
    cancel(timer_of(object));
    return true;
}

// ---- methods ---------------------------------------------------------------------------------------

status_t method_timer_set(struct invocation *, struct timer *timer, uint64_t deadline_ns, uint64_t period_ns,
                          uint64_t slack_ns, struct notification *notification, uint64_t bits) {
    if ((deadline_ns | period_ns | slack_ns) >= TIMER_MAX_NS || bits == 0) {
        return STATUS_BAD_ARGUMENT;
    }
    const struct timer_queue *queue;
    object_get(&notification->object);
    spin_lock(&timer->lock);
    struct notification *old = unset(timer, &queue);
    timer->next_ns = deadline_ns;
    timer->period_ns = period_ns;
    timer->slack_ns = slack_ns;
    timer->notification = notification;
    timer->bits = bits;
    timer->fired = timer->missed = 0;
    arm(timer);
    spin_unlock(&timer->lock);
    finish_unset(timer, queue, old);
    return STATUS_OK;
}

status_t method_timer_cancel(struct invocation *, struct timer *timer, uint64_t *was_set) {
    *was_set = cancel(timer);
    return STATUS_OK;
}

status_t method_timer_info(struct invocation *, struct timer *timer, struct timer_info_out *out) {
    spin_lock(&timer->lock);
    *out = (struct timer_info_out){timer->notification != nullptr ? timer->next_ns : 0, timer->period_ns,
                                   timer->fired, timer->missed};
    spin_unlock(&timer->lock);
    return STATUS_OK;
}
