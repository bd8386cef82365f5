// config: the settings of the system, as configd has them.
#include "lib/commands/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/config.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"

constexpr size_t VALUE_BYTES = 256; // as it is shown
constexpr size_t KEY_BYTES = 48;

static uint64_t held[MESSAGE_PAGE_BYTES / sizeof(uint64_t)]; // results: printing uses the message page

static bool find_config(struct config *out) {
    return status_ok(tess_cap("config", CONFIG_ID, &out->handle));
}

static const char *layer_name(enum config_layer layer) {
    static const char *const names[] = {"default", "vendor", "system", "admin", "session"};
    return layer < sizeof(names) / sizeof(names[0]) ? names[layer] : "?";
}

// What the service has to say against it, or else the status.
static int refused(const struct rpc_call *call, const char *what, status_t status) {
    char why[RPC_TEXT_BYTES];
    (void)rpc_exception_text(call, why);
    return fail("config: %s: %s\n", what, why[0] != '\0' ? why : status_text(status));
}

static void put(char *to, size_t size, struct capnp_text text) {
    char clean[VALUE_BYTES];
    shell_printable(clean, sizeof(clean), text.bytes, text.len);
    (void)str_append(to, size, clean); // cut where it is too long
}

// As it can be typed behind `config set KEY`.
static const char *value_text(struct config_value value, char out[VALUE_BYTES]) {
    out[0] = '\0';
    switch (config_value_which(value)) {
    case CONFIG_VALUE_FLAG: (void)str_copy(out, VALUE_BYTES, config_value_get_flag(value) ? "on" : "off"); break;
    case CONFIG_VALUE_INTEGER: fmt_snprintf(out, VALUE_BYTES, "%ld", config_value_get_integer(value)); break;
    case CONFIG_VALUE_TEXT: put(out, VALUE_BYTES, config_value_get_text(value)); break;
    case CONFIG_VALUE_CHOICE: put(out, VALUE_BYTES, config_value_get_choice(value)); break;
    case CONFIG_VALUE_LIST: {
        const struct capnp_text_list list = config_value_get_list(value);
        for (uint32_t i = 0; i < capnp_text_list_count(list); i++) {
            (void)str_append(out, VALUE_BYTES, i > 0 ? ", " : "");
            put(out, VALUE_BYTES, capnp_text_list_get(list, i));
        }
        break;
    }
    default: (void)str_copy(out, VALUE_BYTES, "?"); break;
    }
    return out;
}

bool setting_is_on(const char *key, bool otherwise) {
    RPC_CALL(call);
    struct config config;
    struct config_get_results results;
    return find_config(&config) && status_ok(config_call_get(config, &call, capnp_text(key), rpc_patience(), &results))
               ? config_value_get_flag(config_get_results_get_value(results))
               : otherwise;
}

// ---- each of many ----

typedef void entry_fn(void *context, struct config_entry entry);

static status_t each_entry(struct config config, const char *prefix, entry_fn *function, void *context) {
    uint32_t first = 0, count = 0, total = 0;
    do {
        RPC_CALL(call);
        struct config_list_results results;
        TRY(config_call_list(config, &call, capnp_text(prefix), first, rpc_patience(), &results));
        rpc_hold(&call, held, &results.s);
        const struct config_entry_list entries = config_list_results_get_entries(results);
        count = config_entry_list_count(entries);
        total = config_list_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            function(context, config_entry_list_get(entries, i));
        }
        first += count;
    } while (count > 0 && first < total);
    return STATUS_OK;
}

struct naming {
    void (*function)(void *context, const char *name);
    void *context;
};

static void name_entry(void *context, struct config_entry entry) {
    const struct naming *naming = context;
    char key[KEY_BYTES];
    const struct capnp_text name = config_entry_get_key(entry);
    shell_printable(key, sizeof(key), name.bytes, name.len);
    naming->function(naming->context, key);
}

void each_setting(const char *prefix, size_t prefix_bytes, void (*function)(void *context, const char *name), void *context) {
    struct naming naming = {.function = function, .context = context};
    struct config config;
    char begin[KEY_BYTES];
    if (str_copy_bytes(begin, sizeof(begin), prefix, prefix_bytes) && find_config(&config)) {
        (void)each_entry(config, begin, name_entry, &naming); // what cannot be asked for is not offered
    }
}

// ---- list, get, describe ----

static void list_entry(void *context, struct config_entry entry) {
    struct shell_table *table = context;
    char text[VALUE_BYTES], key[KEY_BYTES];
    const struct capnp_text name = config_entry_get_key(entry);
    shell_printable(key, sizeof(key), name.bytes, name.len);
    table_cell(table, "%s", key);
    table_cell(table, "%s", layer_name(config_entry_get_layer(entry)));
    table_cell(table, "%s", value_text(config_entry_get_value(entry), text));
}

