#include "base/test.h"

#include <stdlib.h>

#include "lib/shell/duration.h"
#include "lib/shell/format.h"
#include "lib/shell/hex.h"
#include "lib/shell/options.h"
#include "lib/shell/cursor.h"

static bool at_cursor(const char *line, struct shell_cursor *out) {
    return shell_cursor(line, strlen(line), out);
}

TEST(the_word_being_typed) {
    struct shell_cursor cursor;
    CHECK(at_cursor("", &cursor));
    CHECK_EQ(cursor.index, 0);
    CHECK_EQ(cursor.word_bytes, 0);
    CHECK(at_cursor("ser", &cursor));
    CHECK_EQ(cursor.index, 0);
    CHECK_EQ(cursor.word_bytes, 3);
    CHECK_EQ(cursor.first_bytes, 3);
    CHECK(at_cursor("  run ", &cursor));
    CHECK_EQ(cursor.index, 1);
    CHECK_EQ(cursor.word_bytes, 0);
    CHECK_EQ(cursor.first_bytes, 3);
    CHECK_MEM_EQ(cursor.first, "run", 3);
    CHECK(at_cursor("logs -s 'x y' in", &cursor));
    CHECK_EQ(cursor.index, 3);
    CHECK_MEM_EQ(cursor.word, "in", 2);
    CHECK(!at_cursor("echo 'abc", &cursor));
    CHECK(!at_cursor("echo # abc", &cursor));
    static const struct {
        const char *line, *first, *word;
        size_t index;
    } commands[] = {
        {"logs -n 5 | gr", "gr", "gr", 0},     {"logs | grep x", "grep", "x", 1},  {"mem;service lo", "service", "lo", 1},
        {"if ser", "ser", "ser", 0},           {"if a; then run he", "run", "he", 1}, {"x=$(serv", "serv", "serv", 0},
        {"true && ! caps sh", "caps", "sh", 1}, {"echo a > f b", "echo", "b", 2},
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        CHECK(at_cursor(commands[i].line, &cursor));
        CHECK(!cursor.file);
        CHECK_EQ(cursor.index, commands[i].index);
        CHECK_EQ(cursor.first_bytes, strlen(commands[i].first));
        CHECK_MEM_EQ(cursor.first, commands[i].first, strlen(commands[i].first));
        CHECK_EQ(cursor.word_bytes, strlen(commands[i].word));
        CHECK_MEM_EQ(cursor.word, commands[i].word, strlen(commands[i].word));
    }
    CHECK(at_cursor("sort < fi", &cursor) && cursor.file);
    CHECK_MEM_EQ(cursor.word, "fi", 2);
    CHECK(at_cursor("echo a >", &cursor) && cursor.file);
    CHECK_EQ(cursor.word_bytes, 0);
}

TEST(sizes) {
    char out[SHELL_NUMBER_BYTES];
    CHECK_STR_EQ(shell_size(out, 0), "0 B");
    CHECK_STR_EQ(shell_size(out, 1023), "1023 B");
    CHECK_STR_EQ(shell_size(out, 1024), "1 KiB");
    CHECK_STR_EQ(shell_size(out, 1536), "1.5 KiB");
    CHECK_STR_EQ(shell_size(out, 100 * 1024 + 600), "100 KiB");
    CHECK_STR_EQ(shell_size(out, 1023 * 1024), "1023 KiB");
    CHECK_STR_EQ(shell_size(out, 256ull << 20), "256 MiB");
    CHECK_STR_EQ(shell_size(out, 7ull << 29), "3.5 GiB");
    CHECK_STR_EQ(shell_size(out, UINT64_MAX), "16777215 TiB");
}

