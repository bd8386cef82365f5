#include "lib/config/settings.h"

#include "base/test.h"
#include "lib/capnp/canonical.h"
#include "lib/config/watch.h"

static struct settings settings;
static char why[SETTINGS_WHY_BYTES];
static uint32_t at;

constexpr uint32_t OPEN = 1u << CONFIG_LAYER_ADMIN | 1u << CONFIG_LAYER_SESSION;

// ---- a schema, built as the compiler would ----

alignas(8) static uint64_t scratch[2048], frame[2048];
static struct capnp_builder builder;

static struct config_key_builder add_key(struct config_key_list_builder keys, uint32_t index, const char *name, uint32_t open) {
    const struct config_key_builder key = config_key_list_edit(keys, index);
    config_key_set_name(key, capnp_text(name));
    config_key_set_summary(key, CAPNP_TEXT("what it is for"));
    const struct config_layer_list_builder layers = config_key_init_open(key, (uint32_t)__builtin_popcount(open));
    for (uint32_t layer = 0, i = 0; layer < SETTINGS_LAYERS; layer++) {
        if (open >> layer & 1) {
            config_layer_list_set(layers, i++, (enum config_layer)layer);
        }
    }
    return key;
}

static void put_keys(struct config_namespace_builder space) {
    const struct config_key_list_builder keys = config_namespace_init_keys(space, 5);
    config_key_flag_set_default(config_key_init_flag(add_key(keys, 0, "loud", OPEN)), true);
    const struct config_key_integer_builder rate = config_key_init_integer(add_key(keys, 1, "rate", OPEN | 1u << CONFIG_LAYER_VENDOR));
    config_key_integer_set_default(rate, 10);
    config_key_integer_set_min(rate, -5);
    config_key_integer_set_max(rate, 1000);
    config_key_integer_set_unit(rate, CAPNP_TEXT("records/s"));
    config_key_text_set_max_bytes(config_key_init_text(add_key(keys, 2, "name", OPEN)), 8);
    const struct config_key_choice_builder level = config_key_init_choice(add_key(keys, 3, "level", 1u << CONFIG_LAYER_ADMIN));
    config_key_choice_set_default(level, CAPNP_TEXT("info"));
    const struct capnp_text_list_builder choices = config_key_choice_init_choices(level, 2);
    capnp_text_list_set(choices, 0, CAPNP_TEXT("info"));
    capnp_text_list_set(choices, 1, CAPNP_TEXT("debug"));
    config_key_list_group_set_max_count(config_key_init_list(add_key(keys, 4, "peers", OPEN)), 3);
}

static void put_migrations(struct config_namespace_builder space) {
    const struct config_migration_list_builder list = config_namespace_init_migrations(space, 4);
    struct config_migration_builder one = config_migration_list_edit(list, 0);
    config_migration_set_to_version(one, 2);
    config_migration_set_key(one, CAPNP_TEXT("speed"));
    config_migration_set_renamed(one, CAPNP_TEXT("rate"));
    one = config_migration_list_edit(list, 1);
    config_migration_set_to_version(one, 3);
    config_migration_set_key(one, CAPNP_TEXT("rate"));
    config_migration_scaled_set_divide(config_migration_init_scaled(one), 60);
    one = config_migration_list_edit(list, 2);
    config_migration_set_to_version(one, 3);
    config_migration_set_key(one, CAPNP_TEXT("level"));
    const struct config_migration_mapped_builder mapped = config_migration_init_mapped(one);
    config_migration_mapped_set_from(mapped, CAPNP_TEXT("verbose"));
    config_migration_mapped_set_to(mapped, CAPNP_TEXT("debug"));
    one = config_migration_list_edit(list, 3);
    config_migration_set_to_version(one, 2);
    config_migration_set_key(one, CAPNP_TEXT("colour"));
    config_migration_set_removed(one);
}

static bool open_built(struct config_schema_builder schema, struct settings_error *error) {
    uint32_t used = 0;
    CHECK(status_ok(capnp_builder_status(&builder)));
    CHECK(status_ok(capnp_canonicalise(config_schema_read(schema).s, frame + 1, 2047, &used)));
    frame[0] = (uint64_t)used << 32;
    return settings_open(frame, sizeof(frame), &settings, error);
}

