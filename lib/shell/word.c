// Words: quotes, escapes, and what is put in for $...
#include "base/str.h"
#include "lib/shell/parser.h"

bool shell_text_equal(struct shell_text text, const char *string) {
    return strlen(string) == text.len && memcmp(text.bytes, string, text.len) == 0;
}

static bool begins_name(char c) {
    return char_is_alpha(c) || c == '_';
}

static bool is_in_name(char c) {
    return char_is_alnum(c) || c == '_';
}

bool shell_is_name(struct shell_text text) {
    if (text.len == 0 || text.len > SHELL_NAME_MAX || !begins_name(text.bytes[0])) {
        return false;
    }
    for (size_t i = 1; i < text.len; i++) {
        if (!is_in_name(text.bytes[i])) {
            return false;
        }
    }
    return true;
}

bool parser_is_delimiter(const struct shell_parser *parser, size_t at) {
    return at == parser->len || char_is_space(parser->text[at]) || strchr("|&;<>()", parser->text[at]) != nullptr;
}

// Where the parts of a word are put, one behind the other.
struct parts {
    const struct shell_part *first;
    struct shell_part *last;
};

static struct shell_part *add(struct shell_parser *parser, struct parts *parts, enum shell_part_kind kind, bool quoted) {
    struct shell_part *part = parser_take(parser, sizeof(*part));
    if (part == nullptr) {
        return nullptr;
    }
    part->kind = kind;
    part->quoted = quoted;
    if (parts->last == nullptr) {
        parts->first = part;
    } else {
        parts->last->next = part;
    }
    parts->last = part;
    return part;
}

static bool add_literal(struct shell_parser *parser, struct parts *parts, size_t from, size_t to, bool quoted) {
    struct shell_part *part = add(parser, parts, SHELL_LITERAL, quoted);
    if (part == nullptr) {
        return false;
    }
    part->text = (struct shell_text){parser->text + from, to - from};
    return true;
}

static bool add_variable(struct shell_parser *parser, struct parts *parts, struct shell_text name, bool quoted) {
    struct shell_part *part = add(parser, parts, SHELL_VARIABLE, quoted);
    if (part == nullptr) {
        return false;
    }
    part->text = name;
    return true;
}

// ---- $ ----

// The name of a variable, or one of the shell's own: `?`, `#`, `@`, a digit. Empty when there is none.
static struct shell_text variable_name(struct shell_parser *parser) {
    const size_t from = parser->at;
    if (begins_name(parser_peek(parser, 0))) {
        while (is_in_name(parser_peek(parser, 0))) {
            parser->at++;
        }
    } else if (parser_peek(parser, 0) != '\0' && strchr("?#@123456789", parser_peek(parser, 0)) != nullptr) {
        parser->at++;
    }
    return parser_source(parser, from);
}

// ${name} or ${name:-fallback}; the parser stands behind the opening brace.
static bool in_braces(struct shell_parser *parser, struct parts *parts, size_t begin, bool quoted) {
    const struct shell_text name = variable_name(parser);
    if (name.len == 0 || (name.len > 1 && !shell_is_name(name))) {
        return parser_fail(parser, begin, "`${` is followed by the name of a variable, of at most %zu letters, and `}`", SHELL_NAME_MAX);
    }
    if (!add_variable(parser, parts, name, quoted)) {
        return false;
    }
    if (parser_peek(parser, 0) == ':' && parser_peek(parser, 1) == '-') {
        parser->at += 2;
        const size_t from = parser->at;
        while (!parser_at_end(parser) && parser_peek(parser, 0) != '}') {
            parser->at++;
        }
        parts->last->has_fallback = true;
        parts->last->fallback = parser_source(parser, from);
    }
    if (parser_peek(parser, 0) != '}') {
        return parser_fail(parser, begin, "`${` is never closed by `}`; it knows ${name} and ${name:-what else}");
    }
    parser->at++;
    return true;
}

// $((expression)); the parser stands behind the brackets that open it.
static bool arithmetic(struct shell_parser *parser, struct parts *parts, size_t begin, bool quoted) {
    const size_t from = parser->at;
    size_t open = 0;
    for (; !parser_at_end(parser); parser->at++) {
        const char c = parser_peek(parser, 0);
        if (c == ')' && open == 0) {
            break;
        }
        open += c == '(' ? 1 : 0;
        open -= c == ')' ? 1 : 0;
    }
    if (parser_peek(parser, 0) != ')' || parser_peek(parser, 1) != ')') {
        return parser_fail(parser, begin, "`$((` is never closed by `))`");
    }
    struct shell_part *part = add(parser, parts, SHELL_ARITHMETIC, quoted);
    if (part == nullptr) {
        return false;
    }
    part->text = parser_source(parser, from);
    parser->at += 2;
    return true;
}

