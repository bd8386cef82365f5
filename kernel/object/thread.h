// thread: a flow of control, and its part in every wait.
//
// The kernel has no stack per thread: what a thread waits for is written down here, and whoever ends
// the wait writes the outcome into its saved registers. A thread is in exactly one state, and the state says
// who may change it:
//
//   NEW        created, not yet started: its creator
//   RUNNING    current on a processor: that processor
//   READY      in the run queue of `cpu`: that queue's lock
//   SENDING    queued on an endpoint with a message (call, send or fault): the endpoint's lock
//   RECEIVING  queued on an endpoint for a message: the endpoint's lock
//   AWAITING_REPLY  its message was taken: whoever takes it out of `server->caller` or `reply->caller`, with an
//              atomic exchange, so that of an answer, a deadline and a death exactly one ends the wait
//   WAITING    queued on a notification, or parked on a word (`waiting_on` is null): its lock, or the bucket's
//   WAKING     taken out of a wait or a run queue: whoever did that
//   THROTTLED  ready, but its account has used its time up; its timer is armed for when it has some again: whoever takes
//              it, with an atomic exchange
//   STOPPED    it is ending, and in no queue: whoever sets THREAD_CLAIMED (thread_end)
//   DEAD       ended; only references keep it
//
// So who wants to end somebody's wait looks at the state, locks what that says, looks again, and unlinks
// (thread_take). The registers of a thread that was taken out may still be in use by the processor that it ran
// on a moment ago: thread_wait_off_cpu comes before touching them. A processor never waits so once it has
// put its own current thread into a queue, or two could wait for each other.
#pragma once

#include <stdint.h>

#include "abi/message.h"
#include "arch_regs.h"
#include "base/list.h"
#include "kernel/lock.h"
#include "kernel/ipc/park.h"
#include "kernel/object/object.h"
#include "kernel/sched/timer_queue.h"
#include "kernel/types.h"

struct endpoint;
struct notification;
struct process;
struct reply;
struct ring;
struct vmo;

enum thread_state : uint8_t {
    THREAD_NEW,
    THREAD_RUNNING,
    THREAD_READY,
    THREAD_SENDING,
    THREAD_RECEIVING,
    THREAD_AWAITING_REPLY,
    THREAD_WAITING,
    THREAD_DEAD, // up to here as thread.info reports them; those below show as READY
    THREAD_WAKING,
    THREAD_THROTTLED,
    THREAD_STOPPED,
};

// Reasons why a thread cannot take part in a direct switch. The fast path tests them all at once. Changed with
// thread_set_flags and thread_clear_flags only: another processor may set THREAD_ENDING at any time.
enum thread_flags : uint8_t {
    THREAD_HAS_FPU = 1,   // FPU state must be saved or loaded
    THREAD_TIMED = 2,     // its deadline timer is armed
    THREAD_FAULTED = 4,   // what it sends, or awaits the answer of, is a fault message
    THREAD_ENDING = 8,    // its process is ending, or it is: it never runs again
    THREAD_BOUND = 16,    // it may not run on every processor
    THREAD_REQUEST = 32,  // a ring's request: it never runs, and is completed where it would (kernel/object/ring.h)
    THREAD_CLAIMED = 64,  // somebody is ending it: STOPPED, or a current thread that ends itself
    THREAD_LENT = 128,    // it holds words on which others wait (kernel/ipc/park.h)
};

struct thread {
    struct object object;
    struct arch_regs regs;

    union {
        struct {
            uint8_t flags;  // enum thread_flags
            uint8_t on_cpu; // a processor uses `regs`; cleared when it has let go of them (entry.S, sched.c)
        };
        uint16_t busy;      // both at once
    };
    uint8_t state;          // enum thread_state
    uint8_t band;           // its own
    uint8_t effective_band; // its own; while it serves, its caller's, or that of one who waits if more urgent
    uint8_t queued_band;    // READY: which list of the run queue it is in
    bool wants_reply;       // SENDING: a call or fault, not a send

    struct thread *caller;  // atomic: whom this thread must answer
    struct thread *server;  // AWAITING_REPLY: the thread that has us as `caller`, or null ...
    struct reply *reply;    // ... and then the reply object that does
    struct endpoint *serving; // where it last received: that endpoint's `server` may be this thread
    struct object *waiting_on; // SENDING, RECEIVING: the endpoint; WAITING: the notification or ring, null when parked

    struct list_node link;  // run queue or notification queue
    struct thread *next;    // endpoint receiver stack
    struct thread **prev;   // what points at us there; null when not in one

    uint64_t pending_info;  // SENDING: message header as sent; RECEIVING, AWAITING_REPLY: `accept` of the wait
    uint64_t pending_badge; // SENDING: badge of the capability that was used
    uint64_t causal;        // the request that it works on (abi/trace.h), while calls are traced

    struct process *process; // referenced
    struct list_node process_link;
    struct timer_node timer;
    void *message_page;      // kernel address, null when the thread has none
    struct vmo *message_vmo; // referenced and pinned: what that page is of
    struct ring *ring;       // that it owns, or null
    uint64_t affinity;       // processors that it may run on, a bit each
    cpu_id_t cpu;            // where it last ran, or in whose run queue it is
    uint64_t cpu_ns;
    uint64_t slice_left_ns;  // of a slice that was taken away; 0: a whole one
    union {
        uint64_t fault_words[8]; // THREAD_FAULTED: the message
        struct park_wait park;   // while it is parked
    };
    struct list lenders;         // waiters that lend it their band: kernel/ipc/park.c, with the two below
    struct list_node named;
    uint32_t lock_id;            // 0 until it has one, and once it has ended
    status_t page_outcome;   // what became of the page that they ask for, if it did not come (kernel/ipc/fault.h)
    uint64_t touched;        // what it touched and waits for: the page's address | PROT_*; 0: a method waits
    struct reap_item ending; // ends it once its processor has let go of it
};

