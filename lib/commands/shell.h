// The shell's parts: what they share.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"
#include "lib/commands/front.h"
#include "lib/commands/identity.h"
#include "idl/kernel.capnp.h"
#include "lib/lineedit/history.h"
#include "lib/shell/filter.h"
#include "lib/metrics/client.h"
#include "lib/shell/format.h"

constexpr uint64_t BIT_INTERRUPT = 1; // Ctrl-C was pressed
constexpr uint64_t BIT_JOB = 2;       // a job ended
constexpr uint64_t BIT_ANSWER = 4;    // the answer to `call` came
constexpr uint64_t BIT_SETTING = 8;   // a setting that is watched has changed
constexpr uint64_t BIT_LOG = 16;      // the log has more
constexpr uint64_t BIT_ALARM = 16;    // the moment of `alarm` came

enum shell_figure : uint32_t { SHELL_COMMAND_TIME, SHELL_COMMANDS_FAILED, SHELL_FIGURES };

struct shell {
    const struct front *front;
    handle_t exec, supervisor, log;
    struct inspector inspector;
    struct trace trace;
    handle_t events; // notification: BIT_INTERRUPT, BIT_JOB, BIT_ANSWER, BIT_LOG
    struct history history;
    struct metrics_own own; // its figures
    struct shell_table table; // of the command that is running
    bool interrupted;         // Ctrl-C, since the line was entered
    bool scripted;            // nobody is there
};

extern struct shell shell;
extern const struct metrics_definition shell_figures[SHELL_FIGURES]; // (metrics.c)

// --- output.c: collected, written when there is much of it and before the shell waits ---

[[gnu::format(printf, 1, 2)]] void out(const char *format, ...);
void out_sink(void *context, const char *bytes, size_t len);
void out_flush(void);

// Whether nobody wants any more of it: a command that has much to say, or goes on until Ctrl-C, then ends.
bool out_is_closed(void);

// Words of one line, from this column on; further lines begin at `indent`. Ends the line.
void out_wrapped(size_t column, size_t indent, const char *text);

// What is written in lines: prose, which is filled anew for the screen, and rows of two columns, whose second is.
void out_details(const char *text, size_t indent);

// What went wrong, for the person, wherever output goes. Returns COMMAND_FAILED, so that a command can end with it.
[[gnu::format(printf, 1, 2)]] int fail(const char *format, ...);

// The same of a command that was not used as it is meant. COMMAND_MISUSED.
[[gnu::format(printf, 1, 2)]] int misused(const char *format, ...);

// The same of a service that found this program not allowed to do what it wanted: who may, and what would allow it. Where the
// policy knows nothing of it, `why`. COMMAND_FAILED. (policy.c)
int fail_denied(const char *what, const char *object, const char *why);

// The same of what this program was not granted by this name, a service or an object of the kernel: who has one, and what would grant it.
// Tells the log. Overwrites the message page. COMMAND_FAILED. (denials.c)
int fail_ungranted(const char *what, const char *name, uint64_t interface_id);

// What a status means; of what the kernel refused this program, the denial. Good until the next.
const char *status_text(status_t status);

// "WHAT: why and what to do" for a call that failed. COMMAND_FAILED.
int out_problem(const char *what, status_t status);

// --- pager.c: output a screen at a time, for commands that say much ---

// From here on, until the end, what is more than a screen waits for the person, who may have had enough: then the rest is
// dropped. May block in whatever prints, as long as the person reads.
void pager_begin(void);
void pager_end(void);

// How many of these bytes are to be written now; 0: none any more.
size_t pager_take(const char *bytes, size_t len);

// While it is aside what is printed is not what the command says, and nobody is asked about it. Returns how it was.
bool pager_aside(bool aside);

// Columns of the screen.
size_t pager_columns(void);

// --- command.c ---

// Words of a command line, the command's name first.
struct arguments {
    size_t count;
    const char *const *words;
    bool background;
};

// How a command ended: `$?`, and what `&&`, `if` and scripts go by.
constexpr int COMMAND_OK = 0;
constexpr int COMMAND_FAILED = 1;
constexpr int COMMAND_MISUSED = 2;       // not used as it is meant
constexpr int COMMAND_CANNOT_RUN = 126;  // a program that there is, but that could not be started
constexpr int COMMAND_NOT_FOUND = 127;   // no command or program
constexpr int COMMAND_INTERRUPTED = 130; // by Ctrl-C
constexpr int COMMAND_KILLED = 137;
constexpr int COMMAND_CRASHED = 139;
constexpr int COMMAND_UNREAD = 141; // ended because nobody wanted what it wrote

typedef int command_fn(const struct arguments *arguments); // returns its exit status

