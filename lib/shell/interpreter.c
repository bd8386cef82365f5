#include "lib/shell/interpreter.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "base/str.h"
#include "lib/shell/expand.h"

constexpr size_t SHOWN_BYTES = 256; // of a command that `set -x` shows

void interpreter_init(struct interpreter *interpreter, const struct interpreter_host *host, void *context, struct shell_arena arena,
                      struct shell_store variables, struct shell_store functions) {
    *interpreter = (struct interpreter){
        .host = host, .context = context, .arena = arena, .variables = variables, .functions = functions};
}

bool interpreter_complain(struct interpreter *interpreter, const char *format, ...) {
    char line[SHOWN_BYTES];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    interpreter->host->complain(interpreter->context, line);
    return false;
}

static struct shell_text text_of(const char *string) {
    return (struct shell_text){string, strlen(string)};
}

static int evaluate(struct interpreter *interpreter, const struct shell_node *node);

bool interpreter_has(const struct interpreter *interpreter, const char *name) {
    struct shell_text body;
    return internal_find(name) != nullptr || store_find(&interpreter->functions, text_of(name), &body);
}

// ---- functions and scripts ----

// Carries out a text of its own with arguments of its own. What it was read from may change meanwhile: it is copied.
static int call(struct interpreter *interpreter, const char *what, struct shell_text text, size_t count, const char *const *arguments) {
    if (interpreter->calls == SHELL_CALLS_MAX) {
        interpreter_complain(interpreter, "%s: functions, scripts and $(...) may not be in each other deeper than %u", what, SHELL_CALLS_MAX);
        return SHELL_FAILED;
    }
    const size_t mark = interpreter->arena.used;
    char *source = arena_take(&interpreter->arena, text.len);
    if (source == nullptr) {
        interpreter_complain(interpreter, "%s: it is longer than there is room for", what);
        return SHELL_FAILED;
    }
    memcpy(source, text.bytes, text.len);
    struct shell_error error;
    const struct shell_node *node = shell_parse(source, text.len, &interpreter->arena, &error);
    if (node == nullptr) {
        interpreter_complain(interpreter, "%s: %s", what, error.text);
        arena_release(&interpreter->arena, mark);
        return SHELL_MISUSED;
    }
    const unsigned loops = interpreter->loops;
    const size_t outer_count = interpreter->argument_count;
    const char *const *const outer_arguments = interpreter->arguments;
    interpreter->argument_count = count;
    interpreter->arguments = arguments;
    interpreter->loops = 0;
    interpreter->calls++;
    const int status = evaluate(interpreter, node);
    interpreter->calls--;
    interpreter->loops = loops;
    interpreter->argument_count = outer_count;
    interpreter->arguments = outer_arguments;
    arena_release(&interpreter->arena, mark);
    return status;
}

static int call_function(struct interpreter *interpreter, struct shell_text body, size_t count, const char *const *words) {
    const int status = call(interpreter, words[0], body, count - 1, words + 1);
    if (interpreter->flow == SHELL_RETURN) {
        interpreter->flow = SHELL_ON;
    }
    return status;
}

int interpreter_script(struct interpreter *interpreter, const char *text, size_t len, size_t count, const char *const *arguments) {
    const bool stop_at_failure = interpreter->stop_at_failure, show = interpreter->show;
    const int status = call(interpreter, "script", (struct shell_text){text, len}, count, arguments);
    if (interpreter->flow == SHELL_EXIT || interpreter->flow == SHELL_RETURN) {
        interpreter->flow = SHELL_ON;
    }
    interpreter->stop_at_failure = stop_at_failure;
    interpreter->show = show;
    return status;
}

int interpreter_commands(struct interpreter *interpreter, const struct shell_node *list) {
    if (interpreter->calls == SHELL_CALLS_MAX) {
        interpreter_complain(interpreter, "functions, scripts and $(...) may not be in each other deeper than %u", SHELL_CALLS_MAX);
        return SHELL_FAILED;
    }
    interpreter->calls++;
    const int status = evaluate(interpreter, list);
    interpreter->calls--;
    return status;
}