static int list(struct config config, const char *prefix) {
    table_begin(&shell.table, "KEY FROM VALUE", out_sink, nullptr);
    const status_t status = each_entry(config, prefix, list_entry, &shell.table);
    table_end(&shell.table);
    return status_ok(status) ? COMMAND_OK : out_problem("config", status);
}

static int get(struct config config, const char *key) {
    RPC_CALL(call);
    struct config_get_results results;
    char text[VALUE_BYTES];
    const status_t status = config_call_get(config, &call, capnp_text(key), rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, key, status);
    }
    rpc_hold(&call, held, &results.s);
    out("%s\n", value_text(config_get_results_get_value(results), text));
    return COMMAND_OK;
}

static void print_choices(struct capnp_text_list list) {
    char text[VALUE_BYTES] = "";
    for (uint32_t i = 0; i < capnp_text_list_count(list); i++) {
        (void)str_append(text, sizeof(text), i > 0 ? ", " : "");
        put(text, sizeof(text), capnp_text_list_get(list, i));
    }
    out("values     one of %s\n", text);
}

static void print_type(struct config_key key) {
    switch (config_key_which(key)) {
    case CONFIG_KEY_FLAG:
        out("values     on or off\ndefault    %s\n", config_key_flag_get_default(config_key_get_flag(key)) ? "on" : "off");
        break;
    case CONFIG_KEY_INTEGER: {
        const struct config_key_integer spec = config_key_get_integer(key);
        char unit[VALUE_BYTES] = "";
        put(unit, sizeof(unit), config_key_integer_get_unit(spec));
        out("values     an integer from %ld to %ld %s\ndefault    %ld\n", config_key_integer_get_min(spec), config_key_integer_get_max(spec),
            unit, config_key_integer_get_default(spec));
        break;
    }
    case CONFIG_KEY_TEXT: {
        char text[VALUE_BYTES] = "";
        put(text, sizeof(text), config_key_text_get_default(config_key_get_text(key)));
        out("values     a text of at most %u bytes\ndefault    %s\n", config_key_text_get_max_bytes(config_key_get_text(key)), text);
        break;
    }
    case CONFIG_KEY_CHOICE: {
        char text[VALUE_BYTES] = "";
        put(text, sizeof(text), config_key_choice_get_default(config_key_get_choice(key)));
        print_choices(config_key_choice_get_choices(config_key_get_choice(key)));
        out("default    %s\n", text);
        break;
    }
    case CONFIG_KEY_LIST:
        out("values     a list of at most %u texts, with commas between\n", config_key_list_group_get_max_count(config_key_get_list(key)));
        break;
    default: break;
    }
}

static int describe(struct config config, const char *name) {
    RPC_CALL(call);
    struct config_describe_results results;
    const status_t status = config_call_describe(config, &call, capnp_text(name), rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, name, status);
    }
    rpc_hold(&call, held, &results.s);
    const struct config_key key = config_describe_results_get_key(results);
    const struct config_layer_list open = config_key_get_open(key);
    const struct config_entry_list layers = config_describe_results_get_layers(results);
    char text[VALUE_BYTES] = "";
    put(text, sizeof(text), config_key_get_summary(key));
    out("%s: %s\n", name, text);
    print_type(key);
    out("open to   ");
    for (uint32_t i = 0; i < config_layer_list_count(open); i++) {
        out(" %s", layer_name(config_layer_list_get(open, i)));
    }
    out("%s\n", config_layer_list_count(open) == 0 ? " nobody" : "");
    for (uint32_t i = 0; i < config_entry_list_count(layers); i++) {
        const struct config_entry entry = config_entry_list_get(layers, i);
        out("%-9s  %s\n", layer_name(config_entry_get_layer(entry)), value_text(config_entry_get_value(entry), text));
    }
    return COMMAND_OK;
}

// ---- set, unset ----

// `value` null: unset.
static int change(struct config config, enum config_layer layer, const char *key, const char *value) {
    RPC_CALL(call);
    struct config_commit_results results;
    const struct config_commit_params_builder params = config_begin_commit(config, &call);
    const struct config_change_builder one = config_change_list_edit(config_commit_params_init_changes(params, 1), 0);
    config_commit_params_set_layer(params, layer);
    config_change_set_key(one, capnp_text(key));
    if (value != nullptr) {
        config_change_set_written(one, capnp_text(value));
    } else {
        config_change_set_unset(one);
    }
    const status_t status = config_finish_commit(&call, rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, key, status);
    }
    rpc_hold(&call, held, &results.s);
    if (config_commit_results_get_outcome(results) != CONFIG_OUTCOME_DONE) {
        char why[VALUE_BYTES] = "";
        put(why, sizeof(why), config_commit_results_get_reason(results));
        return fail("config: %s\n", why);
    }
    return COMMAND_OK;
}

