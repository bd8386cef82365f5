// The shell's language over its commands: the interpreter's host (lib/shell/interpreter.h), and scripts.
#include "lib/commands/language.h"

#include "abi/message.h"
#include "lib/commands/files.h"
#include "lib/commands/output.h"
#include "lib/commands/pipeline.h"
#include "lib/commands/shell.h"
#include "base/str.h"

constexpr size_t ARENA_BYTES = 96 * 1024; // of a line or script, its tree, and the words of what runs
constexpr size_t VARIABLE_BYTES = 8 * 1024;
constexpr size_t FUNCTION_BYTES = 8 * 1024;

static struct interpreter interpreter;

static int run(void *context, const struct shell_pipeline *pipeline) {
    (void)context;
    return pipeline_run(&interpreter, pipeline);
}

// ---- output that becomes words ----

struct capture_outlet {
    struct outlet outlet;
    struct shell_capture *capture;
};

static struct capture_outlet outlets[SHELL_CALLS_MAX];
static size_t outlet_count;

static bool take(void *context, const char *bytes, size_t len) {
    struct shell_capture *capture = context;
    const size_t room = capture->size - capture->len;
    const size_t piece = len < room ? len : room;
    memcpy(capture->bytes + capture->len, bytes, piece);
    capture->len += piece;
    capture->overflow = capture->overflow || piece < len;
    return !capture->overflow;
}

static void begin_capture(void *context, struct shell_capture *capture) {
    (void)context;
    struct capture_outlet *to = &outlets[outlet_count++]; // no deeper than there can be calls
    to->outlet = (struct outlet){.take = take, .context = capture};
    out_push(&to->outlet);
}

static void end_capture(void *context, struct shell_capture *capture) {
    (void)context;
    (void)capture;
    out_pop();
    outlet_count--;
}

// ---- the person ----

static void complain(void *context, const char *line) {
    (void)context;
    (void)fail("%s\n", line);
}

bool shell_interrupted(void) {
    uint64_t bits;
    (void)shell_take_events(&bits, DEADLINE_POLL); // which keeps a Ctrl-C
    return shell.interrupted;
}

static bool interrupted(void *context) {
    (void)context;
    return shell_interrupted() || out_is_closed();
}

// ---- for the front end ----

void language_init(void) {
    static const struct interpreter_host host = {
        .run = run, .begin_capture = begin_capture, .end_capture = end_capture, .complain = complain, .interrupted = interrupted};
    static alignas(max_align_t) uint8_t arena[ARENA_BYTES];
    static char variable_bytes[VARIABLE_BYTES], function_bytes[FUNCTION_BYTES];
    struct shell_store variables, functions;
    store_init(&variables, variable_bytes, sizeof(variable_bytes));
    store_init(&functions, function_bytes, sizeof(function_bytes));
    interpreter_init(&interpreter, &host, nullptr, (struct shell_arena){.bytes = arena, .size = sizeof(arena)}, variables, functions);
}

int language_run(const char *text, size_t len, bool *incomplete) {
    shell.interrupted = false;
    interpreter.flow = SHELL_ON;
    return interpreter_run(&interpreter, text, len, incomplete);
}

bool language_left(void) {
    return interpreter.flow == SHELL_EXIT && !interpreter.stop_at_failure;
}

int language_script(const char *text, size_t len, size_t count, const char *const *arguments) {
    return interpreter_script(&interpreter, text, len, count, arguments);
}

int command_sh(const struct arguments *arguments) {
    const char *name = arguments->words[1];
    size_t len;
    const char *text = file_text(name, &len);
    return text != nullptr ? language_script(text, len, arguments->count - 2, arguments->words + 2) : no_file("sh", name);
}
