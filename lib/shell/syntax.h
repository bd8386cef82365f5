// The shell's language: from text to a syntax tree. The grammar is in docs/concepts/shell.md.
//
// A tree lies in an arena, and its texts in the source, which both must outlive it. Nothing recurses deeper than
// SHELL_NESTING_MAX commands in commands.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/shell/arena.h"

constexpr size_t SHELL_NESTING_MAX = 16;
constexpr size_t SHELL_STAGES_MAX = 8; // of a pipeline
constexpr size_t SHELL_NAME_MAX = 31;  // of a variable or function
constexpr size_t SHELL_ERROR_BYTES = 160;

struct shell_text {
    const char *bytes; // not terminated
    size_t len;
};

#define SHELL_TEXT(literal) ((struct shell_text){(literal), sizeof(literal) - 1})

bool shell_text_equal(struct shell_text text, const char *string);

enum shell_part_kind : uint8_t {
    SHELL_LITERAL,
    SHELL_VARIABLE,   // $name, ${name}, ${name:-fallback}, $?, $#, $@, $1 ...
    SHELL_OUTPUT,     // $(commands)
    SHELL_ARITHMETIC, // $((expression))
};

// Words are made of parts. What comes of a part outside of quotes is split into words at blanks, a literal never.
struct shell_part {
    enum shell_part_kind kind;
    bool quoted;
    bool has_fallback;
    struct shell_text text; // the literal, name or expression
    struct shell_text fallback;
    const struct shell_node *commands;
    const struct shell_part *next;
};

struct shell_word {
    const struct shell_part *parts; // none: an assigned value of nothing
    const struct shell_word *next;
};

struct shell_assignment {
    struct shell_text name;
    const struct shell_word *value;
    const struct shell_assignment *next;
};

enum shell_redirection_kind : uint8_t {
    SHELL_FROM,   // <
    SHELL_TO,     // >
    SHELL_APPEND, // >>
};

struct shell_redirection {
    enum shell_redirection_kind kind;
    const struct shell_word *file;
    const struct shell_redirection *next;
};

enum shell_node_kind : uint8_t {
    SHELL_LIST,     // `children` one after the other
    SHELL_AND_OR,   // `children`, each but the first depending on what came before
    SHELL_PIPELINE, // `children` beside each other; `negated`
    SHELL_SIMPLE,   // assignments, words
    SHELL_IF,       // `children`: condition, then, and perhaps else
    SHELL_WHILE,    // `children`: condition, body
    SHELL_FOR,      // `name` in `words`; `children`: body
    SHELL_GROUP,    // `children`: a list
    SHELL_FUNCTION, // `name`, and the source of its body
};

struct shell_node {
    enum shell_node_kind kind;
    bool background; // of a child of a list
    bool if_failed;  // of a child of an and-or: behind ||, not &&
    bool negated;
    struct shell_text source; // where it stands
    struct shell_text name;
    const struct shell_word *words;
    const struct shell_assignment *assignments;
    const struct shell_redirection *redirections; // of a command of whatever kind
    const struct shell_node *children;
    const struct shell_node *next; // sibling
};

struct shell_error {
    bool incomplete;              // more text could still make it whole
    char text[SHELL_ERROR_BYTES]; // one line for people: where, and what to do
};

// Null, and *error, when it is no text of the language or too much for the arena.
[[nodiscard]] const struct shell_node *shell_parse(const char *text, size_t len, struct shell_arena *arena, struct shell_error *error);

// Whether it can be the name of a variable or function: a letter or `_`, then those and digits.
bool shell_is_name(struct shell_text text);
