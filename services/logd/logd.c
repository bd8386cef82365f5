// logd: the one log of the system. Wiring only: the journal is lib/journal, the contract idl/log.capnp.
//
// CapSet: `log` (RECEIVE), `roster`.
#include "base/mem.h"
#include "base/str.h"
#include "idl/log.capnp.h"
#include "lib/journal/journal.h"
#include "lib/roster/roster.h"
#include "lib/service/service.h"
#include "lib/tess/clock.h"
#include "lib/tess/main.h"

constexpr size_t JOURNAL_BYTES = 64 * 1024;
constexpr uint16_t LEVELS = LOG_LEVEL_DEBUG + 1;

static_assert(JOURNAL_SOURCE_BYTES == NAME_BYTES);

static struct journal journal;
static const struct roster *roster;
static uint64_t refused;
static struct rpc_server server;
alignas(8) static uint8_t journal_memory[JOURNAL_BYTES];

static status_t keep(struct rpc_request *request, uint64_t holder, enum log_level level, struct capnp_text text,
                     uint64_t *sequence) {
    TRY(rpc_well_formed(request));
    if (level >= LEVELS || text.len == 0) {
        refused++;
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, text.len == 0 ? "there is no text" : "there is no such level");
    }
    char source[NAME_BYTES];
    *sequence = journal_append(&journal, tess_now_ns(), roster_name(roster, holder, source), (uint8_t)level, text.bytes,
                               text.len);
    return STATUS_OK;
}

static status_t append(void *, struct rpc_request *request, struct log_append_params params,
                       struct log_append_results_builder results) {
    uint64_t sequence;
    TRY(keep(request, badge_holder(request->badge), log_append_params_get_level(params),
             log_append_params_get_text(params), &sequence));
    log_append_results_set_sequence(results, sequence);
    return STATUS_OK;
}

static status_t append_for(void *, struct rpc_request *request, struct log_control_append_for_params params,
                           struct log_control_append_for_results_builder results) {
    uint64_t sequence;
    TRY(keep(request, log_control_append_for_params_get_holder(params), log_control_append_for_params_get_level(params),
             log_control_append_for_params_get_text(params), &sequence));
    log_control_append_for_results_set_sequence(results, sequence);
    return STATUS_OK;
}

// An answer in the making. The records are walked twice: how many fit has to be known before the list is made.
struct answer {
    uint64_t skip; // records that match, but are not among the last ones wanted
    uint64_t limit;
    size_t words_left;
    uint32_t count;
    bool full;
    struct log_record_list_builder records;
    uint32_t next; // element to be filled in
    uint64_t last_sequence;
};

static size_t words_of(size_t text_bytes) {
    return (text_bytes + 1 + CAPNP_WORD_BYTES - 1) / CAPNP_WORD_BYTES;
}

static size_t source_len(const struct journal_entry *entry) {
    return strnlen(entry->source, sizeof(entry->source));
}

static bool count_record(void *context, const struct journal_entry *entry, const char *, size_t, const char *, size_t) {
    struct answer *answer = context;
    const size_t words = LOG_RECORD_DATA_WORDS + LOG_RECORD_POINTERS + words_of(source_len(entry)) + words_of(entry->text_bytes);
    if (answer->skip > 0) {
        answer->skip--;
        return true;
    }
    answer->full = answer->count == answer->limit || words > answer->words_left;
    if (!answer->full) {
        answer->words_left -= words;
        answer->count++;
    }
    return !answer->full;
}

static bool put_record(void *context, const struct journal_entry *entry, const char *text, size_t len, const char *rest,
                       size_t rest_len) {
    struct answer *answer = context;
    if (answer->skip > 0) {
        answer->skip--;
        return true;
    }
    if (answer->next == answer->count) {
        return false;
    }
    struct log_record_builder record = log_record_list_edit(answer->records, answer->next++);
    log_record_set_sequence(record, entry->sequence);
    log_record_set_time_ns(record, entry->time_ns);
    log_record_set_level(record, (enum log_level)entry->level);
    log_record_set_source(record, (struct capnp_text){entry->source, source_len(entry)});
    char *to = log_record_init_text(record, entry->text_bytes);
    if (to != nullptr) {
        memcpy(to, text, len);
        memcpy(to + len, rest, rest_len);
    }
    answer->last_sequence = entry->sequence;
    return true;
}

static status_t query(void *, struct rpc_request *request, struct log_query_params params,
                      struct log_query_results_builder results) {
    const uint64_t after = log_query_params_get_after(params);
    const uint32_t limit = log_query_params_get_limit(params);
    const struct capnp_text service = log_query_params_get_service(params);
    const enum log_level level = log_query_params_get_level(params);
    char source[NAME_BYTES];
    if (service.len > 0 && !name_put(source, service.bytes, service.len)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "no service is called so");
    }
    const struct journal_filter filter = {
        .after = after,
        .source = service.len > 0 ? source : nullptr,
        .level = (uint8_t)(level < LEVELS ? level : LOG_LEVEL_DEBUG),
    };
    TRY(rpc_well_formed(request));
    const bool last = log_query_params_get_last(params);
    struct answer answer = {
        .limit = limit == 0 ? UINT64_MAX : limit,
        // Root pointer, results, and the list's tag word.
        .words_left = MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES - 2 - LOG_QUERY_RESULTS_DATA_WORDS - LOG_QUERY_RESULTS_POINTERS,
        .last_sequence = after,
    };
    const uint64_t matching = last && limit != 0 ? journal_count(&journal, &filter) : 0;
    const uint64_t skip = matching > limit ? matching - limit : 0;
    answer.skip = skip;
    journal_walk(&journal, &filter, count_record, &answer);
    answer.records = log_query_results_init_records(results, answer.count);
    answer.skip = skip;
    journal_walk(&journal, &filter, put_record, &answer);
    const uint64_t first = journal_first(&journal);
    log_query_results_set_next(results, answer.last_sequence);
    log_query_results_set_more(results, answer.full);
    log_query_results_set_dropped(results, !last && first > after + 1 ? first - after - 1 : 0);
    return STATUS_OK;
}

static status_t stats(void *, struct rpc_request *, struct log_stats_params, struct log_stats_results_builder results) {
    struct log_stats_builder stats = log_stats_results_init_stats(results);
    log_stats_set_records(stats, journal.records);
    log_stats_set_used_bytes(stats, journal.used);
    log_stats_set_capacity_bytes(stats, journal.size);
    log_stats_set_appended(stats, journal.appended);
    log_stats_set_dropped(stats, journal.dropped);
    log_stats_set_first_sequence(stats, journal_first(&journal));
    log_stats_set_last_sequence(stats, journal_last(&journal));
    log_stats_set_refused(stats, refused + server.malformed);
    return STATUS_OK;
}

static const struct log_control_server methods = {
    .log = {.append = append, .query = query, .stats = stats},
    .append_for = append_for,
};

static status_t dispatch(struct rpc_request *request) {
    return badge_controls(request->badge) ? log_control_dispatch(&methods, nullptr, request)
                                          : log_dispatch(&methods.log, nullptr, request);
}

static const struct service service = {.provides = "log", .interface_id = LOG_ID};

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    // Committed now: what the log takes does not grow with what is logged, nor fail later.
    memset(journal_memory, 0, sizeof(journal_memory));
    journal_init(&journal, journal_memory, sizeof(journal_memory));
    roster = roster_open("roster");
    return service_run(&service, &server, dispatch);
}
