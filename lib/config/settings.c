// What holds, who may change it, and commits.
#include "lib/config/settings.h"

#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"

static_assert(SETTINGS_VALUES_MAX <= UINT8_MAX);

const char *settings_layer_name(enum config_layer layer) {
    static const char *const names[] = {"default", "vendor", "system", "admin", "session"};
    return layer < SETTINGS_LAYERS ? names[layer] : "?";
}

// ---- looking up ----

static size_t index_of(const struct settings *settings, const struct settings_key *key) {
    return (size_t)(key - settings->keys);
}

// Below 0, 0 or above it, as the key's name compared with these bytes.
static int compare(const struct settings_key *key, struct capnp_text name) {
    const size_t len = strlen(key->name);
    const int order = memcmp(key->name, name.bytes, len < name.len ? len : name.len);
    return order != 0 ? order : len < name.len ? -1 : len > name.len;
}

size_t settings_first(const struct settings *settings, struct capnp_text prefix) {
    size_t low = 0, high = settings->key_count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (compare(&settings->keys[middle], prefix) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct settings_key *settings_find(const struct settings *settings, struct capnp_text name) {
    const size_t at = settings_first(settings, name);
    return at < settings->key_count && compare(&settings->keys[at], name) == 0 ? &settings->keys[at] : nullptr;
}

bool settings_has_prefix(const struct settings_key *key, struct capnp_text prefix) {
    return strlen(key->name) >= prefix.len && memcmp(key->name, prefix.bytes, prefix.len) == 0;
}

const struct settings_value *settings_layer(const struct settings *settings, const struct settings_key *key, enum config_layer layer) {
    const uint8_t at = layer < SETTINGS_LAYERS ? settings->now->at[index_of(settings, key)][layer] : 0;
    return at != 0 ? &settings->now->values[at] : nullptr;
}

const struct settings_value *settings_get(const struct settings *settings, const struct settings_key *key, enum config_layer *layer) {
    const uint8_t *at = settings->now->at[index_of(settings, key)];
    for (size_t i = SETTINGS_LAYERS; i-- > CONFIG_LAYER_VENDOR;) {
        if (at[i] != 0) {
            *layer = (enum config_layer)i;
            return &settings->now->values[at[i]];
        }
    }
    *layer = CONFIG_LAYER_DEFAULT;
    return &key->fallback;
}

// ---- who may ----

static bool is_among(struct capnp_text_list list, const char *who) {
    for (uint32_t i = 0; i < capnp_text_list_count(list); i++) {
        if (str_equal(capnp_text_list_get(list, i).bytes, who)) {
            return true;
        }
    }
    return false;
}

bool settings_may_read(const struct settings_key *key, const char *who, bool control) {
    const struct capnp_text_list readers = config_namespace_get_readers(key->owner);
    return control || capnp_text_list_count(readers) == 0 || is_among(readers, who) || settings_may_write(key, who, control);
}

bool settings_may_write(const struct settings_key *key, const char *who, bool control) {
    return control || is_among(config_namespace_get_writers(key->owner), who);
}

// ---- tables ----

struct settings_table *settings_edit(struct settings *settings) {
    settings->next = &settings->tables[settings->now == &settings->tables[0]];
    *settings->next = *settings->now;
    return settings->next;
}

bool settings_set(const struct settings *settings, struct settings_table *table, const struct settings_key *key,
                  enum config_layer layer, const struct settings_value *value) {
    uint8_t *at = &table->at[index_of(settings, key)][layer];
    if (value == nullptr) {
        table->used[*at] = false;
        *at = 0;
        return true;
    }
    for (uint8_t i = 1; *at == 0 && i <= SETTINGS_VALUES_MAX; i++) {
        if (!table->used[i]) {
            table->used[i] = true;
            *at = i;
        }
    }
    if (*at == 0) {
        return false;
    }
    table->values[*at] = *value;
    return true;
}

static bool is_changed(const struct settings_table *before, const struct settings_table *after, size_t key) {
    for (size_t layer = 0; layer < SETTINGS_LAYERS; layer++) {
        const uint8_t was = before->at[key][layer], is = after->at[key][layer];
        if ((was != 0) != (is != 0) || (is != 0 && !settings_equal(&before->values[was], &after->values[is]))) {
            return true;
        }
    }
    return false;
}

void settings_publish(struct settings *settings) {
    const struct settings_table *next = settings->next;
    bool changed = false;
    for (size_t i = 0; i < settings->key_count; i++) {
        if (is_changed(settings->now, next, i)) {
            settings->keys[i].revision = settings->revision + 1;
            changed = true;
        }
    }
    settings->revision += changed;
    settings->now = settings->next;
}

// ---- commits ----

static enum config_outcome refuse(char why[SETTINGS_WHY_BYTES], enum config_outcome outcome, const char *format, const char *name) {
    fmt_snprintf(why, SETTINGS_WHY_BYTES, format, name);
    return outcome;
}

static enum config_outcome no_key(char why[SETTINGS_WHY_BYTES], struct capnp_text name) {
    char shown[SETTINGS_NAME_BYTES];
    (void)str_copy_bytes(shown, sizeof(shown), name.bytes, name.len); // cut, where there can be no such key
    for (char *c = shown; *c != '\0'; c++) {
        *c = char_is_print(*c) ? *c : '?';
    }
    return refuse(why, CONFIG_OUTCOME_NO_SUCH_KEY, "there is no key `%s`", shown);
}

static enum config_outcome check_unchanged(const struct settings_key *key, uint64_t expected, char why[SETTINGS_WHY_BYTES]) {
    return expected == 0 || key->revision <= expected
               ? CONFIG_OUTCOME_DONE
               : refuse(why, CONFIG_OUTCOME_CONFLICT, "`%s` has been changed meanwhile", key->name);
}

static enum config_outcome change_one(struct settings *settings, struct settings_table *next, const struct settings_commit *commit,
                                      struct config_change change, char why[SETTINGS_WHY_BYTES]) {
    struct settings_value value;
    const struct settings_key *key = settings_find(settings, config_change_get_key(change));
    if (key == nullptr || !settings_may_read(key, commit->who, commit->control)) {
        return no_key(why, config_change_get_key(change));
    }
    if (!settings_may_write(key, commit->who, commit->control)) {
        return refuse(why, CONFIG_OUTCOME_NOT_ALLOWED, "`%s` may be set by the writers of its namespace, and with control", key->name);
    }
    if ((commit->layer != CONFIG_LAYER_ADMIN && commit->layer != CONFIG_LAYER_SESSION) || (key->open & 1u << commit->layer) == 0) {
        fmt_snprintf(why, SETTINGS_WHY_BYTES, "`%s` is not open to the layer `%s`", key->name, settings_layer_name(commit->layer));
        return CONFIG_OUTCOME_NOT_OPEN;
    }
    const enum config_outcome unchanged = check_unchanged(key, commit->expected, why);
    if (unchanged != CONFIG_OUTCOME_DONE) {
        return unchanged;
    }
    bool good = false;
    switch (config_change_which(change)) {
    case CONFIG_CHANGE_UNSET: (void)settings_set(settings, next, key, commit->layer, nullptr); return CONFIG_OUTCOME_DONE;
    case CONFIG_CHANGE_VALUE: good = settings_take(key, config_change_get_value(change), &value, why); break;
    case CONFIG_CHANGE_WRITTEN: good = settings_parse(key, config_change_get_written(change), &value, why); break;
    default: (void)refuse(why, CONFIG_OUTCOME_INVALID, "there is no such change of `%s`", key->name); break;
    }
    if (!good) {
        return CONFIG_OUTCOME_INVALID;
    }
    return settings_set(settings, next, key, commit->layer, &value)
               ? CONFIG_OUTCOME_DONE
               : refuse(why, CONFIG_OUTCOME_FULL, "there is no room for `%s`: as many values are set as can be", key->name);
}

enum config_outcome settings_prepare(struct settings *settings, const struct settings_commit *commit, uint32_t *index,
                                    char why[SETTINGS_WHY_BYTES]) {
    struct settings_table *next = settings_edit(settings);
    const uint32_t changes = config_change_list_count(commit->changes), reads = capnp_text_list_count(commit->reads);
    why[0] = '\0';
    for (*index = 0; *index < changes; ++*index) {
        const struct config_change change = config_change_list_get(commit->changes, *index);
        const enum config_outcome outcome = change_one(settings, next, commit, change, why);
        if (outcome != CONFIG_OUTCOME_DONE) {
            return outcome;
        }
    }
    for (; *index < changes + reads; ++*index) {
        const struct capnp_text name = capnp_text_list_get(commit->reads, *index - changes);
        const struct settings_key *key = settings_find(settings, name);
        if (key == nullptr || !settings_may_read(key, commit->who, commit->control)) {
            return no_key(why, name);
        }
        const enum config_outcome unchanged = check_unchanged(key, commit->expected, why);
        if (unchanged != CONFIG_OUTCOME_DONE) {
            return unchanged;
        }
    }
    *index = 0;
    return CONFIG_OUTCOME_DONE;
}
