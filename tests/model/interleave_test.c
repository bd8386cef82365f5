// Two processors over the endpoint and the ring: pairs of operations in all interleavings up to a number of
// pre-emptions (tests/model/processors.h), on the real kernel.
//
// A plan says what each thread does: first, one thread after the other, what leads to the scene; then, at once on two
// processors, what races; threads that are woken meanwhile go on with what they have to do. When nothing
// happens any more, everything must be in order: no thread lost, none in two queues, each call ended once, what was
// answered was heard, and at last every object, handle and byte is given back.
//
// `interleave_test PLAN` runs the plans with that in their name; INTERLEAVE_PREEMPTIONS=3 goes deeper than the tests
// do, INTERLEAVE_AT="12 40" plays one interleaving, as a failure reports it.
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
#include "kernel/object/ring.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"
#include "tests/model/processors.h"

enum who : uint8_t { C0, C1, S0, S1, WHO_COUNT }; // two threads of the client, two of the server

enum op : uint8_t {
    END, // of a list
    // Of clients, on the endpoint.
    CALL,
    CALL_TIMED,
    CALL_HANDLE, // moves a handle
    CALL_PAGE,
    SEND,
    SEND_TIMED,
    // Of servers.
    RECV,
    RECV_TIMED,
    RECV_POLL,
    REPLY, // and nothing else
    REPLY_RECV,
    REPLY_RECV_TIMED,
    SAVE_REPLY,
    ANSWER_SAVED,
    // Of anybody.
    SIGNAL,
    WAIT,
    WAIT_TIMED,
    CANCEL_C0,
    CANCEL_S0,
    END_C0, // the thread
    END_S0,
    HURRY_C0, // another band
    MOVE_C0,  // to the other processor
    KILL_CLIENT,
    KILL_SERVER,
    CLOSE_SEND,
    CLOSE_RECEIVE,
    REVOKE, // the clients' right to send
    BIND,   // the notification to the endpoint
    CALL_SERVICE, // of C0's ring
    // Of C0, which has a ring.
    RING_OPEN,
    PUT_CALL, // an entry, and enters without waiting
    PUT_CALL_TIMED,
    PUT_CALL_ACCEPT,
    PUT_CALL_EARLIER,
    PUT_WAIT,
    PUT_TIMEOUT,
    PUT_TIMEOUT_EARLIER,
    PUT_CANCEL, // the entry before
    PUT_RECV,   // from the service
    PUT_AGAIN,  // answers the call that came last, and receives
    SLEEP,      // until one more has completed
    SLEEP_TIMED,
    CLOSE_RING, // of another thread
    WAIT_FOR_NOTHING,
};

constexpr uint32_t OPS_MAX = 6, RING_ENTRIES = 4;
constexpr uint64_t SHORTLY_NS = 1'000'000;

struct script {
    enum who who;
    uint8_t before[OPS_MAX], race[OPS_MAX];
};

struct plan {
    const char *name;
    uint32_t preemptions;
    struct script scripts[WHO_COUNT];
    uint32_t count;
};

// ---- the world -------------------------------------------------------------------------------------

struct actor {
    struct thread *thread; // referenced
    const struct script *script;
    uint32_t done;         // of its operations, `before` first
    uint8_t asked;         // what it is at; END: nothing
    uint64_t saved_reply;
};

static struct {
    const struct plan *plan;
    struct account *root;
    struct process *processes[2]; // client, server
    struct actor actors[WHO_COUNT];
    uint32_t preparing; // whose turn it is before the race
    bool racing;
    struct endpoint *endpoint, *service;
    struct notification *notification, *nothing;
    struct ring *ring; // null once it has been ended
    uint32_t submitted, seen, completions[64];
    uint64_t account, vspace, ring_handle;
    // Handles, by process.
    uint64_t thread_handle[2][WHO_COUNT], process_handle[2][2], send[2], receive, signal[2], never[2], carried,
        service_send, service_receive;
    koid_t carried_koid;
    uint32_t heard, answered, sent, received; // answers to calls and sends that arrived, by either side's account
} world;

static bool of_server(enum who who) {
    return who >= S0;
}

// The clients' handle derives from the server's, which can revoke it.
static void share_endpoint(void) {
    constexpr uint32_t SEND_RIGHTS = RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT;
    struct capability from;
    uint64_t handle;
    world.endpoint = host_endpoint(world.processes[1], SEND_RIGHTS | RIGHT_RECEIVE_BIT, &world.receive);
    if (status_ok(handle_read(world.processes[1], world.receive, &from)) &&
        status_ok(handle_duplicate(&from, world.processes[0], (rights_t){SEND_RIGHTS}, 5, 0, ORIGIN_REQUEST, &handle))) {
        world.send[0] = handle;
    }
}

