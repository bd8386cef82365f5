// The pager: what a command prints, a screen at a time. It counts what goes through output.c.
#include "lib/commands/shell.h"

#define MORE "-- more: Enter goes on, q ends -- "

static struct {
    bool on;
    bool aside;  // what is printed now is no part of it
    bool enough; // the person does not want to see the rest
    size_t rows, columns;
    size_t row, column; // where the cursor is, from the first row of this screen
} pager;

void pager_begin(void) {
    if (!shell.front->interactive || !setting_is_on("shell.pager", true)) {
        return;
    }
    pager.on = true;
    pager.enough = false;
    pager.row = pager.column = 0;
    shell.front->size(&pager.rows, &pager.columns);
}

void pager_end(void) {
    pager.on = false;
}

bool pager_aside(bool aside) {
    const bool before = pager.aside;
    pager.aside = aside;
    return before;
}

size_t pager_columns(void) {
    return pager.on ? pager.columns : FRONT_COLUMNS;
}

// Whether there is to be another screen.
static bool go_on(void) {
    struct shell_text line;
    out_flush();
    for (;;) {
        switch (shell.front->read((struct front_question){.prompt = MORE}, &line)) {
        case FRONT_LINE: return line.len == 0 || line.bytes[0] != 'q';
        case FRONT_COMPLETE: // there is nothing to complete
        case FRONT_REPLACED: continue;
        case FRONT_INTERRUPTED:
        case FRONT_END:
        case FRONT_FAILED: return false;
        }
        return false;
    }
}

static bool is_full(void) {
    return pager.row + 1 >= pager.rows; // the last row is for the question
}

// Moves the cursor as the terminal does.
static void advance(char c) {
    if (c == '\n') {
        pager.row++;
        pager.column = 0;
    } else if (((unsigned char)c & 0xc0) != 0x80) { // a character's first byte
        if (pager.column == pager.columns) {
            pager.row++;
            pager.column = 0;
        }
        pager.column++;
    }
}

size_t pager_take(const char *bytes, size_t len) {
    size_t at = 0;
    if (!pager.on || pager.aside) {
        return len;
    }
    if (!pager.enough && is_full()) {
        pager.row = pager.column = 0;
        pager.enough = !go_on();
    }
    while (!pager.enough && at < len && !is_full()) {
        advance(bytes[at++]);
    }
    return at;
}
