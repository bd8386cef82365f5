// What each processor has for itself. Only the processor that owns it touches it, except where a
// field says otherwise.
#pragma once

#include <stdint.h>

#include "arch_cpu.h"
#include "base/container.h"
#include "kernel/object/thread.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/timer_queue.h"
#include "kernel/types.h"

// Work that the slow way out of the kernel must do (percpu.work).
enum percpu_work : uint32_t {
    WORK_RESCHEDULE = 1, // a thread that should run instead of the current one became ready
    WORK_REAP = 2,       // the reaper has something to take apart
    WORK_SLICE_END = 4,  // the current slice is used up
    WORK_TIMER = 8,      // the local timer must be set anew
};

struct percpu {
    struct percpu *self;       // read through the segment register: the first three fields are known
    void *frame;               // to entry.S (arch offsets.h). FRAME_TOP of the current thread
    uint64_t kernel_stack_top;
    uint64_t scratch;
    uint32_t work;             // enum percpu_work
    cpu_id_t id;

    // Whose slice is being used up: the thread that the scheduler chose. A server that runs on behalf
    // of its caller uses the caller's. Null when that thread is gone.
    struct thread *slice_owner;
    uint32_t slice_band;       // the band that pays for it
    uint64_t slice_start_ns;   // when it was last charged
    uint64_t slice_end_ns;     // UINT64_MAX when nobody competes
    uint64_t armed_ns;         // what the local timer is set to; UINT64_MAX when it is off

    struct run_queue ready;
    struct timer_queue timers;
    struct thread *idle;       // "current" while nothing is ready: no process, never queued

    uint64_t context_switches; // not counting direct switches
    uint64_t idle_ns;
};

static inline struct thread *current_thread(void)
{
    return CONTAINER_OF(arch_current_frame(), struct thread, regs.status);
}
