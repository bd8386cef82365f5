#include "base/test.h"

#include "lib/terminal/terminal.h"

static struct terminal terminal;

static void setup(void) {
    terminal_init(&terminal, 80);
}

// Everything that went to the device since the last question.
static const char *sent(void) {
    static char text[TERMINAL_OUTPUT_BYTES + 1];
    size_t len = byte_ring_take(&terminal.output, text, TERMINAL_OUTPUT_BYTES);
    text[len] = '\0';
    return text;
}

static size_t print(const char *text) {
    return terminal_write(&terminal, text, strlen(text));
}

static void type(const char *text) {
    for (; *text != '\0'; text++) {
        terminal_input(&terminal, *text);
    }
}

static void read_line(void) {
    terminal_read(&terminal, "$ ", 2, false);
}

static void check_line(const char *expected) {
    size_t len;
    size_t cursor;
    const char *line = lineedit_line(&terminal.edit, &len, &cursor);
    CHECK_EQ(len, strlen(expected));
    CHECK_MEM_EQ(line, expected, strlen(expected));
}

TEST(plain_output) {
    setup();
    CHECK_EQ(print("hello\nworld\n"), 12);
    CHECK_STR_EQ(sent(), "hello\r\nworld\r\n");
}

TEST(programs_get_colours_and_nothing_else) {
    setup();
    print("\x1b[1;31mred\x1b[0m \x1b[2J\x1b[6n\x1b]0;title\x07 \xff\xc3(\x9b \xe2\x82\xac \t\x01\x7f\n");
    CHECK_STR_EQ(sent(), "\x1b[1;31mred\x1b[0m ?[2J?[6n?]0;title? "
                         "\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd \xe2\x82\xac \t??\r\n");
    print("\x1b[31");
    CHECK_STR_EQ(sent(), "?[31");
}

TEST(a_line_is_read) {
    setup();
    read_line();
    CHECK_STR_EQ(sent(), "$ ");
    type("hi");
    CHECK_EQ(terminal_advance(&terminal), LINE_NONE);
    CHECK_STR_EQ(sent(), "hi");
    type("\r");
    CHECK_EQ(terminal_advance(&terminal), LINE_ENTERED);
    check_line("hi");
    CHECK(!terminal.reading);
}

TEST(output_appears_above_the_line) {
    setup();
    read_line();
    type("half");
    CHECK_EQ(terminal_advance(&terminal), LINE_NONE);
    sent();
    print("one\n");
    print("two\n");
    CHECK_STR_EQ(sent(), "\r\x1b[Kone\r\ntwo\r\n");
    terminal_settle(&terminal);
    CHECK_STR_EQ(sent(), "$ half");
    terminal_settle(&terminal);
    CHECK_STR_EQ(sent(), "");
    print("no newline");
    terminal_settle(&terminal);
    CHECK_STR_EQ(sent(), "\r\x1b[Kno newline\r\n$ half");
    type("!\r");
    CHECK_EQ(terminal_advance(&terminal), LINE_ENTERED);
    check_line("half!");
}

TEST(typing_after_output_puts_the_line_back_first) {
    setup();
    read_line();
    sent();
    print("x\n");
    type("a");
    CHECK_EQ(terminal_advance(&terminal), LINE_NONE);
    CHECK_STR_EQ(sent(), "\r\x1b[Kx\r\n$ a");
}

TEST(a_prompt_begins_a_line) {
    setup();
    print("no newline");
    sent();
    read_line();
    CHECK_STR_EQ(sent(), "\r\n$ ");
}

TEST(input_is_kept_until_somebody_reads) {
    setup();
    type("first\rsecond\rthi");
    CHECK_EQ(terminal_advance(&terminal), LINE_NONE);
    CHECK_STR_EQ(sent(), "");
    read_line();
    CHECK_EQ(terminal_advance(&terminal), LINE_ENTERED);
    check_line("first");
    CHECK_EQ(terminal_advance(&terminal), LINE_NONE);
    read_line();
    CHECK_EQ(terminal_advance(&terminal), LINE_ENTERED);
    check_line("second");
    read_line();
    CHECK_EQ(terminal_advance(&terminal), LINE_NONE);
    check_line("thi");
}

TEST(control_c_reaches_whom_it_concerns) {
    setup();
    type("typed ahead\r\x03");
    CHECK(terminal_take_interrupt(&terminal));
    CHECK(!terminal_take_interrupt(&terminal));
    CHECK_STR_EQ(sent(), "^C\r\n");
    CHECK_EQ(terminal.input.used, 0);
    read_line();
    type("abc\x03");
    CHECK_EQ(terminal_advance(&terminal), LINE_INTERRUPTED);
    CHECK(!terminal_take_interrupt(&terminal));
}

TEST(lost_input_is_said_to_be) {
    setup();
    for (unsigned i = 0; i < TERMINAL_INPUT_BYTES + 7; i++) {
        terminal_input(&terminal, 'x');
    }
    CHECK_EQ(terminal.lost_input, 7);
    read_line();
    CHECK_STR_EQ(sent(), "console: 7 bytes typed ahead were lost\r\n$ ");
    CHECK_EQ(terminal_advance(&terminal), LINE_NONE);
    terminal_stop_reading(&terminal);
    sent();
    read_line();
    CHECK_STR_EQ(sent(), "$ ");
}

