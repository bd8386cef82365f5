// The scheduler in the small: kernel/sched on two processors, driven through all sequences of operations up to a depth.
//
// An operation is one entry into the kernel on one of the processors: what the current thread does there, an interrupt,
// or a change to any thread. Threads wait for nothing in particular: whoever wakes one ends its wait. Time passes where a
// timer fires, and a little where a thread waits or yields. After each operation the queues are read by themselves and
// compared with what the threads' states say, and no processor may rest, or go on as it is, while a thread waits for
// it; from each state reached all loops without end let every ready thread run soon.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "kernel/arch/arch.h"
#include "kernel/arch/host/cpu.h"
#include "kernel/arch/host/machine.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/ipc/syscall.h"
#include "kernel/percpu.h"
#include "kernel/sched/sched.h"

constexpr uint32_t CPUS = 2, THREADS = 3, DEPTH_MAX = 16;
constexpr uint64_t MS = 1'000'000;

enum op_kind : uint8_t {
    OP_WAKE, OP_HAND, OP_BAND, OP_AFFINITY, OP_WITH_THREAD, // those before concern a thread
    OP_WAIT = OP_WITH_THREAD, OP_YIELD, OP_TIMER, OP_IPI, OP_KINDS,
    OP_NOTHING, // an interrupt for nothing
};
static const char *const op_names[] = {"wake", "hand", "band", "affinity", "wait", "yield", "timer", "ipi"};

struct op {
    enum op_kind kind;
    uint8_t cpu, thread;
};

struct plan {
    const char *name;
    uint32_t depth;
    uint8_t bands[THREADS][2]; // which OP_BAND changes between
    uint32_t timed;            // so many of the threads' accounts have a time limit
};

static struct percpu second;
static uint64_t deadlines[CPUS], roots[CPUS];
static struct thread *threads[THREADS];
static struct account *root;
static struct process *processes[2];
static const struct plan *plan;
static jmp_buf idle_point;

// ---- the machine -----------------------------------------------------------------------------------

static void on_idle(void) {
    longjmp(idle_point, 1);
}

static struct thread *current_of(uint32_t cpu) {
    return CONTAINER_OF(percpus[cpu]->frame, struct thread, regs.status);
}

static bool is_idle(uint32_t cpu) {
    return current_of(cpu) == percpus[cpu]->idle;
}

// What the operation is for the kernel. False when it cannot happen now.
static bool act(const struct op *op) {
    struct percpu *cpu = this_cpu();
    struct thread *current = current_thread(), *thread = threads[op->thread];
    switch (op->kind) {
    case OP_WAKE:
        if (thread->state != THREAD_WAITING) {
            return false;
        }
        thread_set_state(thread, THREAD_WAKING);
        sched_ready(thread);
        return true;
    case OP_HAND: // as a call: the current thread waits, and that one goes on in its place
        if (current == cpu->idle || thread->state != THREAD_WAITING || (thread->flags & THREAD_BOUND) != 0 ||
            thread->effective_band != current->effective_band) { // a server works in its caller's
            return false;
        }
        thread_set_state(current, THREAD_WAITING);
        sched_switch_to(thread);
        return true;
    case OP_BAND: {
        const uint8_t *bands = plan->bands[op->thread];
        thread->band = bands[thread->band == bands[0]];
        sched_set_effective_band(thread, thread->band);
        return bands[0] != bands[1];
    }
    case OP_AFFINITY: // anywhere, on the first only, on the second only
        sched_set_affinity(thread, thread->affinity == UINT64_MAX ? 1 : thread->affinity == 1 ? 2 : UINT64_MAX);
        return true;
    case OP_WAIT:
        if (current == cpu->idle) {
            return false;
        }
        host_cycles += MS;
        thread_set_state(current, THREAD_WAITING);
        sched_switch();
        return true;
    case OP_YIELD:
        if (current == cpu->idle) {
            return false;
        }
        host_cycles += MS;
        sched_yield();
        return true;
    case OP_TIMER:
        if (deadlines[op->cpu] == UINT64_MAX) {
            return false;
        }
        host_cycles = host_cycles < deadlines[op->cpu] ? deadlines[op->cpu] : host_cycles;
        host_deadline_ns = UINT64_MAX;
        sched_timer();
        return true;
    case OP_NOTHING: return true;
    default:
        if (cpu->remote_work == 0) {
            return false;
        }
        cpu_ipi();
        return true;
    }
}

