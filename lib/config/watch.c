#include "lib/config/watch.h"

#include "base/mem.h"
#include "base/str.h"

static void forget(struct watches *watches, struct watch *watch) {
    watches->close(watch->watcher);
    *watch = (struct watch){};
}

static struct watch *find(struct watches *watches, uint64_t holder, struct capnp_text prefix) {
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        struct watch *watch = &watches->entries[i];
        if (watch->holder == holder && strlen(watch->prefix) == prefix.len && memcmp(watch->prefix, prefix.bytes, prefix.len) == 0) {
            return watch;
        }
    }
    return nullptr;
}

// A free place for this holder.
static struct watch *place_for(struct watches *watches, uint64_t holder) {
    struct watch *place = nullptr;
    size_t own = 0;
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        struct watch *watch = &watches->entries[i];
        if (watch->holder == 0) {
            place = watch;
        }
        own += watch->holder == holder;
    }
    return own < WATCHES_OF_ONE_MAX ? place : nullptr;
}

static void forget_dead(struct watches *watches) {
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        struct watch *watch = &watches->entries[i];
        if (watch->holder != 0 && !watches->signal(watch->watcher, 0)) {
            forget(watches, watch);
        }
    }
}

bool watches_set(struct watches *watches, uint64_t holder, struct capnp_text prefix, handle_t watcher, uint64_t bits) {
    struct watch *watch = find(watches, holder, prefix);
    if (watch != nullptr) {
        forget(watches, watch);
    }
    if (watcher.v == 0) {
        return true;
    }
    watch = place_for(watches, holder);
    if (watch == nullptr) {
        forget_dead(watches);
        watch = place_for(watches, holder);
    }
    if (watch == nullptr || prefix.len >= sizeof(watch->prefix)) {
        return false;
    }
    *watch = (struct watch){.holder = holder, .bits = bits, .watcher = watcher};
    return str_copy_bytes(watch->prefix, sizeof(watch->prefix), prefix.bytes, prefix.len);
}

static bool is_concerned(const struct watch *watch, const struct settings *settings, uint64_t after) {
    const struct capnp_text prefix = capnp_text(watch->prefix);
    for (size_t i = settings_first(settings, prefix); i < settings->key_count && settings_has_prefix(&settings->keys[i], prefix); i++) {
        if (settings->keys[i].revision > after) {
            return true;
        }
    }
    return false;
}

void watches_tell(struct watches *watches, const struct settings *settings, uint64_t after) {
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        struct watch *watch = &watches->entries[i];
        if (watch->holder != 0 && is_concerned(watch, settings, after) && !watches->signal(watch->watcher, watch->bits)) {
            forget(watches, watch);
        }
    }
}
