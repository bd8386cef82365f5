// The language: syntax, expansion, conditions, loops, functions. The host is one that has a few commands and joins pipes by texts.
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "lib/shell/arithmetic.h"
#include "lib/shell/condition.h"
#include "lib/shell/interpreter.h"

static struct interpreter interpreter;
static alignas(max_align_t) uint8_t arena_bytes[48 * 1024];
static char variable_bytes[1024], function_bytes[1024];

static char output[8192]; // of everything
static char complaints[4096];
static unsigned runs, interrupt_after;
static struct shell_capture *captures;
static bool background;

static void put(const char *text, size_t len) {
    if (captures != NULL) {
        for (size_t i = 0; i < len; i++) {
            if (captures->len == captures->size) {
                captures->overflow = true;
                return;
            }
            captures->bytes[captures->len++] = text[i];
        }
    } else {
        strncat(output, text, len);
    }
}

static void begin_capture(void *context, struct shell_capture *capture) {
    (void)context;
    capture->outer = captures;
    captures = capture;
}

static void end_capture(void *context, struct shell_capture *capture) {
    (void)context;
    CHECK(captures == capture);
    captures = capture->outer;
}

static void complain(void *context, const char *line) {
    (void)context;
    CHECK(strlen(complaints) + strlen(line) + 2 < sizeof(complaints));
    strcat(complaints, line);
    strcat(complaints, "\n");
}

static bool interrupted(void *context) {
    (void)context;
    return interrupt_after > 0 && --interrupt_after == 0;
}

// echo WORDS; words WORDS (each in brackets); status N; upper (of what comes in); script TEXT WORDS.
static int command(const struct shell_stage *stage, const char *input) {
    const char *name = stage->words[0];
    if (str_equal(name, "echo") || str_equal(name, "words")) {
        for (size_t i = 1; i < stage->count; i++) {
            if (name[0] == 'w') {
                put("<", 1);
            } else if (i > 1) {
                put(" ", 1);
            }
            put(stage->words[i], strlen(stage->words[i]));
            if (name[0] == 'w') {
                put(">", 1);
            }
        }
        put("\n", 1);
        return 0;
    }
    if (str_equal(name, "status")) {
        return atoi(stage->words[1]);
    }
    if (str_equal(name, "upper")) {
        for (size_t i = 0; i < strlen(input); i++) {
            const char c = input[i] >= 'a' && input[i] <= 'z' ? (char)(input[i] - 32) : input[i];
            put(&c, 1);
        }
        return 0;
    }
    if (str_equal(name, "script")) {
        return interpreter_script(&interpreter, stage->words[1], strlen(stage->words[1]), stage->count - 2, stage->words + 2);
    }
    complain(NULL, name);
    return 127;
}

static int run_pipeline(void *context, const struct shell_pipeline *pipeline) {
    static char input[4096];
    char bytes[4096];
    int status = 0;
    (void)context;
    runs++;
    background = pipeline->background;
    input[0] = '\0';
    for (size_t i = 0; i < pipeline->count; i++) {
        const struct shell_stage *stage = &pipeline->stages[i];
        struct shell_capture capture = {.bytes = bytes, .size = sizeof(bytes) - 1};
        const bool captured = i + 1 < pipeline->count || stage->output != NULL;
        if (captured) {
            begin_capture(NULL, &capture);
        }
        status = stage->internal ? interpreter_internal(&interpreter, stage) : command(stage, input);
        if (captured) {
            end_capture(NULL, &capture);
            bytes[capture.len] = '\0';
            strcpy(input, bytes);
        }
        if (stage->output != NULL) {
            put(stage->output, strlen(stage->output));
            put(stage->append ? ">>" : ">", stage->append ? 2 : 1);
            put(input, strlen(input));
        }
    }
    return status;
}

static const struct interpreter_host host = {
    .run = run_pipeline,
    .begin_capture = begin_capture,
    .end_capture = end_capture,
    .complain = complain,
    .interrupted = interrupted,
};

