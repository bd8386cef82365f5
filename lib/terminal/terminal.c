#include "lib/terminal/terminal.h"

#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

constexpr char INTERRUPT = 3;
constexpr char ESCAPE = 0x1b;

// What one pass of the editor over typed-ahead input may print; the rest waits for room.
constexpr size_t EDITOR_PASS_BYTES = 4096;

static void emit(void *context, const char *bytes, size_t len) {
    struct terminal *terminal = context;
    if (!byte_ring_put(&terminal->output, bytes, len)) {
        terminal->lost_output += len;
    }
}

static void emit_text(struct terminal *terminal, const char *text) {
    emit(terminal, text, strlen(text));
}

void terminal_init(struct terminal *terminal, size_t columns) {
    // The queues, too: what the terminal takes does not grow with use, nor fail later.
    memset(terminal, 0, sizeof(*terminal));
    terminal->line_start = true;
    byte_ring_init(&terminal->output, terminal->output_bytes, TERMINAL_OUTPUT_BYTES);
    byte_ring_init(&terminal->input, terminal->input_bytes, TERMINAL_INPUT_BYTES);
    lineedit_init(&terminal->edit, columns, emit, terminal);
}

// --- output ---

// A colour: ESC [ digits and semicolons m. Returns its length, 0 when it is none.
static size_t colour_sequence(const char *bytes, size_t len) {
    if (len < 3 || bytes[0] != ESCAPE || bytes[1] != '[') {
        return 0;
    }
    size_t at = 2;
    while (at < len && at < 20 && (char_is_digit(bytes[at]) || bytes[at] == ';')) {
        at++;
    }
    return at < len && bytes[at] == 'm' ? at + 1 : 0;
}

// One piece of output: what stands for the first bytes of the text, and how many of them.
struct piece {
    const char *bytes;
    size_t len;
    size_t used;
};

static struct piece next_piece(const char *bytes, size_t len) {
    char c = bytes[0];
    if (c == '\n') {
        return (struct piece){"\r\n", 2, 1};
    }
    if (c == '\t' || c == '\r' || c == '\b' || char_is_print(c)) {
        return (struct piece){bytes, 1, 1};
    }
    if (c == ESCAPE) {
        size_t colour = colour_sequence(bytes, len);
        return colour != 0 ? (struct piece){bytes, colour, colour} : (struct piece){"?", 1, 1};
    }
    if ((unsigned char)c < 0x80) {
        return (struct piece){"?", 1, 1};
    }
    uint32_t code;
    size_t used;
    if (utf8_decode(bytes, len, &code, &used) != UTF8_OK || code < 0xa0) {
        return (struct piece){"\xef\xbf\xbd", 3, used};
    }
    return (struct piece){bytes, used, used};
}

static void hide(struct terminal *terminal) {
    if ((terminal->reading || lineedit_suspended(&terminal->edit)) && !terminal->hidden) {
        lineedit_hide(&terminal->edit);
        terminal->hidden = true;
        terminal->line_start = true;
    }
}

static size_t room_for_programs(const struct terminal *terminal) {
    size_t free = byte_ring_free(&terminal->output);
    return free > TERMINAL_EDITOR_BYTES ? free - TERMINAL_EDITOR_BYTES : 0;
}

bool terminal_writable(const struct terminal *terminal) {
    // Not byte by byte: each time somebody is told that there is room costs more than a byte.
    return room_for_programs(terminal) >= TERMINAL_EDITOR_BYTES / 2;
}

size_t terminal_write(struct terminal *terminal, const char *bytes, size_t len) {
    // The longest piece is a colour or the line's removal.
    constexpr size_t piece_max = 32;
    size_t used = 0;
    if (len > 0 && room_for_programs(terminal) > piece_max) {
        hide(terminal);
    }
    while (used < len && room_for_programs(terminal) > piece_max) {
        // Plain text in one go.
        size_t run = 0;
        size_t limit = room_for_programs(terminal) - piece_max;
        while (used + run < len && run < limit && char_is_print(bytes[used + run])) {
            run++;
        }
        if (run > 0) {
            emit(terminal, bytes + used, run);
            terminal->line_start = false;
            used += run;
            continue;
        }
        struct piece piece = next_piece(bytes + used, len - used);
        emit(terminal, piece.bytes, piece.len);
        terminal->line_start = piece.bytes[piece.len - 1] == '\n' || bytes[used] == '\r' ||
                               (terminal->line_start && bytes[used] == ESCAPE && piece.len > 1);
        used += piece.used;
    }
    return used;
}

