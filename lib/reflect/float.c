#include "lib/reflect/float.h"

#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"

// A number with all its decimal digits is multiplied and divided by powers of two until its binary digits stand before the
// point, or the other way round. Slower than tables of powers of ten, but short, and exact without further thought.

// No number of either format, and no middle between two, has more than 767 significant digits. Of further ones it only counts
// whether they are all zero.
constexpr uint32_t DIGITS_MAX = 800;

// 0.d1d2d3... * 10^point; no leading or trailing zeros, count 0 is zero.
struct decimal {
    uint32_t count;
    int32_t point;
    bool more; // digits other than 0 follow
    uint8_t digits[DIGITS_MAX];
};

struct format {
    uint32_t mantissa_bits, exponent_bits;
    int32_t bias;
    uint32_t few_digits, all_digits; // to be written
};

static const struct format formats[] = {
    [REFLECT_FLOAT32] = {23, 8, 127, 6, 8},
    [REFLECT_FLOAT64] = {52, 11, 1023, 15, 17},
};

static void trim(struct decimal *d) {
    while (d->count > 0 && d->digits[d->count - 1] == 0) {
        d->count--;
    }
    if (d->count == 0) {
        d->point = 0;
    }
}

static void append(struct decimal *d, uint8_t digit) {
    if (d->count < DIGITS_MAX) {
        d->digits[d->count++] = digit;
    } else {
        d->more = d->more || digit != 0;
    }
}

// ---- times and by powers of two; a step is small enough for ten times as much to fit into 64 bits ----

constexpr uint32_t SHIFT_MAX = 60;

static void divide_step(struct decimal *d, uint32_t shift) {
    const uint64_t mask = (1ull << shift) - 1;
    const uint32_t count = d->count;
    uint64_t rest = 0;
    uint32_t read = 0;
    for (; rest >> shift == 0; read++) { // the first digit of the result
        if (read >= count && rest == 0) {
            d->count = 0;
            d->point = 0;
            return;
        }
        rest = rest * 10 + (read < count ? d->digits[read] : 0);
    }
    d->point -= (int32_t)read - 1;
    d->count = 0; // what is written is behind what is read
    for (; read < count || rest != 0; read++) {
        const uint8_t next = read < count ? d->digits[read] : 0;
        append(d, (uint8_t)(rest >> shift));
        rest = (rest & mask) * 10 + next;
    }
    trim(d);
}

static void multiply_step(struct decimal *d, uint32_t shift) {
    uint8_t product[DIGITS_MAX + 20]; // 2^60 has 19 digits
    uint32_t at = sizeof(product);
    uint64_t carry = 0;
    for (uint32_t i = d->count; i > 0 || carry != 0;) {
        carry += i > 0 ? (uint64_t)d->digits[--i] << shift : 0;
        product[--at] = (uint8_t)(carry % 10);
        carry /= 10;
    }
    const uint32_t count = (uint32_t)sizeof(product) - at;
    d->point += (int32_t)(count - d->count);
    d->count = 0;
    for (uint32_t i = at; i < sizeof(product); i++) {
        append(d, product[i]);
    }
    trim(d);
}

static void shift(struct decimal *d, int32_t by) {
    for (; by > 0 && d->count > 0; by -= by < (int32_t)SHIFT_MAX ? by : (int32_t)SHIFT_MAX) {
        multiply_step(d, by < (int32_t)SHIFT_MAX ? (uint32_t)by : SHIFT_MAX);
    }
    for (; by < 0 && d->count > 0; by += -by < (int32_t)SHIFT_MAX ? -by : (int32_t)SHIFT_MAX) {
        divide_step(d, -by < (int32_t)SHIFT_MAX ? (uint32_t)-by : SHIFT_MAX);
    }
}

// ---- rounding ----

// Whether what follows the first `kept` digits makes them one more: a middle goes to the even one.
static bool rounds_up(const struct decimal *d, uint32_t kept) {
    if (kept >= d->count) {
        return false;
    }
    if (d->digits[kept] != 5 || kept + 1 < d->count || d->more) {
        return d->digits[kept] >= 5;
    }
    return kept > 0 && d->digits[kept - 1] % 2 == 1;
}

static void round_to(struct decimal *d, uint32_t kept) {
    if (kept >= d->count) {
        return;
    }
    bool up = rounds_up(d, kept);
    d->count = kept;
    d->more = false;
    while (up && d->count > 0 && d->digits[d->count - 1] == 9) {
        d->count--;
    }
    if (up && d->count > 0) {
        d->digits[d->count - 1]++;
    } else if (up) { // all were nines
        d->digits[d->count++] = 1;
        d->point++;
    }
    trim(d);
}

// The nearest integer, of a number below 2^63.
static uint64_t rounded_integer(const struct decimal *d) {
    uint64_t value = 0;
    for (int32_t i = 0; i < d->point; i++) {
        value = value * 10 + ((uint32_t)i < d->count ? d->digits[i] : 0);
    }
    return value + (d->point >= 0 && rounds_up(d, (uint32_t)d->point));
}

// ---- to bits ----

// Powers of two by which a number of so many digits is divided without becoming less than 1/10.
static int32_t safe_shift(int32_t digits) {
    static const uint8_t safe[] = {1, 3, 6, 9, 13, 16, 19, 23, 26};
    return digits < (int32_t)sizeof(safe) ? safe[digits] : 27;
}