TEST(durations) {
    char out[SHELL_NUMBER_BYTES];
    CHECK_STR_EQ(shell_duration(out, 0), "0 ms");
    CHECK_STR_EQ(shell_duration(out, 999'999'999), "999 ms");
    CHECK_STR_EQ(shell_duration(out, 3'250'000'000), "3.2 s");
    CHECK_STR_EQ(shell_duration(out, 303'000'000'000), "5 min 3 s");
    CHECK_STR_EQ(shell_duration(out, 7'500'000'000'000), "2 h 5 min");
    CHECK_STR_EQ(shell_duration(out, 273'600'000'000'000), "3 d 4 h");
}

static char printed[40000];
static size_t printed_bytes;

static void collect(void *context, const char *bytes, size_t len) {
    (void)context;
    if (printed_bytes + len < sizeof(printed)) {
        memcpy(printed + printed_bytes, bytes, len);
        printed_bytes += len;
        printed[printed_bytes] = '\0';
    }
}

static struct shell_table table;

TEST(tables_are_aligned) {
    printed_bytes = 0;
    table_begin(&table, "NAME >SIZE STATE", collect, nullptr);
    table_cell(&table, "logd");
    table_cell(&table, "%d KiB", 120);
    table_cell(&table, "running");
    table_cell(&table, "gr\xc3\xbc\xc3\x9f" "e");
    table_cell(&table, "%d B", 7);
    table_cell(&table, "ended");
    table_end(&table);
    CHECK_STR_EQ(printed, "NAME      SIZE  STATE\n"
                          "logd   120 KiB  running\n"
                          "gr\xc3\xbc\xc3\x9f" "e      7 B  ended\n");
}

TEST(tables_of_any_length) {
    printed_bytes = 0;
    table_begin(&table, "A B", collect, nullptr);
    for (unsigned i = 0; i < 1000; i++) {
        table_cell(&table, "row %u", i);
        table_cell(&table, "%*s", (int)(i % 20), "");
    }
    table_end(&table);
    unsigned lines = 0;
    for (size_t i = 0; i < printed_bytes; i++) {
        lines += printed[i] == '\n';
    }
    CHECK_EQ(lines, 1001);
    CHECK(strstr(printed, "row 999 ") != nullptr);
}

TEST(foreign_text_is_made_harmless) {
    char out[16];
    shell_printable(out, sizeof(out), "a\nb\x1b[2J\x7f\xc3\xa9", 10);
    CHECK_STR_EQ(out, "a?b?[2J?\xc3\xa9");
    shell_printable(out, 4, "abcdef", 6);
    CHECK_STR_EQ(out, "abc");
}

TEST(durations_are_read) {
    static const struct {
        const char *word;
        uint64_t ns;
    } good[] = {{"0", 0}, {"90", 90'000'000'000}, {"90s", 90'000'000'000}, {"1.5s", 1'500'000'000}, {"250ms", 250'000'000},
                {"5m", 300'000'000'000}, {"2h", 7'200'000'000'000}, {"1d", 86'400'000'000'000}, {"0.000000001", 1},
                {"0.0000000019", 1}, {"18446744073", 18'446'744'073'000'000'000u}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t ns = 7;
        CHECK(shell_parse_duration(good[i].word, &ns));
        CHECK_EQ(ns, good[i].ns);
    }
    static const char *const bad[] = {"", "s", "-1", "1 s", "1x", "1.", ".5", "1.s", "1..5", "0x10", "18446744074", "18446744073.9", "1S"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t ns = 7;
        CHECK(!shell_parse_duration(bad[i], &ns));
        CHECK_EQ(ns, 7);
    }
}

TEST(long_options) {
    static const char *const line[] = {"logs", "--lines=5", "--lines", "6", "--follow", "-f", "--grep=", "-n7", "rest"};
    static const char letters[] = "n:(lines)vf(follow)g:(grep)";
    struct shell_options options = shell_options(line, 9);
    CHECK_EQ(shell_next_option(&options, letters), 'n');
    CHECK_STR_EQ(options.value, "5");
    CHECK_EQ(shell_next_option(&options, letters), 'n');
    CHECK_STR_EQ(options.value, "6");
    CHECK_EQ(shell_next_option(&options, letters), 'f');
    CHECK_EQ(shell_next_option(&options, letters), 'f');
    CHECK_EQ(shell_next_option(&options, letters), 'g');
    CHECK_STR_EQ(options.value, "");
    CHECK_EQ(shell_next_option(&options, letters), 'n');
    CHECK_STR_EQ(options.value, "7");
    CHECK_EQ(shell_next_option(&options, letters), OPTION_DONE);
    CHECK_EQ(options.at, 8);
    static const char *const bad[] = {"logs", "--line", "--liness", "--follow=1", "--=", "-(", "-l", "--v", "--lines"};
    options = shell_options(bad, 9);
    for (int i = 0; i < 7; i++) {
        CHECK_EQ(shell_next_option(&options, letters), OPTION_UNKNOWN);
    }
    CHECK_EQ(shell_next_option(&options, letters), OPTION_NO_VALUE);
    CHECK_EQ(shell_next_option(&options, letters), OPTION_DONE);
}

TEST(options) {
    const char *line[] = {"logs", "-n", "5", "-sinit", "-v", "rest", "-x"};
    struct shell_options options = shell_options(line, 7);
    CHECK_EQ(shell_next_option(&options, "n:s:v"), 'n');
    CHECK_STR_EQ(options.value, "5");
    CHECK_EQ(shell_next_option(&options, "n:s:v"), 's');
    CHECK_STR_EQ(options.value, "init");
    CHECK_EQ(shell_next_option(&options, "n:s:v"), 'v');
    CHECK_EQ(shell_next_option(&options, "n:s:v"), OPTION_DONE);
    CHECK_EQ(options.at, 5);
    const char *bad[] = {"logs", "-x", "-n"};
    options = shell_options(bad, 3);
    CHECK_EQ(shell_next_option(&options, "n:"), OPTION_UNKNOWN);
    CHECK_EQ(shell_next_option(&options, "n:"), OPTION_NO_VALUE);
    CHECK_EQ(shell_next_option(&options, "n:"), OPTION_DONE);
    const char *dashes[] = {"logs", "--", "-n"};
    options = shell_options(dashes, 3);
    CHECK_EQ(shell_next_option(&options, "n:"), OPTION_DONE);
    CHECK_EQ(options.at, 2);
}

TEST(the_cursor_in_random_lines) {
    static const char alphabet[] = "ab \"'\\&#|>(\t\xc3\xa9";
    uint64_t random = 99;
    for (unsigned i = 0; i < 50000; i++) {
        char line[64];
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        size_t len = (random >> 58);
        for (size_t at = 0; at < len; at++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            line[at] = alphabet[(random >> 40) % (sizeof(alphabet) - 1)];
        }
        char *copy = malloc(len == 0 ? 1 : len); // exactly as long, so that ASan sees a step too far
        memcpy(copy, line, len);
        struct shell_cursor cursor;
        if (shell_cursor(copy, len, &cursor)) {
            CHECK(cursor.word >= copy && cursor.word + cursor.word_bytes == copy + len);
        }
        free(copy);
    }
}

TEST(bytes_are_pairs_of_digits) {
    uint8_t bytes[3] = {};
    size_t len;
    CHECK(shell_hex("00fFa1", bytes, sizeof(bytes), &len));
    CHECK_EQ(len, 3);
    CHECK_MEM_EQ(bytes, "\x00\xff\xa1", 3);
    CHECK(shell_hex("", bytes, sizeof(bytes), &len) && len == 0);
    static const char *const others[] = {"0", "0g", "g0", "0x00", " 00", "00 ", "00112233", "-1", "/0", ":0", "@0", "`0"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        CHECK(!shell_hex(others[i], bytes, sizeof(bytes), &len) && len == 0);
    }
}
