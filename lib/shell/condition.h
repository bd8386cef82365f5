// `test` and `[`: what `if` and `while` ask.
#pragma once

#include <stddef.h>

#include "lib/shell/syntax.h"

// Words behind `test`, without the `]` of `[`: [!] -n TEXT, -z TEXT, A = B, A != B, A -eq B (-ne -lt -le -gt -ge), or TEXT.
// 0 it is so, 1 it is not, 2 it cannot be told, with one line for people in `error`.
int shell_test(size_t count, const char *const *words, char error[SHELL_ERROR_BYTES]);
