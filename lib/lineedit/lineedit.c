#include "lib/lineedit/lineedit.h"

#include "base/fmt.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "lib/lineedit/draw.h"
#include "lib/lineedit/text.h"

static void beep(struct lineedit *edit) {
    lineedit_put(edit, "\a");
}

void lineedit_init(struct lineedit *edit, size_t columns, row_sink_fn *sink, void *context) {
    memset(edit, 0, sizeof(*edit));
    edit->columns = columns < LINE_COLUMNS_MIN ? LINE_COLUMNS_MIN : columns;
    edit->columns = edit->columns > LINE_COLUMNS_MAX ? LINE_COLUMNS_MAX : edit->columns;
    key_decoder_init(&edit->decoder);
    history_init(&edit->history);
    row_init(&edit->row, sink, context);
}

// --- changes of the line; the caller draws ---

static void set_line(struct lineedit *edit, const char *bytes, size_t len) {
    edit->line.len = len < LINE_BYTES ? len : LINE_BYTES;
    memcpy(edit->line.bytes, bytes, edit->line.len);
    edit->cursor = edit->line.len;
}

static void insert(struct lineedit *edit, const char *bytes, size_t len) {
    if (len > LINE_BYTES - edit->line.len) {
        if (!edit->overflow) {
            beep(edit);
        }
        edit->overflow = true;
        return;
    }
    memmove(edit->line.bytes + edit->cursor + len, edit->line.bytes + edit->cursor, edit->line.len - edit->cursor);
    memcpy(edit->line.bytes + edit->cursor, bytes, len);
    edit->line.len += len;
    edit->cursor += len;
}

static void erase(struct lineedit *edit, size_t from, size_t to) {
    memmove(edit->line.bytes + from, edit->line.bytes + to, edit->line.len - to);
    edit->line.len -= to - from;
    edit->cursor = from;
    edit->overflow = false;
}

// Erases and remembers for Ctrl-Y; kills in a row are remembered together.
static void kill(struct lineedit *edit, size_t from, size_t to, bool was_killing) {
    struct line_text *killed = &edit->killed;
    size_t len = to - from;
    if (!was_killing || len > LINE_BYTES - killed->len) {
        killed->len = 0;
    }
    if (from < edit->cursor) {
        memmove(killed->bytes + len, killed->bytes, killed->len);
        memcpy(killed->bytes, edit->line.bytes + from, len);
    } else {
        memcpy(killed->bytes + killed->len, edit->line.bytes + from, len);
    }
    killed->len += len;
    edit->killing = true;
    erase(edit, from, to);
}

static void transpose(struct lineedit *edit) {
    struct line_text *line = &edit->line;
    size_t middle = edit->cursor == line->len ? text_prev(line->bytes, line->len) : edit->cursor;
    size_t start = text_prev(line->bytes, middle);
    size_t end = text_next(line->bytes, line->len, middle);
    if (start == middle || middle == end) {
        beep(edit);
        return;
    }
    char left[LINE_BYTES];
    size_t left_bytes = middle - start;
    memcpy(left, line->bytes + start, left_bytes);
    memmove(line->bytes + start, line->bytes + middle, end - middle);
    memcpy(line->bytes + end - left_bytes, left, left_bytes);
    edit->cursor = end;
}

static void recall(struct lineedit *edit, bool older) {
    struct history *history = &edit->history;
    if (edit->recalled == history->count) {
        edit->draft = edit->line;
    }
    const struct line_text *draft = &edit->draft;
    size_t index = older ? history_older(history, edit->recalled, draft->bytes, draft->len)
                         : history_newer(history, edit->recalled, draft->bytes, draft->len);
    if (index != HISTORY_NONE) {
        size_t len;
        const char *line = history_line(history, index, &len);
        edit->recalled = index;
        set_line(edit, line, len);
    } else if (older || edit->recalled == history->count) {
        beep(edit);
    } else {
        edit->recalled = history->count;
        set_line(edit, edit->draft.bytes, edit->draft.len);
    }
}

// --- searching ---

static void search_from(struct lineedit *edit, size_t index) {
    size_t at;
    size_t found = history_search(&edit->history, index, edit->search, edit->search_bytes, &at);
    if (found == HISTORY_NONE) {
        beep(edit);
        if (index == edit->history.count) {
            edit->found = index; // nothing at all; else what was found before stays
        }
        return;
    }
    size_t len;
    const char *line = history_line(&edit->history, found, &len);
    edit->found = found;
    set_line(edit, line, len);
    edit->cursor = at;
}

static void search_begin(struct lineedit *edit) {
    edit->draft = edit->line;
    edit->searching = true;
    edit->search_bytes = 0;
    edit->found = edit->history.count;
}

