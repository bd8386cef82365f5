// A schema: what it must be like, and the keys that it makes.
#include <stdarg.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/capnp/canonical.h"
#include "lib/capnp/frame.h"
#include "lib/config/settings.h"

// What is being looked at: up to two lists from the outside in, and a field in what is there.
struct place {
    struct settings_error *error;
    const char *list, *inner; // null: not in one
    uint32_t index, inner_index;
};

[[gnu::format(printf, 3, 4)]] static bool fail(const struct place *place, const char *member, const char *format, ...) {
    char *where = place->error->where;
    const size_t size = sizeof(place->error->where);
    size_t len = 0;
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(place->error->text, sizeof(place->error->text), format, args);
    va_end(args);
    where[0] = '\0';
    if (place->list != nullptr) {
        len += fmt_snprintf(where + len, size - len, "%s[%u]", place->list, place->index);
    }
    if (place->inner != nullptr) {
        len += fmt_snprintf(where + len, size - len, ".%s[%u]", place->inner, place->inner_index);
    }
    if (member != nullptr) {
        (void)fmt_snprintf(where + len, size - len, "%s%s", len > 0 ? "." : "", member);
    }
    return false;
}

static bool check_name(const struct place *place, const char *member, struct capnp_text text) {
    bool good = text.len > 0 && text.len < SETTINGS_PART_BYTES && text.bytes[0] >= 'a' && text.bytes[0] <= 'z';
    for (size_t i = 0; good && i < text.len; i++) {
        const char c = text.bytes[i];
        good = (c >= 'a' && c <= 'z') || char_is_digit(c) || c == '-' || c == '_';
    }
    return good || fail(place, member, "a name is a lower-case letter, then lower-case letters, digits, - and _, %zu at most",
                        SETTINGS_PART_BYTES - 1);
}

static bool check_names(const struct place *place, const char *member, struct capnp_text_list list) {
    for (uint32_t i = 0; i < capnp_text_list_count(list); i++) {
        if (!check_name(place, member, capnp_text_list_get(list, i))) {
            return false;
        }
    }
    return true;
}

static bool check_words(const struct place *place, const char *member, struct capnp_text text) {
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.bytes[i] < ' ' || text.bytes[i] == 0x7f) {
            return fail(place, member, "a control character stands in it");
        }
    }
    return true;
}

// ---- keys ----

// The default, as a value of the key's type.
static bool read_fallback(struct settings_key *key, char why[SETTINGS_WHY_BYTES]) {
    uint64_t words[64] = {}; // for a list: as many as it can have bytes, and half as many pointers
    struct capnp_builder builder;
    capnp_builder_init(&builder, words, sizeof(words) / sizeof(words[0]));
    const struct config_value_builder value = config_value_init_root(&builder);
    switch (key->kind) {
    case CONFIG_VALUE_FLAG: config_value_set_flag(value, config_key_flag_get_default(config_key_get_flag(key->spec))); break;
    case CONFIG_VALUE_INTEGER:
        config_value_set_integer(value, config_key_integer_get_default(config_key_get_integer(key->spec)));
        break;
    case CONFIG_VALUE_TEXT: config_value_set_text(value, config_key_text_get_default(config_key_get_text(key->spec))); break;
    case CONFIG_VALUE_CHOICE: config_value_set_choice(value, config_key_choice_get_default(config_key_get_choice(key->spec))); break;
    default: config_value_set_list(value, config_key_list_group_get_default(config_key_get_list(key->spec))); break;
    }
    if (!status_ok(capnp_builder_status(&builder))) {
        fmt_snprintf(why, SETTINGS_WHY_BYTES, "the default of `%s` is too long", key->name);
        return false;
    }
    return settings_take(key, config_value_read(value), &key->fallback, why);
}

