// What is being typed at the end of a line, for completion.
#pragma once

#include <stddef.h>

struct shell_cursor {
    size_t index;     // of the word in its command, 0 the command's name
    const char *word; // its beginning in the line
    size_t word_bytes;
    const char *first; // the command's name
    size_t first_bytes;
    bool file; // it is the name of a file, behind < or >
    bool quoted; // the end of the line is inside of quotes; then of the rest only `first` is known
};

// False when the end of the line is inside of quotes or a comment.
[[nodiscard]] bool shell_cursor(const char *line, size_t len, struct shell_cursor *out);
