#include "lib/registry/registry.h"

#include "base/str.h"

static struct registry_name *find(struct registry_table *table, const char *name) {
    for (size_t i = 0; i < REGISTRY_NAMES_MAX; i++) {
        if (strncmp(table->names[i].name, name, NAME_BYTES) == 0) {
            return &table->names[i];
        }
    }
    return nullptr;
}

// The entry of that name, made if need be; null when there is no room.
static struct registry_name *find_or_add(struct registry_table *table, const char *name) {
    struct registry_name *entry = find(table, name);
    if (entry == nullptr) {
        entry = find(table, "");
        if (entry == nullptr || !name_put(entry->name, name, strlen(name))) {
            return nullptr;
        }
    }
    return entry;
}

static struct registry_holder *find_holder(struct registry_table *table, uint64_t holder) {
    for (size_t i = 0; i < REGISTRY_HOLDERS_MAX; i++) {
        if (table->holders[i].holder == holder) {
            return &table->holders[i];
        }
    }
    return nullptr;
}

static uint64_t allowance(const struct registry_table *table, uint64_t badge) {
    if (badge_controls(badge)) {
        return UINT64_MAX;
    }
    for (size_t i = 0; badge != 0 && i < REGISTRY_HOLDERS_MAX; i++) {
        if (table->holders[i].holder == badge) {
            return table->holders[i].allowed;
        }
    }
    return 0;
}

bool registry_put(struct registry_table *table, const char *name, uint64_t interface_id, handle_t endpoint,
                  handle_t *old) {
    struct registry_name *entry = find_or_add(table, name);
    if (entry == nullptr) {
        return false;
    }
    *old = entry->endpoint;
    entry->endpoint = endpoint;
    entry->interface_id = interface_id;
    return true;
}

bool registry_permit(struct registry_table *table, uint64_t holder, const char (*names)[NAME_BYTES], size_t count) {
    uint64_t allowed = 0;
    for (size_t i = 0; i < count; i++) {
        struct registry_name *entry = find_or_add(table, names[i]);
        if (entry == nullptr) {
            return false;
        }
        allowed |= 1ull << (entry - table->names);
    }
    struct registry_holder *place = find_holder(table, holder);
    if (place == nullptr && count > 0) {
        place = find_holder(table, 0);
        if (place == nullptr) {
            return false;
        }
    }
    if (place != nullptr) {
        *place = count > 0 ? (struct registry_holder){.holder = holder, .allowed = allowed}
                           : (struct registry_holder){};
    }
    return true;
}

enum registry_outcome registry_look_up(const struct registry_table *table, uint64_t badge, const char *name,
                                       uint64_t interface_id, const struct registry_name **out) {
    const uint64_t allowed = allowance(table, badge);
    const struct registry_name *entry = name[0] == '\0' ? nullptr : find((struct registry_table *)table, name);
    if (entry == nullptr || (allowed >> (entry - table->names) & 1) == 0) {
        return badge_controls(badge) ? REGISTRY_OUTCOME_NO_SUCH_NAME : REGISTRY_OUTCOME_NOT_ALLOWED;
    }
    if (entry->endpoint.v == 0) {
        return REGISTRY_OUTCOME_NO_SUCH_NAME;
    }
    *out = entry;
    return interface_id == 0 || interface_id == entry->interface_id ? REGISTRY_OUTCOME_FOUND
                                                                    : REGISTRY_OUTCOME_WRONG_INTERFACE;
}

size_t registry_list_names(const struct registry_table *table, uint64_t badge, size_t first,
                           const struct registry_name *out[], size_t max, size_t *count) {
    uint64_t left = allowance(table, badge);
    for (size_t i = 0; i < REGISTRY_NAMES_MAX; i++) {
        if (table->names[i].endpoint.v == 0) {
            left &= ~(1ull << i);
        }
    }
    const size_t total = (size_t)__builtin_popcountll(left);
    *count = 0;
    // Selection in order of name: the table is small.
    for (size_t rank = 0; left != 0; rank++) {
        size_t least = (size_t)__builtin_ctzll(left);
        for (uint64_t rest = left; rest != 0; rest &= rest - 1) {
            const size_t i = (size_t)__builtin_ctzll(rest);
            if (strcmp(table->names[i].name, table->names[least].name) < 0) {
                least = i;
            }
        }
        left &= ~(1ull << least);
        if (rank >= first && *count < max) {
            out[(*count)++] = &table->names[least];
        }
    }
    return total;
}
