// From the bytes of a terminal to keys: UTF-8, control characters, and the escape sequences of cursor
// and editing keys (ECMA-48, xterm, VT220). What is unknown or malformed is swallowed whole.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum key_kind : uint8_t {
    KEY_NONE,
    KEY_TEXT, // `text` has one code point
    KEY_ENTER,
    KEY_TAB,
    KEY_INTERRUPT, // Ctrl-C
    KEY_CANCEL,    // Ctrl-G
    KEY_END_INPUT, // Ctrl-D: delete, or end of input on an empty line
    KEY_LEFT,
    KEY_RIGHT,
    KEY_WORD_LEFT,
    KEY_WORD_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_UP,
    KEY_DOWN,
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_KILL_TO_END,
    KEY_KILL_TO_START,
    KEY_KILL_BLANK_WORD, // Ctrl-W
    KEY_KILL_WORD_LEFT,
    KEY_KILL_WORD_RIGHT,
    KEY_YANK,
    KEY_TRANSPOSE,
    KEY_CLEAR_SCREEN,
    KEY_SEARCH, // Ctrl-R
};

struct key {
    enum key_kind kind;
    uint8_t text_bytes;
    char text[4];
};

struct key_decoder {
    uint8_t state;
    uint8_t parameter_bytes;
    uint8_t pending_bytes;
    bool after_return; // a line feed that follows belongs to it
    bool pasting;      // between the marks of a bracketed paste: Tab is text
    char parameters[16];
    char pending[4];
};

void key_decoder_init(struct key_decoder *decoder);

// Takes one byte; true when it completed a key.
[[nodiscard]] bool key_decode(struct key_decoder *decoder, char byte, struct key *out);
