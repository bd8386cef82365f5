#include "lib/shell/format.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

const char *shell_size(char out[SHELL_NUMBER_BYTES], uint64_t bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    uint64_t tenths = bytes;
    if (bytes >= 1024) {
        uint64_t whole = bytes;
        while (whole >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
            tenths = whole * 10 / 1024;
            whole /= 1024;
            unit++;
        }
        if (tenths < 1000 && tenths % 10 != 0) {
            fmt_snprintf(out, SHELL_NUMBER_BYTES, "%llu.%llu %s", (unsigned long long)(tenths / 10),
                         (unsigned long long)(tenths % 10), units[unit]);
            return out;
        }
        tenths /= 10;
    }
    fmt_snprintf(out, SHELL_NUMBER_BYTES, "%llu %s", (unsigned long long)tenths, units[unit]);
    return out;
}

const char *shell_duration(char out[SHELL_NUMBER_BYTES], uint64_t ns) {
    unsigned long long ms = ns / 1'000'000;
    unsigned long long s = ms / 1000;
    if (ms < 1000) {
        fmt_snprintf(out, SHELL_NUMBER_BYTES, "%llu ms", ms);
    } else if (s < 60) {
        fmt_snprintf(out, SHELL_NUMBER_BYTES, "%llu.%llu s", s, ms % 1000 / 100);
    } else if (s < 3600) {
        fmt_snprintf(out, SHELL_NUMBER_BYTES, "%llu min %llu s", s / 60, s % 60);
    } else if (s < 86400) {
        fmt_snprintf(out, SHELL_NUMBER_BYTES, "%llu h %llu min", s / 3600, s % 3600 / 60);
    } else {
        fmt_snprintf(out, SHELL_NUMBER_BYTES, "%llu d %llu h", s / 86400, s % 86400 / 3600);
    }
    return out;
}

void shell_printable(char *out, size_t size, const char *text, size_t len) {
    size_t used = 0;
    for (size_t i = 0; i < len && used + 1 < size; i++) {
        out[used++] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    }
    out[used] = '\0';
}

static size_t width_of(const char *text) {
    size_t width = 0;
    size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t step;
        enum utf8_result result = utf8_decode(text + at, len - at, &code, &step);
        width += result == UTF8_OK ? utf8_width(code) : 1;
        at += step == 0 ? 1 : step;
    }
    return width;
}

static void spaces(struct shell_table *table, size_t count) {
    static const char blanks[] = "                ";
    while (count > 0) {
        size_t piece = count < sizeof(blanks) - 1 ? count : sizeof(blanks) - 1;
        table->sink(table->context, blanks, piece);
        count -= piece;
    }
}

// Prints the complete rows but keeps the titles, and what is there of a row.
static void flush(struct shell_table *table) {
    size_t rows = table->cells / table->columns;
    size_t widths[TABLE_COLUMNS_MAX] = {};
    for (size_t i = 0; i < rows * table->columns; i++) {
        size_t width = width_of(table->bytes + table->offsets[i]);
        size_t *widest = &widths[i % table->columns];
        *widest = width > *widest ? width : *widest;
    }
    for (size_t i = 0; i < rows * table->columns; i++) {
        const char *cell = table->bytes + table->offsets[i];
        size_t column = i % table->columns;
        bool last = column + 1 == table->columns;
        size_t pad = widths[column] - width_of(cell);
        bool right = (table->right >> column & 1) != 0;
        if (right) {
            spaces(table, pad);
        }
        table->sink(table->context, cell, strlen(cell));
        if (last) {
            table->sink(table->context, "\n", 1);
        } else {
            spaces(table, (right ? 0 : pad) + 2);
        }
    }
    size_t partial = table->cells - rows * table->columns;
    size_t from = partial > 0 ? table->offsets[rows * table->columns] : table->used;
    for (size_t i = 0; i < partial; i++) {
        table->offsets[i] = (uint16_t)(table->offsets[rows * table->columns + i] - from);
    }
    memmove(table->bytes, table->bytes + from, table->used - from);
    table->used -= from;
    table->cells = partial;
}

static void add(struct shell_table *table, const char *text, size_t len) {
    if (table->cells == sizeof(table->offsets) / sizeof(table->offsets[0]) ||
        len >= TABLE_BYTES - table->used) {
        flush(table);
    }
    size_t room = TABLE_BYTES - table->used - 1;
    len = len < room ? len : room;
    table->offsets[table->cells++] = (uint16_t)table->used;
    memcpy(table->bytes + table->used, text, len);
    table->bytes[table->used + len] = '\0';
    table->used += len + 1;
}

void table_begin(struct shell_table *table, const char *titles, fmt_sink_fn *sink, void *context) {
    table->columns = 1;
    for (const char *c = titles; *c != '\0'; c++) {
        table->columns += *c == ' ';
    }
    table->cells = 0;
    table->used = 0;
    table->right = 0;
    table->sink = sink;
    table->context = context;
    for (size_t column = 0; column < table->columns; column++) {
        if (*titles == '>') {
            table->right |= 1u << column;
            titles++;
        }
        size_t len = 0;
        while (titles[len] != '\0' && titles[len] != ' ') {
            len++;
        }
        add(table, titles, len);
        titles += len + (titles[len] == ' ');
    }
}

void table_cell(struct shell_table *table, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    size_t len = fmt_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    add(table, text, len < sizeof(text) ? len : sizeof(text) - 1);
}

void table_end(struct shell_table *table) {
    flush(table);
}
