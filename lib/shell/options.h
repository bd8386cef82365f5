// Options of a command: letters and names with or without a value, then operands.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Walks over words[1..count-1]. "-n 5", "-n5", "--lines 5", "--lines=5" and "--" are understood.
struct shell_options {
    const char *const *words;
    size_t count;
    size_t at;
    const char *value; // of the option returned last
};

static inline struct shell_options shell_options(const char *const *words, size_t count) {
    return (struct shell_options){.words = words, .count = count, .at = 1};
}

constexpr int OPTION_DONE = 0;       // operands begin at `at`
constexpr int OPTION_UNKNOWN = '?';  // `value` is the word
constexpr int OPTION_NO_VALUE = ':'; // `value` is the word

// The next option's letter. `letters` lists those that are known, each followed by `:` when it takes a value, and then by
// its long name in brackets when it has one: "n:(lines)v".
int shell_next_option(struct shell_options *options, const char *letters);