static void begin(void) {
    struct shell_store variables, functions;
    store_init(&variables, variable_bytes, sizeof(variable_bytes));
    store_init(&functions, function_bytes, sizeof(function_bytes));
    interpreter_init(&interpreter, &host, NULL, (struct shell_arena){.bytes = arena_bytes, .size = sizeof(arena_bytes)}, variables,
                     functions);
}

static int run_len(const char *text, size_t len) {
    output[0] = complaints[0] = '\0';
    runs = 0;
    const int status = interpreter_run(&interpreter, text, len, NULL);
    CHECK_EQ(interpreter.arena.used, 0);
    CHECK_EQ(interpreter.calls, 0);
    CHECK_EQ(interpreter.loops, 0);
    CHECK_EQ(interpreter.conditions, 0);
    CHECK(captures == NULL);
    return status;
}

static int run(const char *text) {
    return run_len(text, strlen(text));
}

// What a text prints, from the beginning, without complaints.
static void prints(const char *text, const char *expected) {
    begin();
    run(text);
    CHECK_STR_EQ(complaints, "");
    CHECK_STR_EQ(output, expected);
}

static void fails(const char *text, int status, const char *complaint) {
    begin();
    CHECK_EQ(run(text), status);
    CHECK_STR_EQ(complaints, complaint);
}

TEST(words_and_quotes) {
    prints("words  one   two\tthree ", "<one><two><three>\n");
    prints("words 'one two' \"three \\\"four\\\"\" a\\ b 'it'\\''s' \"\" '' \"back\\slash\" 'a\\b'",
           "<one two><three \"four\"><a b><it's><><><back\\slash><a\\b>\n");
    prints("   # only a comment | with > signs", "");
    prints("echo a#b # comment", "a#b\n");
    prints("echo a; echo b\necho c # d\n\n", "a\nb\nc\n");
    prints("echo a \\\n  b\"c\\\nd\"", "a bc\\\nd\n");
    prints("echo * ~ [x] $ $% 'a\nb'", "* ~ [x] $ $% a\nb\n");
    prints("echo if then; echo }", "if then\n}\n");
}

TEST(variables_are_put_in) {
    prints("a=1; b=two; echo $a${b}x $b-$a", "1twox two-1\n");
    prints("a='one  two'; words $a \"$a\" x$a\"$a\"", "<one><two><one  two><xone><twoone  two>\n");
    prints("a=; words $a \"$a\" x$a", "<><x>\n");
    prints("a=1; a=${a}2; a=$a' 3'; words \"$a\"", "<12 3>\n");
    prints("words ${no:-nothing there} ${no:-} \"${no:-}\" '$no'", "<nothing><there><><$no>\n");
    prints("words \"a\\$b\"", "<a$b>\n");
    prints("true; echo $?; false; echo $?; status 7; echo $? $?", "0\n1\n7 7\n");
    prints("echo $#; words $@ \"$@\"", "0\n\n");
    fails("echo $no", 1, "there is no variable `no`; ${no:-} is nothing where there is none\n");
    fails("$(true)", 1, "there is no command: its words come to nothing\n");
    fails("a=1 echo x", 1, "`a=` is a command of its own: put a `;` behind it\n");
    begin();
    CHECK_EQ(run("x=1; unset x; echo $x"), 1);
    CHECK_EQ(run("unset x"), 1);
}

TEST(output_of_commands_is_put_in) {
    prints("a=$(echo one two); words $a \"$a\" $(echo x; echo y) \"$(echo x; echo y)\"", "<one><two><one two><x><y><x\ny>\n");
    prints("echo $(echo $(echo deep) \"$(echo ')')\")", "deep )\n");
    prints("x=$(false); echo $?; x=$(true); echo $?", "1\n0\n");
    prints("a=1; echo $a$(a=2)$a", "12\n");
    fails("echo $(for i in 1 2 3 4 5 6 7 8; do for j in 1 2 3 4 5 6 7 8; do "
          "echo 0123456789012345678901234567890123456789012345678901234567890123456789; done; done)",
          1, "$(...) gives more than 4096 bytes\n");
}

