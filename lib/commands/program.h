// Programs within pipelines. The shell stands in for their console, and is what they read from: bytes that a program writes wait
// here until they are taken further down the pipe, and those meant for it until it reads. Both wait for each other, so that
// nothing is ever kept but what fits into a few pages.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"
#include "lib/shell/syntax.h"

struct program;

// Starts a program with the words behind its name. `reads`: it is given `input`; `writes`: a `console` of the pipe's, else its own. In
// the foreground Ctrl-C ends it, and how it ended is said if it is no end of its own. COMMAND_OK, or why not, which was said.
int program_start(const char *const *words, size_t count, bool reads, bool writes, bool foreground, struct program **out);

// Ends it, if it still runs, and whatever it was given. Null: nothing.
void program_close(struct program *program);

// How many of these bytes its input has room for; they are put there.
size_t program_give(struct program *program, const char *bytes, size_t len);

// There will be no more.
void program_give_no_more(struct program *program);

// Whether there is something that it has written.
bool program_has_written(const struct program *program);

// What it has written. It stays there, and nothing is added to it, until it is dropped.
struct shell_text program_hold(struct program *program);
void program_drop(struct program *program);

// Nobody wants what it writes: it is ended.
void program_unwanted(struct program *program);

// Ends it.
void program_kill(struct program *program);

// Its job's id.
uint32_t program_id(const struct program *program);

// Says how it ended, if that was no end of its own: for one in the background, of which that was not said.
void program_say_end(const struct program *program);

// Whether it has ended; it may still have written something.
bool program_ended(const struct program *program);

// Its exit status, once it has ended; what else than its own end there is to say of it was said.
int program_status(const struct program *program);

// Whether there are any.
bool programs_any(void);

// Waits until something may have changed: one of them writes, reads or ends. `*bits` are those of the shell's notification, which
// comes in here as long as there are any; 0 when it was a request, which was served. Ctrl-C ends all of them. TIMED_OUT.
status_t programs_wait(uint64_t *bits, uint64_t deadline_ns);
