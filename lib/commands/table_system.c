// Commands for the system and its services: what runs, how well, what happened. (table.h)
#include "lib/commands/shell.h"
#include "lib/commands/table.h"
#include "lib/shell/interpreter.h"

static const struct command commands[] = {
    {.name = "services", .usage = "", .summary = "list the services", .run = command_services,
     .details = "Name, id, state, time since it was started, how often it was started again,\n"
                "memory in use and the limit of its account."},
    {.name = "service", .usage = "NAME", .summary = "show one service", .run = command_service, .min = 1, .max = 1,
     .completion = COMPLETE_SERVICES},
    {.name = "restart", .usage = "SERVICE", .summary = "end a service and start it anew", .run = command_restart, .operation = "restart",
     .min = 1, .max = 1, .completion = COMPLETE_SERVICES},
    {.name = "replace", .usage = "[-l] [SERVICE [PROGRAM]]", .summary = "have a service go on in another process", .run = command_replace,
     .operation = "replace", .max = 3, .completion = COMPLETE_SERVICES,
     .details = "  -l, --lose-state  also where the service says that something of its state is lost\n"
                "Starts a process of PROGRAM of the boot package, or of the program that it runs, beside the one that serves,\n"
                "which hands its state over; calls wait meanwhile, and none is lost. If the new one fails, the old one goes on.\n"
                "Ctrl-C stops waiting for that. Alone it shows the last replacement."},
    {.name = "status", .usage = "", .summary = "show how well the system is, and what changed when", .run = command_status,
     .details = "ok, degraded or failed, as the worst of its services; then what became better or worse, with the time."},
    {.name = "mode", .usage = "", .summary = "show how much of the system runs, and why it is not all", .run = command_mode,
     .details = "full, reduced, safe or recovery: `mode=safe` on the boot command line chooses, and the system goes on in\n"
                "safe mode by itself when a service that it cannot do without is given up."},
    {.name = "metrics", .usage = "[NAME] [--prometheus]", .summary = "show figures of the system and its services",
     .run = command_metrics, .max = 2,
     .details = "Those whose names begin with NAME, or all. Of a histogram how many values there are, what half of them and 99 of 100\n"
                "are at most, and the greatest. --prometheus prints all in Prometheus's text format."},
    {.name = "logs", .usage = "[-n N] [-f] [-l LEVEL] [-s SERVICE] [OPTION...]", .summary = "show the log", .run = command_logs,
     .max = SHELL_WORDS_MAX, .completion = COMPLETE_SERVICES,
     .details = "  -n N           only the last N records (default 50)\n"
                "  -f, --follow   go on with what comes, until Ctrl-C\n"
                "  -s SERVICE     only records of one service or job\n"
                "  -d DOMAIN      only of this part of its work\n"
                "  -l LEVEL       only as urgent as that: error, warning, info (the default), debug\n"
                "  -v             debug records, too, and all fields\n"
                "  -c, --crashes  only ends of programs that were none of their own doing\n"
                "  --denials      only what somebody was not allowed: a sentence each\n"
                "  --cause N      only what was done for one request\n"
                "  --field F      only with a field NAME, or NAME=VALUE\n"
                "  --grep TEXT    only with this in the text\n"
                "  --since TIME   only of the last 90, 90s, 5m, 2h; or from @12.5 on, seconds after start\n"
                "  --stats        how much is kept, of whom, and what was dropped"},
    {.name = "crashes", .usage = "", .summary = "list the programs that crashed", .run = command_crashes},
    {.name = "crash", .usage = "[-d] NUMBER", .summary = "show where a program crashed", .run = command_crash, .min = 1, .max = 2,
     .details = "  -d, --dump  all of the record, for tools/minidump; it has pieces of the\n"
                "              program's memory, so it is for administrators\n"
                "The numbers are those of `crashes`."},
    {.name = "ps", .usage = "", .summary = "list the processes", .run = command_ps,
     .details = "MEMORY and LIMIT are those of the account that pays, MEMORY without what it gave to\n"
                "accounts below it; `mem -a` shows all accounts."},
    {.name = "mem", .usage = "[-a]", .summary = "show what memory is used for", .run = command_mem, .max = 1,
     .details = "  -a  the tree of accounts: limit, what of it is reserved, use, highest use,\n"
                "      processor time, objects, and the programs that each pays for"},
    {.name = "uptime", .usage = "", .summary = "show how long the system has been running", .run = command_uptime},
    {.name = "trace", .usage = "[start|stop|off]", .summary = "have the kernel write down what happens",
     .run = command_trace, .operation = "trace", .max = 1,
     .details = "start  from now on, in new buffers; stop  no more, but keep what there is;\n"
                "off  give the buffers back. Alone: how much there is. tools/trace reads it."},
    {.name = "reboot", .usage = "", .summary = "stop everything and start the machine anew", .run = command_reboot, .operation = "power"},
    {.name = "poweroff", .usage = "", .summary = "stop everything and switch the machine off",
     .run = command_poweroff, .operation = "power"},
};

const struct command_area area_system = {"The system", sizeof(commands) / sizeof(commands[0]), commands};
