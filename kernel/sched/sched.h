// The scheduler: who runs next on this processor.
//
// A direct switch in the IPC path does not come here. The server then runs on its caller's slice and,
// if its own band is less urgent, in its caller's band; processor time is charged to the thread whose
// slice it is.
#pragma once

#include <stdint.h>

#include "arch_mmu.h"
#include "kernel/arch/arch.h"
#include "kernel/percpu.h"

// Makes a thread that is in no queue ready. Asks for a reschedule if it should run before the current one.
// A thread that is ending is left alone.
void sched_ready(struct thread *thread);

// Someone more urgent waits for what this thread does: it, and whom it waits for in turn, run in that band until
// they have answered.
void sched_hurry(struct thread *thread, uint32_t band);

// Takes a READY thread out of its queue.
void sched_remove(struct thread *thread);

// Changes the band in which the thread runs, whatever it is doing.
void sched_set_effective_band(struct thread *thread, uint32_t band);

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

// Sets the local timer to the next deadline or end of slice. Cheap when nothing changed.
void sched_arm_timer(void);

// Sees to it that the kernel is entered again soon, because work was left over (WORK_REAP), even if no
// program calls it and nothing is due.
void sched_return_soon(void);

// Prepares a processor's queues and its idle thread, which becomes the current one.
void sched_init(struct percpu *cpu);

// Switches from the current thread to another, on whose behalf nothing has been queued. For the fast path
// only when neither has flags; otherwise sched_switch_to.
static inline void sched_switch_registers(struct thread *from, struct thread *to) {
    arch_set_current_frame(&to->regs.status);
    from->regs.tls_base = arch_read_tls_base();
    arch_write_tls_base(to->regs.tls_base);
    if (from->regs.page_table != to->regs.page_table) {
        arch_write_root(to->regs.page_table);
    }
}

// A direct switch: `to` runs now, on the current thread's slice.
void sched_switch_to(struct thread *to);
