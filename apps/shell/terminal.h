// The machine's terminal as a shell's front end.
#pragma once

#include "lib/commands/front.h"

extern const struct front terminal;

// Finds the `console` that this program was granted, and has it tell the shell of Ctrl-C. False: it may only be written to.
bool terminal_open(void);