int interpreter_internal(struct interpreter *interpreter, const struct shell_stage *stage) {
    struct shell_text body;
    if (stage->body != nullptr) {
        return evaluate(interpreter, stage->body);
    }
    if (store_find(&interpreter->functions, text_of(stage->words[0]), &body)) {
        return call_function(interpreter, body, stage->count, stage->words);
    }
    internal_fn *const internal = internal_find(stage->words[0]);
    return internal != nullptr ? internal(interpreter, stage->count, stage->words) : SHELL_FAILED;
}

// ---- pipelines ----

static bool assign(struct interpreter *interpreter, const struct shell_assignment *assignment) {
    for (; assignment != nullptr; assignment = assignment->next) {
        const size_t mark = interpreter->arena.used;
        const char *value = expand_text(interpreter, assignment->value);
        const bool kept = value != nullptr && store_put(&interpreter->variables, assignment->name, text_of(value));
        arena_release(&interpreter->arena, mark);
        if (value == nullptr) {
            return false;
        }
        if (!kept) {
            return interpreter_complain(interpreter, "there is no room for the variable `%.*s`; `unset` makes some",
                                        (int)assignment->name.len, assignment->name.bytes);
        }
    }
    return true;
}

static bool redirect(struct interpreter *interpreter, const struct shell_redirection *redirection, struct shell_stage *stage) {
    for (; redirection != nullptr; redirection = redirection->next) {
        const char *file = expand_text(interpreter, redirection->file);
        if (file == nullptr) {
            return false;
        }
        if (redirection->kind == SHELL_FROM) {
            stage->input = file;
        } else {
            stage->output = file;
            stage->append = redirection->kind == SHELL_APPEND;
        }
    }
    return true;
}

static void show(struct interpreter *interpreter, const struct shell_stage *stage) {
    char line[SHOWN_BYTES] = "+";
    for (size_t i = 0; i < stage->count; i++) {
        (void)str_append(line, sizeof(line), " "); // what does not fit is not shown
        (void)str_append(line, sizeof(line), stage->words[i]);
    }
    interpreter->host->complain(interpreter->context, line);
}

static bool make_stage(struct interpreter *interpreter, const struct shell_node *node, bool alone, struct shell_stage *stage) {
    *stage = (struct shell_stage){};
    if (!redirect(interpreter, node->redirections, stage)) {
        return false;
    }
    if (node->kind != SHELL_SIMPLE) {
        stage->internal = true;
        stage->body = node;
        return true;
    }
    if (node->assignments != nullptr && (!alone || node->words != nullptr)) {
        return interpreter_complain(interpreter, "`%.*s=` is a command of its own: put a `;` behind it", (int)node->assignments->name.len,
                                    node->assignments->name.bytes);
    }
    if (!expand_words(interpreter, node->words, &stage->count, &stage->words)) {
        return false;
    }
    const bool redirected = stage->input != nullptr || stage->output != nullptr;
    if (stage->count == 0 && (redirected || node->assignments == nullptr)) {
        return interpreter_complain(interpreter, node->words != nullptr ? "there is no command: its words come to nothing"
                                                                        : "there is no command to redirect");
    }
    stage->internal = stage->count == 0 || interpreter_has(interpreter, stage->words[0]);
    if (interpreter->show && stage->count > 0) {
        show(interpreter, stage);
    }
    return true;
}

// Internal commands that nothing is put before or behind need no host.
static bool is_direct(const struct shell_pipeline *pipeline) {
    const struct shell_stage *stage = pipeline->stages;
    return pipeline->count == 1 && stage->internal && !pipeline->background && stage->input == nullptr && stage->output == nullptr;
}

