// Commands for people and what is theirs: sessions, accounts, keys, settings, the time. (table.h)
#include "lib/commands/shell.h"
#include "lib/commands/table.h"
#include "lib/shell/interpreter.h"

static const struct command commands[] = {
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
    {.name = "keys", .usage = "[VERB...]", .summary = "make keys, sign and seal with them", .run = command_keys, .operation = "keys", .max = 4,
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
};

const struct command_area area_people = {"People, keys, settings, time", sizeof(commands) / sizeof(commands[0]), commands};
