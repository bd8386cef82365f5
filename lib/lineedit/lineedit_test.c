// The editor against a small terminal model: what counts is what a person would see.
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "lib/lineedit/lineedit.h"
#include "lib/lineedit/text.h"

enum { COLUMNS = 40, ROWS = 64, CELL_BYTES = 64 };

static const char RIGHT_HALF[] = "\x01"; // of a wide character

// Cells hold a base character with its combining marks.
static struct {
    char cells[ROWS][COLUMNS][CELL_BYTES];
    size_t row, column;
    unsigned beeps, clears;
    bool broken; // something that must never be sent was sent
    char pending[64];
    size_t pending_bytes;
} screen;

static void screen_reset(void) {
    memset(&screen, 0, sizeof(screen));
}

static void erase_cells(size_t row, size_t from) {
    for (size_t i = from; i < COLUMNS; i++) {
        screen.cells[row][i][0] = '\0';
    }
}

static void screen_newline(void) {
    if (screen.row + 1 < ROWS) {
        screen.row++;
        return;
    }
    memmove(screen.cells[0], screen.cells[1], sizeof(screen.cells[0]) * (ROWS - 1));
    erase_cells(ROWS - 1, 0);
}

static void screen_text(const char *bytes, size_t len, unsigned width) {
    if (width == 0) {
        size_t at = screen.column > 0 ? screen.column - 1 : 0;
        while (at > 0 && strcmp(screen.cells[screen.row][at], RIGHT_HALF) == 0) {
            at--;
        }
        char *cell = screen.cells[screen.row][at];
        size_t used = strlen(cell);
        if (used + len < CELL_BYTES) {
            memcpy(cell + used, bytes, len);
            cell[used + len] = '\0';
        }
        return;
    }
    if (screen.column + width > COLUMNS - 1) {
        screen.broken = true; // the last column must stay free
        return;
    }
    char *cell = screen.cells[screen.row][screen.column];
    memset(cell, 0, CELL_BYTES);
    memcpy(cell, bytes, len);
    if (width == 2) {
        memcpy(screen.cells[screen.row][screen.column + 1], RIGHT_HALF, sizeof(RIGHT_HALF));
    }
    screen.column += width;
}

static void screen_escape(const char *sequence, size_t len) {
    char final = sequence[len - 1];
    size_t count = len > 3 ? (size_t)strtoul(sequence + 2, nullptr, 10) : 1;
    if (final == 'K' && len == 3) {
        erase_cells(screen.row, screen.column);
    } else if (final == 'D') {
        screen.broken |= count > screen.column;
        screen.column -= count;
    } else if (final == 'C') {
        screen.column += count;
        screen.broken |= screen.column >= COLUMNS;
    } else if (final == 'H' && len == 3) {
        screen.row = screen.column = 0;
    } else if (final == 'J' && sequence[2] == '2') {
        memset(screen.cells, 0, sizeof(screen.cells));
        screen.clears++;
    } else {
        screen.broken = true;
    }
}

static void screen_byte(char byte) {
    if (screen.pending_bytes > 0 && screen.pending[0] == '\x1b') {
        screen.pending[screen.pending_bytes++] = byte;
        bool final = screen.pending_bytes > 2 && byte >= '@' && byte <= '~';
        if (final) {
            screen_escape(screen.pending, screen.pending_bytes);
            screen.pending_bytes = 0;
        } else if (screen.pending_bytes == sizeof(screen.pending)) {
            screen.broken = true;
            screen.pending_bytes = 0;
        }
        return;
    }
    if (screen.pending_bytes == 0 && (unsigned char)byte < 0x80) {
        switch (byte) {
        case '\r': screen.column = 0; return;
        case '\n': screen_newline(); return;
        case '\b': screen.broken |= screen.column == 0; screen.column -= screen.column > 0; return;
        case '\a': screen.beeps++; return;
        case '\x1b': screen.pending[screen.pending_bytes++] = byte; return;
        default: break;
        }
        screen.broken |= byte < ' ' || byte == 0x7f;
    }
    screen.pending[screen.pending_bytes++] = byte;
    uint32_t code;
    size_t len;
    enum utf8_result result = utf8_decode(screen.pending, screen.pending_bytes, &code, &len);
    if (result == UTF8_INCOMPLETE) {
        return;
    }
    screen.broken |= result == UTF8_INVALID;
    screen_text(screen.pending, screen.pending_bytes, utf8_width(code));
    screen.pending_bytes = 0;
}

