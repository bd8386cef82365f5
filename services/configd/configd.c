// configd: the settings of the system. Wiring only: what they are and who may set them is lib/config, the contract idl/config.capnp.
//
// CapSet: `config` (RECEIVE), `settings` (the compiled schema), `roster`, `state` (what was set, kept before anybody hears of it).
#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/config.capnp.h"
#include "lib/config/settings.h"
#include "lib/config/watch.h"
#include "lib/roster/roster.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"

constexpr size_t KEPT_BYTES = 16'000; // for what people and services have set

static struct settings settings;
static const struct settings_table *to_keep; // that is about to hold; null: none is
static struct watches watches;
static const struct roster *roster;
static uint64_t epoch; // when this service started: no other start has the same
static struct rpc_server server;

// ---- who asks ----

struct caller {
    bool control;
    char name[NAME_BYTES];
};

// A job goes by the name of its program.
static struct caller caller_of(const struct rpc_request *request) {
    struct caller caller = {.control = badge_controls(request->badge)};
    (void)roster_name(roster, badge_holder(request->badge), caller.name);
    char *dot = strchr(caller.name, '.');
    if (dot != nullptr) {
        *dot = '\0';
    }
    return caller;
}

// The key, or the refusal that was made of it: what is not for the caller to read is not there for it.
static status_t find(struct rpc_request *request, struct capnp_text name, const struct settings_key **out) {
    const struct settings_key *key = settings_find(&settings, name);
    TRY(rpc_well_formed(request));
    if (key != nullptr && capnp_text_list_count(config_namespace_get_readers(key->owner)) > 0) {
        const struct caller caller = caller_of(request);
        key = settings_may_read(key, caller.name, caller.control) ? key : nullptr;
    }
    if (key == nullptr) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "there is no such key; `list` has those that there are");
    }
    *out = key;
    return STATUS_OK;
}

// ---- reading ----

static status_t get(void *, struct rpc_request *request, struct config_get_params params, struct config_get_results_builder results) {
    const struct settings_key *key;
    enum config_layer layer;
    TRY(find(request, config_get_params_get_key(params), &key));
    settings_put(settings_get(&settings, key, &layer), config_get_results_init_value(results));
    config_get_results_set_layer(results, layer);
    config_get_results_set_revision(results, key->revision);
    return STATUS_OK;
}

static size_t entry_words(const struct settings_key *key, const struct settings_value *value) {
    return CONFIG_ENTRY_DATA_WORDS + CONFIG_ENTRY_POINTERS + strlen(key->name) / CAPNP_WORD_BYTES + 1 + CONFIG_VALUE_DATA_WORDS +
           CONFIG_VALUE_POINTERS + settings_words(value) + 1;
}

static void put_entry(struct config_entry_builder entry, const struct settings_key *key, const struct settings_value *value,
                      enum config_layer layer) {
    config_entry_set_key(entry, capnp_text(key->name));
    settings_put(value, config_entry_init_value(entry));
    config_entry_set_layer(entry, layer);
    config_entry_set_revision(entry, key->revision);
}

// Walked twice: how many fit has to be known before the list is made.
static status_t list(void *, struct rpc_request *request, struct config_list_params params,
                     struct config_list_results_builder results) {
    const struct capnp_text prefix = config_list_params_get_prefix(params);
    const uint32_t first = config_list_params_get_first(params);
    const struct caller caller = caller_of(request);
    const size_t from = settings_first(&settings, prefix);
    size_t words_left = MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES - 8;
    uint32_t total = 0, count = 0;
    TRY(rpc_well_formed(request));
    bool full = false;
    for (size_t i = from; i < settings.key_count && settings_has_prefix(&settings.keys[i], prefix); i++) {
        const struct settings_key *key = &settings.keys[i];
        enum config_layer layer;
        if (!settings_may_read(key, caller.name, caller.control) || total++ < first || full) {
            continue;
        }
        const size_t words = entry_words(key, settings_get(&settings, key, &layer));
        full = words > words_left;
        if (!full) {
            words_left -= words;
            count++;
        }
    }
    const struct config_entry_list_builder entries = config_list_results_init_entries(results, count);
    uint32_t seen = 0;
    for (size_t i = from; i < settings.key_count && seen < first + (uint64_t)count; i++) {
        const struct settings_key *key = &settings.keys[i];
        if (settings_may_read(key, caller.name, caller.control) && seen++ >= first) {
            enum config_layer layer;
            const struct settings_value *value = settings_get(&settings, key, &layer);
            put_entry(config_entry_list_edit(entries, seen - 1 - first), key, value, layer);
        }
    }
    config_list_results_set_total(results, total);
    return STATUS_OK;
}

static status_t describe(void *, struct rpc_request *request, struct config_describe_params params,
                         struct config_describe_results_builder results) {
    const struct settings_key *key;
    TRY(find(request, config_describe_params_get_key(params), &key));
    uint32_t count = 0;
    for (size_t layer = 0; layer < SETTINGS_LAYERS; layer++) {
        count += settings_layer(&settings, key, (enum config_layer)layer) != nullptr;
    }
    config_describe_results_set_key(results, key->spec);
    const struct config_entry_list_builder layers = config_describe_results_init_layers(results, count);
    for (size_t layer = SETTINGS_LAYERS; layer-- > 0;) {
        const struct settings_value *value = settings_layer(&settings, key, (enum config_layer)layer);
        if (value != nullptr) {
            put_entry(config_entry_list_edit(layers, --count), key, value, (enum config_layer)layer);
        }
    }
    return STATUS_OK;
}

static status_t revision(void *, struct rpc_request *, struct config_revision_params, struct config_revision_results_builder results) {
    config_revision_results_set_epoch(results, epoch);
    config_revision_results_set_revision(results, settings.revision);
    return STATUS_OK;
}

