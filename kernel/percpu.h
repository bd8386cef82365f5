// What each processor has for itself. Only the processor that owns it touches it, except where a
// field says otherwise. Processors are numbered from 0 (the boot processor) without gaps, and stay.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "arch_cpu.h"
#include "base/container.h"
#include "kernel/arch/arch.h"
#include "kernel/lock.h"
#include "kernel/mm/frame.h"
#include "kernel/object/reaper.h"
#include "kernel/object/thread.h"
#include "kernel/object/trace.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/timer_queue.h"
#include "kernel/types.h"

constexpr uint32_t CPU_MAX = 64; // at most 64: sets of processors are one word
constexpr uint32_t CACHE_LINE_BYTES = 64;

struct capability;
struct ring;

// Work that the slow way out of the kernel must do (percpu.work).
enum percpu_work : uint32_t {
    WORK_RESCHEDULE = 1, // a thread that should run instead of the current one became ready
    WORK_REAP = 2,       // the reaper has something to take apart
    WORK_SLICE_END = 4,  // the current slice is used up
    WORK_TIMER = 8,      // the local timer must be set anew
    WORK_KICKED = 16,    // another processor changed something: sched_kicked
    WORK_RING = 32,      // rings are to be attended to (kernel/ipc/ring.h)
};

// What a processor asks others for while it waits in tlb_flush (kernel/sched/tlb.h).
struct tlb_request {
    uint64_t root;       // of the space, as arch_read_root gives it
    uint64_t start, end; // 0, 0: everything
    uint64_t waiting;    // atomic: bit c: processor c has not done it yet
};

struct [[gnu::aligned(CACHE_LINE_BYTES)]] percpu {
    struct percpu *self;       // read through the segment register: the first three fields are known
    void *frame;               // to entry.S (arch offsets.h). FRAME_TOP of the current thread; others read it
    uint64_t kernel_stack_top;
    uint64_t scratch;
    uint32_t work;             // enum percpu_work. What others want goes through remote_work
    cpu_id_t id;
    uint32_t hardware_id;      // what the interrupt controller calls it

    // Whose slice is being used up: the thread that the scheduler chose. A server that runs on behalf
    // of its caller uses the caller's. Null when that thread is gone.
    struct thread *slice_owner;
    uint64_t slice_start_ns;   // when it was last charged
    uint64_t slice_end_ns;     // UINT64_MAX when nobody competes
    uint64_t armed_ns;         // what the local timer is set to; UINT64_MAX when it is off

    struct spinlock ready_lock; // other processors put threads into the queue, and take some out
    struct run_queue ready;     // changed with the lock; looked at without, as a hint
    struct spinlock timer_lock; // other processors disarm
    struct timer_queue timers GUARDED_BY(timer_lock);
    uint64_t quiet_since;      // atomic: the newest grace period that it was out of the kernel for (reaper.h)
    struct reaper reaper;

    struct frame_cache frames; // others empty it when memory runs out

    struct trace_cpu trace;

    struct thread *leaving;    // to be given to another processor once it is switched away from

    struct ring *rings;        // to be attended to (WORK_RING)
    const struct capability *receives; // through this the current thread, RUNNING, receives next: who sends there
                                       // gives it the message, and null says so. Else null
    struct ring *polling;      // atomic: while it is idle, the ring that it polls (kernel/ipc/ring.h)

    struct vmo *absent_vmo;    // what vspace_fault or a method found missing in this kernel entry (vmo_fetch)
    uint64_t absent_page;
    status_t copy_status;      // why the last user copy failed

    uint64_t context_switches; // not counting direct switches
    uint64_t idle_ns;       // all that is over, and
    uint64_t idle_since_ns; // 0: it is not idle

    // What others leave here, before they send an interrupt.
    [[gnu::aligned(CACHE_LINE_BYTES)]] uint32_t remote_work; // atomic: enum percpu_work
    uint64_t flush_from;      // atomic: bit c: processor c has a tlb_request for this one
    struct tlb_request flush; // its own, which those that it asks read

    struct thread *idle;       // "current" while nothing is ready: no process, never queued
    struct thread idle_thread;

#if KERNEL_DEBUG
    struct lock_stack held; // by this processor
#endif
};

// The processors that run, by number; the others' entries are not valid.
extern struct percpu *percpus[CPU_MAX];
extern struct percpu boot_percpu;

extern uint32_t cpus_online; // atomic; grows before init starts

static inline uint32_t cpu_count(void)
{
    return __atomic_load_n(&cpus_online, __ATOMIC_ACQUIRE);
}

static inline struct percpu *percpu_of(cpu_id_t cpu)
{
    return percpus[cpu.v];
}

// The number of the newest grace period (kernel/object/reaper.h); atomic.
extern uint64_t newest_grace;

// This processor leaves the kernel, or was out of it a moment ago: no pointer that it found by a look-up is in use.
static inline void cpu_quiet(struct percpu *cpu)
{
    // The store comes after all use of what was found; what is found from now on was there after the load.
    __atomic_store_n(&cpu->quiet_since, __atomic_load_n(&newest_grace, __ATOMIC_ACQUIRE), __ATOMIC_SEQ_CST);
}

// It is about to sleep: as good as out of the kernel until cpu_quiet.
static inline void cpu_sleeps(struct percpu *cpu)
{
    __atomic_store_n(&cpu->quiet_since, UINT64_MAX, __ATOMIC_SEQ_CST);
}

// Takes a processor among those that run.
void cpu_add(struct percpu *cpu);

// Starts the other processors, as far as `most` in all. On the boot processor, after its sched_init. False when one did not
// come, which may still be on its way.
bool cpu_start_others(uint32_t most);

// What the one that starts next takes (arch_start_processor), by exchange for null; and where it goes then, which is
// where arch_enter_user goes unless it lacks something.
extern struct percpu *cpu_starting;
[[noreturn]] void cpu_arrive(struct percpu *cpu, const char *missing);

// Leaves work for another processor and sees to it that it looks at it soon, even if it is asleep.
void cpu_request(struct percpu *cpu, enum percpu_work work);

// What the port calls when an interrupt of arch_send_ipi arrives, with interrupts off: takes over the work that
// others left, and serves their requests to flush. Whoever called looks at `work` on the way out.
void cpu_ipi(void);

static inline struct thread *current_thread(void)
{
    return CONTAINER_OF(arch_current_frame(), struct thread, regs.status);
}

// Whether events of this class are written down here. Two instructions.
static inline bool trace_on(enum trace_class class)
{
    return __builtin_expect(arch_percpu_byte(offsetof(struct percpu, trace.on) + class) != 0, false);
}

// Writes an event down if its class is on; else nothing in the call is evaluated.
#define TRACE(class, write) (trace_on(class) ? (write) : (void)0)
