// Completion: what to put into the line, or how to list the candidates above it.
#include "base/mem.h"
#include "base/str.h"
#include "lib/lineedit/lineedit.h"
#include "lib/lineedit/text.h"

constexpr size_t COLUMN_GAP = 2;

static bool is_continuation(const char *bytes, size_t at, size_t len) {
    return at < len && ((unsigned char)bytes[at] & 0xc0) == 0x80;
}

static size_t shared_prefix(const char *candidates, size_t count) {
    size_t shared = strlen(candidates);
    const char *candidate = candidates;
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        while (same < shared && candidate[same] == candidates[same]) {
            same++;
        }
        shared = same;
        candidate += strlen(candidate) + 1;
    }
    // Not in the middle of a character.
    while (shared > 0 && is_continuation(candidates, shared, shared + 1)) {
        shared--;
    }
    return shared;
}

// Puts `len` bytes in the place of the `replace_bytes` before the cursor; false when they do not fit.
static bool replace(struct lineedit *edit, size_t replace_bytes, const char *bytes, size_t len) {
    struct line_text *line = &edit->line;
    if (line->len - replace_bytes + len > LINE_BYTES) {
        return false;
    }
    size_t from = edit->cursor - replace_bytes;
    memmove(line->bytes + from + len, line->bytes + edit->cursor, line->len - edit->cursor);
    memcpy(line->bytes + from, bytes, len);
    line->len = line->len - replace_bytes + len;
    edit->cursor = from + len;
    return true;
}

static void list(struct lineedit *edit, const char *candidates, size_t count) {
    size_t widest = 1;
    const char *candidate = candidates;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(candidate);
        size_t width = text_width(candidate, 0, len);
        widest = width > widest ? width : widest;
        candidate += len + 1;
    }
    size_t per_row = (edit->columns - 1) / (widest + COLUMN_GAP);
    per_row = per_row == 0 ? 1 : per_row;
    row_finish(&edit->row);
    candidate = candidates;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(candidate);
        edit->row.sink(edit->row.context, candidate, len);
        bool last = i + 1 == count || (i + 1) % per_row == 0;
        size_t pad = last ? 0 : widest + COLUMN_GAP - text_width(candidate, 0, len);
        for (; pad > 0; pad--) {
            edit->row.sink(edit->row.context, " ", 1);
        }
        if (last) {
            edit->row.sink(edit->row.context, "\r\n", 2);
        }
        candidate += len + 1;
    }
}

void lineedit_offer(struct lineedit *edit, size_t replace_bytes, const char *candidates, size_t count) {
    if (!lineedit_suspended(edit)) {
        return;
    }
    lineedit_show(edit);
    bool sane = replace_bytes <= edit->cursor &&
                !is_continuation(edit->line.bytes, edit->cursor - replace_bytes, edit->line.len);
    if (count == 0 || !sane) {
        edit->row.sink(edit->row.context, "\a", 1);
        return;
    }
    size_t shared = shared_prefix(candidates, count);
    bool same = shared == replace_bytes &&
                memcmp(candidates, edit->line.bytes + edit->cursor - replace_bytes, shared) == 0;
    if (count > 1 && (same || shared < replace_bytes)) {
        list(edit, candidates, count);
    } else if (!same && !replace(edit, replace_bytes, candidates, shared)) {
        edit->row.sink(edit->row.context, "\a", 1);
    }
}
