// process: a handle table, an address space, and the threads that use them.
//
//   NEW      no thread yet
//   RUNNING  has or had a thread
//   ENDING   being taken apart by the reaper: threads, then handles, then the address space
//   ENDED    only the exit record is left
//
// Lock: `lock` guards the slots, the thread list and the state.
#pragma once

#include <stdint.h>

#include "abi/message.h"
#include "base/list.h"
#include "kernel/lock.h"
#include "kernel/object/handle.h"
#include "kernel/object/object.h"
#include "kernel/object/object_list.h"

struct endpoint;
struct notification;
struct thread;
struct vspace;

enum process_state : uint8_t {
    PROCESS_NEW = 0,
    PROCESS_RUNNING = 1,
    PROCESS_ENDED = 2, // as process.info reports it
    PROCESS_ENDING = 3,
};

constexpr uint32_t PROCESS_NAME_BYTES = 16;
constexpr uint32_t PROCESS_MAX_THREADS = 256;
constexpr uint32_t PROCESS_FIRST_CHUNKS = 4;
constexpr uint32_t PROCESS_MAX_CHUNKS = 1024; // 64,512 handles

struct process {
    struct object object;
    // Read without the lock by look-ups; chunks are only ever added while the process lives.
    struct handle_slot **chunks; // directory: first_chunks, later a block of PROCESS_MAX_CHUNKS
    uint32_t slot_limit;         // slots that exist: indices 0 .. slot_limit-1

    struct spinlock lock;
    struct handle_slot *free_first GUARDED_BY(lock); // null when no slot is free
    struct handle_slot *free_last GUARDED_BY(lock);  // valid when one is
    struct handle_slot *fresh GUARDED_BY(lock);      // the one of them behind which slots were never used; null: none
    uint64_t handles_made, handles_gone; // that came and went: what it has is the difference; changed with `lock` held
    struct handle_slot *first_chunks[PROCESS_FIRST_CHUNKS];

    uint8_t state; // enum process_state
    bool has_run;  // a thread was started
    struct list threads GUARDED_BY(lock);
    uint32_t thread_count GUARDED_BY(lock);

    struct vspace *vspace; // referenced until the process has ended
    struct notification *exit_watch GUARDED_BY(lock); // referenced
    uint64_t exit_bits GUARDED_BY(lock);
    struct endpoint *fault_endpoint GUARDED_BY(lock); // referenced
    uint64_t fault_badge GUARDED_BY(lock);

    struct reap_item ending;
    uint32_t reap_index; // next slot to close
    struct object_link link; // in process_list
    uint64_t cpu_ns; // of threads that are gone
    char name[PROCESS_NAME_BYTES];
    struct exit_record record;
};

extern struct object_list process_list; // those that live, and those that have ended

// Creates an empty process with an address space. The caller owns the reference. NO_MEMORY; BAD_STATE when
// the account, or one that it was split off from, has been ended.
status_t process_create(struct account *account, const char name[PROCESS_NAME_BYTES], struct process **out);

// Begins the end: records why (unless it is ending already), stops all threads at once, and leaves the
// rest to the reaper. Safe on the current process; the caller must then reschedule.
void process_end(struct process *process, const struct exit_record *record);

// Names the process without which the system cannot go on. When it ends, `ended` is called instead of taking
// it apart, and must not return. Once, at boot.
void process_set_essential(const struct process *process, void (*ended)(const struct exit_record *record));

// Threads, handles, processor time: what inspector shows, a struct inspect_process.
void process_describe(struct object *process, void *out);

// Handles in all tables.
uint64_t handle_total_count(void);

bool process_destroy_step(struct object *object);

// The slot of a handle in this process's table, null when the handle is zero, stale or foreign. Takes no lock: the
// handle value is written last and cleared first. Another processor may close it, and put another into the slot, at
// any time: what was read from the slot belongs together if slot_holds is still true afterwards.
static inline struct handle_slot *process_slot(const struct process *process, uint64_t handle) {
    uint32_t index = handle_index(handle);
    if (__builtin_expect(index >= process->slot_limit, false)) {
        return nullptr;
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE); // the chunk was there before the limit
    struct handle_slot *slot = &process->chunks[handle_chunk(index)][handle_slot_in_chunk(index)];
    return __builtin_expect(__atomic_load_n(&slot->handle, __ATOMIC_ACQUIRE) == handle, true) ? slot : nullptr;
}

// Whether the slot has held this handle all the time since process_slot gave it.
static inline bool slot_holds(const struct handle_slot *slot, uint64_t handle) {
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __builtin_expect(__atomic_load_n(&slot->handle, __ATOMIC_RELAXED) == handle, true);
}
