#include "lib/shell/arithmetic.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "base/str.h"

constexpr unsigned DEPTH_MAX = 16;

struct calculation {
    struct shell_text text;
    size_t at;
    unsigned depth;
    const struct shell_store *variables;
    char *error;
};

[[gnu::format(printf, 2, 3)]] static bool wrong(struct calculation *calculation, const char *format, ...) {
    const size_t used = fmt_snprintf(calculation->error, SHELL_ERROR_BYTES, "$((...)): ");
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(calculation->error + used, SHELL_ERROR_BYTES - used, format, args);
    va_end(args);
    return false;
}

bool shell_parse_number(struct shell_text text, int64_t *out) {
    uint64_t value;
    const bool minus = text.len > 0 && text.bytes[0] == '-';
    const size_t sign = minus || (text.len > 0 && text.bytes[0] == '+') ? 1 : 0;
    if (!str_parse_u64(text.bytes + sign, text.len - sign, &value) || value > (uint64_t)INT64_MAX + (minus ? 1 : 0)) {
        return false;
    }
    *out = (int64_t)(minus ? -value : value);
    return true;
}

static char next(struct calculation *calculation) {
    while (calculation->at < calculation->text.len && char_is_space(calculation->text.bytes[calculation->at])) {
        calculation->at++;
    }
    return calculation->at < calculation->text.len ? calculation->text.bytes[calculation->at] : '\0';
}

static bool take(struct calculation *calculation, const char *operator) {
    const size_t len = strlen(operator);
    if (next(calculation) == '\0' || len > calculation->text.len - calculation->at ||
        memcmp(calculation->text.bytes + calculation->at, operator, len) != 0) {
        return false;
    }
    calculation->at += len;
    return true;
}

static bool expression(struct calculation *calculation, int64_t *out);

// A number, or the name of a variable with one; `$` before it changes nothing.
static bool operand(struct calculation *calculation, int64_t *out) {
    struct shell_text word, value;
    (void)take(calculation, "$");
    (void)next(calculation);
    word.bytes = calculation->text.bytes + calculation->at;
    for (word.len = 0; word.len < calculation->text.len - calculation->at; word.len++) {
        const char c = word.bytes[word.len];
        if (!char_is_alnum(c) && c != '_') {
            break;
        }
    }
    calculation->at += word.len;
    if (word.len == 0) {
        return wrong(calculation, "a number or a variable is missing");
    }
    if (shell_parse_number(word, out)) {
        return true;
    }
    if (!store_find(calculation->variables, word, &value)) {
        return wrong(calculation, "`%.*s` is neither a number that fits nor a variable", (int)word.len, word.bytes);
    }
    if (!shell_parse_number(value, out)) {
        return wrong(calculation, "the variable `%.*s` is no number", (int)word.len, word.bytes);
    }
    return true;
}

static bool factor(struct calculation *calculation, int64_t *out) {
    if (calculation->depth == DEPTH_MAX) {
        return wrong(calculation, "brackets and signs may not be deeper than %u", DEPTH_MAX);
    }
    calculation->depth++;
    bool good;
    if (take(calculation, "(")) {
        good = expression(calculation, out) && (take(calculation, ")") || wrong(calculation, "a `)` is missing"));
    } else if (take(calculation, "-")) {
        good = factor(calculation, out) && (!__builtin_sub_overflow(0, *out, out) || wrong(calculation, "the result does not fit"));
    } else {
        good = operand(calculation, out);
    }
    calculation->depth--;
    return good;
}

static bool divide(struct calculation *calculation, char operator, int64_t *left, int64_t right) {
    if (right == 0) {
        return wrong(calculation, "division by zero");
    }
    if (right == -1) { // the only one that may overflow
        return operator == '%' ? (*left = 0, true)
                               : (!__builtin_sub_overflow(0, *left, left) || wrong(calculation, "the result does not fit"));
    }
    *left = operator == '%' ? *left % right : *left / right;
    return true;
}

static bool product(struct calculation *calculation, int64_t *out) {
    if (!factor(calculation, out)) {
        return false;
    }
    for (;;) {
        int64_t right;
        const char operator = next(calculation);
        if (operator != '*' && operator != '/' && operator != '%') {
            return true;
        }
        calculation->at++;
        if (!factor(calculation, &right)) {
            return false;
        }
        if (operator == '*' ? __builtin_mul_overflow(*out, right, out) && !wrong(calculation, "the result does not fit")
                            : !divide(calculation, operator, out, right)) {
            return false;
        }
    }
}

static bool sum(struct calculation *calculation, int64_t *out) {
    if (!product(calculation, out)) {
        return false;
    }
    for (;;) {
        int64_t right;
        const char operator = next(calculation);
        if (operator != '+' && operator != '-') {
            return true;
        }
        calculation->at++;
        if (!product(calculation, &right)) {
            return false;
        }
        if (operator == '+' ? __builtin_add_overflow(*out, right, out) : __builtin_sub_overflow(*out, right, out)) {
            return wrong(calculation, "the result does not fit");
        }
    }
}

// A sum, or the comparison of two: 1 or 0.
static bool expression(struct calculation *calculation, int64_t *out) {
    static const char *const operators[] = {"==", "!=", "<=", ">=", "<", ">"};
    int64_t right;
    if (!sum(calculation, out)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (!take(calculation, operators[i])) {
            continue;
        }
        if (!sum(calculation, &right)) {
            return false;
        }
        const bool results[] = {*out == right, *out != right, *out <= right, *out >= right, *out < right, *out > right};
        *out = results[i];
        break;
    }
    return true;
}

bool shell_calculate(struct shell_text text, const struct shell_store *variables, int64_t *out, char error[SHELL_ERROR_BYTES]) {
    struct calculation calculation = {.text = text, .variables = variables, .error = error};
    int64_t value;
    if (!expression(&calculation, &value)) {
        return false;
    }
    if (next(&calculation) != '\0') {
        return wrong(&calculation, "`%c` means nothing here", text.bytes[calculation.at]);
    }
    *out = value;
    return true;
}
