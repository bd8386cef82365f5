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

#define MORE "..."

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

static bool begins(const struct wanted *wanted, const char *word) {
    for (size_t i = 0; i < wanted->prefix_bytes; i++) {
        const bool same = wanted->any_case ? char_lower(word[i]) == char_lower(wanted->prefix[i]) : word[i] == wanted->prefix[i];
        if (word[i] == '\0' || !same) {
            return false;
        }
    }
    return true;
}

// More than can be offered are not: the list is for reading, and dots say that there are more. Pages of several sections may share
// a name.
void candidates_add(const struct wanted *wanted, const char *word) {
    if (!begins(wanted, word) || is_offered(word) || is_offered(MORE)) {
        return;
    }
    if (candidates.count == CANDIDATES_MAX - 1 ||
        strlen(word) + sizeof(MORE) + SUFFIX_MAX >= sizeof(candidates.strings) - candidates.used) {
        word = MORE;
    }
    const size_t bytes = strlen(word) + 1;
    if (bytes + SUFFIX_MAX < sizeof(candidates.strings) - candidates.used) {
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

// What follows the command's name and a blank, if that is a command with a completion of its own; else nullptr.
static const char *behind_call(const struct shell_cursor *cursor, const char *end) {
    const struct command *command = cursor->first_bytes > 0 && !cursor->file ? command_find(cursor->first, cursor->first_bytes) : nullptr;
    const char *rest = cursor->first + cursor->first_bytes;
    if (command == nullptr || command->completion != COMPLETE_CALL || rest == end || !char_is_space(*rest)) {
        return nullptr;
    }
    while (rest < end && char_is_space(*rest)) {
        rest++;
    }
    return rest;
}

// `man SECTION ` offers what is in it. False: what stands there is no section.
static bool add_section(const struct shell_cursor *cursor, struct wanted *wanted) {
    const char *word = cursor->first + cursor->first_bytes;
    while (char_is_space(*word)) {
        word++;
    }
    size_t len = 0;
    while (word + len < cursor->word && !char_is_space(word[len])) {
        len++;
    }
    return each_page_of(word, len, add_name, wanted);
}

static void add_words(const struct shell_cursor *cursor, struct wanted *wanted) {
    const struct command *command = command_find(cursor->first, cursor->first_bytes);
    const enum completion completion = command != nullptr ? command->completion : COMPLETE_NOTHING;
    if (cursor->file) {
        add_for(COMPLETE_FILES, wanted);
    } else if (cursor->index == 0) {
        add_commands(wanted);
    } else if (completion == COMPLETE_SETTINGS && cursor->index == 1) {
        add_verbs(wanted);
    } else if (completion == COMPLETE_PAGES && cursor->index == 2 && add_section(cursor, wanted)) {
        return;
    } else if (cursor->index == 1 || completion == COMPLETE_SETTINGS || completion == COMPLETE_FILES || completion == COMPLETE_JOBS ||
               completion == COMPLETE_SERVICES || (completion == COMPLETE_PAGES && cursor->index == 2)) {
        add_for(completion, wanted);
    }
}

void complete(const char *line, size_t len) {
    struct shell_cursor cursor;
    const bool in_words = shell_cursor(line, len, &cursor);
    const char *rest = in_words || cursor.quoted ? behind_call(&cursor, line + len) : nullptr;
    candidates_begin(0);
    if (rest != nullptr) { // also in quotes
        complete_call(rest, (size_t)(line + len - rest));
    } else if (in_words) {
        struct wanted wanted = {.prefix = cursor.word, .prefix_bytes = cursor.word_bytes};
        candidates_begin(cursor.word_bytes);
        add_words(&cursor, &wanted);
        if (candidates.count == 0) {
            wanted.any_case = true;
            add_words(&cursor, &wanted);
        }
    }
    finish_single();
    shell.front->offer(candidates.replace_bytes, candidates.count, candidates.strings);
}
