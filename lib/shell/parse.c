// Lists and pipelines: from commands to the tree. Recursive descent, with a bound on how deep.
#include <stdarg.h>

#include "base/fmt.h"
#include "base/str.h"
#include "lib/shell/parser.h"

// ---- saying what is wrong ----

// "column 5: ", and with the line where there are several. Columns are counted in characters, from 1, as a person would.
static size_t put_place(const struct shell_parser *parser, size_t at) {
    char *const out = parser->error->text;
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column += ((unsigned char)parser->text[i] & 0xc0) != 0x80;
        if (parser->text[i] == '\n') {
            line++;
            column = 1;
        }
    }
    if (memchr(parser->text, '\n', parser->len) != nullptr) {
        return fmt_snprintf(out, SHELL_ERROR_BYTES, "line %u, column %u: ", line, column);
    }
    return fmt_snprintf(out, SHELL_ERROR_BYTES, "column %u: ", column);
}

static void put_error(struct shell_parser *parser, size_t at, bool incomplete, const char *format, va_list args) {
    const size_t used = put_place(parser, at);
    fmt_vsnprintf(parser->error->text + used, SHELL_ERROR_BYTES - used, format, args);
    parser->error->incomplete = incomplete;
}

bool parser_fail(struct shell_parser *parser, size_t at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    put_error(parser, at, false, format, args);
    va_end(args);
    return false;
}

bool parser_unfinished(struct shell_parser *parser, size_t at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    put_error(parser, at, true, format, args);
    va_end(args);
    return false;
}

void *parser_take(struct shell_parser *parser, size_t bytes) {
    void *taken = arena_take(parser->arena, bytes);
    if (taken == nullptr) {
        parser_fail(parser, parser->at, "this is too much at once; make it several commands");
    }
    return taken;
}

// ---- blanks, keywords ----

void parser_skip_blanks(struct shell_parser *parser) {
    while (!parser_at_end(parser)) {
        const char c = parser_peek(parser, 0);
        if (c == '#') {
            while (!parser_at_end(parser) && parser_peek(parser, 0) != '\n') {
                parser->at++;
            }
        } else if (c == '\\' && parser_peek(parser, 1) == '\n') {
            parser->at += 2;
        } else if (char_is_space(c) && c != '\n') {
            parser->at++;
        } else {
            return;
        }
    }
}

void parser_skip_lines(struct shell_parser *parser) {
    parser_skip_blanks(parser);
    while (parser_peek(parser, 0) == '\n') {
        parser->at++;
        parser_skip_blanks(parser);
    }
}

bool parser_at_keyword(const struct shell_parser *parser, const char *keyword) {
    const size_t len = strlen(keyword);
    return len <= parser->len - parser->at && memcmp(parser->text + parser->at, keyword, len) == 0 &&
           parser_is_delimiter(parser, parser->at + len);
}

bool parser_take_keyword(struct shell_parser *parser, const char *keyword) {
    if (!parser_at_keyword(parser, keyword)) {
        return false;
    }
    parser->at += strlen(keyword);
    return true;
}

// The keyword that only stands behind a list, if one is here.
static const char *closing_keyword(const struct shell_parser *parser) {
    static const char *const keywords[] = {"then", "elif", "else", "fi", "do", "done", "}"};
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (parser_at_keyword(parser, keywords[i])) {
            return keywords[i];
        }
    }
    return nullptr;
}

bool parser_expect_keyword(struct shell_parser *parser, size_t begin, const char *what, const char *keyword) {
    parser_skip_lines(parser);
    if (parser_take_keyword(parser, keyword)) {
        return true;
    }
    if (parser_at_end(parser)) {
        return parser_unfinished(parser, begin, "`%s` wants `%s` behind it", what, keyword);
    }
    return parser_fail(parser, parser->at, "here should be the `%s` of `%s`; is a `;` before it missing?", keyword, what);
}

// ---- nodes ----

bool parser_enter(struct shell_parser *parser) {
    if (parser->depth == SHELL_NESTING_MAX) {
        return parser_fail(parser, parser->at, "commands may not be in each other deeper than %zu", SHELL_NESTING_MAX);
    }
    parser->depth++;
    return true;
}