// What its type needs to be said.
static bool check_type(const struct place *place, const struct settings_key *key) {
    switch (key->kind) {
    case CONFIG_VALUE_FLAG: return true;
    case CONFIG_VALUE_INTEGER: {
        const struct config_key_integer spec = config_key_get_integer(key->spec);
        if (config_key_integer_get_min(spec) >= config_key_integer_get_max(spec)) {
            return fail(place, "integer.max", "`max` is above `min`");
        }
        return check_words(place, "integer.unit", config_key_integer_get_unit(spec));
    }
    case CONFIG_VALUE_TEXT: {
        const uint32_t most = config_key_text_get_max_bytes(config_key_get_text(key->spec));
        return (most >= 1 && most <= SETTINGS_VALUE_BYTES) ||
               fail(place, "text.maxBytes", "`maxBytes` is 1 to %zu", SETTINGS_VALUE_BYTES);
    }
    case CONFIG_VALUE_CHOICE: {
        const struct capnp_text_list list = config_key_choice_get_choices(config_key_get_choice(key->spec));
        if (capnp_text_list_count(list) < 2) {
            return fail(place, "choice.choices", "a choice has at least two names to choose from");
        }
        return check_names(place, "choice.choices", list);
    }
    case CONFIG_VALUE_LIST: {
        const uint32_t most = config_key_list_group_get_max_count(config_key_get_list(key->spec));
        return (most >= 1 && most <= SETTINGS_VALUE_BYTES / 2) ||
               fail(place, "list.maxCount", "`maxCount` is 1 to %zu", SETTINGS_VALUE_BYTES / 2);
    }
    default: return fail(place, nullptr, "the type is missing, as in `flag = (default = true)`");
    }
}

// In the order of names.
static bool insert(const struct place *place, struct settings *settings, const struct settings_key *key) {
    const size_t at = settings_first(settings, capnp_text(key->name));
    if (settings->key_count == SETTINGS_KEYS_MAX) {
        return fail(place, nullptr, "there are more than %zu keys", SETTINGS_KEYS_MAX);
    }
    if (at < settings->key_count && str_equal(settings->keys[at].name, key->name)) {
        return fail(place, "name", "there is a key `%s` already", key->name);
    }
    memmove(&settings->keys[at + 1], &settings->keys[at], (settings->key_count - at) * sizeof(*key));
    settings->keys[at] = *key;
    settings->key_count++;
    return true;
}

static bool read_key(const struct place *place, struct settings *settings, struct config_namespace space, struct config_key spec) {
    static struct settings_key key; // too large for a stack
    char why[SETTINGS_WHY_BYTES];
    const struct config_layer_list open = config_key_get_open(spec);
    key = (struct settings_key){.owner = space, .spec = spec, .kind = (enum config_value_which)config_key_which(spec)};
    if (!check_name(place, "name", config_key_get_name(spec)) || !check_words(place, "summary", config_key_get_summary(spec)) ||
        !check_type(place, &key)) {
        return false;
    }
    if (config_key_get_summary(spec).len == 0) {
        return fail(place, nullptr, "what it is for is missing: `summary`");
    }
    fmt_snprintf(key.name, sizeof(key.name), "%s.%s", config_namespace_get_name(space).bytes, config_key_get_name(spec).bytes);
    for (uint32_t i = 0; i < config_layer_list_count(open); i++) {
        const enum config_layer layer = config_layer_list_get(open, i);
        if (layer == CONFIG_LAYER_DEFAULT || layer >= SETTINGS_LAYERS) {
            return fail(place, "open", "a key is open to vendor, system, admin or session");
        }
        key.open |= 1u << layer;
    }
    return read_fallback(&key, why) ? insert(place, settings, &key) : fail(place, nullptr, "%s", why);
}

// The type of a key and of a value have the same numbers.
static_assert((int)CONFIG_KEY_FLAG == CONFIG_VALUE_FLAG && (int)CONFIG_KEY_INTEGER == CONFIG_VALUE_INTEGER &&
              (int)CONFIG_KEY_TEXT == CONFIG_VALUE_TEXT && (int)CONFIG_KEY_CHOICE == CONFIG_VALUE_CHOICE &&
              (int)CONFIG_KEY_LIST == CONFIG_VALUE_LIST);

// ---- namespaces ----

static bool check_migration(const struct place *place, struct config_namespace space, struct config_migration one) {
    const uint32_t version = config_migration_get_to_version(one);
    if (version < 2 || version > config_namespace_get_version(space)) {
        return fail(place, "toVersion", "a migration leads to a version from 2 to that of its namespace, %u",
                    config_namespace_get_version(space));
    }
    if (!check_name(place, "key", config_migration_get_key(one))) {
        return false;
    }
    switch (config_migration_which(one)) {
    case CONFIG_MIGRATION_RENAMED: return check_name(place, "renamed", config_migration_get_renamed(one));
    case CONFIG_MIGRATION_REMOVED: return true;
    case CONFIG_MIGRATION_SCALED:
        return config_migration_scaled_get_divide(config_migration_get_scaled(one)) >= 1 ||
               fail(place, "scaled.divide", "it is divided by 1 or more");
    case CONFIG_MIGRATION_MAPPED: {
        const struct capnp_text to = config_migration_mapped_get_to(config_migration_get_mapped(one));
        return check_words(place, "mapped.to", to) &&
               (to.len <= SETTINGS_VALUE_BYTES || fail(place, "mapped.to", "it is longer than %zu bytes", SETTINGS_VALUE_BYTES));
    }
    default: return fail(place, nullptr, "what becomes of `%s` is missing, as in `renamed = \"other\"`", config_migration_get_key(one).bytes);
    }
}

