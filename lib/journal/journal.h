// A bounded journal: records of any size in one ring of bytes, oldest first. What has no room pushes the
// oldest out, and is counted. Pure: memory and clock are the caller's.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t JOURNAL_TEXT_MAX = 1024;
constexpr size_t JOURNAL_SOURCE_BYTES = 24;

struct journal_entry {
    uint64_t sequence; // from 1, rising by one
    uint64_t time_ns;
    char source[JOURNAL_SOURCE_BYTES]; // who wrote it, NUL-padded
    uint16_t text_bytes;
    uint8_t level; // the higher, the less urgent
    uint8_t zero[5];
};

struct journal {
    uint8_t *bytes;
    size_t size;
    size_t head; // offset of the oldest record
    size_t used;
    uint64_t records;
    uint64_t appended;
    uint64_t dropped;
};

// Takes over `size` bytes of memory (at least 2 KiB, a multiple of 8) that the caller keeps alive.
void journal_init(struct journal *journal, void *memory, size_t size);

// Appends a record; a source of JOURNAL_SOURCE_BYTES or more and text beyond JOURNAL_TEXT_MAX are
// cut. Returns its sequence number.
uint64_t journal_append(struct journal *journal, uint64_t time_ns, const char *source, uint8_t level,
                        const char *text, size_t text_bytes);

// Sequence numbers of the oldest and newest record kept; both 0 when there is none.
uint64_t journal_first(const struct journal *journal);
uint64_t journal_last(const struct journal *journal);

struct journal_filter {
    uint64_t after;     // only records with a higher sequence number
    const char *source; // nullptr: any
    uint8_t level;      // at most this
};

// Called for each record that matches, oldest first; false ends the walk. The text may lie in two pieces.
typedef bool journal_visit_fn(void *context, const struct journal_entry *entry, const char *text, size_t len,
                              const char *rest, size_t rest_len);

// Walks the matching records. Returns how many there are in all that were visited.
uint64_t journal_walk(const struct journal *journal, const struct journal_filter *filter, journal_visit_fn *visit,
                      void *context);

// How many records match.
uint64_t journal_count(const struct journal *journal, const struct journal_filter *filter);

// Invariant checker: the records fill the used part exactly and are numbered without gaps.
bool journal_check(const struct journal *journal);
