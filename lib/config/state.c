// What people and services have set, for another process of the service: the message that Config.save gives, behind how far revisions
// have come.
#include "base/mem.h"
#include "lib/config/settings.h"

constexpr uint64_t VERSION = 1;

struct kept {
    uint64_t version;
    uint64_t revision;
};

size_t settings_keep(const struct settings *settings, const struct settings_table *table, void *to, size_t room) {
    const struct kept kept = {.version = VERSION, .revision = settings->revision + (table != settings->now)};
    struct capnp_builder builder;
    if (room < sizeof(kept)) {
        return 0;
    }
    memcpy(to, &kept, sizeof(kept));
    capnp_builder_init(&builder, (struct kept *)to + 1, (uint32_t)((room - sizeof(kept)) / CAPNP_WORD_BYTES));
    settings_save(settings, table, config_saved_init_root(&builder));
    return status_ok(capnp_builder_status(&builder)) ? sizeof(kept) + builder.first.count * CAPNP_WORD_BYTES : 0;
}

bool settings_adopt(struct settings *settings, const void *from, size_t len) {
    const struct kept *kept = from;
    struct capnp_message message;
    struct config_saved saved;
    char why[SETTINGS_WHY_BYTES];
    uint32_t restored, dropped;
    if (len < sizeof(*kept) || len % CAPNP_WORD_BYTES != 0 || kept->version != VERSION || kept->revision < settings->revision) {
        return false;
    }
    capnp_message_init(&message, kept + 1, (uint32_t)((len - sizeof(*kept)) / CAPNP_WORD_BYTES));
    saved = config_saved_root(&message);
    settings_restore(settings, saved, &restored, &dropped, why);
    if (!status_ok(capnp_status(&message))) {
        return false; // what was made of it is not published
    }
    settings_publish(settings);
    // Whoever read a value of this revision, or of one before it, must be told when it changes.
    settings->revision = kept->revision;
    for (size_t i = 0; i < settings->key_count; i++) {
        settings->keys[i].revision = kept->revision;
    }
    return true;
}
