// IPC, handles and the ends of threads and processes, exhaustively in the small: every sequence of a plan's
// steps up to its depth, on the real kernel. Sequences that lead to the same state are followed once from
// there. After every step the invariants are checked; every sequence ends with everything taken apart and
// given back.
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "kernel/arch/host/machine.h"
#include "tests/model/ipc_world.h"

constexpr uint32_t MAX_DEPTH = 16;

struct path {
    uint8_t len;
    struct step steps[MAX_DEPTH];
};

struct search {
    const char *name;
    uint32_t depth;
    struct world_plan plan;
    uint8_t ops[OP_COUNT]; // ended by OP_COUNT
};

// ---- where it is, for when it goes wrong -----------------------------------------------------------

static const struct search *now_searching;
static struct path now;

static void say_where(void) {
    if (now_searching == nullptr) {
        return;
    }
    fprintf(stderr, "%s:", now_searching->name);
    for (uint32_t i = 0; i < now.len; i++) {
        const struct step *step = &now.steps[i];
        fprintf(stderr, " %u:%s", step->actor, op_name(step->op));
        if (op_targets(&now_searching->plan, step->op) != 0) {
            fprintf(stderr, "(%u)", step->target);
        }
    }
    fputc('\n', stderr);
}

static void aborted(int signal) {
    (void)signal;
    say_where();
    _Exit(1);
}

[[gnu::constructor]] static void begin(void) {
    host_machine_init(16 << 20);
    __sanitizer_set_death_callback(say_where);
    signal(SIGABRT, aborted); // a kernel panic
}

// ---- states seen -----------------------------------------------------------------------------------

static struct {
    uint64_t *states; // open addressing; 0 is free
    size_t capacity, count;
} seen;

static void seen_reset(void) {
    free(seen.states);
    seen.capacity = 1 << 22;
    seen.count = 0;
    seen.states = calloc(seen.capacity, sizeof(*seen.states));
}

// True when it is new.
static bool seen_add(uint64_t state) {
    state |= state == 0;
    size_t i = state % seen.capacity;
    while (seen.states[i] != 0 && seen.states[i] != state) {
        i = (i + 1) % seen.capacity;
    }
    if (seen.states[i] == state || seen.count > seen.capacity / 2) {
        return false;
    }
    seen.states[i] = state;
    seen.count++;
    return true;
}

// ---- the search ------------------------------------------------------------------------------------

static struct {
    struct path *paths;
    size_t count, capacity;
} queue;

static void enqueue(const struct path *path) {
    if (queue.count == queue.capacity) {
        queue.capacity = queue.capacity == 0 ? 1024 : queue.capacity * 2;
        queue.paths = realloc(queue.paths, queue.capacity * sizeof(*queue.paths));
    }
    queue.paths[queue.count++] = *path;
}

static bool good(void) {
    const char *complaint = world_complaint();
    if (complaint != nullptr) {
        fprintf(stderr, "%s\n", complaint);
        say_where();
    }
    return complaint == nullptr;
}

static bool end(void) {
    if (!world_end()) {
        say_where();
        return false;
    }
    return true;
}

static bool replay(const struct search *search, const struct path *path) {
    world_begin(&search->plan);
    for (uint32_t i = 0; i < path->len; i++) {
        now = *path;
        now.len = (uint8_t)(i + 1);
        if (!world_step(path->steps[i])) {
            fputs("a step played again cannot be done\n", stderr);
            say_where();
            return false;
        }
    }
    return true;
}

static uint32_t depth; // of the current search
static uint64_t transitions;

// Tries one step after `path`, whose world stands. False when something is wrong; *changed: the world is used
// up.
static bool try_step(const struct path *path, struct step step, uint64_t from, bool *changed) {
    now = *path;
    now.steps[now.len++] = step;
    *changed = false;
    if (!world_step(step)) {
        return true;
    }
    transitions++;
    if (!good()) {
        return false;
    }
    const uint64_t state = world_state();
    *changed = state != from;
    if (*changed && seen_add(state) && now.len < depth) {
        enqueue(&now);
    }
    return true;
}

// All steps that can follow `path`.
static bool expand(const struct search *search, const struct path *path) {
    if (!replay(search, path)) {
        return false;
    }
    const uint64_t from = world_state();
    const uint32_t threads = search->plan.clients + search->plan.servers;
    for (const uint8_t *op = search->ops; *op != OP_COUNT; op++) {
        const uint32_t actors = op_has_actor(*op) ? threads : 1, targets = op_targets(&search->plan, *op);
        for (uint32_t i = 0; i < actors * (targets == 0 ? 1 : targets); i++) {
            const struct step step = {*op, (uint8_t)(i % actors), (uint8_t)(i / actors)};
            bool changed;
            if (!try_step(path, step, from, &changed)) {
                return false;
            }
            if (changed && (!end() || !replay(search, path))) {
                return false;
            }
        }
    }
    now = *path;
    return end();
}

