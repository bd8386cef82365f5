// Client stubs of the console (lib/wire/console.h). Statuses: lib/wire/client.h. All may block.
#pragma once

#include "abi/message.h"
#include "lib/wire/console.h"

// Writes everything, in pieces, waiting while the line is busy. When the console is replaced meanwhile
// a piece may be printed twice.
status_t console_write(handle_t console, const char *bytes, size_t len, uint64_t deadline_ns);

// Writes formatted text of any length; gives up after WIRE_PATIENCE_MS a piece.
[[gnu::format(printf, 2, 3)]] status_t console_print(handle_t console, const char *format, ...);

struct console_input {
    enum console_event event;
    size_t len;
};

// Control: shows the prompt and waits for one event, `line` then holds what came with it, terminated.
// `size` is at least CONSOLE_LINE_MAX + 1. PEER_DIED, WIRE_BAD_STATE: the console was replaced; tell its
// successor whom to interrupt, then ask again.
status_t console_read_line(handle_t console, const char *prompt, bool resume, char *line, size_t size,
                           struct console_input *out, uint64_t deadline_ns);

// Candidates for a completion, collected in memory of the caller's.
struct console_candidates {
    struct wire_body body;
    uint8_t page[MESSAGE_PAGE_BYTES];
};

void console_candidates_init(struct console_candidates *candidates, size_t replace_bytes);

// False when there are more than can be offered; those added before stay.
bool console_candidates_add(struct console_candidates *candidates, const char *candidate);

// Control: answers CONSOLE_COMPLETE; a resuming console_read_line follows.
status_t console_offer(handle_t console, const struct console_candidates *candidates);

// Control: the notification (COPY, SIGNAL) gets `bits` on Ctrl-C while no line is read; handle 0 ends that.
status_t console_set_interrupt(handle_t console, handle_t notification, uint64_t bits);

status_t console_clear(handle_t console);
status_t console_add_history(handle_t console, const char *line, size_t len);
status_t console_stats(handle_t console, struct console_stats *out);
