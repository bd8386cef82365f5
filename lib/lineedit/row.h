// One row of the terminal and what is on it: brings the screen from the row shown to the row wanted
// with as few bytes as it takes. The row is never wider than the terminal, so nothing wraps.
#pragma once

#include <stddef.h>

// A line of CONSOLE_LINE_MAX bytes can stand in one row when it is all combining marks.
constexpr size_t ROW_BYTES = 1024 + 256;

// Receives terminal output.
typedef void row_sink_fn(void *context, const char *bytes, size_t len);

struct row {
    row_sink_fn *sink;
    void *context;
    size_t len;    // of what is shown
    size_t column; // where the cursor stands
    char bytes[ROW_BYTES];
};

void row_init(struct row *row, row_sink_fn *sink, void *context);

// Shows `bytes` (printable UTF-8, at most ROW_BYTES) with the cursor in column `column`.
void row_show(struct row *row, const char *bytes, size_t len, size_t column);

// Takes everything off the screen; the cursor is in the first column.
void row_erase(struct row *row);

// Leaves what is shown where it is: the cursor goes to the next line, the row is empty.
void row_finish(struct row *row);

// The screen was changed by others: the row is empty, the cursor in the first column.
void row_forget(struct row *row);
