// Who is to be told of changes. A watcher is a notification; one that cannot be signalled any more is forgotten.
#pragma once

#include "lib/config/settings.h"

constexpr size_t WATCHES_MAX = 64;
constexpr size_t WATCHES_OF_ONE_MAX = 8; // holder, so that no holder can take all of them

struct watch {
    uint64_t holder; // 0: free
    uint64_t bits;
    handle_t watcher; // owned
    char prefix[SETTINGS_NAME_BYTES];
};

struct watches {
    bool (*signal)(handle_t watcher, uint64_t bits); // false: it is dead. No bits: only that
    void (*close)(handle_t watcher);
    struct watch entries[WATCHES_MAX];
};

// Adds one, which becomes the table's own, or puts it in the place of the holder's earlier one for this prefix; with handle 0 only
// takes that away. False, and nothing is taken: there is no room, even without the dead ones.
[[nodiscard]] bool watches_set(struct watches *watches, uint64_t holder, struct capnp_text prefix, handle_t watcher, uint64_t bits);

// Tells everybody who watches a key that has changed after this revision, once.
void watches_tell(struct watches *watches, const struct settings *settings, uint64_t after);
