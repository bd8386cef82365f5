// Whole numbers: what stands in $((...)).
#pragma once

#include "lib/shell/store.h"

// + - * / % and comparisons, in brackets, of 64-bit numbers and of variables that have one. False, with one line for people in
// `error`, when that cannot be done, or the result does not fit.
[[nodiscard]] bool shell_calculate(struct shell_text expression, const struct shell_store *variables, int64_t *out,
                                   char error[SHELL_ERROR_BYTES]);

// A whole number with a sign or none; nothing else.
[[nodiscard]] bool shell_parse_number(struct shell_text text, int64_t *out);
