#include "kernel/sched/sched.h"

#include "kernel/arch/mmu.h"
#include "kernel/ipc/ring.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/object/account.h"
#include "kernel/object/process.h"
#include "kernel/object/reaper.h"
#include "kernel/panic.h"
#include "kernel/plat/clock.h"

// Deadlines served in one timer interrupt; the rest fire at once again.
constexpr uint32_t EXPIRE_LIMIT = 32;
constexpr uint32_t IDLE_REAP_STEPS = 64;
constexpr uint64_t RETURN_SOON_NS = 250'000; // the reaper's steps of one entry take about a tenth of it

static uint64_t idle_mask; // atomic: the processors that have no thread to run, a bit each

static uint64_t cpu_bit(const struct percpu *cpu) {
    return 1ull << cpu->id.v;
}

uint64_t sched_online(void) {
    return UINT64_MAX >> (CPU_MAX - cpu_count());
}

void sched_init(struct percpu *cpu) {
    cpu->idle = &cpu->idle_thread;
    spin_init(&cpu->ready_lock, LOCK_RUN_QUEUE);
    spin_init(&cpu->timer_lock, LOCK_TIMERS);
    spin_init(&cpu->frames.lock, LOCK_FRAME_CACHE);
    run_queue_init(&cpu->ready);
    timer_queue_init(&cpu->timers);
    cpu->idle->state = THREAD_RUNNING;
    cpu->idle->band = cpu->idle->effective_band = BAND_COUNT - 1;
    cpu->idle->regs.page_table = mmu_kernel_root().v;
    cpu->idle->cpu = cpu->id;
    list_node_init(&cpu->idle->link);
    cpu->slice_end_ns = UINT64_MAX;
    cpu->armed_ns = UINT64_MAX;
    cpu->polling = RING_NO_POLLING;
    arch_set_current_frame(&cpu->idle->regs.status);
}

// ---- time ------------------------------------------------------------------------------------------

// Charges the time since the last charge to whoever's slice it was.
static void charge_slice(struct percpu *cpu, uint64_t now_ns) REQUIRES(cpu->ready_lock) {
    const uint64_t used_ns = now_ns - cpu->slice_start_ns;
    cpu->slice_start_ns = now_ns;
    struct thread *owner = __atomic_load_n(&cpu->slice_owner, __ATOMIC_RELAXED);
    if (owner != nullptr) {
        owner->cpu_ns += used_ns;
        account_use_time(owner->process->object.account, used_ns, now_ns);
        run_queue_charge(&cpu->ready, cpu->slice_band, used_ns);
    }
}

// What is left of the thread's slice, or a whole one.
static uint64_t slice_ns(const struct thread *thread) {
    return thread->slice_left_ns != 0 ? thread->slice_left_ns : run_queue_slice_ns(thread->effective_band);
}

// Gives the thread its slice; it ends only if somebody competes for the processor, or will: at `end_ns` at the latest.
static void begin_slice(struct percpu *cpu, struct thread *thread, uint64_t now_ns, uint64_t end_ns)
    REQUIRES(cpu->ready_lock) {
    cpu->slice_owner = thread;
    cpu->slice_band = thread->effective_band;
    cpu->slice_start_ns = now_ns;
    cpu->slice_end_ns = cpu->ready.ready_mask != 0 || end_ns != UINT64_MAX ? now_ns + slice_ns(thread) : UINT64_MAX;
    thread->slice_left_ns = 0;
    if (end_ns < cpu->slice_end_ns) {
        cpu->slice_end_ns = end_ns;
    }
}

// Until when its account lets a thread run that has just been taken. 0: not now, and it is set aside.
[[gnu::noinline]] static uint64_t may_run_until(struct percpu *cpu, struct thread *thread, uint64_t now_ns)
    REQUIRES(cpu->ready_lock) {
    uint64_t until_ns;
    const uint64_t left_ns = account_time_left(thread->process->object.account, now_ns, &until_ns);
    if (left_ns == 0) {
        run_queue_throttle(&cpu->ready, thread, until_ns);
        return 0;
    }
    return now_ns + left_ns;
}

