// Pipelines. What the first command prints is pushed from stage to stage: nothing is kept in between, and who wants no more says so
// at once. Only the first can be a command that prints by itself; those behind it are filters (lib/shell/filter.h) and programs. What
// goes to a program that does not read waits, and meanwhile what comes from it and from those behind it is taken further.
#include "lib/commands/pipeline.h"

#include "lib/commands/beside.h"
#include "lib/commands/files.h"
#include "lib/commands/output.h"
#include "lib/commands/stages.h"
#include "lib/commands/shell.h"
#include "base/str.h"
#include "lib/tess/clock.h"
#include "lib/tess/heap.h"
#include "lib/tess/syscall.h"

constexpr uint64_t LOOK_AGAIN_MS = 1000;

static struct pipeline *innermost; // of those that are being carried out

static const struct shell_stage *last_of(const struct pipeline *pipeline) {
    return pipeline->stages[pipeline->count - 1].what;
}

// ---- from stage to stage ----

static bool put_end(struct pipeline *pipeline, const char *bytes, size_t len) {
    if (!pipeline->to_file && pipeline->beside) {
        out_at_once(bytes, len);
        return true;
    }
    if (!pipeline->to_file) {
        return out_put(pipeline->outer, bytes, len);
    }
    if (!pipeline->file_full && !file_write(pipeline->file, bytes, len)) {
        pipeline->file_full = true;
        (void)fail("%s: " FILES_FULL "\n", last_of(pipeline)->output);
    }
    pipeline->file_used = true;
    return !pipeline->file_full;
}

static bool feed_program(struct pipeline *pipeline, size_t index, const char *bytes, size_t len);

bool pipeline_feed(struct pipeline *pipeline, size_t index, const char *bytes, size_t len) {
    if (index == pipeline->count) {
        return put_end(pipeline, bytes, len);
    }
    struct stage *stage = &pipeline->stages[index];
    if (stage->runs) {
        return pipeline->beside ? beside_feed_program(stage, bytes, len) : feed_program(pipeline, index, bytes, len);
    }
    stage->over = stage->over || !filter_take(stage->filter, bytes, len);
    return !stage->over;
}

// Takes further what programs from this stage on have written, and those of the pipelines around this one. Nothing before the stage
// is touched: it may be what waits.
static void pump(struct pipeline *pipeline, size_t from) {
    for (; pipeline != nullptr; pipeline = pipeline->around, from = 0) {
        for (size_t i = from; i < pipeline->count; i++) {
            struct program *program = pipeline->stages[i].program;
            if (program == nullptr) {
                continue;
            }
            const struct shell_text text = program_hold(program);
            if (text.len > 0 && !pipeline_feed(pipeline, i + 1, text.bytes, text.len)) {
                program_unwanted(program);
            }
            program_drop(program);
        }
    }
    beside_drive_all();
}

static void wait_and_pump(struct pipeline *pipeline, size_t from) {
    uint64_t bits;
    if (!status_ok(programs_wait(&bits, tess_deadline_after_ms(LOOK_AGAIN_MS)))) {
        shell.front->watch_interrupts(); // in case that the console was replaced meanwhile
    }
    pump(pipeline, from);
}

static bool feed_program(struct pipeline *pipeline, size_t index, const char *bytes, size_t len) {
    struct program *program = pipeline->stages[index].program;
    while (len > 0 && !program_ended(program) && !shell.interrupted) {
        const size_t taken = program_give(program, bytes, len);
        bytes += taken;
        len -= taken;
        if (len > 0) {
            wait_and_pump(pipeline, index);
        }
    }
    return len == 0;
}

status_t shell_take_events(uint64_t *bits, uint64_t deadline_ns) {
    *bits = 0;
    if (!programs_any()) {
        TRY(tess_wait(shell.events, bits, deadline_ns));
        shell_note_events(*bits);
        return STATUS_OK;
    }
    do {
        const status_t status = programs_wait(bits, deadline_ns);
        pump(innermost, 0); // also after a while in which nothing came: then it was looked who has ended
        TRY(status);
    } while (*bits == 0 && deadline_ns != DEADLINE_POLL);
    return STATUS_OK;
}