// Namespaces `net`, which `netd` and nobody else may write, and `own`, which only `owner` may read.
static void set_up(void) {
    struct settings_error error;
    capnp_builder_init(&builder, scratch, 2048);
    const struct config_schema_builder schema = config_schema_init_root(&builder);
    const struct config_namespace_list_builder spaces = config_schema_init_namespaces(schema, 2);
    const struct config_namespace_builder net = config_namespace_list_edit(spaces, 0), own = config_namespace_list_edit(spaces, 1);
    config_namespace_set_name(net, CAPNP_TEXT("net"));
    config_namespace_set_version(net, 3);
    capnp_text_list_set(config_namespace_init_writers(net, 1), 0, CAPNP_TEXT("netd"));
    put_keys(net);
    put_migrations(net);
    config_namespace_set_name(own, CAPNP_TEXT("own"));
    capnp_text_list_set(config_namespace_init_readers(own, 1), 0, CAPNP_TEXT("owner"));
    (void)config_key_init_flag(add_key(config_namespace_init_keys(own, 1), 0, "secret", OPEN));
    const struct config_overlay_builder overlay = config_overlay_list_edit(config_schema_init_overlays(schema, 1), 0);
    config_overlay_set_layer(overlay, CONFIG_LAYER_VENDOR);
    config_overlay_set_key(overlay, CAPNP_TEXT("net.rate"));
    config_value_set_integer(config_overlay_init_value(overlay), 20);
    const bool good = open_built(schema, &error);
    CHECK_STR_EQ(error.text, "");
    REQUIRE(good);
}

static const struct settings_key *key(const char *name) {
    const struct settings_key *found = settings_find(&settings, capnp_text(name));
    CHECK(found != nullptr);
    return found != nullptr ? found : &settings.keys[0];
}

static int64_t number(const char *name) {
    enum config_layer layer;
    return settings_get(&settings, key(name), &layer)->number;
}

static enum config_layer layer_of(const char *name) {
    enum config_layer layer;
    (void)settings_get(&settings, key(name), &layer);
    return layer;
}

// ---- commits: "name=value", or "name" to unset it ----

static uint64_t change_words[512], read_words[128];

static struct config_change_list changes_of(const char *const *changes, uint32_t count) {
    static struct capnp_builder changing;
    capnp_builder_init(&changing, change_words, 512);
    const struct config_commit_params_builder params = config_commit_params_init_root(&changing);
    const struct config_change_list_builder list = config_commit_params_init_changes(params, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct config_change_builder one = config_change_list_edit(list, i);
        const char *equals = strchr(changes[i], '=');
        config_change_set_key(one, equals != nullptr ? (struct capnp_text){changes[i], (size_t)(equals - changes[i])} : capnp_text(changes[i]));
        if (equals != nullptr) {
            config_change_set_written(one, capnp_text(equals + 1));
        } else {
            config_change_set_unset(one);
        }
    }
    CHECK(status_ok(capnp_builder_status(&changing)));
    return config_commit_params_get_changes(config_commit_params_read(params));
}

static enum config_outcome commit_as(const char *who, bool control, enum config_layer layer, uint64_t expected, const char *const *changes,
                                     uint32_t count, const char *read) {
    static struct capnp_builder reading;
    capnp_builder_init(&reading, read_words, 128);
    const struct config_commit_params_builder params = config_commit_params_init_root(&reading);
    if (read != nullptr) {
        capnp_text_list_set(config_commit_params_init_reads(params, 1), 0, capnp_text(read));
    }
    const struct settings_commit commit = {
        .who = who,
        .control = control,
        .expected = expected,
        .layer = layer,
        .changes = changes_of(changes, count),
        .reads = config_commit_params_get_reads(config_commit_params_read(params)),
    };
    const enum config_outcome outcome = settings_prepare(&settings, &commit, &at, why);
    if (outcome == CONFIG_OUTCOME_DONE) {
        settings_publish(&settings);
    }
    return outcome;
}

#define COMMIT(layer, ...) \
    commit_as("netd", false, layer, 0, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), nullptr)

