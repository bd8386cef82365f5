// Saying something to a person: text of any length through the console's contract (idl/console.capnp). All may block.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"

// Bytes that fit into one request.
constexpr size_t CONSOLE_PIECE_BYTES = 4000;

// Writes everything, in pieces, waiting while the line is busy. When the console is replaced meanwhile a piece may be
// printed twice. TIMED_OUT: not all of it was taken before the deadline.
status_t console_write(handle_t console, const char *bytes, size_t len, uint64_t deadline_ns);

// Writes formatted text of any length; gives up after RPC_PATIENCE_MS a piece.
[[gnu::format(printf, 2, 3)]] status_t console_print(handle_t console, const char *format, ...);