static int set(struct config config, const struct arguments *arguments) {
    const bool unsets = str_equal(arguments->words[1], "unset");
    const bool session = arguments->count > 2 && str_equal(arguments->words[2], "-s");
    const size_t at = session ? 3 : 2;
    char value[1024] = "";
    if (arguments->count < at + (unsets ? 1 : 2) || (unsets && arguments->count > at + 1)) {
        return misused("usage: config %s [-s] KEY%s\n", arguments->words[1], unsets ? "" : " VALUE");
    }
    for (size_t i = at + 1; i < arguments->count; i++) {
        if (!str_append(value, sizeof(value), i > at + 1 ? " " : "") || !str_append(value, sizeof(value), arguments->words[i])) {
            return fail("config: the value is too long\n");
        }
    }
    return change(config, session ? CONFIG_LAYER_SESSION : CONFIG_LAYER_ADMIN, arguments->words[at], unsets ? nullptr : value);
}

// ---- watch ----

struct watching {
    const char *prefix;
    uint64_t epoch, revision; // that was seen last
};

static status_t set_watcher(struct config config, const char *prefix, bool on, uint64_t *epoch, uint64_t *revision) {
    RPC_CALL(call);
    struct config_watch_results results;
    TRY(config_call_watch(config, &call, capnp_text(prefix), (struct notification){on ? shell.events : (handle_t){}}, BIT_SETTING, rpc_patience(), &results));
    *epoch = config_watch_results_get_epoch(results);
    *revision = config_watch_results_get_revision(results);
    return STATUS_OK;
}

static void show_change(void *context, struct config_entry entry) {
    struct watching *watching = context;
    const uint64_t revision = config_entry_get_revision(entry);
    if (revision > watching->revision) {
        char key[KEY_BYTES], text[VALUE_BYTES];
        const struct capnp_text name = config_entry_get_key(entry);
        shell_printable(key, sizeof(key), name.bytes, name.len);
        out("%s = %s (%s)\n", key, value_text(config_entry_get_value(entry), text), layer_name(config_entry_get_layer(entry)));
    }
}

// What has changed since it was looked at last.
static status_t look(struct config config, struct watching *watching) {
    RPC_CALL(call);
    struct config_revision_results results;
    TRY(config_call_revision(config, &call, rpc_patience(), &results));
    const uint64_t revision = config_revision_results_get_revision(results);
    if (config_revision_results_get_epoch(results) != watching->epoch) {
        out("The service was started anew; what admin and session had set is gone.\n");
        TRY(set_watcher(config, watching->prefix, true, &watching->epoch, &watching->revision));
    } else if (revision != watching->revision) {
        TRY(each_entry(config, watching->prefix, show_change, watching));
        watching->revision = revision; // what came after it comes again with its own bit
    }
    return STATUS_OK;
}

static int watch(struct config config, const char *prefix) {
    struct watching watching = {.prefix = prefix};
    uint64_t bits, ignored;
    status_t status = set_watcher(config, prefix, true, &watching.epoch, &watching.revision);
    out("Ctrl-C ends it.\n");
    while (status_ok(status) && shell_wait_for_more(&bits)) {
        status = look(config, &watching);
    }
    if (!status_ok(status)) {
        return out_problem("config", status);
    }
    (void)set_watcher(config, prefix, false, &ignored, &ignored); // one that stays is told for nothing
    return COMMAND_INTERRUPTED;
}

int command_config(const struct arguments *arguments) {
    const char *what = arguments->count > 1 ? arguments->words[1] : "list";
    const char *word = arguments->count > 2 ? arguments->words[2] : "";
    struct config config;
    if (!find_config(&config)) {
        return fail_ungranted("config", "config", CONFIG_ID);
    }
    if (str_equal(what, "set") || str_equal(what, "unset")) {
        return identity_check("config", "settings", nullptr) == COMMAND_OK ? set(config, arguments) : COMMAND_FAILED;
    }
    if (arguments->count <= 3 && str_equal(what, "list")) {
        return list(config, word);
    }
    if (arguments->count == 3 && str_equal(what, "get")) {
        return get(config, word);
    }
    if (arguments->count == 3 && str_equal(what, "describe")) {
        return describe(config, word);
    }
    if (arguments->count <= 3 && str_equal(what, "watch")) {
        return watch(config, word);
    }
    return misused("usage: config get|describe KEY, config set|unset [-s] KEY [VALUE], config list|watch [PREFIX]\n");
}
