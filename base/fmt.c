// One pass over the format: literal runs go straight to the sink; a conversion is parsed into a
// struct spec, turned into digits in a small buffer, and padded on its way out.
#include "base/fmt.h"

#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct output {
    fmt_sink_fn *sink;
    void *context;
    size_t total;
};

struct spec {
    bool left;
    bool zero;
    bool plus;
    bool space;
    bool alternate;
    size_t width;
    bool has_precision;
    size_t precision;
    unsigned length_bytes; // of the integer argument
};

// Longer fields are cut: a width taken from a number that went wrong must not print for hours.
constexpr size_t FIELD_LIMIT = 1024;

static void put(struct output *out, const char *bytes, size_t len) {
    if (len != 0) {
        out->sink(out->context, bytes, len);
        out->total += len;
    }
}

static void put_repeated(struct output *out, char c, size_t count) {
    char run[16];
    memset(run, c, sizeof(run));
    for (; count > sizeof(run); count -= sizeof(run)) {
        put(out, run, sizeof(run));
    }
    put(out, run, count);
}

static void put_padded(struct output *out, const struct spec *spec, const char *bytes, size_t len) {
    size_t padding = spec->width > len ? spec->width - len : 0;
    if (!spec->left) {
        put_repeated(out, ' ', padding);
    }
    put(out, bytes, len);
    if (spec->left) {
        put_repeated(out, ' ', padding);
    }
}

static void put_integer(struct output *out, const struct spec *spec, uint64_t value, unsigned radix, bool upper,
                        const char *prefix) {
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[22]; // 64 bits in octal
    size_t at = sizeof(digits);
    while (value != 0) {
        digits[--at] = alphabet[value % radix];
        value /= radix;
    }
    size_t digit_count = sizeof(digits) - at;
    size_t prefix_len = strlen(prefix);
    size_t least = spec->has_precision ? spec->precision : 1;
    if (spec->zero && !spec->left && !spec->has_precision && spec->width > prefix_len + least) {
        least = spec->width - prefix_len;
    }
    size_t zeros = least > digit_count ? least - digit_count : 0;
    size_t len = prefix_len + zeros + digit_count;
    size_t padding = spec->width > len ? spec->width - len : 0;
    if (!spec->left) {
        put_repeated(out, ' ', padding);
    }
    put(out, prefix, prefix_len);
    put_repeated(out, '0', zeros);
    put(out, digits + at, digit_count);
    if (spec->left) {
        put_repeated(out, ' ', padding);
    }
}

static void put_signed(struct output *out, const struct spec *spec, int64_t value) {
    const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    put_integer(out, spec, magnitude, 10, false, sign);
}

static void put_string(struct output *out, const struct spec *spec, const char *s) {
    if (s == nullptr) {
        s = "(null)";
    }
    put_padded(out, spec, s, spec->has_precision ? strnlen(s, spec->precision) : strlen(s));
}

static size_t parse_number(const char **format) {
    size_t value = 0;
    for (; char_is_digit(**format); (*format)++) {
        if (value < FIELD_LIMIT) {
            value = value * 10 + (size_t)(**format - '0');
        }
    }
    return value < FIELD_LIMIT ? value : FIELD_LIMIT;
}

static const char *parse_flags(const char *format, struct spec *spec) {
    for (;; format++) {
        switch (*format) {
        case '-': spec->left = true; break;
        case '0': spec->zero = true; break;
        case '+': spec->plus = true; break;
        case ' ': spec->space = true; break;
        case '#': spec->alternate = true; break;
        default: return format;
        }
    }
}

static const char *parse_length(const char *format, struct spec *spec) {
    switch (*format) {
    case 'h':
        if (format[1] == 'h') {
            spec->length_bytes = sizeof(char);
            return format + 2;
        }
        spec->length_bytes = sizeof(short);
        return format + 1;
    case 'l':
        if (format[1] == 'l') {
            spec->length_bytes = sizeof(long long);
            return format + 2;
        }
        spec->length_bytes = sizeof(long);
        return format + 1;
    case 'z': spec->length_bytes = sizeof(size_t); return format + 1;
    case 'j': spec->length_bytes = sizeof(intmax_t); return format + 1;
    case 't': spec->length_bytes = sizeof(ptrdiff_t); return format + 1;
    default: spec->length_bytes = sizeof(int); return format;
    }
}

