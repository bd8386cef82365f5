// thread: a flow of control, and its part in every wait.
//
// The kernel has no stack per thread: what a thread waits for is written down here, and whoever ends
// the wait writes the outcome into its saved registers. A thread is in exactly one state:
//
//   NEW        created, not yet started
//   RUNNING    current on a processor
//   READY      in a run queue
//   SENDING    queued on an endpoint with a message (call, send or fault)
//   RECEIVING  queued on an endpoint for a message
//   AWAITING_REPLY  its message was taken; someone (a thread's `caller`, or a reply object) must answer
//   WAITING    queued on a notification
//   DEAD       ended; only references keep it
//
// Locks: `state` and the queue links belong to the lock of what the thread is queued on (run queue: its
// processor; endpoint; notification). `caller` is taken with an atomic exchange, so that of a reply, a
// deadline and a death exactly one answers the caller.
#pragma once

#include <stdint.h>

#include "abi/message.h"
#include "arch_regs.h"
#include "base/list.h"
#include "kernel/object/object.h"
#include "kernel/object/vmo.h"
#include "kernel/sched/timer_queue.h"
#include "kernel/types.h"

struct endpoint;
struct notification;
struct process;
struct reply;
struct vmo;

enum thread_state : uint8_t {
    THREAD_NEW,
    THREAD_RUNNING,
    THREAD_READY,
    THREAD_SENDING,
    THREAD_RECEIVING,
    THREAD_AWAITING_REPLY,
    THREAD_WAITING,
    THREAD_DEAD,
};

// Reasons why a thread cannot take part in a direct switch. The fast path tests them all at once.
enum thread_flags : uint8_t {
    THREAD_HAS_FPU = 1,   // FPU state must be saved or loaded
    THREAD_TIMED = 2,     // its deadline timer is armed
    THREAD_FAULTED = 4,   // what it sends, or awaits the answer of, is a fault message
    THREAD_ENDING = 8,    // its process is ending, or it is: it never runs again
};

struct thread {
    struct object object;
    struct arch_regs regs;

    uint8_t state; // enum thread_state
    uint8_t flags; // enum thread_flags
    uint8_t band;           // its own
    uint8_t effective_band; // its own; while it serves, its caller's, or that of one who waits if more urgent
    bool wants_reply;       // SENDING: a call or fault, not a send

    struct thread *caller;  // atomic: whom this thread must answer
    struct thread *server;  // AWAITING_REPLY: the thread that has us as `caller`, or null ...
    struct reply *reply;    // ... and then the reply object that does
    struct endpoint *serving; // where it last received: that endpoint's `server` may be this thread
    void *waiting_on;       // SENDING, RECEIVING: struct endpoint; WAITING: struct notification

    struct list_node link;  // run queue or notification queue
    struct thread *next;    // endpoint receiver stack
    struct thread **prev;   // what points at us there; null when not in one

    uint64_t pending_info;  // SENDING: message header as sent; RECEIVING, AWAITING_REPLY: `accept` of the wait
    uint64_t pending_badge; // SENDING: badge of the capability that was used

    struct process *process; // referenced
    struct list_node process_link;
    struct timer_node timer;
    void *message_page;      // kernel address, null when the thread has none
    struct vmo *message_vmo; // holds that page
    uint64_t message_address; // where the process sees it
    uint64_t cpu_ns;
    uint64_t slice_left_ns;  // of a slice that was taken away; 0: a whole one
    uint64_t fault_words[8]; // THREAD_FAULTED: the message
    bool awaits_page;        // THREAD_FAULTED: it asks a pager for a page; no fault yet
    bool page_refused;       // the page that fault_words ask for will not come
    status_t copy_status;    // why the kernel's last copy from or to the program's memory failed
    struct absent_page absent; // what vspace_fault or a method found missing last
};

// Creates a thread of `process` in state NEW. The caller owns the reference. NO_MEMORY.
status_t thread_create(struct process *process, uint32_t band, struct thread **out);

// Sets the registers of a NEW thread and makes it ready.
void thread_start(struct thread *thread, uint64_t entry, uint64_t stack_pointer, uint64_t argument,
                  uint64_t tls_base);

// Maps a new message page at `address` in the thread's address space. NO_MEMORY, IN_USE, BAD_ARGUMENT.
status_t thread_add_message_page(struct thread *thread, uint64_t address);

// The three ends of a wait. In each the thread is out of every queue, and its deadline is disarmed.
//
// Writes the outcome into the registers. The caller adds words and makes the thread run.
void thread_finish_wait(struct thread *thread, status_t status, uint64_t badge, uint64_t info);

// The wait failed: the thread gets the status and is made ready; one that waited for an answer to its
// fault ends its process.
void thread_fail_wait(struct thread *thread, status_t status);

// Takes the thread out of the wait that it is in and fails it. False when it is in none.
bool thread_abort_wait(struct thread *thread, status_t status);

// Undoes thread_create of a thread that was never started: its process is as if it had never been.
void thread_withdraw(struct thread *thread);

// Takes the thread out of whatever it is in; it never runs again. Safe on the current thread, which
// then must be switched away from. Idempotent.
void thread_end(struct thread *thread);

// Answers the thread's current caller, if any, with PEER_DIED.
void thread_drop_caller(struct thread *thread);

// Puts the thread into its caller's band, or its own when it has none, and so on along the calls it waits for: when
// its own band changed, or its caller does not wait for it any more.
void thread_settle_urgency(struct thread *thread);

// Arms the deadline of a wait that is beginning. Nothing for DEADLINE_NEVER.
void thread_arm_deadline(struct thread *thread, uint64_t deadline_ns);
void thread_disarm_deadline(struct thread *thread);

bool thread_destroy_step(struct object *object);

// The state machine's invariants, for tests and debug builds.
bool thread_check(const struct thread *thread);
