#include "kernel/sched/sched.h"

#include "kernel/ipc/ring.h"
#include "kernel/object/account.h"
#include "kernel/object/process.h"
#include "kernel/object/reaper.h"
#include "kernel/panic.h"
#include "kernel/plat/clock.h"

// Deadlines served in one timer interrupt; the rest fire at once again.
constexpr uint32_t EXPIRE_LIMIT = 32;
constexpr uint32_t IDLE_REAP_STEPS = 64;
constexpr uint64_t RETURN_SOON_NS = 250'000; // the reaper's steps of one entry take about a tenth of it

void sched_init(struct percpu *cpu) {
    run_queue_init(&cpu->ready);
    timer_queue_init(&cpu->timers);
    cpu->idle = &cpu->idle_thread;
    cpu->idle->state = THREAD_RUNNING;
    cpu->idle->band = cpu->idle->effective_band = BAND_COUNT - 1;
    cpu->idle->regs.page_table = arch_kernel_page_table();
    list_node_init(&cpu->idle->link);
    cpu->slice_end_ns = UINT64_MAX;
    cpu->armed_ns = UINT64_MAX;
    arch_set_current_frame(&cpu->idle->regs.status);
}

// ---- time ------------------------------------------------------------------------------------------

// Charges the time since the last charge to whoever's slice it was.
static void charge_slice(struct percpu *cpu, uint64_t now_ns) {
    const uint64_t used_ns = now_ns - cpu->slice_start_ns;
    cpu->slice_start_ns = now_ns;
    if (cpu->slice_owner != nullptr) {
        cpu->slice_owner->cpu_ns += used_ns;
        account_use_time(cpu->slice_owner->process->object.account, used_ns);
        run_queue_charge(&cpu->ready, cpu->slice_band, used_ns);
    }
}

// What is left of the thread's slice, or a whole one.
static uint64_t slice_ns(const struct thread *thread) {
    return thread->slice_left_ns != 0 ? thread->slice_left_ns : run_queue_slice_ns(thread->effective_band);
}

// Gives the thread its slice; it ends only if somebody competes for the processor.
static void begin_slice(struct percpu *cpu, struct thread *thread, uint64_t now_ns) {
    cpu->slice_owner = thread;
    cpu->slice_band = thread->effective_band;
    cpu->slice_start_ns = now_ns;
    cpu->slice_end_ns = cpu->ready.ready_mask != 0 ? now_ns + slice_ns(thread) : UINT64_MAX;
    thread->slice_left_ns = 0;
}

