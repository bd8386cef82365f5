#include "lib/badge/badge.h"

#include "base/test.h"

static bool put(char field[NAME_BYTES], const char *name) {
    return name_put(field, name, strlen(name));
}

TEST(names_are_printable_and_padded) {
    char field[NAME_BYTES];
    memset(field, 'x', sizeof(field));
    CHECK(put(field, "logd"));
    CHECK_MEM_EQ(field, "logd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NAME_BYTES);
    CHECK(put(field, "twenty-three-bytes-long"));
    CHECK(!put(field, "twenty-four-bytes-longer"));
    CHECK(!put(field, ""));
    CHECK(!put(field, "a b"));
    CHECK(!put(field, "a\x1b"));
    CHECK(!put(field, "\xc3\xa9"));
    CHECK(!name_put(field, "log\0x", 5));
    CHECK_STR_EQ(field, "twenty-three-bytes-long");
}

TEST(a_badge_is_a_holder_and_a_facet) {
    CHECK(badge_controls(BADGE_SUPERVISOR));
    CHECK_EQ(badge_holder(BADGE_SUPERVISOR), 1);
    CHECK(!badge_controls(7));
    CHECK(badge_is_made(BADGE_MADE | 7) && !badge_is_made(BADGE_SUPERVISOR) && !badge_controls(BADGE_MADE));
    CHECK_EQ(badge_holder(7), 7);
}
