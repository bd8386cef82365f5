// samgrd: from a name to a service. Wiring only: the table is lib/registry, the contract idl/registry.capnp, and who may what
// the policy says (ask.c).
//
// CapSet: `registry` (RECEIVE), `policy` (control), `roster`. What is registered comes by message from the supervisor, again
// after a restart. What a holder is given is derived from a handle that stays here, so that it can be taken back.
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/registry/registry.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "services/samgrd/samgrd.h"

constexpr size_t WATCHERS_MAX = 32;
constexpr uint64_t RECHECK_MS = 50; // between two tries with a policy that does not answer

struct watcher {
    char name[NAME_BYTES]; // empty: free
    struct rpc_deferred answer;
};

static struct registry_table table;
static struct watcher watchers[WATCHERS_MAX];
static size_t next_watcher; // whose place is taken when all are
static bool recheck_is_due;
static uint64_t recheck_ns;
static struct rpc_server server;

static bool take_name(struct rpc_request *request, struct capnp_text text, char name[NAME_BYTES],
                      status_t *refused) {
    const bool good = name_put(name, text.bytes, text.len);
    if (!good) {
        *refused = rpc_refuse(request, RPC_INVALID_ARGUMENT, "a name has 1 to %zu printable characters and no space",
                              NAME_BYTES - 1);
    }
    return good;
}

// ---- Links ----

static void take_back(struct registry_link *link) {
    status_t ignored = tess_process_handle_revoke(tess_self_process(), link->parent.v, false);
    (void)ignored; // it is ours, and there
    tess_close(link->parent);
    registry_link_remove(&table, link);
}

// All that a link is made of: what the holder is given is derived from this.
static status_t make_parent(const struct registry_name *name, uint64_t holder, uint8_t actions, handle_t *out) {
    const rights_t rights = {RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT | RIGHT_COPY_BIT};
    return tess_handle_mint(name->endpoint, rights, holder | ((actions & MAY_CONTROL) != 0 ? BADGE_CONTROL : 0), 0, out);
}

// Everything again that was decided in another epoch. Where the policy allows something else now it is taken back, and may be
// resolved anew. What it does not answer for stays, and is asked for again.
static void recheck(void) {
    for (size_t i = 0; i < REGISTRY_PLACES;) {
        struct registry_link *link = &table.links[i];
        uint8_t actions = 0;
        if (link->holder == 0 || (link->epoch == ask_epoch() && ask_epoch() != 0)) {
            i++;
            continue;
        }
        if (!status_ok(ask(link->holder, table.names[link->name].name, &actions))) {
            recheck_ns = tess_deadline_after_ms(RECHECK_MS);
            return;
        }
        if (link->actions != actions) {
            take_back(link); // another may come into its place
            continue;
        }
        link->epoch = ask_epoch();
        i++;
    }
    recheck_is_due = false;
}

static void begin_recheck(bool restarted) {
    ask_forget(restarted);
    recheck_is_due = table.link_count > 0;
    if (recheck_is_due) {
        recheck();
    }
}

// Those whose holder is gone are of no use to anybody; the policy does not know them any more.
static struct registry_link *add_link(uint64_t holder, uint16_t name) {
    struct registry_link *link = registry_link_add(&table, holder, name);
    if (link == nullptr) {
        begin_recheck(false);
        link = registry_link_add(&table, holder, name);
    }
    return link;
}

// ---- Look-ups ----

// Gives the caller what the link allows.
static status_t give(struct rpc_request *request, const struct registry_name *name, const struct registry_link *link,
                     uint64_t interface_id, struct registry_resolve_results_builder results) {
    registry_resolve_results_set_interface_id(results, name->interface_id);
    if (interface_id != 0 && interface_id != name->interface_id) {
        registry_resolve_results_set_outcome(results, REGISTRY_OUTCOME_WRONG_INTERFACE);
        return STATUS_OK;
    }
    TRY(rpc_well_formed(request));
    handle_t service;
    const uint32_t share = (link->actions & MAY_SHARE) != 0 ? RIGHT_COPY_BIT : 0;
    // TRANSFER: to be moved in the answer.
    TRY(tess_handle_copy(link->parent, (rights_t){RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT | share}, &service));
    registry_resolve_results_set_outcome(results, REGISTRY_OUTCOME_FOUND);
    registry_resolve_results_give_service(results, (struct endpoint){service});
    return STATUS_OK;
}

