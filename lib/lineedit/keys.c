#include "lib/lineedit/keys.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

enum state : uint8_t {
    GROUND,
    ESCAPE,         // ESC seen
    CONTROL,        // ESC [ seen: parameters, then a final byte
    SINGLE_SHIFT,   // ESC O seen
};

constexpr char BYTE_ESCAPE = 0x1b;
constexpr char BYTE_DELETE = 0x7f;

void key_decoder_init(struct key_decoder *decoder) {
    memset(decoder, 0, sizeof(*decoder));
}

static bool emit(struct key *out, enum key_kind kind) {
    *out = (struct key){.kind = kind};
    return kind != KEY_NONE;
}

static enum key_kind control_key(char byte) {
    static const enum key_kind keys[32] = {
        ['A' & 31] = KEY_HOME,          ['B' & 31] = KEY_LEFT,          ['C' & 31] = KEY_INTERRUPT,
        ['D' & 31] = KEY_END_INPUT,     ['E' & 31] = KEY_END,           ['F' & 31] = KEY_RIGHT,
        ['G' & 31] = KEY_CANCEL,        ['H' & 31] = KEY_BACKSPACE,     ['I' & 31] = KEY_TAB,
        ['J' & 31] = KEY_ENTER,         ['K' & 31] = KEY_KILL_TO_END,   ['L' & 31] = KEY_CLEAR_SCREEN,
        ['M' & 31] = KEY_ENTER,         ['N' & 31] = KEY_DOWN,          ['P' & 31] = KEY_UP,
        ['R' & 31] = KEY_SEARCH,        ['T' & 31] = KEY_TRANSPOSE,     ['U' & 31] = KEY_KILL_TO_START,
        ['W' & 31] = KEY_KILL_BLANK_WORD, ['Y' & 31] = KEY_YANK,
    };
    return byte == BYTE_DELETE ? KEY_BACKSPACE : keys[(unsigned char)byte];
}

// Cursor and editing keys: the final byte of ESC [ ... and ESC O, with Ctrl or Alt held or not.
static enum key_kind cursor_key(char final, bool modified) {
    switch (final) {
    case 'A': return KEY_UP;
    case 'B': return KEY_DOWN;
    case 'C': return modified ? KEY_WORD_RIGHT : KEY_RIGHT;
    case 'D': return modified ? KEY_WORD_LEFT : KEY_LEFT;
    case 'H': return KEY_HOME;
    case 'F': return KEY_END;
    default: return KEY_NONE;
    }
}

static enum key_kind tilde_key(struct key_decoder *decoder, uint64_t number) {
    switch (number) {
    case 1:
    case 7: return KEY_HOME;
    case 4:
    case 8: return KEY_END;
    case 3: return KEY_DELETE;
    case 200: decoder->pasting = true; return KEY_NONE;
    case 201: decoder->pasting = false; return KEY_NONE;
    default: return KEY_NONE;
    }
}

static bool decode_control(struct key_decoder *decoder, char byte, struct key *out) {
    if (byte >= 0x20 && byte <= 0x3f) {
        // Parameters; of an overlong sequence only the beginning is kept, none is believed.
        if (decoder->parameter_bytes < sizeof(decoder->parameters)) {
            decoder->parameters[decoder->parameter_bytes++] = byte;
        }
        return false;
    }
    decoder->state = GROUND;
    size_t len = decoder->parameter_bytes;
    size_t first = 0;
    while (first < len && char_is_digit(decoder->parameters[first])) {
        first++;
    }
    bool modified = first < len && decoder->parameters[first] == ';';
    if (byte != '~') {
        return emit(out, cursor_key(byte, modified));
    }
    uint64_t number;
    if (len == sizeof(decoder->parameters) || !str_parse_u64(decoder->parameters, first, &number)) {
        return false;
    }
    return emit(out, tilde_key(decoder, number));
}

static bool decode_escape(struct key_decoder *decoder, char byte, struct key *out) {
    decoder->state = GROUND;
    switch (byte) {
    case '[':
        decoder->state = CONTROL;
        decoder->parameter_bytes = 0;
        return false;
    case 'O': decoder->state = SINGLE_SHIFT; return false;
    case BYTE_ESCAPE: decoder->state = ESCAPE; return false;
    case 'b':
    case 'B': return emit(out, KEY_WORD_LEFT);
    case 'f':
    case 'F': return emit(out, KEY_WORD_RIGHT);
    case 'd':
    case 'D': return emit(out, KEY_KILL_WORD_RIGHT);
    case BYTE_DELETE: return emit(out, KEY_KILL_WORD_LEFT);
    default: return false;
    }
}

static bool emit_text(struct key *out, const char *bytes, size_t len) {
    *out = (struct key){.kind = KEY_TEXT, .text_bytes = (uint8_t)len};
    memcpy(out->text, bytes, len);
    return true;
}

// A byte of a multi-byte sequence. A sequence that goes wrong is dropped.
static bool decode_multibyte(struct key_decoder *decoder, char byte, struct key *out) {
    decoder->pending[decoder->pending_bytes++] = byte;
    uint32_t code;
    size_t len;
    enum utf8_result result = utf8_decode(decoder->pending, decoder->pending_bytes, &code, &len);
    if (result == UTF8_INCOMPLETE && decoder->pending_bytes < sizeof(decoder->pending)) {
        return false;
    }
    decoder->pending_bytes = 0;
    if (result != UTF8_OK || (code >= 0x80 && code < 0xa0)) {
        return false;
    }
    return emit_text(out, decoder->pending, len);
}

static bool decode_ground(struct key_decoder *decoder, char byte, struct key *out) {
    bool after_return = decoder->after_return;
    decoder->after_return = byte == '\r';
    bool continues = ((unsigned char)byte & 0xc0) == 0x80;
    if (!continues) {
        decoder->pending_bytes = 0;
    }
    if ((unsigned char)byte >= 0x80) {
        return decode_multibyte(decoder, byte, out);
    }
    if (byte == BYTE_ESCAPE) {
        decoder->state = ESCAPE;
        return false;
    }
    if (byte >= ' ' && byte < BYTE_DELETE) {
        return emit_text(out, &byte, 1);
    }
    if (byte == '\n' && after_return) {
        return false;
    }
    if (byte == '\t' && decoder->pasting) {
        return emit_text(out, " ", 1);
    }
    return emit(out, control_key(byte));
}

bool key_decode(struct key_decoder *decoder, char byte, struct key *out) {
    // A control character, Ctrl-C above all, works in the middle of anything.
    bool is_control = (unsigned char)byte < 0x20 && byte != BYTE_ESCAPE;
    if (decoder->state != GROUND && (is_control || (unsigned char)byte >= 0x80)) {
        decoder->state = GROUND;
    }
    switch ((enum state)decoder->state) {
    case ESCAPE: return decode_escape(decoder, byte, out);
    case CONTROL:
        if (byte == BYTE_ESCAPE) {
            decoder->state = ESCAPE;
            return false;
        }
        return decode_control(decoder, byte, out);
    case SINGLE_SHIFT:
        decoder->state = byte == BYTE_ESCAPE ? ESCAPE : GROUND;
        return emit(out, cursor_key(byte, false));
    case GROUND: break;
    }
    return decode_ground(decoder, byte, out);
}
