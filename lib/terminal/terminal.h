// The logic of a shared terminal: output of many programs and one line being edited, on one screen.
//
// Output appears above the line: the line is taken off the screen, the output printed, and the line put
// back when things have settled. Programs cannot take the terminal over: of escape sequences they get
// colours only, and what is no proper text is replaced. Input that nobody reads yet is kept (Ctrl-C
// discards it and is reported at once). All queues are bounded, and what is lost is counted and shown.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/lineedit/lineedit.h"
#include "lib/serial/byte_ring.h"

constexpr size_t TERMINAL_OUTPUT_BYTES = 32 * 1024;
constexpr size_t TERMINAL_EDITOR_BYTES = 16 * 1024; // of the output queue, kept free for the editor
constexpr size_t TERMINAL_INPUT_BYTES = 4096;

struct terminal {
    bool reading;     // somebody waits for a line
    bool hidden;      // the line was taken off the screen for output
    bool line_start;  // the cursor is in the first column (when no line is shown)
    bool interrupted; // Ctrl-C came while nobody was reading
    uint64_t lost_input;
    uint64_t lost_input_shown;
    uint64_t lost_output;
    struct byte_ring output; // to the device
    struct byte_ring input;  // typed ahead
    struct lineedit edit;
    uint8_t output_bytes[TERMINAL_OUTPUT_BYTES];
    uint8_t input_bytes[TERMINAL_INPUT_BYTES];
};

void terminal_init(struct terminal *terminal, size_t columns);

// Prints text. Returns how many bytes were taken: fewer than `len` when the output queue is full.
size_t terminal_write(struct terminal *terminal, const char *bytes, size_t len);

// Whether terminal_write would take anything.
bool terminal_writable(const struct terminal *terminal);

// One byte from the device.
void terminal_input(struct terminal *terminal, char byte);

// Whether Ctrl-C came while nobody was reading, since the last question.
bool terminal_take_interrupt(struct terminal *terminal);

// Starts reading a line, or goes on with the suspended one (a new one if there is none).
void terminal_read(struct terminal *terminal, const char *prompt, size_t prompt_bytes, bool resume);

// Starts reading a line that is neither shown nor kept; terminal_forget it when it has been read.
void terminal_read_secret(struct terminal *terminal, const char *prompt, size_t prompt_bytes);
void terminal_forget(struct terminal *terminal);

// Gives up reading; the line is dropped.
void terminal_stop_reading(struct terminal *terminal);

// Works through input while somebody reads. Anything but LINE_NONE ends the reading.
enum line_event terminal_advance(struct terminal *terminal);

// Offers candidates for the suspended line (lineedit_offer). False when the output queue has no room.
[[nodiscard]] bool terminal_offer(struct terminal *terminal, size_t replace_bytes, const char *candidates,
                                  size_t count);

void terminal_clear(struct terminal *terminal);

// Puts the line back after output. Call when nothing more is to be printed at once.
void terminal_settle(struct terminal *terminal);
