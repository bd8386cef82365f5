#include "lib/shell/condition.h"

#include "base/fmt.h"
#include "base/str.h"
#include "lib/shell/arithmetic.h"

constexpr int YES = 0, NO = 1, WRONG = 2;

static int of(bool value) {
    return value ? YES : NO;
}

static int compare(const char *left, const char *operator, const char *right, char error[SHELL_ERROR_BYTES]) {
    static const char *const operators[] = {"-eq", "-ne", "-lt", "-le", "-gt", "-ge"};
    int64_t a, b;
    if (str_equal(operator, "=") || str_equal(operator, "!=")) {
        return of(str_equal(left, right) == (operator[0] == '='));
    }
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (!str_equal(operator, operators[i])) {
            continue;
        }
        const bool left_good = shell_parse_number((struct shell_text){left, strlen(left)}, &a);
        if (!left_good || !shell_parse_number((struct shell_text){right, strlen(right)}, &b)) {
            fmt_snprintf(error, SHELL_ERROR_BYTES, "test: `%s` is no number", left_good ? right : left);
            return WRONG;
        }
        const bool results[] = {a == b, a != b, a < b, a <= b, a > b, a >= b};
        return of(results[i]);
    }
    fmt_snprintf(error, SHELL_ERROR_BYTES, "test: `%s` compares nothing; there are = != -eq -ne -lt -le -gt -ge", operator);
    return WRONG;
}

int shell_test(size_t count, const char *const *words, char error[SHELL_ERROR_BYTES]) {
    bool negated = false;
    for (; count > 1 && str_equal(words[0], "!"); count--, words++) {
        negated = !negated;
    }
    int result = WRONG;
    if (count == 0) {
        result = NO;
    } else if (count == 1) {
        result = of(words[0][0] != '\0');
    } else if (count == 2 && (str_equal(words[0], "-n") || str_equal(words[0], "-z"))) {
        result = of((words[1][0] != '\0') == (words[0][1] == 'n'));
    } else if (count == 3) {
        result = compare(words[0], words[1], words[2], error);
    } else {
        fmt_snprintf(error, SHELL_ERROR_BYTES, "test: it is [!] -n TEXT, -z TEXT, or A OPERATOR B, each a word; is one not quoted?");
    }
    return result == WRONG || !negated ? result : 1 - result;
}