void sched_arm_timer(void) {
    struct percpu *cpu = this_cpu();
    spin_lock(&cpu->timer_lock);
    uint64_t next_ns = timer_queue_next(&cpu->timers);
    spin_unlock(&cpu->timer_lock);
    if (cpu->slice_end_ns < next_ns) {
        next_ns = cpu->slice_end_ns;
    }
    // A timer that is set too early is left so: it fires once for nothing, which is cheaper than setting it
    // anew at every switch.
    if (next_ns < cpu->armed_ns) {
        cpu->armed_ns = next_ns;
        clock_set_deadline((nanos_t){next_ns});
    }
}

void sched_return_soon(void) {
    struct percpu *cpu = this_cpu();
    const uint64_t soon_ns = clock_now().v + RETURN_SOON_NS;
    if (soon_ns < cpu->armed_ns) {
        cpu->armed_ns = soon_ns;
        clock_set_deadline((nanos_t){soon_ns});
    }
}

void sched_arm_between(struct timer_node *timer, uint64_t earliest_ns, uint64_t deadline_ns) {
    struct percpu *cpu = this_cpu();
    timer->cpu = cpu->id;
    spin_lock(&cpu->timer_lock);
    timer_arm_between(&cpu->timers, timer, earliest_ns, deadline_ns);
    spin_unlock(&cpu->timer_lock);
    if (deadline_ns < cpu->armed_ns) {
        cpu->work |= WORK_TIMER;
    }
}

const struct timer_queue *sched_disarm(struct timer_node *timer) {
    struct percpu *cpu = percpu_of(timer->cpu);
    spin_lock(&cpu->timer_lock);
    timer_disarm(&cpu->timers, timer);
    spin_unlock(&cpu->timer_lock);
    return &cpu->timers;
}

void sched_disarm_and_wait(struct timer_node *timer) {
    const struct timer_queue *queue = sched_disarm(timer);
    while (timer_is_firing(queue, timer)) {
        spin_relax();
    }
}

static struct timer_node *take_due(struct percpu *cpu, uint64_t now_ns, bool enough) {
    spin_lock(&cpu->timer_lock);
    struct timer_node *timer = timer_queue_take_due(&cpu->timers, now_ns, enough);
    spin_unlock(&cpu->timer_lock);
    return timer;
}

void sched_timer(void) {
    struct percpu *cpu = this_cpu();
    const uint64_t now_ns = clock_now().v;
    cpu->armed_ns = UINT64_MAX; // one-shot: it is off now,
    cpu->work |= WORK_TIMER;    // and set again for what is next, also when it came a little early
    struct timer_node *timer;
    for (uint32_t i = 0; (timer = take_due(cpu, now_ns, i == EXPIRE_LIMIT)) != nullptr; i++) {
        timer->expired(timer);
    }
    if (cpu->reaper.count != 0) {
        cpu->work |= WORK_REAP;
    }
    if (now_ns >= cpu->slice_end_ns) {
        cpu->slice_end_ns = UINT64_MAX;
        cpu->work |= WORK_RESCHEDULE | WORK_SLICE_END;
    }
}

// ---- becoming ready --------------------------------------------------------------------------------

// Which processor a thread that becomes ready is given to: the one that it ran on last, for what its caches hold,
// unless that is busy and another has nothing to do.
[[gnu::noinline]] static struct percpu *choose_among_many(const struct thread *thread, struct percpu *here) {
    const uint64_t allowed = thread->affinity & sched_online();
    const uint64_t last = 1ull << thread->cpu.v;
    uint64_t idle;
    while ((idle = __atomic_load_n(&idle_mask, __ATOMIC_RELAXED) & allowed) != 0) {
        const uint64_t behind = idle & -cpu_bit(here); // the next one in turn
        const uint64_t chosen = (idle & last) != 0 ? last : behind != 0 ? behind & -behind : idle & -idle;
        // From now on it is spoken for: the next thread goes elsewhere, even before this one runs.
        if ((__atomic_fetch_and(&idle_mask, ~chosen, __ATOMIC_ACQ_REL) & chosen) != 0) {
            return percpu_of((cpu_id_t){(uint32_t)__builtin_ctzll(chosen)});
        }
    }
    if ((allowed & last) != 0) {
        return percpu_of(thread->cpu);
    }
    return (allowed & cpu_bit(here)) != 0 ? here : percpu_of((cpu_id_t){(uint32_t)__builtin_ctzll(allowed)});
}