TEST(defaults_and_overlays_hold_at_first) {
    set_up();
    CHECK_EQ(settings.key_count, 6);
    CHECK_EQ(number("net.loud"), 1);
    CHECK_EQ(number("net.rate"), 20);
    CHECK_EQ(layer_of("net.rate"), CONFIG_LAYER_VENDOR);
    CHECK_EQ(layer_of("net.loud"), CONFIG_LAYER_DEFAULT);
    CHECK(settings_find(&settings, CAPNP_TEXT("net.rat")) == nullptr);
    CHECK(settings_find(&settings, CAPNP_TEXT("net.rates")) == nullptr);
    CHECK(settings_find(&settings, CAPNP_TEXT("")) == nullptr);
    CHECK_EQ(settings_first(&settings, CAPNP_TEXT("net.")), 0);
    CHECK_EQ(settings_first(&settings, CAPNP_TEXT("o")), 5);
    CHECK_EQ(settings_first(&settings, CAPNP_TEXT("z")), 6);
}

TEST(the_highest_layer_that_sets_a_key_counts) {
    set_up();
    CHECK_EQ(COMMIT(CONFIG_LAYER_SESSION, "net.rate=40"), CONFIG_OUTCOME_DONE);
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.rate=30"), CONFIG_OUTCOME_DONE);
    CHECK_EQ(number("net.rate"), 40);
    CHECK_EQ(layer_of("net.rate"), CONFIG_LAYER_SESSION);
    CHECK_EQ(COMMIT(CONFIG_LAYER_SESSION, "net.rate"), CONFIG_OUTCOME_DONE);
    CHECK_EQ(number("net.rate"), 30);
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.rate"), CONFIG_OUTCOME_DONE);
    CHECK_EQ(number("net.rate"), 20);
    CHECK_EQ(settings.revision, 4);
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.rate"), CONFIG_OUTCOME_DONE); // changes nothing
    CHECK_EQ(settings.revision, 4);
}

TEST(a_commit_is_whole_or_nothing) {
    set_up();
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.rate=5", "net.loud=off", "net.name=far too long"), CONFIG_OUTCOME_INVALID);
    CHECK_EQ(at, 2);
    CHECK_STR_EQ(why, "`net.name` is a text of at most 8 bytes; this one has 12");
    CHECK_EQ(number("net.rate"), 20);
    CHECK_EQ(number("net.loud"), 1);
    CHECK_EQ(settings.revision, 0);
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.rate=5", "net.loud=off"), CONFIG_OUTCOME_DONE);
    CHECK_EQ(number("net.rate"), 5);
    CHECK_EQ(number("net.loud"), 0);
    CHECK_EQ(settings.revision, 1);
    CHECK_EQ(key("net.rate")->revision, 1);
    CHECK_EQ(key("net.name")->revision, 0);
}

TEST(what_was_changed_meanwhile_is_a_conflict) {
    set_up();
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.name=a"), CONFIG_OUTCOME_DONE);
    const uint64_t seen = settings.revision;
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.loud=off"), CONFIG_OUTCOME_DONE);
    const char *const other[] = {"net.rate=1"}, *const same[] = {"net.rate=2", "net.loud=on"};
    CHECK_EQ(commit_as("netd", false, CONFIG_LAYER_ADMIN, seen, same, 2, nullptr), CONFIG_OUTCOME_CONFLICT);
    CHECK_EQ(at, 1);
    CHECK_STR_EQ(why, "`net.loud` has been changed meanwhile");
    CHECK_EQ(commit_as("netd", false, CONFIG_LAYER_ADMIN, seen, other, 1, "net.loud"), CONFIG_OUTCOME_CONFLICT); // it was read
    CHECK_EQ(at, 1);
    CHECK_EQ(number("net.rate"), 20);
    CHECK_EQ(commit_as("netd", false, CONFIG_LAYER_ADMIN, seen, other, 1, "net.name"), CONFIG_OUTCOME_DONE);
    CHECK_EQ(number("net.rate"), 1);
}

