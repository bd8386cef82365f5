// Who is who: from the number of a holder (lib/badge) to its name, in two pages that the supervisor writes and that whoever
// was granted the roster reads. A name stands there before its holder runs, so whoever gets a message can name its sender.
//
// No locks: an entry's number is published after its name, and taken back before another name is written. A reader that
// finds the same number before and after it has read the name has read one name, whole.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/badge/badge.h"

constexpr size_t ROSTER_ENTRIES = 256;
constexpr uint64_t ROSTER_LEFT = UINT64_MAX; // in place of a number: somebody was here, others may stand behind

struct roster_entry {
    uint64_t holder; // 0: never used
    uint64_t name[NAME_BYTES / sizeof(uint64_t)];
};

struct roster {
    struct roster_entry entries[ROSTER_ENTRIES]; // from number % ROSTER_ENTRIES on, the first that was free
};

constexpr size_t ROSTER_BYTES = sizeof(struct roster);

// ---- for the one who writes; all zero is a roster without anybody ----

// Enters a holder (neither 0 nor ROSTER_LEFT), or gives it another name, which is cut to NAME_BYTES - 1. False: it is full.
[[nodiscard]] bool roster_put(struct roster *roster, uint64_t holder, const char *name);

// The holder is gone, and its number will not come again; one that is not there is ignored.
void roster_remove(struct roster *roster, uint64_t holder);

// ---- for those who read ----

// The name of a holder, NUL-padded; "holder-N" for one that is not there. Whatever the pages hold, it is at most
// NAME_BYTES - 1 long. Returns `name`.
const char *roster_name(const struct roster *roster, uint64_t holder, char name[NAME_BYTES]);

// Whether this holder is there, running or about to be started again.
bool roster_has(const struct roster *roster, uint64_t holder);

// Maps the roster that the program was granted under this name; ends the program with a message when it was not.
const struct roster *roster_open(const char *grant);
