// The ring, exhaustively in the small: every sequence of a plan's steps up to its depth, on the real kernel, with a ring
// of four entries and two requests, one server and one notification. Sequences that lead to the same state are followed
// once from there. After every step the invariants are checked, every entry taken must have completed once or be in
// flight, and every sequence ends with everything taken apart and given back.
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi/gen/abi.h"
#include "base/test.h"
#include "kernel/arch/host/invariants.h"
#include "kernel/arch/host/machine.h"
#include "kernel/ipc/ring_index.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/reaper.h"
#include "kernel/object/ring.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"

constexpr uint32_t ENTRIES = 4, REQUESTS = 2, MAX_DEPTH = 12;
constexpr uint64_t NO_WORDS[MESSAGE_WORDS] = {};
#define WORDS(...) ((const uint64_t[MESSAGE_WORDS]){__VA_ARGS__})

enum step : uint8_t {
    // The owner puts one entry and enters without waiting.
    PUT_NOP,
    PUT_NOP_LINK,
    PUT_CALL,
    PUT_CALL_LINK,
    PUT_CALL_TIMED,
    PUT_CALL_ACCEPT,  // takes a handle
    PUT_CALL_EARLIER, // on the handle of the entry before, and takes one
    PUT_CALL_EARLIER_TIMED,
    PUT_CALL_METHOD,  // of a kernel object, on the handle of the entry before
    PUT_RELEASE_EARLIER,
    PUT_RECV,
    PUT_RETURN, // for the last token
    PUT_RETURN_AGAIN,
    PUT_WAIT,
    PUT_TIMEOUT,
    PUT_TIMEOUT_EARLIER,
    PUT_CANCEL_LAST,
    PUT_CANCEL_BEFORE,
    READ,       // all completions
    SLEEP,      // ring_enter until one more is there
    SLEEP_TIMED,
    CANCEL_OWNER,
    CLOSE_RING,
    END_OWNER,
    KILL_CLIENT,
    SERVER_RECV,
    SERVER_REPLY,
    SERVER_REPLY_ERROR,
    SERVER_REPLY_HANDLE,
    SERVER_DROP, // receives again without an answer
    CLOSE_ENDPOINT,
    KILL_SERVER,
    SIGNAL,
    TIME,
    CALL_SERVICE, // the server calls the owner's service
    CALL_SERVICE_TIMED,
    SEND_SERVICE,
    STEP_COUNT,
};

// ---- the world -------------------------------------------------------------------------------------

static struct {
    struct account *root;
    struct process *client, *server;
    struct thread *owner, *helper, *s0;
    struct endpoint *endpoint;
    struct notification *notification;
    struct ring *ring; // null once it has been ended
    struct endpoint *service; // which the owner may receive from
    uint64_t service_at_client, service_at_server;
    uint64_t account, vspace, ring_handle, own_process, owner_handle, signal, at_client, at_server;
    uint32_t submitted, seen, token;
    uint64_t next_deadline_ns;
    uint64_t completed; // bit n: entry n has
    bool twice;
} world;

static void world_begin(void) {
    host_processor_reset();
    memset(&world, 0, sizeof(world));
    world.root = account_create_root(8 << 20);
    world.client = host_process(world.root, "client");
    world.server = host_process(world.root, "server");
    world.s0 = host_thread(world.server, BAND_NORMAL, 0);
    world.owner = host_thread(world.client, BAND_NORMAL, 0);
    world.helper = host_thread(world.client, BAND_NORMAL, 0);
    constexpr uint32_t SHARE = RIGHT_TRANSFER_BIT | RIGHT_COPY_BIT | RIGHT_SEND_BIT;
    world.endpoint = host_endpoint(world.server, SHARE | RIGHT_RECEIVE_BIT, &world.at_server);
    world.at_client = host_give(world.client, &world.endpoint->object, SHARE, 0);
    world.service = host_endpoint(world.client, SHARE | RIGHT_RECEIVE_BIT, &world.service_at_client);
    world.service_at_server = host_give(world.server, &world.service->object, SHARE, 0);
    world.notification = host_notification(world.client, &world.signal);
    world.account = host_give(world.client, &world.root->object, RIGHT_CREATE_BIT, 0);
    world.vspace = host_give(world.client, &world.client->vspace->object, RIGHT_MAP_BIT, 0);
    world.own_process = host_give(world.client, &world.client->object, RIGHT_MANAGE_BIT | RIGHT_KILL_BIT, 0);
    world.owner_handle = host_give(world.client, &world.owner->object, RIGHT_MANAGE_BIT, 0);
    (void)host_run(world.owner);
    (void)HOST_METHOD(world.account, ACCOUNT_CREATE_RING, ENTRIES, REQUESTS, 0, 0, world.vspace, 0).code;
    world.ring_handle = host_user.words[0];
    world.ring = world.owner->ring;
    world.next_deadline_ns = host_cycles + 1'000'000;
}