TEST(a_flood_leaves_room_for_the_editor) {
    setup();
    read_line();
    type("lo");
    CHECK_EQ(terminal_advance(&terminal), LINE_NONE);
    static char flood[TERMINAL_OUTPUT_BYTES];
    memset(flood, '\n', sizeof(flood));
    size_t taken = terminal_write(&terminal, flood, sizeof(flood));
    CHECK(taken > 0);
    CHECK(taken < sizeof(flood));
    CHECK(!terminal_writable(&terminal));
    CHECK_EQ(terminal_write(&terminal, flood, sizeof(flood)), 0);
    type("gs\r");
    CHECK_EQ(terminal_advance(&terminal), LINE_ENTERED);
    check_line("logs");
    CHECK_EQ(terminal.lost_output, 0);
    sent();
    CHECK(terminal_writable(&terminal));
}

TEST(the_editor_waits_for_room_too) {
    setup();
    read_line();
    static char flood[TERMINAL_OUTPUT_BYTES];
    memset(flood, 'x', sizeof(flood));
    terminal_write(&terminal, flood, sizeof(flood));
    for (unsigned i = 0; i < 4000; i++) {
        terminal_input(&terminal, '\x0c'); // each clears the screen
    }
    CHECK_EQ(terminal_advance(&terminal), LINE_NONE);
    CHECK(terminal.input.used > 0);
    CHECK_EQ(terminal.lost_output, 0);
    while (terminal.input.used > 0) {
        sent();
        CHECK_EQ(terminal_advance(&terminal), LINE_NONE);
    }
    CHECK_EQ(terminal.lost_output, 0);
}

TEST(completion_survives_output) {
    setup();
    read_line();
    type("ser\t");
    CHECK_EQ(terminal_advance(&terminal), LINE_COMPLETE);
    sent();
    print("noise\n");
    terminal_settle(&terminal);
    CHECK_STR_EQ(sent(), "\r\x1b[Knoise\r\n$ ser");
    print("more\n");
    CHECK(terminal_offer(&terminal, 3, "service\0services", 2));
    terminal_read(&terminal, "$ ", 2, true);
    CHECK_STR_EQ(sent(), "\r\x1b[Kmore\r\n$ service");
    type("\r");
    CHECK_EQ(terminal_advance(&terminal), LINE_ENTERED);
    check_line("service");
}

TEST(a_resumed_line_that_is_gone_is_a_new_one) {
    setup();
    terminal_read(&terminal, "$ ", 2, true);
    type("x\t");
    CHECK_EQ(terminal_advance(&terminal), LINE_COMPLETE);
    terminal_read(&terminal, "> ", 2, false);
    CHECK_STR_EQ(sent(), "$ x\r\x1b[K> ");
}

TEST(an_interrupt_drops_a_line_that_waits_for_its_completion) {
    setup();
    terminal_read(&terminal, "$ ", 2, true);
    type("x\t");
    CHECK_EQ(terminal_advance(&terminal), LINE_COMPLETE);
    type("\x03");
    CHECK(terminal_take_interrupt(&terminal));
    terminal_read(&terminal, "$ ", 2, true);
    type("y\r");
    CHECK_EQ(terminal_advance(&terminal), LINE_ENTERED);
    check_line("y");
    CHECK_STR_EQ(sent(), "$ x^C\r\n$ y\r\n");
}

TEST(a_password_leaves_no_trace) {
    setup();
    type("typed ahead\r"); // a password, before anybody asked
    terminal_read_secret(&terminal, "password: ", 10);
    CHECK_EQ(terminal_advance(&terminal), LINE_ENTERED);
    check_line("typed ahead");
    CHECK_STR_EQ(sent(), "password: \r\n");
    terminal_forget(&terminal);
    for (size_t i = 0; i + 5 <= sizeof(terminal); i++) {
        CHECK(memcmp((const char *)&terminal + i, "typed", 5) != 0 && memcmp((const char *)&terminal + i, "ahead", 5) != 0);
    }
    // Output comes and goes around it, and does not show it either.
    terminal_read_secret(&terminal, "password: ", 10);
    type("hidden");
    CHECK_EQ(terminal_advance(&terminal), LINE_NONE);
    (void)print("news\n");
    terminal_settle(&terminal);
    type("\r");
    CHECK_EQ(terminal_advance(&terminal), LINE_ENTERED);
    check_line("hidden");
    CHECK(strstr(sent(), "hidden") == nullptr);
    read_line();
    type("shown\r");
    CHECK_EQ(terminal_advance(&terminal), LINE_ENTERED);
    CHECK(strstr(sent(), "shown") != nullptr);
}

TEST(random_use_keeps_the_queues_whole) {
    setup();
    static char junk[3000];
    uint64_t random = 42;
    for (unsigned i = 0; i < 5000; i++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        size_t len = (random >> 40) % sizeof(junk);
        for (size_t at = 0; at < len; at++) {
            junk[at] = (char)(random >> (at % 50));
        }
        switch ((random >> 33) % 8) {
        case 0: terminal_read(&terminal, junk, len % 128, len % 2); break;
        case 1: terminal_clear(&terminal); break;
        case 2: terminal_settle(&terminal); break;
        case 3: (void)!terminal_offer(&terminal, len % 4, "caf\xc3\xa9\0cab", 2); break;
        case 4: len % 2 == 0 ? terminal_stop_reading(&terminal) : terminal_read_secret(&terminal, junk, len % 128); break;
        case 5:
            for (size_t at = 0; at < len; at++) {
                terminal_input(&terminal, junk[at]);
            }
            break;
        default: CHECK(terminal_write(&terminal, junk, len) <= len); break;
        }
        (void)terminal_advance(&terminal);
        if (i % 3 == 0) {
            sent();
        }
        CHECK(terminal.output.used <= terminal.output.size);
    }
}
