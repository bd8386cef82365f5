// What people have set, as one message, and back, over versions of the schema.
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/config/settings.h"

// ---- saving ----

static bool is_of(const struct settings_key *key, struct config_namespace space) {
    return str_equal(config_namespace_get_name(key->owner).bytes, config_namespace_get_name(space).bytes);
}

static uint32_t count_values(const struct settings *settings, const struct settings_table *table, struct config_namespace space) {
    uint32_t count = 0;
    for (size_t i = 0; i < settings->key_count; i++) {
        for (size_t layer = CONFIG_LAYER_ADMIN; layer < SETTINGS_LAYERS; layer++) {
            count += is_of(&settings->keys[i], space) && table->at[i][layer] != 0;
        }
    }
    return count;
}

static void save_values(const struct settings *settings, const struct settings_table *table, struct config_namespace space,
                        struct config_saved_value_list_builder list) {
    uint32_t at = 0;
    for (size_t i = 0; i < settings->key_count; i++) {
        for (size_t layer = CONFIG_LAYER_ADMIN; layer < SETTINGS_LAYERS; layer++) {
            const uint8_t value = table->at[i][layer];
            if (value == 0 || !is_of(&settings->keys[i], space)) {
                continue;
            }
            const struct config_saved_value_builder to = config_saved_value_list_edit(list, at++);
            config_saved_value_set_key(to, config_key_get_name(settings->keys[i].spec));
            config_saved_value_set_layer(to, (enum config_layer)layer);
            settings_put(&table->values[value], config_saved_value_init_value(to));
        }
    }
}

void settings_save(const struct settings *settings, const struct settings_table *table, struct config_saved_builder to) {
    const struct config_namespace_list spaces = config_schema_get_namespaces(settings->schema);
    const uint32_t count = config_namespace_list_count(spaces);
    const struct config_saved_namespace_list_builder list = config_saved_init_namespaces(to, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct config_namespace space = config_namespace_list_get(spaces, i);
        const struct config_saved_namespace_builder saved = config_saved_namespace_list_edit(list, i);
        config_saved_namespace_set_name(saved, config_namespace_get_name(space));
        config_saved_namespace_set_version(saved, config_namespace_get_version(space));
        save_values(settings, table, space, config_saved_namespace_init_values(saved, count_values(settings, table, space)));
    }
}

// ---- migrating ----

// A saved value on its way to the present version.
struct moving {
    char key[SETTINGS_PART_BYTES];
    struct settings_value value;
    bool removed;
};

static void scale(struct moving *moving, struct config_migration_scaled by) {
    int64_t product;
    // Where that has no result the value is dropped: it could only be another one by chance.
    if (moving->value.kind != CONFIG_VALUE_INTEGER ||
        __builtin_mul_overflow(moving->value.number, config_migration_scaled_get_multiply(by), &product)) {
        moving->value.kind = CONFIG_VALUE_NOTHING;
    } else {
        moving->value.number = product / config_migration_scaled_get_divide(by); // 1 or more: schema.c
    }
}

static void map(struct moving *moving, struct config_migration_mapped by) {
    if (str_equal(moving->value.text, config_migration_mapped_get_from(by).bytes)) {
        const struct capnp_text to = config_migration_mapped_get_to(by);
        (void)str_copy(moving->value.text, sizeof(moving->value.text), to.bytes); // it fits: schema.c
        moving->value.bytes = (uint16_t)to.len;
    }
}

static void migrate(struct moving *moving, struct config_namespace space, uint32_t version) {
    const struct config_migration_list list = config_namespace_get_migrations(space);
    for (uint32_t i = 0; i < config_migration_list_count(list); i++) {
        const struct config_migration one = config_migration_list_get(list, i);
        if (config_migration_get_to_version(one) <= version || !str_equal(config_migration_get_key(one).bytes, moving->key)) {
            continue;
        }
        switch (config_migration_which(one)) {
        case CONFIG_MIGRATION_RENAMED:
            (void)str_copy(moving->key, sizeof(moving->key), config_migration_get_renamed(one).bytes); // a name: schema.c
            break;
        case CONFIG_MIGRATION_SCALED: scale(moving, config_migration_get_scaled(one)); break;
        case CONFIG_MIGRATION_MAPPED: map(moving, config_migration_get_mapped(one)); break;
        default: moving->removed = true; return;
        }
    }
}

// ---- restoring ----

// The value as it was saved, whatever its key takes now.
static bool read_value(struct config_value from, struct settings_value *out) {
    *out = (struct settings_value){.kind = config_value_which(from)};
    struct capnp_text text = {"", 0};
    switch (out->kind) {
    case CONFIG_VALUE_FLAG: out->number = config_value_get_flag(from); return true;
    case CONFIG_VALUE_INTEGER: out->number = config_value_get_integer(from); return true;
    case CONFIG_VALUE_TEXT:
    case CONFIG_VALUE_CHOICE: text = config_value_get_text(from); break; // both lie in the same place
    default: return false;
    }
    if (text.len > SETTINGS_VALUE_BYTES || strnlen(text.bytes, text.len) != text.len) {
        return false;
    }
    memcpy(out->text, text.bytes, text.len);
    out->bytes = (uint16_t)text.len;
    return true;
}