static bool world_end(void) {
    struct process *const all[] = {world.client, world.server};
    return host_finish(world.root, all, 2);
}

static uint64_t a_deadline(void) {
    return world.next_deadline_ns += 1'000'000;
}

static bool put(struct ring_entry entry) {
    struct ring_header *header = world.ring->header;
    if (world.submitted - header->submission_head == ENTRIES || world.submitted == 64 || !host_run(world.owner)) {
        return false;
    }
    entry.user_data = world.submitted;
    world.ring->entries[world.submitted & world.ring->mask] = entry;
    header->submission_tail = ++world.submitted;
    host_syscall(SYS_RING_ENTER, world.ring_handle, ENTRIES, DEADLINE_POLL, NO_WORDS);
    return true;
}

static struct ring_entry entry_for(uint8_t op, uint64_t target, uint8_t flags, uint64_t deadline_ns) {
    return (struct ring_entry){.op = op, .target = (uint32_t)target, .flags = flags, .deadline_ns = deadline_ns};
}

// Entries whose answers bring handles share a buffer: its contents do not matter here.
static struct ring_entry accepting(struct ring_entry entry) {
    entry.buffer = 1;
    entry.info |= 1ull << MESSAGE_ACCEPT_SHIFT;
    return entry;
}

static bool put_entry(enum step step) {
    const uint64_t call = world.at_client;
    const uint32_t before = world.submitted - 1;
    struct ring_entry entry;
    switch (step) {
    case PUT_NOP: return put(entry_for(RING_NOP, 0, 0, 0));
    case PUT_NOP_LINK: return put(entry_for(RING_NOP, 0, RING_LINK, 0));
    case PUT_CALL: return put(entry_for(RING_CALL, call, 0, DEADLINE_NEVER));
    case PUT_CALL_LINK: return put(entry_for(RING_CALL, call, RING_LINK, DEADLINE_NEVER));
    case PUT_CALL_TIMED: return put(entry_for(RING_CALL, call, 0, a_deadline()));
    case PUT_CALL_ACCEPT: return put(accepting(entry_for(RING_CALL, call, 0, DEADLINE_NEVER)));
    case PUT_CALL_EARLIER: return put(accepting(entry_for(RING_CALL, before, RING_EARLIER, DEADLINE_NEVER)));
    case PUT_CALL_EARLIER_TIMED: return put(entry_for(RING_CALL, before, RING_EARLIER, a_deadline()));
    case PUT_CALL_METHOD:
        entry = entry_for(RING_CALL, world.account, 0, DEADLINE_NEVER);
        entry.info = ACCOUNT_CREATE_NOTIFICATION;
        return put(entry);
    case PUT_RELEASE_EARLIER: return put(entry_for(RING_RELEASE, before, RING_EARLIER, 0));
    case PUT_RECV: return put(entry_for(RING_RECV, world.service_at_client, 0, DEADLINE_NEVER));
    case PUT_RETURN: return put(entry_for(RING_RETURN, world.token, 0, 0));
    case PUT_RETURN_AGAIN: return put(entry_for(RING_RETURN, world.token, RING_AGAIN, DEADLINE_NEVER));
    case PUT_WAIT: return put(entry_for(RING_WAIT, world.signal, 0, DEADLINE_NEVER));
    case PUT_TIMEOUT: return put(entry_for(RING_TIMEOUT, 0, RING_LINK, a_deadline()));
    case PUT_TIMEOUT_EARLIER: return put(entry_for(RING_TIMEOUT, before, RING_EARLIER, a_deadline()));
    case PUT_CANCEL_LAST:
    case PUT_CANCEL_BEFORE:
        entry = entry_for(RING_CANCEL, 0, 0, 0);
        entry.words[0] = step == PUT_CANCEL_LAST ? before : before - 1;
        return put(entry);
    default: return false;
    }
}

