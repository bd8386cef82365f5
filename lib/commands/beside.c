#include "lib/commands/beside.h"

#include "base/fmt.h"
#include "base/str.h"
#include "lib/commands/background.h"
#include "lib/commands/files.h"
#include "lib/commands/output.h"
#include "lib/commands/stages.h"
#include "lib/shell/format.h"
#include "lib/tess/heap.h"

constexpr size_t BESIDE_MAX = 8;
constexpr size_t TEXT_BYTES = 64;

struct beside {
    struct pipeline pipeline;
    size_t finished; // of its stages, the first ones
    size_t input_at; // of `< FILE`
    bool input_over;
    bool over, ended; // all of it; by the person
    bool is_driven;   // right now, further up the stack
    int status;
    char text[TEXT_BYTES];
    struct shell_stage stages[SHELL_STAGES_MAX];
    // Behind it lie the words.
};

static struct beside *all[BESIDE_MAX]; // owned

// ---- what goes to a program ----

bool beside_feed_program(struct stage *stage, const char *bytes, size_t len) {
    if (program_ended(stage->program)) {
        return false;
    }
    if (stage->waiting_at == stage->waiting_bytes) {
        const size_t given = program_give(stage->program, bytes, len);
        bytes += given;
        len -= given;
    }
    if (len == 0) {
        return true;
    }
    char *waiting = realloc(stage->waiting, stage->waiting_bytes + len);
    if (waiting == nullptr) {
        (void)fail("%s: the shell has no memory for what it reads\n", stage->what->words[stage->program_at]);
        return false;
    }
    memcpy(waiting + stage->waiting_bytes, bytes, len);
    stage->waiting = waiting;
    stage->waiting_bytes += len;
    return true;
}

// Whether something changed.
static bool give_waiting(struct stage *stage) {
    size_t left = stage->waiting_bytes - stage->waiting_at;
    if (left == 0) {
        return false;
    }
    const size_t given = program_ended(stage->program) ? left : program_give(stage->program, stage->waiting + stage->waiting_at, left);
    stage->waiting_at += given;
    if (stage->waiting_at == stage->waiting_bytes) {
        free(stage->waiting);
        stage->waiting = nullptr;
        stage->waiting_at = stage->waiting_bytes = 0;
    }
    return given > 0;
}

// Whether what goes into this stage gets through to a program that has taken all before it, or to the end.
static bool has_room(const struct beside *job, size_t index) {
    const struct pipeline *pipeline = &job->pipeline;
    for (size_t i = index; i < pipeline->count; i++) {
        if (pipeline->stages[i].runs) {
            return pipeline->stages[i].waiting_at == pipeline->stages[i].waiting_bytes;
        }
    }
    return true;
}

// ---- driving ----

static bool drive_file(struct beside *job) {
    char piece[PIECE_BYTES];
    if (job->input_over || !has_room(job, 0)) {
        return false;
    }
    const size_t len = file_read(job->stages[0].input, job->input_at, piece, sizeof(piece));
    job->input_at += len;
    job->input_over = len == 0 || !pipeline_feed(&job->pipeline, 0, piece, len);
    return true;
}

static bool drive_program(struct beside *job, size_t index) {
    struct program *program = job->pipeline.stages[index].program;
    if (!has_room(job, index + 1)) {
        return false;
    }
    const struct shell_text text = program_hold(program);
    if (text.len > 0 && !pipeline_feed(&job->pipeline, index + 1, text.bytes, text.len)) {
        program_unwanted(program);
    }
    program_drop(program);
    return text.len > 0;
}

// The first stage that has not finished, all before it having done so.
static bool finish_stage(struct beside *job) {
    struct stage *stage = &job->pipeline.stages[job->finished];
    if (job->finished == 0 && !job->input_over) {
        return false;
    }
    if (stage->begun) {
        if (!has_room(job, job->finished + 1)) {
            return false;
        }
        job->status = pipeline_end_filter(&job->pipeline, job->finished);
        stage->begun = false;
    } else {
        if (stage->waiting_at < stage->waiting_bytes) {
            return false;
        }
        program_give_no_more(stage->program);
        if (program_has_written(stage->program) || !program_ended(stage->program)) {
            return false;
        }
        job->status = program_status(stage->program);
    }
    job->finished++;
    return true;
}

static void drive(struct beside *job) {
    struct pipeline *pipeline = &job->pipeline;
    bool moved = true;
    if (job->over || job->is_driven) {
        return;
    }
    job->is_driven = true;
    while (moved) {
        moved = false;
        for (size_t i = pipeline->count; i > job->finished; i--) {
            if (pipeline->stages[i - 1].runs) {
                moved = drive_program(job, i - 1) || moved;
                moved = give_waiting(&pipeline->stages[i - 1]) || moved;
            }
        }
        moved = drive_file(job) || moved;
        while (job->finished < pipeline->count && finish_stage(job)) {
            moved = true;
        }
    }
    if (job->finished == pipeline->count) {
        job->over = true;
        job->status = pipeline_finish(pipeline, job->status);
    }
    job->is_driven = false;
}

