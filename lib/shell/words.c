#include "lib/shell/words.h"

#include "base/fmt.h"
#include "base/str.h"

struct scan {
    const char *line;
    size_t len;
    size_t at;
    struct shell_words *out;
    size_t used; // of out->buffer
    char *error;
};

// Columns are counted in characters, from 1, as a person would.
static unsigned column(const struct scan *scan, size_t at) {
    unsigned count = 1;
    for (size_t i = 0; i < at; i++) {
        count += ((unsigned char)scan->line[i] & 0xc0) != 0x80;
    }
    return count;
}

[[gnu::format(printf, 3, 4)]] static bool fail(struct scan *scan, size_t at, const char *format, ...) {
    size_t len = fmt_snprintf(scan->error, SHELL_ERROR_BYTES, "column %u: ", column(scan, at));
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(scan->error + len, SHELL_ERROR_BYTES - len, format, args);
    va_end(args);
    return false;
}

static void keep(struct scan *scan, char c) {
    scan->out->buffer[scan->used++] = c;
}

// The scan stands on the opening quote; leaves it after the closing one.
static bool quoted(struct scan *scan) {
    size_t begin = scan->at;
    char quote = scan->line[scan->at++];
    while (scan->at < scan->len && scan->line[scan->at] != quote) {
        if (quote == '"' && scan->line[scan->at] == '\\' && scan->at + 1 < scan->len &&
            (scan->line[scan->at + 1] == '"' || scan->line[scan->at + 1] == '\\')) {
            scan->at++;
        }
        keep(scan, scan->line[scan->at++]);
    }
    if (scan->at == scan->len) {
        return fail(scan, begin, "the quote %c is never closed", quote);
    }
    scan->at++;
    return true;
}

static bool is_reserved(char c) {
    return c == '|' || c == '<' || c == '>' || c == ';' || c == '&';
}

// One word; the scan stands on its first character.
static bool word(struct scan *scan) {
    while (scan->at < scan->len && !char_is_space(scan->line[scan->at])) {
        char c = scan->line[scan->at];
        if (c == '&') {
            return true;
        }
        if (is_reserved(c)) {
            return fail(scan, scan->at, "`%c` means nothing here; put it in quotes if it is meant as text", c);
        }
        if (c == '"' || c == '\'') {
            if (!quoted(scan)) {
                return false;
            }
            continue;
        }
        if (c == '\\') {
            scan->at++;
            if (scan->at == scan->len) {
                return fail(scan, scan->at - 1, "nothing follows the backslash");
            }
        }
        keep(scan, scan->line[scan->at++]);
    }
    return true;
}

static void skip_blanks(struct scan *scan) {
    while (scan->at < scan->len && char_is_space(scan->line[scan->at])) {
        scan->at++;
    }
}

// The scan stands on `&`.
static bool background(struct scan *scan) {
    size_t at = scan->at++;
    skip_blanks(scan);
    if (scan->at < scan->len && scan->line[scan->at] != '#') {
        return fail(scan, at, "`&` must be the last on the line; put it in quotes if it is meant as text");
    }
    if (scan->out->count == 0) {
        return fail(scan, at, "there is no command before `&`");
    }
    scan->out->background = true;
    scan->at = scan->len;
    return true;
}

bool shell_split(const char *line, size_t len, struct shell_words *out, char error[SHELL_ERROR_BYTES]) {
    struct scan scan = {.line = line, .len = len, .out = out, .error = error};
    out->count = 0;
    out->background = false;
    if (len > SHELL_LINE_MAX) {
        fmt_snprintf(error, SHELL_ERROR_BYTES, "the line is too long: at most %zu bytes", SHELL_LINE_MAX);
        return false;
    }
    for (skip_blanks(&scan); scan.at < len && line[scan.at] != '#'; skip_blanks(&scan)) {
        if (line[scan.at] == '&') {
            if (!background(&scan)) {
                return false;
            }
            continue;
        }
        if (out->count == SHELL_WORDS_MAX) {
            return fail(&scan, scan.at, "too many words: at most %zu", SHELL_WORDS_MAX);
        }
        out->words[out->count] = out->buffer + scan.used;
        if (!word(&scan)) {
            return false;
        }
        keep(&scan, '\0');
        out->count++;
    }
    out->words[out->count] = nullptr;
    return true;
}

bool shell_cursor(const char *line, size_t len, struct shell_cursor *out) {
    *out = (struct shell_cursor){.word = line + len};
    char quote = '\0';
    bool in_word = false;
    size_t words = 0;
    for (size_t i = 0; i < len; i++) {
        char c = line[i];
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
            continue;
        }
        if (char_is_space(c)) {
            if (in_word && words == 1) {
                out->first_bytes = (size_t)(line + i - out->first);
            }
            in_word = false;
            continue;
        }
        if (!in_word) {
            if (c == '#') {
                return false;
            }
            in_word = true;
            words++;
            out->word = line + i;
            out->first = words == 1 ? out->word : out->first;
        }
        quote = c == '"' || c == '\'' ? c : quote;
    }
    if (quote != '\0') {
        return false;
    }
    if (!in_word) {
        out->word = line + len;
        words++;
    }
    out->word_bytes = (size_t)(line + len - out->word);
    out->index = words - 1;
    if (out->index == 0) {
        out->first = out->word;
        out->first_bytes = out->word_bytes;
    }
    return true;
}