static inline struct percpu *choose_processor(const struct thread *thread) {
    struct percpu *here = this_cpu();
    return cpu_count() == 1 ? here : choose_among_many(thread, here);
}

// Whether the processor must look at its queue, into which a thread has just been put, before its slice ends.
static bool must_notice(struct percpu *cpu, bool *preempt) REQUIRES(cpu->ready_lock) {
    struct thread *current = CONTAINER_OF(__atomic_load_n(&cpu->frame, __ATOMIC_RELAXED), struct thread, regs.status);
    *preempt = current != cpu->idle && run_queue_should_preempt(&cpu->ready, current->effective_band);
    return *preempt || current == cpu->idle || cpu->slice_end_ns == UINT64_MAX;
}

// This processor's part of noticing: asks for a switch, or sees to it that the current slice ends.
static void notice(struct percpu *cpu, bool preempt) {
    if (current_thread() == cpu->idle) {
        return; // its loop looks at the queue
    }
    if (preempt) {
        cpu->work |= WORK_RESCHEDULE;
    } else if (cpu->slice_end_ns == UINT64_MAX) {
        cpu->slice_end_ns = cpu->slice_start_ns + run_queue_slice_ns(current_thread()->effective_band);
        if (cpu->slice_end_ns < cpu->armed_ns) {
            cpu->work |= WORK_TIMER;
        }
    }
}

static void put_into_queue(struct percpu *cpu, struct thread *thread) {
    bool preempt;
    TRACE(TRACE_SCHEDULE, trace_write(TRACE_WAKE, thread, cpu->id.v));
    thread->cpu = cpu->id;
    spin_lock(&cpu->ready_lock);
    thread_set_state(thread, THREAD_READY);
    run_queue_push(&cpu->ready, thread);
    const bool notices = must_notice(cpu, &preempt);
    spin_unlock(&cpu->ready_lock);
    if (!notices) {
        return;
    }
    if (cpu == this_cpu()) {
        notice(cpu, preempt);
    } else {
        cpu_request(cpu, WORK_KICKED);
    }
}

void sched_ready(struct thread *thread) {
    if ((thread->flags & (THREAD_ENDING | THREAD_REQUEST)) != 0) {
        if ((thread->flags & THREAD_REQUEST) != 0) {
            ring_complete(thread);
        } else {
            thread_set_state(thread, THREAD_STOPPED); // in no queue, until thread_end
        }
        return;
    }
    thread_wait_off_cpu(thread);
    put_into_queue(choose_processor(thread), thread);
}

void sched_kicked(void) {
    struct percpu *cpu = this_cpu();
    bool preempt;
    spin_lock(&cpu->ready_lock);
    const bool notices = cpu->ready.ready_mask != 0 && must_notice(cpu, &preempt);
    spin_unlock(&cpu->ready_lock);
    if (notices) {
        notice(cpu, preempt);
    }
    const struct thread *current = current_thread();
    if (current != cpu->idle && ((current->flags & THREAD_ENDING) != 0 || (current->affinity & cpu_bit(cpu)) == 0)) {
        cpu->work |= WORK_RESCHEDULE;
    }
}

void sched_kick(const struct thread *thread) {
    for (uint64_t left = sched_online(); left != 0; left &= left - 1) {
        struct percpu *cpu = percpu_of((cpu_id_t){(uint32_t)__builtin_ctzll(left)});
        if (__atomic_load_n(&cpu->frame, __ATOMIC_RELAXED) == &thread->regs.status) {
            if (cpu != this_cpu()) {
                cpu_request(cpu, WORK_KICKED);
            }
            return;
        }
    }
}

// ---- changes to a thread that may be queued ----------------------------------------------------------

