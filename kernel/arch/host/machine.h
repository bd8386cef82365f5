// A whole machine for the kernel core on the host: a processor that runs the real system calls, faults and
// timer interrupts, one at a time, as entry.S and trap.c would.
//
// A test is the programs: it chooses what the current thread does next, and sees in host_user what that
// thread's registers are when the kernel has returned. When no thread is ready the kernel idles, and the test
// goes on with what an interrupt would bring.
#pragma once

#include <stdint.h>

#include "abi/gen/abi.h"
#include "abi/message.h"
#include "kernel/object/account.h"
#include "kernel/object/object.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"

// What the program sees that runs now.
struct host_user {
    struct thread *thread; // the current one; null while the processor idles
    uint32_t status;
    uint64_t badge, info;
    uint64_t words[MESSAGE_WORDS];
};
extern struct host_user host_user;

// What the local timer is set to; UINT64_MAX when it is off.
extern uint64_t host_deadline_ns;

// Fresh memory and an idle processor. Once in a program.
void host_machine_init(uint64_t memory_bytes);

// The processor as it is after boot. Nothing may be left that it knew: threads, deadlines.
void host_processor_reset(void);

// ---- What programs and devices do. Each enters the kernel once and returns with host_user set. ----

// The current thread makes a system call.
void host_syscall(uint32_t number, uint64_t handle, uint64_t info, uint64_t deadline_ns,
                  const uint64_t words[MESSAGE_WORDS]);

// A `call` of a method, with up to eight words. Returns its status; results are in host_user.words.
status_t host_method(uint64_t handle, uint32_t method, const uint64_t words[MESSAGE_WORDS]);
#define HOST_METHOD(handle, method, ...) \
    host_method(handle, method, (const uint64_t[MESSAGE_WORDS]){__VA_ARGS__})

// The current thread faults (FAULT_PAGE at `address`).
void host_fault(uint64_t address);

// The local timer fires now, whatever it is set to.
void host_timer(void);

// Another processor's interrupt (arch_send_ipi) arrives.
void host_ipi(void);

// What an idle processor does instead of leaving the entry that it is in, which returns when an interrupt has been
// handled; and what it does to handle those that are pending. For tests of several processors; null otherwise.
extern void (*host_on_idle)(void), (*host_on_poll)(void);

// Time goes on until the local timer fires. False when it is off.
bool host_wait_for_timer(void);

// The current thread's slice is used up, as the timer interrupt would find.
void host_slice_ends(void);

// Leaves the idle loop when a thread is ready. Also what begins everything after boot.
void host_wake(void);

// A device line fires, if it is attached and not masked (before host_wake or another entry).
void host_line_fires(uint32_t gsi);

// Slices end until `thread` is the current one. False when it is not ready.
bool host_run(struct thread *thread);

// Timer interrupts, at this same time, until nothing waits to be taken apart.
void host_settle(void);

// ---- Setting the scene, as init would ----

// A process with nothing in it; the test gets the reference.
struct process *host_process(struct account *account, const char *name);

// Maps a page of new memory at `address`, and makes it the thread's message page. False: no memory.
bool host_message_page(struct thread *thread, uint64_t address);

// A thread that is ready to run, with a message page when `message_page` is not 0. Its list's reference is
// the only one.
struct thread *host_thread(struct process *process, uint32_t band, uint64_t message_page);

// A handle of the process to the object, which gains a reference. 0 when it cannot be had.
uint64_t host_give(struct process *process, struct object *object, uint32_t rights, uint64_t badge);

// An endpoint or notification with a handle to it in the process, which alone keeps it alive.
struct endpoint *host_endpoint(struct process *process, uint32_t rights, uint64_t *handle);
struct notification *host_notification(struct process *process, uint64_t *handle);

// Ends the processes, lets go of the test's references to them and to the root account, and checks that all
// of it came back: objects, handles, deadlines, bytes. False, with a line on standard error, when not.
bool host_finish(struct account *root, struct process *const processes[], uint32_t count);

// The last part of that: no object, handle, deadline or byte of memory is in use.
bool host_nothing_left(void);
