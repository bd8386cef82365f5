// The answer to a query. Records are gone through twice: how many fit has to be known before their list is made.
#include "base/mem.h"
#include "base/str.h"
#include "lib/badge/badge.h"
#include "lib/journal/fields.h"
#include "services/logd/logd.h"

// What there is room for, beside the results themselves: the root pointer, and the list's tag.
constexpr size_t ROOM_WORDS =
    MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES - 2 - LOG_QUERY_RESULTS_DATA_WORDS - LOG_QUERY_RESULTS_POINTERS;

static char body[JOURNAL_BODY_MAX]; // of the record that is looked at

static size_t words_of_text(size_t len) {
    return (len + 1 + CAPNP_WORD_BYTES - 1) / CAPNP_WORD_BYTES;
}

static const char *source_of(const struct journal_record *record) {
    return journal->sources[record->source].name;
}

static const uint8_t *fields_of(const struct journal_record *record) {
    return (const uint8_t *)body + record->domain_bytes + record->text_bytes;
}

// How much of the answer the record in `body` takes, and how many fields it has.
static size_t words_of(const struct journal_record *record, uint32_t *field_count) {
    size_t words = LOG_RECORD_DATA_WORDS + LOG_RECORD_POINTERS + words_of_text(strlen(source_of(record))) +
                   words_of_text(record->text_bytes) + words_of_text(record->domain_bytes) + 1;
    size_t offset = 0;
    *field_count = 0;
    for (struct journal_field field; journal_fields_next(fields_of(record), record->fields_bytes, &offset, &field);) {
        words += LOG_FIELD_DATA_WORDS + LOG_FIELD_POINTERS + words_of_text(field.name_bytes) +
                 (field.text != nullptr ? words_of_text(field.text_bytes) : 0);
        ++*field_count;
    }
    return words;
}

static void put_fields(const struct journal_record *record, struct log_record_builder to, uint32_t count) {
    const struct log_field_list_builder list = log_record_init_fields(to, count);
    size_t offset = 0;
    struct journal_field field;
    for (uint32_t i = 0; i < count && journal_fields_next(fields_of(record), record->fields_bytes, &offset, &field); i++) {
        const struct log_field_builder it = log_field_list_edit(list, i);
        log_field_set_name(it, (struct capnp_text){field.name, (uint32_t)field.name_bytes});
        if (field.text != nullptr) {
            log_field_set_text(it, (struct capnp_text){field.text, (uint32_t)field.text_bytes});
        } else {
            log_field_set_integer(it, field.integer);
        }
    }
}

static void put(const struct journal_record *record, struct log_record_builder to) {
    uint32_t field_count;
    log_record_set_sequence(to, record->sequence);
    log_record_set_time_ns(to, record->time_ns);
    log_record_set_level(to, (enum log_level)record->level);
    log_record_set_kind(to, (enum log_kind)record->kind);
    log_record_set_cause(to, record->cause);
    log_record_set_source(to, capnp_text(source_of(record)));
    log_record_set_domain(to, (struct capnp_text){body, record->domain_bytes});
    log_record_set_text(to, (struct capnp_text){body + record->domain_bytes, record->text_bytes});
    (void)words_of(record, &field_count);
    if (field_count > 0) {
        put_fields(record, to, field_count);
    }
}

// The records of an answer: `count` that match, from this one on.
struct page {
    uint16_t from;
    uint32_t count;
    bool full; // there may be more
};

// The first of the youngest `limit` that match.
static uint16_t youngest(const struct journal_filter *filter, uint16_t oldest, uint64_t limit) {
    uint16_t found = JOURNAL_NONE;
    for (uint16_t at = journal->last; at != JOURNAL_NONE && limit > 0; at = journal_at(journal, at)->older) {
        if (journal_matches(journal, at, filter, body)) {
            found = at;
            limit--;
        }
        if (at == oldest) {
            break;
        }
    }
    return found;
}

static struct page measure(const struct journal_filter *filter, uint16_t from, uint64_t limit) {
    struct page page = {.from = from};
    size_t left = ROOM_WORDS;
    for (uint16_t at = from; at != JOURNAL_NONE; at = journal_at(journal, at)->newer) {
        if (!journal_matches(journal, at, filter, body)) {
            continue;
        }
        uint32_t ignored;
        const size_t words = words_of(journal_at(journal, at), &ignored);
        if (page.count == limit || words > left) {
            page.full = true;
            break;
        }
        left -= words;
        page.count++;
    }
    return page;
}

// Returns the sequence of the last record that was put in.
static uint64_t fill(const struct journal_filter *filter, struct page page, struct log_record_list_builder list) {
    uint64_t sequence = 0;
    uint32_t index = 0;
    for (uint16_t at = page.from; index < page.count; at = journal_at(journal, at)->newer) {
        if (journal_matches(journal, at, filter, body)) {
            put(journal_at(journal, at), log_record_list_edit(list, index++));
            sequence = journal_at(journal, at)->sequence;
        }
    }
    return sequence;
}

static struct journal_run run(struct capnp_text text) {
    return (struct journal_run){text.bytes, text.len};
}

static struct journal_filter filter_of(struct log_query_params params) {
    const enum log_level level = log_query_params_get_level(params);
    const bool crashes = log_query_params_get_crashes(params), denials = log_query_params_get_denials(params);
    return (struct journal_filter){
        .source = run(log_query_params_get_service(params)),
        .domain = run(log_query_params_get_domain(params)),
        .contains = run(log_query_params_get_contains(params)),
        .field = run(log_query_params_get_field(params)),
        .cause = log_query_params_get_cause(params),
        .from_ns = log_query_params_get_from_ns(params),
        .to_ns = log_query_params_get_to_ns(params),
        .level = (uint8_t)(level < LOG_LEVELS ? level : LOG_LEVEL_DEBUG),
        .kinds = (crashes ? 1u << LOG_KIND_CRASH : 0) | (denials ? 1u << LOG_KIND_DENIAL : 0),
    };
}

status_t answer_query(struct rpc_request *request, struct log_query_params params, struct log_query_results_builder results) {
    const struct journal_filter filter = filter_of(params);
    const uint64_t after = log_query_params_get_after(params);
    const uint32_t wanted = log_query_params_get_limit(params);
    const bool last = log_query_params_get_last(params);
    char name[NAME_BYTES];
    if (filter.source.len > 0 && !name_put(name, filter.source.bytes, filter.source.len)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "no service is called so");
    }
    TRY(rpc_well_formed(request));
    const uint64_t limit = wanted == 0 ? UINT64_MAX : wanted;
    uint16_t from = journal_after(journal, after);
    if (last && wanted != 0 && from != JOURNAL_NONE) {
        from = youngest(&filter, from, limit);
    }
    const struct page page = measure(&filter, from, limit);
    const uint64_t sequence = fill(&filter, page, log_query_results_init_records(results, page.count));
    // What does not match is done with, too.
    const uint64_t next = !page.full ? journal->appended : page.count > 0 ? sequence : after;
    log_query_results_set_next(results, next);
    log_query_results_set_more(results, page.full);
    log_query_results_set_dropped(results, last ? 0 : journal_lost(journal, after, next));
    return STATUS_OK;
}
