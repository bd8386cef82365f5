#include "lib/commands/program.h"

#include "abi/gen/stubs.h"
#include "lib/commands/job.h"
#include "lib/commands/shell.h"
#include "base/mem.h"
#include "idl/console.capnp.h"
#include "idl/input.capnp.h"
#include "lib/rpc/serve.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/heap.h"

constexpr size_t PROGRAMS_MAX = 16;                   // in all pipes that are within each other
constexpr size_t QUEUE_BYTES = INPUT_READ_MAX_BYTES;  // of what is written in one request, or read
constexpr uint32_t COLUMNS = 80, ROWS = 24;           // of a pipe, for a program that asks

// Bytes on their way, and who waits: for room on one side, for bytes on the other.
struct queue {
    size_t len;
    struct rpc_deferred waiting; // reply 0: nobody
    char bytes[QUEUE_BYTES];
};

struct program {
    size_t slot;
    uint64_t serial; // never used twice: what a program of an earlier pipe handed on reaches nobody
    uint32_t id;     // of the job; 0: it was not started
    bool ended, unwanted, given_all;
    bool foreground;
    bool held; // what it has written is being taken further
    int status;
    struct queue written, given;
    uint32_t given_most; // what a reader that waits wants
};

static struct {
    handle_t endpoint; // made for the first of them
    struct rpc_server server;
    struct rpc_answer late;
    struct program *slots[PROGRAMS_MAX]; // owned
    size_t count;
    uint64_t serials;
    uint64_t seen_ends; // of jobs, when it was last looked how they are
} programs;

// The badge of a program's end: of which program, and which of the two ends.
static uint64_t badge_of(const struct program *program, bool input) {
    return (program->serial * PROGRAMS_MAX + program->slot) * 2 + (input ? 1 : 0);
}

static bool is_input(uint64_t badge) {
    return badge % 2 == 1;
}

// Null: its pipe is over.
static struct program *sender(const struct rpc_request *request) {
    struct program *program = programs.slots[request->badge / 2 % PROGRAMS_MAX];
    return program != nullptr && badge_of(program, is_input(request->badge)) == request->badge ? program : nullptr;
}

static status_t over(struct rpc_request *request) {
    return rpc_refuse(request, RPC_FAILED, "the pipe that this belonged to is over");
}

// ---- what programs are asked to make of a pipe: console and input ----

static status_t write_text(void *, struct rpc_request *request, struct console_write_params params,
                           struct console_write_results_builder results) {
    struct program *program = sender(request);
    const struct capnp_data bytes = console_write_params_get_bytes(params);
    TRY(rpc_well_formed(request));
    if (program == nullptr) {
        return over(request);
    }
    if (program->unwanted) {
        console_write_results_set_taken(results, (uint32_t)bytes.len); // it is being ended
        return STATUS_OK;
    }
    const size_t room = program->held ? 0 : QUEUE_BYTES - program->written.len;
    const size_t taken = bytes.len < room ? bytes.len : room;
    if (taken == 0 && bytes.len > 0) {
        return tess_handle_valid(program->written.waiting.reply)
                   ? rpc_refuse(request, RPC_OVERLOADED, "another thread's text waits already")
                   : rpc_defer(request, &program->written.waiting);
    }
    memcpy(program->written.bytes + program->written.len, bytes.bytes, taken);
    program->written.len += taken;
    console_write_results_set_taken(results, (uint32_t)taken);
    return STATUS_OK;
}

static status_t stats(void *, struct rpc_request *, struct console_stats_params, struct console_stats_results_builder results) {
    const struct console_stats_builder stats = console_stats_results_init_stats(results);
    console_stats_set_columns(stats, COLUMNS);
    console_stats_set_rows(stats, ROWS);
    return STATUS_OK;
}