static int run(struct interpreter *interpreter, const struct shell_node *node, bool background) {
    const bool alone = node->children->next == nullptr;
    size_t count = 0;
    for (const struct shell_node *child = node->children; child != nullptr; child = child->next) {
        count++;
    }
    struct shell_stage *stages = arena_take(&interpreter->arena, count * sizeof(*stages));
    const struct shell_pipeline pipeline = {.count = count, .stages = stages, .background = background, .source = node->source};
    if (stages == nullptr) {
        interpreter_complain(interpreter, "this is too much at once; make it several commands");
        return SHELL_FAILED;
    }
    size_t i = 0;
    for (const struct shell_node *child = node->children; child != nullptr; child = child->next, i++) {
        if (!make_stage(interpreter, child, alone, &stages[i])) {
            return SHELL_FAILED;
        }
    }
    if (stages[0].count == 0 && stages[0].body == nullptr) {
        interpreter->status = SHELL_DONE; // that of $(...) in the value, if there is one
        return assign(interpreter, node->children->assignments) ? interpreter->status : SHELL_FAILED;
    }
    if (is_direct(&pipeline)) {
        return interpreter_internal(interpreter, &stages[0]);
    }
    const int status = interpreter->host->run(interpreter->context, &pipeline);
    if (status == SHELL_INTERRUPTED) {
        interpreter->flow = SHELL_BROKEN_OFF;
    }
    return status;
}

static int evaluate_pipeline(struct interpreter *interpreter, const struct shell_node *node, bool background) {
    const size_t mark = interpreter->arena.used;
    if (interpreter->host->interrupted(interpreter->context)) {
        interpreter->flow = SHELL_BROKEN_OFF;
        return SHELL_INTERRUPTED;
    }
    interpreter->conditions += node->negated ? 1 : 0;
    int status = run(interpreter, node, background);
    interpreter->conditions -= node->negated ? 1 : 0;
    arena_release(&interpreter->arena, mark);
    if (interpreter->flow == SHELL_BROKEN_OFF) { // maybe within $(...)
        status = SHELL_INTERRUPTED;
    } else if (node->negated && interpreter->flow == SHELL_ON) {
        status = status == SHELL_DONE ? SHELL_FAILED : SHELL_DONE;
    }
    interpreter->status = status;
    if (status != SHELL_DONE && interpreter->flow == SHELL_ON && interpreter->stop_at_failure && interpreter->conditions == 0 &&
        !node->negated) {
        interpreter->flow = SHELL_EXIT;
    }
    return status;
}

// ---- lists, conditions, loops ----

static int evaluate_and_or(struct interpreter *interpreter, const struct shell_node *node) {
    int status = SHELL_DONE;
    for (const struct shell_node *child = node->children; child != nullptr && interpreter->flow == SHELL_ON; child = child->next) {
        if (child != node->children && (status != SHELL_DONE) != child->if_failed) {
            continue;
        }
        const bool last = child->next == nullptr;
        interpreter->conditions += last ? 0 : 1;
        status = evaluate_pipeline(interpreter, child, node->background);
        interpreter->conditions -= last ? 0 : 1;
    }
    return status;
}

static int evaluate_list(struct interpreter *interpreter, const struct shell_node *node) {
    int status = SHELL_DONE;
    for (const struct shell_node *child = node->children; child != nullptr && interpreter->flow == SHELL_ON; child = child->next) {
        status = evaluate_and_or(interpreter, child);
    }
    return status;
}

static int evaluate_condition(struct interpreter *interpreter, const struct shell_node *node) {
    interpreter->conditions++;
    const int status = evaluate_list(interpreter, node);
    interpreter->conditions--;
    return status;
}

static int evaluate_if(struct interpreter *interpreter, const struct shell_node *node) {
    for (;;) {
        const struct shell_node *condition = node->children, *then = condition->next, *otherwise = then->next;
        const int status = evaluate_condition(interpreter, condition);
        if (interpreter->flow != SHELL_ON) {
            return status;
        }
        if (status == SHELL_DONE) {
            return evaluate_list(interpreter, then);
        }
        if (otherwise == nullptr) {
            return SHELL_DONE;
        }
        if (otherwise->kind != SHELL_IF) {
            return evaluate_list(interpreter, otherwise);
        }
        node = otherwise; // an elif
    }
}

