// The inside of the small world, shared by what acts in it (ipc_world.c) and what judges it
// (ipc_world_state.c).
#pragma once

#include "kernel/object/account.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "tests/model/ipc_world.h"

constexpr uint32_t CLIENT = 0, SERVER = 1;
constexpr uint64_t CLIENT_BADGE = 7, FAULT_BADGE = 9;
constexpr uint32_t MESSAGES = 32, SAVED = 8, BACKLOG = 16;
constexpr uint64_t FAULT_TAG = UINT64_MAX;

// What a program's system call will come back with.
enum waits : uint8_t { WAITS_NOT, WAITS_CALL, WAITS_SEND, WAITS_RECEIVE, WAITS_BITS, WAITS_RESUME };

struct program {
    enum waits waits;
    uint64_t tag;     // of the message it sent last
    uint64_t serving; // of the call it must answer
};

struct message {
    enum waits op;
    bool delivered;
    uint8_t handles;
    uint64_t badge;
};

struct world {
    struct world_plan plan;
    struct account *root;
    struct process *processes[2];          // referenced
    struct thread *threads[WORLD_THREADS]; // not referenced: look with world_thread
    uint64_t thread_koids[WORLD_THREADS];
    uint32_t thread_count;
    uint64_t endpoint, notification, token; // koids
    uint64_t fixed_bytes;
    struct program programs[WORLD_THREADS];
    struct message messages[MESSAGES]; // by tag
    uint64_t next_tag;
    struct {
        uint64_t koid, tag;
    } saved[SAVED]; // reply objects and what they answer
    uint32_t saved_count;
    uint32_t timed_count;
    uint32_t backlog_steps; // that the reaper must do before it comes to what was ended since
    const char *complaint;
};
extern struct world world;

// All objects that can be reached, and how often each is referred to.
constexpr uint32_t CENSUS = 64;
struct census {
    struct {
        struct object *object;
        uint32_t references;
    } found[CENSUS];
    uint32_t count;
    uint64_t object_bytes; // what they cost
};
void world_count(struct census *census);

// A thread that has not ended; null when it has.
struct thread *world_thread(uint32_t index);
int world_index_of(const struct thread *thread);

// The first handle of a process to the object with these rights.
const struct handle_slot *world_find(struct process *process, uint64_t koid, uint32_t rights);
const struct handle_slot *world_find_type(struct process *process, enum object_type type);
uint64_t world_saved_tag(uint64_t reply_koid);

// The soonest deadline of a thread.
uint64_t world_next_deadline_ns(void);
