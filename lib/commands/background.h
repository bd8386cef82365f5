// Jobs that this shell does not wait for, each with a number of its own: %1 and so on. (background.c)
#pragma once

#include <stdint.h>

// Says that the job runs in the background, and what its number is.
void background_add(const char *program, uint32_t id);

// Takes up what runs already: of a shell that was here before.
void background_adopt(void);

// What a word means: %N, or % for the youngest. 0: none.
uint32_t background_find(const char *word);

// How many there are.
uint32_t background_count(void);

// Each of their numbers, as a word.
void each_background(void (*function)(void *context, const char *word), void *context);
