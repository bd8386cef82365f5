// Uses the log as its clients do: log_client [leave | flood COUNT].
//
// Prints "log_client: as it should be", or what was not. With `leave` it only becomes a follower, and ends; with `flood` it sends so
// many records as fast as the log takes them, for ever when COUNT is 0.
#include "base/mem.h"
#include "base/str.h"
#include "lib/log/logger.h"
#include "tests/programs/common.h"

constexpr uint64_t TOLD = 4;

static struct log log;
static handle_t notification;
static uint32_t failures;

static void check(bool good, const char *what, status_t status) {
    if (!good) {
        SAY("log_client: %s: %s\n", what, rpc_status_text(status));
        failures++;
    }
}

static status_t follow(handle_t who) {
    RPC_CALL(call);
    return log_call_follow(log, &call, (struct notification){who}, TOLD, rpc_patience(), nullptr);
}

// What one query brought.
struct found {
    uint32_t count;
    uint64_t next, dropped;
    int64_t field;
};

// The first integer among the fields of a record; -1 when there is none.
static int64_t integer_of(struct log_record record) {
    const struct log_field_list fields = log_record_get_fields(record);
    for (uint32_t i = 0; i < log_field_list_count(fields); i++) {
        if (log_field_which(log_field_list_get(fields, i)) == LOG_FIELD_INTEGER) {
            return log_field_get_integer(log_field_list_get(fields, i));
        }
    }
    return -1;
}

static struct found find(uint64_t after, const char *domain, uint64_t cause, const char *field) {
    RPC_CALL(call);
    struct log_query_results results;
    const status_t status =
        log_call_query(log, &call, after, 0, LOG_LEVEL_DEBUG, CAPNP_TEXT(""), false, capnp_text(domain), cause, 0, UINT64_MAX,
                       CAPNP_TEXT(""), capnp_text(field), false, false, rpc_patience(), &results);
    check(status_ok(status), "query", status);
    if (!status_ok(status)) {
        return (struct found){};
    }
    const struct log_record_list records = log_query_results_get_records(results);
    const uint32_t count = log_record_list_count(records);
    return (struct found){.count = count,
                          .next = log_query_results_get_next(results),
                          .dropped = log_query_results_get_dropped(results),
                          .field = count > 0 ? integer_of(log_record_list_get(records, 0)) : -1};
}

static uint64_t newest(void) {
    return find(UINT64_MAX, "", 0, "").next;
}

// Records that were sent are there when something that was called later is answered.
static void fields_are_found(struct logger *logger) {
    const uint64_t before = newest();
    logger->cause = 4711;
    LOGGER_REPORT(logger, LOG_LEVEL_WARNING, "the link is down", logger_integer("port", 3), logger_text("why", "no cable"));
    logger->cause = 0;
    LOGGER_REPORT(logger, LOG_LEVEL_DEBUG, "nothing else");
    check(find(before, "client", 0, "").count == 2, "both by their domain", STATUS_OK);
    check(find(before, "clien", 0, "").count == 0, "none by a part of it", STATUS_OK);
    check(find(before, "", 4711, "").count == 1, "one by its cause", STATUS_OK);
    check(find(before, "", 0, "port").field == 3, "one by its field", STATUS_OK);
    check(find(before, "", 0, "why=no cable").count == 1, "one by its field's value", STATUS_OK);
    check(find(before, "", 0, "port=4").count == 0, "none by another value", STATUS_OK);
}

static bool told(void) {
    uint64_t bits = 0;
    return status_ok(tess_wait(notification, &bits, DEADLINE_POLL)) && bits == TOLD;
}

static void report(uint32_t times) {
    RPC_CALL(call);
    for (uint32_t i = 0; i < times; i++) {
        const status_t status = log_call_append(log, &call, LOG_LEVEL_DEBUG, CAPNP_TEXT("more"), rpc_patience(), nullptr);
        check(status_ok(status), "append", status);
    }
}

