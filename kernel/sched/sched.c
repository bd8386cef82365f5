#include "kernel/sched/sched.h"

#include "kernel/arch/mmu.h"
#include "kernel/debug/invariants.h"
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

constexpr uint16_t THREAD_NOT_READY = THREAD_ENDING | THREAD_REQUEST | 0xff00; // of `busy`: also while on_cpu

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
static inline void charge_slice(struct percpu *cpu, uint64_t now_ns) REQUIRES(cpu->ready_lock) {
    const uint64_t used_ns = now_ns - cpu->slice_start_ns;
    cpu->slice_start_ns = now_ns;
    struct thread *owner = __atomic_load_n(&cpu->slice_owner, __ATOMIC_RELAXED);
    if (owner != nullptr) {
        owner->cpu_ns += used_ns;
        account_use_time(owner->process->object.account, used_ns, now_ns);
        run_queue_charge(&cpu->ready, cpu->ready.running_band, used_ns);
    }
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

// Whether the thread can be `next`: woken in the band that runs, by one that often waits soon itself.
static bool may_be_next(const struct percpu *cpu, const struct thread *thread) {
    return thread->effective_band == cpu->ready.running_band && cpu->ready.next == nullptr;
}

// Which processor a thread that becomes ready is given to: the one that it ran on last, for what its caches hold, if that
// has nothing to do, else another that has not. When all are busy it interrupts nobody else if it can be next here.
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
    const bool here_may = (allowed & cpu_bit(here)) != 0;
    if ((allowed & last) != 0 && !(here_may && may_be_next(here, thread))) {
        return percpu_of(thread->cpu);
    }
    return here_may ? here : percpu_of((cpu_id_t){(uint32_t)__builtin_ctzll(allowed)});
}

// What the processor does not do by itself although a thread waits in its queue: switch, or end the current slice.
static uint32_t wanted(struct percpu *cpu) REQUIRES(cpu->ready_lock) {
    struct thread *current = CONTAINER_OF(__atomic_load_n(&cpu->frame, __ATOMIC_RELAXED), struct thread, regs.status);
    if (current == cpu->idle || run_queue_should_preempt(&cpu->ready, current->effective_band)) {
        return WORK_RESCHEDULE;
    }
    return cpu->slice_end_ns == UINT64_MAX ? WORK_TIMER : 0;
}

// This processor sees to what is wanted.
static void notice(struct percpu *cpu, uint32_t work) {
    if (work == WORK_TIMER) {
        cpu->slice_end_ns = cpu->slice_start_ns + run_queue_slice_ns(current_thread()->effective_band);
        work = cpu->slice_end_ns < cpu->armed_ns ? WORK_TIMER : 0;
    }
    cpu->work |= work;
}

// Puts a thread at the end of its band.
static void put_into_queue(struct percpu *cpu, struct thread *thread) {
    thread->cpu = cpu->id;
    spin_lock(&cpu->ready_lock);
    thread_set_state(thread, THREAD_READY);
    const uint64_t now_ns = clock_now().v;
    if (thread->effective_band != cpu->ready.running_band && now_ns > cpu->slice_start_ns) {
        charge_slice(cpu, now_ns); // the two bands are compared
    }
    run_queue_push(&cpu->ready, thread);
    const uint32_t work = wanted(cpu);
    spin_unlock(&cpu->ready_lock);
    if (cpu == this_cpu()) {
        notice(cpu, work);
    } else if (work != 0) {
        cpu_request(cpu, WORK_KICKED);
    }
}

// Makes it `next` of this processor, if it can be.
static inline bool put_next(struct percpu *cpu, struct thread *thread) {
    if (!may_be_next(cpu, thread)) {
        return false;
    }
    thread->cpu = cpu->id;
    spin_lock(&cpu->ready_lock);
    thread_set_state(thread, THREAD_READY);
    cpu->ready.next = thread;
    spin_unlock(&cpu->ready_lock);
    if (cpu->slice_end_ns == UINT64_MAX) {
        notice(cpu, WORK_TIMER); // the current one may not wait for long
    }
    return true;
}

[[gnu::noinline]] static void ready_general(struct thread *thread) {
    struct percpu *here = this_cpu(), *cpu = here;
    if ((thread->flags & THREAD_REQUEST) != 0) {
        ring_complete(thread);
        return;
    }
    if ((thread->flags & THREAD_ENDING) != 0) {
        thread_set_state(thread, THREAD_STOPPED); // in no queue, until thread_end
        return;
    }
    thread_wait_off_cpu(thread);
    if (cpu_count() > 1) {
        cpu = choose_among_many(thread, here);
    }
    TRACE(TRACE_SCHEDULE, trace_write(TRACE_WAKE, thread, cpu->id.v));
    if (cpu != here || !put_next(cpu, thread)) {
        put_into_queue(cpu, thread);
    }
}

