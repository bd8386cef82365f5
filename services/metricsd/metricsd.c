// metricsd: figures of the running system, and how well it is. Wiring only: tables and formats are lib/metrics, the contract
// idl/metrics.capnp.
//
// CapSet: `metrics` (RECEIVE), `inspector`, `supervisor`, `roster`; `log` if it is to have the log's figures.
//
// The pages of clients are this service's, which pays for them, so nobody can take one away while it is read. What is in
// them is only ever taken for numbers.
#include "services/metricsd/metricsd.h"

#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/metrics/prometheus.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"

constexpr size_t PAGE = METRICS_PAGE_WORDS * sizeof(uint64_t);
constexpr size_t ROOM_WORDS = (MESSAGE_PAGE_BYTES - 256) / CAPNP_WORD_BYTES; // of an answer, for what is in its list

static_assert(METRICS_WORDS_MAX == METRICS_PAGE_WORDS && METRICS_HISTOGRAM_WORDS == HISTOGRAM_WORDS && PAGE == PAGE_BYTES);
static_assert((int)METRICS_HISTOGRAM == (int)METRICS_KIND_HISTOGRAM && (int)METRICS_NANOSECONDS == (int)METRICS_UNIT_NANOSECONDS);
static_assert((int)HEALTH_LEVEL_FAILED == (int)METRICS_HEALTH_FAILED);

struct metrics_table table;
const struct roster *roster;
static struct rpc_server server;

// ---- pages ----

static void give_up(struct metrics_client *client) {
    (void)tess_vspace_unmap(tess_self_vspace(), (uint64_t)client->page, PAGE); // it is mapped
    metrics_forget(&table, client);
}

// Whoever is not in the roster any more does not come back.
static void give_up_the_gone(void) {
    for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++) {
        struct metrics_client *client = &table.clients[i];
        if (client->page != nullptr && !roster_has(roster, client->holder)) {
            give_up(client);
        }
    }
}

static status_t make_page(handle_t *out, const uint64_t **words) {
    constexpr rights_t RIGHTS = {RIGHT_READ_BIT | RIGHT_WRITE_BIT | RIGHT_MAP_BIT | RIGHT_INSPECT_BIT | RIGHT_TRANSFER_BIT};
    TESS_OWNED handle_t vmo = {};
    TESS_OWNED handle_t copy = {};
    uint64_t address = 0;
    TRY(tess_account_create_vmo(tess_self_account(), PAGE, &vmo));
    TRY(tess_vmo_commit(vmo, 0, PAGE));
    TRY(tess_handle_copy(vmo, RIGHTS, &copy));
    TRY(tess_vspace_map(tess_self_vspace(), vmo, 0, PAGE, 0, PROT_READ, &address));
    *out = tess_handle_take(&copy);
    *words = (const uint64_t *)address;
    return STATUS_OK;
}

static status_t page(void *, struct rpc_request *request, struct metrics_page_params params, struct metrics_page_results_builder results) {
    const uint64_t holder = badge_holder(request->badge);
    struct metrics_client *client = metrics_find(&table, holder);
    const uint64_t *words;
    handle_t vmo;
    const bool wanted = metrics_page_params_get_wanted(params);
    TRY(rpc_well_formed(request));
    if (client != nullptr) {
        give_up(client);
    }
    if (!wanted) {
        return STATUS_OK;
    }
    client = metrics_place(&table, holder);
    if (client == nullptr) {
        give_up_the_gone();
        client = metrics_place(&table, holder);
    }
    if (client == nullptr) {
        return rpc_refuse(request, RPC_OVERLOADED, "%zu programs have figures already", METRICS_CLIENTS_MAX);
    }
    TRY(make_page(&vmo, &words));
    client->page = words;
    metrics_page_results_give_page(results, (struct vmo){vmo});
    return STATUS_OK;
}

