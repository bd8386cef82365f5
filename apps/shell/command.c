// Which commands there are, and how a line becomes one of them.
#include "apps/shell/shell.h"
#include "base/str.h"
#include "base/suggest.h"
#include "lib/shell/interpreter.h"

constexpr size_t HELP_COLUMN = 34; // of the summaries in `help`

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
     .max = SHELL_WORDS_MAX, .paged = true,
     .details = "Lists the pages that have all of these words, the best first; the beginning of a word is enough."},
    {.name = "services", .usage = "", .summary = "list the services", .run = command_services,
     .details = "Name, id, state, time since it was started, how often it was started again,\n"
                "memory in use and the limit of its account."},
    {.name = "service", .usage = "NAME", .summary = "show one service", .run = command_service, .min = 1, .max = 1,
     .completion = COMPLETE_SERVICES},
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
    {.name = "metrics", .usage = "[NAME] [--prometheus]", .summary = "show figures of the system and its services",
     .run = command_metrics, .max = 2,
     .details = "Those whose names begin with NAME, or all. Of a histogram how many values there are, what half of them and 99 of 100\n"
                "are at most, and the greatest. --prometheus prints all in Prometheus's text format."},
    {.name = "status", .usage = "", .summary = "show how well the system is, and what changed when", .run = command_status,
     .details = "ok, degraded or failed, as the worst of its services; then what became better or worse, with the time."},
    {.name = "caps", .usage = "SERVICE", .summary = "show every handle of a service or job", .run = command_caps,
     .min = 1, .max = 1, .completion = COMPLETE_UNITS,
     .details = "Type, rights, badge, the handle it is derived from, and where it is from: the\n"
                "manifest's line that granted it, or how else it came. Jobs are called NAME.ID."},
    {.name = "policy", .usage = "[SUBJECT ACTION OBJECT]", .summary = "show who may use which service, and why",
     .run = command_policy, .max = 5,
     .details = "policy                           the rules that are in force\n"
                "policy hello control log         whether hello may, by which line; or who may, and what would allow it\n"
                "policy try deny hello use log    what would change if this were a rule (or allow)\n"
                "policy revoke hello use log      deny it from now on; policy restore undoes that\n"
                "policy learn on                  record what is used; policy propose writes it as a manifest\n"
                "Actions are use, control and share; `*` is every subject or object."},
    {.name = "why", .usage = "SERVICE [HANDLE] | -a", .summary = "show where a handle is from", .run = command_why, .min = 1,
     .max = 2, .completion = COMPLETE_UNITS, .paged = true,
     .details = "From what made its object to the handle itself: who had it, with which rights, since when, and by\n"
                "which line of the manifest, message or operation it came. HANDLE is its name or number (`caps`).\n"
                "Without it, or with -a for the whole system: the handles for which that is not all known."},
    {.name = "whatif", .usage = "revoke SERVICE HANDLE | kill NAME", .summary = "show what would break", .run = command_whatif,
     .min = 2, .max = 3, .completion = COMPLETE_UNITS, .paged = true,
     .details = "Which handles would go, who would end, whose calls would be interrupted, and which waits would end,\n"
                "if a handle were taken away, or a service or job ended. Nothing is done."},
    {.name = "revoke", .usage = "SERVICE HANDLE", .summary = "take a handle away", .run = command_revoke, .needs = NEEDS_ADMINISTRATOR, .min = 2, .max = 2,
     .completion = COMPLETE_UNITS,
     .details = "And with it all that was derived from it, wherever that is now: what `whatif revoke` foretells. Then it\n"
                "looks whether that is what came of it."},
    {.name = "who-can", .usage = "SERVICE.METHOD", .summary = "show who may call a method", .run = command_who_can, .min = 1,
     .max = 1, .completion = COMPLETE_DESCRIBED, .paged = true,
     .details = "Each handle that allows it, who holds it, and how it came there."},
    {.name = "prove", .usage = "SERVICE --cannot-reach TARGET [--certificate]", .summary = "show that it can never hold something",
     .run = command_prove, .min = 3, .max = 4, .completion = COMPLETE_UNITS,
     .details = "TARGET is an interface (`log`, `log.control`), a service, or a type of kernel object (`inspector`).\n"
                "`man authority` has the rules. With --certificate it prints what tools/authority-check verifies."},
    {.name = "least", .usage = "SERVICE [--memory]", .summary = "show what a service was granted and never used",
     .run = command_least, .min = 1, .max = 2, .completion = COMPLETE_SERVICES,
     .details = "As a change of the manifest, for `patch -p1`: what it was granted without what it did not use since it was\n"
                "started. With --memory its limit also becomes the most that it used. Use the service as it is meant to be\n"
                "used before: what it was not asked to do nobody knows."},
    {.name = "authority", .usage = "[--json|--dot]", .summary = "show who holds what of whom", .run = command_authority, .max = 1,
     .details = "As text; as JSON, which is all that is known; as DOT, which Graphviz draws."},
    {.name = "mem", .usage = "[-a]", .summary = "show what memory is used for", .run = command_mem, .max = 1,
     .details = "  -a  the tree of accounts: limit, what of it is reserved, use, highest use,\n"
                "      processor time, objects, and the programs that each pays for"},
    {.name = "ps", .usage = "", .summary = "list the processes", .run = command_ps,
     .details = "MEMORY and LIMIT are those of the account that pays; `mem -a` shows all accounts."},
    {.name = "run", .usage = "PROGRAM [ARGUMENT...] [&]", .summary = "run a program", .run = command_run, .needs = NEEDS_USER, .min = 1,
     .max = SHELL_WORDS_MAX, .completion = COMPLETE_PROGRAMS, .background = true,
     .details = "Waits until it ends; Ctrl-C ends it, a second Ctrl-C stops waiting.\n"
                "With & at the end it runs in the background. Tab after `run ` lists the programs."},
    {.name = "call", .usage = "[SERVICE[.METHOD ['(PARAMETERS)']]]", .summary = "call any method of a service",
     .run = command_call, .needs = NEEDS_ADMINISTRATOR, .max = 2, .completion = COMPLETE_CALL,
     .details = "call               what the shell can reach\n"
                "call log           its methods\n"
                "call log.query '(limit = 5, level = warning)'\n"
                "Parameters and results are Cap'n Proto's text; those left out are defaults. $console\n"
                "is a capability of the shell's own. Tab completes all of it; Ctrl-C ends the wait."},
    {.name = "describe", .usage = "[SERVICE[.METHOD]]", .summary = "show what a service can be asked for",
     .run = command_describe, .max = 1, .completion = COMPLETE_DESCRIBED, .paged = true,
     .details = "A service, an interface or the name of a contract: what it extends, who provides it, and its\n"
                "methods. With the name of a method its parameters and results, with their types, defaults and\n"
                "limits, and what the manual says of it. Alone: all interfaces."},
    {.name = "crashes", .usage = "", .summary = "list the programs that crashed", .run = command_crashes},
    {.name = "crash", .usage = "[-d] NUMBER", .summary = "show where a program crashed", .run = command_crash, .min = 1, .max = 2,
     .details = "  -d, --dump  all of the record, for tools/minidump\n"
                "The numbers are those of `crashes`."},
    {.name = "jobs", .usage = "", .summary = "list the programs that were run", .run = command_jobs},
    {.name = "fg", .usage = "[JOB]", .summary = "wait for a job in the background", .run = command_fg, .needs = NEEDS_ADMINISTRATOR, .max = 1,
     .completion = COMPLETE_JOBS, .details = "The youngest, or %1, ID or NAME.ID. Ctrl-C ends it, a second Ctrl-C stops waiting."},
    {.name = "wait", .usage = "[JOB...]", .summary = "wait for jobs, and leave them alone", .run = command_wait,
     .max = SHELL_WORDS_MAX, .completion = COMPLETE_JOBS,
     .details = "All that are in the background, or those. Ctrl-C stops waiting. The status is the last one's, or 0."},
    {.name = "kill", .usage = "ID|NAME|%JOB", .summary = "end a job or a service", .run = command_kill, .needs = NEEDS_ADMINISTRATOR, .min = 1, .max = 1,
     .completion = COMPLETE_UNITS,
     .details = "A job goes by its id, NAME.ID, NAME where only one runs, or its number in this shell: %1.\n"
                "A service that the manifest says to restart comes back at once."},
    {.name = "restart", .usage = "SERVICE", .summary = "end a service and start it anew", .run = command_restart, .needs = NEEDS_ADMINISTRATOR,
     .min = 1, .max = 1, .completion = COMPLETE_SERVICES},
    {.name = "keys", .usage = "[VERB...]", .summary = "make keys, sign and seal with them", .run = command_keys, .needs = NEEDS_USER, .max = 4,
     .details = "keys                                the shell's keys, with their public halves\n"
                "keys new NAME                       another one\n"
                "keys sign NAME TEXT                 its signature (Ed25519)\n"
                "keys verify PUBLIC SIGNATURE TEXT   whether the owner of a public key signed this\n"
                "keys seal NAME CONTEXT TEXT         what only this key opens, where the same context is named\n"
                "keys unseal NAME CONTEXT SEALED     what was sealed\n"
                "keys destroy NAME                   ends a key\n"
                "keys device, keys attest TEXT       this machine's public key, and its signature (`man Keys.attest`)\n"
                "Bytes are hexadecimal digits. Keys end with the machine: there is no store yet."},
    {.name = "config", .usage = "[get|set|unset|list|watch|describe [-s] [KEY [VALUE]]]", .summary = "show and change settings",
     .run = command_config, .max = SHELL_WORDS_MAX, .completion = COMPLETE_SETTINGS,
     .details = "config list [PREFIX]        each key, where its value is from, and the value\n"
                "config get KEY              the value alone\n"
                "config describe KEY         what it is for, which values it takes, what each layer says\n"
                "config set [-s] KEY VALUE   from now on, in the layer `admin`; with -s in `session`\n"
                "config unset [-s] KEY       what the layer below says holds again\n"
                "config watch [PREFIX]       what changes, until Ctrl-C\n"
                "Both layers hold until the machine is switched off, whatever becomes of configd: there is no store yet."},
    {.name = "whoami", .usage = "", .summary = "show who is logged in", .run = command_whoami},
    {.name = "su", .usage = "NAME", .summary = "be somebody else until `logout`", .run = command_su, .min = 1, .max = 1},
    {.name = "logout", .usage = "", .summary = "end the session", .run = command_logout,
     .details = "Back to who was there before `su`, or to the login. Ctrl-D does it, too."},
    {.name = "lock", .usage = "", .summary = "lock the session until its password is given", .run = command_lock,
     .details = "It locks itself when it is not used for 15 minutes, and ends after 4 hours."},
    {.name = "sessions", .usage = "[end ID]", .summary = "list the sessions, or end one", .run = command_sessions, .max = 2,
     .details = "Your own; as an administrator everybody's."},
    {.name = "users", .usage = "[guests on|off]", .summary = "list the accounts, or say whether guests are let in",
     .run = command_users, .max = 2},
    {.name = "adduser", .usage = "NAME [administrator]", .summary = "make an account", .run = command_adduser, .min = 1, .max = 2,
     .details = "The first one sets the machine up: it is an administrator's. From then on only administrators add accounts,\n"
                "end services and jobs, call methods, change settings, trace, and stop the machine."},
    {.name = "deluser", .usage = "NAME", .summary = "remove an account, and end its sessions", .run = command_deluser, .min = 1, .max = 1},
    {.name = "passwd", .usage = "[NAME]", .summary = "change your password, or set somebody's", .run = command_passwd, .max = 1},
    {.name = "date", .usage = "[-u|-v|-z|ZONE|set ...]", .summary = "show and set the time", .run = command_date, .max = 5,
     .completion = COMPLETE_ZONES,
     .details = "date                    in the zone of the setting time.zone; -u: UTC; ZONE: there\n"
                "date -v                 where it is from, and how far it may be off\n"
                "date -z [PREFIX]        the zones that there are\n"
                "date set DATE TIME      such as 2026-11-22 05:10, in the zone that holds\n"
                "date set -s DATE TIME   the same without a jump: faster or slower until it is right\n"
                "date set rtc            by the machine's real-time clock"},
    {.name = "alarm", .usage = "[AFTER|every PERIOD|DATE TIME|cancel ID]", .summary = "wait for a moment, or list the alarms",
     .run = command_alarm, .max = 2,
     .details = "alarm 10s            waits so long; ms, s, m and h are understood\n"
                "alarm every 5s       says so again and again, until Ctrl-C\n"
                "alarm DATE [TIME]    waits until the wall clock says this, whoever sets it\n"
                "alarm                all alarms that are set, whoever set them; NEXT is in seconds of their clock"},
    {.name = "uptime", .usage = "", .summary = "show how long the system has been running", .run = command_uptime},
    {.name = "trace", .usage = "[start|stop|off]", .summary = "have the kernel write down what happens",
     .run = command_trace, .needs = NEEDS_ADMINISTRATOR, .max = 1,
     .details = "start  from now on, in new buffers; stop  no more, but keep what there is;\n"
                "off  give the buffers back. Alone: how much there is. tools/trace reads it."},
    {.name = "echo", .usage = "[WORD...]", .summary = "print words", .run = command_echo, .max = SHELL_WORDS_MAX},
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
    {.name = "cat", .usage = "[FILE...]", .summary = "show files", .run = command_cat, .filter = &filter_cat,
     .max = SHELL_WORDS_MAX, .completion = COMPLETE_FILES},
    {.name = "files", .usage = "", .summary = "list the files of this session", .run = command_files,
     .details = "What `>` writes is kept in the shell's memory, and gone with it: there is no file system yet.\n"
                "The scripts that the system brings are there, too; `sh` carries them out."},
    {.name = "rm", .usage = "FILE...", .summary = "remove files of this session", .run = command_rm, .min = 1,
     .max = SHELL_WORDS_MAX, .completion = COMPLETE_FILES},
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
    {.name = "history", .usage = "[LINES]", .summary = "list the lines entered before", .run = command_history, .max = 1},
    {.name = "clear", .usage = "", .summary = "clear the screen", .run = command_clear},
    {.name = "reboot", .usage = "", .summary = "stop everything and start the machine anew", .run = command_reboot, .needs = NEEDS_CONSOLE},
    {.name = "poweroff", .usage = "", .summary = "stop everything and switch the machine off",
     .run = command_poweroff, .needs = NEEDS_CONSOLE},
};

