// The scheduler: who runs next on each processor.
//
// A direct switch in the IPC path does not come here. The server then runs on its caller's slice and,
// if its own band is less urgent, in its caller's band; processor time is charged to the thread whose
// slice it is.
//
// Each processor has a run queue with a lock of its own. A thread that becomes ready goes to the processor that
// it ran on last, unless another that it may run on has nothing to do; a processor that runs out of threads
// takes one from another's queue. A band is shared fairly among the threads of one queue.
//
// A thread in a run queue is off every processor's hands, but for the current thread of that very processor.
#pragma once

#include <stdint.h>

#include "arch_mmu.h"
#include "kernel/arch/arch.h"
#include "kernel/percpu.h"

// Makes a thread that is in no queue (NEW, or WAKING and the caller's) ready, and sees to it that its processor
// takes notice. A thread that is ending becomes STOPPED instead. No lock may be held.
void sched_ready(struct thread *thread);

// Someone more urgent waits for what this thread does: it, and whom it waits for in turn, run in that band until
// they have answered.
void sched_hurry(struct thread *thread, uint32_t band);

// Takes a READY thread out of its queue: it is WAKING then. False when it is in none any more.
bool sched_remove(struct thread *thread);

// Changes the band in which the thread runs, whatever it is doing.
void sched_set_effective_band(struct thread *thread, uint32_t band);

// Changes the processors that the thread may run on; at least one of `affinity` is online.
void sched_set_affinity(struct thread *thread, uint64_t affinity);

// The processors that run threads, a bit each.
uint64_t sched_online(void);

// Makes the processor that the thread runs on enter the kernel, if it is another one.
void sched_kick(const struct thread *thread);

// WORK_KICKED: something was put into this processor's queue by another, or its current thread is ending.
void sched_kicked(void);

// Processor time that the thread has used, with what it uses now.
uint64_t sched_used_ns(const struct thread *thread);

// The thread ends: its slice belongs to nobody.
void sched_forget(struct thread *thread);

// Picks the next thread and switches to it; idles until there is one. The current thread has been put
// wherever it belongs, and is not RUNNING any more.
void sched_switch(void);

// The current thread stays ready, but lets others go first: at the tail of its band (its slice is used
// up, or it yields), or at the head (something more urgent came).
void sched_yield(void);
void sched_preempt(void);

// What the local timer's interrupt does: expired deadlines, used-up slices.
void sched_timer(void);

// Arms an unarmed timer on this processor. / Disarms it wherever it was armed; it may just be firing in the queue
// that is returned. / And waits until that has finished: not from its own `expired`, nor with a lock held that this takes.
void sched_arm_between(struct timer_node *timer, uint64_t earliest_ns, uint64_t deadline_ns);
const struct timer_queue *sched_disarm(struct timer_node *timer);
void sched_disarm_and_wait(struct timer_node *timer);

// Sets the local timer to the next deadline or end of slice. Cheap when nothing changed.
void sched_arm_timer(void);

// Sees to it that the kernel is entered again soon, because work was left over (WORK_REAP), even if no
// program calls it and nothing is due.
void sched_return_soon(void);

// Prepares a processor's queues and its idle thread, which becomes the current one. From here on it may be
// given threads.
void sched_init(struct percpu *cpu);

// Switches from the current thread to another, on whose behalf nothing has been queued. For the fast path
// only when neither has flags; otherwise sched_switch_to. The frame is set before the page table is loaded: who
// changes page tables looks at frames to find out whom to tell (kernel/mm/tlb.h).
static inline void sched_switch_registers(struct thread *from, struct thread *to) {
    arch_set_current_frame(&to->regs.status);
    from->regs.tls_base = arch_read_tls_base();
    arch_write_tls_base(to->regs.tls_base);
    if (from->regs.page_table != to->regs.page_table) {
        arch_write_root(to->regs.page_table);
    }
}

// A direct switch: `to`, which is the caller's, runs now, on the current thread's slice.
void sched_switch_to(struct thread *to);
