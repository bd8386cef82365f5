// Settings: the keys that a system's schema declares (idl/config.capnp), what layers have set them to, and what of that holds.
//
// A table has the values of all layers. A change is made in a copy of the table, which then takes its place: all of a commit
// holds, or nothing of it. Memory is fixed; nothing here allocates, locks or blocks.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "idl/config.capnp.h"

constexpr size_t SETTINGS_NAME_BYTES = 48; // NAMESPACE.KEY with its NUL
constexpr size_t SETTINGS_PART_BYTES = 24; // either of them
constexpr size_t SETTINGS_VALUE_BYTES = 200; // of a text, or of a list with a NUL behind each element
constexpr size_t SETTINGS_KEYS_MAX = 96;
constexpr size_t SETTINGS_VALUES_MAX = 96; // that layers set
constexpr size_t SETTINGS_LAYERS = CONFIG_LAYER_SESSION + 1;
constexpr size_t SETTINGS_WHY_BYTES = 160;

struct settings_value {
    enum config_value_which kind; // NOTHING: no value
    uint8_t count;                // elements of a list
    uint16_t bytes;               // in `text`, without the NUL of a text
    int64_t number;               // flag, integer
    char text[SETTINGS_VALUE_BYTES + 1]; // text, choice; each element of a list, with its NUL
};

struct settings_key {
    char name[SETTINGS_NAME_BYTES];
    struct config_namespace owner; // in the schema, as the next
    struct config_key spec;
    enum config_value_which kind;
    uint32_t open; // bit of each layer that may set it
    uint64_t revision;
    struct settings_value fallback; // its default
};

// What layers have set. Entry 0 of `values` is never used.
struct settings_table {
    uint8_t at[SETTINGS_KEYS_MAX][SETTINGS_LAYERS]; // value of this key in this layer; 0: none
    bool used[SETTINGS_VALUES_MAX + 1];
    struct settings_value values[SETTINGS_VALUES_MAX + 1];
};

struct settings {
    struct capnp_segment segment;
    struct capnp_message message;
    struct config_schema schema;
    struct settings_key keys[SETTINGS_KEYS_MAX]; // by name
    size_t key_count;
    uint64_t revision;
    struct settings_table tables[2];
    struct settings_table *now;  // the one that holds
    struct settings_table *next; // and the one that is being made
};

struct settings_error {
    char where[72]; // the way from the constant to what is wrong: "namespaces[1].keys[0].integer"
    char text[SETTINGS_WHY_BYTES];
};

// ---- schema.c ----

// Reads and checks a schema: a message of one segment in canonical form, in a frame, and perhaps zeros behind it. The bytes are kept
// as long as *settings, 8-byte aligned and never changed; *settings is large, and stays where it is. On failure *error
// is the first mistake.
[[nodiscard]] bool settings_open(const void *bytes, size_t len_bytes, struct settings *settings, struct settings_error *error);

// ---- value.c ----

// What values a key takes, in words: "an integer from 1 to 50 records/s". Returns `out`.
const char *settings_type_text(const struct settings_key *key, char out[SETTINGS_WHY_BYTES]);

// Takes a value for this key: from a message; or as a person writes it, which the key's type gives its meaning. False, with a sentence
// in `why`, when it is of another type, out of range, too long, or has control characters.
[[nodiscard]] bool settings_take(const struct settings_key *key, struct config_value from, struct settings_value *out,
                                 char why[SETTINGS_WHY_BYTES]);
[[nodiscard]] bool settings_parse(const struct settings_key *key, struct capnp_text text, struct settings_value *out,
                                  char why[SETTINGS_WHY_BYTES]);

// Whether the value, which is of the key's kind, is one that it takes.
[[nodiscard]] bool settings_fits(const struct settings_key *key, const struct settings_value *value, char why[SETTINGS_WHY_BYTES]);

void settings_put(const struct settings_value *value, struct config_value_builder to);
bool settings_equal(const struct settings_value *a, const struct settings_value *b);

// Words of a message that hold such a value, beside its struct.
size_t settings_words(const struct settings_value *value);

// ---- settings.c ----

// Null when there is none.
const struct settings_key *settings_find(const struct settings *settings, struct capnp_text name);

// The first key whose name is not below `prefix`; those that begin with it follow each other.
size_t settings_first(const struct settings *settings, struct capnp_text prefix);
bool settings_has_prefix(const struct settings_key *key, struct capnp_text prefix);

// What holds for this key. What a layer has set it to; null: nothing.
const struct settings_value *settings_get(const struct settings *settings, const struct settings_key *key, enum config_layer *layer);
const struct settings_value *settings_layer(const struct settings *settings, const struct settings_key *key, enum config_layer layer);

// Whether a service or program of this name ("": nobody knows) may read or set the keys of this one's namespace.
bool settings_may_read(const struct settings_key *key, const char *who, bool control);
bool settings_may_write(const struct settings_key *key, const char *who, bool control);

struct settings_commit {
    const char *who;
    bool control;
    uint64_t expected;
    enum config_layer layer;
    struct config_change_list changes;
    struct capnp_text_list reads;
};

// Makes the table that a commit (Config.commit) asks for; when that is done, settings_publish follows, once the message has been read
// and was well formed. When not, *index is what spoke against it, and `why` a sentence about that.
enum config_outcome settings_prepare(struct settings *settings, const struct settings_commit *commit, uint32_t *index,
                                    char why[SETTINGS_WHY_BYTES]);

// ---- save.c ----

// What admin and session have set in this table, into a message; of it, a builder that has no more room keeps the error.
void settings_save(const struct settings *settings, const struct settings_table *table, struct config_saved_builder to);

// Makes a table in which they are what was saved, migrated, and nothing besides; settings_publish follows. Counts what was
// dropped, and says why the first was.
void settings_restore(struct settings *settings, struct config_saved saved, uint32_t *kept, uint32_t *dropped,
                      char why[SETTINGS_WHY_BYTES]);

// Puts the table that was made in the place of the one that holds; what differs gets the next revision.
void settings_publish(struct settings *settings);

// ---- state.c: for another process of the service, in its place (lib/service) ----

// What is set in this table: the one that holds, or the next, which is about to. 8-byte aligned; the length, or 0 when there is too
// little room.
size_t settings_keep(const struct settings *settings, const struct settings_table *table, void *to, size_t room);

// Takes it over and publishes it; what this version's schema does not allow is dropped. Revisions go on where they were. False: it is
// no such thing, and nothing is changed.
[[nodiscard]] bool settings_adopt(struct settings *settings, const void *from, size_t len);

// ---- between the parts ----

// A copy of the table that holds, to be changed.
struct settings_table *settings_edit(struct settings *settings);

// Sets a key of the table, or unsets it (null). False when there is no room.
bool settings_set(const struct settings *settings, struct settings_table *table, const struct settings_key *key,
                  enum config_layer layer, const struct settings_value *value);

// The name of a layer; "?" of what is none.
const char *settings_layer_name(enum config_layer layer);