TEST(only_extension_points_can_be_set) {
    set_up();
    CHECK_EQ(COMMIT(CONFIG_LAYER_SESSION, "net.level=debug"), CONFIG_OUTCOME_NOT_OPEN);
    CHECK_STR_EQ(why, "`net.level` is not open to the layer `session`");
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.level=debug"), CONFIG_OUTCOME_DONE);
    CHECK_EQ(COMMIT(CONFIG_LAYER_VENDOR, "net.rate=1"), CONFIG_OUTCOME_NOT_OPEN); // open to it, but not at run time
    CHECK_EQ(COMMIT(CONFIG_LAYER_DEFAULT, "net.rate=1"), CONFIG_OUTCOME_NOT_OPEN);
    CHECK_EQ(COMMIT((enum config_layer)40, "net.rate=1"), CONFIG_OUTCOME_NOT_OPEN);
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.none=1"), CONFIG_OUTCOME_NO_SUCH_KEY);
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.\x1b[2J=1"), CONFIG_OUTCOME_NO_SUCH_KEY);
    CHECK_STR_EQ(why, "there is no key `net.?[2J`");
}

TEST(readers_and_writers_are_those_of_the_schema) {
    set_up();
    const char *const net[] = {"net.rate=1"}, *const own[] = {"own.secret=on"};
    CHECK_EQ(commit_as("shell", false, CONFIG_LAYER_ADMIN, 0, net, 1, nullptr), CONFIG_OUTCOME_NOT_ALLOWED);
    CHECK_EQ(commit_as("", false, CONFIG_LAYER_ADMIN, 0, net, 1, nullptr), CONFIG_OUTCOME_NOT_ALLOWED);
    CHECK_EQ(commit_as("shell", true, CONFIG_LAYER_ADMIN, 0, net, 1, nullptr), CONFIG_OUTCOME_DONE);
    CHECK(settings_may_read(key("net.rate"), "anybody", false));
    CHECK(!settings_may_read(key("own.secret"), "anybody", false));
    CHECK(settings_may_read(key("own.secret"), "owner", false));
    CHECK(settings_may_read(key("own.secret"), "anybody", true));
    // What one may not read is not there, neither to be set nor to be compared with.
    CHECK_EQ(commit_as("netd", false, CONFIG_LAYER_ADMIN, 0, own, 1, nullptr), CONFIG_OUTCOME_NO_SUCH_KEY);
    CHECK_EQ(commit_as("netd", false, CONFIG_LAYER_ADMIN, 0, net, 1, "own.secret"), CONFIG_OUTCOME_NO_SUCH_KEY);
    CHECK_EQ(commit_as("owner", false, CONFIG_LAYER_ADMIN, 0, own, 1, nullptr), CONFIG_OUTCOME_NOT_ALLOWED);
}

// ---- what a person writes ----

static bool parses(const char *name, const char *text, struct settings_value *out) {
    return settings_parse(key(name), capnp_text(text), out, why);
}

TEST(what_a_person_writes_is_read_by_type) {
    struct settings_value value;
    set_up();
    CHECK(parses("net.loud", " yes ", &value) && value.number == 1);
    CHECK(parses("net.loud", "off", &value) && value.number == 0);
    CHECK(!parses("net.loud", "1", &value));
    CHECK_STR_EQ(why, "`net.loud` is on or off; this is neither");
    CHECK(parses("net.rate", "-5", &value) && value.number == -5);
    CHECK(parses("net.rate", "0x10", &value) && value.number == 16);
    CHECK(!parses("net.rate", "-6", &value));
    CHECK_STR_EQ(why, "`net.rate` is an integer from -5 to 1000 records/s; -6 is out of range");
    for (size_t i = 0; i < 6; i++) {
        static const char *const bad[] = {"", "-", "5x", "9223372036854775808", "--1", "18446744073709551616"};
        CHECK(!parses("net.rate", bad[i], &value));
    }
    CHECK(!parses("net.rate", "-9223372036854775808", &value)); // an integer, out of range
    CHECK_STR_EQ(why, "`net.rate` is an integer from -5 to 1000 records/s; -9223372036854775808 is out of range");
    CHECK(!parses("net.level", "Debug", &value));
    CHECK_STR_EQ(why, "`net.level` is one of info, debug; `Debug` is not");
    CHECK(parses("net.name", "a b", &value) && value.bytes == 3);
    CHECK(!parses("net.name", "a\nb", &value));
    CHECK(parses("net.peers", "one,  two", &value) && value.count == 2 && value.bytes == 8);
    CHECK_MEM_EQ(value.text, "one\0two", 8);
    CHECK(parses("net.peers", "", &value) && value.count == 0);
    CHECK(!parses("net.peers", "a,,b", &value));
    CHECK(!parses("net.peers", "a,b,c,d", &value));
    char longest[SETTINGS_VALUE_BYTES + 2];
    memset(longest, 'x', sizeof(longest));
    longest[SETTINGS_VALUE_BYTES - 1] = '\0';
    CHECK(parses("net.peers", longest, &value));
    longest[SETTINGS_VALUE_BYTES - 1] = 'x';
    longest[SETTINGS_VALUE_BYTES] = '\0';
    CHECK(!parses("net.peers", longest, &value));
}

TEST(values_survive_a_message) {
    static const char *const texts[][2] = {{"net.loud", "off"}, {"net.rate", "77"}, {"net.name", "x"}, {"net.level", "debug"}, {"net.peers", "a, b, c"}};
    set_up();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint64_t words[64];
        struct capnp_builder made;
        struct settings_value value, again;
        REQUIRE(parses(texts[i][0], texts[i][1], &value));
        capnp_builder_init(&made, words, 64);
        const struct config_value_builder built = config_value_init_root(&made);
        settings_put(&value, built);
        REQUIRE(status_ok(capnp_builder_status(&made)));
        CHECK(settings_take(key(texts[i][0]), config_value_read(built), &again, why));
        CHECK(settings_equal(&value, &again));
        CHECK(made.first.count <= 1 + CONFIG_VALUE_DATA_WORDS + CONFIG_VALUE_POINTERS + settings_words(&value));
        CHECK(!settings_take(key(i == 0 ? "net.rate" : "net.loud"), config_value_read(built), &again, why));
    }
}