static bool read_completions(void) {
    struct ring_header *header = world.ring->header;
    if (header->completion_tail == world.seen) {
        return false;
    }
    while (header->completion_tail != world.seen) {
        const struct ring_completion *completion = completion_at(world.ring, world.seen++);
        world.twice |= completion->user_data >= world.submitted || (world.completed >> completion->user_data & 1) != 0;
        world.completed |= 1ull << completion->user_data;
        world.token = completion->token != 0 ? completion->token : world.token;
    }
    header->completion_head = world.seen;
    return true;
}

static bool reply(uint64_t info) {
    if (!host_run(world.s0) || world.s0->caller == nullptr) {
        return false;
    }
    host_syscall(SYS_REPLY_RECV, 0, info, DEADLINE_POLL, WORDS(0, 0, 0, 0, 0, 0, world.at_server));
    return true;
}

static bool end_thing(uint64_t handle, uint32_t method, uint64_t word) {
    if (!host_run(world.helper)) {
        return false;
    }
    (void)HOST_METHOD(handle, method, word).code;
    host_settle();
    return true;
}

static bool other_step(enum step step) {
    switch (step) {
    case SERVER_RECV:
    case SERVER_DROP:
        if (!host_run(world.s0) || (world.s0->caller != nullptr) != (step == SERVER_DROP)) {
            return false;
        }
        host_syscall(SYS_RECV, world.at_server, 4ull << MESSAGE_ACCEPT_SHIFT, DEADLINE_NEVER, NO_WORDS);
        return true;
    case SERVER_REPLY: return reply(0);
    case SERVER_REPLY_ERROR: return reply(1);
    case SERVER_REPLY_HANDLE: return reply(message_info(0, 0, 1, 0));
    case CLOSE_ENDPOINT: {
        const bool closed = status_ok(handle_close(world.server, world.at_server));
        host_timer();
        return closed;
    }
    case KILL_SERVER:
        if (world.server->state >= PROCESS_ENDED) {
            return false;
        }
        process_end(world.server, &(struct exit_record){.kind = EXIT_KILLED});
        host_timer();
        host_settle();
        return true;
    case SIGNAL:
        if (!host_run(world.helper)) {
            return false;
        }
        host_syscall(SYS_SIGNAL, world.signal, 0, 0, WORDS(1));
        return true;
    case TIME: return host_wait_for_timer();
    case CALL_SERVICE:
    case CALL_SERVICE_TIMED:
    case SEND_SERVICE:
        if (!host_run(world.s0)) {
            return false;
        }
        host_syscall(step == SEND_SERVICE ? SYS_SEND : SYS_CALL, world.service_at_server, 3,
                     step == CALL_SERVICE_TIMED ? a_deadline() : DEADLINE_NEVER, NO_WORDS);
        return true;
    case CLOSE_RING:
    case END_OWNER:
    case KILL_CLIENT: {
        const bool done = step == CLOSE_RING  ? end_thing(world.own_process, PROCESS_HANDLE_CLOSE, world.ring_handle)
                          : step == END_OWNER ? end_thing(world.owner_handle, THREAD_EXIT, 0)
                                              : end_thing(world.own_process, PROCESS_EXIT, 0);
        world.ring = done ? nullptr : world.ring;
        return done;
    }
    case CANCEL_OWNER: return world.owner->state == THREAD_WAITING && end_thing(world.owner_handle, THREAD_CANCEL, 0);
    default: return false;
    }
}

