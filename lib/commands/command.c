// Which commands there are, and how a line becomes one of them.
#include "lib/commands/shell.h"
#include "lib/commands/table.h"
#include "base/str.h"
#include "base/suggest.h"
#include "lib/shell/interpreter.h"

static const struct command_area *const areas[] = {
    &area_system, &area_authority, &area_programs, &area_people, &area_text, &area_language, // in the order of `help`
};

constexpr size_t AREA_COUNT = sizeof(areas) / sizeof(areas[0]);
constexpr size_t HELP_COLUMN = 16; // of the summaries in `help`

const struct command *command_at(size_t index) {
    for (size_t i = 0; i < AREA_COUNT; i++) {
        if (index < areas[i]->count) {
            return &areas[i]->commands[index];
        }
        index -= areas[i]->count;
    }
    return nullptr;
}

const struct command *command_find(const char *name, size_t len) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != nullptr; i++) {
        if (strlen(command->name) == len && strncmp(command->name, name, len) == 0) {
            return command;
        }
    }
    return nullptr;
}

// A command that does not exist may be a program's name, or nearly one of ours.
int command_unknown(const char *name) {
    struct suggestion suggestion = suggestion_of(name);
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != nullptr; i++) {
        suggestion_add(&suggestion, command->name);
    }
    char shown[64];
    shell_printable(shown, sizeof(shown), name, strlen(name));
    if (suggestion.nearest != nullptr) {
        (void)fail("%s: unknown command; did you mean `%s`?\n", shown, suggestion.nearest);
    } else {
        (void)fail("%s: unknown command; `help` lists the commands, `run NAME` runs a program\n", shown);
    }
    return COMMAND_NOT_FOUND;
}

int command_check(const struct command *command, const char *const *words, size_t count) {
    const size_t operands = count - 1;
    if (operands < command->min || operands > command->max) {
        return misused("usage: %s%s%s\n", command->name, command->usage[0] != '\0' ? " " : "", command->usage);
    }
    return command->operation != nullptr ? identity_check(command->name, command->operation, count > 1 ? words[1] : nullptr) : COMMAND_OK;
}

int command_help(const struct arguments *arguments) {
    if (arguments->count == 2) {
        const char *name = arguments->words[1];
        const struct command *command = command_find(name, strlen(name));
        if (command == nullptr) {
            return command_unknown(name);
        }
        out("%s %s\n  %s\n", command->name, command->usage, command->summary);
        if (command->details != nullptr) {
            out_details(command->details, 0);
        }
        return COMMAND_OK;
    }
    for (size_t i = 0; i < AREA_COUNT; i++) {
        out("%s\n", areas[i]->title);
        for (size_t j = 0; j < areas[i]->count; j++) {
            const struct command *command = &areas[i]->commands[j];
            out("  %-*s%s\n", (int)(HELP_COLUMN - 2), command->name, command->summary);
        }
    }
    out("`help COMMAND` shows how one is used, and `man shell` the language.\n");
    out("Tab completes, cursor up and Ctrl-R find earlier lines, Ctrl-C ends what runs.\n");
    return COMMAND_OK;
}
