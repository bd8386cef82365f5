#include "lib/lineedit/row.h"

#include "base/fmt.h"
#include "base/mem.h"
#include "lib/lineedit/text.h"

void row_init(struct row *row, row_sink_fn *sink, void *context) {
    row->sink = sink;
    row->context = context;
    row_forget(row);
}

void row_forget(struct row *row) {
    row->len = 0;
    row->column = 0;
}

static void put(struct row *row, const char *bytes, size_t len) {
    if (len > 0) {
        row->sink(row->context, bytes, len);
    }
}

static void move_to(struct row *row, size_t column) {
    size_t left = row->column > column ? row->column - column : 0;
    if (column == 0 && left > 0) {
        put(row, "\r", 1);
    } else if (left > 0 && left <= 4) {
        put(row, "\b\b\b\b", left);
    } else if (row->column != column) {
        char sequence[24];
        size_t len = left > 0 ? fmt_snprintf(sequence, sizeof(sequence), "\x1b[%zuD", left)
                              : fmt_snprintf(sequence, sizeof(sequence), "\x1b[%zuC", column - row->column);
        put(row, sequence, len);
    }
    row->column = column;
}

// How many bytes at the beginning of both are the same, in whole clusters.
static size_t common_bytes(const char *a, size_t a_len, const char *b, size_t b_len) {
    size_t at = 0;
    while (at < a_len && at < b_len) {
        size_t a_next = text_next(a, a_len, at);
        size_t b_next = text_next(b, b_len, at);
        if (a_next != b_next || memcmp(a + at, b + at, a_next - at) != 0) {
            break;
        }
        at = a_next;
    }
    return at;
}

void row_show(struct row *row, const char *bytes, size_t len, size_t column) {
    size_t same = common_bytes(row->bytes, row->len, bytes, len);
    if (same < row->len || same < len) {
        size_t old_width = text_width(row->bytes, 0, row->len);
        size_t new_width = text_width(bytes, 0, len);
        move_to(row, text_width(bytes, 0, same));
        put(row, bytes + same, len - same);
        row->column = new_width;
        if (new_width < old_width) {
            put(row, "\x1b[K", 3);
        }
        memcpy(row->bytes + same, bytes + same, len - same);
        row->len = len;
    }
    move_to(row, column);
}

void row_erase(struct row *row) {
    if (row->len > 0) {
        put(row, "\r\x1b[K", 4);
    }
    row_forget(row);
}

void row_finish(struct row *row) {
    put(row, "\r\n", 2);
    row_forget(row);
}