struct shell_node *parser_node(struct shell_parser *parser, enum shell_node_kind kind) {
    struct shell_node *node = parser_take(parser, sizeof(*node));
    if (node != nullptr) {
        node->kind = kind;
    }
    return node;
}

void parser_append(struct shell_nodes *nodes, struct shell_node *node) {
    if (nodes->last == nullptr) {
        nodes->first = node;
    } else {
        nodes->last->next = node;
    }
    nodes->last = node;
    nodes->count++;
}

static struct shell_node *list(struct shell_parser *parser);

// A list behind which something must follow, and which must not be empty.
struct shell_node *parser_list_behind(struct shell_parser *parser, size_t begin, const char *what) {
    struct shell_node *node = list(parser);
    if (node != nullptr && node->children == nullptr) {
        if (parser_at_end(parser)) {
            parser_unfinished(parser, begin, "`%s` wants commands behind it", what);
        } else {
            parser_fail(parser, parser->at, "`%s` wants commands behind it", what);
        }
        return nullptr;
    }
    return node;
}

// ---- pipelines and lists ----

static bool at_function(const struct shell_parser *parser, size_t *name_len) {
    size_t len = 0;
    while (char_is_alnum(parser_peek(parser, len)) || parser_peek(parser, len) == '_') {
        len++;
    }
    *name_len = len;
    return parser_peek(parser, len) == '(' && parser_peek(parser, len + 1) == ')' &&
           shell_is_name((struct shell_text){parser->text + parser->at, len});
}
static struct shell_node *command(struct shell_parser *parser) {
    size_t name_len;
    const char *const closing = closing_keyword(parser);
    if (closing != nullptr) {
        parser_fail(parser, parser->at, "there is no command before `%s`", closing);
        return nullptr;
    }
    if (parser_at_compound(parser)) {
        return parser_compound(parser);
    }
    return at_function(parser, &name_len) ? parser_function(parser, name_len) : parser_simple(parser);
}

static bool is_empty(const struct shell_node *node) {
    return node->kind == SHELL_SIMPLE && node->words == nullptr && node->assignments == nullptr && node->redirections == nullptr;
}

// What stands here although a command should.
static void no_command(struct shell_parser *parser) {
    const char c = parser_peek(parser, 0);
    const char next = parser_peek(parser, 1) == c ? c : '\0';
    if (c == '(') {
        parser_fail(parser, parser->at, "`(` means nothing here; put it in quotes if it is meant as text");
    } else if (c == '|' || c == '&') {
        parser_fail(parser, parser->at, "there is no command before `%c%.*s`", c, next != '\0' ? 1 : 0, &next);
    } else {
        parser_fail(parser, parser->at, "there is no command before `%s`", c == ';' ? ";" : c == ')' ? ")" : "the end of the line");
    }
}

// COMMAND [| COMMAND]...
static struct shell_node *pipeline(struct shell_parser *parser) {
    struct shell_node *node = parser_node(parser, SHELL_PIPELINE);
    struct shell_nodes children = {};
    if (node == nullptr) {
        return nullptr;
    }
    const size_t begin = parser->at;
    while (parser_take_keyword(parser, "!")) {
        node->negated = !node->negated;
        parser_skip_blanks(parser);
    }
    for (;;) {
        const size_t at = parser->at;
        struct shell_node *child = command(parser);
        if (child == nullptr) {
            return nullptr;
        }
        if (is_empty(child)) {
            no_command(parser);
            return nullptr;
        }
        if (children.count > 0 && child->kind != SHELL_SIMPLE) {
            parser_fail(parser, at, "only a command or program can read from a pipe");
            return nullptr;
        }
        parser_append(&children, child);
        parser_skip_blanks(parser);
        if (parser_peek(parser, 0) == '(') {
            no_command(parser);
            return nullptr;
        }
        node->source = parser_source(parser, begin);
        if (parser_peek(parser, 0) != '|' || parser_peek(parser, 1) == '|') {
            node->children = children.first;
            return node;
        }
        if (children.count == SHELL_STAGES_MAX) {
            parser_fail(parser, parser->at, "a pipeline has at most %zu commands", SHELL_STAGES_MAX);
            return nullptr;
        }
        const size_t pipe = parser->at++;
        parser_skip_lines(parser);
        if (parser_at_end(parser)) {
            parser_unfinished(parser, pipe, "`|` wants a command behind it");
            return nullptr;
        }
    }
}