bool shell_wait_for_more(uint64_t *bits) {
    out_flush();
    *bits = 0;
    if (out_is_closed()) {
        return false;
    }
    if (!status_ok(shell_take_events(bits, tess_deadline_after_ms(LOOK_AGAIN_MS)))) {
        shell.front->watch_interrupts(); // in case that the console was replaced meanwhile
    }
    return (*bits & BIT_INTERRUPT) == 0 && !out_is_closed();
}

// A filter's way to the next stage: which that is lies beside the filter.
struct owned_filter {
    struct filter filter;
    struct pipeline *pipeline;
    size_t next;
};

static bool filter_sink(void *context, const char *bytes, size_t len) {
    const struct owned_filter *owned = context;
    return pipeline_feed(owned->pipeline, owned->next, bytes, len);
}

static bool feed_second(void *context, const char *bytes, size_t len) {
    return pipeline_feed(context, 1, bytes, len);
}

// ---- before it begins ----

bool pipeline_has_input(const struct pipeline *pipeline, size_t index) {
    return index > 0 || pipeline->stages[0].what->input != nullptr;
}

// One command whose output stays where it is.
static bool is_by_itself(const struct pipeline *pipeline) {
    return pipeline->count == 1 && pipeline->outer == nullptr && !pipeline_has_input(pipeline, 0) && pipeline->stages[0].what->output == nullptr;
}

// What the stage is, and whether it can be that in this place. COMMAND_OK, or an exit status, and it was said.
static int settle(const struct pipeline *pipeline, size_t index, struct stage *stage) {
    const struct shell_stage *what = stage->what;
    if (index > 0 && what->input != nullptr) {
        return misused("%s: its input comes from the pipe; `<` is for the first command\n", what->words[0]);
    }
    if (index + 1 < pipeline->count && what->output != nullptr) {
        return misused("%s: its output goes into the pipe; `>` is for the last command\n",
                       what->count > 0 ? what->words[0] : "this command");
    }
    if (!what->internal) {
        stage->command = command_find(what->words[0], strlen(what->words[0]));
        if (stage->command == nullptr && !program_exists(what->words[0])) {
            return command_unknown(what->words[0]);
        }
        if (stage->command != nullptr && stage->command->background && what->count > 1) { // run
            stage->program_at = 1;
        }
        stage->runs = (stage->command == nullptr || stage->program_at == 1) && !is_by_itself(pipeline);
    }
    const struct command *command = stage->command;
    if (stage->runs) {
        return COMMAND_OK;
    }
    const bool filters = command != nullptr && command->filter != nullptr && pipeline_has_input(pipeline, index);
    if (pipeline_has_input(pipeline, index) && !filters) {
        return misused("%s: it reads no input\n", what->count > 0 ? what->words[0] : "this command");
    }
    if (command != nullptr && command->filter != nullptr && !filters && (command->run == nullptr || what->count == 1)) {
        return misused("%s: nothing comes in; put `COMMAND |` before it, or `< FILE` behind it\n", command->name);
    }
    return filters || command == nullptr ? COMMAND_OK : command_check(command, what->words, what->count);
}

static bool begin_filter(struct pipeline *pipeline, size_t index) {
    struct stage *stage = &pipeline->stages[index];
    const struct filter_type *type = stage->command->filter;
    struct owned_filter *owned = malloc(sizeof(*owned));
    char *memory = owned != nullptr && type->remembers ? malloc(FILTER_MEMORY_BYTES) : nullptr;
    if (owned == nullptr || (type->remembers && memory == nullptr)) {
        free(owned);
        (void)fail("%s: the shell has no memory for it\n", stage->command->name);
        return false;
    }
    owned->pipeline = pipeline;
    owned->next = index + 1;
    stage->filter = &owned->filter;
    stage->begun = filter_begin(stage->filter, type, filter_sink, owned, memory, stage->what->count, stage->what->words);
    if (!stage->begun) {
        (void)misused("%s\n", stage->filter->error);
    }
    return stage->begun;
}

// A program without a pipe can go on by itself.
static bool can_be_left_alone(const struct pipeline *pipeline) {
    const struct stage *first = &pipeline->stages[0];
    return is_by_itself(pipeline) && !first->what->internal && (first->command == nullptr || first->command->background);
}

