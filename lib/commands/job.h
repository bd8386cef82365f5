// Programs that run, for the rest of the shell. (jobs.c)
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"

// Starts a program with the words behind its name; handed a console and an input, unless those are 0. COMMAND_OK, or why not, which
// was said.
int job_start(const char *const *words, size_t count, bool foreground, handle_t console, handle_t input, uint32_t *id);

// Ends it; that it has ended by itself meanwhile is no mistake.
void job_end(uint32_t id);

// Waits until it has ended; Ctrl-C ends it, a second one ends the wait. Returns its exit status.
int job_wait(uint32_t id);

// Which ends are said to the person.
enum job_telling : uint8_t { JOB_QUIET, JOB_FAILURES, JOB_TOLD };

// Whether it has ended, and then its exit status. One that nobody knows of any more ended with execd, which is said.
bool job_over(uint32_t id, enum job_telling telling, int *exit_status);

// How often the shell was told that jobs have ended.
uint64_t jobs_ended(void);
