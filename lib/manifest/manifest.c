#include "lib/manifest/manifest.h"

#include <stdarg.h>

#include "abi/message.h"
#include "base/checked.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/manifest/parse.h"

const char manifest_cmdline[] = "cmdline";

enum : uint32_t {
    SEEN_PROGRAM = 1,
    SEEN_MEMORY = 2,
    SEEN_STACK = 4,
    SEEN_BAND = 8,
    SEEN_RESTART = 16,
    SEEN_ARGS = 32,
    SEEN_PROVIDES = 64,
    SEEN_RESOLVE = 128,
    SEEN_ESSENTIAL = 256,
};

static bool fail_list(struct parser *parser, uint32_t line, const char *format, va_list args) {
    parser->error->line = line;
    fmt_vsnprintf(parser->error->text, sizeof parser->error->text, format, args);
    return false;
}

bool parse_fail(struct parser *parser, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fail_list(parser, parser->line, format, args);
    va_end(args);
    return false;
}

bool parse_fail_at(struct parser *parser, uint32_t line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fail_list(parser, line, format, args);
    va_end(args);
    return false;
}

bool parse_name(struct parser *parser, const struct lex_word *word, const char *what,
                char to[MANIFEST_NAME_BYTES]) {
    size_t len = strlen(word->text);
    bool good = !word->quoted && len > 0 && word->text[0] >= 'a' && word->text[0] <= 'z';
    for (size_t i = 0; good && i < len; i++) {
        char c = word->text[i];
        good = (c >= 'a' && c <= 'z') || char_is_digit(c) || c == '-' || c == '_';
    }
    if (!good) {
        return parse_fail(parser,
                          "`%.40s` is no %s: a lower-case letter, then lower-case letters, digits, - and _",
                          word->text, what);
    }
    if (len >= MANIFEST_NAME_BYTES) {
        return parse_fail(parser, "`%.40s` is too long for a %s: at most %zu characters", word->text, what,
                          MANIFEST_NAME_BYTES - 1);
    }
    memset(to, 0, MANIFEST_NAME_BYTES);
    memcpy(to, word->text, len);
    return true;
}

bool parse_size(struct parser *parser, const struct lex_word *word, uint64_t *out) {
    size_t len = strlen(word->text);
    uint64_t unit = 1;
    switch (len > 0 ? word->text[len - 1] : '\0') {
    case 'K': unit = 1ull << 10; break;
    case 'M': unit = 1ull << 20; break;
    case 'G': unit = 1ull << 30; break;
    default: break;
    }
    uint64_t number;
    if (word->quoted || !str_parse_u64(word->text, unit == 1 ? len : len - 1, &number) ||
        !checked_mul_u64(number, unit, out) || *out % PAGE_BYTES != 0 || *out < PAGE_BYTES ||
        *out > MANIFEST_MEMORY_MAX) {
        return parse_fail(parser,
                          "`%.40s` is no size: a number with K, M or G, and a multiple of 4K, is expected",
                          word->text);
    }
    return true;
}

static bool add_word(struct parser *parser, const char *text, struct manifest_list *list) {
    struct manifest *out = parser->out;
    size_t len = strlen(text) + 1;
    if (out->word_count == MANIFEST_WORDS_MAX || len > MANIFEST_TEXT_MAX - out->text_used) {
        return parse_fail(parser, "the manifest holds more than can be kept: %zu words, %zu characters",
                          MANIFEST_WORDS_MAX, MANIFEST_TEXT_MAX);
    }
    if (list->count == 0) {
        list->first = (uint16_t)out->word_count;
    }
    out->word_lines[out->word_count] = parser->line;
    if (text == manifest_cmdline) {
        out->words[out->word_count] = text;
    } else {
        out->words[out->word_count] = memcpy(&out->text[out->text_used], text, len);
        out->text_used += len;
    }
    out->word_count++;
    list->count++;
    return true;
}

// The words after the first, all of them names.
static bool parse_names(struct parser *parser, const char *what, struct manifest_list *list) {
    if (parser->words.count < 2) {
        return parse_fail(parser, "at least one %s is expected after `%s`", what,
                          parser->words.words[0].text);
    }
    for (size_t i = 1; i < parser->words.count; i++) {
        char name[MANIFEST_NAME_BYTES];
        if (!parse_name(parser, &parser->words.words[i], what, name)) {
            return false;
        }
        for (size_t j = 0; j < list->count; j++) {
            if (str_equal(parser->out->words[list->first + j], name)) {
                return parse_fail(parser, "`%s` stands here twice", name);
            }
        }
        if (!add_word(parser, name, list)) {
            return false;
        }
    }
    return true;
}