// Takes the first bytes out of a queue, for a reader.
static void take(struct queue *queue, struct input_read_results_builder results, size_t most) {
    const size_t len = queue->len < most ? queue->len : most;
    input_read_results_set_bytes(results, (struct capnp_data){(const uint8_t *)queue->bytes, (uint32_t)len});
    memmove(queue->bytes, queue->bytes + len, queue->len - len);
    queue->len -= len;
}

static status_t read_bytes(void *, struct rpc_request *request, struct input_read_params params,
                           struct input_read_results_builder results) {
    struct program *program = sender(request);
    const uint32_t most = input_read_params_get_most(params);
    TRY(rpc_well_formed(request));
    if (program == nullptr) {
        return over(request);
    }
    if (most == 0) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "at least one byte is to be read");
    }
    if (program->given.len == 0 && !program->given_all) {
        if (tess_handle_valid(program->given.waiting.reply)) {
            return rpc_refuse(request, RPC_OVERLOADED, "another thread reads already");
        }
        program->given_most = most;
        return rpc_defer(request, &program->given.waiting);
    }
    take(&program->given, results, most);
    return STATUS_OK;
}

// A reader that waits gets what there is, which may be the end.
static void answer_reader(struct program *program) {
    if (tess_handle_valid(program->given.waiting.reply) && (program->given.len > 0 || program->given_all)) {
        const struct capnp_struct_builder answer = rpc_answer_begin(&programs.late, &program->given.waiting);
        take(&program->given, (struct input_read_results_builder){answer}, program->given_most);
        rpc_answer_send(&programs.late);
    }
}

// A writer that waits is told that nothing was taken, and offers its text again.
static void answer_writer(struct program *program) {
    if (tess_handle_valid(program->written.waiting.reply)) {
        (void)rpc_answer_begin(&programs.late, &program->written.waiting);
        rpc_answer_send(&programs.late);
    }
}

static void serve(void) {
    static const struct console_server console_methods = {.write = write_text, .stats = stats};
    static const struct input_server input_methods = {.read = read_bytes};
    struct rpc_request *request = &programs.server.request;
    rpc_server_done(&programs.server, is_input(request->badge) ? input_dispatch(&input_methods, nullptr, request)
                                                               : console_dispatch(&console_methods, nullptr, request));
    rpc_server_answer(&programs.server); // before anything else is done, which may take long
}

// ---- starting and ending ----

// The shell's notification comes in with the requests as long as there are programs.
static status_t listen(void) {
    if (!tess_handle_valid(programs.endpoint)) {
        TRY(tess_account_create_endpoint(tess_self_account(), CONSOLE_ID, &programs.endpoint));
        rpc_server_init(&programs.server, programs.endpoint, 0);
    }
    return programs.count == 0 ? tess_notification_bind(shell.events, programs.endpoint) : STATUS_OK;
}

static void forget(struct program *program) {
    programs.slots[program->slot] = nullptr;
    if (--programs.count == 0) {
        (void)tess_notification_bind(shell.events, (handle_t){}); // it was bound
    }
    tess_close(program->written.waiting.reply);
    tess_close(program->given.waiting.reply);
    free(program);
}

static struct program *make(void) {
    size_t slot = 0;
    while (slot < PROGRAMS_MAX && programs.slots[slot] != nullptr) {
        slot++;
    }
    struct program *program = slot < PROGRAMS_MAX ? calloc(1, sizeof(*program)) : nullptr;
    if (program == nullptr || !status_ok(listen())) {
        free(program);
        return nullptr;
    }
    program->slot = slot;
    program->serial = ++programs.serials;
    programs.slots[slot] = program;
    programs.count++;
    return program;
}

static status_t mint(const struct program *program, bool input, handle_t *out) {
    const rights_t rights = {RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT};
    return tess_handle_mint(programs.endpoint, rights, badge_of(program, input), input ? INPUT_ID : CONSOLE_ID, out);
}

