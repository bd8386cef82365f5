// What Tab offers.
#include "apps/shell/shell.h"
#include "apps/shell/units.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/console.capnp.h"
#include "lib/shell/words.h"

// What is offered: strings one after the other, each with its NUL.
static struct {
    uint32_t replace_bytes; // before the cursor
    uint32_t count;
    size_t used;
    char strings[4096];
} candidates;

constexpr uint32_t CANDIDATES_MAX = 128;

static void candidates_begin(size_t replace_bytes) {
    candidates.replace_bytes = (uint32_t)replace_bytes;
    candidates.count = 0;
    candidates.used = 0;
}

// More than can be offered are not: the list is for reading.
static void candidates_add(const char *word) {
    const size_t bytes = strlen(word) + 1;
    if (candidates.count < CANDIDATES_MAX && bytes < sizeof(candidates.strings) - candidates.used) {
        memcpy(candidates.strings + candidates.used, word, bytes);
        candidates.used += bytes;
        candidates.count++;
    }
}

struct wanted {
    const char *prefix;
    size_t prefix_bytes;
};

static void add(const struct wanted *wanted, const char *word) {
    if (strncmp(word, wanted->prefix, wanted->prefix_bytes) == 0) {
        candidates_add(word);
    }
}

static void add_commands(const struct wanted *wanted) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != nullptr; i++) {
        add(wanted, command->name);
    }
}

static void add_service(void *wanted, struct supervisor_service service) {
    char name[NAME_BYTES];
    add(wanted, shown(name, sizeof(name), supervisor_service_get_name(service)));
}

static void add_program(void *wanted, struct supervisor_program program) {
    char name[NAME_BYTES];
    add(wanted, shown(name, sizeof(name), supervisor_program_get_name(program)));
}

static void add_job(void *wanted, struct supervisor_job job) {
    char program[NAME_BYTES];
    char name[NAME_BYTES + 16];
    if (supervisor_job_get_state(job) == SUPERVISOR_RUN_STATE_RUNNING) {
        fmt_snprintf(name, sizeof(name), "%s.%u", shown(program, sizeof(program), supervisor_job_get_name(job)),
                     supervisor_job_get_id(job));
        add(wanted, name);
    }
}

// Names that the supervisor does not say are not offered.
static void add_for(enum completion completion, struct wanted *wanted) {
    switch (completion) {
    case COMPLETE_NOTHING: break;
    case COMPLETE_COMMANDS: add_commands(wanted); break;
    case COMPLETE_SERVICES: (void)each_service(add_service, wanted); break;
    case COMPLETE_PROGRAMS: (void)each_program(add_program, wanted); break;
    case COMPLETE_UNITS:
        (void)each_service(add_service, wanted);
        (void)each_job(add_job, wanted);
        break;
    }
}

// The only candidate is put in with a space behind it.
static void finish_single(void) {
    if (candidates.count == 1) {
        memcpy(candidates.strings + candidates.used - 1, " ", 2);
        candidates.used++;
    }
}

static void offer(void) {
    RPC_CALL(call);
    struct console_control_offer_params_builder params =
        console_control_begin_offer((struct console_control){shell.console}, &call);
    struct capnp_text_list_builder list = console_control_offer_params_init_candidates(params, candidates.count);
    const char *word = candidates.strings;
    console_control_offer_params_set_replace_bytes(params, candidates.replace_bytes);
    for (uint32_t i = 0; i < candidates.count; i++) {
        capnp_text_list_set(list, i, capnp_text(word));
        word += strlen(word) + 1;
    }
    // Without an offer the line just goes on.
    (void)console_control_finish_offer(&call, rpc_patience(), nullptr);
}

void complete(const char *line, size_t len) {
    struct shell_cursor cursor;
    candidates_begin(0);
    if (shell_cursor(line, len, &cursor)) {
        struct wanted wanted = {.prefix = cursor.word, .prefix_bytes = cursor.word_bytes};
        candidates_begin(cursor.word_bytes);
        const struct command *command = command_find(cursor.first, cursor.first_bytes);
        if (cursor.index == 0) {
            add_commands(&wanted);
        } else if (command != nullptr && (cursor.index == 1 || command->completion == COMPLETE_SERVICES)) {
            add_for(command->completion, &wanted);
        }
        finish_single();
    }
    offer();
}