static bool parse_args(struct parser *parser, struct manifest_list *list) {
    for (size_t i = 1; i < parser->words.count; i++) {
        const struct lex_word *word = &parser->words.words[i];
        bool cmdline = !word->quoted && str_equal(word->text, manifest_cmdline);
        if (!word->quoted && !cmdline) {
            return parse_fail(parser, "`%.40s`: arguments are quoted texts, or the word cmdline", word->text);
        }
        if (!add_word(parser, cmdline ? manifest_cmdline : word->text, list)) {
            return false;
        }
    }
    return true;
}

// One of a fixed set of words.
static bool parse_choice(struct parser *parser, const char *const *choices, uint32_t count,
                         const char *expected, uint8_t *out) {
    for (uint32_t i = 0; i < count; i++) {
        if (str_equal(parser->words.words[1].text, choices[i])) {
            *out = (uint8_t)i;
            return true;
        }
    }
    return parse_fail(parser, "`%.40s` is no %s: %s is expected", parser->words.words[1].text,
                      parser->words.words[0].text, expected);
}

static bool parse_band(struct parser *parser) {
    static const char *const names[BAND_COUNT] = {"realtime", "interactive", "normal", "background"};
    return parse_choice(parser, names, BAND_COUNT, "realtime, interactive, normal or background",
                        &parser->unit->band);
}

static bool parse_restart(struct parser *parser) {
    static const char *const names[] = {"never", "on-failure", "always"};
    uint8_t choice;
    if (!parse_choice(parser, names, 3, "always, on-failure or never", &choice)) {
        return false;
    }
    parser->unit->restart = (enum manifest_restart)choice;
    return true;
}

static bool parse_bounded(struct parser *parser, uint64_t min, uint64_t max, uint64_t *out) {
    const struct lex_word *word = &parser->words.words[1];
    return parse_size(parser, word, out) &&
           ((*out >= min && *out <= max) ||
            parse_fail(parser, "`%s` is outside %luK to %luK for `%s`", word->text, min / 1024, max / 1024,
                       parser->words.words[0].text));
}

static bool parse_program_file(struct parser *parser) {
    return parse_name(parser, &parser->words.words[1], "program", parser->unit->program);
}

static bool parse_memory(struct parser *parser) {
    return parse_bounded(parser, MANIFEST_MEMORY_MIN, MANIFEST_MEMORY_MAX, &parser->unit->memory_bytes);
}

static bool parse_stack(struct parser *parser) {
    return parse_bounded(parser, MANIFEST_STACK_MIN, MANIFEST_STACK_MAX, &parser->unit->stack_bytes);
}

static bool parse_essential(struct parser *parser) {
    parser->unit->essential = true;
    return true;
}

static bool parse_args_field(struct parser *parser) {
    return parse_args(parser, &parser->unit->args);
}

static bool parse_provides(struct parser *parser) {
    return parse_names(parser, "name", &parser->unit->provides);
}

static bool parse_resolve(struct parser *parser) {
    return parse_names(parser, "name", &parser->unit->resolves);
}

static const struct field {
    const char *name;
    bool (*parse)(struct parser *);
    uint32_t seen; // 0: may stand more than once
    int words;     // that follow; -1: any number
    bool services_only;
} fields[] = {
    {"program", parse_program_file, SEEN_PROGRAM, 1, false},
    {"memory", parse_memory, SEEN_MEMORY, 1, false},
    {"stack", parse_stack, SEEN_STACK, 1, false},
    {"band", parse_band, SEEN_BAND, 1, false},
    {"restart", parse_restart, SEEN_RESTART, 1, true},
    {"essential", parse_essential, SEEN_ESSENTIAL, 0, true},
    {"args", parse_args_field, SEEN_ARGS, -1, false},
    {"provides", parse_provides, SEEN_PROVIDES, -1, true},
    {"grant", parse_grant, 0, -1, false},
    {"resolve", parse_resolve, SEEN_RESOLVE, -1, false},
};

static bool parse_field(struct parser *parser) {
    const char *name = parser->words.words[0].text;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct field *field = &fields[i];
        if (!str_equal(field->name, name)) {
            continue;
        }
        if ((parser->seen & field->seen) != 0) {
            return parse_fail(parser, "`%s` stands twice in `%s`", name, parser->unit->name);
        }
        if (field->services_only && parser->unit->kind != MANIFEST_SERVICE) {
            return parse_fail(parser, "`%s` is for services only; `%s` is a program", name,
                              parser->unit->name);
        }
        if (field->words >= 0 && parser->words.count != 1 + (size_t)field->words) {
            return parse_fail(parser, "%s is expected after `%s`",
                              field->words == 1 ? "exactly one word" : "nothing", name);
        }
        parser->seen |= field->seen;
        return field->parse(parser);
    }
    return parse_fail(
        parser,
        "unknown field `%.40s`: program, memory, stack, band, restart, essential, args, provides, grant, "
        "resolve or } is expected",
        name);
}