TEST(numbers) {
    prints("echo $((1 + 2 * 3 - 4 / 2 % 3)) $(( (1+2)*3 )) $((-5 % 3)) $((2 < 3)) $((2 == 3))", "5 9 -2 1 0\n");
    prints("i=5; i=$((i + 1)); echo $i $((i*i)) $(($i - 1))", "6 36 5\n");
    prints("echo $((0x10)) $((9223372036854775807))", "16 9223372036854775807\n");
    fails("echo $((1 / 0))", 1, "$((...)): division by zero\n");
    fails("echo $((9223372036854775807 + 1))", 1, "$((...)): the result does not fit\n");
    fails("echo $((0 - 9223372036854775807 - 1))", 0, "");
    fails("echo $(((0 - 9223372036854775807 - 1) / -1))", 1, "$((...)): the result does not fit\n");
    fails("echo $(((0 - 9223372036854775807 - 1) % -1))", 0, "");
    fails("a=x; echo $((a))", 1, "$((...)): the variable `a` is no number\n");
    fails("echo $((b))", 1, "$((...)): `b` is neither a number that fits nor a variable\n");
    fails("echo $((1 +))", 1, "$((...)): a number or a variable is missing\n");
    fails("echo $((1 1))", 1, "$((...)): `1` means nothing here\n");
    fails("echo $((--------------------1))", 1, "$((...)): brackets and signs may not be deeper than 16\n");
}

TEST(conditions) {
    prints("if true; then echo a; else echo b; fi; if false; then echo c; elif true; then echo d; else echo e; fi", "a\nd\n");
    prints("if false; then echo a; elif false; then echo b; else echo c; fi", "c\n");
    prints("if false; then echo a; fi; echo $?", "0\n");
    prints("true && echo a; false && echo b; false || echo c; true || echo d; false && echo e || echo f", "a\nc\nf\n");
    prints("! true || echo a; ! false && echo b; ! ! true && echo c", "a\nb\nc\n");
    prints("[ a = a ] && [ a != b ] && [ 2 -lt 10 ] && [ ! 3 -eq 4 ] && [ -n x ] && [ -z '' ] && [ x ] && echo yes", "yes\n");
    prints("test 1 -ge 2 || test ! -z '' || [ '' ] || echo none", "none\n");
    fails("[ a = a", 2, "[: the last word must be `]`, with a blank before it\n");
    fails("[ a -eq 1 ]", 2, "test: `a` is no number\n");
    fails("[ a == a ]", 2, "test: `==` compares nothing; there are = != -eq -ne -lt -le -gt -ge\n");
    fails("[ a b ]", 2, "test: it is [!] -n TEXT, -z TEXT, or A OPERATOR B, each a word; is one not quoted?\n");
}

TEST(loops) {
    prints("for x in a 'b c' $(echo d e); do words $x \"$x\"; done", "<a><a>\n<b><c><b c>\n<d><d>\n<e><e>\n");
    prints("for x in; do echo never; done; echo $?", "0\n");
    prints("i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done", "1\n2\n3\n");
    prints("for i in 1 2 3 4; do if [ $i = 2 ]; then continue; fi; if [ $i = 4 ]; then break; fi; echo $i; done", "1\n3\n");
    prints("for i in 1 2; do for j in a b; do if [ $j = b ]; then break; fi; echo $i$j; done; done", "1a\n2a\n");
    prints("for x in a b\ndo\n  echo $x\ndone\n", "a\nb\n");
    fails("break", 2, "break: there is no loop around it\n");
    fails("f() { break; }; for i in 1; do f; done", 2, "break: there is no loop around it\n");
}

