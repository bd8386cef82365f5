// Commands for text: printing, filters, and the files of the session. (table.h)
#include "lib/commands/shell.h"
#include "lib/commands/table.h"
#include "lib/shell/interpreter.h"

static const struct command commands[] = {
    {.name = "echo", .usage = "[WORD...]", .summary = "print words", .run = command_echo, .max = SHELL_WORDS_MAX},
    {.name = "cat", .usage = "[FILE...]", .summary = "show files", .run = command_cat, .filter = &filter_cat,
     .max = SHELL_WORDS_MAX, .completion = COMPLETE_FILES},
    {.name = "grep", .usage = "[-v] [-i] TEXT", .summary = "pass on the lines that have a text in them", .filter = &filter_grep,
     .details = "  -v  those that do not have it; -i  letters in any case\nFails when there is no such line."},
    {.name = "head", .usage = "[-n LINES]", .summary = "pass on the first lines", .filter = &filter_head},
    {.name = "tail", .usage = "[-n LINES]", .summary = "pass on the last lines", .filter = &filter_tail},
    {.name = "sort", .usage = "[-r] [-n] [-u]", .summary = "sort lines", .filter = &filter_sort,
     .details = "  -r  backwards; -n  by the number in front; -u  each line once\nUp to 64 KiB."},
    {.name = "uniq", .usage = "[-c]", .summary = "leave out lines that are as the one before", .filter = &filter_uniq,
     .details = "  -c  with how often each was there"},
    {.name = "wc", .usage = "[-l] [-w] [-c]", .summary = "count lines, words and bytes", .filter = &filter_wc},
    {.name = "field", .usage = "[-d CHARACTER] NUMBER...", .summary = "pass on fields of lines", .filter = &filter_field,
     .details = "Fields have blanks between them, or the character."},
    {.name = "tee", .usage = "[-a] FILE", .summary = "pass on what comes in, and keep it in a file", .filter = &filter_tee,
     .completion = COMPLETE_FILES, .details = "  -a  behind what is there"},
    {.name = "files", .usage = "", .summary = "list the files of this session", .run = command_files,
     .details = "What `>` writes is kept in the shell's memory, and gone with it: there is no file system yet.\n"
                "The scripts that the system brings are there, too; `sh` carries them out."},
    {.name = "rm", .usage = "FILE...", .summary = "remove files of this session", .run = command_rm, .min = 1,
     .max = SHELL_WORDS_MAX, .completion = COMPLETE_FILES},
};

const struct command_area area_text = {"Text and files", sizeof(commands) / sizeof(commands[0]), commands};