// Creates a thread of `process` in state NEW. The caller owns the reference. NO_MEMORY.
status_t thread_create(struct process *process, uint32_t band, struct thread **out);

// Makes a thread that never runs, in the process and band of `owner`: part of a ring's request.
void thread_init_request(struct thread *thread, const struct thread *owner);

// Sets the registers of a NEW thread and makes it ready.
void thread_start(struct thread *thread, uint64_t entry, uint64_t stack_pointer, uint64_t argument,
                  uint64_t tls_base);

// Makes the page that the thread's process has mapped for writing at `address` the message page of a NEW thread, for
// its whole life. BAD_ADDRESS: there is none, or the VMO may lose it; NO_MEMORY; BAD_STATE: the process has ended.
status_t thread_set_message_page(struct thread *thread, uint64_t address);

static inline void thread_set_flags(struct thread *thread, enum thread_flags flags) {
    __atomic_fetch_or(&thread->flags, (uint8_t)flags, __ATOMIC_ACQ_REL);
}

static inline void thread_clear_flags(struct thread *thread, enum thread_flags flags) {
    __atomic_fetch_and(&thread->flags, (uint8_t)~flags, __ATOMIC_ACQ_REL);
}

static inline enum thread_state thread_state(const struct thread *thread) {
    return (enum thread_state)__atomic_load_n(&thread->state, __ATOMIC_ACQUIRE);
}

static inline void thread_set_state(struct thread *thread, enum thread_state state) {
    __atomic_store_n(&thread->state, (uint8_t)state, __ATOMIC_RELEASE);
}

// Waits until the processor that a thread ran on has let go of its registers: as long as it takes to leave the
// kernel. Not for the current thread, nor once that is in a queue.
static inline void thread_wait_off_cpu(const struct thread *thread) {
    while (__atomic_load_n(&thread->on_cpu, __ATOMIC_ACQUIRE) != 0) {
        spin_relax();
    }
}

// Takes the thread out of the wait that it is in: it is WAKING then, and the caller's. False when it is in none, or
// somebody else is just taking it out.
bool thread_take(struct thread *thread);

// The outcome of a system call: for the current thread, which is in no wait.
static inline void thread_set_outcome(struct thread *thread, status_t status, uint64_t badge, uint64_t info) {
    thread->regs.status = status.code;
    thread->regs.badge = badge;
    thread->regs.info = info;
}

// The three ends of a wait. In each the thread has been taken out (WAKING), and its deadline is disarmed: no lock
// may be held.
//
// Writes the outcome of a wait in which no answer was awaited. The caller adds words and makes the thread run.
ARCH_COLD_CALL void thread_leave_wait(struct thread *thread);
static inline void thread_finish_wait(struct thread *thread, status_t status, uint64_t badge, uint64_t info) {
    constexpr uint16_t TIMED_OR_ON_CPU = THREAD_TIMED | 0xff00;
    if (!LIKELY((__atomic_load_n(&thread->busy, __ATOMIC_ACQUIRE) & TIMED_OR_ON_CPU) == 0)) {
        thread_leave_wait(thread);
    }
    thread->waiting_on = nullptr;
    thread_set_outcome(thread, status, badge, info);
}

// The wait failed: the thread gets the status and is made ready; one that waited for an answer to its
// fault ends its process.
void thread_fail_wait(struct thread *thread, status_t status);

// Takes the thread out of the wait that it is in and fails it. False as thread_take.
bool thread_abort_wait(struct thread *thread, status_t status);

// After a thread that was WAKING has been put into a wait again (the answer that could not be delivered, the
// message that was taken): a deadline that passed in between found nothing to end, and ends the wait now.
void thread_check_deadline(struct thread *thread);

// Undoes thread_create of a thread that was never started: its process is as if it had never been.
void thread_withdraw(struct thread *thread);

// Takes the thread out of whatever it is in; it never runs again. False when another processor has it in its
// hands: then again later. Safe on the current thread, which then must be switched away from.
bool thread_end(struct thread *thread);

// Answers the thread's current caller, if any, with PEER_DIED.
void thread_drop_caller(struct thread *thread);

// Puts the thread into its caller's band, or its own when it has none, and so on along the calls it waits for: when
// its own band changed, or its caller does not wait for it any more.
void thread_settle_urgency(struct thread *thread);

// Whom the thread waits for, as far as that can be said: its server, or the holder of the word that it is parked on.
struct thread *thread_waits_for(struct thread *thread);

// Lets the thread run in this band, or in a more urgent one that it is lent.
static inline void thread_set_urgency(struct thread *thread, uint32_t band) {
    if ((thread->flags & THREAD_LENT) != 0) {
        const uint32_t lent = park_lent_band(thread);
        band = lent < band ? lent : band;
    }
    thread->effective_band = (uint8_t)band;
}

// Arms the deadline of a wait that is beginning. Nothing for DEADLINE_NEVER.
ARCH_COLD_CALL void thread_arm_timer(struct thread *thread, uint64_t deadline_ns);
static inline void thread_arm_deadline(struct thread *thread, uint64_t deadline_ns) {
    if (!LIKELY(deadline_ns == DEADLINE_NEVER)) {
        thread_arm_timer(thread, deadline_ns);
    }
}
void thread_disarm_deadline(struct thread *thread);

bool thread_destroy_step(struct object *object);

// The state machine's invariants, for tests and debug builds.
bool thread_check(const struct thread *thread);