// What Tab offers after the command's name.
enum completion : uint8_t {
    COMPLETE_NOTHING,
    COMPLETE_COMMANDS,
    COMPLETE_SERVICES,
    COMPLETE_PROGRAMS,
    COMPLETE_UNITS,
    COMPLETE_JOBS,
    COMPLETE_CALL,
    COMPLETE_DESCRIBED,
    COMPLETE_PAGES,
    COMPLETE_SETTINGS,
    COMPLETE_FILES,
    COMPLETE_ZONES,
};

struct command {
    const char *name;
    const char *usage;   // what follows the name
    const char *summary; // one line
    const char *details; // more lines for `help NAME`, or nullptr
    command_fn *run;
    size_t min, max; // words after the name
    enum completion completion;
    const char *operation; // that who gives it must be allowed (idl/manifest.capnp); null: everybody may
    bool background; // `&` is understood
    bool paged;      // a screen at a time
    const struct filter_type *filter; // what it is behind a pipe; `run` may then be null
    bool internal;                    // the language itself carries it out
};

// Null when there is none. Indexes from 0; nullptr at the end.
const struct command *command_find(const char *name, size_t len);
const struct command *command_at(size_t index);

// Whether so many words, with its name, are what the command wants: COMMAND_OK, or says how it is used.
int command_check(const struct command *command, const char *const *words, size_t count);

// Says that there is no such command, and what may be meant. COMMAND_NOT_FOUND.
int command_unknown(const char *name);

// --- language.c ---

// Whether there was a Ctrl-C since the line was entered. Does not block.
bool shell_interrupted(void);

// --- complete.c ---

// Offers what fits behind the line's end.
void complete(const char *line, size_t len);

// --- the commands ---

command_fn command_help, command_echo, command_history, command_clear, command_reboot, command_poweroff;
command_fn command_services, command_service, command_caps, command_restart, command_replace;
command_fn command_logs, command_mem, command_ps, command_uptime, command_trace;
command_fn command_run, command_jobs, command_fg, command_wait, command_kill;
command_fn command_crashes, command_crash;
command_fn command_policy;
command_fn command_keys, command_whoami, command_su, command_logout, command_lock, command_sessions;
command_fn command_metrics, command_status, command_mode;
command_fn command_adduser, command_deluser, command_passwd, command_users;
command_fn command_call, command_describe, command_man, command_apropos;
command_fn command_config, command_date, command_alarm;
command_fn command_why, command_whatif, command_revoke, command_authority, command_least, command_who_can, command_prove;
command_fn command_sh, command_files, command_cat, command_rm;

extern const struct filter_type filter_cat, filter_tee; // files.c

// Says that there is no such file. COMMAND_FAILED. (files.c)
int no_file(const char *command, const char *name);

// Each file of the session. (files.c)
void each_file(void (*function)(void *context, const char *name), void *context);

// Takes the bits of the shell's notification; what they say of jobs is kept for jobs_report. Meanwhile programs in the pipes that
// the command is in are served. TIMED_OUT. (pipeline.c)
status_t shell_take_events(uint64_t *bits, uint64_t deadline_ns);

// Keeps what bits say that were taken otherwise. (jobs.c)
void shell_note_events(uint64_t bits);

// For a command that goes on until Ctrl-C: prints what there is and waits, a second at most, for something to look at. False: the
// person, or who reads what it prints, has had enough. (pipeline.c)
bool shell_wait_for_more(uint64_t *bits);

// Each name of a section, a page or a part of one that may be meant by what begins so. (manual.c)
void each_manual_name(const char *prefix, size_t prefix_bytes, void (*function)(void *context, const char *name), void *context);

// The same of a section; false when it is none. (manual.c)
bool each_page_of(const char *section, size_t section_bytes, void (*function)(void *context, const char *name), void *context);

// What the manual says of a declaration of a contract, such as `log.Log.query`: its first sentence, or all. Nothing when there is
// no manual. (manual.c)
void manual_summary(const char *path, size_t indent);
void manual_comment(const char *path);

// Each interface, or behind a dot each of its methods, that may be meant by what begins so. (describe.c)
void each_described(const char *prefix, size_t prefix_bytes, void (*function)(void *context, const char *name), void *context);

// Whether a setting is on; `otherwise` where nobody can be asked. (config.c)
bool setting_is_on(const char *key, bool otherwise);

// Each time zone that begins so. (date.c)
void each_zone(const char *prefix, size_t prefix_bytes, void (*function)(void *context, const char *name), void *context);

// Each key of the settings that begins so. (config.c)
void each_setting(const char *prefix, size_t prefix_bytes, void (*function)(void *context, const char *name), void *context);

// Runs a program with the words behind its name; returns its exit status, or at once that it runs in the background. (jobs.c)
int program_run(const char *const *words, size_t count, bool in_background);
bool program_exists(const char *name);

// Says which background jobs have ended since it was last asked.
void jobs_report(void);

// The name of a process among those that inspector knows; "koid N" when it is gone. `out` has 24 bytes.
const char *process_name(uint64_t koid, char out[24]);
