#include "lib/log/logger.h"

#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"

void logger_init(struct logger *logger, const char *domain) {
    *logger = (struct logger){.domain = domain};
    (void)tess_cap("log", LOG_ID, &logger->log.handle);
}

static void put(struct log_field_list_builder list, uint32_t index, struct logger_field field) {
    const struct log_field_builder to = log_field_list_edit(list, index);
    log_field_set_name(to, capnp_text(field.name));
    if (field.text != nullptr) {
        log_field_set_text(to, capnp_text(field.text));
    } else {
        log_field_set_integer(to, field.integer);
    }
}

bool logger_try(struct logger *logger, const struct logger_record *record, uint64_t deadline_ns) {
    if (!tess_handle_valid(logger->log.handle)) {
        return false;
    }
    RPC_CALL(call);
    const uint32_t own = record->count < LOGGER_FIELDS_MAX ? record->count : LOGGER_FIELDS_MAX;
    const struct log_append_record_params_builder params = log_begin_append_record(logger->log, &call);
    const struct log_field_list_builder list =
        log_append_record_params_init_fields(params, own + (logger->undelivered > 0 ? 1 : 0));
    for (uint32_t i = 0; i < own; i++) {
        put(list, i, record->fields[i]);
    }
    if (logger->undelivered > 0) {
        put(list, own, logger_integer("undelivered", (int64_t)logger->undelivered));
    }
    log_append_record_params_set_level(params, record->level);
    log_append_record_params_set_kind(params, record->kind);
    log_append_record_params_set_text(params, capnp_text(record->text));
    log_append_record_params_set_domain(params, capnp_text(logger->domain));
    log_append_record_params_set_cause(params, logger->cause);
    return status_ok(rpc_send(&call, deadline_ns));
}

bool logger_file(struct logger *logger, const struct logger_record *record) {
    if (!tess_handle_valid(logger->log.handle)) {
        return false;
    }
    logger->away = !logger_try(logger, record, logger->away ? DEADLINE_POLL : tess_deadline_after_ms(LOGGER_PATIENCE_MS));
    logger->undelivered = logger->away ? logger->undelivered + 1 : 0;
    return !logger->away;
}

bool logger_report(struct logger *logger, enum log_level level, const char *text, const struct logger_field *fields, uint32_t count) {
    return logger_file(logger, &(struct logger_record){.level = level, .text = text, .fields = fields, .count = count});
}
