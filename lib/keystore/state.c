// Keys for another process of the service, in this one's place.
#include "base/mem.h"
#include "base/str.h"
#include "lib/keystore/keystore.h"

constexpr uint64_t VERSION = 1;

// The keys follow: that of the machine first, if there is one.
struct saved {
    uint64_t version;
    uint32_t has_device, count;
    uint64_t generated, signatures, seals, refused;
};

static size_t saved_bytes(uint32_t has_device, uint32_t count) {
    return sizeof(struct saved) + ((size_t)has_device + count) * sizeof(struct keystore_key);
}

size_t keystore_save(const struct keystore *store, void *to, size_t room) {
    const struct saved saved = {.version = VERSION, .has_device = store->has_device, .count = store->count, .generated = store->generated,
                                .signatures = store->signatures, .seals = store->seals, .refused = store->refused};
    const size_t len = saved_bytes(saved.has_device, saved.count);
    if (room < len) {
        return room == 0 ? saved_bytes(1, KEYSTORE_KEYS_MAX) : 0;
    }
    struct keystore_key *next = (struct keystore_key *)((struct saved *)to + 1);
    memcpy(to, &saved, sizeof(saved));
    if (store->has_device) {
        memcpy(next++, &store->device, sizeof(*next));
    }
    for (size_t i = 0; i < KEYSTORE_KEYS_MAX; i++) {
        if (store->keys[i].number != 0) {
            memcpy(next++, &store->keys[i], sizeof(*next));
        }
    }
    return len;
}

// Whether it is a key: with an end to its name, and a pair that belongs together (one that does not would give its secret away when
// it signs).
static bool is_whole(const struct keystore_key *key) {
    return strnlen(key->name, NAME_BYTES) < NAME_BYTES &&
           memcmp(key->secret + KEYSTORE_SEED_BYTES, key->public_key, KEYSTORE_PUBLIC_BYTES) == 0;
}

static bool are_whole(const struct saved *saved, const struct keystore_key *device, const struct keystore_key *keys) {
    if (device != nullptr && !is_whole(device)) {
        return false;
    }
    for (uint32_t i = 0; i < saved->count; i++) {
        bool single = keystore_badge_number(keys[i].number) == keys[i].number && keys[i].number != 0;
        for (uint32_t j = 0; j < i; j++) {
            single = single && keys[j].number != keys[i].number;
        }
        if (!single || !is_whole(&keys[i])) {
            return false;
        }
    }
    return true;
}

bool keystore_adopt(struct keystore *store, const void *from, size_t len) {
    const struct saved *saved = from;
    if (len < sizeof(*saved) || saved->version != VERSION || saved->has_device > 1 || saved->count > KEYSTORE_KEYS_MAX ||
        len != saved_bytes(saved->has_device, saved->count)) {
        return false;
    }
    const struct keystore_key *first = (const struct keystore_key *)(saved + 1);
    const struct keystore_key *device = saved->has_device != 0 ? first : nullptr, *keys = first + saved->has_device;
    if (!are_whole(saved, device, keys)) {
        return false;
    }
    keystore_init(store);
    if (device != nullptr) {
        store->device = *device;
        store->has_device = true;
    }
    memcpy(store->keys, keys, saved->count * sizeof(*keys));
    store->count = saved->count;
    store->generated = saved->generated;
    store->signatures = saved->signatures;
    store->seals = saved->seals;
    store->refused = saved->refused;
    return true;
}
