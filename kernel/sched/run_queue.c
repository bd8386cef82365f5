#include "kernel/sched/run_queue.h"

#include "kernel/object/thread.h"

static const struct {
    uint32_t weight_log2;
    uint64_t slice_ns;
    uint64_t credit_ns; // how far behind the others a band may be when it becomes ready
} band_policy[BAND_COUNT] = {
    [BAND_REALTIME] = {6, 2'000'000, 0},
    [BAND_INTERACTIVE] = {3, 4'000'000, 2'000'000},
    [BAND_NORMAL] = {2, 8'000'000, 1'000'000},
    [BAND_BACKGROUND] = {0, 16'000'000, 0},
};

void run_queue_init(struct run_queue *queue)
{
    *queue = (struct run_queue){.running_band = BAND_COUNT};
    for (uint32_t band = 0; band < BAND_COUNT; band++)
        list_init(&queue->bands[band]);
}

// Where a band that comes back meets the others: the least virtual time of those that run or have ready
// threads; when all are away, where they had got to.
static uint64_t meeting_point_ns(const struct run_queue *queue)
{
    uint64_t least = UINT64_MAX;
    const uint32_t active = queue->ready_mask | 1u << queue->running_band;
    for (uint32_t band = 0; band < BAND_COUNT; band++)
        if ((active & 1u << band) != 0 && queue->virtual_ns[band] < least)
            least = queue->virtual_ns[band];
    return least != UINT64_MAX ? least : queue->reached_ns;
}

static void band_becomes_ready(struct run_queue *queue, uint32_t band)
{
    // The band that runs has not been away: its virtual time stands.
    if (band != queue->running_band) {
        const uint64_t least = meeting_point_ns(queue), credit = band_policy[band].credit_ns;
        const uint64_t floor = least > credit ? least - credit : 0;
        if (queue->virtual_ns[band] < floor)
            queue->virtual_ns[band] = floor;
    }
    queue->ready_mask |= 1u << band;
}

// The list for a thread that comes. From then on its band may change at any moment: what counts is where it is.
static struct list *join(struct run_queue *queue, struct thread *thread)
{
    const uint32_t band = thread->queued_band = thread->effective_band;
    if ((queue->ready_mask & 1u << band) == 0)
        band_becomes_ready(queue, band);
    return &queue->bands[band];
}

void run_queue_settle_next(struct run_queue *queue)
{
    struct thread *thread = queue->next;
    queue->next = nullptr;
    list_push_back(join(queue, thread), &thread->link);
}

void run_queue_push(struct run_queue *queue, struct thread *thread)
{
    run_queue_settle(queue); // it came first
    list_push_back(join(queue, thread), &thread->link);
}

void run_queue_push_front(struct run_queue *queue, struct thread *thread)
{
    list_push_front(join(queue, thread), &thread->link);
}

void run_queue_remove(struct run_queue *queue, struct thread *thread)
{
    if (thread == queue->next) {
        queue->next = nullptr;
        return;
    }
    const uint32_t band = thread->queued_band;
    list_remove(&thread->link);
    if (list_empty(&queue->bands[band]))
        queue->ready_mask &= ~(1u << band);
}

// Realtime goes first while it has had no more than its share by this much virtual time: 64 ms. Then it competes, so
// that nobody is starved by it.
constexpr uint64_t REALTIME_LEAD_NS = 1'000'000;

static bool comes_first(const struct run_queue *queue, uint32_t band, uint32_t other)
{
    const uint64_t lead = band == BAND_REALTIME ? REALTIME_LEAD_NS : 0;
    return queue->virtual_ns[band] <= queue->virtual_ns[other] + lead;
}

// The band whose turn it is, or BAND_COUNT.
static uint32_t next_band(const struct run_queue *queue)
{
    if ((queue->ready_mask & (queue->ready_mask - 1)) == 0) // one at most: nothing to weigh
        return queue->ready_mask == 0 ? (uint32_t)BAND_COUNT : (uint32_t)__builtin_ctz(queue->ready_mask);
    uint32_t best = BAND_COUNT;
    for (uint32_t band = 0; band < BAND_COUNT; band++)
        if ((queue->ready_mask & 1u << band) != 0 && (best == BAND_COUNT || !comes_first(queue, best, band)))
            best = band;
    return best;
}

struct thread *run_queue_pop(struct run_queue *queue)
{
    run_queue_settle(queue);
    const uint32_t band = next_band(queue), last = queue->running_band;
    queue->running_band = band;
    if (band == BAND_COUNT) {
        if (last != BAND_COUNT && queue->virtual_ns[last] > queue->reached_ns)
            queue->reached_ns = queue->virtual_ns[last];
        return nullptr;
    }
    struct list_node *first = queue->bands[band].head.next;
    list_remove(first);
    if (list_empty(&queue->bands[band]))
        queue->ready_mask &= ~(1u << band);
    return LIST_ENTRY(first, struct thread, link);
}

struct thread *run_queue_steal(struct run_queue *queue, uint64_t cpu_bits)
{
    constexpr uint32_t LOOK_AT = 8; // in each band; bounded work
    run_queue_settle(queue);
    for (uint32_t band = 0; band < BAND_COUNT; band++) {
        uint32_t seen = 0;
        LIST_FOR_EACH(node, &queue->bands[band]) {
            struct thread *thread = LIST_ENTRY(node, struct thread, link);
            if ((thread->affinity & cpu_bits) != 0 && thread->on_cpu == 0) {
                run_queue_remove(queue, thread);
                return thread;
            }
            if (++seen == LOOK_AT)
                break;
        }
    }
    return nullptr;
}

bool run_queue_should_preempt(const struct run_queue *queue, uint32_t band)
{
    uint32_t next = next_band(queue);
    return next < band && comes_first(queue, next, band);
}

void run_queue_charge(struct run_queue *queue, uint32_t band, uint64_t used_ns)
{
    queue->virtual_ns[band] += used_ns >> band_policy[band].weight_log2;
}

uint64_t run_queue_slice_ns(uint32_t band) { return band_policy[band].slice_ns; }