void beside_drive_all(void) {
    const bool before = pager_aside(true); // what goes wrong may be said while a page is shown
    for (size_t i = 0; i < BESIDE_MAX; i++) {
        if (all[i] != nullptr) {
            drive(all[i]);
        }
    }
    (void)pager_aside(before);
    out_flush(); // what went wrong is not said with the next line only
}

bool beside_any(void) {
    for (size_t i = 0; i < BESIDE_MAX; i++) {
        if (all[i] != nullptr && !all[i]->over) {
            return true;
        }
    }
    return false;
}

// ---- starting ----

bool beside_is(const struct shell_pipeline *what) {
    return what->count > 1 || what->stages[0].input != nullptr || what->stages[0].output != nullptr;
}

bool beside_can_be(const struct pipeline *pipeline) {
    return pipeline->stages[0].runs || pipeline_has_input(pipeline, 0);
}

static size_t string_bytes(const char *string) {
    return string != nullptr ? strlen(string) + 1 : 0;
}

// What is carried out lies in the interpreter's memory, which is used again: here it is copied.
static size_t bytes_of(const struct shell_pipeline *what) {
    size_t bytes = sizeof(struct beside);
    for (size_t i = 0; i < what->count; i++) {
        const struct shell_stage *stage = &what->stages[i];
        bytes += (stage->count + 1) * sizeof(char *) + string_bytes(stage->input) + string_bytes(stage->output);
        for (size_t word = 0; word < stage->count; word++) {
            bytes += string_bytes(stage->words[word]);
        }
    }
    return bytes;
}

static const char *put(char **at, const char *string) {
    if (string == nullptr) {
        return nullptr;
    }
    char *copy = *at;
    memcpy(copy, string, strlen(string) + 1);
    *at += strlen(string) + 1;
    return copy;
}

static void copy(struct beside *job, const struct shell_pipeline *what) {
    const char **words = (const char **)(job + 1);
    char *strings = (char *)words;
    for (size_t i = 0; i < what->count; i++) {
        strings += (what->stages[i].count + 1) * sizeof(char *);
    }
    for (size_t i = 0; i < what->count; i++) {
        const struct shell_stage *from = &what->stages[i];
        struct shell_stage *to = &job->stages[i];
        *to = *from;
        to->words = words;
        for (size_t word = 0; word < from->count; word++) {
            *words++ = put(&strings, from->words[word]);
        }
        *words++ = nullptr;
        to->input = put(&strings, from->input);
        to->output = put(&strings, from->output);
        job->pipeline.stages[i].what = to;
    }
    size_t len = what->source.len;
    while (len > 0 && char_is_space(what->source.bytes[len - 1])) {
        len--;
    }
    shell_printable(job->text, sizeof(job->text), what->source.bytes, len);
}

static struct beside **free_place(void) {
    for (size_t i = 0; i < BESIDE_MAX; i++) {
        if (all[i] == nullptr) {
            return &all[i];
        }
    }
    return nullptr;
}

int beside_run(struct interpreter *interpreter, const struct shell_pipeline *what) {
    struct beside **place = free_place();
    if (out_outlet() != nullptr) {
        return misused("a pipe in the background stands by itself, and not in another or in $(...)\n");
    }
    struct beside *job = place != nullptr ? calloc(1, bytes_of(what)) : nullptr;
    if (job == nullptr) {
        return fail("there are %zu pipes in the background already, or the shell has no memory for one\n", BESIDE_MAX);
    }
    job->pipeline.interpreter = interpreter;
    job->pipeline.count = what->count;
    job->pipeline.beside = true;
    copy(job, what);
    const int status = pipeline_begin(&job->pipeline, true);
    if (status != COMMAND_OK) {
        pipeline_abandon(&job->pipeline);
        pipeline_release(&job->pipeline);
        free(job);
        return status;
    }
    job->input_over = job->stages[0].input == nullptr;
    *place = job;
    if (!background_add_beside(job)) {
        beside_close(job);
        return fail("there are too many jobs in the background\n");
    }
    drive(job);
    return COMMAND_OK;
}

// ---- what the person does with them ----

bool beside_over(const struct beside *job) {
    return job->over;
}

int beside_status(struct beside *job) {
    for (size_t i = 0; i < job->pipeline.count && !job->ended; i++) {
        if (job->pipeline.stages[i].program != nullptr) {
            program_say_end(job->pipeline.stages[i].program);
        }
    }
    return job->status;
}

void beside_end(struct beside *job) {
    job->ended = true;
    for (size_t i = 0; i < job->pipeline.count; i++) {
        if (job->pipeline.stages[i].program != nullptr) {
            program_kill(job->pipeline.stages[i].program);
        }
    }
}

void beside_close(struct beside *job) {
    for (size_t i = 0; i < BESIDE_MAX; i++) {
        all[i] = all[i] == job ? nullptr : all[i];
    }
    if (!job->over) {
        pipeline_abandon(&job->pipeline);
    }
    pipeline_release(&job->pipeline);
    free(job);
}

const char *beside_text(const struct beside *job) {
    return job->text;
}

bool beside_has(const struct beside *job, uint32_t id) {
    for (size_t i = 0; i < job->pipeline.count; i++) {
        const struct program *program = job->pipeline.stages[i].program;
        if (program != nullptr && program_id(program) == id) {
            return true;
        }
    }
    return false;
}
