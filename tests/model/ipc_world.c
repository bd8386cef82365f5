#include "tests/model/ipc_world.h"

#include <string.h>

#include "kernel/arch/host/machine.h"
#include "kernel/arch/host/usage.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/reaper.h"
#include "tests/model/ipc_world_state.h"

constexpr uint64_t PAGE_ADDRESS = 0x10'0000;
constexpr uint32_t ANYTHING = 0xf'ffff;
constexpr uint64_t ACCEPT_ALL = (uint64_t)MESSAGE_HANDLES << MESSAGE_ACCEPT_SHIFT;
constexpr uint64_t NO_WORDS[MESSAGE_WORDS] = {};
#define WORDS(...) ((const uint64_t[MESSAGE_WORDS]){__VA_ARGS__})

struct world world;

// ---- steps by name ---------------------------------------------------------------------------------

static const char *const op_names[OP_COUNT] = {
    [OP_CALL] = "call",
    [OP_CALL_TIMED] = "call_timed",
    [OP_CALL_MOVE] = "call_move",
    [OP_CALL_COPY] = "call_copy",
    [OP_SEND] = "send",
    [OP_SEND_POLL] = "send_poll",
    [OP_SEND_MOVE] = "send_move",
    [OP_RECV] = "recv",
    [OP_RECV_PLAIN] = "recv_plain",
    [OP_RECV_TIMED] = "recv_timed",
    [OP_RECV_POLL] = "recv_poll",
    [OP_REPLY_RECV] = "reply_recv",
    [OP_REPLY_RECV_TIMED] = "reply_recv_timed",
    [OP_REPLY] = "reply",
    [OP_REPLY_MOVE] = "reply_move",
    [OP_REPLY_END] = "reply_end",
    [OP_SAVE_REPLY] = "save_reply",
    [OP_ANSWER] = "answer",
    [OP_ANSWER_MOVE] = "answer_move",
    [OP_CLOSE_REPLY] = "close_reply",
    [OP_SIGNAL] = "signal",
    [OP_WAIT] = "wait",
    [OP_WAIT_TIMED] = "wait_timed",
    [OP_BIND] = "bind",
    [OP_UNBIND] = "unbind",
    [OP_CLOSE_ENDPOINT] = "close_endpoint",
    [OP_CLOSE_NOTIFICATION] = "close_notification",
    [OP_CLOSE_TOKEN] = "close_token",
    [OP_GRANT_TOKEN] = "grant_token",
    [OP_WATCH] = "watch",
    [OP_FAULT] = "fault",
    [OP_EXIT] = "exit",
    [OP_CANCEL] = "cancel",
    [OP_EXIT_OTHER] = "exit_other",
    [OP_KILL] = "kill",
    [OP_TIME] = "time",
    [OP_BACKLOG] = "backlog",
};

const char *op_name(uint8_t op) {
    return op_names[op];
}

bool op_has_actor(uint8_t op) {
    return op != OP_TIME && op != OP_BACKLOG;
}

uint32_t op_targets(const struct world_plan *plan, uint8_t op) {
    return op == OP_KILL ? 2 : op == OP_CANCEL || op == OP_EXIT_OTHER ? plan->clients + plan->servers : 0;
}

// ---- beginning and end -----------------------------------------------------------------------------

// What the process pays for beside objects: page tables and its handle table.
static void measure(void) {
    struct census census;
    world_count(&census);
    world.fixed_bytes = account_usage(world.root).used_bytes - census.object_bytes;
}

