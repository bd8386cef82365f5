// Every thread has a slot of address space of its own, from the bottom: a page that is never mapped, its stack,
// its thread-local image, this structure, and its message page at the very top. All but the first is one
// mapping of memory of its own. One joined thread's slot is kept for the next that wants a stack of that size.
#include "lib/tess/thread.h"

#include <stdatomic.h>

#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "base/align.h"
#include "base/mem.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/mutex.h"
#include "lib/tess/syscall.h"
#include "lib/tess/tls.h"

struct tess_thread {
    struct tess_thread_block block; // what the thread pointer points to
    tess_thread_fn *run;
    void *argument;
    handle_t thread;
    handle_t done; // notification: the function has returned
    uint64_t page; // a message page, if it wants one
    uint64_t slot_base;
    uint64_t slot_bytes;
    uint64_t stack_bytes; // as asked for
};

constexpr uint64_t AREA_BASE = 0x10'0000'0000; // far from where the kernel chooses addresses
constexpr uint64_t UNIT_BYTES = 128 * 1024;
constexpr uint32_t UNITS = 512;
constexpr uint64_t STACK_AT = PAGE_BYTES; // in a slot
constexpr uint64_t STACK_MAX = UNITS / 4 * UNIT_BYTES;
constexpr uint64_t STATE_DEAD = 7; // thread.info
constexpr uint64_t DONE_BIT = 1;
constexpr uint64_t END_POLL_NS = 20'000;

static struct tess_mutex units_lock;
static uint8_t units_taken[UNITS]; // guarded by units_lock
static struct tess_thread *spare;  // a joined thread's slot, or null; guarded by units_lock

static status_t take_units(uint32_t count, uint64_t *base) {
    status_t status = STATUS_NO_MEMORY;
    tess_mutex_lock(&units_lock);
    for (uint32_t first = 0, run = 0; first + run < UNITS;) {
        if (units_taken[first + run] != 0) {
            first += run + 1;
            run = 0;
        } else if (++run == count) {
            memset(&units_taken[first], 1, count);
            *base = AREA_BASE + first * UNIT_BYTES;
            status = STATUS_OK;
            break;
        }
    }
    tess_mutex_unlock(&units_lock);
    return status;
}

static void give_units(uint64_t base, uint64_t bytes) {
    tess_mutex_lock(&units_lock);
    memset(&units_taken[(base - AREA_BASE) / UNIT_BYTES], 0, bytes / UNIT_BYTES);
    tess_mutex_unlock(&units_lock);
}

[[noreturn]] static void thread_main(uint64_t argument) {
    struct tess_thread *thread = (struct tess_thread *)argument;
    thread->run(thread->argument);
    handle_t self = tess_self_thread();
    tess_arch_thread_end(thread->done, DONE_BIT, self);
}

static status_t map_slot(uint64_t slot_base, uint64_t bytes) {
    TESS_OWNED handle_t vmo = {};
    TRY(tess_account_create_vmo(tess_self_account(), bytes, &vmo));
    return tess_vspace_map(tess_self_vspace(), vmo, 0, bytes, slot_base + STACK_AT, PROT_READ | PROT_WRITE,
                           nullptr);
}

static void give_slot(uint64_t base, uint64_t bytes) {
    (void)tess_vspace_unmap(tess_self_vspace(), base, bytes); // whole mappings: cannot fail
    give_units(base, bytes);
}

// A mapped slot with its notification, for a stack of at least that size.
static status_t make_slot(uint64_t stack_bytes, const struct tess_tls *tls, struct tess_thread **out) {
    TESS_OWNED handle_t done = {};
    TRY(tess_account_create_notification(tess_self_account(), &done));
    uint64_t above = align_up(sizeof(struct tess_thread), tls->align) + tls->image_bytes;
    uint64_t mapped = align_up(stack_bytes + above, PAGE_BYTES) + MESSAGE_PAGE_BYTES;
    uint64_t slot_bytes = align_up(mapped + STACK_AT, UNIT_BYTES);
    uint64_t slot_base;
    TRY(take_units((uint32_t)(slot_bytes / UNIT_BYTES), &slot_base));
    status_t status = map_slot(slot_base, mapped);
    if (!status_ok(status)) {
        give_units(slot_base, slot_bytes);
        return status;
    }
    uint64_t page = slot_base + STACK_AT + mapped - MESSAGE_PAGE_BYTES;
    struct tess_thread *thread = (struct tess_thread *)align_down(page - sizeof(struct tess_thread), tls->align);
    thread->page = page;
    thread->slot_base = slot_base;
    thread->slot_bytes = slot_bytes;
    thread->stack_bytes = stack_bytes;
    thread->done = tess_handle_take(&done);
    *out = thread;
    return STATUS_OK;
}