// PIPELINE [&& PIPELINE | || PIPELINE]...
static struct shell_node *and_or(struct shell_parser *parser) {
    struct shell_node *node = parser_node(parser, SHELL_AND_OR);
    struct shell_nodes children = {};
    bool if_failed = false;
    if (node == nullptr) {
        return nullptr;
    }
    for (;;) {
        struct shell_node *child = pipeline(parser);
        if (child == nullptr) {
            return nullptr;
        }
        child->if_failed = if_failed;
        parser_append(&children, child);
        const char c = parser_peek(parser, 0);
        if ((c != '&' && c != '|') || parser_peek(parser, 1) != c) {
            break;
        }
        const size_t begin = parser->at;
        if_failed = c == '|';
        parser->at += 2;
        parser_skip_lines(parser);
        if (parser_at_end(parser)) {
            parser_unfinished(parser, begin, "`%c%c` wants a command behind it", c, c);
            return nullptr;
        }
    }
    node->children = children.first;
    return node;
}

static bool at_list_end(const struct shell_parser *parser) {
    return parser_at_end(parser) || parser_peek(parser, 0) == ')' || closing_keyword(parser) != nullptr;
}

// Commands with `;`, `&` or ends of lines between them, up to what closes the list.
static struct shell_node *list(struct shell_parser *parser) {
    struct shell_node *node = parser_node(parser, SHELL_LIST);
    struct shell_nodes children = {};
    if (node == nullptr) {
        return nullptr;
    }
    for (parser_skip_lines(parser); !at_list_end(parser); parser_skip_lines(parser)) {
        struct shell_node *child = and_or(parser);
        if (child == nullptr) {
            return nullptr;
        }
        parser_append(&children, child);
        const char c = parser_peek(parser, 0);
        if (c == '&') {
            if (child->children->next != nullptr) {
                parser_fail(parser, parser->at, "only a pipeline runs in the background, without `&&` and `||`");
                return nullptr;
            }
            child->background = true;
        }
        if (c == '&' || c == ';') {
            parser->at++;
        } else if (c != '\n') {
            break;
        }
    }
    node->children = children.first;
    return node;
}

const struct shell_node *parser_commands_in_brackets(struct shell_parser *parser, size_t begin) {
    if (!parser_enter(parser)) {
        return nullptr;
    }
    const struct shell_node *commands = list(parser);
    parser->depth--;
    if (commands == nullptr) {
        return nullptr;
    }
    if (parser_at_end(parser)) {
        parser_unfinished(parser, begin, "`$(` is never closed by `)`");
        return nullptr;
    }
    if (parser_peek(parser, 0) != ')') {
        parser_fail(parser, parser->at, "here should be the `)` of `$(`");
        return nullptr;
    }
    parser->at++;
    return commands;
}

const struct shell_node *shell_parse(const char *text, size_t len, struct shell_arena *arena, struct shell_error *error) {
    struct shell_parser parser = {.text = text, .len = len, .arena = arena, .error = error};
    *error = (struct shell_error){};
    if (str_is_terminated(text, len)) {
        parser_fail(&parser, 0, "there is a NUL byte in it");
        return nullptr;
    }
    const struct shell_node *node = list(&parser);
    if (node == nullptr || parser_at_end(&parser)) {
        return node;
    }
    const char *const closing = closing_keyword(&parser);
    if (closing != nullptr) {
        parser_fail(&parser, parser.at, "`%s` closes nothing", closing);
    } else if (parser_peek(&parser, 0) == ')') {
        parser_fail(&parser, parser.at, "`)` closes nothing; put it in quotes if it is meant as text");
    } else {
        parser_fail(&parser, parser.at, "here should be the end of the command, or `;`");
    }
    return nullptr;
}
