// What the two halves of the parser share. Internal to lib/shell.
//
//   word.c     quotes, $...               simple.c  words and redirections of one command
//   compound.c  if, while, for, functions  parse.c   lists, pipelines, and what is wrong
#pragma once

#include "lib/shell/syntax.h"

struct shell_parser {
    const char *text;
    size_t len, at;
    size_t depth;
    struct shell_arena *arena;
    struct shell_error *error;
};

// Says what is wrong at this place; for null and false alike.
[[gnu::format(printf, 3, 4)]] bool parser_fail(struct shell_parser *parser, size_t at, const char *format, ...);

// The same where the text ends too early.
[[gnu::format(printf, 3, 4)]] bool parser_unfinished(struct shell_parser *parser, size_t at, const char *format, ...);

// arena_take, or says that it is too much.
void *parser_take(struct shell_parser *parser, size_t bytes);

// Blanks, comments and escaped ends of lines.
void parser_skip_blanks(struct shell_parser *parser);

static inline bool parser_at_end(const struct shell_parser *parser) {
    return parser->at == parser->len;
}

// The next character, or so many behind it; NUL at the end.
static inline char parser_peek(const struct shell_parser *parser, size_t ahead) {
    return ahead < parser->len - parser->at ? parser->text[parser->at + ahead] : '\0';
}

static inline struct shell_text parser_source(const struct shell_parser *parser, size_t from) {
    return (struct shell_text){parser->text + from, parser->at - from};
}

// The same, and ends of lines.
void parser_skip_lines(struct shell_parser *parser);

bool parser_at_keyword(const struct shell_parser *parser, const char *keyword);
bool parser_take_keyword(struct shell_parser *parser, const char *keyword);

// Takes the keyword that belongs to `what`, which began there, or says that it is missing.
bool parser_expect_keyword(struct shell_parser *parser, size_t begin, const char *what, const char *keyword);

// One command deeper; the parser's depth is to be counted down after it.
bool parser_enter(struct shell_parser *parser);

struct shell_node *parser_node(struct shell_parser *parser, enum shell_node_kind kind);

struct shell_nodes {
    const struct shell_node *first;
    struct shell_node *last;
    size_t count;
};

void parser_append(struct shell_nodes *nodes, struct shell_node *node);

// A list of at least one command, behind the keyword `what`.
struct shell_node *parser_list_behind(struct shell_parser *parser, size_t begin, const char *what);

// What ends a word outside of quotes.
bool parser_is_delimiter(const struct shell_parser *parser, size_t at);

// The word that begins here; null when it is not well formed.
struct shell_word *parser_word(struct shell_parser *parser);

// Commands up to `)`, behind which the parser then stands.
const struct shell_node *parser_commands_in_brackets(struct shell_parser *parser, size_t begin);

// Words up to the end of a command, one behind the other.
bool parser_words(struct shell_parser *parser, const struct shell_word **out);

bool parser_redirections(struct shell_parser *parser, const struct shell_redirection **out);

// A command of assignments, words and redirections; it has none of them when none are here.
struct shell_node *parser_simple(struct shell_parser *parser);

// Whether a command made of commands begins here, and that command.
bool parser_at_compound(const struct shell_parser *parser);
struct shell_node *parser_compound(struct shell_parser *parser);

// NAME() { COMMANDS; } of which the parser stands at the name.
struct shell_node *parser_function(struct shell_parser *parser, size_t name_len);
