#include "kernel/sched/timer_queue.h"

static bool sooner(const struct rb_node *a, const struct rb_node *b)
{
    return RB_ENTRY(a, const struct timer_node, node)->deadline_ns <
           RB_ENTRY(b, const struct timer_node, node)->deadline_ns;
}

void timer_queue_init(struct timer_queue *queue) { *queue = (struct timer_queue){}; }

void timer_arm(struct timer_queue *queue, struct timer_node *timer, uint64_t deadline_ns)
{
    timer_arm_between(queue, timer, deadline_ns, deadline_ns);
}

void timer_arm_between(struct timer_queue *queue, struct timer_node *timer, uint64_t earliest_ns, uint64_t deadline_ns)
{
    timer->earliest_ns = earliest_ns;
    timer->deadline_ns = deadline_ns;
    timer->armed = true;
    rb_insert(&queue->tree, &timer->node, sooner);
}

void timer_disarm(struct timer_queue *queue, struct timer_node *timer)
{
    if (!timer->armed)
        return;
    timer->armed = false;
    rb_remove(&queue->tree, &timer->node);
}

uint64_t timer_queue_next(const struct timer_queue *queue)
{
    const struct rb_node *first = rb_first(&queue->tree);
    if (first == nullptr)
        return UINT64_MAX;
    const uint64_t deadline_ns = RB_ENTRY(first, const struct timer_node, node)->deadline_ns;
    return deadline_ns > queue->rest_until_ns ? deadline_ns : queue->rest_until_ns;
}

struct timer_node *timer_queue_take_due(struct timer_queue *queue, uint64_t now_ns, bool enough)
{
    struct rb_node *first = rb_first(&queue->tree);
    struct timer_node *timer = first == nullptr ? nullptr : RB_ENTRY(first, struct timer_node, node);
    if (timer != nullptr && timer->earliest_ns > now_ns)
        timer = nullptr;
    if (timer != nullptr && enough) {
        queue->rest_until_ns = now_ns + TIMER_REST_NS;
        timer = nullptr;
    }
    if (timer != nullptr)
        timer_disarm(queue, timer);
    __atomic_store_n(&queue->firing, timer, __ATOMIC_RELEASE);
    return timer;
}
