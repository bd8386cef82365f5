// Against the C library, which rounds correctly.
#include "base/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/reflect/float.h"

static uint64_t random_state = 1;

static uint64_t random_bits(void) {
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return random_state >> 32 | (random_state * 2862933555777941757ull & 0xffff'ffff'0000'0000);
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static uint32_t bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static void check_read(const char *text) {
    uint64_t bits = 0xdead;
    const double wide = strtod(text, nullptr);
    const bool fits = reflect_float_read(text, strlen(text), REFLECT_FLOAT64, &bits);
    CHECK_EQ(fits, !isinf(wide));
    CHECK_EQ(bits, fits ? bits_of(wide) : 0xdead);
    bits = 0xdead;
    const float narrow = strtof(text, nullptr);
    const bool fits_narrow = reflect_float_read(text, strlen(text), REFLECT_FLOAT32, &bits);
    CHECK_EQ(fits_narrow, !isinf(narrow));
    CHECK_EQ(bits, fits_narrow ? bits_of_float(narrow) : 0xdead);
}

TEST(what_people_write) {
    static const char *const texts[] = {
        "0", "0.0", "1", "1.", "0.1", "0.5", "10", "1e5", "1E+5", "1e-5", "123456789012345678", "5e-324", "2.4703282292062327e-324",
        "2.4703282292062328e-324", "4.9406564584124654e-324", "2.2250738585072011e-308", "2.2250738585072014e-308",
        "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e309", "1e400", "1e-400", "1e99999999999", "0e99999999999",
        "1e-99999999999", "9007199254740993", "9007199254740993.0000000000000000000000000000000001", "16777217", "16777219", "3.4028235e38",
        "3.4028236e38", "1e-45", "7e-46", "7.0064923216240853546186479164495e-46", "000123.4560", "0.000000000000000000001"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        check_read(texts[i]);
    }
}

// A middle between two numbers, in full; and with one digit behind it that tips it, thousands of digits on.
TEST(middles) {
    static char text[4000];
    for (unsigned i = 0; i < 300; i++) {
        uint64_t bits = random_bits() & INT64_MAX;
        double value, next;
        memcpy(&value, &bits, sizeof(value));
        bits++;
        memcpy(&next, &bits, sizeof(next));
        if (!isfinite(next)) {
            continue;
        }
        // The middle has one bit more than a double: a long double has it.
        const int len = snprintf(text, sizeof(text), "%.1100Lf", ((long double)value + (long double)next) / 2);
        check_read(text);
        memset(text + len, '0', 1000);
        memcpy(text + len + 1000, "1", 2);
        check_read(text);
    }
}

TEST(random_texts) {
    char text[64];
    for (unsigned i = 0; i < 8000; i++) {
        const int exponent = (int)(random_bits() % 700) - 350;
        snprintf(text, sizeof(text), "%llu.%llue%d", (unsigned long long)(random_bits() >> random_bits() % 64),
                 (unsigned long long)random_bits(), i % 3 == 0 ? exponent / 10 : exponent);
        check_read(text);
    }
}

// As protobuf and Cap'n Proto write numbers: few digits if they are enough.
static void expected_text(char out[64], double value, float narrow, bool is_wide) {
    snprintf(out, 64, is_wide ? "%.15g" : "%.6g", is_wide ? value : (double)narrow);
    if (is_wide ? strtod(out, nullptr) != value : strtof(out, nullptr) != narrow) {
        snprintf(out, 64, is_wide ? "%.17g" : "%.8g", is_wide ? value : (double)narrow);
    }
    char *plus = strchr(out, '+');
    if (plus != nullptr) {
        memmove(plus, plus + 1, strlen(plus));
    }
}

static void check_written(uint64_t bits) {
    char saw[REFLECT_FLOAT_BYTES], expected[64];
    double value;
    float narrow;
    const uint32_t low = (uint32_t)bits;
    memcpy(&value, &bits, sizeof(value));
    memcpy(&narrow, &low, sizeof(narrow));
    if (!isnan(value)) {
        expected_text(expected, value, 0, true);
        CHECK_EQ(reflect_float_write(saw, bits, REFLECT_FLOAT64), strlen(expected));
        CHECK_STR_EQ(saw, expected);
    }
    if (!isnan(narrow)) {
        expected_text(expected, 0, narrow, false);
        CHECK_EQ(reflect_float_write(saw, low, REFLECT_FLOAT32), strlen(expected));
        CHECK_STR_EQ(saw, expected);
    }
}

TEST(numbers_are_written_as_the_c_library_does) {
    static const double values[] = {0, -0.0, 1, -1, 0.1, 100, 1e5, 1e15, 1e16, 123456, 1234567, 0.0001, 0.00001, 1e21, 1e22, 9.5, 99999.95,
                                    999999.5, 5e-324, 1.7976931348623157e308, INFINITY, -INFINITY, 0.3, 2.0 / 3};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        check_written(bits_of(values[i]));
        check_written(bits_of_float((float)values[i]));
    }
    for (unsigned i = 0; i < 8000; i++) {
        check_written(random_bits());
        check_written(bits_of((double)(int64_t)random_bits() / (double)(1ull << i % 60)));
    }
    char saw[REFLECT_FLOAT_BYTES];
    CHECK_EQ(reflect_float_write(saw, bits_of((double)NAN), REFLECT_FLOAT64), 3);
    CHECK_STR_EQ(saw, "nan");
}
