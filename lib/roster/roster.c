#include "lib/roster/roster.h"

#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"

constexpr size_t NAME_WORDS = NAME_BYTES / sizeof(uint64_t);

static struct roster_entry *entry_at(struct roster *roster, uint64_t holder, size_t step) {
    return &roster->entries[(holder + step) % ROSTER_ENTRIES];
}

// Where the holder stands, else where it could; null when there is no room.
static struct roster_entry *place_of(struct roster *roster, uint64_t holder) {
    struct roster_entry *room = nullptr;
    for (size_t step = 0; step < ROSTER_ENTRIES; step++) {
        struct roster_entry *entry = entry_at(roster, holder, step);
        if (entry->holder == holder) {
            return entry;
        }
        if (room == nullptr && (entry->holder == 0 || entry->holder == ROSTER_LEFT)) {
            room = entry;
        }
        if (entry->holder == 0) {
            break;
        }
    }
    return room;
}

bool roster_put(struct roster *roster, uint64_t holder, const char *name) {
    struct roster_entry *entry = place_of(roster, holder);
    uint64_t words[NAME_WORDS] = {};
    if (entry == nullptr) {
        return false;
    }
    (void)str_copy((char *)words, sizeof(words), name); // cut
    __atomic_store_n(&entry->holder, ROSTER_LEFT, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE); // who reads a word of the new name finds no number afterwards
    for (size_t i = 0; i < NAME_WORDS; i++) {
        __atomic_store_n(&entry->name[i], words[i], __ATOMIC_RELAXED);
    }
    __atomic_store_n(&entry->holder, holder, __ATOMIC_RELEASE);
    return true;
}

void roster_remove(struct roster *roster, uint64_t holder) {
    struct roster_entry *entry = place_of(roster, holder);
    if (entry != nullptr && entry->holder == holder) {
        __atomic_store_n(&entry->holder, ROSTER_LEFT, __ATOMIC_RELAXED);
    }
}

// Whether the entry is the holder's, with its name.
static bool read_entry(const struct roster_entry *entry, uint64_t holder, char name[NAME_BYTES]) {
    uint64_t words[NAME_WORDS];
    if (__atomic_load_n(&entry->holder, __ATOMIC_ACQUIRE) != holder) {
        return false;
    }
    for (size_t i = 0; i < NAME_WORDS; i++) {
        words[i] = __atomic_load_n(&entry->name[i], __ATOMIC_RELAXED);
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(&entry->holder, __ATOMIC_RELAXED) != holder) {
        return false; // it left meanwhile
    }
    memcpy(name, words, NAME_BYTES);
    name[NAME_BYTES - 1] = '\0';
    return true;
}

static bool look_up(const struct roster *roster, uint64_t holder, char name[NAME_BYTES]) {
    for (size_t step = 0; step < ROSTER_ENTRIES && holder != 0 && holder != ROSTER_LEFT; step++) {
        const struct roster_entry *entry = &roster->entries[(holder + step) % ROSTER_ENTRIES];
        if (read_entry(entry, holder, name)) {
            return true;
        }
        if (__atomic_load_n(&entry->holder, __ATOMIC_RELAXED) == 0) {
            break;
        }
    }
    return false;
}

bool roster_has(const struct roster *roster, uint64_t holder) {
    char name[NAME_BYTES];
    return look_up(roster, holder, name);
}

const char *roster_name(const struct roster *roster, uint64_t holder, char name[NAME_BYTES]) {
    if (look_up(roster, holder, name)) {
        return name;
    }
    memset(name, 0, NAME_BYTES);
    fmt_snprintf(name, NAME_BYTES, "holder-%llu", (unsigned long long)holder);
    return name;
}