// ---- saving ----

static uint64_t saved_words[1024];
static struct capnp_builder saving;

static struct config_saved_builder begin_saved(void) {
    capnp_builder_init(&saving, saved_words, 1024);
    return config_saved_init_root(&saving);
}

TEST(what_was_saved_can_be_restored) {
    uint32_t kept, dropped;
    set_up();
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.rate=5", "net.level=debug", "net.peers=a, b"), CONFIG_OUTCOME_DONE);
    CHECK_EQ(COMMIT(CONFIG_LAYER_SESSION, "net.rate=6", "net.name=me"), CONFIG_OUTCOME_DONE);
    const struct config_saved_builder saved = begin_saved();
    settings_save(&settings, settings.now, saved);
    REQUIRE(status_ok(capnp_builder_status(&saving)));
    set_up();
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.loud=off"), CONFIG_OUTCOME_DONE); // is not among what was saved
    settings_restore(&settings, config_saved_read(saved), &kept, &dropped, why);
    CHECK_EQ(number("net.loud"), 0); // not before it is published
    settings_publish(&settings);
    CHECK_EQ(kept, 5);
    CHECK_EQ(dropped, 0);
    CHECK_EQ(number("net.loud"), 1);
    CHECK_EQ(number("net.rate"), 6);
    CHECK_EQ(settings_layer(&settings, key("net.rate"), CONFIG_LAYER_ADMIN)->number, 5);
    CHECK_EQ(settings_layer(&settings, key("net.rate"), CONFIG_LAYER_VENDOR)->number, 20);
    CHECK_EQ(settings_layer(&settings, key("net.peers"), CONFIG_LAYER_ADMIN)->count, 2);
    CHECK_EQ(settings.revision, 2);
}