// Enters the kernel on the operation's processor, and leaves it as entry.S and the traps do.
static bool perform(const struct op *op) {
    static volatile bool happened; // survives the idle loop
    host_this_cpu = percpus[op->cpu];
    host_deadline_ns = deadlines[op->cpu];
    host_active_root = roots[op->cpu];
    happened = true;
    if (setjmp(idle_point) == 0) {
        happened = act(op);
        if (happened) {
            (void)(is_idle(op->cpu) ? kernel_block() : kernel_leave());
        }
    }
    deadlines[op->cpu] = host_deadline_ns;
    roots[op->cpu] = host_active_root;
    return happened;
}

// Back to where all threads wait and both processors are idle.
static void start_over(void) NO_THREAD_SAFETY_ANALYSIS {
    bool busy = true;
    for (uint32_t round = 0; busy; round++) {
        busy = false;
        for (uint8_t i = 0; i < THREADS; i++) {
            if (threads[i]->affinity != UINT64_MAX) {
                perform(&(struct op){OP_AFFINITY, 0, i});
            }
            if (sched_remove(threads[i])) {
                thread_set_state(threads[i], THREAD_WAITING);
            }
            busy |= threads[i]->state != THREAD_WAITING;
        }
        for (uint8_t cpu = 0; cpu < CPUS; cpu++) {
            busy |= perform(&(struct op){OP_IPI, cpu, 0});
            busy |= perform(&(struct op){OP_WAIT, cpu, 0});
            busy |= perform(&(struct op){OP_TIMER, cpu, 0});
            perform(&(struct op){OP_NOTHING, cpu, 0});
        }
        if (round > 1000) {
            fprintf(stderr, "the processors do not come to rest\n");
            abort();
        }
    }
    for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
        run_queue_init(&percpus[cpu]->ready);
        percpus[cpu]->timers.rest_until_ns = 0;
        percpus[cpu]->work = 0;
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        threads[i]->band = threads[i]->effective_band = plan->bands[i][0];
        threads[i]->slice_left_ns = 0;
        threads[i]->cpu = (cpu_id_t){0};
    }
    host_cycles = (host_cycles / (100 * MS) + 1) * 100 * MS; // a new period for those with a time limit
}

// ---- what must be true -----------------------------------------------------------------------------

static int index_of(const struct thread *thread) {
    for (uint32_t i = 0; i < THREADS; i++) {
        if (threads[i] == thread) {
            return (int)i;
        }
    }
    return -1;
}

static const char *check_queue(uint32_t number, uint32_t queued[THREADS]) {
    const struct percpu *cpu = percpus[number];
    const struct run_queue *queue = &cpu->ready;
    for (uint32_t band = 0; band < BAND_COUNT; band++) {
        if (list_empty(&queue->bands[band]) != ((queue->ready_mask & 1u << band) == 0)) {
            return "the mask does not say which bands are ready";
        }
        LIST_FOR_EACH(node, &queue->bands[band]) {
            const struct thread *thread = LIST_ENTRY(node, struct thread, link);
            if (thread->effective_band != band || thread->queued_band != band) {
                return "a thread is queued in another band than its own";
            }
            if (thread->cpu.v != number) {
                return "a thread is queued on another processor than it says";
            }
            queued[index_of(thread)]++;
        }
    }
    if (queue->next != nullptr) {
        if (queue->next->cpu.v != number || queue->next->on_cpu != 0 || is_idle(number)) {
            return "what stands apart could not run";
        }
        queued[index_of(queue->next)]++;
    }
    const struct thread *current = current_of(number);
    const bool told = cpu->remote_work != 0;
    if (run_queue_empty(queue) || told) {
        return nullptr;
    }
    if (is_idle(number)) {
        return "an idle processor leaves a thread in its queue";
    }
    if (run_queue_should_preempt(queue, current->effective_band)) {
        return "a processor goes on while somebody more urgent waits";
    }
    if (cpu->slice_end_ns == UINT64_MAX) {
        return "a slice has no end although somebody waits";
    }
    return cpu->armed_ns > cpu->slice_end_ns || deadlines[number] > cpu->slice_end_ns
               ? "the timer is not set for the end of the slice"
               : nullptr;
}