static void give_handles(uint32_t to) {
    struct process *process = world.processes[to];
    for (uint32_t i = 0; i < WHO_COUNT; i++) {
        if (world.actors[i].thread != nullptr) {
            world.thread_handle[to][i] = host_give(process, &world.actors[i].thread->object, RIGHT_MANAGE_BIT, 0);
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        world.process_handle[to][i] = host_give(process, &world.processes[i]->object, RIGHT_MANAGE_BIT | RIGHT_KILL_BIT, 0);
    }
    constexpr uint32_t RIGHTS = RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT;
    world.signal[to] = host_give(process, &world.notification->object, RIGHTS, 0);
    world.never[to] = host_give(process, &world.nothing->object, RIGHTS, 0);
}

static void world_begin(const struct plan *plan) {
    memset(&world, 0, sizeof(world));
    world.plan = plan;
    world.root = account_create_root(8 << 20);
    world.processes[0] = host_process(world.root, "client");
    world.processes[1] = host_process(world.root, "server");
    share_endpoint();
    world.service = host_endpoint(world.processes[0], RIGHT_SEND_BIT | RIGHT_RECEIVE_BIT, &world.service_receive);
    world.service_send = host_give(world.processes[1], &world.service->object, RIGHT_SEND_BIT, 0);
    uint64_t unused;
    world.notification = host_notification(world.processes[1], &unused);
    world.nothing = host_notification(world.processes[1], &unused);
    struct notification *carried = host_notification(world.processes[0], &world.carried);
    world.carried_koid = carried->object.koid;
    world.account = host_give(world.processes[0], &world.root->object, RIGHT_CREATE_BIT, 0);
    world.vspace = host_give(world.processes[0], &world.processes[0]->vspace->object, RIGHT_MAP_BIT, 0);
    for (uint32_t i = 0; i < plan->count; i++) {
        const enum who who = plan->scripts[i].who;
        struct actor *actor = &world.actors[who];
        struct process *process = world.processes[of_server(who)];
        if (!status_ok(thread_create(process, BAND_NORMAL, &actor->thread)) ||
            !host_message_page(actor->thread, 0x10'0000 + who * PAGE_BYTES)) {
            abort();
        }
        actor->script = &plan->scripts[i];
    }
    give_handles(0);
    give_handles(1);
    for (world.preparing = 0; world.preparing < plan->count; world.preparing++) {
        thread_start(world.actors[plan->scripts[world.preparing].who].thread, USER_LOWEST, 0, 0, 0);
        processors_settle();
    }
    world.racing = true;
}

static bool world_end(void) {
    for (uint32_t i = 0; i < WHO_COUNT; i++) {
        if (world.actors[i].thread != nullptr) {
            object_put(&world.actors[i].thread->object);
        }
    }
    return processors_finish(world.root, world.processes, 2);
}

// ---- operations ------------------------------------------------------------------------------------

#define WORDS(...) ((const uint64_t[MESSAGE_WORDS]){__VA_ARGS__})
constexpr uint64_t ACCEPT = 2ull << MESSAGE_ACCEPT_SHIFT;
constexpr uint32_t ANSWER_LABEL = 0;

static void method(uint64_t handle, uint32_t number, uint64_t word0, uint64_t word1) {
    host_syscall(SYS_CALL, handle, number, DEADLINE_NEVER, WORDS(word0, word1));
}

static void enter_ring(uint64_t min_complete, uint64_t deadline_ns) {
    host_syscall(SYS_RING_ENTER, world.ring_handle, RING_ENTRIES, deadline_ns, WORDS(min_complete));
}

// No completion is ever taken.
static uint64_t unread(void) {
    return world.ring == nullptr ? 0 : world.ring->header->completion_tail;
}

static void put(struct ring_entry entry) {
    if (world.ring == nullptr) {
        return enter_ring(0, DEADLINE_POLL); // what was its memory is anything
    }
    struct ring_header *header = world.ring->header;
    entry.user_data = world.submitted;
    world.ring->entries[world.submitted & world.ring->mask] = entry;
    header->submission_tail = ++world.submitted;
    enter_ring(0, DEADLINE_POLL);
}

static struct ring_entry entry_for(uint8_t op, uint64_t target, uint64_t deadline_ns) {
    return (struct ring_entry){.op = op, .target = (uint32_t)target, .deadline_ns = deadline_ns};
}

// Of the call that came last; 0, which is none, when none has.
static uint32_t last_token(void) {
    uint32_t token = 0;
    for (uint32_t i = 0; world.ring != nullptr && i != world.ring->header->completion_tail; i++) {
        const struct ring_completion *completion = completion_at(world.ring, i);
        token = completion->token != 0 ? completion->token : token;
    }
    return token;
}

static void put_entry(enum op op) {
    const uint64_t call = world.send[0], soon_ns = host_cycles + SHORTLY_NS;
    struct ring_entry entry = {};
    switch (op) {
    case PUT_CALL: entry = entry_for(RING_CALL, call, DEADLINE_NEVER); break;
    case PUT_CALL_TIMED: entry = entry_for(RING_CALL, call, soon_ns); break;
    case PUT_CALL_ACCEPT:
        entry = entry_for(RING_CALL, call, DEADLINE_NEVER);
        entry.buffer = 1;
        entry.info = 1ull << MESSAGE_ACCEPT_SHIFT;
        break;
    case PUT_CALL_EARLIER:
        entry = entry_for(RING_CALL, world.submitted - 1, DEADLINE_NEVER);
        entry.flags = RING_EARLIER;
        break;
    case PUT_WAIT: entry = entry_for(RING_WAIT, world.signal[0], DEADLINE_NEVER); break;
    case PUT_TIMEOUT: entry = entry_for(RING_TIMEOUT, 0, soon_ns); break;
    case PUT_TIMEOUT_EARLIER:
        entry = entry_for(RING_TIMEOUT, world.submitted - 1, soon_ns);
        entry.flags = RING_EARLIER;
        break;
    case PUT_RECV: entry = entry_for(RING_RECV, world.service_receive, DEADLINE_NEVER); break;
    case PUT_AGAIN:
        entry = entry_for(RING_RETURN, last_token(), DEADLINE_NEVER);
        entry.flags = RING_AGAIN;
        break;
    default:
        entry = entry_for(RING_CANCEL, 0, 0);
        entry.words[0] = world.submitted - 1;
        break;
    }
    put(entry);
}

// Enters the kernel once.
static void perform(struct actor *actor, enum who who, enum op op) {
    const uint32_t own = of_server(who);
    const uint64_t *threads = world.thread_handle[own], *processes = world.process_handle[own];
    const uint64_t soon_ns = host_cycles + SHORTLY_NS, send = world.send[0];
    switch (op) {
    case CALL: return host_syscall(SYS_CALL, send, ACCEPT, DEADLINE_NEVER, WORDS(7));
    case CALL_TIMED: return host_syscall(SYS_CALL, send, ACCEPT, soon_ns, WORDS(7));
    case CALL_HANDLE:
        return host_syscall(SYS_CALL, send, message_info(0, 0, 1, 1) | ACCEPT, DEADLINE_NEVER,
                            WORDS(7, 0, 0, 0, 0, 0, world.carried));
    case CALL_PAGE: return host_syscall(SYS_CALL, send, message_info(0, 64, 0, 0), DEADLINE_NEVER, WORDS(7));
    case SEND: return host_syscall(SYS_SEND, send, 0, DEADLINE_NEVER, WORDS(7));
    case SEND_TIMED: return host_syscall(SYS_SEND, send, 0, soon_ns, WORDS(7));
    case RECV: return host_syscall(SYS_RECV, world.receive, ACCEPT, DEADLINE_NEVER, WORDS(0));
    case RECV_TIMED: return host_syscall(SYS_RECV, world.receive, ACCEPT, soon_ns, WORDS(0));
    case RECV_POLL: return host_syscall(SYS_RECV, world.receive, ACCEPT, DEADLINE_POLL, WORDS(0));
    case REPLY: return host_syscall(SYS_REPLY_RECV, 0, ANSWER_LABEL, DEADLINE_NEVER, WORDS(8));
    case REPLY_RECV: return host_syscall(SYS_REPLY_RECV, world.receive, ACCEPT, DEADLINE_NEVER, WORDS(8));
    case REPLY_RECV_TIMED: return host_syscall(SYS_REPLY_RECV, world.receive, ACCEPT, soon_ns, WORDS(8));
    case SAVE_REPLY: return method(threads[who], THREAD_SAVE_REPLY, 0, 0);
    case ANSWER_SAVED: return host_syscall(SYS_SEND, actor->saved_reply, ANSWER_LABEL, DEADLINE_NEVER, WORDS(8));
    case SIGNAL: return host_syscall(SYS_SIGNAL, world.signal[own], 0, 0, WORDS(1));
    case WAIT: return host_syscall(SYS_WAIT, world.signal[own], 0, DEADLINE_NEVER, WORDS(0));
    case WAIT_TIMED: return host_syscall(SYS_WAIT, world.signal[own], 0, soon_ns, WORDS(0));
    case CANCEL_C0: return method(threads[C0], THREAD_CANCEL, 0, 0);
    case CANCEL_S0: return method(threads[S0], THREAD_CANCEL, 0, 0);
    case END_C0: return method(threads[C0], THREAD_EXIT, 0, 0);
    case END_S0: return method(threads[S0], THREAD_EXIT, 0, 0);
    case HURRY_C0: return method(threads[C0], THREAD_SET_BAND, BAND_BACKGROUND, 0);
    case MOVE_C0: return method(threads[C0], THREAD_SET_AFFINITY, 2 >> (world.actors[C0].thread->cpu.v & 1), 0);
    case KILL_CLIENT: return method(processes[0], PROCESS_EXIT, 0, 0);
    case KILL_SERVER: return method(processes[1], PROCESS_EXIT, 0, 0);
    case CLOSE_SEND: return method(processes[0], PROCESS_HANDLE_CLOSE, send, 0);
    case CLOSE_RECEIVE: return method(processes[1], PROCESS_HANDLE_CLOSE, world.receive, 0);
    case REVOKE: return method(processes[1], PROCESS_HANDLE_REVOKE, world.receive, 0);
    case BIND: return method(world.signal[own], NOTIFICATION_BIND, world.receive, 0);
    case CALL_SERVICE: return host_syscall(SYS_CALL, world.service_send, 0, DEADLINE_NEVER, WORDS(7));
    case RING_OPEN:
        return host_syscall(SYS_CALL, world.account, ACCOUNT_CREATE_RING, DEADLINE_NEVER,
                            WORDS(RING_ENTRIES, 2, 0, 0, world.vspace, 0));
    case SLEEP: return enter_ring(unread() + 1, DEADLINE_NEVER);
    case SLEEP_TIMED: return enter_ring(unread() + 1, soon_ns);
    case CLOSE_RING: return method(processes[0], PROCESS_HANDLE_CLOSE, world.ring_handle, 0);
    case END:
    case WAIT_FOR_NOTHING: return host_syscall(SYS_WAIT, world.never[own], 0, DEADLINE_NEVER, WORDS(0));
    default: return put_entry(op);
    }
}

// Whether an answer with this outcome has reached its caller: what failed, if anything, is the receiving after it.
static bool was_answered(uint32_t status) {
    return status != STATUS_CODE_NO_CALLER && status != STATUS_CODE_BAD_HANDLE && status != STATUS_CODE_BAD_ARGUMENT &&
           status != STATUS_CODE_PEER_DIED;
}

// The operation that the current thread was at has come back.
static void note_outcome(struct actor *actor) {
    const enum op op = actor->asked;
    const bool good = host_user.status == 0;
    actor->asked = END;
    world.heard += good && op >= CALL && op <= CALL_PAGE;
    world.sent += good && (op == SEND || op == SEND_TIMED);
    world.answered += op >= REPLY && op <= REPLY_RECV_TIMED && was_answered(host_user.status);
    world.answered += op == ANSWER_SAVED && good;
    const bool receives = (op >= RECV && op <= RECV_POLL) || op == REPLY_RECV || op == REPLY_RECV_TIMED;
    world.received += good && receives && (host_user.info & (MESSAGE_WANTS_REPLY | MESSAGE_NOTIFICATION)) == 0;
    if (op == SAVE_REPLY) {
        actor->saved_reply = good ? host_user.words[0] : 0;
    } else if (op == RING_OPEN) {
        world.ring_handle = host_user.words[0];
        world.ring = actor->thread->ring;
    }
}

static bool next_step(struct thread *thread) {
    for (uint32_t i = 0; i < WHO_COUNT; i++) {
        struct actor *actor = &world.actors[i];
        if (actor->thread != thread) {
            continue;
        }
        if (actor->asked != END) {
            note_outcome(actor);
        }
        if (world.ring != nullptr && world.actors[C0].thread->ring == nullptr) {
            world.ring = nullptr;
        }
        const struct script *script = actor->script;
        uint32_t before = 0;
        while (before < OPS_MAX && script->before[before] != END) {
            before++;
        }
        enum op op = actor->done < before            ? script->before[actor->done]
                     : actor->done - before < OPS_MAX ? script->race[actor->done - before]
                                                      : END;
        if (actor->done >= before && op != END && !world.racing) {
            return false;
        }
        if (actor->done == 0 && actor->script != &world.plan->scripts[world.preparing] && !world.racing) {
            return false;
        }
        actor->done += op != END;
        actor->asked = op == END ? WAIT_FOR_NOTHING : op;
        perform(actor, (enum who)i, actor->asked);
        return true;
    }
    return false;
}

// ---- what must be true -----------------------------------------------------------------------------

static bool waits_rightly(const struct thread *thread) {
    switch (thread_state(thread)) {
    case THREAD_DEAD: return true;
    case THREAD_SENDING:
    case THREAD_RECEIVING: return thread_check(thread);
    case THREAD_WAITING:
        return thread_check(thread) &&
               (thread->waiting_on->type != OBJECT_NOTIFICATION || world.notification->bits == 0 ||
                thread->waiting_on != &world.notification->object);
    case THREAD_AWAITING_REPLY:
        return thread_check(thread) && (thread->server == nullptr || thread_state(thread->server) != THREAD_DEAD);
    default: return false; // lost: it is ready, or in somebody's hands, and nobody goes on
    }
}

static const char *ring_complaint(void) {
    struct ring *ring = world.ring;
    if (!ring_check(ring)) {
        return "the ring";
    }
    spin_lock(&ring->lock);
    const bool counts = ring->head == ring->tail + ring->pending;
    const bool left = !list_empty(&ring->startable);
    const bool oversleeps = ring->sleeping && (ring_reached(ring->tail, ring->goal) || ring->pending == 0 ||
                                               !list_empty(&ring->local));
    const uint32_t tail = ring->tail;
    spin_unlock(&ring->lock);
    for (; world.seen != tail; world.seen++) {
        const struct ring_completion *completion = completion_at(ring, world.seen);
        if (completion->user_data >= world.submitted || world.completions[completion->user_data]++ != 0) {
            return "a completion that nobody asked for, or twice";
        }
    }
    for (uint32_t i = 0; i < ring->request_count; i++) {
        const struct thread *request = &ring->requests[i].thread;
        if (ring->requests[i].phase == REQUEST_ACTIVE &&
            (request->state < THREAD_SENDING || !waits_rightly(request))) {
            return "an active request that waits for nothing";
        }
    }
    return !counts      ? "an entry neither completed nor in flight"
           : left       ? "what could be started was not"
           : oversleeps ? "an owner that sleeps although it has something to do"
                        : nullptr;
}

// How many handles there are to what was sent along.
static uint32_t count_carried(void) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < 2; i++) {
        struct capability capability;
        for (uint32_t index = 0; index < world.processes[i]->slot_limit; index++) {
            count += status_ok(handle_read_at(world.processes[i], index, &capability)) &&
                     capability.object->koid.v == world.carried_koid.v;
        }
    }
    return count;
}

