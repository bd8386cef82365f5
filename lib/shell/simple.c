// Simple commands: assignments, words, redirections.
#include "base/str.h"
#include "lib/shell/parser.h"

static bool redirection(struct shell_parser *parser, const struct shell_redirection ***end) {
    const size_t begin = parser->at++;
    struct shell_redirection *redirection = parser_take(parser, sizeof(*redirection));
    if (redirection == nullptr) {
        return false;
    }
    redirection->kind = parser->text[begin] == '<' ? SHELL_FROM : SHELL_TO;
    if (redirection->kind == SHELL_TO && parser_peek(parser, 0) == '>') {
        redirection->kind = SHELL_APPEND;
        parser->at++;
    }
    parser_skip_blanks(parser);
    if (parser_is_delimiter(parser, parser->at)) {
        return parser_fail(parser, begin, "`%c` wants the name of a file behind it", parser->text[begin]);
    }
    redirection->file = parser_word(parser);
    **end = redirection;
    *end = &redirection->next;
    return redirection->file != nullptr;
}

bool parser_redirections(struct shell_parser *parser, const struct shell_redirection **out) {
    for (parser_skip_blanks(parser); parser_peek(parser, 0) == '<' || parser_peek(parser, 0) == '>'; parser_skip_blanks(parser)) {
        if (!redirection(parser, &out)) {
            return false;
        }
    }
    return true;
}

// Whether `name=` begins here, and how long the name is.
static bool at_assignment(const struct shell_parser *parser, size_t *name_len) {
    size_t len = 0;
    while (char_is_alnum(parser_peek(parser, len)) || parser_peek(parser, len) == '_') {
        len++;
    }
    *name_len = len;
    return parser_peek(parser, len) == '=' && shell_is_name((struct shell_text){parser->text + parser->at, len});
}

static bool assignment(struct shell_parser *parser, size_t name_len, const struct shell_assignment ***end) {
    struct shell_assignment *assignment = parser_take(parser, sizeof(*assignment));
    if (assignment == nullptr) {
        return false;
    }
    assignment->name = (struct shell_text){parser->text + parser->at, name_len};
    parser->at += name_len + 1;
    assignment->value = parser_word(parser);
    **end = assignment;
    *end = &assignment->next;
    return assignment->value != nullptr;
}

// Digits right before `>` mean something elsewhere.
static bool is_descriptor(const struct shell_parser *parser) {
    size_t len = 0;
    while (char_is_digit(parser_peek(parser, len))) {
        len++;
    }
    return len > 0 && (parser_peek(parser, len) == '>' || parser_peek(parser, len) == '<');
}

struct shell_node *parser_simple(struct shell_parser *parser) {
    struct shell_node *node = parser_node(parser, SHELL_SIMPLE);
    if (node == nullptr) {
        return nullptr;
    }
    const struct shell_assignment **assignments_end = &node->assignments;
    const struct shell_redirection **redirections_end = &node->redirections;
    struct shell_word *last = nullptr;
    for (parser_skip_blanks(parser);; parser_skip_blanks(parser)) {
        size_t name_len;
        const char c = parser_peek(parser, 0);
        if (c == '<' || c == '>') {
            if (!redirection(parser, &redirections_end)) {
                return nullptr;
            }
            continue;
        }
        if (parser_is_delimiter(parser, parser->at)) {
            return node;
        }
        if (is_descriptor(parser)) {
            parser_fail(parser, parser->at, "only output goes into files; messages about mistakes are always shown");
            return nullptr;
        }
        if (last == nullptr && at_assignment(parser, &name_len)) {
            if (!assignment(parser, name_len, &assignments_end)) {
                return nullptr;
            }
            continue;
        }
        struct shell_word *word = parser_word(parser);
        if (word == nullptr) {
            return nullptr;
        }
        if (last == nullptr) {
            node->words = word;
        } else {
            last->next = word;
        }
        last = word;
    }
}

// Words up to the end of a command, one behind the other.
bool parser_words(struct shell_parser *parser, const struct shell_word **out) {
    struct shell_word *last = nullptr;
    for (parser_skip_blanks(parser); !parser_is_delimiter(parser, parser->at); parser_skip_blanks(parser)) {
        struct shell_word *word = parser_word(parser);
        if (word == nullptr) {
            return false;
        }
        if (last == nullptr) {
            *out = word;
        } else {
            last->next = word;
        }
        last = word;
    }
    return true;
}