static void search_leave(struct lineedit *edit, bool keep) {
    edit->searching = false;
    if (!keep || edit->found == edit->history.count) {
        set_line(edit, edit->draft.bytes, edit->draft.len);
    }
    edit->recalled = edit->history.count;
}

// True when the key belonged to the search; false: the search is over and the key still to be obeyed.
static bool search_key(struct lineedit *edit, const struct key *key) {
    switch (key->kind) {
    case KEY_TEXT:
        if (edit->search_bytes + key->text_bytes > LINE_SEARCH_BYTES) {
            beep(edit);
        } else {
            memcpy(edit->search + edit->search_bytes, key->text, key->text_bytes);
            edit->search_bytes += key->text_bytes;
            // The line found so far may match the longer text, too.
            search_from(edit, edit->found < edit->history.count ? edit->found + 1 : edit->found);
        }
        return true;
    case KEY_SEARCH:
        search_from(edit, edit->found);
        return true;
    case KEY_BACKSPACE:
        if (edit->search_bytes > 0) {
            edit->search_bytes = text_prev(edit->search, edit->search_bytes);
            search_from(edit, edit->history.count);
        }
        return true;
    case KEY_CANCEL:
    case KEY_INTERRUPT:
        search_leave(edit, false);
        return true;
    default:
        search_leave(edit, true);
        return false;
    }
}

// --- keys ---

static void start(struct lineedit *edit) {
    edit->line.len = 0;
    edit->draft.len = 0;
    edit->cursor = 0;
    edit->scroll = 0;
    edit->overflow = false;
    edit->killing = false;
    edit->searching = false;
    edit->suspended = false;
    edit->recalled = edit->history.count;
    edit->active = true;
}

static enum line_event finish(struct lineedit *edit, enum line_event event) {
    row_finish(&edit->row);
    edit->active = false;
    edit->visible = false;
    return event;
}

static enum line_event enter(struct lineedit *edit) {
    // Leave the whole line's beginning on the screen, not where it was scrolled to.
    edit->cursor = edit->overflow ? edit->cursor : edit->line.len;
    lineedit_draw(edit);
    if (!edit->overflow) {
        return finish(edit, LINE_ENTERED);
    }
    row_finish(&edit->row);
    char message[64];
    fmt_snprintf(message, sizeof(message), "line too long (over %zu): ignored\r\n", LINE_BYTES);
    lineedit_put(edit, message);
    start(edit);
    return LINE_NONE;
}

static enum line_event end_input_or_delete(struct lineedit *edit) {
    if (edit->line.len == 0) {
        return finish(edit, LINE_END);
    }
    if (edit->cursor < edit->line.len) {
        erase(edit, edit->cursor, text_next(edit->line.bytes, edit->line.len, edit->cursor));
    } else {
        beep(edit);
    }
    return LINE_NONE;
}

static enum line_event interrupt(struct lineedit *edit) {
    edit->cursor = edit->line.len;
    lineedit_draw(edit);
    if (edit->row.column + 2 > edit->columns - 1) {
        row_finish(&edit->row);
    }
    lineedit_put(edit, "^C");
    return finish(edit, LINE_INTERRUPTED);
}

static enum line_event suspend(struct lineedit *edit) {
    lineedit_draw(edit);
    edit->active = false;
    edit->suspended = true;
    return LINE_COMPLETE;
}

static void remove_text(struct lineedit *edit, enum key_kind kind, bool was_killing) {
    struct line_text *line = &edit->line;
    size_t cursor = edit->cursor;
    size_t from = cursor;
    size_t to = cursor;
    switch (kind) {
    case KEY_BACKSPACE:
        from = text_prev(line->bytes, cursor);
        break;
    case KEY_DELETE:
        to = text_next(line->bytes, line->len, cursor);
        break;
    case KEY_KILL_TO_END:
        to = line->len;
        break;
    case KEY_KILL_TO_START:
        from = 0;
        break;
    case KEY_KILL_BLANK_WORD:
        from = text_blank_word_start(line->bytes, cursor);
        break;
    case KEY_KILL_WORD_LEFT:
        from = text_word_start(line->bytes, cursor);
        break;
    default: // KEY_KILL_WORD_RIGHT
        to = text_word_end(line->bytes, line->len, cursor);
        break;
    }
    if (from == to) {
        beep(edit);
    } else if (kind == KEY_BACKSPACE || kind == KEY_DELETE || edit->secret) {
        erase(edit, from, to);
    } else {
        kill(edit, from, to, was_killing);
    }
}

// What there is to do to a line that nobody sees.
static bool is_for_secrets(enum key_kind kind) {
    switch (kind) {
    case KEY_TEXT:
    case KEY_ENTER:
    case KEY_INTERRUPT:
    case KEY_END_INPUT:
    case KEY_BACKSPACE:
    case KEY_KILL_TO_START:
    case KEY_NONE: return true;
    default: return false;
    }
}