// The link with what the policy says now in it; *link is null when it allows nothing.
static status_t renew(uint64_t holder, struct registry_name *name, uint8_t actions, struct registry_link **link) {
    const uint16_t index = registry_index(&table, name);
    if (*link != nullptr && (*link)->actions != actions) {
        take_back(*link);
        *link = nullptr;
    }
    if (*link == nullptr) {
        handle_t parent;
        TRY(make_parent(name, holder, actions, &parent));
        *link = add_link(holder, index);
        if (*link == nullptr) {
            tess_close(parent);
            return STATUS_NO_HANDLES;
        }
        (*link)->parent = parent;
        (*link)->actions = actions;
    }
    (*link)->epoch = ask_epoch();
    return STATUS_OK;
}

static status_t resolve(void *, struct rpc_request *request, struct registry_resolve_params params,
                        struct registry_resolve_results_builder results) {
    char text[NAME_BYTES], denied[DENIAL_TEXT_BYTES];
    status_t refused;
    if (!take_name(request, registry_resolve_params_get_name(params), text, &refused)) {
        return refused;
    }
    const uint64_t holder = badge_holder(request->badge), interface_id = registry_resolve_params_get_interface_id(params);
    struct registry_name *name = registry_find(&table, text);
    struct registry_link *link = name == nullptr ? nullptr : registry_link_find(&table, holder, registry_index(&table, name));
    if (link != nullptr && link->epoch == ask_epoch() && ask_epoch() != 0) {
        return give(request, name, link, interface_id, results);
    }
    TRY(rpc_well_formed(request)); // asking overwrites what it was read from
    uint8_t actions = 0;
    const status_t asked = ask(holder, text, &actions);
    if (!status_ok(asked)) {
        return rpc_refuse(request, RPC_DISCONNECTED, "nobody decides now whether `%s` may be resolved: policyd: %s", text,
                          service_status_text(asked, denied));
    }
    if ((actions & MAY_USE) == 0) {
        if (link != nullptr) {
            take_back(link);
        }
        registry_resolve_results_set_outcome(results, REGISTRY_OUTCOME_NOT_ALLOWED);
        return STATUS_OK;
    }
    if (name == nullptr || !tess_handle_valid(name->endpoint)) {
        registry_resolve_results_set_outcome(results, REGISTRY_OUTCOME_NO_SUCH_NAME);
        return STATUS_OK;
    }
    if (!status_ok(renew(holder, name, actions, &link))) {
        return rpc_refuse(request, RPC_OVERLOADED, "there is no room for another name that is resolved");
    }
    return give(request, name, link, interface_id, results);
}

static status_t why(void *, struct rpc_request *request, struct registry_why_params params,
                    struct registry_why_results_builder results) {
    char name[NAME_BYTES], denied[DENIAL_TEXT_BYTES];
    status_t refused;
    if (!take_name(request, registry_why_params_get_name(params), name, &refused)) {
        return refused;
    }
    TRY(rpc_well_formed(request));
    const status_t asked = ask_why(badge_holder(request->badge), name, results);
    return status_ok(asked) ? STATUS_OK
                            : rpc_refuse(request, RPC_DISCONNECTED, "nobody knows now: policyd: %s", service_status_text(asked, denied));
}

