#include "kernel/object/reaper.h"

#include "kernel/lock.h"
#include "kernel/percpu.h"
#include "kernel/sched/sched.h"

static void push(struct reaper *reaper, struct reap_item *item) {
    item->next = nullptr;
    if (reaper->first == nullptr) {
        reaper->first = item;
    } else {
        reaper->last->next = item;
    }
    reaper->last = item;
}

void reaper_add(struct reap_item *item) {
    struct percpu *cpu = this_cpu();
    push(&cpu->reaper, item);
    cpu->reaper.count++;
    cpu->work |= WORK_REAP;
}

static struct reap_item *take_first(struct reaper *reaper) {
    struct reap_item *item = reaper->first;
    if (item != nullptr) {
        reaper->first = item->next;
    }
    return item;
}

// ---- grace periods ---------------------------------------------------------------------------------

void reaper_defer(struct reap_item *item) {
    struct percpu *cpu = this_cpu();
    if (cpu_count() == 1) {
        item->step(item);
        return;
    }
    item->next = cpu->reaper.closing;
    cpu->reaper.closing = item;
    cpu->reaper.count++;
    cpu->work |= WORK_REAP;
}

// Whether every other processor has been out of the kernel since the grace period began; with `nudge`, those
// that have not are made to enter it, and so to leave it.
static bool is_over(const struct percpu *self, uint64_t grace, bool nudge) {
    bool over = true;
    for (uint64_t left = sched_online() & ~(1ull << self->id.v); left != 0; left &= left - 1) {
        const struct percpu *cpu = percpu_of((cpu_id_t){(uint32_t)__builtin_ctzll(left)});
        if (__atomic_load_n(&cpu->quiet_since, __ATOMIC_SEQ_CST) < grace) {
            over = false;
            if (nudge) {
                arch_send_ipi(cpu->id, IPI_QUIESCE); // its handler calls cpu_quiet
            }
        }
    }
    return over;
}

static void free_all(struct reaper *reaper, struct reap_item *first) {
    while (first != nullptr) {
        struct reap_item *item = first;
        first = item->next;
        item->step(item);
        reaper->count--; // not before: who asks whether anything is pending may be on another processor
    }
}

// Ends and begins grace periods. Frees at most what was deferred during one.
static void grace_run(struct percpu *cpu) {
    struct reaper *reaper = &cpu->reaper;
    if (reaper->waiting != nullptr) {
        if (!is_over(cpu, reaper->grace, !reaper->nudged)) {
            reaper->nudged = true;
            return;
        }
        struct reap_item *items = reaper->waiting;
        reaper->waiting = nullptr;
        free_all(reaper, items);
    }
    if (reaper->closing != nullptr) {
        reaper->waiting = reaper->closing;
        reaper->closing = nullptr;
        reaper->grace = __atomic_add_fetch(&newest_grace, 1, __ATOMIC_SEQ_CST);
        reaper->nudged = false;
    }
}

// ---- steps -----------------------------------------------------------------------------------------

bool reaper_run(uint32_t steps) {
    struct percpu *cpu = this_cpu();
    // A step may end the current thread; a later one would free it under the processor's feet.
    while (steps-- > 0 && (current_thread()->flags & THREAD_ENDING) == 0) {
        struct reap_item *item = take_first(&cpu->reaper);
        if (item == nullptr) {
            break;
        }
        if (item->step(item)) {
            cpu->reaper.count--;
        } else {
            push(&cpu->reaper, item);
        }
    }
    if (cpu->reaper.closing != nullptr || cpu->reaper.waiting != nullptr) {
        grace_run(cpu);
    }
    return cpu->reaper.first != nullptr;
}

uint32_t reaper_pending(void) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < cpu_count(); i++) {
        count += __atomic_load_n(&percpu_of((cpu_id_t){i})->reaper.count, __ATOMIC_RELAXED);
    }
    return count;
}
