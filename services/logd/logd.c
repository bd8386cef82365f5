// logd: the one log of the system. Wiring only: the journal is lib/journal, the contract idl/log.capnp.
//
// CapSet: `log` (RECEIVE), `roster`, `journal`: the memory of the journal, with which the next process of the service goes on.
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/badge/badge.h"
#include "lib/journal/fields.h"
#include "lib/keep/keep.h"
#include "lib/roster/roster.h"
#include "lib/service/service.h"
#include "lib/tess/clock.h"
#include "lib/tess/main.h"
#include "services/logd/logd.h"

static_assert(JOURNAL_NAME_BYTES == NAME_BYTES);
static_assert(LOG_FIELDS_MAX_BYTES == JOURNAL_FIELDS_MAX);

struct journal *journal;
static const struct roster *roster;
static uint64_t refused;
static uint64_t report_ns; // when it is to be said next what the limits kept out
static struct rpc_server server;

// ---- what the limits kept out ----

static void report_one(struct journal_source *source, uint64_t count, uint64_t now_ns) {
    char text[80];
    uint8_t fields[32];
    struct journal_content content = {.level = LOG_LEVEL_WARNING, .kind = LOG_KIND_LIMIT, .domain = "log", .domain_bytes = 3,
                                      .text = text, .fields = fields};
    const struct journal_field dropped = {.name = "dropped", .name_bytes = 7, .integer = (int64_t)count};
    content.text_bytes =
        fmt_snprintf(text, sizeof(text), "%lu records of %s were dropped: they were too many", count, source->name);
    if (journal_fields_add(fields, sizeof(fields), &content.fields_bytes, &dropped)) { // which fits
        (void)journal_append(journal, source, now_ns, &content);
    }
}

static void report_limits(uint64_t now_ns) {
    if (now_ns < report_ns) {
        return;
    }
    report_ns = DEADLINE_NEVER;
    for (size_t i = 0; i < JOURNAL_SOURCES; i++) {
        struct journal_source *source = &journal->sources[i];
        const uint64_t count = limit_report(&source->limit, now_ns);
        if (count > 0) {
            report_one(source, count, now_ns);
            followers_tell();
        } else if (source->limit.kept_out > 0 && source->limit.muted_ns < report_ns) {
            report_ns = source->limit.muted_ns;
        }
    }
}

// ---- append ----

static status_t too_many(struct rpc_request *request, const struct journal_source *source) {
    if (source->limit.muted_ns < report_ns) {
        report_ns = source->limit.muted_ns;
    }
    return rpc_refuse(request, RPC_OVERLOADED, "of one program the log takes %lu records a second, and %lu at once",
                      LIMIT_PER_SECOND, LIMIT_BURST);
}

// Who is gone keeps its name as long as its records are there.
static struct journal_source *source_of(uint64_t holder) {
    struct journal_source *source = journal_source(journal, holder);
    if (source->name[0] == '\0') {
        (void)roster_name(roster, holder, source->name);
    }
    return source;
}

static status_t keep(struct rpc_request *request, uint64_t holder, const struct journal_content *content, uint64_t *sequence) {
    TRY(rpc_well_formed(request));
    if (content->level >= LOG_LEVELS || content->text_bytes == 0) {
        refused++;
        return rpc_refuse(request, RPC_INVALID_ARGUMENT,
                          content->text_bytes == 0 ? "there is no text" : "there is no such level");
    }
    const uint64_t now_ns = tess_now_ns();
    report_limits(now_ns);
    struct journal_source *source = source_of(holder);
    if (!badge_controls(request->badge) && !journal_takes(journal, source, now_ns)) {
        return too_many(request, source);
    }
    *sequence = journal_append(journal, source, now_ns, content);
    followers_tell();
    return STATUS_OK;
}

static struct journal_content plain(enum log_level level, struct capnp_text text) {
    return (struct journal_content){
        .level = (uint8_t)(level < LOG_LEVELS ? level : LOG_LEVELS), .text = text.bytes, .text_bytes = text.len, .cause = rpc_cause(&server.request)};
}

static status_t append(void *, struct rpc_request *request, struct log_append_params params,
                       struct log_append_results_builder results) {
    const struct journal_content content = plain(log_append_params_get_level(params), log_append_params_get_text(params));
    uint64_t sequence;
    TRY(keep(request, badge_holder(request->badge), &content, &sequence));
    log_append_results_set_sequence(results, sequence);
    return STATUS_OK;
}

static bool is_label(struct capnp_text text) {
    for (uint32_t i = 0; i < text.len; i++) {
        if (!char_is_print(text.bytes[i]) || text.bytes[i] == ' ') {
            return false;
        }
    }
    return true;
}