static size_t sort_registered(struct capnp_text_list permitted, const struct registry_name *sorted[REGISTRY_NAMES_MAX]) {
    size_t count = 0;
    for (uint32_t i = 0; i < capnp_text_list_count(permitted) && count < REGISTRY_NAMES_MAX; i++) {
        const struct registry_name *name = registry_find(&table, capnp_text_list_get(permitted, i).bytes);
        if (name == nullptr || !tess_handle_valid(name->endpoint)) {
            continue;
        }
        size_t at = count++;
        for (; at > 0 && strcmp(sorted[at - 1]->name, name->name) > 0; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = name;
    }
    return count;
}

static status_t list(void *, struct rpc_request *request, struct registry_list_params params,
                     struct registry_list_results_builder results) {
    RPC_CALL(call);
    const struct registry_name *names[REGISTRY_NAMES_MAX];
    struct capnp_text_list permitted;
    const size_t first = registry_list_params_get_first(params);
    TRY(rpc_well_formed(request));
    const status_t asked = ask_names(&call, badge_holder(request->badge), &permitted);
    if (!status_ok(asked)) {
        char denied[DENIAL_TEXT_BYTES];
        return rpc_refuse(request, RPC_DISCONNECTED, "nobody decides now what may be resolved: policyd: %s", service_status_text(asked, denied));
    }
    const size_t total = sort_registered(permitted, names), from = first < total ? first : total;
    const struct registry_entry_list_builder entries = registry_list_results_init_entries(results, (uint32_t)(total - from));
    for (size_t i = from; i < total; i++) {
        const struct registry_entry_builder entry = registry_entry_list_edit(entries, (uint32_t)(i - from));
        registry_entry_set_name(entry, capnp_text(names[i]->name));
        registry_entry_set_interface_id(entry, names[i]->interface_id);
    }
    registry_list_results_set_total(results, (uint32_t)total);
    return STATUS_OK;
}

// ---- Watching ----

static uint64_t generation_of(const char *name) {
    const struct registry_name *found = registry_find(&table, name);
    return found != nullptr ? found->generation : 0;
}

static void put_generation(struct registry_watch_results_builder results, const char *name) {
    const struct registry_name *found = registry_find(&table, name);
    registry_watch_results_set_generation(results, generation_of(name));
    registry_watch_results_set_given_up(results, found != nullptr && found->given_up);
}

// Overwrites the message page.
static void answer_watcher(struct watcher *watcher) {
    static struct rpc_answer answer; // large
    const struct registry_watch_results_builder results = {rpc_answer_begin(&answer, &watcher->answer)};
    put_generation(results, watcher->name);
    rpc_answer_send(&answer);
    *watcher = (struct watcher){};
}

// All that wait for this name.
static void answer_watchers(const char *name) {
    for (size_t i = 0; i < WATCHERS_MAX; i++) {
        if (str_equal(watchers[i].name, name)) {
            answer_watcher(&watchers[i]);
        }
    }
}

// A free place. Where there is none the one who has waited longest is answered, and may ask again; those who have gone make room so.
static struct watcher *new_watcher(void) {
    for (size_t i = 0; i < WATCHERS_MAX; i++) {
        if (watchers[i].name[0] == '\0') {
            return &watchers[i];
        }
    }
    struct watcher *oldest = &watchers[next_watcher];
    next_watcher = (next_watcher + 1) % WATCHERS_MAX;
    answer_watcher(oldest);
    return oldest;
}

static status_t watch(void *, struct rpc_request *request, struct registry_watch_params params,
                      struct registry_watch_results_builder results) {
    char name[NAME_BYTES];
    status_t refused;
    uint8_t actions = 0;
    const uint64_t seen = registry_watch_params_get_generation(params);
    if (!take_name(request, registry_watch_params_get_name(params), name, &refused)) {
        return refused;
    }
    TRY(rpc_well_formed(request));
    const status_t asked = ask(badge_holder(request->badge), name, &actions);
    if (!status_ok(asked)) {
        return rpc_refuse(request, RPC_DISCONNECTED, "nobody decides now whether `%s` may be watched", name);
    }
    if ((actions & MAY_USE) == 0) {
        return rpc_refuse(request, RPC_DENIED, "the policy does not allow `%s`; see `policy SUBJECT use %s`", name, name);
    }
    if (generation_of(name) != seen) {
        put_generation(results, name);
        return STATUS_OK;
    }
    struct watcher *watcher = new_watcher();
    if (!status_ok(rpc_defer(request, &watcher->answer))) {
        return rpc_refuse(request, RPC_OVERLOADED, "this cannot be waited for");
    }
    memcpy(watcher->name, name, sizeof watcher->name);
    return STATUS_OK;
}

// ---- What the supervisor says ----

// Whether both lead to the same endpoint.
static bool is_same(handle_t one, handle_t other) {
    uint64_t first, second;
    return tess_handle_valid(one) &&
           status_ok(tess_process_handle_info(tess_self_process(), one.v, nullptr, nullptr, nullptr, nullptr, &first)) &&
           status_ok(tess_process_handle_info(tess_self_process(), other.v, nullptr, nullptr, nullptr, nullptr, &second)) &&
           first == second;
}

static void take_back_all(uint16_t name) {
    for (size_t i = 0; i < REGISTRY_PLACES;) {
        if (table.links[i].holder != 0 && table.links[i].name == name) {
            take_back(&table.links[i]);
        } else {
            i++;
        }
    }
}

static status_t register_service(void *, struct rpc_request *request, struct registry_control_register_params params,
                                 struct registry_control_register_results_builder) {
    char text[NAME_BYTES];
    status_t refused;
    handle_t minted;
    const handle_t service = registry_control_register_params_get_service(params).handle;
    if (!take_name(request, registry_control_register_params_get_name(params), text, &refused)) {
        return refused;
    }
    if (!tess_handle_valid(service)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "no service came with the name `%s`", text);
    }
    const uint64_t interface_id = registry_control_register_params_get_interface_id(params);
    const bool given_up = registry_control_register_params_get_given_up(params);
    TRY(rpc_well_formed(request));
    if (!status_ok(tess_handle_mint(service, (rights_t){RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT | RIGHT_COPY_BIT}, 0, 0, &minted))) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT,
                          "nobody could be given `%s`: it is no endpoint, or lacks SEND, MINT, COPY or TRANSFER", text);
    }
    tess_close(minted);
    struct registry_name *name = registry_find_or_add(&table, text);
    if (name == nullptr) {
        return rpc_refuse(request, RPC_FAILED, "all %zu names are taken", REGISTRY_NAMES_MAX);
    }
    if (!is_same(name->endpoint, service)) {
        take_back_all(registry_index(&table, name));
        tess_close(name->endpoint);
        name->endpoint = rpc_request_keep(request, service);
    }
    name->interface_id = interface_id;
    name->given_up = given_up;
    const uint64_t now = tess_now_ns(); // a generation never comes again, not after a restart of the registry either
    name->generation = now > name->generation ? now : name->generation + 1;
    if (str_equal(text, "policy")) {
        begin_recheck(true); // another process decides
    }
    answer_watchers(text);
    return STATUS_OK;
}

