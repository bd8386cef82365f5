// The runner behind base/test.h: hosted C, one process, tests in the order of their registration.
#include <inttypes.h>
#include <stdio.h>

#include "base/test.h"

static struct test_case *first_test;
static struct test_case **last_link = &first_test;
static const char *current_name = "";
static unsigned failures_in_test;

void test_register(struct test_case *test) {
    *last_link = test;
    last_link = &test->next;
}

static void report(const char *file, int line, const char *expression) {
    failures_in_test++;
    fprintf(stderr, "FAIL %s\n  at       %s:%d\n  checked  %s\n", current_name, file, line, expression);
}

void test_fail(const char *file, int line, const char *expression) {
    report(file, line, expression);
    fprintf(stderr, "  expected true\n  saw      false\n");
}

static void print_value(const char *label, struct test_value value) {
    if (value.pointer) {
        fprintf(stderr, "  %s 0x%" PRIx64 "\n", label, value.bits);
    } else if (value.negative) {
        fprintf(stderr, "  %s %" PRId64 "\n", label, (int64_t)value.bits);
    } else {
        fprintf(stderr, "  %s %" PRIu64 " (0x%" PRIx64 ")\n", label, value.bits, value.bits);
    }
}

void test_check_values(struct test_value saw, struct test_value expected, const char *expression,
                       const char *file, int line) {
    if (saw.bits == expected.bits && saw.negative == expected.negative) {
        return;
    }
    report(file, line, expression);
    print_value("expected", expected);
    print_value("saw     ", saw);
}

void test_check_strings(const char *saw, const char *expected, const char *expression, const char *file, int line) {
    if (saw == expected || (saw != nullptr && expected != nullptr && strcmp(saw, expected) == 0)) {
        return;
    }
    report(file, line, expression);
    fprintf(stderr, "  expected \"%s\"\n  saw      \"%s\"\n", expected == nullptr ? "(null)" : expected,
            saw == nullptr ? "(null)" : saw);
}

void test_check_bytes(const void *saw, const void *expected, size_t len, const char *expression, const char *file,
                      int line) {
    if (len == 0 || memcmp(saw, expected, len) == 0) {
        return;
    }
    const unsigned char *left = saw;
    const unsigned char *right = expected;
    size_t at = 0;
    while (left[at] == right[at]) {
        at++;
    }
    report(file, line, expression);
    fprintf(stderr, "  expected 0x%02x at byte %zu of %zu\n  saw      0x%02x\n", right[at], at, len, left[at]);
}

static bool selected(const char *name, int count, char **patterns) {
    for (int i = 0; i < count; i++) {
        if (strstr(name, patterns[i]) != nullptr) {
            return true;
        }
    }
    return count == 0;
}

int main(int argc, char **argv) {
    unsigned run = 0;
    unsigned failed = 0;
    for (const struct test_case *test = first_test; test != nullptr; test = test->next) {
        if (!selected(test->name, argc - 1, argv + 1)) {
            continue;
        }
        current_name = test->name;
        failures_in_test = 0;
        test->run();
        run++;
        failed += failures_in_test != 0;
    }
    printf("%s: %u tests, %u failed\n", argv[0], run, failed);
    return run != 0 && failed == 0 ? 0 : 1;
}