static const char *check(void) {
    uint32_t queued[THREADS] = {}, running[THREADS] = {};
    for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
        const char *wrong = check_queue(cpu, queued);
        if (wrong != nullptr) {
            return wrong;
        }
        if (!is_idle(cpu)) {
            running[index_of(current_of(cpu))]++;
        }
        if (percpus[cpu]->work != 0 && !is_idle(cpu)) {
            return "work is left behind";
        }
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        const struct thread *thread = threads[i];
        if (queued[i] != (thread->state == THREAD_READY) || running[i] != (thread->state == THREAD_RUNNING) ||
            (thread->on_cpu != 0) != (thread->state == THREAD_RUNNING)) {
            return "a thread is not where its state says";
        }
        if (thread->timer.armed != (thread->state == THREAD_THROTTLED)) {
            return "a timer is not armed as the state says";
        }
        if (thread->state == THREAD_READY && (thread->affinity & 1ull << thread->cpu.v) == 0) {
            return "a thread waits where it may not run";
        }
        for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
            const uint64_t bit = 1ull << cpu;
            if (thread->state == THREAD_RUNNING && current_of(cpu) == thread && (thread->affinity & bit) == 0 &&
                percpus[cpu]->remote_work == 0) {
                return "a thread runs where it may not";
            }
            if (thread->state == THREAD_READY && (thread->affinity & bit) != 0 && is_idle(cpu) &&
                percpus[cpu]->remote_work == 0 && percpus[thread->cpu.v]->remote_work == 0) {
                return "a processor rests while a thread that it could run waits";
            }
        }
    }
    return nullptr;
}

// Nobody waits or wakes any more: within this time each thread that is ready has run. The longest wait is for the weights
// of all bands to come round when the lowest has had its slice.
static const char *check_progress(void) {
    constexpr uint64_t PATIENCE = 3000 * MS;
    const uint64_t end_ns = host_cycles + PATIENCE;
    bool waits[THREADS];
    bool any = false;
    for (uint32_t i = 0; i < THREADS; i++) {
        waits[i] = threads[i]->state == THREAD_READY || threads[i]->state == THREAD_THROTTLED;
        any |= waits[i];
    }
    for (uint32_t turn = 0; any; turn++) {
        if (host_cycles > end_ns || turn > PATIENCE / MS * 4) {
            return "a thread that is ready never runs";
        }
        for (uint8_t cpu = 0; cpu < CPUS; cpu++) {
            perform(&(struct op){OP_IPI, cpu, 0});
            perform(&(struct op){OP_TIMER, cpu, 0});
        }
        any = false;
        for (uint32_t i = 0; i < THREADS; i++) {
            waits[i] = waits[i] && threads[i]->state != THREAD_RUNNING;
            any |= waits[i];
        }
    }
    return nullptr;
}

// ---- the search ------------------------------------------------------------------------------------

static void mix(uint64_t *hash, uint64_t value) {
    *hash = (*hash ^ value) * 0x9e37'79b9'7f4a'7c15;
    *hash ^= *hash >> 29;
}

static uint64_t from_now(uint64_t time_ns) {
    return time_ns == UINT64_MAX ? time_ns : time_ns - host_cycles;
}

// What the future depends on, but for how much of its time each account has used.
static uint64_t state_now(void) {
    uint64_t hash = 1;
    for (uint32_t i = 0; i < THREADS; i++) {
        const struct thread *thread = threads[i];
        mix(&hash, thread->state | (uint64_t)thread->effective_band << 8 | (uint64_t)thread->cpu.v << 16 |
                       (thread->affinity & 3) << 24 | (uint64_t)thread->flags << 32);
        mix(&hash, thread->slice_left_ns);
        mix(&hash, thread->timer.armed ? from_now(thread->timer.deadline_ns) : 0);
    }
    for (uint32_t number = 0; number < CPUS; number++) {
        const struct percpu *cpu = percpus[number];
        const struct run_queue *queue = &cpu->ready;
        mix(&hash, (uint64_t)(index_of(current_of(number)) + 1) | (uint64_t)(index_of(queue->next) + 1) << 8 |
                       (uint64_t)(index_of(cpu->slice_owner) + 1) << 16 | (uint64_t)queue->running_band << 24 |
                       (uint64_t)cpu->remote_work << 32);
        mix(&hash, from_now(cpu->slice_end_ns));
        mix(&hash, from_now(deadlines[number]));
        mix(&hash, host_cycles - cpu->slice_start_ns);
        for (uint32_t band = 0; band < BAND_COUNT; band++) {
            mix(&hash, queue->virtual_ns[band] - queue->reached_ns);
            LIST_FOR_EACH(node, &queue->bands[band]) {
                mix(&hash, (uint64_t)index_of(LIST_ENTRY(node, struct thread, link)) + 10);
            }
        }
    }
    return hash;
}