void world_begin(const struct world_plan *plan) {
    host_processor_reset();
    world = (struct world){.plan = *plan, .next_tag = 1};
    world.root = account_create_root(8 << 20);
    for (uint32_t i = 0; i < 2; i++) {
        world.processes[i] = host_process(world.root, i == 0 ? "client" : "server");
    }
    struct process *client = world.processes[CLIENT], *server = world.processes[SERVER];
    uint64_t handle;
    struct endpoint *endpoint = host_endpoint(server, ANYTHING, &handle);
    struct notification *notification = host_notification(server, &handle);
    struct notification *token = host_notification(client, &handle);
    world.endpoint = endpoint->object.koid.v;
    world.notification = notification->object.koid.v;
    world.token = token->object.koid.v;
    host_give(client, &endpoint->object, RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT, CLIENT_BADGE);
    host_give(client, &notification->object, ANYTHING, 0);
    for (uint32_t i = 0; i < 2; i++) {
        host_give(world.processes[i], &world.processes[i]->object, ANYTHING, 0);
    }
    host_give(server, &client->object, ANYTHING, 0);
    world.thread_count = plan->clients + plan->servers;
    for (uint32_t i = 0; i < world.thread_count; i++) {
        struct process *process = world.processes[i < plan->clients ? CLIENT : SERVER];
        struct thread *thread = host_thread(process, BAND_NORMAL, plan->pages ? PAGE_ADDRESS * (i + 1) : 0);
        world.threads[i] = thread;
        world.thread_koids[i] = thread->object.koid.v;
        host_give(server, &thread->object, ANYTHING, 0);
        if (process == client) {
            host_give(client, &thread->object, ANYTHING, 0);
        }
    }
    if (plan->supervised) {
        object_get(&endpoint->object);
        spin_lock(&client->lock);
        client->fault_endpoint = endpoint;
        client->fault_badge = FAULT_BADGE;
        spin_unlock(&client->lock);
    }
    measure();
    host_wake();
}

bool world_end(void) {
    return host_finish(world.root, world.processes, 2);
}

// ---- what programs see -----------------------------------------------------------------------------

static void complain(const char *what) {
    if (world.complaint == nullptr) {
        world.complaint = what;
    }
}

static bool one_of(uint32_t status, const status_t *allowed, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (allowed[i].code == status) {
            return true;
        }
    }
    return false;
}
#define ONE_OF(status, ...) \
    one_of(status, (const status_t[]){__VA_ARGS__}, sizeof((status_t[]){__VA_ARGS__}) / sizeof(status_t))

// What a thread received must have been sent, to here, and never have been received before.
static void look_at_message(struct program *program) {
    program->serving = 0;
    if ((host_user.info & MESSAGE_NOTIFICATION) != 0) {
        if (host_user.words[0] == 0 || host_user.badge != 0) {
            complain("a notification arrived without bits");
        }
        return;
    }
    if ((host_user.info & MESSAGE_FAULT) != 0) {
        if (host_user.badge != FAULT_BADGE || host_user.words[FAULT_WORD_KIND] != FAULT_PAGE) {
            complain("a fault message is not as it was raised");
        }
        program->serving = FAULT_TAG;
        return;
    }
    const uint64_t tag = host_user.words[0];
    if (tag == 0 || tag >= world.next_tag) {
        complain("a message arrived that nobody sent");
        return;
    }
    struct message *message = &world.messages[tag];
    if (message->delivered) {
        complain("a message arrived twice");
    }
    message->delivered = true;
    if (host_user.badge != message->badge ||
        ((host_user.info & MESSAGE_WANTS_REPLY) != 0) != (message->op == WAITS_CALL) ||
        message_handle_count(host_user.info) != message->handles) {
        complain("a message arrived changed");
    }
    program->serving = message->op == WAITS_CALL ? tag : 0;
}

// The current thread's system call came back.
static void observe(void) {
    const int index = host_user.thread == nullptr ? -1 : world_index_of(host_user.thread);
    if (index < 0) {
        return;
    }
    struct program *program = &world.programs[index];
    const enum waits waits = program->waits;
    const uint32_t status = host_user.status;
    program->waits = WAITS_NOT;
    switch (waits) {
    case WAITS_NOT: break;
    case WAITS_CALL:
        if (status == 0 && host_user.words[1] != program->tag) {
            complain("a caller got somebody else's answer");
        }
        [[fallthrough]];
    case WAITS_SEND:
        if (!ONE_OF(status, STATUS_OK, STATUS_BAD_HANDLE, STATUS_NO_RIGHT, STATUS_BAD_ARGUMENT,
                    STATUS_TIMED_OUT, STATUS_CANCELED, STATUS_PEER_DIED, STATUS_OBJECT_DEAD,
                    STATUS_TOO_LARGE)) {
            complain("call or send gave a status that is not documented");
        }
        break;
    case WAITS_RECEIVE:
        if (status == 0) {
            look_at_message(program);
        } else if (!ONE_OF(status, STATUS_TIMED_OUT, STATUS_CANCELED, STATUS_OBJECT_DEAD, STATUS_NO_CALLER,
                           STATUS_TOO_LARGE, STATUS_BAD_HANDLE)) {
            complain("recv gave a status that is not documented");
        }
        break;
    case WAITS_BITS:
        if (status == 0 && host_user.words[0] == 0) {
            complain("wait came back without bits");
        } else if (!ONE_OF(status, STATUS_OK, STATUS_TIMED_OUT, STATUS_CANCELED, STATUS_OBJECT_DEAD,
                           STATUS_BAD_STATE)) {
            complain("wait gave a status that is not documented");
        }
        break;
    case WAITS_RESUME: break;
    }
}

