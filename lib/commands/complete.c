// What Tab offers.
#include "lib/commands/complete.h"

#include "lib/commands/background.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/shell/cursor.h"

// What is offered: strings one after the other, each with its NUL.
static struct {
    uint32_t replace_bytes; // before the cursor
    uint32_t count;
    const char *suffix;
    size_t used;
    char strings[4096];
} candidates;

constexpr uint32_t CANDIDATES_MAX = 128;

constexpr size_t SUFFIX_MAX = 8;

void candidates_begin(size_t replace_bytes) {
    candidates.replace_bytes = (uint32_t)replace_bytes;
    candidates.count = 0;
    candidates.used = 0;
    candidates.suffix = " ";
}

void candidates_suffix(const char *suffix) {
    candidates.suffix = suffix;
}

static bool is_offered(const char *word) {
    const char *at = candidates.strings;
    for (uint32_t i = 0; i < candidates.count; i++) {
        if (str_equal(at, word)) {
            return true;
        }
        at += strlen(at) + 1;
    }
    return false;
}

// More than can be offered are not: the list is for reading. Pages of several sections may share a name.
void candidates_add(const struct wanted *wanted, const char *word) {
    const size_t bytes = strlen(word) + 1;
    if (strncmp(word, wanted->prefix, wanted->prefix_bytes) == 0 && candidates.count < CANDIDATES_MAX && !is_offered(word) &&
        bytes + SUFFIX_MAX < sizeof(candidates.strings) - candidates.used) {
        memcpy(candidates.strings + candidates.used, word, bytes);
        candidates.used += bytes;
        candidates.count++;
    }
}

static void add_commands(const struct wanted *wanted) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != nullptr; i++) {
        candidates_add(wanted, command->name);
    }
}

static void add_service(void *wanted, struct supervisor_service service) {
    char name[NAME_BYTES];
    candidates_add(wanted, shown(name, sizeof(name), supervisor_service_get_name(service)));
}

static void add_program(void *wanted, struct exec_program program) {
    char name[NAME_BYTES];
    candidates_add(wanted, shown(name, sizeof(name), exec_program_get_name(program)));
}

static void add_name(void *wanted, const char *name) {
    candidates_add(wanted, name);
}

static void add_job(void *wanted, struct exec_job job) {
    char program[NAME_BYTES];
    char name[NAME_BYTES + 16];
    if (exec_job_get_state(job) == SUPERVISOR_RUN_STATE_RUNNING) {
        fmt_snprintf(name, sizeof(name), "%s.%u", shown(program, sizeof(program), exec_job_get_name(job)),
                     exec_job_get_id(job));
        candidates_add(wanted, name);
    }
}

static void add_verbs(const struct wanted *wanted) {
    static const char *const verbs[] = {"get", "set", "unset", "list", "watch", "describe"};
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        candidates_add(wanted, verbs[i]);
    }
}

// Names that the supervisor does not say are not offered.
static void add_for(enum completion completion, struct wanted *wanted) {
    switch (completion) {
    case COMPLETE_NOTHING:
    case COMPLETE_CALL: break; // complete_call.c
    case COMPLETE_FILES: each_file(add_name, wanted); break;
    case COMPLETE_COMMANDS: add_commands(wanted); break;
    case COMPLETE_SERVICES: (void)each_service(add_service, wanted); break;
    case COMPLETE_PROGRAMS: (void)each_program(add_program, wanted); break;
    case COMPLETE_DESCRIBED:
        (void)each_service(add_service, wanted);
        each_described(wanted->prefix, wanted->prefix_bytes, add_name, wanted);
        break;
    case COMPLETE_ZONES: each_zone(wanted->prefix, wanted->prefix_bytes, add_name, wanted); break;
    case COMPLETE_SETTINGS:
        each_setting(wanted->prefix, wanted->prefix_bytes, add_name, wanted);
        break;
    case COMPLETE_PAGES:
        add_commands(wanted);
        each_manual_name(wanted->prefix, wanted->prefix_bytes, add_name, wanted);
        break;
    case COMPLETE_JOBS:
        each_background(add_name, wanted);
        (void)each_job(add_job, wanted);
        break;
    case COMPLETE_UNITS:
        each_background(add_name, wanted);
        (void)each_service(add_service, wanted);
        (void)each_job(add_job, wanted);
        break;
    }
}

// The only candidate is put in with what belongs behind it.
static void finish_single(void) {
    if (candidates.count == 1) {
        (void)str_append(candidates.strings, sizeof(candidates.strings), candidates.suffix);
    }
}

// What follows the line's first word and a blank, if that is a command with a completion of its own; else nullptr.
static const char *behind_call(const char *line, size_t len) {
    const char *const end = line + len;
    while (line < end && char_is_space(*line)) {
        line++;
    }
    const char *word = line;
    while (line < end && !char_is_space(*line)) {
        line++;
    }
    const struct command *command = command_find(word, (size_t)(line - word));
    if (line == end || command == nullptr || command->completion != COMPLETE_CALL) {
        return nullptr;
    }
    while (line < end && char_is_space(*line)) {
        line++;
    }
    return line;
}

void complete(const char *line, size_t len) {
    struct shell_cursor cursor;
    const char *rest = behind_call(line, len);
    candidates_begin(0);
    if (rest != nullptr) { // also in quotes
        complete_call(rest, (size_t)(line + len - rest));
        finish_single();
    } else if (shell_cursor(line, len, &cursor)) {
        struct wanted wanted = {.prefix = cursor.word, .prefix_bytes = cursor.word_bytes};
        candidates_begin(cursor.word_bytes);
        const struct command *command = command_find(cursor.first, cursor.first_bytes);
        if (cursor.file) {
            add_for(COMPLETE_FILES, &wanted);
        } else if (cursor.index == 0) {
            add_commands(&wanted);
        } else if (command != nullptr && command->completion == COMPLETE_SETTINGS && cursor.index == 1) {
            add_verbs(&wanted);
        } else if (command != nullptr && (cursor.index == 1 || command->completion == COMPLETE_SETTINGS || command->completion == COMPLETE_FILES ||
                                          command->completion == COMPLETE_JOBS || command->completion == COMPLETE_SERVICES ||
                                          (command->completion == COMPLETE_PAGES && cursor.index == 2))) {
            add_for(command->completion, &wanted);
        }
        finish_single();
    }
    shell.front->offer(candidates.replace_bytes, candidates.count, candidates.strings);
}
