#include "base/utf8.h"

#include "base/test.h"

TEST(utf8_every_scalar_value_survives_the_round_trip) {
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        if (code >= 0xd800 && code <= 0xdfff) {
            continue;
        }
        char bytes[UTF8_MAX_BYTES];
        uint32_t decoded = 0;
        size_t step = 0;
        size_t len = utf8_encode(code, bytes);
        REQUIRE(utf8_decode(bytes, len, &decoded, &step) == UTF8_OK);
        REQUIRE(decoded == code && step == len);
        if (len > 1) {
            REQUIRE(utf8_decode(bytes, len - 1, &decoded, &step) == UTF8_INCOMPLETE);
            REQUIRE(step == len - 1);
        }
    }
}

static void check_invalid(const char *bytes, size_t len, size_t expected_step) {
    uint32_t code = 0;
    size_t step = 0;
    CHECK_EQ((int)utf8_decode(bytes, len, &code, &step), (int)UTF8_INVALID);
    CHECK_EQ(code, UTF8_REPLACEMENT);
    CHECK_EQ(step, expected_step);
}

TEST(utf8_refuses_malformed_input) {
    check_invalid("\x80", 1, 1);             // continuation alone
    check_invalid("\xc0\xaf", 2, 1);         // overlong slash
    check_invalid("\xe0\x80\xaf", 3, 1);     // overlong in three
    check_invalid("\xed\xa0\x80", 3, 1);     // surrogate
    check_invalid("\xf4\x90\x80\x80", 4, 1); // beyond U+10FFFF
    check_invalid("\xff", 1, 1);
    check_invalid("\xe2\x82" "a", 3, 2);     // cut short by a letter
    CHECK(!utf8_valid("ab\xc3", 3));
    CHECK(utf8_valid("gr\xc3\xbc\xc3\x9f", 6));
    CHECK(utf8_valid("", 0));
}

TEST(utf8_encodes_nonsense_as_replacement) {
    char bytes[UTF8_MAX_BYTES];
    CHECK_EQ(utf8_encode(0xd800, bytes), 3);
    CHECK_MEM_EQ(bytes, "\xef\xbf\xbd", 3);
    CHECK_EQ(utf8_encode(0x110000, bytes), 3);
}

TEST(utf8_widths) {
    CHECK_EQ(utf8_width('a'), 1);
    CHECK_EQ(utf8_width(0x07), 0);
    CHECK_EQ(utf8_width(0xfc), 1);     // u with diaeresis
    CHECK_EQ(utf8_width(0x301), 0);    // combining acute
    CHECK_EQ(utf8_width(0x4e2d), 2);   // CJK
    CHECK_EQ(utf8_width(0x1f600), 2);  // emoji
    CHECK_EQ(utf8_width(0x2192), 1);   // arrow
    CHECK_EQ(utf8_width(0x10ffff), 1);
}
