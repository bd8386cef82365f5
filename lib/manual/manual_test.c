// A manual that is built here, whole and damaged.
#include <stdlib.h>

#include "base/str.h"
#include "base/test.h"
#include "lib/manual/manual.h"

static uint64_t file[512];
static size_t file_bytes;

static void add_part(struct manual_part_builder part, const char *name, const char *summary, uint32_t begin, uint32_t end) {
    manual_part_set_name(part, capnp_text(name));
    manual_part_set_summary(part, capnp_text(summary));
    manual_part_set_begin(part, begin);
    manual_part_set_end(part, end);
    manual_part_set_comment(part, begin + 2);
}

static void add_page(struct manual_page_builder page, enum manual_section section, const char *name, const char *summary,
                     const char *text) {
    manual_page_set_section(page, section);
    manual_page_set_name(page, capnp_text(name));
    manual_page_set_summary(page, capnp_text(summary));
    manual_page_set_text(page, capnp_text(text));
}

//                             0         10        20            34    40
static const char log_text[] = "log intro Log whole query catalog stats Stats more";

static void build(void) {
    struct capnp_builder builder;
    memset(file, 0, sizeof(file));
    capnp_builder_init(&builder, file, sizeof(file) / sizeof(file[0]));
    const struct manual_page_list_builder pages = manual_init_pages(manual_init_root(&builder), 3);
    const struct manual_page_builder log = manual_page_list_edit(pages, 0);
    add_page(log, MANUAL_SECTION_CONTRACTS, "log", "The log", log_text);
    const struct manual_part_list_builder parts = manual_page_init_parts(log, 4);
    add_part(manual_part_list_edit(parts, 0), "Log", "Reports and reads", 10, 50);
    add_part(manual_part_list_edit(parts, 1), "Log.query", "Finds records", 20, 34);
    add_part(manual_part_list_edit(parts, 2), "Log.stats", "How much there is", 34, 40);
    add_part(manual_part_list_edit(parts, 3), "Log.Stats", "Figures", 40, 50);
    add_page(manual_page_list_edit(pages, 1), MANUAL_SECTION_CONCEPTS, "ring", "many invocations under way", "ring log. RING-queue\n");
    add_page(manual_page_list_edit(pages, 2), MANUAL_SECTION_OBJECTS, "ring", "a thread's queue", "the object\n");
    REQUIRE(status_ok(capnp_builder_status(&builder)));
    file_bytes = builder.first.count * sizeof(file[0]);
}

static bool text_is(const struct manual_entry *entry, size_t len, const char *expected) {
    return len == strlen(expected) && memcmp(entry->text, expected, len) == 0;
}

TEST(walk_finds_pages_and_their_parts) {
    static const char *const names[] = {"log", "Log", "Log.query", "Log.stats", "Log.Stats", "ring", "ring"};
    static const char *const own[] = {"log intro ", "Log whole ", "query catalog ", "stats ", "Stats more", "ring log. RING-queue\n",
                                      "the object\n"};
    struct manual_walk walk;
    struct manual_entry entry;
    size_t count = 0;
    build();
    manual_walk_begin(&walk, file, file_bytes);
    while (manual_walk_next(&walk, &entry)) {
        REQUIRE(count < sizeof(names) / sizeof(names[0]));
        CHECK_STR_EQ(entry.name.bytes, names[count]);
        CHECK(text_is(&entry, entry.own_bytes, own[count]));
        CHECK(entry.is_page == (count == 0 || count > 4));
        CHECK_EQ(entry.comment_bytes, entry.is_page ? 0 : 2);
        count++;
    }
    CHECK_EQ(count, 7);
}

TEST(names_are_found) {
    struct manual_entry entry;
    build();
    REQUIRE(manual_find(file, file_bytes, nullptr, "Log", &entry));
    CHECK(!entry.is_page && text_is(&entry, entry.text_bytes, &log_text[10]));
    REQUIRE(manual_find(file, file_bytes, nullptr, "log", &entry));
    CHECK(entry.is_page && text_is(&entry, entry.text_bytes, log_text));
    REQUIRE(manual_find(file, file_bytes, nullptr, "Log.Stats", &entry));
    CHECK_STR_EQ(entry.summary.bytes, "Figures");
    REQUIRE(manual_find(file, file_bytes, nullptr, "log.STATS", &entry));
    CHECK_STR_EQ(entry.name.bytes, "Log.stats");
    REQUIRE(manual_find(file, file_bytes, nullptr, "ring", &entry));
    CHECK_EQ(entry.section, MANUAL_SECTION_CONCEPTS);
    REQUIRE(manual_find(file, file_bytes, nullptr, "log.Log.query", &entry));
    CHECK_STR_EQ(entry.name.bytes, "Log.query");
    REQUIRE(manual_find(file, file_bytes, nullptr, "LOG.log.stats", &entry));
    CHECK_STR_EQ(entry.name.bytes, "Log.stats");
    CHECK(!manual_find(file, file_bytes, nullptr, "ring.Log.query", &entry));
    CHECK(!manual_find(file, file_bytes, nullptr, "log.", &entry));
    REQUIRE(manual_find(file, file_bytes, nullptr, "log.Log", &entry));
    CHECK_STR_EQ(entry.name.bytes, "Log");
    const enum manual_section objects = MANUAL_SECTION_OBJECTS, howto = MANUAL_SECTION_HOWTO;
    REQUIRE(manual_find(file, file_bytes, &objects, "ring", &entry));
    CHECK_EQ(entry.section, MANUAL_SECTION_OBJECTS);
    CHECK(!manual_find(file, file_bytes, &howto, "ring", &entry));
    CHECK(!manual_find(file, file_bytes, nullptr, "rin", &entry));
    CHECK(!manual_find(file, file_bytes, nullptr, "", &entry));
    CHECK(!manual_find(nullptr, 0, nullptr, "ring", &entry));
    CHECK(!manual_find(file, 7, nullptr, "ring", &entry));
}

