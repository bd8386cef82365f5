#include "base/test.h"

#include "lib/journal/fields.h"

static uint8_t bytes[64];
static size_t used;

static bool add(const char *name, const char *text, int64_t integer) {
    const struct journal_field field = {.name = name, .name_bytes = strlen(name), .text = text,
                                        .text_bytes = text != nullptr ? strlen(text) : 0, .integer = integer};
    return journal_fields_add(bytes, sizeof(bytes), &used, &field);
}

TEST(fields_come_back) {
    used = 0;
    CHECK(add("port", nullptr, -42));
    CHECK(add("why", "no cable", 0));
    CHECK(add("empty", "", 0));
    size_t offset = 0;
    struct journal_field field;
    REQUIRE(journal_fields_next(bytes, used, &offset, &field));
    CHECK(field.text == nullptr && field.integer == -42 && field.name_bytes == 4);
    CHECK_MEM_EQ(field.name, "port", 4);
    REQUIRE(journal_fields_next(bytes, used, &offset, &field));
    CHECK_EQ(field.text_bytes, 8);
    CHECK_MEM_EQ(field.text, "no cable", 8);
    REQUIRE(journal_fields_next(bytes, used, &offset, &field));
    CHECK(field.text != nullptr && field.text_bytes == 0);
    CHECK(!journal_fields_next(bytes, used, &offset, &field));
}

TEST(names_that_are_none_and_too_much_are_refused) {
    used = 0;
    CHECK(!add("", nullptr, 1));
    CHECK(!add("two words", nullptr, 1));
    CHECK(!add("a=b", nullptr, 1));
    CHECK(!add("new\nline", nullptr, 1));
    CHECK(!add("a-name-of-24-characters-", nullptr, 1));
    CHECK_EQ(used, 0);
    CHECK(add("a-name-of-23-characters", nullptr, 1));
    CHECK_EQ(used, 35);
    CHECK(!add("b", "a text of twenty-five byt", 0));
    CHECK(add("b", "a text of twenty-four by", 0));
    CHECK_EQ(used, sizeof(bytes));
    CHECK(!add("c", "", 0));
}

TEST(fields_are_found) {
    used = 0;
    CHECK(add("port", nullptr, -42) && add("why", "no cable", 0));
    static const char *const found[] = {"port", "why", "port=-42", "why=no cable"};
    static const char *const missed[] = {"", "=", "por", "ports", "port=", "port=42", "why=no", "why=no cable ", "port=-42x"};
    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
        CHECK(journal_fields_match(bytes, used, found[i], strlen(found[i])));
    }
    for (size_t i = 0; i < sizeof(missed) / sizeof(missed[0]); i++) {
        CHECK(!journal_fields_match(bytes, used, missed[i], strlen(missed[i])));
    }
}

TEST(any_bytes_can_be_read) {
    uint64_t random = 3;
    for (unsigned round = 0; round < 100'000; round++) {
        uint8_t noise[24]; // of its own, so that the sanitizer sees a step beyond
        const size_t len = round % (sizeof(noise) + 1);
        for (size_t i = 0; i < len; i++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            noise[i] = (uint8_t)(random >> (random >> 62 ? 60 : 40)); // often small
        }
        size_t offset = 0, count = 0;
        for (struct journal_field field; journal_fields_next(noise, len, &offset, &field); count++) {
            REQUIRE(offset <= len && count < 24);
        }
        (void)journal_fields_match(noise, len, "a=1", 3);
    }
}
