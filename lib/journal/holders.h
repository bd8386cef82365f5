// Who the holders of badges are: a bounded table from holder numbers to names.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t HOLDER_NAME_BYTES = 24;
constexpr size_t HOLDER_COUNT = 96;

struct holder {
    uint64_t number; // 0: free
    uint64_t stamp;  // of its last use
    char name[HOLDER_NAME_BYTES];
};

struct holder_table {
    uint64_t stamp;
    struct holder holders[HOLDER_COUNT];
};

void holder_table_init(struct holder_table *table);

// Names a holder (never 0). In a full table the one used longest ago makes room.
void holder_name(struct holder_table *table, uint64_t number, const char *name);

// The holder is gone; one that is not known is ignored.
void holder_forget(struct holder_table *table, uint64_t number);

// The holder's name; "holder-N", put into `fallback`, for one that has none.
const char *holder_lookup(struct holder_table *table, uint64_t number, char fallback[HOLDER_NAME_BYTES]);
