// Jobs that this shell does not wait for, each with a number of its own: %1 and so on. (background.c)
#pragma once

#include <stdint.h>

// Says that the job runs in the background, and what its number is.
void background_add(const char *program, uint32_t id);

// Takes up what runs already: of a shell that was here before.
void background_adopt(void);

// The same of a pipe, which is this module's from now on. False: there are too many.
struct beside;
bool background_add_beside(struct beside *beside);

// What a word means: %N, or % for the youngest; a pipe, or the id of a job. False: none.
bool background_find(const char *word, uint32_t *id, struct beside **beside);

// How many there are.
uint32_t background_count(void);

// Each of their numbers, as a word.
void each_background(void (*function)(void *context, const char *word), void *context);