// ---- system calls ----------------------------------------------------------------------------------

static void enter(struct program *program, enum waits waits, uint32_t number, uint64_t handle, uint64_t info,
                  uint64_t deadline_ns, const uint64_t words[]) {
    program->waits = waits;
    host_syscall(number, handle, info, deadline_ns, words);
    observe();
}

static bool send(struct program *program, struct process *process, uint32_t number, uint64_t info,
                 uint64_t deadline_ns, uint64_t passenger) {
    const struct handle_slot *slot = world_find(process, world.endpoint, RIGHT_SEND_BIT);
    if (slot == nullptr || (message_handle_count(info) != 0 && passenger == 0) ||
        world.next_tag == MESSAGES) {
        return false;
    }
    const enum waits waits = number == SYS_CALL ? WAITS_CALL : WAITS_SEND;
    program->tag = world.next_tag++;
    world.messages[program->tag] =
        (struct message){.op = waits, .badge = slot->badge, .handles = (uint8_t)message_handle_count(info)};
    enter(program, waits, number, slot->handle, info, deadline_ns,
          WORDS(program->tag, 0, 0, 0, 0, 0, passenger));
    return true;
}

static bool receive(struct program *program, struct process *process, uint64_t info, uint64_t deadline_ns) {
    const struct handle_slot *slot = world_find(process, world.endpoint, RIGHT_RECEIVE_BIT);
    if (slot == nullptr) {
        return false;
    }
    program->serving = 0;
    enter(program, WAITS_RECEIVE, SYS_RECV, slot->handle, info, deadline_ns, NO_WORDS);
    return true;
}

// With or without receiving. What is answered goes back with the tag of the request.
static bool reply(struct program *program, struct thread *thread, bool receives, uint64_t info,
                  uint64_t deadline_ns, uint64_t passenger) {
    const struct handle_slot *slot = world_find(thread->process, world.endpoint, RIGHT_RECEIVE_BIT);
    if ((receives && slot == nullptr) || (message_handle_count(info) != 0 && passenger == 0)) {
        return false;
    }
    const uint64_t serving = program->serving;
    program->serving = 0;
    program->waits = receives ? WAITS_RECEIVE : WAITS_NOT;
    host_syscall(SYS_REPLY_RECV, receives ? slot->handle : 0, (receives ? ACCEPT_ALL : 0) | info, deadline_ns,
                 WORDS(0, serving, 0, 0, 0, 0, passenger));
    if (host_user.thread == thread && thread->caller != nullptr && host_user.status != 0) {
        program->serving = serving; // it could not be carried
        if (!ONE_OF(host_user.status, STATUS_TOO_LARGE)) {
            complain("an answer that could not be carried gave a status that is not documented");
        }
    }
    observe();
    return true;
}

static bool answer(struct process *process, bool moves_itself) {
    const struct handle_slot *slot = world_find_type(process, OBJECT_REPLY);
    if (slot == nullptr) {
        return false;
    }
    const uint64_t handle = slot->handle, tag = world_saved_tag(slot->object->koid.v);
    struct thread *const thread = host_user.thread;
    host_syscall(SYS_SEND, handle, message_info(0, 0, moves_itself, moves_itself), DEADLINE_NEVER,
                 WORDS(0, tag, 0, 0, 0, 0, handle));
    if (host_user.thread == thread &&
        !ONE_OF(host_user.status, STATUS_OK, STATUS_PEER_DIED, STATUS_TOO_LARGE)) {
        complain("an answer through a reply object gave a status that is not documented");
    }
    return true;
}