// The processor whose queue the thread is in, locked; null when it is in none.
static struct percpu *lock_queue_of(const struct thread *thread) NO_THREAD_SAFETY_ANALYSIS {
    while (thread_state(thread) == THREAD_READY) {
        struct percpu *cpu = percpu_of(thread->cpu);
        spin_lock(&cpu->ready_lock);
        if (thread_state(thread) == THREAD_READY && thread->cpu.v == cpu->id.v) {
            return cpu;
        }
        spin_unlock(&cpu->ready_lock);
    }
    return nullptr;
}

static void unlock_queue(struct percpu *cpu) NO_THREAD_SAFETY_ANALYSIS {
    spin_unlock(&cpu->ready_lock);
}

static void requeue(struct percpu *cpu, struct thread *thread) NO_THREAD_SAFETY_ANALYSIS {
    run_queue_remove(&cpu->ready, thread);
    run_queue_push(&cpu->ready, thread);
}

void sched_set_effective_band(struct thread *thread, uint32_t band) {
    struct percpu *here = this_cpu();
    if (here->slice_owner == thread) {
        spin_lock(&here->ready_lock);
        charge_slice(here, clock_now().v); // what it used so far counts for the old band
        spin_unlock(&here->ready_lock);
        here->slice_band = band;
    }
    thread->effective_band = (uint8_t)band; // before the look: who queues it from now on sees it
    struct percpu *cpu = lock_queue_of(thread);
    if (cpu == nullptr) {
        if (thread == current_thread()) {
            here->work |= WORK_RESCHEDULE; // others may be more urgent now
        } else if (thread_state(thread) == THREAD_RUNNING) {
            sched_kick(thread);
        }
        return;
    }
    requeue(cpu, thread);
    unlock_queue(cpu);
    if (cpu == here) {
        sched_kicked();
    } else {
        cpu_request(cpu, WORK_KICKED);
    }
}

void sched_hurry(struct thread *thread, uint32_t band) {
    constexpr uint32_t CHAIN_MAX = 8; // of servers that wait for servers
    for (uint32_t i = 0; i < CHAIN_MAX && thread != nullptr && band < thread->effective_band; i++) {
        sched_set_effective_band(thread, band);
        thread = thread_waits_for(thread);
    }
}

bool sched_remove(struct thread *thread) {
    struct percpu *cpu = lock_queue_of(thread);
    if (cpu == nullptr) {
        return false;
    }
    run_queue_remove(&cpu->ready, thread);
    thread_set_state(thread, THREAD_WAKING);
    unlock_queue(cpu);
    return true;
}

void sched_set_affinity(struct thread *thread, uint64_t affinity) {
    thread->affinity = affinity;
    if ((sched_online() & ~affinity) == 0) {
        thread_clear_flags(thread, THREAD_BOUND);
    } else {
        thread_set_flags(thread, THREAD_BOUND);
    }
    if ((affinity & 1ull << thread->cpu.v) != 0) {
        return;
    }
    if (sched_remove(thread)) {
        sched_ready(thread);
    } else if (thread == current_thread()) {
        this_cpu()->work |= WORK_RESCHEDULE;
    } else if (thread_state(thread) == THREAD_RUNNING) {
        sched_kick(thread);
    }
}

uint64_t sched_used_ns(const struct thread *thread) {
    struct percpu *cpu = percpu_of(thread->cpu);
    spin_lock(&cpu->ready_lock);
    const uint64_t now_ns = cpu->slice_owner == thread ? clock_now().v - cpu->slice_start_ns : 0;
    const uint64_t used_ns = thread->cpu_ns + now_ns;
    spin_unlock(&cpu->ready_lock);
    return used_ns;
}

