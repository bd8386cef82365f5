// What Tab offers.
#include "apps/shell/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/shell/words.h"
#include "lib/wire/console_client.h"
#include "lib/wire/supervisor_client.h"

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