void sched_arm_timer(void) {
    struct percpu *cpu = this_cpu();
    uint64_t next_ns = timer_queue_next(&cpu->timers);
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

void sched_timer(void) {
    struct percpu *cpu = this_cpu();
    const uint64_t now_ns = clock_now().v;
    cpu->armed_ns = UINT64_MAX; // one-shot: it is off now,
    cpu->work |= WORK_TIMER;    // and set again for what is next, also when it came a little early
    timer_queue_expire(&cpu->timers, now_ns, EXPIRE_LIMIT);
    if (now_ns >= cpu->slice_end_ns) {
        cpu->slice_end_ns = UINT64_MAX;
        cpu->work |= WORK_RESCHEDULE | WORK_SLICE_END;
    }
}

// ---- queues ----------------------------------------------------------------------------------------

void sched_ready(struct thread *thread) {
    if ((thread->flags & (THREAD_ENDING | THREAD_REQUEST)) != 0) {
        if ((thread->flags & THREAD_REQUEST) != 0) {
            ring_complete(thread);
        } else {
            thread->state = THREAD_NEW; // in no queue, until thread_end
        }
        return;
    }
    struct percpu *cpu = this_cpu();
    thread->state = THREAD_READY;
    run_queue_push(&cpu->ready, thread);
    struct thread *current = current_thread();
    if (current == cpu->idle) {
        return; // its loop looks at the queue
    }
    if (run_queue_should_preempt(&cpu->ready, current->effective_band)) {
        cpu->work |= WORK_RESCHEDULE;
    } else if (cpu->slice_end_ns == UINT64_MAX) {
        cpu->slice_end_ns = clock_now().v + run_queue_slice_ns(current->effective_band);
        cpu->work |= WORK_TIMER;
    }
}

void sched_hurry(struct thread *thread, uint32_t band) {
    constexpr uint32_t CHAIN_MAX = 8; // of servers that wait for servers
    for (uint32_t i = 0; i < CHAIN_MAX && thread != nullptr && band < thread->effective_band; i++) {
        const bool queued = thread->state == THREAD_READY;
        if (queued) {
            run_queue_remove(&this_cpu()->ready, thread);
        }
        thread->effective_band = (uint8_t)band;
        if (queued) {
            sched_ready(thread);
        }
        thread = thread->state == THREAD_AWAITING_REPLY ? thread->server : nullptr;
    }
}

void sched_remove(struct thread *thread) {
    run_queue_remove(&this_cpu()->ready, thread);
    thread->state = THREAD_NEW;
}

void sched_set_effective_band(struct thread *thread, uint32_t band) {
    struct percpu *cpu = this_cpu();
    if (cpu->slice_owner == thread) {
        charge_slice(cpu, clock_now().v); // what it used so far counts for the old band
        cpu->slice_band = band;
    }
    const bool queued = thread->state == THREAD_READY;
    if (queued) {
        sched_remove(thread);
    }
    thread->effective_band = (uint8_t)band;
    if (queued) {
        sched_ready(thread);
    } else if (thread->state == THREAD_RUNNING) {
        cpu->work |= WORK_RESCHEDULE; // others may be more urgent now
    }
}

void sched_forget(struct thread *thread) {
    struct percpu *cpu = this_cpu();
    if (cpu->slice_owner == thread) {
        charge_slice(cpu, clock_now().v);
        cpu->slice_owner = nullptr;
    }
}

// ---- switching -------------------------------------------------------------------------------------

static void switch_now(struct thread *from, struct thread *to) {
    if (((from->flags | to->flags) & THREAD_HAS_FPU) != 0) {
        arch_fpu_switch(from, to);
    }
    to->state = THREAD_RUNNING;
    sched_switch_registers(from, to);
}

void sched_switch_to(struct thread *to) {
    switch_now(current_thread(), to);
}

// Sleeps until a thread is ready. Runs on the kernel's address space, so that any other may go away.
static struct thread *idle_until_ready(struct percpu *cpu) {
    if (current_thread() != cpu->idle) {
        switch_now(current_thread(), cpu->idle);
    }
    for (;;) {
        while ((reaper_run(IDLE_REAP_STEPS) || cpu->rings != nullptr) && cpu->ready.ready_mask == 0) {
            ring_attend(cpu);
            arch_poll_interrupts();
        }
        if (reaper_pending() == 0) {
            cpu->work &= ~(uint32_t)WORK_REAP;
        }
        struct thread *thread = run_queue_pop(&cpu->ready);
        if (thread != nullptr) {
            return thread;
        }
        sched_arm_timer();
        const uint64_t start_ns = clock_now().v;
        arch_wait_for_interrupt();
        cpu->idle_ns += clock_now().v - start_ns;
    }
}

void sched_switch(void) {
    struct percpu *cpu = this_cpu();
    uint64_t now_ns = clock_now().v;
    charge_slice(cpu, now_ns);
    struct thread *next;
    do {
        next = run_queue_pop(&cpu->ready);
        if (next == nullptr) {
            cpu->slice_owner = nullptr;
            cpu->slice_end_ns = UINT64_MAX;
            next = idle_until_ready(cpu);
            now_ns = clock_now().v;
        }
        if ((next->flags & THREAD_ENDING) != 0) {
            next->state = THREAD_NEW;
            next = nullptr;
        }
    } while (next == nullptr);
    cpu->work &= ~(uint32_t)(WORK_RESCHEDULE | WORK_SLICE_END);
    begin_slice(cpu, next, now_ns);
    sched_arm_timer();
    cpu->context_switches++;
    struct thread *current = current_thread();
    if (next != current) {
        switch_now(current, next);
    } else {
        next->state = THREAD_RUNNING;
    }
}

void sched_yield(void) {
    struct thread *current = current_thread();
    current->state = THREAD_READY;
    run_queue_push(&this_cpu()->ready, current);
    sched_switch();
}

void sched_preempt(void) {
    struct percpu *cpu = this_cpu();
    struct thread *current = current_thread();
    const uint64_t now_ns = clock_now().v;
    if (cpu->slice_end_ns != UINT64_MAX && cpu->slice_end_ns > now_ns) {
        current->slice_left_ns = cpu->slice_end_ns - now_ns;
    }
    current->state = THREAD_READY;
    run_queue_push_front(&cpu->ready, current);
    sched_switch();
}