static bool run(const struct search *search) {
    const char *deeper = getenv("IPC_MODEL_DEEPER");
    depth = search->depth + (deeper == nullptr ? 0 : (uint32_t)atoi(deeper));
    depth = depth < MAX_DEPTH ? depth : MAX_DEPTH;
    now_searching = search;
    seen_reset();
    queue.count = 0;
    transitions = 0;
    enqueue(&(struct path){});
    for (size_t next = 0; next < queue.count; next++) {
        const struct path path = queue.paths[next];
        if (!expand(search, &path)) {
            return false;
        }
    }
    now_searching = nullptr;
    printf("%s: depth %u, %zu states, %llu steps\n", search->name, depth, seen.count,
           (unsigned long long)transitions);
    return true;
}

// ---- plans -----------------------------------------------------------------------------------------

TEST(messages) {
    CHECK(run(&(struct search){
        .name = "messages",
        .depth = 5,
        .plan = {.clients = 2, .servers = 2},
        .ops = {OP_CALL, OP_CALL_TIMED, OP_SEND, OP_SEND_POLL, OP_RECV, OP_RECV_TIMED, OP_RECV_POLL,
                OP_REPLY_RECV, OP_REPLY_RECV_TIMED, OP_REPLY, OP_CANCEL, OP_EXIT, OP_TIME, OP_CLOSE_ENDPOINT,
                OP_COUNT},
    }));
}

TEST(calls) {
    CHECK(run(&(struct search){
        .name = "calls",
        .depth = 12,
        .plan = {.clients = 2, .servers = 1},
        .ops = {OP_CALL, OP_CALL_TIMED, OP_RECV, OP_REPLY_RECV, OP_REPLY, OP_CANCEL, OP_TIME, OP_COUNT},
    }));
}

TEST(handles) {
    CHECK(run(&(struct search){
        .name = "handles",
        .depth = 9,
        .plan = {.clients = 2, .servers = 1, .pages = true},
        .ops = {OP_CALL, OP_CALL_MOVE, OP_CALL_COPY, OP_SEND_MOVE, OP_RECV, OP_RECV_PLAIN, OP_REPLY_MOVE,
                OP_REPLY_RECV, OP_CLOSE_TOKEN, OP_GRANT_TOKEN, OP_CLOSE_ENDPOINT, OP_KILL, OP_COUNT},
    }));
}

TEST(reply_objects) {
    CHECK(run(&(struct search){
        .name = "reply objects",
        .depth = 9,
        .plan = {.clients = 2, .servers = 1},
        .ops = {OP_CALL, OP_CALL_MOVE, OP_CALL_TIMED, OP_RECV, OP_REPLY_RECV, OP_SAVE_REPLY, OP_ANSWER,
                OP_ANSWER_MOVE, OP_CLOSE_REPLY, OP_CANCEL, OP_EXIT_OTHER, OP_KILL, OP_TIME, OP_COUNT},
    }));
}

TEST(notifications) {
    CHECK(run(&(struct search){
        .name = "notifications",
        .depth = 7,
        .plan = {.clients = 1, .servers = 2},
        .ops = {OP_SIGNAL, OP_WAIT, OP_WAIT_TIMED, OP_BIND, OP_UNBIND, OP_RECV, OP_RECV_TIMED, OP_SEND,
                OP_CLOSE_NOTIFICATION, OP_CLOSE_ENDPOINT, OP_WATCH, OP_CANCEL, OP_EXIT, OP_KILL, OP_TIME,
                OP_COUNT},
    }));
}

TEST(faults) {
    CHECK(run(&(struct search){
        .name = "faults",
        .depth = 6,
        .plan = {.clients = 2, .servers = 2, .supervised = true},
        .ops = {OP_FAULT, OP_CALL, OP_RECV, OP_REPLY_RECV, OP_REPLY_END, OP_SAVE_REPLY, OP_ANSWER,
                OP_CLOSE_REPLY, OP_CLOSE_ENDPOINT, OP_CANCEL, OP_EXIT_OTHER, OP_KILL, OP_COUNT},
    }));
}

// Threads that are to end but have not yet, because the reaper has other things to do.
TEST(slow_ends) {
    CHECK(run(&(struct search){
        .name = "slow ends",
        .depth = 5,
        .plan = {.clients = 2, .servers = 1, .supervised = true},
        .ops = {OP_BACKLOG,    OP_CALL,       OP_CALL_TIMED, OP_CALL_MOVE, OP_SEND,        OP_RECV,
                OP_REPLY_RECV, OP_REPLY_MOVE, OP_SAVE_REPLY, OP_ANSWER,    OP_ANSWER_MOVE, OP_SIGNAL,
                OP_WAIT,       OP_BIND,       OP_FAULT,      OP_CANCEL,    OP_KILL,        OP_CLOSE_ENDPOINT,
                OP_EXIT_OTHER, OP_TIME,       OP_COUNT},
    }));
}
