#include "base/utf8.h"

static bool is_continuation(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

// The second byte has a narrower range after four of the lead bytes (RFC 3629, section 4); holding
// it there shuts out overlong forms, surrogates and everything beyond U+10FFFF.
static bool second_byte_fits(unsigned char lead, unsigned char second) {
    switch (lead) {
    case 0xe0: return second >= 0xa0 && second <= 0xbf;
    case 0xed: return second >= 0x80 && second <= 0x9f;
    case 0xf0: return second >= 0x90 && second <= 0xbf;
    case 0xf4: return second >= 0x80 && second <= 0x8f;
    default: return (second & 0xc0) == 0x80;
    }
}

enum utf8_result utf8_decode(const char *bytes, size_t len, uint32_t *out_code, size_t *out_len) {
    *out_code = UTF8_REPLACEMENT;
    *out_len = 0;
    if (len == 0) {
        return UTF8_INCOMPLETE;
    }
    unsigned char lead = (unsigned char)bytes[0];
    *out_len = 1;
    if (lead < 0x80) {
        *out_code = lead;
        return UTF8_OK;
    }
    size_t wanted;
    uint32_t code;
    if (lead >= 0xc2 && lead <= 0xdf) {
        wanted = 2;
        code = lead & 0x1f;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        wanted = 3;
        code = lead & 0x0f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        wanted = 4;
        code = lead & 0x07;
    } else {
        return UTF8_INVALID;
    }
    for (size_t i = 1; i < wanted; i++) {
        if (i == len) {
            *out_len = len;
            return UTF8_INCOMPLETE;
        }
        bool fits = i == 1 ? second_byte_fits(lead, (unsigned char)bytes[1]) : is_continuation(bytes[i]);
        if (!fits) {
            *out_len = i;
            return UTF8_INVALID;
        }
        code = code << 6 | ((unsigned char)bytes[i] & 0x3f);
    }
    *out_code = code;
    *out_len = wanted;
    return UTF8_OK;
}

size_t utf8_encode(uint32_t code, char out[UTF8_MAX_BYTES]) {
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        code = UTF8_REPLACEMENT;
    }
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

bool utf8_valid(const char *bytes, size_t len) {
    while (len != 0) {
        uint32_t code;
        size_t step;
        if (utf8_decode(bytes, len, &code, &step) != UTF8_OK) {
            return false;
        }
        bytes += step;
        len -= step;
    }
    return true;
}

struct range {
    uint32_t first;
    uint32_t last;
};

// Blocks, not single code points: a terminal's own table differs from any other in the details, and
// these are the ranges on which they all agree.
static const struct range zero_width[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f}, {0x0e31, 0x0e31},
    {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e},
    {0x2060, 0x2064}, {0x20d0, 0x20f0}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};

static const struct range double_width[] = {
    {0x1100, 0x115f}, {0x231a, 0x231b}, {0x2329, 0x232a}, {0x23e9, 0x23ec}, {0x25fd, 0x25fe},
    {0x2614, 0x2615}, {0x2648, 0x2653}, {0x26aa, 0x26ab}, {0x26bd, 0x26be}, {0x26c4, 0x26c5},
    {0x2705, 0x2705}, {0x2728, 0x2728}, {0x274c, 0x274c}, {0x2753, 0x2755}, {0x2795, 0x2797},
    {0x2b1b, 0x2b1c}, {0x2b50, 0x2b50}, {0x2b55, 0x2b55}, {0x2e80, 0x303e}, {0x3041, 0x33ff},
    {0x3400, 0x4dbf}, {0x4e00, 0x9fff}, {0xa000, 0xa4cf}, {0xa960, 0xa97c}, {0xac00, 0xd7a3},
    {0xf900, 0xfaff}, {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x16fe0, 0x18aff},
    {0x1b000, 0x1b2ff}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a},
    {0x1f200, 0x1f320}, {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca},
    {0x1f3e0, 0x1f3f0}, {0x1f3f8, 0x1f43e}, {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d},
    {0x1f550, 0x1f567}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6d0, 0x1f6df}, {0x1f6eb, 0x1f6fc},
    {0x1f7e0, 0x1f7eb}, {0x1f90c, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

static bool in_ranges(uint32_t code, const struct range *ranges, size_t count) {
    while (count != 0) {
        size_t middle = count / 2;
        if (code < ranges[middle].first) {
            count = middle;
        } else if (code > ranges[middle].last) {
            ranges += middle + 1;
            count -= middle + 1;
        } else {
            return true;
        }
    }
    return false;
}

unsigned utf8_width(uint32_t code) {
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
        return 0;
    }
    if (code < 0x300) {
        return 1;
    }
    if (in_ranges(code, zero_width, sizeof(zero_width) / sizeof(zero_width[0]))) {
        return 0;
    }
    return in_ranges(code, double_width, sizeof(double_width) / sizeof(double_width[0])) ? 2 : 1;
}
