#include "lib/journal/holders.h"

#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"

void holder_table_init(struct holder_table *table) {
    memset(table, 0, sizeof(*table));
}

static struct holder *find(struct holder_table *table, uint64_t number) {
    for (size_t i = 0; i < HOLDER_COUNT; i++) {
        if (table->holders[i].number == number) {
            return &table->holders[i];
        }
    }
    return nullptr;
}

void holder_name(struct holder_table *table, uint64_t number, const char *name) {
    struct holder *holder = find(table, number);
    if (holder == nullptr) {
        holder = find(table, 0);
    }
    if (holder == nullptr) {
        holder = &table->holders[0];
        for (size_t i = 1; i < HOLDER_COUNT; i++) {
            if (table->holders[i].stamp < holder->stamp) {
                holder = &table->holders[i];
            }
        }
    }
    holder->number = number;
    holder->stamp = ++table->stamp;
    str_copy(holder->name, sizeof(holder->name), name);
}

void holder_forget(struct holder_table *table, uint64_t number) {
    struct holder *holder = number == 0 ? nullptr : find(table, number);
    if (holder != nullptr) {
        memset(holder, 0, sizeof(*holder));
    }
}

const char *holder_lookup(struct holder_table *table, uint64_t number, char fallback[HOLDER_NAME_BYTES]) {
    struct holder *holder = number == 0 ? nullptr : find(table, number);
    if (holder != nullptr) {
        holder->stamp = ++table->stamp;
        return holder->name;
    }
    fmt_snprintf(fallback, HOLDER_NAME_BYTES, "holder-%llu", (unsigned long long)number);
    return fallback;
}