// Once round a loop; whether there is to be another time.
static bool evaluate_round(struct interpreter *interpreter, const struct shell_node *body, int *status) {
    interpreter->loops++;
    *status = evaluate_list(interpreter, body);
    interpreter->loops--;
    const enum shell_flow flow = interpreter->flow;
    if (flow == SHELL_BREAK || flow == SHELL_CONTINUE) {
        interpreter->flow = SHELL_ON;
    }
    return flow == SHELL_ON || flow == SHELL_CONTINUE;
}

static int evaluate_while(struct interpreter *interpreter, const struct shell_node *node) {
    int status = SHELL_DONE;
    for (;;) {
        const int condition = evaluate_condition(interpreter, node->children);
        if (interpreter->flow != SHELL_ON) {
            return condition;
        }
        if (condition != SHELL_DONE || !evaluate_round(interpreter, node->children->next, &status)) {
            return status;
        }
    }
}

static int evaluate_for(struct interpreter *interpreter, const struct shell_node *node) {
    const size_t mark = interpreter->arena.used;
    const char *const *words;
    size_t count;
    int status = SHELL_DONE;
    if (!expand_words(interpreter, node->words, &count, &words)) {
        arena_release(&interpreter->arena, mark);
        return interpreter->flow == SHELL_BROKEN_OFF ? SHELL_INTERRUPTED : SHELL_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        if (!store_put(&interpreter->variables, node->name, text_of(words[i]))) {
            interpreter_complain(interpreter, "there is no room for the variable of `for`; `unset` makes some");
            status = SHELL_FAILED;
            break;
        }
        if (!evaluate_round(interpreter, node->children, &status)) {
            break;
        }
    }
    arena_release(&interpreter->arena, mark);
    return status;
}

static int define(struct interpreter *interpreter, const struct shell_node *node) {
    if (!store_put(&interpreter->functions, node->name, node->source)) {
        interpreter_complain(interpreter, "there is no room for the function `%.*s`; `unset` makes some", (int)node->name.len,
                             node->name.bytes);
        return SHELL_FAILED;
    }
    return SHELL_DONE;
}

static int evaluate(struct interpreter *interpreter, const struct shell_node *node) {
    switch (node->kind) {
    case SHELL_LIST: return evaluate_list(interpreter, node);
    case SHELL_GROUP: return evaluate_list(interpreter, node->children);
    case SHELL_IF: return evaluate_if(interpreter, node);
    case SHELL_WHILE: return evaluate_while(interpreter, node);
    case SHELL_FOR: return evaluate_for(interpreter, node);
    case SHELL_FUNCTION: return define(interpreter, node);
    case SHELL_AND_OR: return evaluate_and_or(interpreter, node);
    case SHELL_PIPELINE: return evaluate_pipeline(interpreter, node, false);
    case SHELL_SIMPLE: break; // only within a pipeline
    }
    return SHELL_FAILED;
}

int interpreter_run(struct interpreter *interpreter, const char *text, size_t len, bool *incomplete) {
    struct shell_error error;
    const size_t mark = interpreter->arena.used;
    const struct shell_node *node = shell_parse(text, len, &interpreter->arena, &error);
    int status = SHELL_MISUSED;
    if (incomplete != nullptr) {
        *incomplete = node == nullptr && error.incomplete;
    }
    if (node != nullptr) {
        interpreter->flow = SHELL_ON;
        status = evaluate(interpreter, node);
    } else if (incomplete == nullptr || !*incomplete) {
        interpreter_complain(interpreter, "%s", error.text);
    }
    interpreter->status = status;
    arena_release(&interpreter->arena, mark);
    return status;
}
