#include "base/str.h"

#include "base/test.h"

// The C library's functions have these names, so ours are compiled in here under others.
#define strlen our_strlen
#define strnlen our_strnlen
#define strcmp our_strcmp
#define strncmp our_strncmp
#define strchr our_strchr
#define strrchr our_strrchr
size_t our_strlen(const char *s);
size_t our_strnlen(const char *s, size_t limit);
int our_strcmp(const char *a, const char *b);
int our_strncmp(const char *a, const char *b, size_t limit);
char *our_strchr(const char *s, int c);
char *our_strrchr(const char *s, int c);
#include "base/cstr.c"
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

TEST(cstr_functions) {
    const char *text = "banana";
    CHECK_EQ(our_strlen(""), 0);
    CHECK_EQ(our_strlen(text), 6);
    CHECK_EQ(our_strnlen(text, 3), 3);
    CHECK_EQ(our_strnlen(text, 30), 6);
    CHECK_EQ(our_strcmp("a", "a"), 0);
    CHECK_EQ(our_strcmp("a", "ab"), -1);
    CHECK_EQ(our_strcmp("\x80", "\x7f"), 1);
    CHECK_EQ(our_strncmp("abc", "abd", 2), 0);
    CHECK_EQ(our_strncmp("abc", "abd", 3), -1);
    CHECK(our_strchr(text, 'n') == text + 2);
    CHECK(our_strrchr(text, 'n') == text + 4);
    CHECK(our_strchr(text, 'x') == nullptr);
    CHECK(our_strrchr(text, 'x') == nullptr);
    CHECK(our_strchr(text, '\0') == text + 6);
    CHECK(our_strrchr(text, '\0') == text + 6);
}

TEST(str_prefixes_and_suffixes) {
    CHECK(str_starts_with("tessera", "tess"));
    CHECK(str_starts_with("tessera", ""));
    CHECK(!str_starts_with("tes", "tess"));
    CHECK(str_ends_with("tessera", "era"));
    CHECK(!str_ends_with("era", "tessera"));
    CHECK(str_equal("a", "a") && !str_equal("a", "b"));
}

TEST(str_copy_always_terminates) {
    char small[4];
    CHECK(str_copy(small, sizeof(small), "abc"));
    CHECK_STR_EQ(small, "abc");
    CHECK(!str_copy(small, sizeof(small), "abcd"));
    CHECK_STR_EQ(small, "abc");
    CHECK(!str_copy(small, 1, "a"));
    CHECK_STR_EQ(small, "");
    CHECK(str_copy_bytes(small, sizeof(small), "xyz", 2));
    CHECK_STR_EQ(small, "xy");
    CHECK(str_append(small, sizeof(small), "z"));
    CHECK(!str_append(small, sizeof(small), "!"));
    CHECK_STR_EQ(small, "xyz");
    CHECK(str_is_terminated("ab", 3));
    CHECK(!str_is_terminated("ab", 2));
}

TEST(str_parses_numbers) {
    uint64_t value = 5;
    CHECK(str_parse_u64("0", 1, &value) && value == 0);
    CHECK(str_parse_u64("18446744073709551615", 20, &value) && value == UINT64_MAX);
    CHECK(str_parse_u64("0xFf", 4, &value) && value == 255);
    value = 5;
    CHECK(!str_parse_u64("18446744073709551616", 20, &value));
    CHECK(!str_parse_u64("", 0, &value));
    CHECK(!str_parse_u64("0x", 2, &value));
    CHECK(!str_parse_u64("12a", 3, &value));
    CHECK(!str_parse_u64("-1", 2, &value));
    CHECK(!str_parse_u64("0x10000000000000000", 19, &value));
    CHECK_EQ(value, 5);
}

TEST(words_of_a_line) {
    CHECK_STR_EQ(str_find_word("a bc=1 b", "bc"), "=1 b");
    CHECK_STR_EQ(str_find_word("a bc=1 b", "b"), "");
    CHECK_STR_EQ(str_find_word("a bc=1 b", "a"), " bc=1 b");
    CHECK_EQ(str_find_word("a bc=1 b", "c"), nullptr);
    CHECK_EQ(str_find_word("", "a"), nullptr);
}

TEST(lower_case_is_of_ascii_letters) {
    CHECK_EQ(char_lower('A'), 'a');
    CHECK_EQ(char_lower('Z'), 'z');
    CHECK_EQ(char_lower('@'), '@');
    CHECK_EQ(char_lower('['), '[');
    CHECK_EQ(char_lower('\xc0'), '\xc0');
}