static void sink(void *context, const char *bytes, size_t len) {
    (void)context;
    for (size_t i = 0; i < len; i++) {
        screen_byte(bytes[i]);
    }
}

// The row's text without trailing blanks.
static const char *row_text(size_t row) {
    static char text[COLUMNS * CELL_BYTES + 1];
    size_t used = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        const char *cell = screen.cells[row][i];
        if (strcmp(cell, RIGHT_HALF) != 0) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", cell[0] != '\0' ? cell : " ");
        }
    }
    while (used > 0 && text[used - 1] == ' ') {
        used--;
    }
    text[used] = '\0';
    return text;
}

static struct lineedit edit;

static void begin(void) {
    screen_reset();
    lineedit_init(&edit, COLUMNS, sink, nullptr);
    lineedit_begin(&edit, "$ ", 2);
}

// Types everything, however many events come; the last one is returned.
static enum line_event type_bytes(const char *bytes, size_t len) {
    enum line_event event = LINE_NONE;
    size_t used = lineedit_input(&edit, bytes, len, &event);
    if (event == LINE_NONE && used != len) {
        test_fail(__FILE__, __LINE__, "all bytes are taken without an event");
    }
    return event;
}

static enum line_event type(const char *text) {
    return type_bytes(text, strlen(text));
}

