// Lines of UTF-8 as a terminal shows them: clusters (a character with the combining marks that follow
// it) and columns. Pure functions over valid UTF-8; what is not valid counts as one column a byte.
#pragma once

#include <stddef.h>

// Where the cluster after / before byte `at` begins; `at` itself at the end / the beginning.
size_t text_next(const char *text, size_t len, size_t at);
size_t text_prev(const char *text, size_t at);

// Columns of the bytes from `from` up to `to`.
size_t text_width(const char *text, size_t from, size_t to);

// The first cluster boundary at or after `from` by which `columns` columns are passed, at most `len`.
size_t text_skip_columns(const char *text, size_t len, size_t from, size_t columns);

// Ends of words: runs of letters, digits and everything that is not ASCII.
size_t text_word_end(const char *text, size_t len, size_t at);
size_t text_word_start(const char *text, size_t at);

// Beginning of the blank-separated word before `at`, for Ctrl-W and completion.
size_t text_blank_word_start(const char *text, size_t at);