static status_t take_back_one(void *, struct rpc_request *request, struct registry_control_take_back_params params,
                              struct registry_control_take_back_results_builder results) {
    char text[NAME_BYTES];
    status_t refused;
    if (!take_name(request, registry_control_take_back_params_get_name(params), text, &refused)) {
        return refused;
    }
    const uint64_t holder = registry_control_take_back_params_get_holder(params);
    TRY(rpc_well_formed(request));
    const struct registry_name *name = registry_find(&table, text);
    struct registry_link *link = name == nullptr ? nullptr : registry_link_find(&table, holder, registry_index(&table, name));
    if (link != nullptr) {
        take_back(link);
    }
    registry_control_take_back_results_set_found(results, link != nullptr);
    return STATUS_OK;
}

static const struct registry_control_server methods = {
    .registry = {.resolve = resolve, .list = list, .watch = watch, .why = why},
    .register_ = register_service,
    .take_back = take_back_one,
};

static status_t dispatch(struct rpc_request *request) {
    return badge_controls(request->badge) ? registry_control_dispatch(&methods, nullptr, request)
                                          : registry_dispatch(&methods.registry, nullptr, request);
}

static void signalled(uint64_t bits) {
    if ((bits & BIT_EPOCH) != 0) {
        begin_recheck(false);
    }
}

static uint64_t before_wait(void) {
    return recheck_is_due ? recheck_ns : DEADLINE_NEVER;
}

// Names it is told anew, but of what was resolved it could take nothing back any more.
static const char *loses(void) {
    static char text[64];
    if (table.link_count == 0) {
        return nullptr;
    }
    fmt_snprintf(text, sizeof text, "the hold on what was resolved (%u times)", (unsigned)table.link_count);
    return text;
}

static const struct service service = {.provides = "registry",
                                       .interface_id = REGISTRY_ID,
                                       .accept = 1, // what is registered
                                       .before_wait = before_wait,
                                       .when_due = recheck,
                                       .events = &changes,
                                       .signalled = signalled,
                                       .loses = loses};

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    ask_open();
    return service_run(&service, &server, dispatch);
}