static const char *line(void) {
    static char copy[LINE_BYTES + 1];
    size_t len;
    size_t cursor;
    const char *bytes = lineedit_line(&edit, &len, &cursor);
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

static size_t cursor(void) {
    size_t len;
    size_t at;
    lineedit_line(&edit, &len, &at);
    return at;
}

// The line, the row on the screen and the cursor's column are as expected.
static void check_row(const char *expected, size_t column) {
    CHECK_STR_EQ(row_text(screen.row), expected);
    CHECK_EQ(screen.column, column);
    CHECK(!screen.broken);
}

TEST(typing_shows_what_was_typed) {
    begin();
    check_row("$", 2);
    CHECK_EQ(type("hello"), LINE_NONE);
    check_row("$ hello", 7);
    CHECK_EQ(type("\r"), LINE_ENTERED);
    CHECK_STR_EQ(line(), "hello");
    CHECK_EQ(screen.row, 1);
    CHECK_EQ(screen.column, 0);
}

TEST(moving_and_inserting) {
    begin();
    type("helo\x1b[D");
    check_row("$ helo", 5);
    type("l");
    check_row("$ hello", 6);
    type("\x01>");
    check_row("$ >hello", 3);
    type("\x05<\x02\x02\x06!");
    check_row("$ >hello!<", 9);
    type("\x1b[H\x1b[C\x1b[C-");
    check_row("$ >h-ello!<", 5);
    type("\x1bOF.\x1b[1~#\x1b[4~#\x1bOH~");
    check_row("$ ~#>h-ello!<.#", 3);
}

TEST(deleting) {
    begin();
    type("abcdef\x7f\b");
    check_row("$ abcd", 6);
    type("\x01\x04\x1b[3~");
    check_row("$ cd", 2);
    CHECK_EQ(screen.beeps, 0);
    type("\x08");
    CHECK_EQ(screen.beeps, 1);
    type("\x05\x04");
    CHECK_EQ(screen.beeps, 2);
    CHECK_STR_EQ(line(), "cd");
}

TEST(killing_and_yanking) {
    begin();
    type("one two three\x17\x17");
    check_row("$ one", 6);
    type("\x19");
    CHECK_STR_EQ(line(), "one two three");
    type("\x01\x1b" "d\x05\x0b\x19\x19");
    CHECK_STR_EQ(line(), " two threeoneone");
    type("\x15");
    check_row("$", 2);
    type("\x19");
    CHECK_STR_EQ(line(), " two threeoneone");
    type("\x15" "a-b c\x01\x1b[1;5C\x1b[1;5C\x0b");
    CHECK_STR_EQ(line(), "a-b");
    type("\x1b\x7f");
    CHECK_STR_EQ(line(), "a-");
    type("\x15" "foo bar\x1b" "b\x1b" "b\x1b" "f!");
    CHECK_STR_EQ(line(), "foo! bar");
}

TEST(transposing) {
    begin();
    type("abc\x14");
    check_row("$ acb", 5);
    type("\x01\x06\x14");
    check_row("$ cab", 4);
    type("\x01\x14");
    CHECK_EQ(screen.beeps, 1);
    CHECK_STR_EQ(line(), "cab");
}

TEST(utf8_of_every_width) {
    begin();
    type("gr\xc3\xbc\xc3\x9f"); // u umlaut, sharp s
    check_row("$ gr\xc3\xbc\xc3\x9f", 6);
    type("\x7f");
    check_row("$ gr\xc3\xbc", 5);
    type("\x15\xe6\xbc\xa2\xe5\xad\x97" "a"); // two wide ones
    check_row("$ \xe6\xbc\xa2\xe5\xad\x97" "a", 7);
    type("\x1b[D\x1b[D");
    check_row("$ \xe6\xbc\xa2\xe5\xad\x97" "a", 4);
    type("x");
    check_row("$ \xe6\xbc\xa2x\xe5\xad\x97" "a", 5);
    type("\x05\x15" "e\xcc\x81x\x1b[D"); // e + combining acute
    check_row("$ e\xcc\x81x", 3);
    type("\x1b[D");
    check_row("$ e\xcc\x81x", 2);
    type("\x1b[3~");
    check_row("$ x", 2);
    type("\x05\x15" "ex\x1b[D\xcc\x81");
    check_row("$ e\xcc\x81x", 3);
    type("\x7f");
    check_row("$ x", 2);
}

TEST(multibyte_input_split_anywhere) {
    begin();
    type("\xf0");
    type("\x9f");
    type("\x98");
    check_row("$", 2);
    type("\x80");
    check_row("$ \xf0\x9f\x98\x80", 4);
    CHECK_EQ(type("\x1b"), LINE_NONE);
    type("[");
    type("D");
    CHECK_EQ(screen.column, 2);
}

TEST(malformed_input_is_ignored) {
    begin();
    type("a\xff\xc3(\x80\xed\xa0\x80\xf8\xc0\xaf" "b\xe6\xbc" "c");
    check_row("$ a(bc", 6);
    type("\xc2\x9b" "D"); // a C1 control
    check_row("$ a(bcD", 7);
    type("\x1b[99;99;99;99;99;99;99;99;99;99;99m\x1b[?25l\x1b]x\x1bZ\x1b[200000000000000000000~");
    CHECK(!screen.broken);
    CHECK_STR_EQ(line(), "a(bcDx");
    type_bytes("\0\x1c\x1d\x1e\x1f\x11\x13\x1a", 8);
    CHECK_STR_EQ(line(), "a(bcDx");
}

TEST(control_c_works_in_the_middle_of_a_sequence) {
    begin();
    type("abc\x1b[1");
    CHECK_EQ(type("\x03"), LINE_INTERRUPTED);
    CHECK_STR_EQ(row_text(0), "$ abc^C");
    CHECK_EQ(screen.row, 1);
    lineedit_begin(&edit, "$ ", 2);
    check_row("$", 2);
}

TEST(control_d_ends_only_an_empty_line) {
    begin();
    CHECK_EQ(type("\x04"), LINE_END);
    lineedit_begin(&edit, "$ ", 2);
    CHECK_EQ(type("ab\x01\x04"), LINE_NONE);
    CHECK_STR_EQ(line(), "b");
}

TEST(return_and_line_feed_are_one_enter) {
    begin();
    enum line_event event;
    const char *text = "one\r\ntwo\nthree\r";
    size_t len = strlen(text);
    size_t at = lineedit_input(&edit, text, len, &event);
    CHECK_EQ(event, LINE_ENTERED);
    CHECK_STR_EQ(line(), "one");
    lineedit_begin(&edit, "$ ", 2);
    at += lineedit_input(&edit, text + at, len - at, &event);
    CHECK_EQ(event, LINE_ENTERED);
    CHECK_STR_EQ(line(), "two");
    lineedit_begin(&edit, "$ ", 2);
    at += lineedit_input(&edit, text + at, len - at, &event);
    CHECK_STR_EQ(line(), "three");
    CHECK_EQ(at, len);
}

TEST(pasted_tabs_are_text) {
    begin();
    CHECK_EQ(type("\x1b[200~a\tb\x1b[201~"), LINE_NONE);
    CHECK_STR_EQ(line(), "a b");
    CHECK_EQ(type("\t"), LINE_COMPLETE);
}

static void enter_line(const char *text) {
    type(text);
    CHECK_EQ(type("\r"), LINE_ENTERED);
    size_t len;
    size_t at;
    const char *bytes = lineedit_line(&edit, &len, &at);
    lineedit_add_history(&edit, bytes, len);
    lineedit_begin(&edit, "$ ", 2);
}

TEST(history_goes_up_and_down) {
    begin();
    type("\x1b[A");
    CHECK_EQ(screen.beeps, 1);
    enter_line("first");
    enter_line("second");
    enter_line("third one");
    enter_line("second");
    CHECK_EQ(edit.history.count, 3);
    type("\x1b[A");
    check_row("$ second", 8);
    type("\x1b[A");
    check_row("$ third one", 11);
    type("\x10");
    check_row("$ first", 7);
    type("\x1b[A");
    CHECK_EQ(screen.beeps, 2);
    type("\x1b[B\x0e");
    check_row("$ second", 8);
    type("\x1b[B");
    check_row("$", 2);
    type("\x1b[B");
    CHECK_EQ(screen.beeps, 3);
}

TEST(history_keeps_what_was_typed) {
    begin();
    enter_line("logs -n 5");
    enter_line("mem");
    enter_line("logs -s init");
    enter_line("uptime");
    type("lo\x1b[A");
    check_row("$ logs -s init", 14);
    type("\x1b[A");
    check_row("$ logs -n 5", 11);
    type("\x1b[B\x1b[B");
    check_row("$ lo", 4);
    type("\x1b[A0\r");
    CHECK_STR_EQ(line(), "logs -s init0");
}

TEST(history_is_bounded) {
    begin();
    char text[LINE_BYTES + 1];
    for (unsigned i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "line %u", i);
        lineedit_add_history(&edit, text, strlen(text));
    }
    CHECK_EQ(edit.history.count, HISTORY_LINES);
    size_t len;
    const char *newest = history_line(&edit.history, HISTORY_LINES - 1, &len);
    CHECK_EQ(len, 8);
    CHECK_MEM_EQ(newest, "line 299", 8);
    for (char c = 'a'; c <= 'z'; c++) {
        memset(text, c, LINE_BYTES);
        lineedit_add_history(&edit, text, LINE_BYTES);
    }
    CHECK_EQ(edit.history.count, HISTORY_BYTES / LINE_BYTES);
    CHECK(edit.history.used <= HISTORY_BYTES);
    newest = history_line(&edit.history, edit.history.count - 1, &len);
    CHECK_EQ(newest[0], 'z');
}