// The service signals before it answers, so there is nothing to wait for.
static void followers_are_told(void) {
    uint64_t after = newest();
    status_t status = follow(notification);
    check(status_ok(status), "follow", status);
    check(!told(), "told before there was anything", STATUS_OK);
    report(1);
    check(told(), "not told of a record", STATUS_OK);
    report(5);
    check(!told(), "told again without having asked", STATUS_OK);
    struct found more = find(after, "", 0, "");
    check(more.count >= 6 && more.dropped == 0, "what came meanwhile", STATUS_OK);
    report(1);
    check(told(), "not told after having asked", STATUS_OK);
    after = more.next;
    check(find(after, "", 0, "").count >= 1, "the next one", STATUS_OK);
    status = follow((handle_t){});
    check(status_ok(status), "follow no more", status);
    report(1);
    check(!told(), "told though it did not want to be", STATUS_OK);
}

// A log that does not listen holds nobody up for long, and it is said afterwards what it missed.
static void misses_are_counted(struct logger *logger) {
    const uint64_t before = newest();
    struct logger deaf = *logger;
    deaf.log.handle = tess_cap_required("nobody", 0);
    for (int i = 0; i < 100; i++) {
        LOGGER_REPORT(&deaf, LOG_LEVEL_INFO, "to nobody");
    }
    check(deaf.away && deaf.undelivered == 100, "how many were not delivered", STATUS_OK);
    deaf.log = logger->log;
    deaf.away = false; // it is another one
    LOGGER_REPORT(&deaf, LOG_LEVEL_INFO, "to somebody");
    check(find(before, "client", 0, "undelivered").field == 100 && deaf.undelivered == 0, "it is not said how many", STATUS_OK);
}

static void mistakes_are_refused(void) {
    RPC_CALL(call);
    status_t status = follow(tess_cap_required("nobody", 0));
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "an endpoint follows", status);
    struct log_append_record_params_builder params = log_begin_append_record(log, &call);
    log_append_record_params_set_text(params, CAPNP_TEXT("text"));
    (void)log_append_record_params_init_fields(params, LOG_FIELDS_MAX + 1);
    status = log_finish_append_record(&call, rpc_patience(), nullptr);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "too many fields", status);
    params = log_begin_append_record(log, &call);
    log_append_record_params_set_text(params, CAPNP_TEXT("text"));
    log_append_record_params_set_kind(params, LOG_KIND_CRASH);
    status = log_finish_append_record(&call, rpc_patience(), nullptr);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "a crash of one's own", status);
    const struct log_control control = {log.handle};
    status = log_control_call_append_for(control, &call, 2, LOG_LEVEL_INFO, CAPNP_TEXT("forged"), rpc_patience(), nullptr);
    check(status_is(status, rpc_status(RPC_DENIED)), "a record of somebody else", status);
}

static int flood(uint64_t count) {
    RPC_CALL(call);
    uint64_t sent = 0;
    for (uint64_t i = 0; count == 0 || i < count; i++) {
        sent += status_ok(log_send_append(log, &call, LOG_LEVEL_DEBUG, CAPNP_TEXT("one of very many"), rpc_patience()));
    }
    SAY("log_client: %lu sent\n", sent);
    return 0;
}

int main(int argc, char **argv) {
    static struct logger logger;
    logger_init(&logger, "client");
    log = logger.log;
    if (!status_ok(tess_account_create_notification(tess_self_account(), &notification))) {
        return 2;
    }
    if (argc > 1 && str_equal(argv[1], "leave")) {
        return status_ok(follow(notification)) ? 0 : 1;
    }
    if (argc > 1 && str_equal(argv[1], "flood")) {
        return flood(argument(argc, argv, 2, 0));
    }
    fields_are_found(&logger);
    followers_are_told();
    misses_are_counted(&logger);
    mistakes_are_refused();
    if (failures == 0) {
        SAY("log_client: as it should be\n");
    }
    return failures == 0 ? 0 : 1;
}