TEST(a_successor_goes_on_with_what_was_set) {
    alignas(8) static uint8_t kept[8192];
    set_up();
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.rate=5", "net.peers=a, b"), CONFIG_OUTCOME_DONE);
    CHECK_EQ(COMMIT(CONFIG_LAYER_SESSION, "net.rate=6"), CONFIG_OUTCOME_DONE);
    const uint64_t revision = settings.revision;
    const size_t len = settings_keep(&settings, settings.now, kept, sizeof(kept));
    REQUIRE(len > 0);
    CHECK_EQ(settings_keep(&settings, settings.now, kept, len - 8), 0);
    CHECK_EQ(settings_keep(&settings, settings.now, kept, 8), 0);
    REQUIRE(settings_keep(&settings, settings.now, kept, len) == len);
    set_up();
    CHECK(!settings_adopt(&settings, kept, 8));
    CHECK(!settings_adopt(&settings, kept, len - 8)); // its lists end behind it
    CHECK_EQ(settings.revision, 0);
    REQUIRE(settings_adopt(&settings, kept, len));
    CHECK_EQ(number("net.rate"), 6);
    CHECK_EQ(settings_layer(&settings, key("net.rate"), CONFIG_LAYER_ADMIN)->number, 5);
    CHECK_EQ(settings_layer(&settings, key("net.peers"), CONFIG_LAYER_ADMIN)->count, 2);
    CHECK_EQ(settings.revision, revision);
    CHECK_EQ(key("net.rate")->revision, revision); // what was read of it before is not out of date
    CHECK_EQ(COMMIT(CONFIG_LAYER_SESSION, "net.rate=7"), CONFIG_OUTCOME_DONE);
    CHECK_EQ(settings.revision, revision + 1);
    // What is about to hold, as it is kept before anybody hears of it.
    const size_t words = sizeof(kept);
    (void)settings_set(&settings, settings_edit(&settings), key("net.rate"), CONFIG_LAYER_SESSION, nullptr);
    const size_t next_len = settings_keep(&settings, settings.next, kept, words);
    REQUIRE(next_len > 0);
    set_up();
    REQUIRE(settings_adopt(&settings, kept, next_len));
    CHECK_EQ(number("net.rate"), 5);
    CHECK_EQ(settings.revision, revision + 2);
}