TEST(searching_backwards) {
    begin();
    enter_line("run hello world");
    enter_line("mem");
    enter_line("run spin &");
    type("draft\x12");
    check_row("(search `') draft", 17);
    type("run");
    check_row("(search `run') run spin &", 15);
    type(" h");
    check_row("(search `run h') run hello world", 17);
    type("\x7f");
    check_row("(search `run ') run spin &", 16);
    type("\x12");
    check_row("(search `run ') run hello world", 16);
    unsigned beeps = screen.beeps;
    type("\x12");
    CHECK_EQ(screen.beeps, beeps + 1);
    type("\x07");
    check_row("$ draft", 7);
    type("\x12mem");
    CHECK_EQ(type("\r"), LINE_ENTERED);
    CHECK_STR_EQ(line(), "mem");
    CHECK_STR_EQ(row_text(screen.row - 1), "$ mem");
}

TEST(search_without_a_match_changes_nothing) {
    begin();
    enter_line("mem");
    type("abc\x12zzz");
    CHECK(screen.beeps > 0);
    type("\x1b[D");
    check_row("$ abc", 4);
}

TEST(long_lines_scroll) {
    begin();
    for (unsigned i = 0; i < 100; i++) {
        char digit[2] = {(char)('0' + i % 10), 0};
        type(digit);
        CHECK(!screen.broken);
    }
    const char *shown = row_text(screen.row);
    CHECK_EQ(strncmp(shown, "$ <", 3), 0);
    CHECK_EQ(shown[strlen(shown) - 1], '9');
    CHECK(screen.column < COLUMNS);
    type("\x01");
    check_row("$ 012345678901234567890123456789012345>", 2);
    for (unsigned i = 0; i < 50; i++) {
        type("\x1b[C");
    }
    CHECK_EQ(cursor(), 50);
    shown = row_text(screen.row);
    CHECK_EQ(shown[screen.column], '0');
    CHECK_EQ(shown[strlen(shown) - 1], '>');
    type("\x0b\x15");
    check_row("$", 2);
    CHECK_EQ(screen.row, 0);
}

