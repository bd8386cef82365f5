// A command line as words.
//
// Blanks separate words. '...' takes everything as it is; "..." everything but \" and \\; outside of
// quotes a backslash takes the next character as it is. `#` at the beginning of a word starts a
// comment; `&` at the end of the line asks for the background. | < > ; are kept for later: they must be
// quoted.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t SHELL_WORDS_MAX = 32;
constexpr size_t SHELL_LINE_MAX = 1024;

struct shell_words {
    size_t count;
    const char *words[SHELL_WORDS_MAX + 1]; // terminated strings; a nullptr after the last
    bool background;
    char buffer[SHELL_LINE_MAX + SHELL_WORDS_MAX + 1];
};

constexpr size_t SHELL_ERROR_BYTES = 120;

// Splits a line. False, with one line for people in `error`, when it cannot be.
[[nodiscard]] bool shell_split(const char *line, size_t len, struct shell_words *out,
                               char error[SHELL_ERROR_BYTES]);

// What is being typed at the end of a line, for completion.
struct shell_cursor {
    size_t index;       // of the word, 0 the first
    const char *word;   // its beginning in the line
    size_t word_bytes;
    const char *first;  // the line's first word
    size_t first_bytes;
};

// False when the end of the line is inside of quotes or a comment.
[[nodiscard]] bool shell_cursor(const char *line, size_t len, struct shell_cursor *out);
