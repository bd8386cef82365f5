// trace: the right to have what happens written down, by each processor into a buffer of its own that the
// holder maps (abi/trace.h). There is one trace of the machine, whoever holds the object.
//
// A place where something happens asks trace_on (kernel/percpu.h) first, which is two instructions; the rest is out of
// the way. A buffer that is replaced stays for a grace period, so nobody writes into what is gone. No locks but
// one around the changes of buffers, a leaf.
#pragma once

#include <stdint.h>

#include "abi/trace.h"
#include "kernel/object/reaper.h"
#include "kernel/types.h"

struct kernel_exit;
struct object;
struct thread;
struct vmo;

// Each processor's part (percpu.trace).
struct trace_cpu {
    uint8_t on[TRACE_CLASSES];   // set only while there is a buffer; by whoever holds the lock
    struct trace_header *header; // of `vmo`
    struct vmo *vmo, *old;       // the buffer, and the one before until nobody can be writing to it
    struct reap_item release;    // of `old`
};

// Not to be inlined: the registers that it takes would be saved where nothing is traced.
#define TRACE_APART [[gnu::cold, gnu::noinline]]

// Writes an event down; with trace_on only. Any context with interrupts off.
TRACE_APART void trace_write(enum trace_event event, const struct thread *thread, uint64_t argument);

// The same for a call or send, which begins a request if the thread serves nobody.
TRACE_APART void trace_call(enum trace_event event, struct thread *thread, uint64_t argument);

// What became of a call or send: `to` has the message, and works on the request of `from` from now on; or it failed.
TRACE_APART void trace_outcome(const struct thread *from, struct thread *to, status_t status);

// An answer, which ends the server's part in the request.
TRACE_APART void trace_reply(struct thread *server, const struct thread *caller);

// A handle to the object went from one process to another, by what the current thread does.
TRACE_APART void trace_handle(const struct object *object, const struct object *from, const struct object *to);

// The direct call and answer (kernel/ipc/syscall.c), and their way out of the kernel.
TRACE_APART struct kernel_exit trace_direct_call(struct thread *server, struct thread *current);
TRACE_APART struct kernel_exit trace_direct_reply(struct thread *caller, struct thread *current);