static status_t define(void *, struct rpc_request *request, struct metrics_define_params params,
                       struct metrics_define_results_builder results) {
    const struct capnp_text name = metrics_define_params_get_name(params), help = metrics_define_params_get_help(params);
    struct metrics_family wanted = {};
    uint32_t word = 0;
    const enum metrics_kind kind = metrics_define_params_get_kind(params);
    const enum metrics_unit unit = metrics_define_params_get_unit(params);
    TRY(rpc_well_formed(request));
    wanted.kind = (uint32_t)kind < METRICS_KINDS ? (enum figure_kind)kind : METRICS_KINDS;
    wanted.unit = (uint32_t)unit < METRICS_UNITS ? (enum figure_unit)unit : METRICS_UNITS;
    (void)str_copy_bytes(wanted.name, sizeof(wanted.name), name.bytes, name.len); // the contract's limits are those of the fields
    (void)str_copy_bytes(wanted.help, sizeof(wanted.help), help.bytes, help.len);
    switch (strlen(wanted.name) != name.len
                ? METRICS_BAD_NAME
                : metrics_define(&table, metrics_find(&table, badge_holder(request->badge)), &wanted, &word)) {
    case METRICS_DONE: metrics_define_results_set_word(results, word); return STATUS_OK;
    case METRICS_NO_CLIENT: return rpc_refuse(request, RPC_FAILED, "ask for a page first");
    case METRICS_BAD_NAME:
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "a name has lower-case letters, digits and _; a kind and a unit are those of the contract");
    case METRICS_DIFFERENT:
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "`%s` is of another kind or unit elsewhere", wanted.name);
    case METRICS_FULL: return rpc_refuse(request, RPC_OVERLOADED, "there is no room for another figure");
    }
    return rpc_status(RPC_FAILED);
}

// ---- samples ----

// An answer in the making: once to count, once to fill in.
struct answer {
    const char *prefix;
    size_t words_left;
    uint32_t count, filled;
    uint64_t next;
    bool full;
    struct metrics_sample_list_builder list;
};

static size_t words_of(const char *text) {
    return (strlen(text) + CAPNP_WORD_BYTES) / CAPNP_WORD_BYTES;
}

static bool count_figure(void *context, const struct figure *figure) {
    struct answer *answer = context;
    if (!str_starts_with(figure->family->name, answer->prefix)) {
        return true;
    }
    const size_t words = METRICS_SAMPLE_DATA_WORDS + METRICS_SAMPLE_POINTERS + words_of(figure->family->name) + words_of(figure->source);
    answer->full = words > answer->words_left;
    if (!answer->full) {
        answer->words_left -= words;
        answer->count++;
        answer->next = figure->cursor;
    }
    return !answer->full;
}

static bool put_figure(void *context, const struct figure *figure) {
    struct answer *answer = context;
    if (!str_starts_with(figure->family->name, answer->prefix)) {
        return true;
    }
    if (answer->filled == answer->count) {
        return false;
    }
    const struct metrics_sample_builder sample = metrics_sample_list_edit(answer->list, answer->filled++);
    metrics_sample_set_name(sample, capnp_text(figure->family->name));
    metrics_sample_set_source(sample, capnp_text(figure->source));
    metrics_sample_set_kind(sample, (enum metrics_kind)figure->family->kind);
    metrics_sample_set_unit(sample, (enum metrics_unit)figure->family->unit);
    metrics_sample_set_value(sample, (int64_t)figure->value);
    if (figure->histogram != nullptr) {
        metrics_sample_set_count(sample, figure->histogram->count);
        metrics_sample_set_median(sample, histogram_quantile(figure->histogram, 1, 2));
        metrics_sample_set_p99(sample, histogram_quantile(figure->histogram, 99, 100));
        metrics_sample_set_greatest(sample, figure->histogram->greatest);
        metrics_sample_set_cause(sample, figure->histogram->cause);
    }
    return true;
}

static status_t samples(void *, struct rpc_request *request, struct metrics_samples_params params,
                        struct metrics_samples_results_builder results) {
    const uint64_t after = metrics_samples_params_get_after(params);
    const struct capnp_text wanted = metrics_samples_params_get_prefix(params);
    char prefix[METRICS_NAME_BYTES];
    (void)str_copy_bytes(prefix, sizeof(prefix), wanted.bytes, wanted.len);
    TRY(rpc_well_formed(request));
    if (after == 0) {
        figures_refresh();
    }
    struct answer answer = {.prefix = prefix, .words_left = ROOM_WORDS, .next = after};
    figures_each(after, count_figure, &answer);
    answer.list = metrics_samples_results_init_samples(results, answer.count);
    figures_each(after, put_figure, &answer);
    metrics_samples_results_set_next(results, answer.next);
    metrics_samples_results_set_more(results, answer.full);
    return STATUS_OK;
}

// ---- Prometheus ----

static struct exposition {
    size_t used, begun; // of the figure that is being written
    uint64_t next;
    bool full;
    char text[ROOM_WORDS * CAPNP_WORD_BYTES];
} exposition;