TEST(sections_have_names) {
    CHECK_STR_EQ(manual_section_name(MANUAL_SECTION_HOWTO), "howto");
    CHECK(manual_section_name((enum manual_section)4) == nullptr);
}

static unsigned score(const char *name, const char *first, const char *second) {
    struct manual_entry entry;
    const char *const words[] = {first, second};
    return manual_find(file, file_bytes, nullptr, name, &entry) ? manual_match(&entry, words, second != nullptr ? 2 : 1) : 0;
}

TEST(search_prefers_names) {
    build();
    CHECK(score("Log", "LOG", nullptr) > score("Log.query", "log", nullptr));
    CHECK(score("Log.query", "log", nullptr) > score("ring", "log", nullptr));
    CHECK(score("ring", "log", nullptr) > 0);
    CHECK(score("ring", "queue", nullptr) > 0);   // the beginning of a word is enough
    CHECK_EQ(score("ring", "ueue", nullptr), 0);  // but not its middle
    CHECK(score("ring", "in", nullptr) > 0);      // unless it is the name
    CHECK(score("ring", "log", "ring") > 0);
    CHECK_EQ(score("ring", "log", "nothing"), 0); // all words count
    CHECK_EQ(score("log", "catalog", nullptr), 0); // that is said in a part of it
    CHECK(score("Log.query", "catalog", nullptr) > 0);
    CHECK_EQ(score("Log", "", nullptr), 0);
}

TEST(results_are_the_best) {
    static struct manual_results results;
    struct manual_entry entry = {};
    results.count = results.left_out = 0;
    for (unsigned i = 0; i < 200; i++) {
        entry.text_bytes = i;
        manual_results_add(&results, &entry, i * 37 % 100);
    }
    CHECK_EQ(results.count, MANUAL_RESULTS_MAX);
    CHECK_EQ(results.left_out, 198 - MANUAL_RESULTS_MAX); // a score of 0 is no result
    for (size_t i = 0; i < results.count; i++) {
        CHECK_EQ(results.best[i].score, 99 - i / 2);
        CHECK(i % 2 == 0 || results.best[i - 1].entry.text_bytes < results.best[i].entry.text_bytes);
    }
}

// Everything there is to do with a manual; the sum is of bytes that must be there.
static void use(const uint64_t *words, size_t len_bytes) {
    static struct manual_results results;
    static const char *const wanted[] = {"log"};
    struct manual_walk walk;
    struct manual_entry entry;
    volatile unsigned sum = 0;
    results.count = results.left_out = 0;
    manual_walk_begin(&walk, words, len_bytes);
    while (manual_walk_next(&walk, &entry)) {
        REQUIRE(entry.own_bytes <= entry.text_bytes && entry.comment_bytes <= entry.text_bytes);
        REQUIRE(entry.name.len > 0 && entry.name.len == strlen(entry.name.bytes));
        for (size_t i = 0; i < entry.text_bytes; i++) {
            sum += (unsigned char)entry.text[i];
        }
        sum += (unsigned)strlen(entry.summary.bytes);
        manual_results_add(&results, &entry, manual_match(&entry, wanted, 1));
    }
    (void)manual_find(words, len_bytes, nullptr, "Log.query", &entry);
}

// A copy that ends where its memory ends.
static void use_copy(size_t len_bytes) {
    uint64_t *copy = malloc(len_bytes > 0 ? len_bytes : 1);
    REQUIRE(copy != nullptr);
    memcpy(copy, file, len_bytes);
    use(copy, len_bytes);
    free(copy);
}

TEST(a_file_that_is_cut_short_is_harmless) {
    build();
    for (size_t len_bytes = 0; len_bytes <= file_bytes; len_bytes++) {
        use_copy(len_bytes);
    }
}

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t limit) {
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)((random_state >> 33) % limit);
}

TEST(a_damaged_file_is_harmless) {
    for (uint32_t round = 0; round < 20'000; round++) {
        build();
        for (uint32_t damage = random_below(8) + 1; damage > 0; damage--) {
            uint8_t *byte = (uint8_t *)file + random_below((uint32_t)file_bytes);
            *byte = random_below(2) == 0 ? (uint8_t)(*byte ^ 1u << random_below(8)) : (uint8_t)random_below(256);
        }
        use_copy(file_bytes);
    }
}
