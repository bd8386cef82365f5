// Threads of this process.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"
#include "tess_arch.h"

// A call that the kernel refused (refusal.h).
struct tess_refusal {
    uint32_t status; // enum status_code; 0: none was
    uint32_t syscall;
    uint32_t handle; // that it was called on
    uint32_t label;  // its method
    uint32_t argument; // the handle among its arguments; where there is none the first of them
};

// What the thread pointer points to. The thread's TLS image lies below it.
struct tess_thread_block {
    struct tess_thread_block *self;
    void *message_page;
    _Atomic uint32_t thread; // its own handle, 0 until the creator has stored it
    uint32_t lock_id;        // lib/tess/mutex.c; 0 until it is needed

    // Where it was when it ended the process because something could not be (lib/tess/panic.c): behind which call, and the stack
    // pointer there. For who looks at the memory then; 0 until then.
    uint64_t stopped_ip, stopped_sp;

    struct tess_refusal refused; // the last one

    // The number of what this thread does now, which its requests carry on (lib/rpc); 0: nothing that has one.
    uint64_t cause;
};

static inline struct tess_thread_block *tess_thread_block(void) {
    return tess_arch_thread_block();
}

static inline uint64_t tess_cause(void) {
    uint64_t cause;
    TESS_ARCH_BLOCK_READ(offsetof(struct tess_thread_block, cause), cause);
    return cause;
}
static inline void tess_set_cause(uint64_t cause) {
    TESS_ARCH_BLOCK_WRITE(offsetof(struct tess_thread_block, cause), cause);
}

struct tess_thread; // owned by whoever created it, until joined

typedef void tess_thread_fn(void *argument);

constexpr size_t TESS_THREAD_STACK_DEFAULT = 64 * 1024;

struct tess_thread_options {
    size_t stack_bytes; // 0: TESS_THREAD_STACK_DEFAULT; rounded up to pages, a guard page lies below
    uint32_t band;      // enum band
    bool no_message_page;
};

// Starts a thread with a stack, a message page and thread-local storage of its own. `options` may be
// null: default stack, the band `normal`. NO_MEMORY, NO_HANDLES, or NOT_ALLOWED (a band more urgent
// than the caller's).
status_t tess_thread_create(tess_thread_fn *run, void *argument, const struct tess_thread_options *options,
                            struct tess_thread **out);

// Waits until the thread's function has returned, then gives back everything that it used; `thread` is
// invalid afterwards. TIMED_OUT: it still runs, and may be joined later. May block.
status_t tess_thread_join(struct tess_thread *thread, uint64_t deadline_ns);

// The handle, for thread.cancel, info and set_band; stays the runtime's.
handle_t tess_thread_handle(const struct tess_thread *thread);
