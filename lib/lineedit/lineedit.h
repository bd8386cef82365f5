// A line editor as a pure state machine: bytes of a terminal in, terminal output and events out.
//
// Keys: cursor keys, Home, End, Delete; Ctrl-A E B F D H K U W Y L T P N R G; Alt-B F D Backspace; Tab. Lines
// that do not fit the terminal scroll sideways, with `<` and `>` where more of them lies. A line is at
// most LINE_BYTES long: what goes beyond is refused with a beep, and Enter then says so instead of
// returning half a line.
//
// The editor is idle (lineedit_input takes nothing) from an event until lineedit_begin or
// lineedit_resume. All output goes through the sink given at the beginning. Nothing allocates.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/lineedit/history.h"
#include "lib/lineedit/keys.h"
#include "lib/lineedit/row.h"

constexpr size_t LINE_BYTES = 1024;
constexpr size_t LINE_PROMPT_BYTES = 128;
constexpr size_t LINE_SEARCH_BYTES = 64;
constexpr size_t LINE_COLUMNS_MIN = 20;
constexpr size_t LINE_COLUMNS_MAX = 240;

enum line_event : uint8_t {
    LINE_NONE,
    LINE_ENTERED,     // the line is complete; the cursor is below it
    LINE_COMPLETE,    // Tab: lineedit_offer if there is something to offer, then lineedit_resume
    LINE_INTERRUPTED, // Ctrl-C; the line is dropped
    LINE_END,         // Ctrl-D on an empty line
};

struct line_text {
    size_t len;
    char bytes[LINE_BYTES];
};

struct lineedit {
    size_t columns;
    bool active;      // a line is being edited
    bool suspended;   // it waits for lineedit_resume
    bool visible;     // it is on the screen
    bool overflow;    // bytes were refused since the last deletion
    bool killing;     // the last key removed text: the next adds to it
    bool searching;
    bool secret;      // nothing of the line is shown or kept, and only plain keys are obeyed
    size_t cursor;    // byte offset of a cluster in `line`
    size_t scroll;    // byte offset of the first cluster shown
    size_t recalled;  // index of the history line shown; history.count when it is none
    size_t found;     // search: index of the line found, or history.count
    size_t prompt_bytes;
    size_t search_bytes;
    struct line_text line;
    struct line_text draft; // what was typed before going through the history
    struct line_text killed;
    char prompt[LINE_PROMPT_BYTES];
    char search[LINE_SEARCH_BYTES];
    struct key_decoder decoder;
    struct history history;
    struct row row;
};

// `columns` is brought into LINE_COLUMNS_MIN .. LINE_COLUMNS_MAX.
void lineedit_init(struct lineedit *edit, size_t columns, row_sink_fn *sink, void *context);

// Starts an empty line behind a prompt (bytes that cannot be shown are left out). The cursor must be in
// the first column.
void lineedit_begin(struct lineedit *edit, const char *prompt, size_t prompt_bytes);

// The same for a password: what is typed is not shown, and there is neither history nor completion. The owner forgets the line
// when it has been read.
void lineedit_begin_secret(struct lineedit *edit, const char *prompt, size_t prompt_bytes);
void lineedit_forget(struct lineedit *edit);

// Goes on with the line after LINE_COMPLETE; does nothing when there is none.
void lineedit_resume(struct lineedit *edit);

// Whether a line waits to be resumed.
bool lineedit_suspended(const struct lineedit *edit);

// Drops a suspended line, as Ctrl-C drops one that is being typed. False: there is none.
bool lineedit_drop(struct lineedit *edit);

// Takes bytes until they are used up or something happened. Returns how many it took.
size_t lineedit_input(struct lineedit *edit, const char *bytes, size_t len, enum line_event *event);

// The line and the cursor; not terminated, good until the next call. After LINE_COMPLETE, LINE_ENTERED.
const char *lineedit_line(const struct lineedit *edit, size_t *len, size_t *cursor);

// Candidates (`count` strings with their NULs) for the `replace_bytes` before the cursor of a suspended
// line: what they share is put in when that is more than is there, else they are listed above the line.
void lineedit_offer(struct lineedit *edit, size_t replace_bytes, const char *candidates, size_t count);

// Takes the line off the screen, and back, so that others may print whole lines in between.
void lineedit_hide(struct lineedit *edit);
void lineedit_show(struct lineedit *edit);

// Empties the screen; the line, if one is edited, is drawn again at its top.
void lineedit_clear_screen(struct lineedit *edit);

void lineedit_add_history(struct lineedit *edit, const char *line, size_t len);
