// What the log is told: the ends of jobs, and crashes of jobs and services.
#include <stdarg.h>

#include "base/fmt.h"
#include "idl/log.capnp.h"
#include "lib/supervise/reason.h"
#include "lib/tess/clock.h"
#include "services/execd/execd.h"
#include "tess_arch.h"

constexpr uint64_t PATIENCE_NS = 3'000'000; // for one record: who runs programs waits for no log

// Files a record about a holder.
[[gnu::format(printf, 4, 5)]] static status_t file(uint64_t holder, enum log_level level, enum log_kind kind, const char *format, ...) {
    RPC_CALL(call);
    char text[500];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    const struct log_control_append_record_for_params_builder params =
        log_control_begin_append_record_for((struct log_control){execd.log}, &call);
    log_control_append_record_for_params_set_holder(params, holder);
    log_control_append_record_for_params_set_level(params, level);
    log_control_append_record_for_params_set_kind(params, kind);
    log_control_append_record_for_params_set_text(params, capnp_text(text));
    return rpc_send(&call, tess_deadline_after_ns(PATIENCE_NS));
}

status_t report_crash(const struct crash *crash) {
    char text[300];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < crash->frame_count && used < sizeof(text); i++) {
        const struct crash_frame *frame = &crash->frames[i];
        used += frame->function[0] != '\0'
                    ? fmt_snprintf(text + used, sizeof(text) - used, " %s %s+%#x", i == 0 ? "in" : "<", frame->function, frame->offset)
                    : fmt_snprintf(text + used, sizeof(text) - used, " %s %#lx", i == 0 ? "at" : "<", frame->address);
    }
    return file(crash->holder, LOG_LEVEL_WARNING, LOG_KIND_CRASH, "%s crashed%s; `crash %u` shows more", crash->name, text, crash->number);
}

void report_failure(const struct job *job, const char *why) {
    // Whoever wanted it is told.
    (void)file(job->id, LOG_LEVEL_WARNING, LOG_KIND_REPORT, "it was not started: %s", why);
}

void report_end(const struct job *job, const struct exit_record *record, const struct crash *crash) {
    const bool expected = record->kind == EXIT_KILLED || (record->kind == EXIT_NORMAL && record->code == 0);
    const enum log_kind kind = crash != nullptr ? LOG_KIND_CRASH : LOG_KIND_REPORT;
    // A log that does not listen misses it; `jobs` and `crashes` have it all the same.
    (void)file(job->id, expected ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, kind, "%s ended: %s", job->name, job->reason);
    if (crash != nullptr) {
        (void)report_crash(crash);
    }
    if (record->kind == EXIT_FAULT) {
        static const char *const names[16] = TESS_ARCH_REGISTER_NAMES;
        char registers[400];
        reason_registers(record, names, registers, sizeof(registers));
        (void)file(job->id, LOG_LEVEL_DEBUG, kind, "%s: %s", job->name, registers);
    }
}
