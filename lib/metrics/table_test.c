#include "base/test.h"

#include <stdio.h>

#include "lib/metrics/histogram.h"
#include "lib/metrics/table.h"

static struct metrics_table table;
static uint64_t page[METRICS_PAGE_WORDS];

static struct metrics_client *client_of(uint64_t holder) {
    struct metrics_client *client = metrics_place(&table, holder);
    if (client != nullptr) {
        client->page = page;
    }
    return client;
}

static enum metrics_outcome define(uint64_t holder, const char *name, enum figure_kind kind, uint32_t *word) {
    struct metrics_family family = {.kind = kind};
    snprintf(family.name, sizeof(family.name), "%s", name);
    return metrics_define(&table, metrics_find(&table, holder), &family, word);
}

TEST(figures_get_words_of_their_own) {
    uint32_t a, b, c, again;
    table = (struct metrics_table){};
    CHECK_EQ(define(7, "draws", METRICS_COUNTER, &a), METRICS_NO_CLIENT);
    REQUIRE(client_of(7) != nullptr);
    CHECK_EQ(define(7, "draws", METRICS_COUNTER, &a), METRICS_DONE);
    CHECK_EQ(define(7, "time", METRICS_HISTOGRAM, &b), METRICS_DONE);
    CHECK_EQ(define(7, "waiting", METRICS_GAUGE, &c), METRICS_DONE);
    CHECK(a == 0 && b == 1 && c == 1 + HISTOGRAM_WORDS);
    CHECK_EQ(define(7, "time", METRICS_HISTOGRAM, &again), METRICS_DONE);
    CHECK_EQ(again, b);
    REQUIRE(client_of(8) != nullptr);
    CHECK_EQ(define(8, "draws", METRICS_GAUGE, &a), METRICS_DIFFERENT);
    CHECK_EQ(define(8, "time", METRICS_HISTOGRAM, &a), METRICS_DONE);
    CHECK_EQ(a, 0);
}

TEST(names_that_are_none) {
    uint32_t word;
    table = (struct metrics_table){};
    REQUIRE(client_of(7) != nullptr);
    static const char *const bad[] = {"", "Draws", "9lives", "a b", "a-b", "a\nb", "draws\x80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(define(7, bad[i], METRICS_COUNTER, &word), METRICS_BAD_NAME);
    }
    CHECK_EQ(define(7, "draws", METRICS_KINDS, &word), METRICS_BAD_NAME);
}

TEST(what_nobody_has_any_more_is_free) {
    uint32_t word;
    table = (struct metrics_table){};
    for (unsigned round = 0; round < METRICS_FAMILIES_MAX * 2; round++) {
        char name[METRICS_NAME_BYTES];
        snprintf(name, sizeof(name), "figure%u", round);
        REQUIRE(client_of(7) != nullptr); // a new page: what it had is forgotten
        REQUIRE(define(7, name, METRICS_COUNTER, &word) == METRICS_DONE);
        CHECK_EQ(word, 0);
    }
    metrics_forget(&table, metrics_find(&table, 7));
    CHECK(metrics_find(&table, 7) == nullptr);
    for (size_t i = 0; i < METRICS_FAMILIES_MAX; i++) {
        CHECK_STR_EQ(table.families[i].name, "");
    }
}

TEST(everything_has_an_end) {
    uint32_t word;
    unsigned histograms = 0, clients = 0;
    char name[METRICS_NAME_BYTES];
    table = (struct metrics_table){};
    REQUIRE(client_of(1) != nullptr);
    for (snprintf(name, sizeof(name), "h0"); define(1, name, METRICS_HISTOGRAM, &word) == METRICS_DONE;) {
        CHECK(word + HISTOGRAM_WORDS <= METRICS_PAGE_WORDS);
        snprintf(name, sizeof(name), "h%u", ++histograms);
    }
    CHECK_EQ(histograms, METRICS_PAGE_WORDS / HISTOGRAM_WORDS);
    while (client_of(100 + clients) != nullptr) {
        clients++;
    }
    CHECK_EQ(clients, METRICS_CLIENTS_MAX - 1);
}