static bool read_namespace(struct place *place, struct settings *settings, struct config_namespace space) {
    const struct config_key_list keys = config_namespace_get_keys(space);
    const struct config_migration_list migrations = config_namespace_get_migrations(space);
    place->inner = nullptr;
    if (!check_name(place, "name", config_namespace_get_name(space)) ||
        !check_names(place, "readers", config_namespace_get_readers(space)) ||
        !check_names(place, "writers", config_namespace_get_writers(space))) {
        return false;
    }
    for (uint32_t i = 0; i < place->index; i++) {
        const struct config_namespace other = config_namespace_list_get(config_schema_get_namespaces(settings->schema), i);
        if (str_equal(config_namespace_get_name(other).bytes, config_namespace_get_name(space).bytes)) {
            return fail(place, "name", "there is a namespace `%s` already", config_namespace_get_name(space).bytes);
        }
    }
    for (uint32_t i = 0; i < config_key_list_count(keys); i++) {
        place->inner = "keys";
        place->inner_index = i;
        if (!read_key(place, settings, space, config_key_list_get(keys, i))) {
            return false;
        }
    }
    for (uint32_t i = 0; i < config_migration_list_count(migrations); i++) {
        place->inner = "migrations";
        place->inner_index = i;
        if (!check_migration(place, space, config_migration_list_get(migrations, i))) {
            return false;
        }
    }
    place->inner = nullptr;
    return true;
}

// ---- overlays ----

static bool read_overlay(const struct place *place, struct settings *settings, struct config_overlay overlay) {
    static struct settings_value value;
    char why[SETTINGS_WHY_BYTES];
    const struct settings_key *key = settings_find(settings, config_overlay_get_key(overlay));
    const enum config_layer layer = config_overlay_get_layer(overlay);
    if (key == nullptr) {
        return fail(place, "key", "there is no such key; `NAMESPACE.KEY` is expected");
    }
    if (layer != CONFIG_LAYER_VENDOR && layer != CONFIG_LAYER_SYSTEM) {
        return fail(place, "layer", "vendor and system have overlays; the others are set while the system runs");
    }
    if ((key->open & 1u << layer) == 0) {
        return fail(place, "layer", "`%s` is not open to `%s`; `open = [%s]` at the key is expected", key->name,
                    settings_layer_name(layer), settings_layer_name(layer));
    }
    if (settings_layer(settings, key, layer) != nullptr) {
        return fail(place, "key", "`%s` has a value in this layer already", key->name);
    }
    if (!settings_take(key, config_overlay_get_value(overlay), &value, why)) {
        return fail(place, "value", "%s", why);
    }
    return settings_set(settings, settings->now, key, layer, &value) ||
           fail(place, nullptr, "there are more than %zu values", SETTINGS_VALUES_MAX);
}

bool settings_open(const void *bytes, size_t len_bytes, struct settings *settings, struct settings_error *error) {
    struct place place = {.error = error};
    size_t used;
    memset(settings, 0, sizeof(*settings));
    settings->now = &settings->tables[0];
    *error = (struct settings_error){};
    if (!status_ok(capnp_frame_open(bytes, len_bytes, &settings->segment, 1, &settings->message, &used)) ||
        !status_ok(capnp_check_canonical(settings->segment.words, settings->segment.count))) {
        return fail(&place, nullptr, "it is no message in canonical form");
    }
    settings->message.traversal_words = UINT64_MAX; // canonical: nothing in it can be read twice (lib/manifest)
    settings->schema = config_schema_root(&settings->message);
    const struct config_namespace_list spaces = config_schema_get_namespaces(settings->schema);
    const struct config_overlay_list overlays = config_schema_get_overlays(settings->schema);
    for (uint32_t i = 0; i < config_namespace_list_count(spaces); i++) {
        place.list = "namespaces";
        place.index = i;
        if (!read_namespace(&place, settings, config_namespace_list_get(spaces, i))) {
            return false;
        }
    }
    for (uint32_t i = 0; i < config_overlay_list_count(overlays); i++) {
        place.list = "overlays";
        place.index = i;
        if (!read_overlay(&place, settings, config_overlay_list_get(overlays, i))) {
            return false;
        }
    }
    place = (struct place){.error = error};
    return status_ok(capnp_status(&settings->message)) || fail(&place, nullptr, "a pointer in the message is malformed");
}