static bool save_reply(struct program *program, struct thread *thread) {
    const struct handle_slot *slot = world_find(thread->process, thread->object.koid.v, RIGHT_MANAGE_BIT);
    if (slot == nullptr || world.saved_count == SAVED) {
        return false;
    }
    const bool done = status_ok(HOST_METHOD(slot->handle, THREAD_SAVE_REPLY));
    if (!done || host_user.thread != thread) {
        return true; // refused, or the thread was ended on the way out
    }
    const struct handle_slot *saved = process_slot(thread->process, host_user.words[0]);
    world.saved[world.saved_count].koid = saved->object->koid.v;
    world.saved[world.saved_count++].tag = program->serving;
    program->serving = 0;
    return true;
}

// A method by the koid of the object that it is invoked on.
static bool invoke(struct process *process, uint64_t koid, uint32_t method, const uint64_t words[]) {
    const struct handle_slot *slot = world_find(process, koid, 0);
    if (slot == nullptr) {
        return false;
    }
    status_t ignored = host_method(slot->handle, method, words);
    (void)ignored; // refusals are as good a step as any
    return true;
}

static bool close(struct process *process, const struct handle_slot *slot) {
    return slot != nullptr &&
           invoke(process, process->object.koid.v, PROCESS_HANDLE_CLOSE, WORDS(slot->handle));
}

static bool time_passes(void) {
    const uint64_t next_ns = world_next_deadline_ns();
    if (next_ns == UINT64_MAX) {
        return false;
    }
    host_cycles = next_ns;
    host_timer();
    return true;
}

// Things to take apart that need several steps each.
static struct reap_item backlog[BACKLOG];

static bool backlog_step([[maybe_unused]] struct reap_item *item) {
    world.backlog_steps--;
    return world.backlog_steps < BACKLOG; // the last round
}

static bool grow_backlog(void) {
    if (reaper_pending() != 0) {
        return false;
    }
    world.backlog_steps = 4 * BACKLOG;
    for (uint32_t i = 0; i < BACKLOG; i++) {
        backlog[i].step = backlog_step;
        reaper_add(&backlog[i]);
    }
    return true;
}

// ---- steps -----------------------------------------------------------------------------------------

static bool notification_step(struct step step, struct program *program, struct process *process,
                              uint64_t later_ns) {
    const struct handle_slot *slot = world_find(process, world.notification, RIGHT_WAIT_BIT);
    if (slot == nullptr) {
        return false;
    }
    switch (step.op) {
    case OP_SIGNAL: host_syscall(SYS_SIGNAL, slot->handle, 0, 0, WORDS(1)); return true;
    case OP_WAIT:
        enter(program, WAITS_BITS, SYS_WAIT, slot->handle, 0, DEADLINE_NEVER, NO_WORDS);
        return true;
    case OP_WAIT_TIMED:
        enter(program, WAITS_BITS, SYS_WAIT, slot->handle, 0, later_ns, NO_WORDS);
        return true;
    case OP_CLOSE_NOTIFICATION: return close(process, slot);
    case OP_UNBIND: return invoke(process, world.notification, NOTIFICATION_BIND, NO_WORDS);
    case OP_WATCH:
        return invoke(process, world.processes[CLIENT]->object.koid.v, PROCESS_WATCH_EXIT,
                      WORDS(slot->handle, 2));
    default: break;
    }
    const struct handle_slot *endpoint = world_find(process, world.endpoint, RIGHT_RECEIVE_BIT);
    return endpoint != nullptr &&
           invoke(process, world.notification, NOTIFICATION_BIND, WORDS(endpoint->handle));
}