TEST(functions_and_scripts) {
    prints("f() { echo \"f $1 $#\"; return 3; echo never; }; f a b; echo $?", "f a 2\n3\n");
    prints("f() {\n  for x in \"$@\"; do words \"$x\"; done\n}\nf 'a b' c", "<a b>\n<c>\n");
    prints("f() { g; }; g() { echo inner; }; f; f() { echo new; }; f", "inner\nnew\n");
    prints("f() { f() { echo second; }; echo first; }; f; f", "first\nsecond\n");
    prints("script 'echo $1 $2; exit 4; echo never' a b; echo $? $#", "a b\n4 0\n");
    prints("script 'set -e; false; echo never'; echo $?; false; echo on", "1\non\n");
    prints("echo() { status 5; }; echo x; status 1", "");
    fails("f() { f; }; f", 1, "f: functions, scripts and $(...) may not be in each other deeper than 8\n");
    fails("script 'if'", 2, "script: column 1: `if` wants commands behind it\n");
    fails("script \"script 'script \\\"$(echo fi)\\\"'\"", 2, "script: column 1: `fi` closes nothing\n");
}

TEST(pipes_and_files) {
    prints("echo abc | upper; { echo x; echo y; } | upper", "ABC\nX\nY\n");
    prints("for i in a b; do echo $i; done | upper | upper", "A\nB\n");
    prints("f() { echo $1; }; f q | upper", "Q\n");
    prints("echo a > x; echo b >> 'y z'; a=n; echo c>$a", "x>a\ny z>>b\nn>c\n");
    prints("if true; then echo a; fi > x", "x>a\n");
    begin();
    run("echo a &");
    CHECK(background);
    CHECK_STR_EQ(output, "a\n");
    run("echo a & echo b");
    CHECK(!background);
    CHECK_EQ(runs, 2);
    fails("> x", 1, "there is no command to redirect\n");
    fails("a=1 > x", 1, "there is no command to redirect\n");
    fails("echo a | < x", 1, "there is no command to redirect\n");
    fails("echo a | b=1", 1, "`b=` is a command of its own: put a `;` behind it\n");
}

TEST(set_and_exit) {
    prints("set -e; false || true; if false; then echo a; fi; ! true; echo b; false; echo c", "b\n");
    begin();
    CHECK_EQ(run("echo a; exit 9; echo b"), 9);
    CHECK_STR_EQ(output, "a\n");
    CHECK_EQ(interpreter.flow, SHELL_EXIT);
    CHECK_EQ(run("exit 256"), 2);
    CHECK_EQ(run("status 6; exit"), 6);
    CHECK_EQ(run("set -x; echo a 'b c'; set +x; echo d"), 0);
    CHECK_STR_EQ(complaints, "+ echo a b c\n+ set +x\n");
    CHECK_EQ(run("set -q"), 2);
}

TEST(interrupts_end_everything) {
    begin();
    interrupt_after = 50;
    CHECK_EQ(run("while true; do for i in a b; do true; done; done; echo never"), SHELL_INTERRUPTED);
    CHECK_STR_EQ(output, "");
    CHECK_EQ(run("f() { while true; do status 130; done; echo never; }; x=$(f); echo never"), SHELL_INTERRUPTED);
    CHECK_EQ(interpreter.flow, SHELL_BROKEN_OFF);
    CHECK_STR_EQ(output, "");
    CHECK_EQ(run("for i in $(f); do echo never; done"), SHELL_INTERRUPTED);
    CHECK_EQ(run("if test \"$(f)\"; then echo never; fi; echo never"), SHELL_INTERRUPTED);
    CHECK_EQ(run("! x=$(f)"), SHELL_INTERRUPTED);
    CHECK_STR_EQ(output, "");
    CHECK_EQ(run("echo goes on"), 0);
    CHECK_STR_EQ(output, "goes on\n");
}

