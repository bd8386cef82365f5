// A line of a manifest as words. Internal to lib/manifest.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t LEX_WORDS_MAX = 40;
constexpr size_t LEX_LINE_MAX = 1024;

struct lex_word {
    const char *text; // terminated, in the line's buffer
    bool quoted;
};

struct lex_line {
    struct lex_word words[LEX_WORDS_MAX];
    size_t count;
    char buffer[LEX_LINE_MAX];
};

// Splits one line (without its newline) into words: runs of printable characters, or "..." with \" and
// \\ inside; `#` ends the line. Returns null, or what is wrong with it.
[[nodiscard]] const char *lex_split(const char *text, size_t len, struct lex_line *out);