static void write_text(void *, const char *bytes, size_t len) {
    if (len > sizeof(exposition.text) - exposition.used) {
        exposition.full = true;
    } else if (!exposition.full) {
        memcpy(exposition.text + exposition.used, bytes, len);
        exposition.used += len;
    }
}

static bool expose(void *, const struct figure *figure) {
    exposition.begun = exposition.used;
    if (figure->first) {
        prometheus_family(figure->family, write_text, nullptr);
    }
    if (figure->histogram != nullptr) {
        prometheus_histogram(figure->family, figure->label, figure->source, figure->histogram, write_text, nullptr);
    } else {
        prometheus_value(figure->family, figure->label, figure->source, figure->value, write_text, nullptr);
    }
    if (exposition.full && exposition.begun == 0) { // it will never fit
        exposition.full = false;
        exposition.used = 0;
        fmt_print(write_text, nullptr, "# %s of %s is too long\n", figure->family->name, figure->source);
    } else if (exposition.full) {
        exposition.used = exposition.begun;
        return false;
    }
    exposition.next = figure->cursor;
    return true;
}

static status_t prometheus(void *, struct rpc_request *request, struct metrics_prometheus_params params,
                           struct metrics_prometheus_results_builder results) {
    const uint64_t after = metrics_prometheus_params_get_after(params);
    TRY(rpc_well_formed(request));
    if (after == 0) {
        figures_refresh();
    }
    exposition.used = 0;
    exposition.full = false;
    exposition.next = after;
    figures_each(after, expose, nullptr);
    metrics_prometheus_results_set_text(results, (struct capnp_text){exposition.text, (uint32_t)exposition.used});
    metrics_prometheus_results_set_next(results, exposition.next);
    metrics_prometheus_results_set_more(results, exposition.full);
    return STATUS_OK;
}

// ---- health ----

static status_t tell_health(void *, struct rpc_request *, struct metrics_health_params, struct metrics_health_results_builder results) {
    watch_round(); // nobody is told what was so a while ago
    metrics_health_results_set_health(results, (enum metrics_health)the_health.whole.level);
    metrics_health_results_set_reason(results, capnp_text(the_health.whole.reason));
    metrics_health_results_set_since_ns(results, the_health.since_ns);
    return STATUS_OK;
}

static status_t timeline(void *, struct rpc_request *request, struct metrics_timeline_params params,
                         struct metrics_timeline_results_builder results) {
    const uint64_t after = metrics_timeline_params_get_after(params);
    TRY(rpc_well_formed(request));
    const uint64_t oldest = the_health.change_count < HEALTH_CHANGES_MAX ? 0 : the_health.change_count - HEALTH_CHANGES_MAX;
    const uint64_t first = after > oldest ? after : oldest;
    size_t left = ROOM_WORDS;
    uint32_t count = 0;
    for (const struct health_event *it; (it = health_event_at(&the_health, first + count)) != nullptr; count++) {
        const size_t words = METRICS_HEALTH_CHANGE_DATA_WORDS + METRICS_HEALTH_CHANGE_POINTERS + words_of(it->name) + words_of(it->reason);
        if (words > left) {
            break;
        }
        left -= words;
    }
    const struct metrics_health_change_list_builder list = metrics_timeline_results_init_changes(results, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct health_event *it = health_event_at(&the_health, first + i);
        const struct metrics_health_change_builder to = metrics_health_change_list_edit(list, i);
        metrics_health_change_set_time_ns(to, it->time_ns);
        metrics_health_change_set_source(to, capnp_text(it->name));
        metrics_health_change_set_health(to, (enum metrics_health)it->level);
        metrics_health_change_set_reason(to, capnp_text(it->reason));
    }
    metrics_timeline_results_set_next(results, first + count);
    metrics_timeline_results_set_more(results, health_event_at(&the_health, first + count) != nullptr);
    metrics_timeline_results_set_dropped(results, after < oldest ? oldest - after : 0);
    return STATUS_OK;
}

static const struct metrics_server methods = {
    .page = page, .define = define, .samples = samples, .prometheus = prometheus, .health = tell_health, .timeline = timeline};

static status_t dispatch(struct rpc_request *request) {
    return metrics_dispatch(&methods, nullptr, request);
}

static const struct service service = {.provides = "metrics", .interface_id = METRICS_ID, .before_wait = watch_next, .when_due = watch_round};

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    roster = roster_open("roster");
    watch_open();
    figures_open();
    return service_run(&service, &server, dispatch);
}