static bool act(struct step step, struct thread *thread) {
    struct program *program = &world.programs[step.actor];
    struct process *process = thread->process;
    const uint64_t later_ns = host_cycles + 1'000'000 + 1000 * world.timed_count;
    const struct handle_slot *token = world_find(process, world.token, RIGHT_TRANSFER_BIT);
    const uint64_t passenger = token == nullptr ? 0 : token->handle;
    const uint64_t moves = message_info(0, 0, 1, 1), accepts_and_moves = ACCEPT_ALL | moves;
    const uint64_t copies = ACCEPT_ALL | message_info(0, world.plan.pages ? 16 : 0, 1, 0);
    const uint64_t own = process->object.koid.v;
    switch ((enum op)step.op) {
    case OP_CALL: return send(program, process, SYS_CALL, 0, DEADLINE_NEVER, 0);
    case OP_CALL_TIMED: world.timed_count++; return send(program, process, SYS_CALL, 0, later_ns, 0);
    case OP_CALL_MOVE: return send(program, process, SYS_CALL, accepts_and_moves, DEADLINE_NEVER, passenger);
    case OP_CALL_COPY: return send(program, process, SYS_CALL, copies, DEADLINE_NEVER, passenger);
    case OP_SEND: return send(program, process, SYS_SEND, 0, DEADLINE_NEVER, 0);
    case OP_SEND_POLL: return send(program, process, SYS_SEND, 0, DEADLINE_POLL, 0);
    case OP_SEND_MOVE: return send(program, process, SYS_SEND, moves, DEADLINE_NEVER, passenger);
    case OP_RECV: return receive(program, process, ACCEPT_ALL, DEADLINE_NEVER);
    case OP_RECV_PLAIN: return receive(program, process, 0, DEADLINE_NEVER);
    case OP_RECV_TIMED: world.timed_count++; return receive(program, process, ACCEPT_ALL, later_ns);
    case OP_RECV_POLL: return receive(program, process, ACCEPT_ALL, DEADLINE_POLL);
    case OP_REPLY_RECV: return reply(program, thread, true, 0, DEADLINE_NEVER, 0);
    case OP_REPLY_RECV_TIMED: world.timed_count++; return reply(program, thread, true, 0, later_ns, 0);
    case OP_REPLY: return reply(program, thread, false, 0, DEADLINE_NEVER, 0);
    case OP_REPLY_MOVE: return reply(program, thread, false, moves, DEADLINE_NEVER, passenger);
    case OP_REPLY_END: return reply(program, thread, true, 1, DEADLINE_NEVER, 0);
    case OP_SAVE_REPLY: return save_reply(program, thread);
    case OP_ANSWER: return answer(process, false);
    case OP_ANSWER_MOVE: return answer(process, true);
    case OP_CLOSE_REPLY: return close(process, world_find_type(process, OBJECT_REPLY));
    case OP_CLOSE_ENDPOINT: return close(process, world_find(process, world.endpoint, 0));
    case OP_CLOSE_TOKEN: return close(process, token);
    case OP_GRANT_TOKEN:
        return token != nullptr && invoke(process, own, PROCESS_GRANT, WORDS(passenger, ANYTHING, 1));
    case OP_FAULT:
        program->waits = WAITS_RESUME;
        host_fault(8);
        observe();
        return true;
    case OP_EXIT: return invoke(process, thread->object.koid.v, THREAD_EXIT, NO_WORDS);
    case OP_CANCEL: return invoke(process, world.thread_koids[step.target], THREAD_CANCEL, NO_WORDS);
    case OP_EXIT_OTHER:
        return step.target != step.actor &&
               invoke(process, world.thread_koids[step.target], THREAD_EXIT, NO_WORDS);
    case OP_KILL: return invoke(process, world.processes[step.target]->object.koid.v, PROCESS_EXIT, WORDS(3));
    case OP_SIGNAL:
    case OP_WAIT:
    case OP_BIND:
    case OP_UNBIND:
    case OP_WATCH:
    case OP_CLOSE_NOTIFICATION: return notification_step(step, program, process, later_ns);
    case OP_WAIT_TIMED: world.timed_count++; return notification_step(step, program, process, later_ns);
    case OP_TIME:
    case OP_BACKLOG:
    case OP_COUNT: break;
    }
    return false;
}

bool world_step(struct step step) {
    if (!op_has_actor(step.op)) {
        const bool done = step.op == OP_TIME ? time_passes() : grow_backlog();
        observe();
        return done;
    }
    struct thread *thread = world_thread(step.actor);
    if (thread == nullptr || !host_run(thread)) {
        return false;
    }
    observe();
    const bool done = act(step, thread);
    observe();
    return done;
}
