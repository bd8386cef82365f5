// What Tab offers.
#include "apps/shell/shell.h"
#include "apps/shell/units.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/shell/words.h"
#include "lib/wire/console_client.h"

static struct console_candidates candidates;

struct wanted {
    const char *prefix;
    size_t prefix_bytes;
};

static void add(const struct wanted *wanted, const char *word) {
    if (strncmp(word, wanted->prefix, wanted->prefix_bytes) == 0) {
        // More than can be offered are not: the list is for reading.
        (void)console_candidates_add(&candidates, word);
    }
}

static void add_commands(const struct wanted *wanted) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != nullptr; i++) {
        add(wanted, command->name);
    }
}

static void add_service(void *wanted, struct supervisor_service service) {
    char name[WIRE_NAME_BYTES];
    add(wanted, shown(name, sizeof(name), supervisor_service_get_name(service)));
}

static void add_program(void *wanted, struct supervisor_program program) {
    char name[WIRE_NAME_BYTES];
    add(wanted, shown(name, sizeof(name), supervisor_program_get_name(program)));
}

static void add_job(void *wanted, struct supervisor_job job) {
    char program[WIRE_NAME_BYTES];
    char name[WIRE_NAME_BYTES + 16];
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
    if (candidates.body.words[1] == 1) {
        char word[WIRE_NAME_BYTES + 32];
        size_t len = candidates.body.page_bytes - 1;
        if (len + 2 <= sizeof(word)) {
            memcpy(word, candidates.page, len);
            memcpy(word + len, " ", 2);
            size_t replace_bytes = (size_t)candidates.body.words[0];
            console_candidates_init(&candidates, replace_bytes);
            (void)console_candidates_add(&candidates, word);
        }
    }
}

void complete(const char *line, size_t len) {
    struct shell_cursor cursor;
    console_candidates_init(&candidates, 0);
    if (shell_cursor(line, len, &cursor)) {
        struct wanted wanted = {.prefix = cursor.word, .prefix_bytes = cursor.word_bytes};
        console_candidates_init(&candidates, cursor.word_bytes);
        const struct command *command = command_find(cursor.first, cursor.first_bytes);
        if (cursor.index == 0) {
            add_commands(&wanted);
        } else if (command != nullptr && (cursor.index == 1 || command->completion == COMPLETE_SERVICES)) {
            add_for(command->completion, &wanted);
        }
        finish_single();
    }
    // Without an offer the line just goes on.
    (void)console_offer(shell.console, &candidates);
}