TEST(whatever_a_successor_finds_is_checked) {
    alignas(8) static uint8_t kept[8192];
    set_up();
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.rate=5", "net.peers=a, b", "net.level=debug"), CONFIG_OUTCOME_DONE);
    const size_t len = settings_keep(&settings, settings.now, kept, sizeof(kept));
    for (size_t bit = 0; bit < len * 8; bit++) {
        kept[bit / 8] ^= (uint8_t)(1u << bit % 8);
        set_up();
        if (!settings_adopt(&settings, kept, len)) {
            CHECK_EQ(settings.revision, 0);
        }
        for (size_t i = 0; i < settings.key_count; i++) {
            enum config_layer layer;
            CHECK(settings_fits(&settings.keys[i], settings_get(&settings, &settings.keys[i], &layer), why));
        }
        kept[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void put_saved(struct config_saved_value_list_builder list, uint32_t index, const char *name, enum config_layer layer,
                      int64_t integer, const char *choice) {
    const struct config_saved_value_builder value = config_saved_value_list_edit(list, index);
    config_saved_value_set_key(value, capnp_text(name));
    config_saved_value_set_layer(value, layer);
    if (choice != nullptr) {
        config_value_set_choice(config_saved_value_init_value(value), capnp_text(choice));
    } else {
        config_value_set_integer(config_saved_value_init_value(value), integer);
    }
}

static void restore_version(uint32_t version, int64_t speed, const char *name) {
    uint32_t kept, dropped;
    set_up();
    const struct config_saved_builder saved = begin_saved();
    const struct config_saved_namespace_builder space = config_saved_namespace_list_edit(config_saved_init_namespaces(saved, 2), 0);
    config_saved_namespace_set_name(space, CAPNP_TEXT("net"));
    config_saved_namespace_set_version(space, version);
    const struct config_saved_value_list_builder list = config_saved_namespace_init_values(space, 5);
    put_saved(list, 0, name, CONFIG_LAYER_ADMIN, speed, nullptr);
    put_saved(list, 1, "level", CONFIG_LAYER_ADMIN, 0, "verbose");
    put_saved(list, 2, "colour", CONFIG_LAYER_ADMIN, 7, nullptr);
    put_saved(list, 3, "loud", CONFIG_LAYER_ADMIN, 1, nullptr); // was an integer, once
    put_saved(list, 4, "rate", CONFIG_LAYER_VENDOR, 1, nullptr);
    settings_restore(&settings, config_saved_read(saved), &kept, &dropped, why);
    settings_publish(&settings);
    at = kept << 8 | dropped;
}

TEST(older_versions_are_migrated) {
    restore_version(1, 600, "speed"); // renamed for 2, in another unit for 3; `colour` went with 2
    CHECK_EQ(at, 2 << 8 | 2);
    CHECK_STR_EQ(why, "`net.loud` is of another type now");
    CHECK_EQ(number("net.rate"), 10);
    enum config_layer layer;
    CHECK_STR_EQ(settings_get(&settings, key("net.level"), &layer)->text, "debug");
    restore_version(2, 600, "rate");
    CHECK_EQ(number("net.rate"), 10);
    CHECK_EQ(at, 2 << 8 | 3); // `colour` is not of version 2
    restore_version(3, 600, "rate");
    CHECK_EQ(number("net.rate"), 600);
    CHECK_EQ(layer_of("net.level"), CONFIG_LAYER_DEFAULT); // `verbose` was none in version 3
    restore_version(1, INT64_MAX, "speed");
    CHECK_EQ(layer_of("net.rate"), CONFIG_LAYER_VENDOR); // out of range, even so
}

// ---- watching ----

static struct {
    uint64_t bits;
    bool dead, closed;
} watchers[80];

static bool tell(handle_t watcher, uint64_t bits) {
    watchers[watcher.v].bits |= bits;
    return !watchers[watcher.v].dead;
}

static void hang_up(handle_t watcher) {
    watchers[watcher.v].closed = true;
}

static struct watches watches;

static void set_up_watches(void) {
    set_up();
    memset(watchers, 0, sizeof(watchers));
    watches = (struct watches){.signal = tell, .close = hang_up};
}

static bool watch(uint64_t holder, const char *prefix, uint32_t watcher, uint64_t bits) {
    return watches_set(&watches, holder, capnp_text(prefix), (handle_t){watcher}, bits);
}

TEST(watchers_are_told_of_what_they_watch) {
    set_up_watches();
    CHECK(watch(1, "net.", 1, 1) && watch(1, "net.rate", 2, 2) && watch(2, "own", 3, 4) && watch(2, "", 4, 8));
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.loud=off"), CONFIG_OUTCOME_DONE);
    watches_tell(&watches, &settings, 0);
    CHECK_EQ(watchers[1].bits, 1);
    CHECK_EQ(watchers[2].bits, 0);
    CHECK_EQ(watchers[3].bits, 0);
    CHECK_EQ(watchers[4].bits, 8);
    CHECK(watch(1, "net.", 5, 16)); // in place of the first
    CHECK(watchers[1].closed);
    CHECK(watch(2, "", 0, 0));
    CHECK(watchers[4].closed);
    watchers[4].bits = 0;
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.rate=1"), CONFIG_OUTCOME_DONE);
    watches_tell(&watches, &settings, 1);
    CHECK_EQ(watchers[5].bits, 16);
    CHECK_EQ(watchers[2].bits, 2);
    CHECK_EQ(watchers[4].bits, 0);
}

TEST(dead_watchers_are_forgotten) {
    set_up_watches();
    CHECK(watch(1, "net.", 1, 1));
    watchers[1].dead = true;
    CHECK_EQ(COMMIT(CONFIG_LAYER_ADMIN, "net.loud=off"), CONFIG_OUTCOME_DONE);
    watches_tell(&watches, &settings, 0);
    CHECK(watchers[1].closed);
    // They make room, too. Nobody has more than a share of it.
    static const char *const prefixes[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    for (uint32_t i = 0; i < WATCHES_MAX; i++) {
        CHECK(watch(1 + i / WATCHES_OF_ONE_MAX, prefixes[i % WATCHES_OF_ONE_MAX], 2 + i, 1));
    }
    CHECK(!watch(1, "i", 70, 1) && !watch(99, "i", 70, 1));
    CHECK(!watchers[70].closed);
    watchers[20].dead = true;
    CHECK(watch(99, "i", 70, 1));
    CHECK(watchers[20].closed);
}

TEST(a_schema_with_zeros_behind_it_is_read_and_nothing_else) {
    struct settings_error error;
    set_up();
    CHECK(!settings_open(frame, 8, &settings, &error));
    CHECK(!settings_open(frame, 0, &settings, &error));
    frame[0]++; // two segments
    CHECK(!settings_open(frame, sizeof(frame), &settings, &error));
    CHECK_STR_EQ(error.text, "it is no message in canonical form");
}
