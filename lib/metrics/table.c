#include "lib/metrics/table.h"

#include "base/mem.h"
#include "base/str.h"
#include "lib/metrics/histogram.h"

static_assert(HISTOGRAM_WORDS <= METRICS_PAGE_WORDS);

struct metrics_client *metrics_find(struct metrics_table *table, uint64_t holder) {
    for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++) {
        if (table->clients[i].page != nullptr && table->clients[i].holder == holder) {
            return &table->clients[i];
        }
    }
    return nullptr;
}

struct metrics_client *metrics_place(struct metrics_table *table, uint64_t holder) {
    struct metrics_client *client = metrics_find(table, holder);
    for (size_t i = 0; client == nullptr && i < METRICS_CLIENTS_MAX; i++) {
        client = table->clients[i].page == nullptr ? &table->clients[i] : nullptr;
    }
    if (client != nullptr) {
        metrics_forget(table, client);
        client->holder = holder;
    }
    return client;
}

static bool in_use(const struct metrics_table *table, uint16_t family) {
    for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++) {
        const struct metrics_client *client = &table->clients[i];
        for (uint32_t k = 0; k < client->count; k++) {
            if (client->metrics[k].family == family) {
                return true;
            }
        }
    }
    return false;
}

void metrics_forget(struct metrics_table *table, struct metrics_client *client) {
    const struct metrics_client old = *client;
    *client = (struct metrics_client){.page = old.page};
    for (uint32_t i = 0; i < old.count; i++) {
        if (!in_use(table, old.metrics[i].family)) {
            table->families[old.metrics[i].family].name[0] = '\0';
        }
    }
    client->page = nullptr;
}

static bool is_name(const char *name) {
    for (const char *c = name; *c != '\0'; c++) {
        if (!(*c >= 'a' && *c <= 'z') && *c != '_' && (!char_is_digit(*c) || c == name)) {
            return false;
        }
    }
    return name[0] != '\0';
}

// The family of this name, or a free one; null when there is none.
static struct metrics_family *find_family(struct metrics_table *table, const char *name) {
    struct metrics_family *free = nullptr;
    for (size_t i = 0; i < METRICS_FAMILIES_MAX; i++) {
        struct metrics_family *family = &table->families[i];
        if (str_equal(family->name, name)) {
            return family;
        }
        free = free == nullptr && family->name[0] == '\0' ? family : free;
    }
    return free;
}

enum metrics_outcome metrics_define(struct metrics_table *table, struct metrics_client *client, const struct metrics_family *wanted,
                                    uint32_t *word) {
    if (client == nullptr) {
        return METRICS_NO_CLIENT;
    }
    if (!is_name(wanted->name) || wanted->kind >= METRICS_KINDS || wanted->unit >= METRICS_UNITS) {
        return METRICS_BAD_NAME;
    }
    struct metrics_family *family = find_family(table, wanted->name);
    if (family == nullptr) {
        return METRICS_FULL;
    }
    if (family->name[0] != '\0' && (family->kind != wanted->kind || family->unit != wanted->unit)) {
        return METRICS_DIFFERENT;
    }
    const uint16_t index = (uint16_t)(family - table->families);
    for (uint32_t i = 0; i < client->count && family->name[0] != '\0'; i++) {
        if (client->metrics[i].family == index) {
            *word = client->metrics[i].word;
            return METRICS_DONE;
        }
    }
    const uint32_t words = wanted->kind == METRICS_HISTOGRAM ? HISTOGRAM_WORDS : 1;
    if (client->count == METRICS_PER_CLIENT_MAX || METRICS_PAGE_WORDS - client->words < words) {
        return METRICS_FULL;
    }
    if (family->name[0] == '\0') {
        *family = *wanted;
    }
    *word = client->words;
    client->metrics[client->count].family = index;
    client->metrics[client->count++].word = (uint16_t)client->words;
    client->words += words;
    return METRICS_DONE;
}
