// The shell's language with whatever somebody may type, or a script hold: it is refused with a reason, or carried out within its
// bounds, and everything it took is given back. The host of the interpreter has commands that do nothing but pass text on, and filters
// take the text that comes of it. After a number of steps the person has had enough, so that loops end.
#include <stdlib.h>
#include <string.h>

#include "lib/shell/cursor.h"
#include "lib/shell/filter.h"
#include "lib/shell/interpreter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

constexpr unsigned STEPS = 300;

static struct interpreter interpreter;
static struct shell_capture *captures;
static unsigned steps;

static void insist(bool holds) {
    if (!holds) {
        abort();
    }
}

static bool put(void *context, const char *bytes, size_t len) {
    (void)context;
    if (captures == nullptr) {
        return true;
    }
    const size_t room = captures->size - captures->len;
    const size_t piece = len < room ? len : room;
    memcpy(captures->bytes + captures->len, bytes, piece);
    captures->len += piece;
    captures->overflow = captures->overflow || piece < len;
    return piece == len;
}

static void begin_capture(void *context, struct shell_capture *capture) {
    (void)context;
    capture->outer = captures;
    captures = capture;
}

static void end_capture(void *context, struct shell_capture *capture) {
    (void)context;
    insist(captures == capture && capture->len <= capture->size);
    captures = capture->outer;
}

static void complain(void *context, const char *line) {
    (void)context;
    insist(strlen(line) > 5 || line[0] == '+');
}

static bool interrupted(void *context) {
    (void)context;
    return steps == 0 || --steps == 0;
}

// The words of a command go through the filter that its first letter stands for.
static void filter(const struct shell_stage *stage) {
    static const struct filter_type *const types[] = {&filter_grep, &filter_head, &filter_tail, &filter_sort, &filter_uniq, &filter_wc, &filter_field};
    static struct filter filter;
    static alignas(8) char memory[FILTER_MEMORY_BYTES];
    const struct filter_type *type = types[(unsigned char)stage->words[0][0] % (sizeof(types) / sizeof(types[0]))];
    if (!filter_begin(&filter, type, put, nullptr, memory, stage->count, stage->words)) {
        insist(filter.error[0] != '\0');
        return;
    }
    bool more = true;
    for (size_t i = 0; more && i < stage->count; i++) {
        more = filter_take(&filter, stage->words[i], strlen(stage->words[i])) && filter_take(&filter, "\n", 1);
    }
    insist(filter_end(&filter) <= 1);
}

static int run(void *context, const struct shell_pipeline *pipeline) {
    int status = 0;
    (void)context;
    insist(pipeline->count >= 1 && pipeline->count <= SHELL_STAGES_MAX);
    for (size_t i = 0; i < pipeline->count; i++) {
        const struct shell_stage *stage = &pipeline->stages[i];
        insist(stage->count <= SHELL_WORDS_MAX);
        if (stage->internal) {
            status = interpreter_internal(&interpreter, stage);
        } else if (strcmp(stage->words[0], "sh") == 0 && stage->count > 1) {
            status = interpreter_script(&interpreter, stage->words[1], strlen(stage->words[1]), stage->count - 2, stage->words + 2);
        } else {
            insist(stage->words[stage->count] == nullptr);
            filter(stage);
            status = (int)(stage->count % 3);
        }
    }
    return status;
}

static void carry_out(const char *text, size_t len) {
    static const struct interpreter_host host = {
        .run = run, .begin_capture = begin_capture, .end_capture = end_capture, .complain = complain, .interrupted = interrupted};
    static alignas(max_align_t) uint8_t arena[24 * 1024];
    static char variable_bytes[512], function_bytes[512];
    struct shell_store variables, functions;
    bool incomplete;
    store_init(&variables, variable_bytes, sizeof(variable_bytes));
    store_init(&functions, function_bytes, sizeof(function_bytes));
    interpreter_init(&interpreter, &host, nullptr, (struct shell_arena){.bytes = arena, .size = sizeof(arena)}, variables, functions);
    steps = STEPS;
    for (unsigned times = 0; times < 2; times++) { // what the first has defined is there for the second
        const int status = interpreter_run(&interpreter, text, len, &incomplete);
        insist(status >= 0 && status <= 255);
        insist(interpreter.arena.used == 0 && interpreter.calls == 0 && interpreter.loops == 0 && interpreter.conditions == 0 && captures == nullptr);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct shell_cursor cursor;
    char *text = malloc(len + (len == 0)); // of exactly this size, so that the sanitizer sees where it ends
    memcpy(text, data, len);
    carry_out(text, len);
    if (shell_cursor(text, len, &cursor)) {
        insist(cursor.word + cursor.word_bytes == text + len && cursor.first >= text && cursor.first + cursor.first_bytes <= text + len);
    }
    free(text);
    return 0;
}
