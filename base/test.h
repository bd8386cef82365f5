// Host tests: a C program of TESTs, linked with base/test_main.c and run under ASan and UBSan.
//
//   TEST(queue_keeps_order) {
//       REQUIRE(queue_push(&q, 7));          // on failure: report, leave this test
//       CHECK_EQ(queue_pop(&q), 7);          // on failure: report, go on
//   }
//
// In every CHECK_..._EQ the first argument is what was seen, the second what was expected. Each is
// evaluated once. A failure prints expected, saw, and file:line; the program's status is 1.
// Arguments on the program's command line select the tests whose name contains one of them.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef void test_fn(void);

struct test_case {
    const char *name;
    test_fn *run;
    struct test_case *next;
};

// An integer or a pointer, kept so that -1 and UINT64_MAX stay different.
struct test_value {
    bool negative;
    bool pointer;
    uint64_t bits;
};

void test_register(struct test_case *test);

// Counts and reports a failure. Not used directly.
void test_fail(const char *file, int line, const char *expression);
void test_check_values(struct test_value saw, struct test_value expected, const char *expression,
                       const char *file, int line);
void test_check_strings(const char *saw, const char *expected, const char *expression, const char *file, int line);
void test_check_bytes(const void *saw, const void *expected, size_t len, const char *expression, const char *file,
                      int line);

static inline struct test_value test_value_signed(int64_t value) {
    return (struct test_value){.negative = value < 0, .bits = (uint64_t)value};
}

static inline struct test_value test_value_unsigned(uint64_t value) {
    return (struct test_value){.bits = value};
}

static inline struct test_value test_value_pointer(const volatile void *value) {
    return (struct test_value){.pointer = true, .bits = (uintptr_t)value};
}

#define TEST_VALUE(x) \
    _Generic((x), \
        bool: test_value_unsigned, \
        char: test_value_signed, \
        signed char: test_value_signed, \
        short: test_value_signed, \
        int: test_value_signed, \
        long: test_value_signed, \
        long long: test_value_signed, \
        unsigned char: test_value_unsigned, \
        unsigned short: test_value_unsigned, \
        unsigned int: test_value_unsigned, \
        unsigned long: test_value_unsigned, \
        unsigned long long: test_value_unsigned, \
        default: test_value_pointer)(x)

#define TEST(test_name) \
    static void test_run_##test_name(void); \
    static struct test_case test_case_##test_name = {.name = #test_name, .run = test_run_##test_name}; \
    [[gnu::constructor]] static void test_register_##test_name(void) { \
        test_register(&test_case_##test_name); \
    } \
    static void test_run_##test_name(void)

#define CHECK(expression) \
    do { \
        if (!(expression)) { \
            test_fail(__FILE__, __LINE__, #expression); \
        } \
    } while (0)

#define REQUIRE(expression) \
    do { \
        if (!(expression)) { \
            test_fail(__FILE__, __LINE__, #expression); \
            return; \
        } \
    } while (0)

#define CHECK_EQ(saw, expected) \
    test_check_values(TEST_VALUE(saw), TEST_VALUE(expected), #saw, __FILE__, __LINE__)

#define CHECK_STR_EQ(saw, expected) test_check_strings((saw), (expected), #saw, __FILE__, __LINE__)

#define CHECK_MEM_EQ(saw, expected, len) \
    test_check_bytes((saw), (expected), (len), #saw, __FILE__, __LINE__)