// The parser stands on `$`. One that nothing follows is itself.
static bool dollar(struct shell_parser *parser, struct parts *parts, bool quoted) {
    const size_t begin = parser->at++;
    if (parser_peek(parser, 0) == '(' && parser_peek(parser, 1) == '(') {
        parser->at += 2;
        return arithmetic(parser, parts, begin, quoted);
    }
    if (parser_peek(parser, 0) == '(') {
        parser->at++;
        const struct shell_node *commands = parser_commands_in_brackets(parser, begin);
        struct shell_part *part = commands != nullptr ? add(parser, parts, SHELL_OUTPUT, quoted) : nullptr;
        if (part == nullptr) {
            return false;
        }
        part->commands = commands;
        return true;
    }
    if (parser_peek(parser, 0) == '{') {
        parser->at++;
        return in_braces(parser, parts, begin, quoted);
    }
    const struct shell_text name = variable_name(parser);
    if (name.len > SHELL_NAME_MAX) {
        return parser_fail(parser, begin, "the name of a variable has at most %zu letters", SHELL_NAME_MAX);
    }
    return name.len > 0 ? add_variable(parser, parts, name, quoted) : add_literal(parser, parts, begin, begin + 1, quoted);
}

// ---- quotes ----

static bool single_quoted(struct shell_parser *parser, struct parts *parts) {
    const size_t begin = parser->at++;
    const char *end = memchr(parser->text + parser->at, '\'', parser->len - parser->at);
    if (end == nullptr) {
        return parser_fail(parser, begin, "the quote ' is never closed");
    }
    const size_t close = (size_t)(end - parser->text);
    const bool added = add_literal(parser, parts, parser->at, close, true);
    parser->at = close + 1;
    return added;
}

static bool is_escaped_in_quotes(char c) {
    return c == '"' || c == '\\' || c == '$';
}

static bool double_quoted(struct shell_parser *parser, struct parts *parts) {
    const size_t begin = parser->at++;
    size_t from = parser->at;
    bool some = false; // "" is a word, too
    for (;;) {
        if (parser_at_end(parser)) {
            return parser_fail(parser, begin, "the quote \" is never closed");
        }
        const char c = parser_peek(parser, 0);
        const bool escape = c == '\\' && is_escaped_in_quotes(parser_peek(parser, 1));
        if (c != '"' && c != '$' && !escape) {
            parser->at++;
            continue;
        }
        if ((parser->at > from || (c == '"' && !some)) && !add_literal(parser, parts, from, parser->at, true)) {
            return false;
        }
        some = true;
        if (c == '"') {
            parser->at++;
            return true;
        }
        if (c == '$' && !dollar(parser, parts, true)) {
            return false;
        }
        from = parser->at + (escape ? 1 : 0);
        parser->at += escape ? 2 : 0;
    }
}

static bool escaped(struct shell_parser *parser, struct parts *parts) {
    const size_t at = parser->at++;
    if (parser_at_end(parser)) {
        return parser_unfinished(parser, at, "nothing follows the backslash");
    }
    parser->at++;
    // An escaped end of line is nothing.
    return parser->text[at + 1] == '\n' || add_literal(parser, parts, at + 1, at + 2, true);
}

static bool plain(struct shell_parser *parser, struct parts *parts) {
    const size_t from = parser->at;
    while (!parser_is_delimiter(parser, parser->at) && strchr("'\"\\$", parser->text[parser->at]) == nullptr) {
        parser->at++;
    }
    return add_literal(parser, parts, from, parser->at, false);
}

struct shell_word *parser_word(struct shell_parser *parser) {
    struct parts parts = {};
    struct shell_word *word = parser_take(parser, sizeof(*word));
    bool good = word != nullptr;
    while (good && !parser_is_delimiter(parser, parser->at)) {
        switch (parser_peek(parser, 0)) {
        case '\'': good = single_quoted(parser, &parts); break;
        case '"': good = double_quoted(parser, &parts); break;
        case '\\': good = escaped(parser, &parts); break;
        case '$': good = dollar(parser, &parts, false); break;
        default: good = plain(parser, &parts); break;
        }
    }
    if (!good) {
        return nullptr;
    }
    word->parts = parts.first;
    return word;
}