static const char *complaint(void) {
    const bool client = world.processes[0]->state < PROCESS_ENDED, server = world.processes[1]->state < PROCESS_ENDED;
    bool all_live = client && server;
    for (uint32_t i = 0; i < WHO_COUNT; i++) {
        const struct thread *thread = world.actors[i].thread;
        if (thread != nullptr && !waits_rightly(thread)) {
            fprintf(stderr, "thread %u is %u\n", i, thread_state(thread));
            return "a thread is lost";
        }
        all_live = all_live && (thread == nullptr || thread_state(thread) != THREAD_DEAD);
        const uint8_t asked = world.actors[i].asked;
        if (thread != nullptr && thread_state(thread) != THREAD_DEAD && (asked == REPLY_RECV || asked == REPLY_RECV_TIMED)) {
            world.answered++; // and it receives now
        }
    }
    if (server && process_slot(world.processes[1], world.receive) != nullptr && !endpoint_check(world.endpoint)) {
        return "the endpoint";
    }
    if ((client && !handle_table_check(world.processes[0])) || (server && !handle_table_check(world.processes[1]))) {
        return "a handle table";
    }
    if (client && server && count_carried() != 1) {
        return "a handle was lost on its way, or doubled";
    }
    if (world.ring_handle != 0) {
        world.ring = world.actors[C0].thread->ring;
        return world.ring == nullptr ? nullptr : ring_complaint();
    }
    // Whoever has died has not heard.
    if (all_live && (world.heard != world.answered || world.sent != world.received)) {
        fprintf(stderr, "answered %u, heard %u, sent %u, received %u\n", world.answered, world.heard, world.sent,
                world.received);
        return "an answer or a message was lost, or doubled";
    }
    return nullptr;
}

