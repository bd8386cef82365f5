#include "lib/registry/registry.h"

#include "base/mem.h"
#include "base/str.h"

static struct registry_name *find(struct registry *registry, const char *name) {
    for (size_t i = 0; i < REGISTRY_NAMES_MAX; i++) {
        if (strncmp(registry->names[i].name, name, WIRE_NAME_BYTES) == 0) {
            return &registry->names[i];
        }
    }
    return nullptr;
}

// The entry of that name, made if need be; null when there is no room.
static struct registry_name *find_or_add(struct registry *registry, const char *name) {
    struct registry_name *entry = find(registry, name);
    if (entry == nullptr) {
        entry = find(registry, "");
        if (entry == nullptr || !wire_name_put(entry->name, name)) {
            return nullptr;
        }
    }
    return entry;
}

static struct registry_holder *find_holder(struct registry *registry, uint64_t holder) {
    for (size_t i = 0; i < REGISTRY_HOLDERS_MAX; i++) {
        if (registry->holders[i].holder == holder) {
            return &registry->holders[i];
        }
    }
    return nullptr;
}

static uint64_t allowance(const struct registry *registry, uint64_t badge) {
    if (wire_badge_controls(badge)) {
        return UINT64_MAX;
    }
    for (size_t i = 0; badge != 0 && i < REGISTRY_HOLDERS_MAX; i++) {
        if (registry->holders[i].holder == badge) {
            return registry->holders[i].allowed;
        }
    }
    return 0;
}

enum wire_status registry_put(struct registry *registry, const char *name, uint64_t interface_id,
                              handle_t endpoint, handle_t *old) {
    struct registry_name *entry = find_or_add(registry, name);
    if (entry == nullptr) {
        return WIRE_BUSY;
    }
    *old = entry->endpoint;
    entry->endpoint = endpoint;
    entry->interface_id = interface_id;
    return WIRE_OK;
}

enum wire_status registry_permit(struct registry *registry, uint64_t holder,
                                 const char (*names)[WIRE_NAME_BYTES], size_t count) {
    uint64_t allowed = 0;
    for (size_t i = 0; i < count; i++) {
        struct registry_name *entry = find_or_add(registry, names[i]);
        if (entry == nullptr) {
            return WIRE_BUSY;
        }
        allowed |= 1ull << (entry - registry->names);
    }
    struct registry_holder *place = holder == 0 ? nullptr : find_holder(registry, holder);
    if (holder == 0 || wire_badge_controls(holder)) {
        return WIRE_BAD_REQUEST;
    }
    if (place == nullptr && count > 0) {
        place = find_holder(registry, 0);
        if (place == nullptr) {
            return WIRE_BUSY;
        }
    }
    if (place != nullptr) {
        *place = count > 0 ? (struct registry_holder){.holder = holder, .allowed = allowed}
                           : (struct registry_holder){};
    }
    return WIRE_OK;
}

enum wire_status registry_look_up(const struct registry *registry, uint64_t badge, const char *name,
                                  uint64_t interface_id, const struct registry_name **out) {
    uint64_t allowed = allowance(registry, badge);
    const struct registry_name *entry = name[0] == '\0' ? nullptr : find((struct registry *)registry, name);
    if (entry == nullptr || (allowed >> (entry - registry->names) & 1) == 0) {
        return wire_badge_controls(badge) ? WIRE_NOT_FOUND : WIRE_NOT_ALLOWED;
    }
    if (entry->endpoint.v == 0) {
        return WIRE_NOT_FOUND;
    }
    if (interface_id != 0 && interface_id != entry->interface_id) {
        return WIRE_WRONG_INTERFACE;
    }
    *out = entry;
    return WIRE_OK;
}

size_t registry_list_names(const struct registry *registry, uint64_t badge, size_t index,
                           struct registry_entry *out, size_t max, size_t *count) {
    uint64_t left = allowance(registry, badge);
    for (size_t i = 0; i < REGISTRY_NAMES_MAX; i++) {
        if (registry->names[i].endpoint.v == 0) {
            left &= ~(1ull << i);
        }
    }
    size_t total = (size_t)__builtin_popcountll(left);
    *count = 0;
    // Selection in order of name: the table is small.
    for (size_t rank = 0; left != 0; rank++) {
        size_t first = (size_t)__builtin_ctzll(left);
        for (uint64_t rest = left; rest != 0; rest &= rest - 1) {
            size_t i = (size_t)__builtin_ctzll(rest);
            if (strcmp(registry->names[i].name, registry->names[first].name) < 0) {
                first = i;
            }
        }
        left &= ~(1ull << first);
        if (rank >= index && *count < max) {
            struct registry_entry *entry = &out[(*count)++];
            memcpy(entry->name, registry->names[first].name, WIRE_NAME_BYTES);
            entry->interface_id = registry->names[first].interface_id;
        }
    }
    return total;
}
