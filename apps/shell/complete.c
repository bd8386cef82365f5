// What Tab offers.
#include "apps/shell/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/console.capnp.h"
#include "lib/shell/words.h"
#include "lib/wire/supervisor_client.h"

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

static void add_services(const struct wanted *wanted) {
    static struct supervisor_service services[32];
    size_t count;
    size_t total;
    for (size_t index = 0; status_ok(supervisor_services(shell.supervisor, index, services, 32, &count, &total)) &&
                           count > 0;
         index += count) {
        for (size_t i = 0; i < count; i++) {
            add(wanted, services[i].name);
        }
    }
}

static void add_programs(const struct wanted *wanted) {
    static struct supervisor_program programs[32];
    size_t count;
    size_t total;
    for (size_t index = 0; status_ok(supervisor_programs(shell.supervisor, index, programs, 32, &count, &total)) &&
                           count > 0;
         index += count) {
        for (size_t i = 0; i < count; i++) {
            add(wanted, programs[i].name);
        }
    }
}

static void add_jobs(const struct wanted *wanted) {
    static struct supervisor_job jobs[16];
    size_t count;
    size_t total;
    for (size_t index = 0;
         status_ok(supervisor_jobs(shell.supervisor, index, jobs, 16, &count, &total)) && count > 0; index += count) {
        for (size_t i = 0; i < count; i++) {
            if (jobs[i].state == SUPERVISOR_RUNNING) {
                char name[WIRE_NAME_BYTES + 16];
                fmt_snprintf(name, sizeof(name), "%s.%u", jobs[i].name, jobs[i].id);
                add(wanted, name);
            }
        }
    }
}

static void add_for(enum completion completion, const struct wanted *wanted) {
    switch (completion) {
    case COMPLETE_NOTHING: break;
    case COMPLETE_COMMANDS: add_commands(wanted); break;
    case COMPLETE_SERVICES: add_services(wanted); break;
    case COMPLETE_PROGRAMS: add_programs(wanted); break;
    case COMPLETE_UNITS:
        add_services(wanted);
        add_jobs(wanted);
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