// From the last to the first, so that who writes finds who reads.
static int start_programs(struct pipeline *pipeline) {
    out_flush(); // what was printed before comes first
    for (size_t i = pipeline->count; i > 0; i--) {
        struct stage *stage = &pipeline->stages[i - 1];
        const bool writes = i < pipeline->count || stage->what->output != nullptr || pipeline->outer != nullptr;
        const int status = stage->runs ? program_start(stage->what->words + stage->program_at, stage->what->count - stage->program_at,
                                                       pipeline_has_input(pipeline, i - 1), writes, !pipeline->beside, &stage->program)
                                       : COMMAND_OK;
        if (status != COMMAND_OK) {
            return status;
        }
    }
    return COMMAND_OK;
}

int pipeline_begin(struct pipeline *pipeline, bool background) {
    const struct shell_stage *first = pipeline->stages[0].what, *last = last_of(pipeline);
    for (size_t i = 0; i < pipeline->count; i++) {
        const int status = settle(pipeline, i, &pipeline->stages[i]);
        if (status != COMMAND_OK) {
            return status;
        }
    }
    if (background && !(pipeline->beside ? beside_can_be(pipeline) : can_be_left_alone(pipeline))) {
        return misused("%s: the shell carries it out itself, one thing at a time; in the background work programs, and filters behind "
                       "a program or `< FILE`\n", first->count > 0 ? first->words[0] : "this command");
    }
    if (first->input != nullptr && !file_exists(first->input)) {
        return no_file(first->words[0], first->input);
    }
    for (size_t i = 0; i < pipeline->count; i++) {
        if (pipeline_has_input(pipeline, i) && !pipeline->stages[i].runs && !begin_filter(pipeline, i)) {
            return COMMAND_MISUSED;
        }
    }
    if (last->output != nullptr) {
        const char *wrong = file_begin(last->output, last->append, &pipeline->file);
        if (wrong != nullptr) {
            return fail("`%s` cannot be written: %s\n", last->output, wrong);
        }
        pipeline->to_file = true;
    }
    return start_programs(pipeline);
}

// ---- while it runs ----

static void feed_file(struct pipeline *pipeline, const char *name) {
    char piece[PIECE_BYTES];
    size_t at = 0, len;
    while ((len = file_read(name, at, piece, sizeof(piece))) > 0 && pipeline_feed(pipeline, 0, piece, len) && !shell_interrupted()) {
        at += len;
    }
}

// The number of a command, by which whatever is done for it can be found in the log. One that is started again goes on above.
static uint64_t next_cause(void) {
    static uint64_t last;
    const uint64_t now_ms = tess_now_ns() / TESS_NS_PER_MS;
    last = now_ms > last ? now_ms : last + 1;
    return last;
}

static int run_command(const struct stage *stage, bool background) {
    const struct arguments arguments = {.count = stage->what->count, .words = stage->what->words, .background = background};
    if (stage->command->paged && out_outlet() == nullptr && !shell.scripted) {
        pager_begin();
    }
    const struct metrics_span span = metrics_span_begin(tess_cause());
    const int status = stage->command->run(&arguments);
    metrics_span_end(&shell.own, SHELL_COMMAND_TIME, span);
    metrics_add(&shell.own, SHELL_COMMANDS_FAILED, status != COMMAND_OK);
    pager_end();
    return status;
}

static int run_first(struct pipeline *pipeline, bool background) {
    const struct stage *stage = &pipeline->stages[0];
    if (stage->what->internal) {
        return interpreter_internal(pipeline->interpreter, stage->what);
    }
    const uint64_t outer = tess_cause(); // of a command that this one is a part of
    tess_set_cause(outer != 0 ? outer : next_cause());
    const int status = stage->command != nullptr ? run_command(stage, background)
                                                 : program_run(stage->what->words, stage->what->count, background);
    tess_set_cause(outer);
    return status;
}

