#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "lib/shell/filter.h"

static struct filter filter;
static char output[1 << 18];
static size_t output_len, output_most;
static alignas(8) char memory[FILTER_MEMORY_BYTES];

static bool collect(void *context, const char *bytes, size_t len) {
    (void)context;
    if (output_len + len >= sizeof(output)) {
        abort();
    }
    memcpy(output + output_len, bytes, len);
    output_len += len;
    output[output_len] = '\0';
    return output_len < output_most;
}

static bool begin(const struct filter_type *type, const char *line, size_t most) {
    static char copy[256];
    static const char *words[17];
    size_t count = 0;
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word != NULL && count < 16; word = strtok(NULL, " ")) {
        words[count++] = word;
    }
    words[count] = NULL;
    output_len = 0;
    output[0] = '\0';
    output_most = most;
    return filter_begin(&filter, type, collect, NULL, type->remembers ? memory : NULL, count, words);
}

// What comes of the input, in pieces of every size.
static void gives(const struct filter_type *type, const char *line, const char *input, const char *expected, int status) {
    for (size_t piece = 1; piece <= strlen(input) + 1; piece++) {
        CHECK(begin(type, line, SIZE_MAX));
        bool more = true;
        for (size_t at = 0; more && at < strlen(input); at += piece) {
            const size_t left = strlen(input) - at;
            more = filter_take(&filter, input + at, left < piece ? left : piece);
        }
        CHECK_EQ(filter_end(&filter), status);
        CHECK_STR_EQ(output, expected);
        CHECK_STR_EQ(filter.error, "");
    }
}

static void refuses(const struct filter_type *type, const char *line, const char *error) {
    CHECK(!begin(type, line, SIZE_MAX));
    CHECK_STR_EQ(filter.error, error);
}

TEST(grep) {
    gives(&filter_grep, "grep b", "abc\nxyz\nb\n", "abc\nb\n", 0);
    gives(&filter_grep, "grep -v b", "abc\nxyz\nb", "xyz\n", 0);
    gives(&filter_grep, "grep -i AbC", "xabc\nXABCx\nab\n", "xabc\nXABCx\n", 0);
    gives(&filter_grep, "grep q", "abc\n", "", 1);
    gives(&filter_grep, "grep -- -v", "a -v\nb\n", "a -v\n", 0);
    refuses(&filter_grep, "grep", "usage: grep [-v] [-i] TEXT; a text with blanks is put in quotes");
    refuses(&filter_grep, "grep -x a", "grep: there is no option `-x`; there are -v, other lines, and -i, any case");
    refuses(&filter_grep, "grep a b", "usage: grep [-v] [-i] TEXT; a text with blanks is put in quotes");
}