// ---- watching ----

static bool signal_watcher(handle_t watcher, uint64_t bits) {
    return status_ok(tess_signal(watcher, bits));
}

static status_t watch(void *, struct rpc_request *request, struct config_watch_params params,
                      struct config_watch_results_builder results) {
    const struct capnp_text prefix = config_watch_params_get_prefix(params);
    const handle_t given = config_watch_params_get_watcher(params).handle;
    const uint64_t bits = config_watch_params_get_bits(params), holder = badge_holder(request->badge);
    TRY(rpc_well_formed(request));
    if (tess_handle_valid(given) && (bits == 0 || !signal_watcher(given, 0))) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "a watcher is a notification that can be signalled, and has bits");
    }
    const handle_t watcher = rpc_request_keep(request, given); // as it came: of a copy nobody would know by which request
    if (holder == 0 || !watches_set(&watches, holder, prefix, watcher, bits)) {
        tess_close(watcher);
        return rpc_refuse(request, RPC_OVERLOADED, "a caller has at most %zu watchers, and all together %zu", WATCHES_OF_ONE_MAX,
                          WATCHES_MAX);
    }
    config_watch_results_set_epoch(results, epoch);
    config_watch_results_set_revision(results, settings.revision);
    return STATUS_OK;
}

// The next table takes the place of the one that holds. False, and nothing is changed: what is set would have no room.
static bool publish(void) {
    const uint64_t before = settings.revision;
    to_keep = settings.next;
    const bool fits = service_try_keep();
    to_keep = nullptr;
    if (fits) {
        settings_publish(&settings);
        watches_tell(&watches, &settings, before);
    }
    return fits;
}

// ---- changing ----

static status_t commit(void *, struct rpc_request *request, struct config_commit_params params,
                       struct config_commit_results_builder results) {
    const struct caller caller = caller_of(request);
    const struct settings_commit wanted = {
        .who = caller.name,
        .control = caller.control,
        .expected = config_commit_params_get_expected(params),
        .layer = config_commit_params_get_layer(params),
        .changes = config_commit_params_get_changes(params),
        .reads = config_commit_params_get_reads(params),
    };
    uint32_t index;
    char why[SETTINGS_WHY_BYTES];
    enum config_outcome outcome = settings_prepare(&settings, &wanted, &index, why);
    TRY(rpc_well_formed(request));
    if (outcome == CONFIG_OUTCOME_DONE && !publish()) {
        outcome = CONFIG_OUTCOME_FULL;
        (void)str_copy(why, sizeof(why), "there is no room for so many long values");
    }
    config_commit_results_set_outcome(results, outcome);
    config_commit_results_set_index(results, index);
    config_commit_results_set_reason(results, capnp_text(why));
    config_commit_results_set_revision(results, settings.revision);
    return STATUS_OK;
}

static status_t save(void *, struct rpc_request *, struct config_control_save_params, struct config_control_save_results_builder results) {
    settings_save(&settings, settings.now, config_control_save_results_init_saved(results));
    return STATUS_OK;
}

static status_t restore(void *, struct rpc_request *request, struct config_control_restore_params params,
                        struct config_control_restore_results_builder results) {
    uint32_t kept, dropped;
    char why[SETTINGS_WHY_BYTES];
    settings_restore(&settings, config_control_restore_params_get_saved(params), &kept, &dropped, why);
    TRY(rpc_well_formed(request));
    if (!publish()) {
        return rpc_refuse(request, RPC_OVERLOADED, "there is no room for so many long values");
    }
    config_control_restore_results_set_kept(results, kept);
    config_control_restore_results_set_dropped(results, dropped);
    config_control_restore_results_set_reason(results, capnp_text(why));
    config_control_restore_results_set_revision(results, settings.revision);
    return STATUS_OK;
}

static const struct config_control_server methods = {
    .config = {.get = get, .list = list, .describe = describe, .watch = watch, .revision = revision, .commit = commit},
    .save = save,
    .restore = restore,
};

static void open_schema(void) {
    const handle_t file = tess_cap_required("settings", 0);
    struct settings_error error;
    uint64_t len_bytes, committed_bytes, address;
    if (!status_ok(tess_vmo_info(file, &len_bytes, &committed_bytes)) ||
        !status_ok(tess_vspace_map(tess_self_vspace(), file, 0, len_bytes, 0, PROT_READ, &address))) {
        tess_panic("configd: the schema cannot be mapped");
    }
    if (!settings_open((const void *)(uintptr_t)address, (size_t)len_bytes, &settings, &error)) {
        tess_panic("configd: the schema: %s: %s", error.where, error.text);
    }
}

static status_t dispatch(struct rpc_request *request) {
    const bool controls = badge_controls(request->badge);
    request->may_grow = controls; // all that was saved
    return controls ? config_control_dispatch(&methods, nullptr, request) : config_dispatch(&methods.config, nullptr, request);
}

static size_t keep(void *to, size_t room) {
    return room == 0 ? KEPT_BYTES : settings_keep(&settings, to_keep != nullptr ? to_keep : settings.now, to, room);
}

static bool adopt(const void *state, size_t len_bytes) {
    return settings_adopt(&settings, state, len_bytes);
}

static const struct service service = {
    .provides = "config",
    .interface_id = CONFIG_ID,
    .accept = 2, // a watcher; what was saved, where that is long
    .save = keep,
    .adopt = adopt,
    .keeps = "state",
};

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    roster = roster_open("roster");
    epoch = tess_now_ns();
    watches.signal = signal_watcher;
    watches.close = tess_close;
    open_schema();
    return service_run(&service, &server, dispatch);
}
