// Commands made of commands: if, while, for, groups, functions.
#include "lib/shell/parser.h"

// CONDITION; then COMMANDS [elif ... | else COMMANDS], up to `fi`. An `elif` is an if in the place of an else.
static struct shell_node *if_command(struct shell_parser *parser, size_t begin) {
    struct shell_node *first = nullptr, *current = nullptr;
    for (bool more = true; more;) {
        struct shell_node *node = parser_node(parser, SHELL_IF);
        struct shell_nodes children = {};
        struct shell_node *condition = node != nullptr ? parser_list_behind(parser, begin, "if") : nullptr;
        if (condition == nullptr || !parser_expect_keyword(parser, begin, "if", "then")) {
            return nullptr;
        }
        struct shell_node *then = parser_list_behind(parser, begin, "then");
        if (then == nullptr) {
            return nullptr;
        }
        parser_append(&children, condition);
        parser_append(&children, then);
        node->children = children.first;
        if (current == nullptr) {
            first = node;
        } else {
            parser_append(&(struct shell_nodes){.last = current}, node);
        }
        current = then;
        more = parser_take_keyword(parser, "elif");
    }
    if (parser_take_keyword(parser, "else")) {
        struct shell_node *otherwise = parser_list_behind(parser, begin, "else");
        if (otherwise == nullptr) {
            return nullptr;
        }
        parser_append(&(struct shell_nodes){.last = current}, otherwise);
    }
    return parser_expect_keyword(parser, begin, "if", "fi") ? first : nullptr;
}

static struct shell_node *body(struct shell_parser *parser, size_t begin, const char *what) {
    if (!parser_expect_keyword(parser, begin, what, "do")) {
        return nullptr;
    }
    struct shell_node *commands = parser_list_behind(parser, begin, "do");
    return commands != nullptr && parser_expect_keyword(parser, begin, what, "done") ? commands : nullptr;
}

static struct shell_node *while_command(struct shell_parser *parser, size_t begin) {
    struct shell_node *node = parser_node(parser, SHELL_WHILE);
    struct shell_nodes children = {};
    struct shell_node *condition = node != nullptr ? parser_list_behind(parser, begin, "while") : nullptr;
    struct shell_node *commands = condition != nullptr ? body(parser, begin, "while") : nullptr;
    if (commands == nullptr) {
        return nullptr;
    }
    parser_append(&children, condition);
    parser_append(&children, commands);
    node->children = children.first;
    return node;
}

static struct shell_text bare_word(struct shell_parser *parser) {
    const size_t from = parser->at;
    while (!parser_is_delimiter(parser, parser->at)) {
        parser->at++;
    }
    return parser_source(parser, from);
}

static struct shell_node *for_command(struct shell_parser *parser, size_t begin) {
    struct shell_node *node = parser_node(parser, SHELL_FOR);
    if (node == nullptr) {
        return nullptr;
    }
    parser_skip_blanks(parser);
    const size_t at = parser->at;
    node->name = bare_word(parser);
    if (!shell_is_name(node->name)) {
        parser_fail(parser, at, "`for` wants the name of a variable behind it: for NAME in WORDS; do COMMANDS; done");
        return nullptr;
    }
    if (!parser_expect_keyword(parser, begin, "for", "in") || !parser_words(parser, &node->words)) {
        return nullptr;
    }
    if (parser_peek(parser, 0) == ';') {
        parser->at++;
    }
    node->children = body(parser, begin, "for");
    return node->children != nullptr ? node : nullptr;
}

static struct shell_node *group(struct shell_parser *parser, size_t begin) {
    struct shell_node *node = parser_node(parser, SHELL_GROUP);
    struct shell_node *commands = node != nullptr ? parser_list_behind(parser, begin, "{") : nullptr;
    if (commands == nullptr || !parser_expect_keyword(parser, begin, "{", "}")) {
        return nullptr;
    }
    node->children = commands;
    return node;
}

// NAME() { COMMANDS; } of which the parser stands at the name.
static struct shell_node *function(struct shell_parser *parser, size_t name_len) {
    const size_t begin = parser->at;
    struct shell_node *node = parser_node(parser, SHELL_FUNCTION);
    if (node == nullptr) {
        return nullptr;
    }
    node->name = (struct shell_text){parser->text + begin, name_len};
    parser->at += name_len + 2;
    parser_skip_lines(parser);
    const size_t from = parser->at;
    if (parser_at_end(parser)) {
        parser_unfinished(parser, begin, "a function is written NAME() { COMMANDS; }");
        return nullptr;
    }
    if (!parser_take_keyword(parser, "{")) {
        parser_fail(parser, parser->at, "a function is written NAME() { COMMANDS; }");
        return nullptr;
    }
    if (group(parser, from) == nullptr) {
        return nullptr;
    }
    node->source = parser_source(parser, from);
    return node;
}

static struct shell_node *by_keyword(struct shell_parser *parser) {
    const size_t begin = parser->at;
    if (parser_take_keyword(parser, "if")) {
        return if_command(parser, begin);
    }
    if (parser_take_keyword(parser, "while")) {
        return while_command(parser, begin);
    }
    if (parser_take_keyword(parser, "for")) {
        return for_command(parser, begin);
    }
    parser->at++;
    return group(parser, begin);
}

bool parser_at_compound(const struct shell_parser *parser) {
    return parser_at_keyword(parser, "if") || parser_at_keyword(parser, "while") || parser_at_keyword(parser, "for") ||
           parser_at_keyword(parser, "{");
}

struct shell_node *parser_compound(struct shell_parser *parser) {
    if (!parser_enter(parser)) {
        return nullptr;
    }
    struct shell_node *node = by_keyword(parser);
    parser->depth--;
    return node != nullptr && parser_redirections(parser, &node->redirections) ? node : nullptr;
}

struct shell_node *parser_function(struct shell_parser *parser, size_t name_len) {
    if (!parser_enter(parser)) {
        return nullptr;
    }
    struct shell_node *node = function(parser, name_len);
    parser->depth--;
    return node;
}
