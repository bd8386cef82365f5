// What a pipeline is made of: for those that the shell waits for (pipeline.c), and those that go on beside it (beside.c).
#pragma once

#include "lib/commands/program.h"
#include "lib/commands/shell.h"
#include "lib/shell/interpreter.h"

constexpr size_t PIECE_BYTES = 512; // of a file, at once

struct stage {
    const struct shell_stage *what;
    const struct command *command; // null: an internal one, or a program
    bool runs;                     // a program of this pipe, beside the others ...
    size_t program_at;             // ... whose name is this word
    struct program *program;       // owned; null: it was not started
    struct filter *filter;         // owned; null: it prints by itself
    bool begun;                    // the filter
    bool over;                     // it wants no more

    // Of a pipeline in the background: what the program has no room for yet.
    char *waiting; // owned
    size_t waiting_at, waiting_bytes;
};

struct pipeline {
    struct interpreter *interpreter;
    size_t count;
    struct stage stages[SHELL_STAGES_MAX];
    struct outlet *outer; // where the last one's output goes ...
    bool to_file;         // ... unless it goes into a file
    unsigned file;
    bool file_used; // something was written
    bool file_full;
    bool beside;             // nobody waits for it
    struct pipeline *around; // its first command is what this one is in
};

// Output of the stage before this one. False: it wants no more.
bool pipeline_feed(struct pipeline *pipeline, size_t index, const char *bytes, size_t len);

bool pipeline_has_input(const struct pipeline *pipeline, size_t index);

// Settles what each stage is, begins filters and files, and starts programs. COMMAND_OK, or an exit status, which was said: then it is
// to be abandoned.
int pipeline_begin(struct pipeline *pipeline, bool background);
void pipeline_abandon(struct pipeline *pipeline);

// There is no more for this filter. Its exit status.
int pipeline_end_filter(struct pipeline *pipeline, size_t index);

// All stages have ended, the last one with this status. The pipeline's exit status.
int pipeline_finish(struct pipeline *pipeline, int status);

// Frees what its stages own, and ends programs that still run.
void pipeline_release(struct pipeline *pipeline);
