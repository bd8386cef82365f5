// Commands for the shell itself: help, lines entered before, and what its language carries out. (table.h)
#include "lib/commands/shell.h"
#include "lib/commands/table.h"
#include "lib/shell/interpreter.h"

static const struct command commands[] = {
    {.name = "help", .usage = "[COMMAND]", .summary = "list the commands, or explain one", .run = command_help,
     .max = 1, .completion = COMPLETE_COMMANDS},
    {.name = "man", .usage = "[[SECTION] PAGE]", .summary = "show a page of the manual", .run = command_man, .max = 2,
     .completion = COMPLETE_PAGES, .paged = true,
     .details = "Alone it lists the sections, with the name of a section its pages. Pages are the commands, the\n"
                "contracts of the services and what they declare (`man log`, `man Log.query`), how things\n"
                "work (`man capabilities`), and kernel objects (`man vmo`).\n"
                "What is longer than the screen waits: Enter goes on, q and Enter or Ctrl-C end it."},
    {.name = "apropos", .usage = "WORD...", .summary = "find pages of the manual", .run = command_apropos, .min = 1,
     .max = SHELL_WORDS_MAX, .completion = COMPLETE_PAGES, .paged = true,
     .details = "Lists the pages that have all of these words, the best first; the beginning of a word is enough."},
    {.name = "history", .usage = "[LINES]", .summary = "list the lines entered before", .run = command_history, .max = 1},
    {.name = "clear", .usage = "", .summary = "clear the screen", .run = command_clear},
    {.name = "sh", .usage = "FILE [ARGUMENT...]", .summary = "carry out a script", .run = command_sh, .min = 1,
     .max = SHELL_WORDS_MAX, .completion = COMPLETE_FILES,
     .details = "Its arguments are $1 to $9, $# how many, $@ all of them. `man shell` has the language."},
    {.name = "test", .usage = "[!] CONDITION", .summary = "compare texts or numbers", .internal = true,
     .details = "A = B, A != B; A -eq B, -ne -lt -le -gt -ge; -n TEXT, -z TEXT. `[ CONDITION ]` is the same."},
    {.name = "set", .usage = "[-e|+e] [-x|+x]", .summary = "change how commands are carried out", .internal = true,
     .details = "  -e  end at the first command that fails; -x  show commands before they are carried out"},
    {.name = "unset", .usage = "NAME...", .summary = "forget variables or functions", .internal = true},
    {.name = "exit", .usage = "[STATUS]", .summary = "end a script", .internal = true},
    {.name = "return", .usage = "[STATUS]", .summary = "end a function", .internal = true},
    {.name = "break", .usage = "", .summary = "leave a loop", .internal = true},
    {.name = "continue", .usage = "", .summary = "go on with a loop's next time", .internal = true},
    {.name = "true", .usage = "", .summary = "succeed", .internal = true},
    {.name = "false", .usage = "", .summary = "fail", .internal = true},
};

const struct command_area area_language = {"The shell", sizeof(commands) / sizeof(commands[0]), commands};