// The first command, with what it prints going to the second, or into the file.
static int run_source(struct pipeline *pipeline, bool background) {
    const bool alone = pipeline->count == 1 && !pipeline->to_file;
    if (alone) {
        return run_first(pipeline, background);
    }
    struct outlet outlet = {.take = feed_second, .context = pipeline};
    out_push(&outlet);
    const int status = run_first(pipeline, background);
    out_pop();
    if (outlet.closed && pipeline->interpreter->flow == SHELL_BROKEN_OFF && !shell.interrupted) {
        pipeline->interpreter->flow = SHELL_ON; // it was ended because nobody wanted more of it
    }
    return status;
}

int pipeline_end_filter(struct pipeline *pipeline, size_t index) {
    struct filter *filter = pipeline->stages[index].filter;
    const int status = filter_end(filter);
    if (filter->error[0] != '\0') {
        (void)fail("%s\n", filter->error);
    }
    return status;
}

static int end_program(struct pipeline *pipeline, size_t index) {
    struct program *program = pipeline->stages[index].program;
    program_give_no_more(program);
    while (!program_ended(program)) {
        wait_and_pump(pipeline, index);
    }
    pump(pipeline, index); // what it wrote last
    return program_status(program);
}

// From the first stage to the last: what each still has to say goes to the next.
static int end_stages(struct pipeline *pipeline, int status) {
    for (size_t i = 0; i < pipeline->count; i++) {
        if (pipeline->stages[i].begun) {
            status = pipeline_end_filter(pipeline, i);
        } else if (pipeline->stages[i].runs) {
            status = end_program(pipeline, i);
        }
    }
    return status;
}

void pipeline_release(struct pipeline *pipeline) {
    for (size_t i = 0; i < pipeline->count; i++) {
        struct stage *stage = &pipeline->stages[i];
        if (stage->filter != nullptr) {
            free(stage->filter->memory);
            free(stage->filter); // the first member of its owned_filter
        }
        free(stage->waiting);
        program_close(stage->program);
    }
}

// They were begun, but what is behind or before them cannot be.
static void abandon_filters(struct pipeline *pipeline) {
    for (size_t i = 0; i < pipeline->count; i++) {
        if (pipeline->stages[i].begun) {
            pipeline->stages[i].filter->full = pipeline->stages[i].filter->abandoned = true;
            (void)filter_end(pipeline->stages[i].filter); // why it cannot be was said
        }
    }
}

void pipeline_abandon(struct pipeline *pipeline) {
    abandon_filters(pipeline);
    if (pipeline->to_file) {
        file_drop(pipeline->file);
    }
}

int pipeline_finish(struct pipeline *pipeline, int status) {
    if (!pipeline->to_file) {
        return status;
    }
    // Half of what was to be there is not taken for all of it. What came before a Ctrl-C is all that the person wanted; if that is
    // nothing, then nothing was meant to go.
    if (pipeline->file_full || (shell.interrupted && !pipeline->beside && !pipeline->file_used)) {
        file_drop(pipeline->file);
        return COMMAND_FAILED;
    }
    return file_finish(pipeline->file) ? status : fail("%s: " FILES_FULL "\n", last_of(pipeline)->output);
}

static int run(struct pipeline *pipeline, bool background) {
    int status = pipeline_begin(pipeline, background);
    if (status != COMMAND_OK) {
        pipeline_abandon(pipeline);
        return status;
    }
    if (pipeline_has_input(pipeline, 0)) {
        feed_file(pipeline, pipeline->stages[0].what->input);
    } else if (!pipeline->stages[0].runs) {
        status = run_source(pipeline, background);
    }
    return pipeline_finish(pipeline, end_stages(pipeline, status));
}

int pipeline_run(struct interpreter *interpreter, const struct shell_pipeline *what) {
    if (what->background && beside_is(what)) {
        return beside_run(interpreter, what);
    }
    struct pipeline pipeline = {.interpreter = interpreter, .count = what->count, .outer = out_outlet(), .around = innermost};
    for (size_t i = 0; i < what->count; i++) {
        pipeline.stages[i].what = &what->stages[i];
    }
    innermost = &pipeline;
    const int status = run(&pipeline, what->background);
    innermost = pipeline.around;
    pipeline_release(&pipeline);
    return shell.interrupted ? COMMAND_INTERRUPTED : status;
}
