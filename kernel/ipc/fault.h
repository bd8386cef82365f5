// What becomes of a thread that faults: a message to its process's fault endpoint, or the process's end.
#pragma once

#include <stdint.h>

struct thread;

// The current thread cannot go on: `kind` is an enum fault_kind, `access` as FAULT_WORD_ACCESS. On return the
// thread waits for its supervisor or is ending: the caller must switch away from it.
void fault_raise(struct thread *thread, uint32_t kind, uint64_t address, uint64_t access, uint64_t vector);

// Whether it makes sense that the thread waits for its `absent` page: false when that was refused just now, or nobody
// supplies it any more.
bool fault_page_expected(struct thread *thread);

// Asks the pager for the current thread's `absent` page. On return the thread waits, or should try again at once.
void fault_await_page(struct thread *thread);

// Nobody can answer the thread's fault: its process ends, with the fault in its exit record.
void fault_unhandled(struct thread *thread);

// The supervisor answered: label 0 resumes the thread where it faulted, any other ends its process.
void fault_answered(struct thread *thread, uint32_t label);
