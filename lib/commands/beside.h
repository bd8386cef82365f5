// Pipelines in the background. The shell has one thread, so it takes them further whenever it waits: for a key, for a program, for an
// answer. They consist of what never makes it wait: programs, filters and files. What a program has no room for is kept until it has,
// and nothing more is taken from those before it meanwhile: at most what the filters between make of a few KiB, or of what `sort` holds.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/shell/interpreter.h"

struct beside;
struct pipeline;
struct stage;

// Whether it is more than a program by itself, which goes on without the shell.
bool beside_is(const struct shell_pipeline *what);

// Starts it; says its number. COMMAND_OK, or why not, which was said.
int beside_run(struct interpreter *interpreter, const struct shell_pipeline *what);

// Takes all of them as far as they go without waiting.
void beside_drive_all(void);

// Whether there are any: then who waits does so by shell_take_events.
bool beside_any(void);

// ---- for jobs, fg, wait and kill ----

bool beside_over(const struct beside *job);

// Its exit status once it is over; what its programs ended with that were no ends of their own is said.
int beside_status(struct beside *job);

// Ends its programs, and with them it.
void beside_end(struct beside *job);

// Frees it; what still runs is ended.
void beside_close(struct beside *job);

// As it was written, cut where it is long.
const char *beside_text(const struct beside *job);

// Whether one of its programs is this job of execd's.
bool beside_has(const struct beside *job, uint32_t id);

// ---- for pipeline.c ----

bool beside_can_be(const struct pipeline *pipeline);

// Takes all of it. False: the program has ended.
bool beside_feed_program(struct stage *stage, const char *bytes, size_t len);
