// The system calls, and the two ways out of the kernel.
#pragma once

#include <stdint.h>

#include "kernel/object/thread.h"
#include "kernel/types.h"

// What entry.S does when a system call or trap handler returns:
//   frame 0:              back to the current thread; `value` is the status; the first EXIT_WORDS message words are
//                         what is in its registers, the others and the stack-saved registers as they were
//   frame, value not 0:   resume the (now current) thread of `frame` with status 0; `value` points at the eight
//                         words it gets; its badge and header are in its registers
//   frame, value 0:       resume it wholly from its saved registers
constexpr uint32_t EXIT_WORDS = 3;
struct kernel_exit {
    uint64_t frame, value;
};

// From `from`, whose words `to` gets.
static inline struct kernel_exit exit_directly_to(const struct thread *to, const struct thread *from) {
    return (struct kernel_exit){(uint64_t)&to->regs.status, (uint64_t)from->regs.words};
}

// The registers of a system call as they arrive; words are in the current thread's saved registers.
typedef struct kernel_exit syscall_fn(uint64_t handle, uint64_t info, uint64_t deadline_ns);

extern syscall_fn *const syscall_table[];

// What a number that is in no table comes to: BAD_SYSCALL.
syscall_fn syscall_refuse;

// The slow way out: what has piled up (reschedule, timer, reaper) is done, then the thread that is current
// by then is resumed. The current thread must be RUNNING or ending.
struct kernel_exit kernel_leave(void);

// The same when the current thread has been put into a wait.
struct kernel_exit kernel_block(void);

// The same, and `other`, whose wait has ended with a message, runs in its place.
struct kernel_exit kernel_leave_to(struct thread *other);
