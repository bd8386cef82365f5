// What becomes of a thread that faults: a message to its process's fault endpoint, or the process's end.
#pragma once

#include <stdint.h>

#include "kernel/ipc/syscall.h"

struct thread;

// The current thread cannot go on: `kind` is an enum fault_kind, `access` as FAULT_WORD_ACCESS. It waits for its
// supervisor, or is ending.
[[gnu::cold]] struct kernel_exit fault_raise(struct thread *thread, uint32_t kind, uint64_t address, uint64_t access,
                               uint64_t vector);

// The same for an access to memory, with what vspace_fault said; or it waits for a page.
[[gnu::cold]] struct kernel_exit fault_page(struct thread *thread, status_t status, uint64_t address, uint32_t access,
                              uint64_t vector);

// What became of the page that vspace_fault, or a method, has just found absent, if the current thread has asked for it:
// PEER_DIED, TIMED_OUT, CANCELED. OK: it may ask.
status_t fault_page_outcome(struct thread *thread);

// Asks the pager for it. The current thread waits, or tries again at once, and then finds an outcome.
struct kernel_exit fault_await_page(struct thread *thread, uint64_t deadline_ns);

// Nobody answers any more: the thread's process ends, with the fault in its exit record. A thread that waits for a page
// tries again.
void fault_failed(struct thread *thread, status_t status);

// Whether what a THREAD_FAULTED thread waits for is a page.
bool fault_is_page_request(const struct thread *thread);

// Its supervisor, or the pager, answered: label 0 resumes the thread where it faulted, any other ends its process or
// refuses the page.
void fault_answered(struct thread *thread, uint32_t label);
