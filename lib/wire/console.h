// The contract of the console (consoled): the one terminal of the machine, shared.
//
// CONSOLE_WRITE         page: 1..4096 bytes, "\n" ends a line. Answer: words[0] bytes taken, which may be
//                       fewer, or 0 when the line was full for a while: the client offers the rest again.
// CONSOLE_READ_LINE     control. words[0] 1: go on with the line that CONSOLE_COMPLETE came from; page: the
//                       prompt, at most CONSOLE_PROMPT_MAX bytes. Answered when there is something to say:
//                       words[0] enum console_event; page: the line, or for CONSOLE_COMPLETE its text up to
//                       the cursor. A newer read takes the place of an older, which gets
//                       CONSOLE_INTERRUPTED. WIRE_BAD_STATE: this is a new console, which has not been told
//                       whom to interrupt (CONSOLE_SET_INTERRUPT) and has no history yet.
// CONSOLE_OFFER         control. Answers CONSOLE_COMPLETE: words[0] bytes before the cursor that the
//                       candidates replace, words[1] number of candidates; page: the candidates, each with
//                       a NUL. One: it is put in. Several: what they share is put in, or they are listed.
// CONSOLE_SET_INTERRUPT control. words[0] bits; one handle: a notification with SIGNAL that gets the
//                       bits when Ctrl-C is pressed and nobody reads a line; no handle: nobody is told.
// CONSOLE_CLEAR         control. Empties the screen.
// CONSOLE_ADD_HISTORY   control. page: a line that cursor-up brings back.
// CONSOLE_STATS         Answer: struct console_stats in words.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/wire.h"

enum console_method : uint32_t {
    CONSOLE_WRITE = 1,
    CONSOLE_READ_LINE = 2,
    CONSOLE_OFFER = 3,
    CONSOLE_SET_INTERRUPT = 4,
    CONSOLE_CLEAR = 5,
    CONSOLE_ADD_HISTORY = 6,
    CONSOLE_STATS = 7,
};

enum console_event : uint32_t {
    CONSOLE_LINE = 1,        // Enter
    CONSOLE_COMPLETE = 2,    // Tab
    CONSOLE_INTERRUPTED = 3, // Ctrl-C
    CONSOLE_END = 4,         // Ctrl-D on an empty line
};

constexpr size_t CONSOLE_WRITE_MAX = 4096;
constexpr size_t CONSOLE_PROMPT_MAX = 128;
constexpr size_t CONSOLE_LINE_MAX = 1024; // bytes of a line, without a terminator
constexpr size_t CONSOLE_CANDIDATES_MAX = 128;

struct console_stats {
    uint64_t columns, rows;
    uint64_t input_bytes, output_bytes;
    uint64_t input_overruns; // bytes that the device or the type-ahead buffer had no room for
    uint64_t line_errors;    // framing and parity errors
    uint64_t interrupts;
    uint64_t waiting_writers; // highest number at once
};
static_assert(sizeof(struct console_stats) == 8 * 8);

struct console_read {
    bool resume;
    const char *prompt; // in the request's page, not terminated
    size_t prompt_bytes;
};

struct console_offer {
    size_t replace_bytes;
    size_t count;
    const char *candidates; // `count` strings one after the other, each with its NUL
    size_t candidates_bytes;
};

// --- the server's side: false when the request is malformed ---
[[nodiscard]] bool console_read_decode(const struct wire_request *request, struct console_read *out);
[[nodiscard]] bool console_offer_decode(const struct wire_request *request, struct console_offer *out);

// --- the client's side ---
[[nodiscard]] bool console_read_encode(uint8_t *page, bool resume, const char *prompt, struct wire_body *out);

// Adds a candidate to the list under construction in `page`; false when it does not fit any more.
[[nodiscard]] bool console_offer_add(uint8_t *page, struct wire_body *body, const char *candidate);
