// Commands for running programs, and calling what services offer. (table.h)
#include "lib/commands/shell.h"
#include "lib/commands/table.h"
#include "lib/shell/interpreter.h"

static const struct command commands[] = {
    {.name = "run", .usage = "PROGRAM [ARGUMENT...] [&]", .summary = "run a program", .run = command_run, .operation = "run", .min = 1,
     .max = SHELL_WORDS_MAX, .completion = COMPLETE_PROGRAMS, .background = true,
     .details = "Waits until it ends; Ctrl-C ends it, a second Ctrl-C stops waiting.\n"
                "With & at the end it runs in the background, as a pipe of programs and filters does. Tab after `run ` lists the programs."},
    {.name = "jobs", .usage = "", .summary = "list the programs that were run", .run = command_jobs},
    {.name = "fg", .usage = "[JOB]", .summary = "wait for a job in the background", .run = command_fg, .operation = "end", .max = 1,
     .completion = COMPLETE_JOBS, .details = "The youngest, or %1, ID or NAME.ID. Ctrl-C ends it, a second Ctrl-C stops waiting."},
    {.name = "wait", .usage = "[JOB...]", .summary = "wait for jobs, and leave them alone", .run = command_wait,
     .max = SHELL_WORDS_MAX, .completion = COMPLETE_JOBS,
     .details = "All that are in the background, or those. Ctrl-C stops waiting. The status is the last one's, or 0."},
    {.name = "kill", .usage = "ID|NAME|%JOB", .summary = "end a job or a service", .run = command_kill, .operation = "end", .min = 1, .max = 1,
     .completion = COMPLETE_UNITS,
     .details = "A job goes by its id, NAME.ID, NAME where only one runs, or its number in this shell: %1.\n"
                "A service that the manifest says to restart comes back at once."},
    {.name = "call", .usage = "[SERVICE[.METHOD ['(PARAMETERS)'] [.METHOD ...]]]", .summary = "call any method of a service",
     .run = command_call, .operation = "call", .max = SHELL_WORDS_MAX, .completion = COMPLETE_CALL,
     .details = "call               what the shell can reach\n"
                "call log           its methods\n"
                "call log.query '(limit = 5, level = warning)'\n"
                "call keys.open '(name = \"mine\")' .info   a method of what was returned; .key.info\n"
                "  says of which, if there are several\n"
                "Parameters and results are Cap'n Proto's text; those left out are defaults. $console\n"
                "is a capability of the shell's own. Tab completes all of it; Ctrl-C ends the wait."},
    {.name = "describe", .usage = "[SERVICE[.METHOD]]", .summary = "show what a service can be asked for",
     .run = command_describe, .max = 1, .completion = COMPLETE_DESCRIBED, .paged = true,
     .details = "A service, an interface or the name of a contract: what it extends, who provides it, and its\n"
                "methods. With the name of a method its parameters and results, with their types, defaults and\n"
                "limits, and what the manual says of it. A struct or an enum by its name, and of several contracts\n"
                "by the longer one (`config.Key`). Alone: all interfaces."},
};

const struct command_area area_programs = {"Programs and contracts", sizeof(commands) / sizeof(commands[0]), commands};
