#include "lib/reflect/scan.h"

#include "base/fmt.h"
#include "base/str.h"

// Columns are counted in characters, from 1, as a person would.
static unsigned column(const struct scan *scan, size_t at) {
    unsigned count = 1;
    for (size_t i = 0; i < at; i++) {
        count += ((unsigned char)scan->text[i] & 0xc0) != 0x80;
    }
    return count;
}

bool scan_fail(struct scan *scan, size_t at, const char *format, ...) {
    const size_t len = fmt_snprintf(scan->error, REFLECT_ERROR_BYTES, "column %u: ", column(scan, at));
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(scan->error + len, REFLECT_ERROR_BYTES - len, format, args);
    va_end(args);
    return false;
}

static bool is_name_start(char c) {
    return char_is_alpha(c) || c == '_';
}

static bool is_name(char c) {
    return char_is_alnum(c) || c == '_';
}

static char at(const struct scan *scan, size_t where) {
    return where < scan->len ? scan->text[where] : '\0';
}

char scan_next(struct scan *scan) {
    for (; scan->at < scan->len; scan->at++) {
        if (scan->text[scan->at] == '#') {
            while (scan->at + 1 < scan->len && scan->text[scan->at + 1] != '\n') {
                scan->at++;
            }
        } else if (!char_is_space(scan->text[scan->at])) {
            break;
        }
    }
    return at(scan, scan->at);
}

bool scan_take(struct scan *scan, char c) {
    if (scan_next(scan) != c || scan->at == scan->len) {
        return false;
    }
    scan->at++;
    return true;
}

struct capnp_text scan_name(struct scan *scan) {
    const size_t begin = scan->at;
    if (is_name_start(scan_next(scan))) {
        const size_t from = scan->at;
        while (is_name(at(scan, scan->at))) {
            scan->at++;
        }
        return (struct capnp_text){scan->text + from, scan->at - from};
    }
    return (struct capnp_text){scan->text + begin, 0};
}

bool scan_is_last(const struct scan *scan) {
    for (size_t i = scan->at; i < scan->len; i++) {
        if (!is_name(scan->text[i]) && !(i == scan->at && scan->text[i] == '$')) {
            return false;
        }
    }
    return true;
}

// Behind the quote that closes what begins here; the end when nothing does.
static size_t skip_quoted(const struct scan *scan, size_t where) {
    for (where++; where < scan->len && scan->text[where] != '"'; where++) {
        where += scan->text[where] == '\\';
    }
    return where < scan->len ? where + 1 : scan->len;
}

uint32_t scan_count_elements(const struct scan *scan) {
    struct scan look = *scan;
    uint32_t count = 0, depth = 0;
    bool open = false; // an element has begun
    for (char c = scan_next(&look); look.at < look.len; c = scan_next(&look)) {
        if (depth == 0 && (c == ']' || c == ',')) {
            count += open;
            open = false;
            if (c == ']') {
                return count;
            }
        } else {
            open = true;
            depth += c == '(' || c == '[';
            depth -= (c == ')' || c == ']') && depth > 0;
        }
        look.at = c == '"' ? skip_quoted(&look, look.at) : look.at + 1;
    }
    return count + open;
}

// ---- numbers ----

static bool all_digits(struct capnp_text text, unsigned base) {
    bool good = text.len > 0;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.bytes[i], lower = (char)(c | 0x20);
        good = good && (char_is_digit(c) ? (unsigned)(c - '0') < base : base == 16 && lower >= 'a' && lower <= 'f');
    }
    return good;
}

static void whole_number(struct capnp_text digits, unsigned base, struct scan_number *out) {
    out->whole = true;
    for (size_t i = 0; i < digits.len; i++) {
        const char c = digits.bytes[i];
        const unsigned digit = char_is_digit(c) ? (unsigned)(c - '0') : (unsigned)(c | 0x20) - 'a' + 10;
        out->huge = out->huge || __builtin_mul_overflow(out->size, base, &out->size) ||
                    __builtin_add_overflow(out->size, digit, &out->size);
    }
}

static size_t digit_count(struct capnp_text text, size_t from) {
    size_t count = 0;
    while (from + count < text.len && char_is_digit(text.bytes[from + count])) {
        count++;
    }
    return count;
}

// Digits, maybe a point and digits, maybe an exponent.
static bool is_floating(struct capnp_text text) {
    size_t i = digit_count(text, 0);
    if (i == 0) {
        return false;
    }
    i += i < text.len && text.bytes[i] == '.' ? 1 + digit_count(text, i + 1) : 0;
    if (i == text.len) {
        return true;
    }
    const bool exponent = text.bytes[i] == 'e' || text.bytes[i] == 'E';
    i++;
    i += i < text.len && (text.bytes[i] == '+' || text.bytes[i] == '-');
    return exponent && i < text.len && i + digit_count(text, i) == text.len;
}

