// What the parts of the interpreter share. Internal to lib/shell.
#pragma once

#include "lib/shell/interpreter.h"

// ---- expand.c: from the words of the tree to those that a command gets ----

// The words lie in the arena. False when that cannot be done, which then was said.
bool expand_words(struct interpreter *interpreter, const struct shell_word *words, size_t *count, const char *const **out);

// The same as one text, which nothing splits; null.
const char *expand_text(struct interpreter *interpreter, const struct shell_word *word);

// ---- internal.c ----

typedef int internal_fn(struct interpreter *interpreter, size_t count, const char *const *words);

// The language's own command of this name; null when there is none.
internal_fn *internal_find(const char *name);

// ---- interpreter.c ----

// Carries out the commands of $(...).
int interpreter_commands(struct interpreter *interpreter, const struct shell_node *list);

[[gnu::format(printf, 2, 3)]] bool interpreter_complain(struct interpreter *interpreter, const char *format, ...);