TEST(lines_that_are_too_long_are_said_to_be) {
    begin();
    char text[LINE_BYTES + 100];
    memset(text, 'x', sizeof(text));
    type_bytes(text, LINE_BYTES);
    CHECK_EQ(screen.beeps, 0);
    type_bytes(text, 100);
    CHECK_EQ(screen.beeps, 1);
    CHECK_EQ(type("\r"), LINE_NONE);
    CHECK_STR_EQ(row_text(1), "line too long (over 1024): ignored");
    check_row("$", 2);
    CHECK_EQ(type("ok\r"), LINE_ENTERED);
    CHECK_STR_EQ(line(), "ok");
}

TEST(a_deletion_forgives_an_overflow) {
    begin();
    char text[LINE_BYTES + 1];
    memset(text, 'x', sizeof(text));
    type_bytes(text, sizeof(text));
    type("\x7f");
    CHECK_EQ(type("\r"), LINE_ENTERED);
    CHECK_EQ(strlen(line()), LINE_BYTES - 1);
}

TEST(output_of_others_leaves_the_line_whole) {
    begin();
    type("half a li\x1b[D");
    lineedit_hide(&edit);
    CHECK_STR_EQ(row_text(0), "");
    CHECK_EQ(screen.column, 0);
    sink(nullptr, "somebody says\r\n", 15);
    lineedit_show(&edit);
    CHECK_STR_EQ(row_text(0), "somebody says");
    check_row("$ half a li", 10);
    type("\x05ne");
    check_row("$ half a line", 13);
}

TEST(clearing_the_screen) {
    begin();
    type("abc\r");
    lineedit_begin(&edit, "$ ", 2);
    type("xy\x0c");
    CHECK_EQ(screen.clears, 1);
    CHECK_EQ(screen.row, 0);
    check_row("$ xy", 4);
}

TEST(completion_puts_in_what_is_shared) {
    begin();
    CHECK_EQ(type("run he\t"), LINE_COMPLETE);
    CHECK(lineedit_suspended(&edit));
    CHECK_EQ(cursor(), 6);
    lineedit_offer(&edit, 2, "hello ", 1);
    lineedit_resume(&edit);
    check_row("$ run hello", 12);
    CHECK_STR_EQ(line(), "run hello ");
    type("\x15ser\t");
    lineedit_offer(&edit, 3, "service\0services", 2);
    lineedit_resume(&edit);
    check_row("$ service", 9);
    type("\t");
    lineedit_offer(&edit, 7, "service\0services", 2);
    lineedit_resume(&edit);
    CHECK_STR_EQ(row_text(0), "$ service");
    CHECK_STR_EQ(row_text(1), "service   services");
    check_row("$ service", 9);
    CHECK_EQ(screen.row, 2);
    type("\t");
    lineedit_offer(&edit, 7, "", 0);
    lineedit_resume(&edit);
    CHECK_EQ(screen.beeps, 1);
    check_row("$ service", 9);
}

TEST(completion_in_the_middle_of_a_line) {
    begin();
    type("ru tail\x01\x06\x06\t");
    lineedit_offer(&edit, 2, "run", 1);
    lineedit_resume(&edit);
    check_row("$ run tail", 5);
    type("\t");
    lineedit_offer(&edit, 40, "absurd", 1);
    CHECK_EQ(screen.beeps, 1);
}

TEST(a_suspended_line_survives_output_and_a_new_prompt) {
    begin();
    type("abc\t");
    lineedit_hide(&edit);
    sink(nullptr, "output\r\n", 8);
    CHECK(lineedit_suspended(&edit));
    lineedit_resume(&edit);
    check_row("$ abc", 5);
    type("\t");
    lineedit_begin(&edit, "> ", 2);
    check_row(">", 2);
    CHECK(!lineedit_suspended(&edit));
}

TEST(prompts_are_made_printable) {
    screen_reset();
    lineedit_init(&edit, COLUMNS, sink, nullptr);
    lineedit_begin(&edit, "a\x1b[2J\n\xff\xc2\x9b> ", 12);
    check_row("a[2J>", 6);
}