void terminal_clear(struct terminal *terminal) {
    lineedit_clear_screen(&terminal->edit);
    terminal->line_start = true;
}

void terminal_settle(struct terminal *terminal) {
    if (!terminal->hidden) {
        return;
    }
    terminal->hidden = false;
    if (!terminal->line_start) {
        emit_text(terminal, "\r\n");
    }
    lineedit_show(&terminal->edit);
}

// --- input ---

void terminal_input(struct terminal *terminal, char byte) {
    if (byte == INTERRUPT && !terminal->reading) {
        uint8_t discarded[256];
        while (byte_ring_take(&terminal->input, discarded, sizeof(discarded)) > 0) {
        }
        if (!lineedit_drop(&terminal->edit)) { // the line, while it is looked what may complete it
            emit_text(terminal, "^C\r\n");
        }
        terminal->line_start = true;
        terminal->interrupted = true;
        return;
    }
    if (!byte_ring_put(&terminal->input, &byte, 1)) {
        terminal->lost_input++;
    }
}

bool terminal_take_interrupt(struct terminal *terminal) {
    bool interrupted = terminal->interrupted;
    terminal->interrupted = false;
    return interrupted;
}

static void show_losses(struct terminal *terminal) {
    uint64_t lost = terminal->lost_input - terminal->lost_input_shown;
    if (lost > 0) {
        char message[80];
        fmt_snprintf(message, sizeof(message), "console: %llu bytes typed ahead were lost\r\n",
                     (unsigned long long)lost);
        emit_text(terminal, message);
        terminal->lost_input_shown = terminal->lost_input;
    }
}

// Ends what was read before; the cursor stands in the first column.
static void begin_reading(struct terminal *terminal) {
    terminal_stop_reading(terminal);
    if (!terminal->line_start) {
        emit_text(terminal, "\r\n");
    }
    show_losses(terminal);
}

void terminal_read(struct terminal *terminal, const char *prompt, size_t prompt_bytes, bool resume) {
    if (resume && lineedit_suspended(&terminal->edit)) {
        terminal_settle(terminal);
        lineedit_resume(&terminal->edit);
    } else {
        begin_reading(terminal);
        lineedit_begin(&terminal->edit, prompt, prompt_bytes);
    }
    terminal->reading = true;
}

void terminal_read_secret(struct terminal *terminal, const char *prompt, size_t prompt_bytes) {
    begin_reading(terminal);
    lineedit_begin_secret(&terminal->edit, prompt, prompt_bytes);
    terminal->reading = true;
}

void terminal_forget(struct terminal *terminal) {
    lineedit_forget(&terminal->edit);
}

void terminal_stop_reading(struct terminal *terminal) {
    lineedit_hide(&terminal->edit);
    if (terminal->reading || lineedit_suspended(&terminal->edit)) {
        terminal->line_start = terminal->hidden ? terminal->line_start : true;
    }
    terminal->reading = false;
    terminal->hidden = false;
}

enum line_event terminal_advance(struct terminal *terminal) {
    enum line_event event = LINE_NONE;
    while (terminal->reading && terminal->input.used > 0 && event == LINE_NONE &&
           byte_ring_free(&terminal->output) > EDITOR_PASS_BYTES) {
        terminal_settle(terminal);
        // Contiguous bytes at the front of the queue; what the editor does not take stays there.
        size_t contiguous = terminal->input.size - terminal->input.head;
        contiguous = contiguous < terminal->input.used ? contiguous : terminal->input.used;
        char bytes[64];
        contiguous = contiguous < sizeof(bytes) ? contiguous : sizeof(bytes);
        memcpy(bytes, terminal->input.bytes + terminal->input.head, contiguous);
        size_t used = lineedit_input(&terminal->edit, bytes, contiguous, &event);
        if (terminal->edit.secret) {
            memset(terminal->input.bytes + terminal->input.head, 0, used);
        }
        byte_ring_take(&terminal->input, bytes, used); // what it takes it has had already
    }
    if (event != LINE_NONE) {
        terminal->reading = false;
        terminal->line_start = event != LINE_COMPLETE;
    }
    return event;
}

bool terminal_offer(struct terminal *terminal, size_t replace_bytes, const char *candidates, size_t count) {
    if (byte_ring_free(&terminal->output) < TERMINAL_EDITOR_BYTES) {
        return false;
    }
    terminal_settle(terminal);
    lineedit_offer(&terminal->edit, replace_bytes, candidates, count);
    return true;
}
