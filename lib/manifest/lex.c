#include "lib/manifest/lex.h"

#include "base/str.h"

struct lexer {
    const char *text;
    size_t len, at;
    struct lex_line *out;
    size_t used; // of the buffer
};

static const char *take_quoted(struct lexer *lexer) {
    for (lexer->at++;; lexer->at++) {
        if (lexer->at == lexer->len) {
            return "a quoted text has no closing quote";
        }
        char c = lexer->text[lexer->at];
        if (c == '"') {
            lexer->at++;
            return nullptr;
        }
        if (c == '\\') {
            lexer->at++;
            c = lexer->at < lexer->len ? lexer->text[lexer->at] : '\0';
            if (c != '"' && c != '\\') {
                return "after a backslash in a quoted text only \\ or \" is expected";
            }
        }
        if ((unsigned char)c < ' ' || c == 0x7f) {
            return "a control character stands in a quoted text";
        }
        lexer->out->buffer[lexer->used++] = c;
    }
}

static bool ends_word(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '#' || c == '"';
}

static const char *take_plain(struct lexer *lexer) {
    while (lexer->at < lexer->len && !ends_word(lexer->text[lexer->at])) {
        char c = lexer->text[lexer->at++];
        if (!char_is_print(c)) {
            return "a character that is neither printable ASCII nor white space stands outside a quoted text";
        }
        lexer->out->buffer[lexer->used++] = c;
    }
    return nullptr;
}

const char *lex_split(const char *text, size_t len, struct lex_line *out) {
    struct lexer lexer = {.text = text, .len = len, .out = out};
    out->count = 0;
    while (lexer.at < len) {
        char c = text[lexer.at];
        if (c == '#') {
            break;
        }
        if (c == ' ' || c == '\t' || c == '\r') {
            lexer.at++;
            continue;
        }
        // Every character takes at most itself and a NUL, so this bound covers the rest of the line.
        if (out->count == LEX_WORDS_MAX || lexer.used + 2 * (len - lexer.at) + 1 > LEX_LINE_MAX) {
            return "the line is too long";
        }
        struct lex_word *word = &out->words[out->count++];
        word->text = &out->buffer[lexer.used];
        word->quoted = c == '"';
        const char *wrong = word->quoted ? take_quoted(&lexer) : take_plain(&lexer);
        if (wrong != nullptr) {
            return wrong;
        }
        out->buffer[lexer.used++] = '\0';
        if (word->quoted && lexer.at < len && !ends_word(text[lexer.at])) {
            return "after a quoted text white space is expected";
        }
    }
    return nullptr;
}