static bool take_field(struct log_field field, struct journal_content *content, uint8_t bytes[JOURNAL_FIELDS_MAX]) {
    const struct capnp_text name = log_field_get_name(field);
    struct journal_field it = {.name = name.bytes, .name_bytes = name.len};
    switch (log_field_which(field)) {
    case LOG_FIELD_INTEGER: it.integer = log_field_get_integer(field); break;
    case LOG_FIELD_TEXT:
        it.text = log_field_get_text(field).bytes;
        it.text_bytes = log_field_get_text(field).len;
        break;
    default: return false;
    }
    return journal_fields_add(bytes, JOURNAL_FIELDS_MAX, &content->fields_bytes, &it);
}

// What a record has beside level and text.
static status_t take_rest(struct rpc_request *request, struct journal_content *content, struct capnp_text domain,
                          struct log_field_list fields, uint8_t bytes[JOURNAL_FIELDS_MAX]) {
    bool good = is_label(domain);
    content->domain = domain.bytes;
    content->domain_bytes = domain.len;
    content->fields = bytes;
    for (uint32_t i = 0; good && i < log_field_list_count(fields); i++) {
        good = take_field(log_field_list_get(fields, i), content, bytes);
    }
    if (!good) {
        TRY(rpc_well_formed(request));
        refused++;
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "domains and names of fields are printable, a field has a name and a value, "
                                                         "and all fields together %zu bytes", JOURNAL_FIELDS_MAX);
    }
    return STATUS_OK;
}

static status_t append_record(void *, struct rpc_request *request, struct log_append_record_params params,
                              struct log_append_record_results_builder results) {
    struct journal_content content = plain(log_append_record_params_get_level(params), log_append_record_params_get_text(params));
    const enum log_kind kind = log_append_record_params_get_kind(params);
    uint8_t fields[JOURNAL_FIELDS_MAX];
    uint64_t sequence;
    const uint64_t cause = log_append_record_params_get_cause(params);
    content.cause = cause != 0 ? cause : content.cause;
    content.kind = (uint8_t)kind;
    if (kind != LOG_KIND_REPORT && kind != LOG_KIND_DENIAL) {
        refused++;
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "a record of one's own is a report or a denial");
    }
    TRY(take_rest(request, &content, log_append_record_params_get_domain(params), log_append_record_params_get_fields(params), fields));
    TRY(keep(request, badge_holder(request->badge), &content, &sequence));
    log_append_record_results_set_sequence(results, sequence);
    return STATUS_OK;
}

static status_t append_for(void *, struct rpc_request *request, struct log_control_append_for_params params,
                           struct log_control_append_for_results_builder results) {
    const struct journal_content content =
        plain(log_control_append_for_params_get_level(params), log_control_append_for_params_get_text(params));
    uint64_t sequence;
    TRY(keep(request, log_control_append_for_params_get_holder(params), &content, &sequence));
    log_control_append_for_results_set_sequence(results, sequence);
    return STATUS_OK;
}

static status_t append_record_for(void *, struct rpc_request *request, struct log_control_append_record_for_params params,
                                  struct log_control_append_record_for_results_builder results) {
    struct journal_content content =
        plain(log_control_append_record_for_params_get_level(params), log_control_append_record_for_params_get_text(params));
    const enum log_kind kind = log_control_append_record_for_params_get_kind(params);
    uint8_t fields[JOURNAL_FIELDS_MAX];
    uint64_t sequence;
    const uint64_t cause = log_control_append_record_for_params_get_cause(params);
    content.cause = cause != 0 ? cause : content.cause;
    content.kind = (uint8_t)kind;
    if (kind != LOG_KIND_REPORT && kind != LOG_KIND_CRASH && kind != LOG_KIND_DENIAL) {
        refused++;
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "a record about somebody else is a report, a crash or a denial");
    }
    TRY(take_rest(request, &content, log_control_append_record_for_params_get_domain(params),
                  log_control_append_record_for_params_get_fields(params), fields));
    TRY(keep(request, log_control_append_record_for_params_get_holder(params), &content, &sequence));
    log_control_append_record_for_results_set_sequence(results, sequence);
    return STATUS_OK;
}

// ---- the rest ----

static status_t query(void *, struct rpc_request *request, struct log_query_params params,
                      struct log_query_results_builder results) {
    report_limits(tess_now_ns());
    follower_asked(badge_holder(request->badge));
    return answer_query(request, params, results);
}

static status_t follow(void *, struct rpc_request *request, struct log_follow_params params, struct log_follow_results_builder) {
    const handle_t notification = log_follow_params_get_notification(params).handle;
    const uint64_t bits = log_follow_params_get_bits(params);
    TRY(rpc_well_formed(request));
    return follower_set(request, badge_holder(request->badge), notification, bits);
}

