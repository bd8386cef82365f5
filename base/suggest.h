// "Did you mean": the nearest of some words.
#pragma once

#include <stddef.h>

// Insertions, deletions, replacements and exchanges of neighbours that make `a` of `b`; words longer than 31
// bytes are cut. Upper and lower case are the same.
unsigned edit_distance(const char *a, const char *b);

// Remembers the candidate nearest to a word; first come, first served.
struct suggestion {
    const char *word;
    const char *nearest; // nullptr as long as nothing is near enough
    unsigned distance;
};

static inline struct suggestion suggestion_of(const char *word) {
    return (struct suggestion){.word = word};
}

void suggestion_add(struct suggestion *suggestion, const char *candidate);
