// Commands that the language itself has.
#include "base/str.h"
#include "lib/shell/condition.h"
#include "lib/shell/expand.h"

static struct shell_text text_of(const char *string) {
    return (struct shell_text){string, strlen(string)};
}

static int internal_true(struct interpreter *, size_t, const char *const *) {
    return SHELL_DONE;
}

static int internal_false(struct interpreter *, size_t, const char *const *) {
    return SHELL_FAILED;
}

static int leave_loop(struct interpreter *interpreter, const char *name, enum shell_flow flow) {
    if (interpreter->loops == 0) {
        interpreter_complain(interpreter, "%s: there is no loop around it", name);
        return SHELL_MISUSED;
    }
    interpreter->flow = flow;
    return SHELL_DONE;
}

static int internal_break(struct interpreter *interpreter, size_t, const char *const *) {
    return leave_loop(interpreter, "break", SHELL_BREAK);
}

static int internal_continue(struct interpreter *interpreter, size_t, const char *const *) {
    return leave_loop(interpreter, "continue", SHELL_CONTINUE);
}

// With a status, or that of the last command.
static int leave(struct interpreter *interpreter, size_t count, const char *const *words, enum shell_flow flow) {
    uint64_t status = (uint64_t)interpreter->status;
    if (count > 2 || (count == 2 && (!str_parse_u64(words[1], strlen(words[1]), &status) || status > 255))) {
        interpreter_complain(interpreter, "usage: %s [STATUS], a number from 0 to 255", words[0]);
        return SHELL_MISUSED;
    }
    interpreter->flow = flow;
    return (int)status;
}

static int internal_exit(struct interpreter *interpreter, size_t count, const char *const *words) {
    return leave(interpreter, count, words, SHELL_EXIT);
}

static int internal_return(struct interpreter *interpreter, size_t count, const char *const *words) {
    return leave(interpreter, count, words, SHELL_RETURN);
}

static int internal_test(struct interpreter *interpreter, size_t count, const char *const *words) {
    char error[SHELL_ERROR_BYTES];
    if (str_equal(words[0], "[")) {
        if (!str_equal(words[count - 1], "]")) {
            interpreter_complain(interpreter, "[: the last word must be `]`, with a blank before it");
            return SHELL_MISUSED;
        }
        count--;
    }
    const int result = shell_test(count - 1, words + 1, error);
    if (result == SHELL_MISUSED) {
        interpreter_complain(interpreter, "%s", error);
    }
    return result;
}

static int internal_set(struct interpreter *interpreter, size_t count, const char *const *words) {
    for (size_t i = 1; i < count; i++) {
        const char *word = words[i];
        const bool on = word[0] == '-';
        if ((word[0] != '-' && word[0] != '+') || (word[1] != 'e' && word[1] != 'x') || word[2] != '\0') {
            interpreter_complain(interpreter, "usage: set [-e|+e] [-x|+x]; a variable is set with NAME=VALUE");
            return SHELL_MISUSED;
        }
        *(word[1] == 'e' ? &interpreter->stop_at_failure : &interpreter->show) = on;
    }
    return SHELL_DONE;
}

static int internal_unset(struct interpreter *interpreter, size_t count, const char *const *words) {
    for (size_t i = 1; i < count; i++) {
        const bool variable = store_remove(&interpreter->variables, text_of(words[i]));
        if (!store_remove(&interpreter->functions, text_of(words[i])) && !variable) {
            interpreter_complain(interpreter, "unset: there is no variable or function `%s`", words[i]);
            return SHELL_FAILED;
        }
    }
    return SHELL_DONE;
}

static const struct {
    const char *name;
    internal_fn *run;
} internals[] = {
    {"true", internal_true},   {"false", internal_false}, {"break", internal_break}, {"continue", internal_continue},
    {"exit", internal_exit},   {"return", internal_return}, {"test", internal_test}, {"[", internal_test},
    {"set", internal_set},     {"unset", internal_unset},
};

internal_fn *internal_find(const char *name) {
    for (size_t i = 0; i < sizeof(internals) / sizeof(internals[0]); i++) {
        if (str_equal(internals[i].name, name)) {
            return internals[i].run;
        }
    }
    return nullptr;
}
