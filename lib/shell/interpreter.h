// Carries out the shell's language (syntax.h): variables, conditions, loops, functions. What commands there are, what a pipe is
// and where output goes is the host's: a terminal's shell, a script's, a test's.
//
// Everything it needs lies in memory that it is given; a line that needs more is refused, and so is what goes too deep. A pipeline's
// exit status is that of its last command.
#pragma once

#include "lib/shell/store.h"

constexpr size_t SHELL_WORDS_MAX = 64;      // of a command, after everything is put in
constexpr size_t SHELL_CAPTURE_MAX = 4096;  // bytes that $(...) can take
constexpr unsigned SHELL_CALLS_MAX = 8;     // functions, scripts and $(...) in each other

// Exit statuses that the language itself has; 126, 127 and 128 + N are the host's.
constexpr int SHELL_DONE = 0;
constexpr int SHELL_FAILED = 1;
constexpr int SHELL_MISUSED = 2;
constexpr int SHELL_INTERRUPTED = 130;

// One command of a pipeline.
struct shell_stage {
    const struct shell_node *body; // of an internal one that is no simple command
    bool internal;                 // interpreter_internal carries it out; it reads nothing
    bool append;
    size_t count;
    const char *const *words; // terminated by a null pointer
    const char *input, *output; // names of files, or null
};

struct shell_pipeline {
    size_t count;
    const struct shell_stage *stages;
    bool background;
    struct shell_text source; // as it was written
};

// Where output goes meanwhile, in the place of where it went before.
struct shell_capture {
    struct shell_capture *outer; // the host's
    char *bytes;
    size_t size, len;
    bool overflow;
};

struct interpreter_host {
    // Carries out a pipeline; returns its exit status. SHELL_INTERRUPTED ends everything that is being carried out.
    int (*run)(void *context, const struct shell_pipeline *pipeline);

    // Output goes into the capture until the end of it.
    void (*begin_capture)(void *context, struct shell_capture *capture);
    void (*end_capture)(void *context, struct shell_capture *capture);

    // One line for the person, wherever output goes.
    void (*complain)(void *context, const char *line);

    // Whether the person has had enough.
    bool (*interrupted)(void *context);
};

// What is done instead of the next command.
enum shell_flow : uint8_t {
    SHELL_ON,
    SHELL_BREAK,
    SHELL_CONTINUE,
    SHELL_RETURN,
    SHELL_EXIT,
    SHELL_BROKEN_OFF, // interrupted
};

struct interpreter {
    const struct interpreter_host *host;
    void *context;
    struct shell_arena arena;
    struct shell_store variables, functions;
    size_t argument_count; // $1 ...
    const char *const *arguments;
    int status; // $?
    enum shell_flow flow;
    unsigned calls;      // in each other
    unsigned loops;      // likewise, of this function or script
    unsigned conditions; // likewise: what fails there is no failure
    bool stop_at_failure; // set -e
    bool show;            // set -x
};

// The stores are the caller's, and initialised.
void interpreter_init(struct interpreter *interpreter, const struct interpreter_host *host, void *context, struct shell_arena arena,
                      struct shell_store variables, struct shell_store functions);

// Carries out a text; returns its exit status. With `incomplete`, a text that more of it could make whole says so there, and nothing
// is done or said. `exit` ends the text, and leaves SHELL_EXIT in `flow`.
int interpreter_run(struct interpreter *interpreter, const char *text, size_t len, bool *incomplete);

// Carries out a script with arguments of its own, $1 and so on; from within a command, too. `exit` ends the script only.
int interpreter_script(struct interpreter *interpreter, const char *text, size_t len, size_t count, const char *const *arguments);

// For the host: carries out an internal stage.
int interpreter_internal(struct interpreter *interpreter, const struct shell_stage *stage);

// Whether the language itself has a command of this name.
bool interpreter_has(const struct interpreter *interpreter, const char *name);
