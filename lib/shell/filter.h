// Filters: commands that make other text of the text that comes in, a piece at a time, so that a pipe needs no room for all of it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/shell/syntax.h"

constexpr size_t FILTER_LINE_MAX = 1024;          // what is longer goes on as several lines
constexpr size_t FILTER_MEMORY_BYTES = 64 * 1024; // of those that remember lines

// Takes bytes further down the pipe. False: whoever is there wants no more.
typedef bool filter_sink_fn(void *context, const char *bytes, size_t len);

struct filter;

struct filter_type {
    // Understands the words behind the name; false, with one line for people in filter->error, when they mean nothing.
    bool (*begin)(struct filter *filter, size_t count, const char *const *words);
    // A line without its end; false: it wants no more. Or, in their place, bytes as they come.
    bool (*line)(struct filter *filter, const char *line, size_t len);
    bool (*bytes)(struct filter *filter, const char *bytes, size_t len);
    // There is no more; its exit status.
    int (*end)(struct filter *filter);
    bool remembers; // it needs memory
};

struct filter {
    const struct filter_type *type;
    filter_sink_fn *sink;
    void *context;
    char *memory; // FILTER_MEMORY_BYTES for one that remembers, the caller's; null for others
    bool full;    // who is behind it wants no more
    bool abandoned; // what it was to be a part of cannot be: it has done nothing
    char error[SHELL_ERROR_BYTES];
    size_t line_len;
    char line[FILTER_LINE_MAX];
    union {
        struct {
            const char *pattern;
            bool inverted, any_case;
            bool found;
        } grep;
        struct {
            uint64_t left; // head
            uint64_t most; // tail
        } lines;
        struct {
            bool reversed, numbers, once;
        } sort;
        struct {
            bool count, some;
            uint64_t times;
            size_t len;
            char last[FILTER_LINE_MAX];
        } uniq;
        struct {
            bool lines_only, words_only, bytes_only, in_word;
            uint64_t lines, words, bytes;
        } wc;
        unsigned number; // of a filter that is the host's
        struct {
            uint64_t numbers[8];
            size_t count;
            char separator; // NUL: blanks
        } field;
    };
    struct { // lines in `memory`, and bytes of them
        size_t count, used;
    } kept;
};

extern const struct filter_type filter_grep, filter_head, filter_tail, filter_sort, filter_uniq, filter_wc, filter_field;

// Begins with the words of a command, its name first; they and what the sink needs outlive the filter. False: filter->error.
bool filter_begin(struct filter *filter, const struct filter_type *type, filter_sink_fn *sink, void *context, char *memory, size_t count,
                  const char *const *words);

// False: it wants no more.
bool filter_take(struct filter *filter, const char *bytes, size_t len);

// There is no more. Returns its exit status; 1 with filter->error when it could not do what it was to.
int filter_end(struct filter *filter);
