// The shell's language, for whoever has lines or scripts to be carried out.
#pragma once

#include <stddef.h>

void language_init(void);

// Carries out what a person typed; returns its exit status. `*incomplete`: there must be more of it; nothing was done.
int language_run(const char *text, size_t len, bool *incomplete);

// Whether the last text ended with `exit`.
bool language_left(void);

// Carries out a script with arguments of its own; returns its exit status.
int language_script(const char *text, size_t len, size_t count, const char *const *arguments);