// As many characters as look like one number, so that an error names them all.
static struct capnp_text number_word(struct scan *scan) {
    const size_t begin = scan->at;
    const bool hex = at(scan, begin) == '0' && (at(scan, begin + 1) | 0x20) == 'x';
    for (char c = at(scan, scan->at); is_name(c) || c == '.'; c = at(scan, scan->at)) {
        const char sign = at(scan, scan->at + 1);
        scan->at += !hex && (c == 'e' || c == 'E') && (sign == '+' || sign == '-') ? 2 : 1;
    }
    return (struct capnp_text){scan->text + begin, scan->at - begin};
}

bool scan_number(struct scan *scan, struct scan_number *out) {
    const size_t begin = scan->at;
    const struct capnp_text word = number_word(scan);
    const struct capnp_text hex = word.len > 2 ? (struct capnp_text){word.bytes + 2, word.len - 2} : (struct capnp_text){};
    *out = (struct scan_number){.digits = {word.bytes, 0}};
    if (word.len > 2 && word.bytes[0] == '0' && word.bytes[1] == 'x' && all_digits(hex, 16)) {
        whole_number(hex, 16, out);
    } else if (word.len > 1 && word.bytes[0] == '0' && all_digits(word, 8)) {
        whole_number(word, 8, out);
    } else if (all_digits(word, 10) && (word.len == 1 || word.bytes[0] != '0')) {
        whole_number(word, 10, out);
        out->digits = word;
    } else if (is_floating(word) && !all_digits(word, 10)) {
        out->digits = word;
    } else {
        return scan_fail(scan, begin, "`%.*s` is no number", word.len < 40 ? (int)word.len : 40, word.bytes);
    }
    return true;
}

// ---- texts and bytes ----

static bool digit_of(char c, unsigned base, unsigned *value) {
    const char lower = (char)(c | 0x20);
    *value = char_is_digit(c) ? (unsigned)(c - '0') : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a' + 10) : 99;
    return *value < base;
}

// The scan stands behind the backslash; leaves it behind the escape.
static bool escape(struct scan *scan, char *out) {
    static const char letters[] = "abfnrtv'\"\\?", values[] = "\a\b\f\n\r\t\v'\"\\?";
    const size_t begin = scan->at - 1;
    const char c = at(scan, scan->at++);
    const char *letter = c == '\0' ? nullptr : strchr(letters, c);
    unsigned value, next;
    if (letter != nullptr) {
        *out = values[letter - letters];
        return true;
    }
    if (c == 'x') {
        if (!digit_of(at(scan, scan->at), 16, &value) || !digit_of(at(scan, scan->at + 1), 16, &next)) {
            return scan_fail(scan, begin, "\\x needs two hexadecimal digits");
        }
        scan->at += 2;
        *out = (char)(value << 4 | next);
        return true;
    }
    if (!digit_of(c, 8, &value)) {
        return scan_fail(scan, begin, "there is no such escape; a backslash itself is \\\\");
    }
    for (unsigned i = 0; i < 2 && digit_of(at(scan, scan->at), 8, &next); i++, scan->at++) {
        value = value << 3 | next;
    }
    *out = (char)value;
    return value <= 0xff || scan_fail(scan, begin, "a byte is at most \\377");
}

bool scan_string(struct scan *scan, char *to, size_t *len) {
    *len = 0;
    while (scan_next(scan) == '"') {
        const size_t quote = scan->at++;
        while (at(scan, scan->at) != '"' || scan->at == scan->len) {
            if (scan->at >= scan->len || scan->text[scan->at] == '\n') {
                return scan_fail(scan, quote, "the quote \" is never closed");
            }
            char c = scan->text[scan->at++];
            if (c == '\\' && !escape(scan, &c)) {
                return false;
            }
            if (to != nullptr) {
                to[*len] = c;
            }
            ++*len;
        }
        scan->at++;
    }
    return true;
}

bool scan_is_bytes(const struct scan *scan) {
    return at(scan, scan->at) == '0' && at(scan, scan->at + 1) == 'x' && at(scan, scan->at + 2) == '"';
}

bool scan_bytes(struct scan *scan, uint8_t *to, size_t *len) {
    *len = 0;
    scan->at += 3;
    for (;;) {
        unsigned high, low;
        while (char_is_space(at(scan, scan->at))) {
            scan->at++;
        }
        if (at(scan, scan->at) == '"') {
            break;
        }
        if (!digit_of(at(scan, scan->at), 16, &high) || !digit_of(at(scan, scan->at + 1), 16, &low)) {
            return scan_fail(scan, scan->at, "expected two hexadecimal digits, or \" at the end of the bytes");
        }
        if (to != nullptr) {
            to[*len] = (uint8_t)(high << 4 | low);
        }
        ++*len;
        scan->at += 2;
    }
    scan->at++;
    return true;
}
