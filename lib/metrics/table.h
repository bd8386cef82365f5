// Who has which figures where. Pure: the pages are the caller's, and their contents whatever their writers put there.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t METRICS_CLIENTS_MAX = 32;
constexpr size_t METRICS_PER_CLIENT_MAX = 24;
constexpr size_t METRICS_FAMILIES_MAX = 96;
constexpr size_t METRICS_PAGE_WORDS = 512;
constexpr size_t METRICS_NAME_BYTES = 32, METRICS_HELP_BYTES = 96;

// The numbers are those of the contract.
enum figure_kind : uint8_t { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM, METRICS_KINDS };
enum figure_unit : uint8_t { METRICS_NONE, METRICS_BYTES, METRICS_NANOSECONDS, METRICS_UNITS };

// What figures of one name have in common.
struct metrics_family {
    char name[METRICS_NAME_BYTES]; // "": free
    char help[METRICS_HELP_BYTES];
    enum figure_kind kind;
    enum figure_unit unit;
};

struct metrics_client {
    uint64_t holder;
    const volatile uint64_t *page; // null: free
    uint32_t words;                // of it that are given out
    uint32_t count;
    struct {
        uint16_t family, word;
    } metrics[METRICS_PER_CLIENT_MAX];
};

struct metrics_table {
    struct metrics_client clients[METRICS_CLIENTS_MAX];
    struct metrics_family families[METRICS_FAMILIES_MAX];
};

enum metrics_outcome : uint8_t {
    METRICS_DONE,
    METRICS_NO_CLIENT, // it has no page
    METRICS_BAD_NAME,  // or kind, or unit
    METRICS_DIFFERENT, // the name is that of another kind or unit
    METRICS_FULL,      // the page, or one of the tables
};

// The client of this holder; null when it has no page.
struct metrics_client *metrics_find(struct metrics_table *table, uint64_t holder);

// A place for a client, its former figures forgotten; null when all are taken. The caller sets `page`, after giving up a former one.
struct metrics_client *metrics_place(struct metrics_table *table, uint64_t holder);

void metrics_forget(struct metrics_table *table, struct metrics_client *client);

// Gives a figure its words. Another time gives the same ones.
enum metrics_outcome metrics_define(struct metrics_table *table, struct metrics_client *client, const struct metrics_family *wanted,
                                    uint32_t *word);
