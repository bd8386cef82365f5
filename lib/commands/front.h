// The front end: where the shell's text goes, and lines come from. The commands, the language and the pipes know no other way to a
// person, so that the same ones serve the machine's terminal (apps/shell), nobody at all (apps/script), a test, or a window.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"
#include "lib/shell/syntax.h"

// What came of asking for a line.
enum front_event : uint8_t {
    FRONT_LINE,        // Enter
    FRONT_COMPLETE,    // the text up to the cursor: what may stand there is to be offered, and the line goes on
    FRONT_INTERRUPTED, // it was broken off
    FRONT_END,         // there will be no more lines of this session
    FRONT_REPLACED,    // nothing came; whoever shows the lines was started anew, and has been told what it must know
    FRONT_FAILED,      // nothing came; it may be better after a while
};

struct front_question {
    const char *prompt;
    bool resume; // goes on with the line that a completion was asked for
    bool secret; // not shown, not kept
};

struct front {
    // Whether somebody can be asked: lines are read, and long output waits for its reader. Without it `read` answers FRONT_END.
    bool interactive;

    // Writes all of it, or what can be written within a while: there is nobody to tell that it cannot. May block.
    void (*write)(const char *bytes, size_t len);

    // Asks for a line; its text is good until the next call of a service. May block as long as the person thinks.
    enum front_event (*read)(struct front_question question, struct shell_text *line);

    // What may stand in the place of that many bytes before the cursor: strings one after the other, each with its NUL.
    void (*offer)(uint32_t replace_bytes, uint32_t count, const char *candidates);

    // A line that was entered, to be brought back by its cursor keys.
    void (*remember)(const char *line, size_t len);

    // Empties the screen; ends what is on its way.
    status_t (*clear)(void);

    void (*size)(size_t *rows, size_t *columns);

    // Has the shell's notification told of Ctrl-C; what was told is forgotten when the console is replaced.
    void (*watch_interrupts)(void);
};

constexpr size_t FRONT_ROWS = 24; // of one that does not say
constexpr size_t FRONT_COLUMNS = 80;

