// A bounded journal: records of any size in one block of memory that is full of them sooner or later. Pure: memory and clock are
// the caller's.
//
// The memory is shared fairly. A record that has no room pushes the oldest one out of whoever has most of the memory, so a
// source that floods the journal pushes itself out, and the others keep what they have, up to an equal share. What was pushed
// out is counted, for each source and in all.
//
// Everything lies in the block and refers to its parts by index: it may be moved, and another process may go on with it, whatever
// instruction the one before was killed at. A record is there when the list by time has it, which takes the store of one index;
// all else can be made anew of that list (journal_adopt).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/journal/limit.h"

constexpr size_t JOURNAL_TEXT_MAX = 1024;
constexpr size_t JOURNAL_DOMAIN_MAX = 15;
constexpr size_t JOURNAL_FIELDS_MAX = 512; // bytes, see fields.h
constexpr size_t JOURNAL_BODY_MAX = JOURNAL_DOMAIN_MAX + JOURNAL_TEXT_MAX + JOURNAL_FIELDS_MAX;
constexpr size_t JOURNAL_NAME_BYTES = 24;
constexpr size_t JOURNAL_SOURCES = 96;
constexpr uint16_t JOURNAL_NONE = UINT16_MAX;

// A record lies in units of this size. The first one begins with this, and its body goes on in the next ones.
constexpr size_t JOURNAL_UNIT_BYTES = 64;
struct journal_record {
    uint64_t sequence; // from 1, rising by one
    uint64_t time_ns;
    uint64_t cause;
    uint16_t older, newer; // neighbours in time
    uint16_t next;         // the next younger one of the same source
    uint16_t source;       // index
    uint16_t text_bytes, fields_bytes;
    uint8_t level; // the higher, the less urgent
    uint8_t kind;
    uint8_t domain_bytes;
    uint8_t zero;
};

struct journal_source {
    uint64_t holder;
    uint64_t stamp; // of its last record; 0: the entry is free
    uint64_t records, appended, dropped;
    uint32_t units;
    uint16_t first, last; // its oldest and youngest record
    struct limit limit;
    char name[JOURNAL_NAME_BYTES]; // the caller's to fill in; it stays with the records when the holder is gone
};

struct journal {
    uint64_t magic;
    uint32_t units, free_units;
    uint16_t free;          // a list
    uint16_t first, last;   // the oldest and the youngest record
    uint16_t widest;        // the source that has most units, unless another has as many as `others_most`
    uint32_t others_most;   // no other source has more units than this
    uint32_t records;
    uint64_t stamp;
    uint64_t appended;
    uint64_t dropped;
    uint64_t limited; // what the limits kept out, by whoever; those of a forgotten source, too
    struct journal_source sources[JOURNAL_SOURCES];
};

// Makes an empty journal at the beginning of the memory, which the caller keeps alive: aligned to 8, room for at least 64 units,
// of which at most 65,534 are used. All of it is written to.
struct journal *journal_create(void *memory, size_t size_bytes);

// Takes over a block that journal_create made, perhaps elsewhere, and that may have been left in the middle of anything. Null, with nothing
// changed, when it is none, or when what it refers to is not in it.
struct journal *journal_adopt(void *memory, size_t size_bytes);

// The source of this holder. One that is new has no name yet, and takes the place of one without records, else of that which was
// silent for longest, whose records are dropped.
struct journal_source *journal_source(struct journal *journal, uint64_t holder);

// Whether the source may append one more now; one that may not is counted (limit.h).
bool journal_takes(struct journal *journal, struct journal_source *source, uint64_t now_ns);

// What a record says. Longer parts than the maxima above are cut; fields that are too long are left out.
struct journal_content {
    uint8_t level, kind;
    uint64_t cause;
    const char *domain, *text;
    size_t domain_bytes, text_bytes;
    const uint8_t *fields; // as journal_fields_add writes them
    size_t fields_bytes;
};

// Appends a record; returns its sequence number.
uint64_t journal_append(struct journal *journal, struct journal_source *source, uint64_t time_ns,
                        const struct journal_content *content);

// Sequence numbers of the oldest and youngest record kept; both 0 when there is none.
uint64_t journal_first(const struct journal *journal);
uint64_t journal_last(const struct journal *journal);

// A record, by index.
const struct journal_record *journal_at(const struct journal *journal, uint16_t at);

// The oldest record with a sequence above this; JOURNAL_NONE when there is none. Quick for young ones.
uint16_t journal_after(const struct journal *journal, uint64_t sequence);

// How many records with sequences above `after`, up to `upto`, are gone.
uint64_t journal_lost(const struct journal *journal, uint64_t after, uint64_t upto);

// Copies the record's body: domain, text and fields, one after the other.
void journal_body(const struct journal *journal, uint16_t at, char body[JOURNAL_BODY_MAX]);

// Bytes of memory that records can take, and do.
uint64_t journal_capacity(const struct journal *journal);
uint64_t journal_used(const struct journal *journal);

// Invariant checker, of a block that may hold anything.
bool journal_check(const struct journal *journal, size_t size_bytes);
