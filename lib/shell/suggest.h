// "Did you mean": the nearest of some words.
#pragma once

#include <stddef.h>

// Insertions, deletions, replacements and exchanges of neighbours that make `a` of `b`; words longer than 31
// bytes are cut.
unsigned shell_distance(const char *a, const char *b);

// Remembers the candidate nearest to a word; first come, first served.
struct shell_suggestion {
    const char *word;
    const char *nearest; // nullptr as long as nothing is near enough
    unsigned distance;
};

static inline struct shell_suggestion shell_suggest(const char *word) {
    return (struct shell_suggestion){.word = word};
}

void shell_suggest_add(struct shell_suggestion *suggestion, const char *candidate);