void sched_forget(struct thread *thread) {
    struct percpu *here = this_cpu();
    if (here->slice_owner == thread) {
        spin_lock(&here->ready_lock);
        charge_slice(here, clock_now().v);
        spin_unlock(&here->ready_lock);
    }
    // Others may be running a server on this thread's slice. What they still charge to it meanwhile is charged
    // to memory that stays until they have left the kernel.
    for (uint64_t left = sched_online(); left != 0; left &= left - 1) {
        struct thread *expected = thread;
        struct percpu *cpu = percpu_of((cpu_id_t){(uint32_t)__builtin_ctzll(left)});
        __atomic_compare_exchange_n(&cpu->slice_owner, &expected, nullptr, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
}

// ---- switching -------------------------------------------------------------------------------------

static void switch_now(struct thread *from, struct thread *to) {
    TRACE(TRACE_SCHEDULE, trace_write(TRACE_SWITCH, to, from->object.koid.v));
    if (((from->flags | to->flags) & THREAD_HAS_FPU) != 0) {
        arch_fpu_switch(from, to);
    }
    to->on_cpu = 1;
    thread_set_state(to, THREAD_RUNNING);
    sched_switch_registers(from, to);
    __atomic_store_n(&from->on_cpu, 0, __ATOMIC_RELEASE);
}

void sched_switch_to(struct thread *to) {
    to->cpu = this_cpu()->id;
    switch_now(current_thread(), to);
}

// Gives the thread that may not run here any more, and has been switched away from, to another processor.
static void send_away(struct percpu *cpu) {
    struct thread *thread = cpu->leaving;
    if (thread != nullptr) {
        cpu->leaving = nullptr;
        sched_ready(thread);
    }
}

// Somebody has nothing to do while threads wait here: one that may run there becomes ready anew.
[[gnu::noinline]] static void share(struct percpu *cpu) {
    const uint64_t others = __atomic_load_n(&idle_mask, __ATOMIC_RELAXED) & ~cpu_bit(cpu);
    spin_lock(&cpu->ready_lock);
    struct thread *thread = run_queue_steal(&cpu->ready, others);
    if (thread != nullptr) {
        thread_set_state(thread, THREAD_WAKING);
    }
    spin_unlock(&cpu->ready_lock);
    if (thread != nullptr) {
        sched_ready(thread);
    }
}

// The next thread of this processor's queue, which becomes RUNNING; null when there is none.
static struct thread *take_next(struct percpu *cpu, uint64_t now_ns) RELEASE(cpu->ready_lock) {
    charge_slice(cpu, now_ns);
    if (__builtin_expect(now_ns >= cpu->ready.replenish_ns, false)) {
        run_queue_replenish(&cpu->ready, now_ns);
    }
    constexpr uint32_t SET_ASIDE_MOST = 32; // bounded work; the one after those runs for a moment
    struct thread *next;
    uint64_t end_ns = UINT64_MAX;
    uint32_t asked = 0;
    while ((next = run_queue_pop(&cpu->ready)) != nullptr) {
        if ((next->flags & THREAD_ENDING) != 0) {
            thread_set_state(next, THREAD_STOPPED);
            continue;
        }
        if (next->process->object.account->timed == nullptr) {
            end_ns = UINT64_MAX;
        } else {
            end_ns = asked++ < SET_ASIDE_MOST ? may_run_until(cpu, next, now_ns) : now_ns + ACCOUNT_LEAST_BUDGET_NS;
        }
        if (end_ns != 0) {
            break;
        }
    }
    if (next != nullptr) {
        thread_set_state(next, THREAD_RUNNING);
        begin_slice(cpu, next, now_ns, end_ns < cpu->ready.replenish_ns ? end_ns : cpu->ready.replenish_ns);
    } else {
        cpu->slice_owner = nullptr;
        cpu->slice_end_ns = cpu->ready.replenish_ns;
    }
    spin_unlock(&cpu->ready_lock);
    return next;
}

// Takes a thread out of another processor's queue and puts it into this one's.
static bool steal(struct percpu *cpu) {
    for (uint64_t left = sched_online() & ~cpu_bit(cpu); left != 0; left &= left - 1) {
        struct percpu *victim = percpu_of((cpu_id_t){(uint32_t)__builtin_ctzll(left)});
        if (victim->ready.ready_mask == 0 ||
            __atomic_load_n(&victim->frame, __ATOMIC_RELAXED) == &victim->idle->regs.status) {
            continue; // it has none, or is just waking up for it
        }
        spin_lock(&victim->ready_lock);
        struct thread *thread = run_queue_steal(&victim->ready, cpu_bit(cpu));
        if (thread != nullptr) {
            thread_set_state(thread, THREAD_WAKING);
        }
        spin_unlock(&victim->ready_lock);
        if (thread != nullptr) {
            put_into_queue(cpu, thread);
            return true;
        }
    }
    return false;
}

// Sleeps until a thread is ready. Runs on the kernel's address space, so that any other may go away.
static struct thread *idle_until_ready(struct percpu *cpu) {
    if (current_thread() != cpu->idle) {
        switch_now(current_thread(), cpu->idle);
        send_away(cpu);
    }
    struct thread *thread;
    ring_poll_end(cpu, nullptr);
    for (;;) {
        __atomic_fetch_or(&idle_mask, cpu_bit(cpu), __ATOMIC_ACQ_REL);
        while ((reaper_run(IDLE_REAP_STEPS) || cpu->rings != nullptr) && cpu->ready.ready_mask == 0) {
            ring_attend(cpu);
            arch_poll_interrupts();
        }
        if (cpu->reaper.count == 0) {
            cpu->work &= ~(uint32_t)WORK_REAP;
        } else {
            sched_return_soon();
        }
        const uint64_t now_ns = clock_now().v;
        spin_lock(&cpu->ready_lock);
        thread = take_next(cpu, now_ns);
        if (thread != nullptr) {
            break;
        }
        if (steal(cpu)) {
            continue;
        }
        frame_zero_ahead();
        if (ring_poll(cpu, now_ns)) {
            arch_poll_interrupts();
            cpu_quiet(cpu);
            continue;
        }
        sched_arm_timer();
        cpu_sleeps(cpu);
        __atomic_store_n(&cpu->idle_since_ns, now_ns, __ATOMIC_RELAXED);
        arch_wait_for_interrupt();
        cpu_quiet(cpu);
        cpu->idle_since_ns = 0;
        cpu->idle_ns += clock_now().v - now_ns;
    }
    __atomic_fetch_and(&idle_mask, ~cpu_bit(cpu), __ATOMIC_ACQ_REL);
    ring_poll_end(cpu, RING_NO_POLLING);
    return thread;
}

static void switch_locked(struct percpu *cpu) RELEASE(cpu->ready_lock) {
    struct thread *next = take_next(cpu, clock_now().v);
    if (next == nullptr) {
        next = idle_until_ready(cpu);
    }
    cpu->work &= ~(uint32_t)(WORK_RESCHEDULE | WORK_SLICE_END);
    if (cpu->slice_end_ns < cpu->armed_ns) {
        sched_arm_timer();
    }
    cpu->context_switches++;
    struct thread *current = current_thread();
    if (next != current) {
        switch_now(current, next);
        send_away(cpu);
        if (__atomic_load_n(&idle_mask, __ATOMIC_RELAXED) != 0 && cpu->ready.ready_mask != 0) {
            share(cpu);
        }
    }
}

void sched_switch(void) {
    struct percpu *cpu = this_cpu();
    spin_lock(&cpu->ready_lock);
    switch_locked(cpu);
}

// Puts the current thread into the queue and lets the next one run. One that may not run here any more is put
// elsewhere, once this processor has let go of it.
static void requeue_and_switch(struct percpu *cpu, bool front) {
    struct thread *current = current_thread();
    if ((current->affinity & cpu_bit(cpu)) == 0) {
        thread_set_state(current, THREAD_WAKING);
        cpu->leaving = current;
        sched_switch();
        return;
    }
    spin_lock(&cpu->ready_lock);
    current->cpu = cpu->id;
    thread_set_state(current, THREAD_READY);
    if (front) {
        run_queue_push_front(&cpu->ready, current);
    } else {
        run_queue_push(&cpu->ready, current);
    }
    switch_locked(cpu);
}

void sched_yield(void) {
    requeue_and_switch(this_cpu(), false);
}

void sched_preempt(void) {
    struct percpu *cpu = this_cpu();
    const uint64_t now_ns = clock_now().v;
    if (cpu->slice_end_ns != UINT64_MAX && cpu->slice_end_ns > now_ns) {
        current_thread()->slice_left_ns = cpu->slice_end_ns - now_ns;
    }
    requeue_and_switch(cpu, true);
}