// What the screen must show is computed independently, from the line alone.
static void check_consistent(void) {
    size_t len;
    size_t at;
    const char *bytes = lineedit_line(&edit, &len, &at);
    CHECK(!screen.broken);
    CHECK(at <= len);
    CHECK(utf8_valid(bytes, len));
    CHECK(screen.column < COLUMNS);
    if (edit.active && !edit.searching && edit.scroll == 0 && text_width(bytes, 0, len) < COLUMNS - 3) {
        CHECK_EQ(screen.column, 2 + text_width(bytes, 0, at));
    }
}

TEST(a_secret_is_neither_shown_nor_kept) {
    begin();
    lineedit_add_history(&edit, "older", 5);
    type("killed\x15");
    lineedit_begin_secret(&edit, "password: ", 10);
    check_row("password:", 10);
    type("hush\xc3\xa9");
    check_row("password:", 10);
    CHECK_STR_EQ(line(), "hush\xc3\xa9");
    // No history, no search, no completion, no putting back, no moving about.
    CHECK_EQ(type("\x1b[A\x10\x12\t\x19\x14\x01\x1b[D"), LINE_NONE);
    CHECK_EQ(screen.beeps, 8);
    CHECK_STR_EQ(line(), "hush\xc3\xa9");
    type("\x7f\x7f");
    CHECK_STR_EQ(line(), "hus");
    type("\x15""another");
    CHECK_STR_EQ(line(), "another");
    CHECK_EQ(type("\r"), LINE_ENTERED);
    CHECK_STR_EQ(row_text(screen.row - 1), "password:");
    lineedit_forget(&edit);
    for (size_t i = 0; i + 4 <= sizeof(edit); i++) {
        CHECK(memcmp((const char *)&edit + i, "hush", 4) != 0 && memcmp((const char *)&edit + i, "anot", 4) != 0);
    }
    lineedit_begin(&edit, "$ ", 2);
    type("\x19");
    CHECK_STR_EQ(line(), "killed");
    type("\x15\x1b[A");
    check_row("$ older", 7);
    // Ctrl-C and Ctrl-D end it as they do any other.
    lineedit_begin_secret(&edit, "password: ", 10);
    CHECK_EQ(type("x\x03"), LINE_INTERRUPTED);
    lineedit_begin_secret(&edit, "password: ", 10);
    CHECK_EQ(type("\x04"), LINE_END);
}

TEST(random_bytes_never_break_it) {
    static const char *const pieces[] = {"\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[3~", "\x7f", "\x17", "\x0b",
                                         "\x15",   "\x19",   "\x14",   "\x12",   "\x07",    "\x01", "\x05", ("\x1b" "b"),
                                         "\xc3\xa9", "\xe6\xbc\xa2", "e\xcc\x81", "\xf0\x9f\x98\x80", "word ", "\x1b",
                                         "\t",     "\r",     "\x0c",   "\x03",   "\x04", "lorem ipsum dolor sit amet "};
    uint64_t random = 0x9e37'79b9'7f4a'7c15;
    begin();
    for (unsigned i = 0; i < 60000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        char bytes[64];
        size_t len;
        if (random % 4 != 0) {
            len = strlen(pieces[(random >> 8) % (sizeof(pieces) / sizeof(pieces[0]))]);
            memcpy(bytes, pieces[(random >> 8) % (sizeof(pieces) / sizeof(pieces[0]))], len);
        } else {
            len = 1;
            bytes[0] = (char)(random >> 16);
        }
        enum line_event event;
        lineedit_input(&edit, bytes, len, &event);
        check_consistent();
        REQUIRE(!screen.broken);
        if ((random >> 24) % 64 == 0) {
            lineedit_hide(&edit);
            CHECK_EQ(screen.column, 0);
            lineedit_show(&edit);
        }
        if (event == LINE_COMPLETE) {
            lineedit_offer(&edit, (random >> 32) % 8 <= cursor() ? 0 : 1, "caf\xc3\xa9\0caf\xc3\xa8", 2);
            lineedit_resume(&edit);
        } else if (event != LINE_NONE) {
            size_t line_len;
            size_t at;
            const char *text = lineedit_line(&edit, &line_len, &at);
            lineedit_add_history(&edit, text, line_len);
            lineedit_begin(&edit, "$ ", 2);
        }
    }
}
