// Numbers and tables for people.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/fmt.h"

constexpr size_t SHELL_NUMBER_BYTES = 24;

// "0 B", "512 B", "12 KiB", "1.5 MiB": three digits or so, rounded down. Returns `out`.
const char *shell_size(char out[SHELL_NUMBER_BYTES], uint64_t bytes);

// "12 ms", "3.2 s", "5 min 3 s", "2 h 5 min", "3 d 4 h". Returns `out`.
const char *shell_duration(char out[SHELL_NUMBER_BYTES], uint64_t ns);

// Copies text that came from elsewhere for showing it on one line: control characters become `?`.
void shell_printable(char *out, size_t size, const char *text, size_t len);

// A table whose columns are as wide as what is in them. Cells are collected, then printed.
constexpr size_t TABLE_COLUMNS_MAX = 10;
constexpr size_t TABLE_BYTES = 8192;
constexpr size_t TABLE_ROWS_MAX = 128;

struct shell_table {
    size_t columns;
    size_t cells;
    size_t used;
    uint32_t right; // bit n: column n is aligned to the right
    fmt_sink_fn *sink;
    void *context;
    uint16_t offsets[TABLE_ROWS_MAX * TABLE_COLUMNS_MAX];
    char bytes[TABLE_BYTES];
};

// `titles` names the columns, with spaces between; a title that begins with `>` is of a column that is
// aligned to the right.
void table_begin(struct shell_table *table, const char *titles, fmt_sink_fn *sink, void *context);

// The next cell, row by row. When the table is full the complete rows so far are printed first.
[[gnu::format(printf, 2, 3)]] void table_cell(struct shell_table *table, const char *format, ...);

// Prints what is left.
void table_end(struct shell_table *table);
