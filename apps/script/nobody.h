// Nobody as a shell's front end.
#pragma once

#include "lib/commands/front.h"

extern const struct front nobody;

// Finds the `console` that this program was granted.
void nobody_open(void);