// ---- runs ------------------------------------------------------------------------------------------

static const struct plan *now_running;

static void say_where(void) {
    if (now_running != nullptr) {
        fprintf(stderr, "plan \"%s\", ", now_running->name);
        processors_say_choices();
    }
}

static void aborted(int) {
    say_where();
    signal(SIGABRT, SIG_DFL);
}

static bool scene(const void *argument) {
    world_begin(argument);
    processors_race();
    const char *wrong = complaint();
    if (wrong != nullptr) {
        fprintf(stderr, "%s: %s\n", world.plan->name, wrong);
        return false;
    }
    if (!world_end()) {
        fprintf(stderr, "%s: something stayed behind\n", world.plan->name);
        return false;
    }
    return true;
}

static bool run(struct plan plan) {
    static bool ready;
    if (!ready) {
        ready = true;
        processors_init(32 << 20, next_step);
        __sanitizer_set_death_callback(say_where);
        signal(SIGABRT, aborted); // a kernel panic
    }
    while (plan.count < WHO_COUNT && (plan.scripts[plan.count].before[0] | plan.scripts[plan.count].race[0]) != END) {
        plan.count++;
    }
    now_running = &plan;
    const char *at = getenv("INTERLEAVE_AT"), *preemptions = getenv("INTERLEAVE_PREEMPTIONS");
    bool good;
    if (at != nullptr) {
        uint32_t points[8], count = 0;
        for (char *end; count < 8 && (points[count] = (uint32_t)strtoul(at, &end, 10), end != at); at = end) {
            count++;
        }
        good = processors_replay(scene, &plan, points, count);
    } else {
        struct exploration done;
        good = processors_explore(scene, &plan, preemptions == nullptr ? plan.preemptions : (uint32_t)atoi(preemptions), &done);
        printf("%s: %llu interleavings, at most %u points\n", plan.name, (unsigned long long)done.runs, done.points);
        fflush(stdout);
    }
    now_running = nullptr;
    return good;
}