int program_start(const char *const *words, size_t count, bool reads, bool writes, bool foreground, struct program **out) {
    TESS_OWNED handle_t console = {}, input = {};
    struct program *program = make();
    if (program == nullptr || (reads && !status_ok(mint(program, true, &input))) ||
        (writes && !status_ok(mint(program, false, &console)))) {
        program_close(program);
        return fail("%s: the shell has no memory for a pipe to it, or there are %zu programs in pipes already\n", words[0], PROGRAMS_MAX);
    }
    const int status = job_start(words, count, foreground, console, input, &program->id);
    if (status != COMMAND_OK) {
        program_close(program);
        return status;
    }
    program->foreground = foreground;
    *out = program;
    return COMMAND_OK;
}

void program_close(struct program *program) {
    if (program == nullptr) {
        return;
    }
    if (program->id != 0 && !program->ended) {
        job_end(program->id);
    }
    forget(program);
}

size_t program_give(struct program *program, const char *bytes, size_t len) {
    const size_t room = QUEUE_BYTES - program->given.len;
    const size_t piece = len < room ? len : room;
    memcpy(program->given.bytes + program->given.len, bytes, piece);
    program->given.len += piece;
    answer_reader(program);
    return piece;
}

void program_give_no_more(struct program *program) {
    program->given_all = true;
    answer_reader(program);
}

bool program_has_written(const struct program *program) {
    return program->written.len > 0;
}

struct shell_text program_hold(struct program *program) {
    program->held = true;
    return (struct shell_text){program->written.bytes, program->written.len};
}

void program_drop(struct program *program) {
    program->held = false;
    program->written.len = 0;
    answer_writer(program);
}

void program_unwanted(struct program *program) {
    if (!program->unwanted && !program->ended) {
        program->unwanted = true;
        job_end(program->id);
    }
}

void program_kill(struct program *program) {
    if (!program->ended) {
        job_end(program->id);
    }
}

uint32_t program_id(const struct program *program) {
    return program->id;
}

void program_say_end(const struct program *program) {
    int ignored;
    if (!program->unwanted) {
        (void)job_over(program->id, JOB_FAILURES, &ignored);
    }
}

bool program_ended(const struct program *program) {
    return program->ended;
}

int program_status(const struct program *program) {
    return program->unwanted ? COMMAND_UNREAD : program->status;
}

// ---- waiting ----

bool programs_any(void) {
    return programs.count > 0;
}

// Asks about those that run. One whose output nobody wanted is not said to have been ended.
static void look(void) {
    programs.seen_ends = jobs_ended();
    for (size_t i = 0; i < PROGRAMS_MAX; i++) {
        struct program *program = programs.slots[i];
        if (program != nullptr && program->id != 0 && !program->ended) {
            const bool quiet = program->unwanted || !program->foreground || shell.interrupted;
            program->ended = job_over(program->id, quiet ? JOB_QUIET : JOB_FAILURES, &program->status);
        }
    }
}

static void end_all(void) {
    for (size_t i = 0; i < PROGRAMS_MAX; i++) {
        const struct program *program = programs.slots[i];
        if (program != nullptr && program->foreground && program->id != 0 && !program->ended) {
            job_end(program->id);
        }
    }
}

status_t programs_wait(uint64_t *bits, uint64_t deadline_ns) {
    *bits = 0;
    switch (rpc_server_next(&programs.server, deadline_ns)) {
    case RPC_REQUEST: serve(); break;
    case RPC_SIGNAL:
        *bits = programs.server.bits;
        shell_note_events(*bits);
        break;
    case RPC_TIMEOUT:
        if (deadline_ns != DEADLINE_POLL) {
            look(); // in case that a signal was lost
        }
        return STATUS_TIMED_OUT;
    case RPC_CLOSED: return STATUS_PEER_DIED; // the shell owns it
    }
    if ((*bits & BIT_INTERRUPT) != 0) {
        end_all();
    }
    if (programs.seen_ends != jobs_ended()) {
        look();
    }
    return STATUS_OK;
}
