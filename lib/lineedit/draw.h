// What the parts of the line editor share about the screen. Internal to lib/lineedit.
#pragma once

#include "lib/lineedit/lineedit.h"

// Sends text to the terminal as it is.
void lineedit_put(struct lineedit *edit, const char *text);

// Brings the screen up to date with the line, if it is visible.
void lineedit_draw(struct lineedit *edit);

// Empties the screen without drawing the line.
void lineedit_put_clear(struct lineedit *edit);