TEST(errors_say_where) {
    static const struct {
        const char *text, *error;
        bool incomplete;
    } cases[] = {
        {"echo \"abc", "column 6: the quote \" is never closed", false},
        {"echo gr\xc3\xbc\xc3\x9f 'x", "column 11: the quote ' is never closed", false},
        {"echo \"x\\\"", "column 6: the quote \" is never closed", false},
        {"echo x\\", "column 7: nothing follows the backslash", true},
        {"| a", "column 1: there is no command before `|`", false},
        {"a | | b", "column 5: there is no command before `|`", false},
        {"a |", "column 3: `|` wants a command behind it", true},
        {"a &&", "column 3: `&&` wants a command behind it", true},
        {"|| a", "column 1: there is no command before `||`", false},
        {" &", "column 2: there is no command before `&`", false},
        {"; a", "column 1: there is no command before `;`", false},
        {"a && b &", "column 8: only a pipeline runs in the background, without `&&` and `||`", false},
        {"call x (a = 1)", "column 8: `(` means nothing here; put it in quotes if it is meant as text", false},
        {"a )", "column 3: `)` closes nothing; put it in quotes if it is meant as text", false},
        {"a > ", "column 3: `>` wants the name of a file behind it", false},
        {"a 2> b", "column 3: only output goes into files; messages about mistakes are always shown", false},
        {"if true", "column 1: `if` wants `then` behind it", true},
        {"if true; then", "column 1: `then` wants commands behind it", true},
        {"if true; then a; fi b", "column 21: here should be the end of the command, or `;`", false},
        {"if then", "column 4: `if` wants commands behind it", false},
        {"if a; do", "column 7: here should be the `then` of `if`; is a `;` before it missing?", false},
        {"for x in a b", "column 1: `for` wants `do` behind it", true},
        {"for 1 in a", "column 5: `for` wants the name of a variable behind it: for NAME in WORDS; do COMMANDS; done", false},
        {"for x of a", "column 7: here should be the `in` of `for`; is a `;` before it missing?", false},
        {"while a; do b", "column 1: `while` wants `done` behind it", true},
        {"a; done", "column 4: `done` closes nothing", false},
        {"f() a", "column 5: a function is written NAME() { COMMANDS; }", false},
        {"f() {", "column 5: `{` wants commands behind it", true},
        {"a $(b", "column 3: `$(` is never closed by `)`", true},
        {"a $(b; fi)", "column 8: here should be the `)` of `$(`", false},
        {"a ${b", "column 3: `${` is never closed by `}`; it knows ${name} and ${name:-what else}", false},
        {"a ${-}", "column 3: `${` is followed by the name of a variable, of at most 31 letters, and `}`", false},
        {"a $((1", "column 3: `$((` is never closed by `))`", false},
        {"a | if b; then c; fi", "column 5: only a command or program can read from a pipe", false},
        {"a\nb\n  c | |", "line 3, column 7: there is no command before `|`", false},
        {"a|a|a|a|a|a|a|a|a", "column 16: a pipeline has at most 8 commands", false},
        {"{{{", nullptr, false}, // words
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct shell_arena arena = {.bytes = arena_bytes, .size = sizeof(arena_bytes)};
        struct shell_error error;
        const struct shell_node *node = shell_parse(cases[i].text, strlen(cases[i].text), &arena, &error);
        CHECK((node == NULL) == (cases[i].error != NULL));
        if (cases[i].error != NULL) {
            CHECK_STR_EQ(error.text, cases[i].error);
            CHECK_EQ(error.incomplete, cases[i].incomplete);
        }
    }
    fails("echo a\necho 'b", 2, "line 2, column 6: the quote ' is never closed\n");
    begin();
    bool incomplete = false;
    complaints[0] = '\0';
    interpreter_run(&interpreter, "if true", 7, &incomplete);
    CHECK(incomplete);
    CHECK_STR_EQ(complaints, "");
}