static enum line_event obey(struct lineedit *edit, const struct key *key) {
    if (edit->secret && !is_for_secrets(key->kind)) {
        beep(edit);
        return LINE_NONE;
    }
    if (edit->searching && search_key(edit, key)) {
        return LINE_NONE;
    }
    bool was_killing = edit->killing;
    edit->killing = false;
    struct line_text *line = &edit->line;
    switch (key->kind) {
    case KEY_TEXT: insert(edit, key->text, key->text_bytes); break;
    case KEY_ENTER: return enter(edit);
    case KEY_TAB: return suspend(edit);
    case KEY_INTERRUPT: return interrupt(edit);
    case KEY_END_INPUT: return end_input_or_delete(edit);
    case KEY_LEFT: edit->cursor = text_prev(line->bytes, edit->cursor); break;
    case KEY_RIGHT: edit->cursor = text_next(line->bytes, line->len, edit->cursor); break;
    case KEY_WORD_LEFT: edit->cursor = text_word_start(line->bytes, edit->cursor); break;
    case KEY_WORD_RIGHT: edit->cursor = text_word_end(line->bytes, line->len, edit->cursor); break;
    case KEY_HOME: edit->cursor = 0; break;
    case KEY_END: edit->cursor = line->len; break;
    case KEY_UP: recall(edit, true); break;
    case KEY_DOWN: recall(edit, false); break;
    case KEY_BACKSPACE:
    case KEY_DELETE:
    case KEY_KILL_TO_END:
    case KEY_KILL_TO_START:
    case KEY_KILL_BLANK_WORD:
    case KEY_KILL_WORD_LEFT:
    case KEY_KILL_WORD_RIGHT: remove_text(edit, key->kind, was_killing); break;
    case KEY_YANK: insert(edit, edit->killed.bytes, edit->killed.len); break;
    case KEY_TRANSPOSE: transpose(edit); break;
    case KEY_CLEAR_SCREEN: lineedit_put_clear(edit); break;
    case KEY_SEARCH: search_begin(edit); break;
    case KEY_CANCEL: beep(edit); break;
    case KEY_NONE: break;
    }
    return LINE_NONE;
}

// --- the interface ---

void lineedit_begin(struct lineedit *edit, const char *prompt, size_t prompt_bytes) {
    edit->secret = false;
    edit->prompt_bytes = 0;
    for (size_t at = 0; at < prompt_bytes;) {
        uint32_t code;
        size_t len;
        enum utf8_result result = utf8_decode(prompt + at, prompt_bytes - at, &code, &len);
        if (len == 0) {
            break;
        }
        bool printable = result == UTF8_OK && code >= ' ' && code != 0x7f && !(code >= 0x80 && code < 0xa0);
        if (printable && edit->prompt_bytes + len <= LINE_PROMPT_BYTES) {
            memcpy(edit->prompt + edit->prompt_bytes, prompt + at, len);
            edit->prompt_bytes += len;
        }
        at += len;
    }
    lineedit_hide(edit);
    start(edit);
    row_forget(&edit->row);
    edit->visible = true;
    lineedit_draw(edit);
}

void lineedit_begin_secret(struct lineedit *edit, const char *prompt, size_t prompt_bytes) {
    lineedit_begin(edit, prompt, prompt_bytes);
    edit->secret = true;
}

void lineedit_forget(struct lineedit *edit) {
    memset(&edit->line, 0, sizeof(edit->line));
    edit->cursor = 0;
}

bool lineedit_suspended(const struct lineedit *edit) {
    return edit->suspended;
}

bool lineedit_drop(struct lineedit *edit) {
    if (!edit->suspended) {
        return false;
    }
    edit->suspended = false;
    (void)interrupt(edit);
    return true;
}

void lineedit_resume(struct lineedit *edit) {
    if (edit->suspended) {
        edit->suspended = false;
        edit->active = true;
        edit->visible = true;
        lineedit_draw(edit);
    }
}

size_t lineedit_input(struct lineedit *edit, const char *bytes, size_t len, enum line_event *event) {
    size_t used = 0;
    *event = LINE_NONE;
    while (used < len && edit->active && *event == LINE_NONE) {
        struct key key;
        if (key_decode(&edit->decoder, bytes[used++], &key)) {
            *event = obey(edit, &key);
        }
    }
    // One drawing for all the bytes that came together.
    if (edit->active) {
        lineedit_draw(edit);
    }
    return used;
}

const char *lineedit_line(const struct lineedit *edit, size_t *len, size_t *cursor) {
    *len = edit->line.len;
    *cursor = edit->cursor;
    return edit->line.bytes;
}

void lineedit_add_history(struct lineedit *edit, const char *line, size_t len) {
    if (len > LINE_BYTES) {
        return;
    }
    history_add(&edit->history, line, len);
    edit->recalled = edit->history.count;
}