static status_t stats(void *, struct rpc_request *, struct log_stats_params, struct log_stats_results_builder results) {
    struct log_stats_builder stats = log_stats_results_init_stats(results);
    log_stats_set_records(stats, journal->records);
    log_stats_set_used_bytes(stats, journal_used(journal));
    log_stats_set_capacity_bytes(stats, journal_capacity(journal));
    log_stats_set_appended(stats, journal->appended);
    log_stats_set_dropped(stats, journal->dropped);
    log_stats_set_first_sequence(stats, journal_first(journal));
    log_stats_set_last_sequence(stats, journal_last(journal));
    log_stats_set_refused(stats, refused + server.malformed);
    log_stats_set_limited(stats, journal->limited);
    log_stats_set_followers(stats, followers_count());
    return STATUS_OK;
}

static status_t sources(void *, struct rpc_request *, struct log_sources_params params, struct log_sources_results_builder results) {
    constexpr uint32_t AT_ONCE = 32; // with their names they fit
    const struct journal_source *found[JOURNAL_SOURCES];
    uint32_t total = 0;
    for (size_t i = 0; i < JOURNAL_SOURCES; i++) {
        const struct journal_source *source = &journal->sources[i];
        if (source->appended > 0 || source->limit.total > 0) {
            found[total++] = source;
        }
    }
    const uint32_t wanted = log_sources_params_get_first(params), first = wanted < total ? wanted : total;
    const uint32_t count = total - first < AT_ONCE ? total - first : AT_ONCE;
    const struct log_source_list_builder list = log_sources_results_init_sources(results, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct journal_source *source = found[first + i];
        const struct log_source_builder to = log_source_list_edit(list, i);
        log_source_set_name(to, capnp_text(source->name));
        log_source_set_records(to, source->records);
        log_source_set_used_bytes(to, (uint64_t)source->units * JOURNAL_UNIT_BYTES);
        log_source_set_appended(to, source->appended);
        log_source_set_dropped(to, source->dropped);
        log_source_set_limited(to, source->limit.total);
    }
    log_sources_results_set_total(results, total);
    return STATUS_OK;
}

static const struct log_control_server methods = {
    .log = {.append = append, .query = query, .stats = stats, .append_record = append_record, .follow = follow, .sources = sources},
    .append_for = append_for,
    .append_record_for = append_record_for,
};

static status_t dispatch(struct rpc_request *request) {
    return badge_controls(request->badge) ? log_control_dispatch(&methods, nullptr, request)
                                          : log_dispatch(&methods.log, nullptr, request);
}

// Its own denials it files under the name of whoever it denied something.
static void denied(const struct denial *denial) {
    static struct denial_record record; // large
    uint8_t fields[JOURNAL_FIELDS_MAX];
    denial_record(denial, 1, &record);
    struct journal_content content = plain(record.record.level, capnp_text(record.record.text));
    content.kind = LOG_KIND_DENIAL;
    content.fields = fields;
    for (uint32_t i = 0; i < record.record.count; i++) {
        const struct logger_field *field = &record.fields[i];
        const struct journal_field it = {.name = field->name, .name_bytes = strlen(field->name), .text = field->text,
                                         .text_bytes = strlen(field->text)};
        (void)journal_fields_add(fields, sizeof(fields), &content.fields_bytes, &it); // what does not fit is in the text
    }
    struct journal_source *source = source_of(badge_holder(server.request.badge));
    if (journal_takes(journal, source, tess_now_ns())) {
        (void)journal_append(journal, source, tess_now_ns(), &content);
        followers_tell();
    }
}

// Once this process is the one that serves: another one may have written there before.
static void open_journal(void) {
    size_t size_bytes;
    void *memory = keep_map("journal", &size_bytes);
    journal = journal_adopt(memory, size_bytes);
    if (journal == nullptr) {
        journal = journal_create(memory, size_bytes); // the first process; or what is there is of no use
    }
    report_ns = tess_now_ns();
}

static uint64_t before_wait(void) {
    return report_ns;
}

static void when_due(void) {
    if (journal == nullptr) {
        open_journal();
    }
    report_limits(tess_now_ns());
}

static const struct service service = {.provides = "log",
                                       .interface_id = LOG_ID,
                                       .accept = 1, // a follower's notification
                                       .before_wait = before_wait,
                                       .when_due = when_due,
                                       .loses = service_keeps_nothing, // beyond the journal, which lies where its successor finds it
                                       .denied = denied};

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    roster = roster_open("roster");
    return service_run(&service, &server, dispatch);
}