// A value for the key that it belongs to now. Lists are not migrated but for their names.
static bool settle(const struct settings_key *key, const struct moving *moving, struct config_value saved, struct settings_value *out,
                   char why[SETTINGS_WHY_BYTES]) {
    if (config_value_which(saved) == CONFIG_VALUE_LIST) {
        return settings_take(key, saved, out, why);
    }
    *out = moving->value;
    if (out->kind != key->kind) {
        fmt_snprintf(why, SETTINGS_WHY_BYTES, "`%s` is of another type now", key->name);
        return false;
    }
    return settings_fits(key, out, why);
}

// True when it was kept, or its schema says that there is nothing to keep.
static bool restore_one(struct settings *settings, struct config_namespace space, uint32_t version, struct config_saved_value saved,
                        bool *kept, char why[SETTINGS_WHY_BYTES]) {
    struct moving moving = {};
    struct settings_value value;
    char name[SETTINGS_NAME_BYTES];
    const struct config_value from = config_saved_value_get_value(saved);
    const struct capnp_text key_name = config_saved_value_get_key(saved);
    const enum config_layer layer = config_saved_value_get_layer(saved);
    if (!str_copy_bytes(moving.key, sizeof(moving.key), key_name.bytes, key_name.len) ||
        (config_value_which(from) != CONFIG_VALUE_LIST && !read_value(from, &moving.value))) {
        fmt_snprintf(why, SETTINGS_WHY_BYTES, "a value of `%s` is none", config_namespace_get_name(space).bytes);
        return false;
    }
    migrate(&moving, space, version);
    if (moving.removed) {
        return true;
    }
    fmt_snprintf(name, sizeof(name), "%s.%s", config_namespace_get_name(space).bytes, moving.key);
    const struct settings_key *key = settings_find(settings, capnp_text(name));
    if (key == nullptr) {
        fmt_snprintf(why, SETTINGS_WHY_BYTES, "there is no key `%.40s`", name);
        return false;
    }
    if ((layer != CONFIG_LAYER_ADMIN && layer != CONFIG_LAYER_SESSION) || (key->open & 1u << layer) == 0) {
        fmt_snprintf(why, SETTINGS_WHY_BYTES, "`%s` is not open to the layer `%s`", key->name, settings_layer_name(layer));
        return false;
    }
    *kept = settle(key, &moving, from, &value, why);
    if (*kept && !settings_set(settings, settings->next, key, layer, &value)) {
        fmt_snprintf(why, SETTINGS_WHY_BYTES, "there is no room for `%s`", key->name);
        *kept = false;
    }
    return *kept;
}

static bool find_space(const struct settings *settings, struct capnp_text name, struct config_namespace *out) {
    const struct config_namespace_list spaces = config_schema_get_namespaces(settings->schema);
    for (uint32_t i = 0; i < config_namespace_list_count(spaces); i++) {
        *out = config_namespace_list_get(spaces, i);
        const struct capnp_text is = config_namespace_get_name(*out);
        if (is.len == name.len && memcmp(is.bytes, name.bytes, is.len) == 0) {
            return true;
        }
    }
    return false;
}

void settings_restore(struct settings *settings, struct config_saved saved, uint32_t *kept, uint32_t *dropped,
                      char why[SETTINGS_WHY_BYTES]) {
    struct settings_table *next = settings_edit(settings);
    const struct config_saved_namespace_list spaces = config_saved_get_namespaces(saved);
    const uint32_t count = config_saved_namespace_list_count(spaces);
    char later[SETTINGS_WHY_BYTES];
    *kept = *dropped = 0;
    why[0] = '\0';
    for (size_t i = 0; i < settings->key_count; i++) {
        (void)settings_set(settings, next, &settings->keys[i], CONFIG_LAYER_ADMIN, nullptr);
        (void)settings_set(settings, next, &settings->keys[i], CONFIG_LAYER_SESSION, nullptr);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct config_saved_namespace from = config_saved_namespace_list_get(spaces, i);
        const struct config_saved_value_list values = config_saved_namespace_get_values(from);
        const uint32_t value_count = config_saved_value_list_count(values);
        struct config_namespace space;
        if (!find_space(settings, config_saved_namespace_get_name(from), &space)) {
            if (*dropped == 0 && value_count > 0) {
                fmt_snprintf(why, SETTINGS_WHY_BYTES, "a whole namespace is gone");
            }
            *dropped += value_count;
            continue;
        }
        const uint32_t version = config_saved_namespace_get_version(from);
        for (uint32_t j = 0; j < value_count; j++) {
            bool keep = false;
            const bool good = restore_one(settings, space, version, config_saved_value_list_get(values, j), &keep,
                                          *dropped == 0 ? why : later);
            *kept += keep;
            *dropped += !good;
        }
    }
}