static bool to_bits(struct decimal *d, const struct format *format, uint64_t *bits) {
    const int32_t exponent_end = (1 << format->exponent_bits) - 1 - format->bias;
    int32_t exponent = -1; // the number is 2 * m * 2^exponent, m from 1/2 to 1
    if (d->count == 0 || d->point < -330) {
        *bits = 0;
        return true;
    }
    if (d->point > 310) {
        return false;
    }
    while (d->point > 0) {
        const int32_t by = safe_shift(d->point);
        shift(d, -by);
        exponent += by;
    }
    while (d->point < 0 || d->digits[0] < 5) {
        const int32_t by = safe_shift(-d->point);
        shift(d, by);
        exponent -= by;
    }
    if (exponent < 1 - format->bias) { // a subnormal number
        shift(d, exponent - (1 - format->bias));
        exponent = 1 - format->bias;
    }
    shift(d, (int32_t)format->mantissa_bits + 1);
    uint64_t mantissa = rounded_integer(d);
    if (mantissa == 2ull << format->mantissa_bits) {
        mantissa >>= 1;
        exponent++;
    }
    if (exponent >= exponent_end) {
        return false;
    }
    const bool subnormal = mantissa >> format->mantissa_bits == 0;
    const uint64_t field = subnormal ? 0 : (uint64_t)(exponent + format->bias);
    *bits = field << format->mantissa_bits | (mantissa & ((1ull << format->mantissa_bits) - 1));
    return true;
}

bool reflect_float_read(const char *text, size_t len, enum reflect_float format, uint64_t *bits) {
    struct decimal d;
    bool fraction = false;
    size_t at = 0;
    d.count = 0;
    d.point = 0;
    d.more = false;
    for (; at < len && text[at] != 'e' && text[at] != 'E'; at++) {
        if (text[at] == '.') {
            fraction = true;
        } else if (d.count > 0 || text[at] != '0') {
            append(&d, (uint8_t)(text[at] - '0'));
            d.point += !fraction;
        } else {
            d.point -= fraction;
        }
    }
    if (at < len) {
        const bool negative = text[++at] == '-';
        int32_t exponent = 0;
        for (at += negative || text[at] == '+'; at < len; at++) {
            exponent = exponent < 100'000'000 ? exponent * 10 + (text[at] - '0') : exponent;
        }
        d.point += negative ? -exponent : exponent;
    }
    trim(&d);
    return to_bits(&d, &formats[format], bits);
}

// ---- from bits ----

static void from_bits(struct decimal *d, uint64_t mantissa, int32_t exponent) {
    char digits[24];
    const size_t len = fmt_snprintf(digits, sizeof(digits), "%llu", (unsigned long long)mantissa);
    d->count = 0;
    d->point = (int32_t)len;
    d->more = false;
    for (size_t i = 0; i < len; i++) {
        append(d, (uint8_t)(digits[i] - '0'));
    }
    trim(d);
    shift(d, exponent);
}

// As printf's %g with so many digits, but without the plus of an exponent.
static size_t put_digits(char *out, const struct decimal *d, uint32_t precision) {
    const int32_t exponent = d->point - 1;
    const bool scientific = exponent < -4 || exponent >= (int32_t)precision;
    const int32_t whole = scientific ? 1 : d->point; // digits before the point
    size_t len = 0;
    if (whole <= 0) {
        out[len++] = '0';
    }
    for (int32_t i = whole <= 0 ? whole : 0; i < (int32_t)d->count || i < whole; i++) {
        if (i == whole) {
            out[len++] = '.';
        }
        out[len++] = i >= 0 && i < (int32_t)d->count ? (char)('0' + d->digits[i]) : '0';
    }
    if (scientific) {
        const uint32_t size = (uint32_t)(exponent < 0 ? -exponent : exponent);
        len += fmt_snprintf(out + len, 8, "e%s%02u", exponent < 0 ? "-" : "", size);
    }
    out[len] = '\0';
    return len;
}

size_t reflect_float_write(char out[REFLECT_FLOAT_BYTES], uint64_t bits, enum reflect_float which) {
    const struct format *format = &formats[which];
    const uint64_t sign_bit = 1ull << (format->mantissa_bits + format->exponent_bits);
    const uint64_t fraction = bits & ((1ull << format->mantissa_bits) - 1), size = bits & (sign_bit - 1);
    const int32_t field = (int32_t)(size >> format->mantissa_bits);
    const bool negative = (bits & sign_bit) != 0;
    struct decimal exact, rounded;
    uint64_t read_again;
    if (field == (1 << format->exponent_bits) - 1) {
        return fmt_snprintf(out, REFLECT_FLOAT_BYTES, fraction != 0 ? "nan" : negative ? "-inf" : "inf");
    }
    if (size == 0) {
        return fmt_snprintf(out, REFLECT_FLOAT_BYTES, negative ? "-0" : "0");
    }
    out[0] = '-';
    from_bits(&exact, field == 0 ? fraction : fraction | 1ull << format->mantissa_bits,
              (field == 0 ? 1 : field) - format->bias - (int32_t)format->mantissa_bits);
    rounded = exact;
    round_to(&rounded, format->few_digits);
    const size_t len = put_digits(out + negative, &rounded, format->few_digits);
    if (to_bits(&rounded, format, &read_again) && read_again == size) {
        return negative + len;
    }
    round_to(&exact, format->all_digits);
    return negative + put_digits(out + negative, &exact, format->all_digits);
}
