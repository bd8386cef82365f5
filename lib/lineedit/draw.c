// The line on the screen: what of it is shown, and where.
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/lineedit/draw.h"
#include "lib/lineedit/text.h"

static_assert(LINE_BYTES + LINE_PROMPT_BYTES + LINE_SEARCH_BYTES + 32 <= ROW_BYTES);

void lineedit_put(struct lineedit *edit, const char *text) {
    edit->row.sink(edit->row.context, text, strlen(text));
}

// What stands before the line: the prompt, or what is being searched for. Never more than half a row.
static size_t compose_head(const struct lineedit *edit, char out[ROW_BYTES]) {
    size_t len = edit->prompt_bytes;
    memcpy(out, edit->prompt, len);
    if (edit->searching) {
        len = fmt_snprintf(out, ROW_BYTES, "(%s`%.*s') ", edit->found < edit->history.count || edit->search_bytes == 0 ? "search " : "not found ",
                           (int)edit->search_bytes, edit->search);
    }
    while (text_width(out, 0, len) > edit->columns / 2) {
        len = text_prev(out, len);
    }
    return len;
}

// Moves the window so that the cursor is in it.
static void scroll_to_cursor(struct lineedit *edit, size_t space) {
    const struct line_text *line = &edit->line;
    if (text_width(line->bytes, 0, line->len) <= space) {
        edit->scroll = 0;
        return;
    }
    // Markers at both ends, and room for a wide character at the cursor.
    size_t limit = space - 3;
    // Changes further left may have left the window's edge inside a character.
    size_t edge = 0;
    while (edge < edit->scroll && edge < line->len) {
        edge = text_next(line->bytes, line->len, edge);
    }
    edit->scroll = edge;
    while (edit->scroll > 0 && edit->cursor <= edit->scroll) {
        size_t back = 0;
        while (edit->scroll > 0 && back < space / 2) {
            size_t previous = text_prev(line->bytes, edit->scroll);
            back += text_width(line->bytes, previous, edit->scroll);
            edit->scroll = previous;
        }
    }
    while (edit->cursor > edit->scroll && text_width(line->bytes, edit->scroll, edit->cursor) > limit) {
        edit->scroll = text_skip_columns(line->bytes, line->len, edit->scroll, space / 2);
    }
}

void lineedit_draw(struct lineedit *edit) {
    if (!edit->visible) {
        return;
    }
    char bytes[ROW_BYTES];
    size_t used = compose_head(edit, bytes);
    size_t column = text_width(bytes, 0, used);
    if (edit->secret) {
        row_show(&edit->row, bytes, used, column);
        return;
    }
    // The last column stays free: a character there would leave the cursor in limbo.
    size_t space = edit->columns - 1 - column;
    scroll_to_cursor(edit, space);

    const struct line_text *line = &edit->line;
    size_t at = edit->scroll;
    if (at > 0) {
        bytes[used++] = '<';
        column++;
        space--;
    }
    size_t cursor_column = column + text_width(line->bytes, at, edit->cursor);
    bool cut = text_width(line->bytes, at, line->len) > space;
    size_t limit = cut ? space - 1 : space;
    size_t width = 0;
    while (at < line->len) {
        size_t next = text_next(line->bytes, line->len, at);
        size_t cluster = text_width(line->bytes, at, next);
        if (width + cluster > limit) {
            break;
        }
        memcpy(bytes + used, line->bytes + at, next - at);
        used += next - at;
        width += cluster;
        at = next;
    }
    if (cut) {
        bytes[used++] = '>';
    }
    row_show(&edit->row, bytes, used, cursor_column);
}

void lineedit_hide(struct lineedit *edit) {
    if (edit->visible) {
        row_erase(&edit->row);
        edit->visible = false;
    }
}

void lineedit_show(struct lineedit *edit) {
    if ((edit->active || edit->suspended) && !edit->visible) {
        edit->visible = true;
        lineedit_draw(edit);
    }
}

void lineedit_put_clear(struct lineedit *edit) {
    lineedit_put(edit, "\x1b[H\x1b[2J");
    row_forget(&edit->row);
}

void lineedit_clear_screen(struct lineedit *edit) {
    lineedit_put_clear(edit);
    lineedit_draw(edit);
}
