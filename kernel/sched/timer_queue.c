#include "kernel/sched/timer_queue.h"

static bool sooner(const struct rb_node *a, const struct rb_node *b)
{
    return RB_ENTRY(a, const struct timer_node, node)->deadline_ns <
           RB_ENTRY(b, const struct timer_node, node)->deadline_ns;
}

void timer_queue_init(struct timer_queue *queue) { rb_init(&queue->tree); }

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
    return first == nullptr ? UINT64_MAX : RB_ENTRY(first, const struct timer_node, node)->deadline_ns;
}

struct timer_node *timer_queue_take_due(struct timer_queue *queue, uint64_t now_ns)
{
    if (rb_empty(&queue->tree))
        return nullptr;
    struct timer_node *timer = RB_ENTRY(rb_first(&queue->tree), struct timer_node, node);
    if (timer->earliest_ns > now_ns)
        return nullptr;
    timer_disarm(queue, timer);
    timer->firing = true;
    return timer;
}