// False when the step cannot be done in this state.
static bool world_step(enum step step) {
    if (step >= SERVER_RECV) {
        return other_step(step);
    }
    if (world.ring == nullptr) {
        return false;
    }
    if (step < READ) {
        return put_entry(step);
    }
    if (step == READ) {
        return read_completions();
    }
    if (step == SLEEP || step == SLEEP_TIMED) {
        if (!host_run(world.owner)) {
            return false;
        }
        const uint64_t there = world.ring->header->completion_tail - world.seen;
        host_syscall(SYS_RING_ENTER, world.ring_handle, ENTRIES, step == SLEEP ? DEADLINE_NEVER : a_deadline(),
                     WORDS(there + 1));
        return true;
    }
    return other_step(step);
}

// ---- what must be true -----------------------------------------------------------------------------

// Whether the entry is still in flight.
static bool is_in_flight(const struct ring *ring, uint32_t sequence) {
    for (uint32_t i = 0; i < REQUESTS; i++) {
        const struct ring_request *request = &ring->requests[i];
        if (request->phase != REQUEST_FREE && request->phase != REQUEST_UNANSWERED && request->sequence == sequence) {
            return true;
        }
    }
    return false;
}

static const char *complaint(void) {
    if (!thread_check(world.s0) && world.server->state < PROCESS_ENDED) {
        return "the server's thread";
    }
    if (world.server->state < PROCESS_ENDED && process_slot(world.server, world.at_server) != nullptr &&
        !endpoint_check(world.endpoint)) {
        return "the endpoint";
    }
    if (world.ring == nullptr) {
        return nullptr;
    }
    struct ring *ring = world.ring;
    if (!ring_check(ring)) {
        return "the ring";
    }
    spin_lock(&ring->lock);
    const uint32_t taken = ring->head, added = ring->tail, pending = ring->pending;
    const bool idle = list_empty(&ring->startable), local = !list_empty(&ring->local), sleeping = ring->sleeping;
    const bool enough = sleeping && ring_reached(ring->tail, ring->goal);
    spin_unlock(&ring->lock);
    if (taken != added + pending) {
        return "an entry neither completed nor in flight";
    }
    if (world.twice) {
        return "a completion that nobody asked for, or twice";
    }
    if (!idle) {
        return "what could be started was not";
    }
    if (sleeping && (enough || local || pending == 0)) {
        return "an owner that sleeps although it has something to do";
    }
    for (uint32_t i = 0; i < REQUESTS; i++) {
        struct ring_request *request = &ring->requests[i];
        if (request->phase == REQUEST_ACTIVE &&
            (request->thread.state < THREAD_SENDING || !thread_check(&request->thread))) {
            return "an active request that waits for nothing";
        }
        if (request->phase == REQUEST_HELD &&
            (((request->waits & WAITS_LINK) != 0 && !is_in_flight(ring, request->sequence - 1)) ||
             ((request->waits & WAITS_EARLIER) != 0 && !is_in_flight(ring, request->entry.target)))) {
            return "a request that is held for what is over";
        }
        if (request->phase == REQUEST_HELD && request->waits == 0 && (request->thread.flags & THREAD_TIMED) == 0) {
            return "a request that is held for nothing";
        }
    }
    return nullptr;
}

// ---- the search ------------------------------------------------------------------------------------

struct plan {
    const char *name;
    uint32_t depth;
    uint8_t steps[STEP_COUNT + 1]; // ended by STEP_COUNT
};

static const struct plan *now_searching;
static uint8_t path[MAX_DEPTH]; // indices into its steps
static uint32_t path_len;

static void say_where(void) {
    fprintf(stderr, "%s:", now_searching == nullptr ? "outside" : now_searching->name);
    for (uint32_t i = 0; now_searching != nullptr && i < path_len; i++) {
        fprintf(stderr, " %u", now_searching->steps[path[i]]);
    }
    fputc('\n', stderr);
}

