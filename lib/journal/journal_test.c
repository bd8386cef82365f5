#include "base/test.h"

#include <stdio.h>

#include "lib/journal/journal.h"

enum { SIZE = 4096 };
alignas(8) static uint8_t memory[SIZE];
static struct journal journal;

static void setup(void) {
    journal_init(&journal, memory, SIZE);
}

// Collects what a walk visits.
static struct {
    unsigned count, limit;
    uint64_t first, last;
    char text[JOURNAL_TEXT_MAX + 1];
    char source[JOURNAL_SOURCE_BYTES];
} seen;

static bool collect(void *context, const struct journal_entry *entry, const char *text, size_t len, const char *rest,
                    size_t rest_len) {
    (void)context;
    seen.first = seen.count == 0 ? entry->sequence : seen.first;
    seen.last = entry->sequence;
    memcpy(seen.text, text, len);
    memcpy(seen.text + len, rest, rest_len);
    seen.text[len + rest_len] = '\0';
    memcpy(seen.source, entry->source, sizeof(seen.source));
    CHECK_EQ(len + rest_len, entry->text_bytes);
    return ++seen.count != seen.limit;
}

static uint64_t walk(struct journal_filter filter, unsigned limit) {
    memset(&seen, 0, sizeof(seen));
    seen.limit = limit;
    return journal_walk(&journal, &filter, collect, nullptr);
}

TEST(an_empty_journal) {
    setup();
    CHECK_EQ(journal_first(&journal), 0);
    CHECK_EQ(journal_last(&journal), 0);
    CHECK_EQ(walk((struct journal_filter){.level = 255}, 0), 0);
    CHECK(journal_check(&journal));
}

TEST(records_come_back_in_order) {
    setup();
    CHECK_EQ(journal_append(&journal, 100, "init", 1, "first", 5), 1);
    CHECK_EQ(journal_append(&journal, 200, "logd", 3, "second", 6), 2);
    CHECK_EQ(journal_append(&journal, 300, "init", 2, "", 0), 3);
    CHECK_EQ(walk((struct journal_filter){.level = 255}, 0), 3);
    CHECK_EQ(seen.first, 1);
    CHECK_EQ(seen.last, 3);
    CHECK_EQ(walk((struct journal_filter){.level = 255}, 2), 2);
    CHECK_STR_EQ(seen.text, "second");
    CHECK_STR_EQ(seen.source, "logd");
    CHECK(journal_check(&journal));
}

TEST(filters) {
    setup();
    for (unsigned i = 0; i < 20; i++) {
        journal_append(&journal, i, i % 2 ? "odd" : "even", (uint8_t)(i % 4), "x", 1);
    }
    CHECK_EQ(walk((struct journal_filter){.level = 0}, 0), 5);
    CHECK_EQ(walk((struct journal_filter){.level = 255, .source = "odd"}, 0), 10);
    CHECK_EQ(walk((struct journal_filter){.level = 1, .source = "odd"}, 0), 5);
    CHECK_EQ(walk((struct journal_filter){.level = 255, .source = "nobody"}, 0), 0);
    CHECK_EQ(walk((struct journal_filter){.level = 255, .after = 18}, 0), 2);
    CHECK_EQ(walk((struct journal_filter){.level = 255, .after = 99}, 0), 0);
    struct journal_filter filter = {.level = 255, .source = "even", .after = 10};
    CHECK_EQ(journal_count(&journal, &filter), 5);
}

TEST(the_oldest_make_room_and_are_counted) {
    setup();
    char text[64];
    for (unsigned i = 1; i <= 1000; i++) {
        int len = snprintf(text, sizeof(text), "record %u%.*s", i, (int)(i % 17), "ppppppppppppppppp");
        CHECK_EQ(journal_append(&journal, i, "x", 0, text, (size_t)len), i);
        REQUIRE(journal_check(&journal));
    }
    CHECK_EQ(journal.dropped + journal.records, 1000);
    CHECK_EQ(journal_last(&journal), 1000);
    CHECK_EQ(walk((struct journal_filter){.level = 255}, 0), journal.records);
    CHECK_EQ(seen.first, journal.dropped + 1);
    snprintf(text, sizeof(text), "record 1000%.*s", 1000 % 17, "ppppppppppppppppp");
    CHECK_STR_EQ(seen.text, text);
}

TEST(overlong_things_are_cut) {
    setup();
    static char text[JOURNAL_TEXT_MAX * 2];
    memset(text, 't', sizeof(text));
    for (unsigned i = 0; i < 50; i++) {
        journal_append(&journal, 0, "a-name-of-more-than-twenty-three-bytes", 0, text, sizeof(text));
        REQUIRE(journal_check(&journal));
    }
    CHECK_EQ(walk((struct journal_filter){.level = 255}, 0), journal.records);
    CHECK_EQ(strlen(seen.text), JOURNAL_TEXT_MAX);
    CHECK_STR_EQ(seen.source, "a-name-of-more-than-twe");
    CHECK_EQ(journal.records, SIZE / (JOURNAL_TEXT_MAX + sizeof(struct journal_entry)));
}

TEST(random_appends_keep_the_invariants) {
    setup();
    static char text[JOURNAL_TEXT_MAX];
    uint64_t random = 7;
    for (unsigned i = 0; i < 20000; i++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        size_t len = (random >> 33) % ((random >> 50) % 8 == 0 ? JOURNAL_TEXT_MAX : 40);
        memset(text, (int)('a' + i % 26), len);
        journal_append(&journal, i, "r", (uint8_t)(random >> 60), text, len);
        REQUIRE(journal_check(&journal));
        if (i % 64 == 0) {
            CHECK_EQ(walk((struct journal_filter){.level = 255}, 0), journal.records);
            for (size_t at = 0; at < len; at++) {
                CHECK_EQ(seen.text[at], 'a' + (char)(i % 26));
            }
        }
    }
}