static void free_slot(struct tess_thread *thread) {
    tess_close(thread->done);
    give_slot(thread->slot_base, thread->slot_bytes);
}

// The spare slot if it fits, else a new one.
static status_t take_slot(uint64_t stack_bytes, const struct tess_tls *tls, struct tess_thread **out) {
    tess_mutex_lock(&units_lock);
    struct tess_thread *thread = spare;
    bool fits = thread != nullptr && thread->stack_bytes == stack_bytes;
    spare = fits ? nullptr : spare;
    tess_mutex_unlock(&units_lock);
    if (!fits) {
        return make_slot(stack_bytes, tls, out);
    }
    memset((char *)&thread->block - tls->image_bytes, 0, tls->image_bytes);
    thread->block.thread = 0;
    thread->block.lock_id = 0;
    *out = thread;
    return STATUS_OK;
}

static void keep_or_free_slot(struct tess_thread *thread) {
    tess_mutex_lock(&units_lock);
    bool kept = spare == nullptr;
    spare = kept ? thread : spare;
    tess_mutex_unlock(&units_lock);
    if (!kept) {
        free_slot(thread);
    }
}

status_t tess_thread_create(tess_thread_fn *run, void *argument, const struct tess_thread_options *options,
                            struct tess_thread **out) {
    struct tess_thread_options chosen =
        options != nullptr ? *options : (struct tess_thread_options){.band = BAND_NORMAL};
    if (chosen.stack_bytes == 0) {
        chosen.stack_bytes = TESS_THREAD_STACK_DEFAULT;
    }
    if (chosen.stack_bytes > STACK_MAX) {
        return STATUS_BAD_ARGUMENT;
    }
    const struct tess_tls *tls = tess_tls();
    struct tess_thread *thread;
    TRY(take_slot(chosen.stack_bytes, tls, &thread));
    thread->run = run;
    thread->argument = argument;
    tess_tls_fill(&thread->block);
    uint64_t page = chosen.no_message_page ? 0 : thread->page;
    thread->block.message_page = (void *)page;
    uint64_t stack_top = align_down((uint64_t)thread - tls->image_bytes, 16);
    // The entry is a C function: as after a call, the stack is 8 off a 16-byte boundary.
    status_t status = tess_process_create_thread(tess_self_process(), (uint64_t)thread_main, stack_top - 8,
                                                 (uint64_t)thread, page, chosen.band,
                                                 (uint64_t)&thread->block, &thread->thread);
    if (!status_ok(status)) {
        free_slot(thread);
        return status;
    }
    atomic_store(&thread->block.thread, thread->thread.v);
    *out = thread;
    return STATUS_OK;
}

// The function has returned; a few instructions later the thread is gone, and with it the last use of
// its stack. It may be of a less urgent band than ours, so yielding is not enough.
static void await_end(handle_t thread, handle_t done) {
    uint64_t state = 0, bits;
    while (status_ok(tess_thread_info(thread, nullptr, &state, nullptr, nullptr)) && state != STATE_DEAD) {
        (void)tess_wait(done, &bits, tess_deadline_after_ns(END_POLL_NS));
    }
}

status_t tess_thread_join(struct tess_thread *thread, uint64_t deadline_ns) {
    uint64_t bits;
    TRY(tess_wait(thread->done, &bits, deadline_ns));
    await_end(thread->thread, thread->done);
    tess_close(thread->thread);
    keep_or_free_slot(thread);
    return STATUS_OK;
}

handle_t tess_thread_handle(const struct tess_thread *thread) {
    return thread->thread;
}