TEST(head_and_tail) {
    gives(&filter_head, "head -n 2", "a\nb\nc\n", "a\nb\n", 0);
    gives(&filter_head, "head -n0", "a\n", "", 0);
    gives(&filter_head, "head", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", 0);
    gives(&filter_tail, "tail -n 2", "a\nb\nc", "b\nc\n", 0);
    gives(&filter_tail, "tail -n 0", "a\nb\nc", "", 0);
    gives(&filter_tail, "tail", "a\n\nb\n", "a\n\nb\n", 0);
    refuses(&filter_head, "head x", "usage: head [-n LINES]");
    refuses(&filter_tail, "tail -n x", "tail: `x` is no number");
    CHECK(begin(&filter_head, "head -n 1", SIZE_MAX));
    CHECK(!filter_take(&filter, "a\nb\n", 4)); // it has enough
}

TEST(tail_of_much) {
    char line[32];
    CHECK(begin(&filter_tail, "tail -n 3", SIZE_MAX));
    for (unsigned i = 0; i < 50'000; i++) {
        snprintf(line, sizeof(line), "line %u\n", i);
        CHECK(filter_take(&filter, line, strlen(line)));
    }
    CHECK_EQ(filter_end(&filter), 0);
    CHECK_STR_EQ(output, "line 49997\nline 49998\nline 49999\n");
    CHECK(begin(&filter_tail, "tail -n 50000", SIZE_MAX));
    bool more = true;
    while (more) {
        more = filter_take(&filter, line, strlen(line));
    }
    CHECK_EQ(filter_end(&filter), 1);
    CHECK_STR_EQ(filter.error, "tail: the last 50000 lines are more than 64 KiB");
}

TEST(sort) {
    gives(&filter_sort, "sort", "b\na\nc\na\n\n", "\na\na\nb\nc\n", 0);
    gives(&filter_sort, "sort -u -r", "b\na\nc\na\nb\n", "c\nb\na\n", 0);
    gives(&filter_sort, "sort -n", "10\n9\n -3\nx\n9 b", " -3\nx\n9\n9 b\n10\n", 0);
    gives(&filter_sort, "sort", "", "", 0);
    refuses(&filter_sort, "sort -x", "usage: sort [-r] [-n] [-u]: backwards, by the number in front, each once");
    // Against the library's, on lines of a few letters.
    srand(1);
    static const char *expected[1000];
    static char lines[1000][8];
    CHECK(begin(&filter_sort, "sort", SIZE_MAX));
    for (unsigned i = 0; i < 1000; i++) {
        for (unsigned j = 0; j < 1 + (unsigned)rand() % 6; j++) {
            lines[i][j] = (char)('a' + rand() % 3);
        }
        expected[i] = lines[i];
        filter_take(&filter, lines[i], strlen(lines[i]));
        filter_take(&filter, "\n", 1);
    }
    for (unsigned i = 0; i < 1000; i++) {
        for (unsigned j = i + 1; j < 1000; j++) {
            if (strcmp(expected[i], expected[j]) > 0) {
                const char *line = expected[i];
                expected[i] = expected[j];
                expected[j] = line;
            }
        }
    }
    CHECK_EQ(filter_end(&filter), 0);
    const char *at = output;
    for (unsigned i = 0; i < 1000; i++) {
        CHECK_MEM_EQ(at, expected[i], strlen(expected[i]));
        at += strlen(expected[i]) + 1;
    }
    CHECK(begin(&filter_sort, "sort", SIZE_MAX));
    bool more = true;
    while (more) {
        more = filter_take(&filter, "0123456789\n", 11);
    }
    CHECK_EQ(filter_end(&filter), 1);
    CHECK_STR_EQ(filter.error, "sort: what comes in is more than 64 KiB");
    CHECK_STR_EQ(output, "");
}

TEST(uniq_wc_field) {
    gives(&filter_uniq, "uniq", "a\na\nb\na\n\n\n", "a\nb\na\n\n", 0);
    gives(&filter_uniq, "uniq -c", "a\na\nb", "     2 a\n     1 b\n", 0);
    gives(&filter_uniq, "uniq", "", "", 0);
    gives(&filter_wc, "wc", "one two\n three", "1 3 14\n", 0);
    gives(&filter_wc, "wc -l", "a\nb\n", "2\n", 0);
    gives(&filter_wc, "wc -c -w", "a b\n", "2 4\n", 0);
    gives(&filter_field, "field 2", "a b c\n  x   y\nz\n", "b\ny\n\n", 0);
    gives(&filter_field, "field 3 1", "a b c\n", "c a\n", 0);
    gives(&filter_field, "field -d : 2 1", "a:b\n::c\n", "b:a\n:\n", 0);
    refuses(&filter_field, "field", "usage: field [-d CHARACTER] NUMBER...");
    refuses(&filter_field, "field 0", "field: the first is 1");
    refuses(&filter_field, "field 1 2 3 4 5 6 7 8 9", "field: at most 8 fields");
    refuses(&filter_uniq, "uniq x", "usage: uniq [-c]");
    refuses(&filter_wc, "wc -x", "usage: wc [-l] [-w] [-c]: lines, words, bytes");
}

TEST(who_is_behind_may_have_enough) {
    CHECK(begin(&filter_grep, "grep a", 3));
    CHECK(filter_take(&filter, "a\n", 2));
    CHECK(!filter_take(&filter, "a\na\na\n", 6));
    CHECK_STR_EQ(output, "a\na");
    CHECK(begin(&filter_sort, "sort", 1));
    filter_take(&filter, "b\na\n", 4);
    CHECK_EQ(filter_end(&filter), 0);
    CHECK_STR_EQ(output, "a");
}

TEST(long_lines_are_several) {
    static char line[3000];
    memset(line, 'x', sizeof(line));
    CHECK(begin(&filter_head, "head -n 2", SIZE_MAX));
    CHECK(!filter_take(&filter, line, sizeof(line)));
    CHECK_EQ(output_len, 2 * (FILTER_LINE_MAX + 1));
}