constexpr uint32_t SEEN_MAX = 1u << 22;
static struct {
    uint64_t state;
    uint32_t left; // so many operations have been tried from there; 0: free
} seen[SEEN_MAX];
static uint64_t states;
static struct op path[DEPTH_MAX];

// False when as many operations or more have been tried from this state.
static bool is_news(uint64_t state, uint32_t left) {
    uint32_t at = (uint32_t)(state % SEEN_MAX);
    while (seen[at].left != 0 && seen[at].state != state) {
        at = (at + 1) % SEEN_MAX;
    }
    if (seen[at].left >= left) {
        return false;
    }
    states += seen[at].left == 0;
    if (states > SEEN_MAX / 4 * 3) {
        fprintf(stderr, "too many states\n");
        abort();
    }
    seen[at].state = state;
    seen[at].left = left;
    return true;
}

static void replay(uint32_t count) {
    start_over();
    for (uint32_t i = 0; i < count; i++) {
        perform(&path[i]);
    }
}

static bool report(const char *wrong, uint32_t count) {
    fprintf(stderr, "%s: %s, after", plan->name, wrong);
    for (uint32_t i = 0; i < count; i++) {
        fprintf(stderr, " %u:%s", path[i].cpu, op_names[path[i].kind]);
        if (path[i].kind < OP_WITH_THREAD) {
            fprintf(stderr, "(%u)", path[i].thread);
        }
    }
    fprintf(stderr, "\n");
    return false;
}

// Everything that can follow the path of `count` operations, which has just been gone.
static bool search(uint32_t count) {
    const char *wrong = check();
    if (wrong != nullptr) {
        return report(wrong, count);
    }
    if (!is_news(state_now(), plan->depth - count + 1)) {
        return true;
    }
    wrong = check_progress();
    if (wrong != nullptr) {
        return report(wrong, count);
    }
    for (uint32_t i = 0; count < plan->depth && i < OP_KINDS * CPUS * THREADS; i++) {
        path[count] = (struct op){(enum op_kind)(i / (CPUS * THREADS)), i / THREADS % CPUS, i % THREADS};
        if (path[count].kind >= OP_WITH_THREAD && path[count].thread != 0) {
            continue;
        }
        replay(count);
        if (perform(&path[count]) && !search(count + 1)) {
            return false;
        }
    }
    return true;
}

static bool run(const struct plan *what) {
    plan = what;
    memset(seen, 0, sizeof(seen));
    states = 0;
    host_cycles = 100 * MS;
    host_on_idle = on_idle;
    percpus[1] = &second;
    for (uint32_t i = 0; i < CPUS; i++) {
        *percpus[i] = (struct percpu){.self = percpus[i], .id = {i}};
        host_this_cpu = percpus[i];
        sched_init(percpus[i]);
        cpu_add(percpus[i]);
        deadlines[i] = UINT64_MAX;
        roots[i] = mmu_kernel_root().v;
    }
    host_this_cpu = percpus[0];
    root = account_create_root(64 << 20);
    struct account *limited = root;
    if (what->timed != 0) {
        (void)account_create(root, 8 << 20, &limited);
        (void)account_set_limit(root, limited, LIMIT_TIME, 5 * MS, 20 * MS);
    }
    processes[0] = host_process(limited, "limited");
    processes[1] = host_process(root, "free");
    for (uint32_t i = 0; i < THREADS; i++) {
        threads[i] = host_thread(processes[i < what->timed ? 0 : 1], what->bands[i][0], 0);
    }
    start_over();
    const bool good = search(0);
    printf("%s: %llu states to a depth of %u\n", what->name, (unsigned long long)states, what->depth);
    return good;
}

TEST(one_band) {
    constexpr uint8_t B = BAND_NORMAL;
    CHECK(run(&(struct plan){"one band", 6, {{B, B}, {B, B}, {B, B}}, 0}));
}

TEST(several_bands) {
    CHECK(run(&(struct plan){"several bands",
                             5,
                             {{BAND_NORMAL, BAND_INTERACTIVE}, {BAND_REALTIME, BAND_NORMAL}, {BAND_BACKGROUND, BAND_NORMAL}},
                             0}));
}

TEST(time_limits) {
    constexpr uint8_t B = BAND_NORMAL;
    CHECK(run(&(struct plan){"time limits", 5, {{B, B}, {B, B}, {B, B}}, 2}));
}

[[gnu::constructor]] static void begin(void) {
    host_machine_init(64 << 20);
}