// Cuts the promoted argument to the width that the length modifier names.
static uint64_t narrow_unsigned(uint64_t value, unsigned bytes) {
    return bytes >= 8 ? value : value & ((UINT64_C(1) << (bytes * 8)) - 1);
}

static int64_t narrow_signed(int64_t value, unsigned bytes) {
    unsigned shift = 64 - bytes * 8;
    return (int64_t)((uint64_t)value << shift) >> shift;
}

[[gnu::format(printf, 3, 0)]] size_t fmt_vprint(fmt_sink_fn *sink, void *context, const char *format, va_list args) {
    struct output out = {.sink = sink, .context = context};
    for (;;) {
        const char *literal = format;
        while (*format != '\0' && *format != '%') {
            format++;
        }
        put(&out, literal, (size_t)(format - literal));
        if (*format == '\0') {
            return out.total;
        }
        const char *start = format;
        struct spec spec = {};
        format = parse_flags(format + 1, &spec);
        if (*format == '*') {
            int width = va_arg(args, int);
            spec.left |= width < 0;
            size_t magnitude = width < 0 ? -(size_t)width : (size_t)width;
            spec.width = magnitude < FIELD_LIMIT ? magnitude : FIELD_LIMIT;
            format++;
        } else {
            spec.width = parse_number(&format);
        }
        if (*format == '.') {
            format++;
            spec.has_precision = true;
            if (*format == '*') {
                int precision = va_arg(args, int);
                spec.has_precision = precision >= 0; // a negative one counts as absent
                spec.precision = precision >= 0 ? (size_t)precision : 0;
                format++;
            } else {
                spec.precision = parse_number(&format);
            }
        }
        format = parse_length(format, &spec);
        char conversion = *format;
        if (conversion != '\0') {
            format++;
        }
        switch (conversion) {
        case 'd':
        case 'i': {
            int64_t value = spec.length_bytes > sizeof(int) ? va_arg(args, long long) : va_arg(args, int);
            put_signed(&out, &spec, narrow_signed(value, spec.length_bytes));
            break;
        }
        case 'u':
        case 'x':
        case 'X':
        case 'o': {
            uint64_t value = spec.length_bytes > sizeof(int) ? va_arg(args, unsigned long long)
                                                             : va_arg(args, unsigned);
            value = narrow_unsigned(value, spec.length_bytes);
            unsigned radix = conversion == 'u' ? 10 : conversion == 'o' ? 8 : 16;
            const char *prefix = !spec.alternate || value == 0 ? "" : conversion == 'x' ? "0x"
                                 : conversion == 'X'           ? "0X"
                                 : conversion == 'o'           ? "0"
                                                               : "";
            put_integer(&out, &spec, value, radix, conversion == 'X', prefix);
            break;
        }
        case 'p': put_integer(&out, &spec, (uintptr_t)va_arg(args, void *), 16, false, "0x"); break;
        case 'c': {
            char c = (char)va_arg(args, int);
            put_padded(&out, &spec, &c, 1);
            break;
        }
        case 's': put_string(&out, &spec, va_arg(args, const char *)); break;
        case '%': put(&out, "%", 1); break;
        default: put(&out, start, (size_t)(format - start)); break;
        }
    }
}

size_t fmt_print(fmt_sink_fn *sink, void *context, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t total = fmt_vprint(sink, context, format, args);
    va_end(args);
    return total;
}

struct buffer {
    char *bytes;
    size_t size;
    size_t used;
};

static void put_in_buffer(void *context, const char *bytes, size_t len) {
    struct buffer *buffer = context;
    size_t room = buffer->size - buffer->used;
    size_t copied = len < room ? len : room;
    if (copied != 0) { // with no room there need not be a buffer at all
        memcpy(buffer->bytes + buffer->used, bytes, copied);
        buffer->used += copied;
    }
}

[[gnu::format(printf, 3, 0)]] size_t fmt_vsnprintf(char *bytes, size_t size, const char *format, va_list args) {
    struct buffer buffer = {.bytes = bytes, .size = size == 0 ? 0 : size - 1};
    size_t total = fmt_vprint(put_in_buffer, &buffer, format, args);
    if (size != 0) {
        bytes[buffer.used] = '\0';
    }
    return total;
}

size_t fmt_snprintf(char *buffer, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t total = fmt_vsnprintf(buffer, size, format, args);
    va_end(args);
    return total;
}