void sched_ready(struct thread *thread) {
    const bool plain = (thread->busy & THREAD_NOT_READY) == 0 && cpu_count() == 1 && !trace_on(TRACE_SCHEDULE);
    if (!LIKELY(plain) || !LIKELY(put_next(this_cpu(), thread))) {
        ready_general(thread);
    }
}

void sched_kicked(void) {
    struct percpu *cpu = this_cpu();
    const struct thread *current = current_thread();
    spin_lock(&cpu->ready_lock);
    uint32_t work = run_queue_empty(&cpu->ready) ? 0 : wanted(cpu);
    spin_unlock(&cpu->ready_lock);
    if (current != cpu->idle && ((current->flags & THREAD_ENDING) != 0 || (current->affinity & cpu_bit(cpu)) == 0)) {
        work = WORK_RESCHEDULE;
    }
    notice(cpu, work);
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

bool sched_remove(struct thread *thread) {
    bool removed = false;
    while (!removed && thread_state(thread) == THREAD_READY) {
        struct percpu *cpu = percpu_of(thread->cpu);
        spin_lock(&cpu->ready_lock);
        removed = thread_state(thread) == THREAD_READY && thread->cpu.v == cpu->id.v;
        if (removed) {
            run_queue_remove(&cpu->ready, thread);
            thread_set_state(thread, THREAD_WAKING);
        }
        spin_unlock(&cpu->ready_lock);
    }
    return removed;
}

// Something about the thread has changed: one that is in a queue may belong elsewhere, and the processor that it runs on, if it
// does, looks whether it still should.
static void reconsider(struct thread *thread) {
    if (sched_remove(thread)) {
        sched_ready(thread);
    } else if (thread == current_thread()) {
        this_cpu()->work |= WORK_RESCHEDULE;
    } else if (thread_state(thread) == THREAD_RUNNING) {
        sched_kick(thread);
    }
}

void sched_set_effective_band(struct thread *thread, uint32_t band) {
    struct percpu *here = this_cpu();
    if (here->slice_owner == thread) {
        spin_lock(&here->ready_lock);
        charge_slice(here, clock_now().v); // what it used so far counts for the old band
        run_queue_settle(&here->ready);
        here->ready.running_band = band;
        spin_unlock(&here->ready_lock);
    }
    thread->effective_band = (uint8_t)band; // before the look: who queues it from now on sees it
    reconsider(thread);
}

void sched_hurry(struct thread *thread, uint32_t band) {
    constexpr uint32_t CHAIN_MAX = 8; // of servers that wait for servers
    for (uint32_t i = 0; i < CHAIN_MAX && thread != nullptr && band < thread->effective_band; i++) {
        sched_set_effective_band(thread, band);
        thread = thread_waits_for(thread);
    }
}

void sched_set_affinity(struct thread *thread, uint64_t affinity) {
    thread->affinity = affinity;
    if ((sched_online() & ~affinity) == 0) {
        thread_clear_flags(thread, THREAD_BOUND);
    } else {
        thread_set_flags(thread, THREAD_BOUND);
    }
    reconsider(thread);
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

// What few switches need; a call that keeps the registers.
ARCH_COLD_CALL static void switch_more(struct thread *from, struct thread *to) {
    TRACE(TRACE_SCHEDULE, trace_write(TRACE_SWITCH, to, from->object.koid.v));
    if (((from->flags | to->flags) & THREAD_HAS_FPU) != 0) {
        arch_fpu_switch(from, to);
    }
}

static void switch_now(struct thread *from, struct thread *to) {
    if (!LIKELY(!trace_on(TRACE_SCHEDULE) && ((from->flags | to->flags) & THREAD_HAS_FPU) == 0)) {
        switch_more(from, to);
    }
    to->on_cpu = 1;
    sched_switch_registers(from, to);
    __atomic_store_n(&from->on_cpu, 0, __ATOMIC_RELEASE);
}

void sched_switch_to(struct thread *to) {
    to->cpu = this_cpu()->id;
    thread_set_state(to, THREAD_RUNNING);
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

static bool is_timed(const struct thread *thread) {
    return thread->process->object.account->timed != nullptr;
}

// Until when its account lets a thread run that has just been taken, after so many were set aside; 0: not now, and it is, too.
[[gnu::noinline]] static uint64_t may_run_until(struct thread *thread, uint64_t now_ns, uint32_t set_aside) {
    constexpr uint32_t SET_ASIDE_MOST = 32; // bounded work; the one after those runs for a moment
    uint64_t until_ns;
    const uint64_t left_ns = account_time_left(thread->process->object.account, now_ns, &until_ns);
    if (left_ns != 0 || set_aside == SET_ASIDE_MOST) {
        return now_ns + (left_ns != 0 ? left_ns : ACCOUNT_LEAST_BUDGET_NS);
    }
    thread_arm_deadline(thread, until_ns);
    thread_set_state(thread, THREAD_THROTTLED);
    return 0;
}

// The next thread of this processor's queue, which becomes RUNNING; null when there is none. It gets a slice, or what
// is left of one that was taken away. That ends only if somebody competes for the processor, or its account says so.
static inline struct thread *take_next(struct percpu *cpu, uint64_t now_ns) REQUIRES(cpu->ready_lock) {
    struct thread *next;
    uint64_t end_ns = UINT64_MAX;
    uint32_t set_aside = 0;
    while ((next = run_queue_pop(&cpu->ready)) != nullptr) {
        if ((next->flags & THREAD_ENDING) != 0) {
            thread_set_state(next, THREAD_STOPPED);
            continue;
        }
        end_ns = is_timed(next) ? may_run_until(next, now_ns, set_aside++) : UINT64_MAX;
        if (end_ns != 0) {
            break;
        }
    }
    cpu->slice_owner = next;
    if (next != nullptr) {
        thread_set_state(next, THREAD_RUNNING);
        if (cpu->ready.ready_mask != 0 || end_ns != UINT64_MAX) {
            const uint64_t slice_ns =
                next->slice_left_ns != 0 ? next->slice_left_ns : run_queue_slice_ns(next->effective_band);
            end_ns = now_ns + slice_ns < end_ns ? now_ns + slice_ns : end_ns;
        }
        next->slice_left_ns = 0;
    }
    cpu->slice_end_ns = next == nullptr ? UINT64_MAX : end_ns;
    return next;
}

// Takes a thread out of another processor's queue and puts it into this one's.
static bool steal(struct percpu *cpu) {
    for (uint64_t left = sched_online() & ~cpu_bit(cpu); left != 0; left &= left - 1) {
        struct percpu *victim = percpu_of((cpu_id_t){(uint32_t)__builtin_ctzll(left)});
        if (run_queue_empty(&victim->ready) ||
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
[[gnu::noinline]] static struct thread *idle_until_ready(struct percpu *cpu) {
    if (current_thread() != cpu->idle) {
        switch_now(current_thread(), cpu->idle);
        send_away(cpu);
    }
    struct thread *thread;
    ring_poll_end(cpu, nullptr);
    for (;;) {
        __atomic_fetch_or(&idle_mask, cpu_bit(cpu), __ATOMIC_ACQ_REL);
        while ((reaper_run(IDLE_REAP_STEPS) || cpu->rings != nullptr) && run_queue_empty(&cpu->ready)) {
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
        cpu->slice_start_ns = now_ns; // nobody pays for the time until now
        thread = take_next(cpu, now_ns);
        spin_unlock(&cpu->ready_lock);
        if (thread != nullptr) {
            break;
        }
        if (steal(cpu)) {
            continue;
        }
        if (KERNEL_DEBUG) {
            patrol_step();
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

// Switches to whatever comes next.
[[gnu::noinline]] static void switch_locked(struct percpu *cpu, uint64_t now_ns) RELEASE(cpu->ready_lock) {
    struct thread *next = take_next(cpu, now_ns);
    spin_unlock(&cpu->ready_lock);
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

// Usually straight to the thread that the current one has just woken, on what is left of the slice: so two that wake
// each other get no more of the processor together than one that does not.
void sched_switch(void) {
    struct percpu *cpu = this_cpu();
    const uint64_t now_ns = clock_now().v;
    spin_lock(&cpu->ready_lock);
    charge_slice(cpu, now_ns);
    struct thread *next = cpu->ready.next;
    if (!LIKELY(next != nullptr && now_ns < cpu->slice_end_ns && (next->flags & THREAD_ENDING) == 0 &&
                !is_timed(next))) {
        switch_locked(cpu, now_ns);
        return;
    }
    cpu->ready.next = nullptr;
    cpu->slice_owner = next;
    thread_set_state(next, THREAD_RUNNING);
    spin_unlock(&cpu->ready_lock);
    cpu->context_switches++;
    switch_now(current_thread(), next);
}

// Puts the current thread into the queue and lets the next one run. One that may not run here any more is put
// elsewhere, once this processor has let go of it.
static void requeue_and_switch(struct percpu *cpu, bool front) {
    struct thread *current = current_thread();
    const uint64_t now_ns = clock_now().v;
    spin_lock(&cpu->ready_lock);
    charge_slice(cpu, now_ns);
    if ((current->affinity & cpu_bit(cpu)) == 0) {
        thread_set_state(current, THREAD_WAKING);
        cpu->leaving = current;
    } else {
        current->cpu = cpu->id;
        thread_set_state(current, THREAD_READY);
        (front ? run_queue_push_front : run_queue_push)(&cpu->ready, current);
    }
    switch_locked(cpu, now_ns);
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