TEST(too_much_is_refused) {
    static char text[70'000];
    size_t len = 0;
    for (unsigned i = 0; i < 17; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "if true; then ");
    }
    begin();
    CHECK_EQ(run(text), 2);
    CHECK_STR_EQ(complaints, "column 225: commands may not be in each other deeper than 16\n");
    len = 0;
    for (unsigned i = 0; i < 17; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "$(echo ");
    }
    CHECK_EQ(run(text), 2);
    CHECK(strstr(complaints, "deeper than 16") != NULL);
    memset(text, ' ', sizeof(text));
    memcpy(text, "echo", 4);
    for (unsigned i = 0; i < 66; i++) {
        text[5 + 2 * i] = 'x';
    }
    CHECK_EQ(run_len(text, 200), 1);
    CHECK_STR_EQ(complaints, "too many words: at most 64\n");
    for (size_t i = 0; i < sizeof(text); i += 2) {
        memcpy(text + i, "a;", 2);
    }
    CHECK_EQ(run_len(text, sizeof(text)), 2);
    CHECK(strstr(complaints, "this is too much at once") != NULL);
    memset(text, 'x', sizeof(text));
    memcpy(text, "a=", 2);
    CHECK_EQ(run_len(text, 2000), 1);
    CHECK_STR_EQ(complaints, "there is no room for the variable `a`; `unset` makes some\n");
    CHECK_EQ(run_len(text, sizeof(text)), 1);
    CHECK_STR_EQ(complaints, "the words of this command are longer than there is room for\n");
    CHECK_EQ(run_len("echo a\0b", 8), 2);
    CHECK_STR_EQ(complaints, "column 1: there is a NUL byte in it\n");
}

TEST(stores) {
    char bytes[100];
    struct shell_store store;
    struct shell_text name, text;
    store_init(&store, bytes, sizeof(bytes));
    CHECK(store_put(&store, SHELL_TEXT("a"), SHELL_TEXT("first")));
    CHECK(store_put(&store, SHELL_TEXT("bb"), SHELL_TEXT("second")));
    CHECK(store_append(&store, SHELL_TEXT("a"), SHELL_TEXT(" more")));
    CHECK(store_find(&store, SHELL_TEXT("a"), &text));
    CHECK(shell_text_equal(text, "first more"));
    CHECK(store_find(&store, SHELL_TEXT("bb"), &text));
    CHECK(shell_text_equal(text, "second"));
    CHECK(store_put(&store, SHELL_TEXT("a"), text)); // which lies in the store itself
    CHECK(store_find(&store, SHELL_TEXT("a"), &text) && shell_text_equal(text, "second"));
    CHECK(store_rename(&store, SHELL_TEXT("bb"), SHELL_TEXT("a")));
    CHECK(!store_find(&store, SHELL_TEXT("bb"), &text));
    CHECK(store_find(&store, SHELL_TEXT("a"), &text) && shell_text_equal(text, "second"));
    CHECK(store_rename(&store, SHELL_TEXT("a"), SHELL_TEXT("a longer name")));
    CHECK(store_at(&store, 0, &name, &text) && shell_text_equal(name, "a longer name") && shell_text_equal(text, "second"));
    CHECK(!store_at(&store, 1, &name, &text));
    const size_t used = store.used;
    char long_text[100] = {};
    CHECK(!store_put(&store, SHELL_TEXT("c"), (struct shell_text){long_text, sizeof(long_text)}));
    CHECK(!store_append(&store, SHELL_TEXT("a longer name"), (struct shell_text){long_text, sizeof(bytes) - used + 1}));
    CHECK(!store_put(&store, (struct shell_text){long_text, 64}, SHELL_TEXT("")));
    CHECK_EQ(store.used, used);
    CHECK(store_append(&store, SHELL_TEXT("a longer name"), (struct shell_text){long_text, sizeof(bytes) - used}));
    CHECK_EQ(store.used, sizeof(bytes));
    CHECK(store_remove(&store, SHELL_TEXT("a longer name")) && !store_remove(&store, SHELL_TEXT("a longer name")));
    CHECK_EQ(store.used, 0);
}