constexpr size_t COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]);

const struct command *command_at(size_t index) {
    return index < COMMAND_COUNT ? &commands[index] : nullptr;
}

const struct command *command_find(const char *name, size_t len) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strlen(commands[i].name) == len && strncmp(commands[i].name, name, len) == 0) {
            return &commands[i];
        }
    }
    return nullptr;
}

// A command that does not exist may be a program's name, or nearly one of ours.
int command_unknown(const char *name) {
    struct suggestion suggestion = suggestion_of(name);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        suggestion_add(&suggestion, commands[i].name);
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

int command_check(const struct command *command, size_t count) {
    const size_t operands = count - 1;
    if (operands < command->min || operands > command->max) {
        return misused("usage: %s%s%s\n", command->name, command->usage[0] != '\0' ? " " : "", command->usage);
    }
    return identity_check(command->name, command->needs);
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
            out("%s\n", command->details);
        }
        return COMMAND_OK;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const size_t width = strlen(commands[i].name) + 1 + strlen(commands[i].usage);
        const bool fits = width < HELP_COLUMN; // or the summary is below it
        out("  %s %s%s%*s%s\n", commands[i].name, commands[i].usage, fits ? "" : "\n  ", (int)(fits ? HELP_COLUMN - width : HELP_COLUMN),
            "", commands[i].summary);
    }
    out("Tab completes. Cursor up and Ctrl-R find earlier lines. Ctrl-C ends what is running.\n");
    return COMMAND_OK;
}