static bool open_block(struct parser *parser, enum manifest_unit_kind kind) {
    const struct lex_line *line = &parser->words;
    if (line->count != 3 || !str_equal(line->words[2].text, "{")) {
        return parse_fail(parser, "`%s NAME {` is expected", line->words[0].text);
    }
    struct manifest *out = parser->out;
    if (out->unit_count == MANIFEST_UNITS_MAX) {
        return parse_fail(parser, "there are more than %zu services and programs", MANIFEST_UNITS_MAX);
    }
    char name[MANIFEST_NAME_BYTES];
    if (!parse_name(parser, &line->words[1], "name", name)) {
        return false;
    }
    for (size_t i = 0; i < out->unit_count; i++) {
        if (str_equal(out->units[i].name, name)) {
            return parse_fail(parser, "the name `%s` is taken by line %u", name, out->units[i].line);
        }
    }
    parser->seen = 0;
    parser->unit = &out->units[out->unit_count++];
    *parser->unit = (struct manifest_unit){.line = parser->line,
                                           .kind = kind,
                                           .restart = kind == MANIFEST_SERVICE ? MANIFEST_RESTART_ALWAYS
                                                                               : MANIFEST_RESTART_NEVER,
                                           .band = BAND_NORMAL,
                                           .grant_first = (uint16_t)out->grant_count};
    memcpy(parser->unit->name, name, sizeof name);
    memcpy(parser->unit->program, name, sizeof name);
    return true;
}

static bool close_block(struct parser *parser) {
    if (parser->words.count != 1) {
        return parse_fail(parser, "nothing is expected after `}`");
    }
    if ((parser->seen & SEEN_MEMORY) == 0) {
        return parse_fail(parser, "`%s` has no `memory` line, which is required", parser->unit->name);
    }
    parser->unit = nullptr;
    return true;
}

static bool parse_system(struct parser *parser) {
    if (parser->words.count != 2) {
        return parse_fail(parser, "`system NAME` is expected");
    }
    if (parser->out->system[0] != '\0') {
        return parse_fail(parser, "`system` stands twice");
    }
    return parse_name(parser, &parser->words.words[1], "name for a system", parser->out->system);
}

static bool parse_line(struct parser *parser) {
    const char *word = parser->words.words[0].text;
    if (parser->unit != nullptr) {
        return str_equal(word, "}") ? close_block(parser) : parse_field(parser);
    }
    if (str_equal(word, "system")) {
        return parse_system(parser);
    }
    if (parser->out->system[0] == '\0') {
        return parse_fail(parser, "`system NAME` is expected first");
    }
    if (str_equal(word, "service")) {
        return open_block(parser, MANIFEST_SERVICE);
    }
    if (str_equal(word, "program")) {
        return open_block(parser, MANIFEST_PROGRAM);
    }
    if (str_equal(word, "include")) {
        if (parser->out->includes.count > 0) {
            return parse_fail(parser, "`include` stands twice; it takes several names");
        }
        return parse_names(parser, "program", &parser->out->includes);
    }
    return parse_fail(parser, "unknown word `%.40s`: system, include, service or program is expected", word);
}

bool manifest_parse(const char *text, size_t len_bytes, struct manifest *out, struct manifest_error *error) {
    struct parser parser = {.out = out, .error = error};
    out->system[0] = '\0';
    out->unit_count = out->grant_count = out->word_count = out->text_used = 0;
    out->includes = (struct manifest_list){};
    for (size_t at = 0; at < len_bytes;) {
        const char *end = memchr(text + at, '\n', len_bytes - at);
        size_t len = end != nullptr ? (size_t)(end - text) - at : len_bytes - at;
        parser.line++;
        const char *wrong = lex_split(text + at, len, &parser.words);
        if (wrong != nullptr) {
            return parse_fail(&parser, "%s", wrong);
        }
        if (parser.words.count > 0 && !parse_line(&parser)) {
            return false;
        }
        at += len + 1;
    }
    if (parser.unit != nullptr) {
        return parse_fail(&parser, "the file ends inside `%s`, begun in line %u; } is expected",
                          parser.unit->name, parser.unit->line);
    }
    return manifest_check_whole(&parser);
}