// ---- plans -----------------------------------------------------------------------------------------

// With two pre-emptions, or where those are many, one: INTERLEAVE_PREEMPTIONS=2 takes a minute or two for all.
#define PLAN(name_, ...) \
    TEST(name_) { CHECK(run((struct plan){.name = #name_, .preemptions = 2, .scripts = {__VA_ARGS__}})); }
#define WIDE_PLAN(name_, ...) \
    TEST(name_) { CHECK(run((struct plan){.name = #name_, .preemptions = 1, .scripts = {__VA_ARGS__}})); }

// The endpoint: two calls, two servers, and whatever may come between a call and its answer.
PLAN(call_and_receive, {S0, {}, {RECV, REPLY_RECV}}, {C0, {}, {CALL, CALL}})
WIDE_PLAN(call_and_answer, {S0, {RECV}, {REPLY, RECV, REPLY}}, {C0, {}, {CALL, CALL_PAGE}})
PLAN(two_calls, {S0, {RECV}, {REPLY_RECV, REPLY_RECV}}, {C0, {}, {CALL}}, {C1, {}, {CALL}})
PLAN(two_servers, {S0, {RECV}, {REPLY_RECV}}, {S1, {RECV}, {REPLY_RECV}}, {C0, {}, {CALL}}, {C1, {}, {CALL}})
PLAN(two_servers_one_call, {C0, {CALL}, {}}, {S0, {}, {RECV, REPLY_RECV}}, {S1, {}, {RECV, REPLY}})
WIDE_PLAN(call_and_send, {S0, {RECV}, {REPLY_RECV, RECV}}, {C0, {}, {CALL}}, {C1, {}, {SEND}})
WIDE_PLAN(send_and_poll, {S0, {}, {RECV_POLL, RECV_POLL, RECV_TIMED}}, {C0, {}, {SEND_TIMED, SEND}})
PLAN(handle_and_receive, {S0, {}, {RECV, REPLY_RECV}}, {C0, {}, {CALL_HANDLE}})
WIDE_PLAN(handle_and_close, {S0, {}, {RECV, REPLY}}, {C0, {CALL_HANDLE}, {}}, {C1, {}, {KILL_CLIENT}})

WIDE_PLAN(call_times_out, {S0, {}, {RECV, REPLY, RECV}}, {C0, {}, {CALL_TIMED, CALL_TIMED}})
WIDE_PLAN(answer_times_out, {C0, {CALL_TIMED}, {SEND}}, {S0, {RECV}, {REPLY_RECV, RECV}})
WIDE_PLAN(receive_times_out, {S0, {}, {RECV_TIMED, REPLY_RECV_TIMED}}, {C0, {}, {CALL_TIMED, SEND}})

WIDE_PLAN(cancel_sender, {C0, {CALL}, {CALL}}, {C1, {}, {CANCEL_C0}}, {S0, {}, {RECV, REPLY_RECV}})
WIDE_PLAN(cancel_caller, {C0, {CALL}, {CALL}}, {S0, {RECV}, {REPLY_RECV, REPLY}}, {C1, {},
     {CANCEL_C0, CANCEL_C0}})
WIDE_PLAN(cancel_receiver, {S0, {RECV}, {RECV, REPLY}}, {C0, {}, {CALL}}, {S1, {}, {CANCEL_S0}})
WIDE_PLAN(cancel_and_call, {S0, {RECV}, {REPLY_RECV}}, {C0, {}, {CALL, CALL}}, {C1, {}, {CANCEL_C0}})

PLAN(end_sender, {C0, {CALL}, {}}, {C1, {}, {END_C0}}, {S0, {}, {RECV, REPLY}})
PLAN(end_caller, {C0, {CALL}, {}}, {S0, {RECV}, {REPLY_RECV}}, {C1, {}, {END_C0}})
WIDE_PLAN(end_running_caller, {S0, {RECV}, {REPLY_RECV, REPLY}}, {C0, {}, {CALL, CALL}}, {C1, {}, {END_C0}})
WIDE_PLAN(end_receiver, {S0, {RECV}, {REPLY}}, {S1, {}, {END_S0}}, {C0, {}, {CALL_TIMED}})
WIDE_PLAN(end_server, {C0, {CALL}, {CALL_TIMED}}, {S0, {RECV}, {REPLY_RECV}}, {S1, {}, {END_S0}})
WIDE_PLAN(end_both, {C0, {CALL}, {}}, {S0, {RECV}, {}}, {C1, {}, {END_C0}}, {S1, {}, {END_S0}})
WIDE_PLAN(kill_server, {C0, {CALL}, {CALL}}, {S0, {RECV}, {REPLY_RECV}}, {C1, {}, {KILL_SERVER}})
WIDE_PLAN(kill_client, {C0, {CALL}, {CALL}}, {S0, {RECV}, {REPLY_RECV}}, {C1, {}, {KILL_CLIENT}})
WIDE_PLAN(kill_each_other, {C0, {CALL}, {}}, {S0, {RECV}, {KILL_CLIENT}}, {C1, {}, {KILL_SERVER}})
WIDE_PLAN(kill_receiver_of_call, {S0, {RECV}, {REPLY}}, {C0, {}, {CALL}}, {C1, {}, {KILL_SERVER}})

PLAN(revoke_and_call, {S0, {RECV}, {REPLY_RECV}}, {S1, {}, {REVOKE}}, {C0, {}, {CALL, CALL}})
WIDE_PLAN(revoke_and_receive, {C0, {CALL}, {CALL}}, {S0, {}, {RECV, REPLY}}, {S1, {}, {REVOKE}})
PLAN(revoke_and_answer, {C0, {CALL}, {CALL}}, {S0, {RECV}, {REPLY_RECV}}, {S1, {}, {REVOKE}})
WIDE_PLAN(revoke_twice, {C0, {CALL}, {}}, {S0, {}, {REVOKE}}, {S1, {}, {REVOKE}})
WIDE_PLAN(revoke_and_close, {C0, {CALL_TIMED}, {}}, {C1, {}, {CLOSE_SEND}}, {S1, {}, {REVOKE}})
WIDE_PLAN(revoke_and_cancel, {C0, {CALL}, {}}, {C1, {}, {CANCEL_C0}}, {S1, {}, {REVOKE}})
WIDE_PLAN(close_and_call, {S0, {RECV}, {REPLY}}, {S1, {}, {CLOSE_RECEIVE}}, {C0, {}, {CALL, CALL}})
WIDE_PLAN(close_and_receive, {C0, {CALL}, {SEND}}, {S0, {}, {RECV, REPLY_RECV}}, {S1, {}, {CLOSE_RECEIVE}})
WIDE_PLAN(close_and_answer, {C0, {CALL}, {}}, {S0, {RECV}, {REPLY_RECV}}, {S1, {}, {CLOSE_RECEIVE}})
WIDE_PLAN(close_and_cancel, {C0, {CALL}, {CALL}}, {C1, {}, {CANCEL_C0}}, {S1, {}, {CLOSE_RECEIVE}})

WIDE_PLAN(saved_reply, {C0, {CALL}, {CALL}}, {S0, {RECV, SAVE_REPLY}, {ANSWER_SAVED}}, {C1, {}, {CANCEL_C0}})
WIDE_PLAN(saved_reply_of_the_dead, {C0, {CALL_TIMED}, {}}, {S0, {RECV, SAVE_REPLY}, {ANSWER_SAVED}},
     {C1, {}, {END_C0}})
WIDE_PLAN(save_and_cancel, {C0, {CALL}, {}}, {S0, {RECV}, {SAVE_REPLY, ANSWER_SAVED}}, {C1, {}, {CANCEL_C0}})

PLAN(signal_and_wait, {S0, {}, {WAIT, WAIT_TIMED}}, {C0, {}, {SIGNAL, SIGNAL}})
WIDE_PLAN(signal_and_time, {S0, {}, {WAIT_TIMED, WAIT_TIMED}}, {C0, {}, {SIGNAL}})
WIDE_PLAN(signal_and_cancel, {S0, {WAIT}, {WAIT}}, {C0, {}, {SIGNAL}}, {S1, {}, {CANCEL_S0}})
WIDE_PLAN(signal_two_waiters, {S0, {WAIT}, {WAIT}}, {S1, {WAIT}, {WAIT}}, {C0, {}, {SIGNAL}}, {C1, {},
     {SIGNAL}})
WIDE_PLAN(signal_and_end, {S0, {WAIT}, {}}, {C0, {}, {SIGNAL}}, {S1, {}, {END_S0}})
WIDE_PLAN(bind_and_signal, {S0, {}, {BIND, RECV, RECV_POLL}}, {C0, {}, {SIGNAL, SEND}})
WIDE_PLAN(bound_signal_and_receive, {S0, {BIND}, {RECV, RECV}}, {C0, {}, {SIGNAL}}, {C1, {}, {SEND}})
WIDE_PLAN(bound_signal_and_call, {S1, {BIND}, {}}, {S0, {RECV}, {REPLY_RECV, REPLY}}, {C0, {}, {CALL}},
     {C1, {}, {SIGNAL}})
WIDE_PLAN(bound_signal_and_close, {S0, {BIND, RECV}, {RECV}}, {C0, {}, {SIGNAL}}, {S1, {}, {CLOSE_RECEIVE}})

PLAN(hurry_and_answer, {C0, {CALL}, {CALL}}, {S0, {RECV}, {REPLY_RECV}}, {C1, {}, {HURRY_C0}})
WIDE_PLAN(hurry_and_receive, {C0, {CALL}, {}}, {S0, {}, {RECV, REPLY}}, {C1, {}, {HURRY_C0}})
PLAN(move_and_answer, {C0, {CALL}, {CALL}}, {S0, {RECV}, {REPLY_RECV}}, {C1, {}, {MOVE_C0, MOVE_C0}})
PLAN(move_and_call, {S0, {RECV}, {REPLY_RECV}}, {C0, {}, {CALL, CALL}}, {C1, {}, {MOVE_C0}})

// The ring: entries, what completes them, and what ends it.
WIDE_PLAN(ring_call, {C0, {RING_OPEN}, {PUT_CALL, SLEEP}}, {S0, {}, {RECV, REPLY_RECV}})
WIDE_PLAN(ring_two_calls, {C0, {RING_OPEN}, {PUT_CALL, PUT_CALL, SLEEP}},
     {S0, {RECV}, {REPLY_RECV, REPLY_RECV}})
WIDE_PLAN(ring_answer_and_sleep, {C0, {RING_OPEN, PUT_CALL}, {SLEEP, SLEEP_TIMED}},
     {S0, {RECV}, {REPLY_RECV}})
PLAN(ring_cancel, {C0, {RING_OPEN, PUT_CALL}, {PUT_CANCEL, SLEEP}}, {S0, {}, {RECV, REPLY}})
PLAN(ring_cancel_answered, {C0, {RING_OPEN, PUT_CALL}, {PUT_CANCEL, SLEEP}}, {S0, {RECV}, {REPLY_RECV}})
WIDE_PLAN(ring_call_times_out, {C0, {RING_OPEN}, {PUT_CALL_TIMED, SLEEP}}, {S0, {}, {RECV, REPLY_RECV}})
WIDE_PLAN(ring_timeout, {C0, {RING_OPEN, PUT_CALL}, {PUT_TIMEOUT_EARLIER, SLEEP}}, {S0, {RECV}, {REPLY_RECV}})
WIDE_PLAN(ring_timeout_alone, {C0, {RING_OPEN}, {PUT_TIMEOUT, SLEEP}}, {C1, {}, {CANCEL_C0}})
WIDE_PLAN(ring_timeout_and_cancel, {C0, {RING_OPEN, PUT_TIMEOUT}, {PUT_CANCEL, SLEEP_TIMED}}, {C1, {},
     {CANCEL_C0, CANCEL_C0}})
WIDE_PLAN(ring_promise, {C0, {RING_OPEN, PUT_CALL_ACCEPT}, {PUT_CALL_EARLIER, SLEEP}},
     {S0, {RECV}, {REPLY_RECV}})
WIDE_PLAN(ring_promise_revoked, {C0, {RING_OPEN, PUT_CALL_ACCEPT, PUT_CALL_EARLIER}, {SLEEP}},
     {S0, {RECV}, {REPLY}},
     {S1, {}, {REVOKE}})
WIDE_PLAN(ring_close, {C0, {RING_OPEN, PUT_CALL}, {SLEEP}}, {S0, {RECV}, {REPLY_RECV}}, {C1, {},
     {CLOSE_RING}})
WIDE_PLAN(ring_close_and_enter, {C0, {RING_OPEN}, {PUT_CALL, SLEEP}}, {C1, {}, {CLOSE_RING}})
WIDE_PLAN(ring_close_and_receive, {C0, {RING_OPEN, PUT_CALL, SLEEP}, {}}, {S0, {}, {RECV, REPLY}},
     {C1, {}, {CLOSE_RING}})
WIDE_PLAN(ring_owner_ends, {C0, {RING_OPEN, PUT_CALL, SLEEP}, {}}, {S0, {RECV}, {REPLY_RECV}},
     {C1, {}, {END_C0}})
WIDE_PLAN(ring_owner_ends_in_it, {C0, {RING_OPEN}, {PUT_CALL, PUT_TIMEOUT, SLEEP}}, {C1, {}, {END_C0}})
WIDE_PLAN(ring_owner_cancelled, {C0, {RING_OPEN, PUT_CALL}, {SLEEP, SLEEP}}, {S0, {RECV}, {REPLY_RECV}},
     {C1, {}, {CANCEL_C0}})
WIDE_PLAN(ring_client_dies, {C0, {RING_OPEN, PUT_CALL, PUT_WAIT}, {SLEEP}}, {S0, {RECV}, {REPLY_RECV}},
     {S1, {}, {KILL_CLIENT}})
WIDE_PLAN(ring_server_dies, {C0, {RING_OPEN, PUT_CALL}, {SLEEP}}, {S0, {RECV}, {REPLY_RECV}},
     {C1, {}, {KILL_SERVER}})
WIDE_PLAN(ring_revoke, {C0, {RING_OPEN, PUT_CALL}, {PUT_CALL, SLEEP}}, {S0, {}, {RECV, REPLY}},
     {S1, {}, {REVOKE}})
WIDE_PLAN(ring_wait_and_signal, {C0, {RING_OPEN}, {PUT_WAIT, SLEEP}}, {S0, {}, {SIGNAL, SIGNAL}})
PLAN(ring_wait_and_cancel, {C0, {RING_OPEN, PUT_WAIT}, {PUT_CANCEL, SLEEP}}, {S0, {}, {SIGNAL}})
WIDE_PLAN(ring_again, {C0, {RING_OPEN, PUT_RECV}, {SLEEP, PUT_AGAIN, SLEEP}}, {S0, {}, {CALL_SERVICE, CALL_SERVICE}})
WIDE_PLAN(ring_again_two_callers, {C0, {RING_OPEN, PUT_RECV}, {PUT_AGAIN, PUT_AGAIN, SLEEP}},
     {S0, {CALL_SERVICE}, {CALL_SERVICE}}, {S1, {}, {CALL_SERVICE}})
WIDE_PLAN(ring_again_caller_cancelled, {C0, {RING_OPEN, PUT_RECV}, {PUT_AGAIN, SLEEP}},
     {S0, {CALL_SERVICE}, {CALL_SERVICE}}, {S1, {}, {CANCEL_S0}})
WIDE_PLAN(ring_again_callers_die, {C0, {RING_OPEN, PUT_RECV}, {PUT_AGAIN, SLEEP}},
     {S0, {CALL_SERVICE}, {CALL_SERVICE}}, {S1, {}, {KILL_SERVER}})
WIDE_PLAN(ring_again_and_close, {C0, {RING_OPEN, PUT_RECV}, {PUT_AGAIN, SLEEP}},
     {S0, {CALL_SERVICE}, {CALL_SERVICE}}, {C1, {}, {CLOSE_RING}})
WIDE_PLAN(ring_two_waits, {C0, {RING_OPEN, PUT_WAIT, PUT_WAIT}, {SLEEP, SLEEP}}, {S0, {}, {SIGNAL}},
     {C1, {}, {SIGNAL}})