static void aborted(int signal) {
    (void)signal;
    say_where();
    _Exit(1);
}

[[gnu::constructor]] static void begin(void) {
    host_machine_init(32 << 20);
    __sanitizer_set_death_callback(say_where);
    signal(SIGABRT, aborted); // a kernel panic
}

// Plays `path` as far as it goes; path_len is then the first step that could not be done, or all. False when
// something is wrong.
static bool play(const struct plan *plan, uint32_t depth) {
    const char *wrong = nullptr;
    world_begin();
    for (path_len = 0; path_len < depth && wrong == nullptr; path_len++) {
        if (!world_step((enum step)plan->steps[path[path_len]])) {
            break;
        }
        wrong = complaint();
    }
    if (wrong != nullptr) {
        fprintf(stderr, "%s\n", wrong);
        say_where();
        return false;
    }
    if (!world_end()) {
        say_where();
        return false;
    }
    return true;
}

// Every sequence of the plan's steps, in order; those that begin with what cannot be done only once.
static bool run(const struct plan *plan) {
    const char *deeper = getenv("RING_MODEL_DEEPER");
    uint32_t depth = plan->depth + (deeper == nullptr ? 0 : (uint32_t)atoi(deeper)), count = 0;
    depth = depth < MAX_DEPTH ? depth : MAX_DEPTH;
    uint64_t sequences = 0;
    now_searching = plan;
    while (plan->steps[count] != STEP_COUNT) {
        count++;
    }
    memset(path, 0, sizeof(path));
    for (bool more = true; more;) {
        if (!play(plan, depth)) {
            return false;
        }
        sequences += path_len == depth;
        uint32_t at = path_len < depth ? path_len : depth - 1;
        memset(&path[at + 1], 0, MAX_DEPTH - at - 1);
        while (++path[at] == count && at > 0) {
            path[at--] = 0;
        }
        more = path[0] < count;
    }
    now_searching = nullptr;
    printf("%s: depth %u, %llu sequences\n", plan->name, depth, (unsigned long long)sequences);
    return true;
}

// ---- plans -----------------------------------------------------------------------------------------

TEST(promises) {
    CHECK(run(&(struct plan){
        "promises", 6,
        {PUT_CALL_ACCEPT, PUT_CALL_EARLIER, PUT_RELEASE_EARLIER, SERVER_RECV, SERVER_REPLY_HANDLE, SERVER_REPLY, SLEEP,
         PUT_CANCEL_LAST, STEP_COUNT}}));
}

TEST(promises_and_ends) {
    CHECK(run(&(struct plan){
        "promises and ends", 5,
        {PUT_CALL_ACCEPT, PUT_CALL_EARLIER, PUT_CALL_EARLIER_TIMED, PUT_CALL_METHOD, SERVER_RECV, SERVER_REPLY_HANDLE,
         SERVER_DROP, READ, TIME, CLOSE_ENDPOINT, KILL_SERVER, CLOSE_RING, END_OWNER, KILL_CLIENT, STEP_COUNT}}));
}

TEST(links_and_times) {
    CHECK(run(&(struct plan){
        "links and times", 5,
        {PUT_NOP, PUT_NOP_LINK, PUT_CALL_LINK, PUT_CALL_TIMED, PUT_TIMEOUT, PUT_TIMEOUT_EARLIER, SERVER_RECV, SERVER_REPLY,
         SERVER_REPLY_ERROR, TIME, PUT_CANCEL_LAST, PUT_CANCEL_BEFORE, SLEEP_TIMED, STEP_COUNT}}));
}

TEST(servers_and_waiters) {
    CHECK(run(&(struct plan){
        "servers and waiters", 5,
        {PUT_RECV, PUT_RETURN, PUT_RETURN_AGAIN, PUT_WAIT, SIGNAL, CALL_SERVICE, CALL_SERVICE_TIMED, SEND_SERVICE, READ, TIME, SLEEP,
         PUT_CANCEL_LAST, CANCEL_OWNER, CLOSE_RING, KILL_CLIENT, STEP_COUNT}}));
}
