#include "lib/shell/cursor.h"

#include "base/mem.h"
#include "base/str.h"

// Words that a command stands behind.
static bool is_before_command(const char *word, size_t len) {
    static const char *const keywords[] = {"if", "then", "elif", "else", "while", "do", "!", "{"};
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (strlen(keywords[i]) == len && memcmp(keywords[i], word, len) == 0) {
            return true;
        }
    }
    return false;
}

// NAME=VALUE, before the command's name.
static bool is_assignment(const char *word, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (word[i] == '=') {
            return i > 0;
        }
        if (!(char_is_alnum(word[i]) || word[i] == '_') || (i == 0 && char_is_digit(word[i]))) {
            return false;
        }
    }
    return false;
}

struct scan {
    struct shell_cursor *out;
    size_t words; // of the command so far
    bool in_word;
};

static void end_word(struct scan *scan, const char *end) {
    struct shell_cursor *out = scan->out;
    if (!scan->in_word) {
        return;
    }
    scan->in_word = false;
    if (out->file) { // is none of the command's words
        out->file = false;
        scan->words--;
    } else if (scan->words == 1) {
        out->first_bytes = (size_t)(end - out->first);
        scan->words = is_before_command(out->first, out->first_bytes) || is_assignment(out->first, out->first_bytes) ? 0 : 1;
    }
}

static void begin_word(struct scan *scan, const char *at) {
    if (!scan->in_word) {
        scan->in_word = true;
        scan->words++;
        scan->out->word = at;
        if (scan->words == 1 && !scan->out->file) {
            scan->out->first = at;
            scan->out->first_bytes = 0; // not before its end
        }
    }
}

bool shell_cursor(const char *line, size_t len, struct shell_cursor *out) {
    struct scan scan = {.out = out};
    char quote = '\0';
    *out = (struct shell_cursor){.word = line + len, .first = line + len};
    for (size_t i = 0; i < len; i++) {
        const char c = line[i];
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (char_is_space(c)) {
            end_word(&scan, line + i);
        } else if (strchr("|;&()", c) != nullptr) {
            end_word(&scan, line + i);
            scan.words = 0;
        } else if (c == '<' || c == '>') {
            end_word(&scan, line + i);
            out->file = true;
        } else if (c == '#' && !scan.in_word) {
            return false;
        } else {
            begin_word(&scan, line + i);
            quote = c == '"' || c == '\'' ? c : quote;
        }
    }
    if (quote != '\0') {
        out->quoted = true;
        return false;
    }
    begin_word(&scan, line + len);
    out->word_bytes = (size_t)(line + len - out->word);
    out->index = scan.words - 1;
    if (out->index == 0 && !out->file) {
        out->first = out->word;
        out->first_bytes = out->word_bytes;
    }
    return true;
}
