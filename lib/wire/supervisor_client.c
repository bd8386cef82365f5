#include "lib/wire/supervisor_client.h"

#include "abi/gen/abi.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/wire/client.h"

status_t supervisor_services(handle_t supervisor, size_t index, struct supervisor_service *out, size_t max,
                             size_t *count, size_t *total) {
    struct wire_body body = {.words = {index}};
    TRY(wire_call_list(supervisor, SUPERVISOR_SERVICES, &body, sizeof(*out), out, max, count, total));
    for (size_t i = 0; i < *count; i++) {
        if (!supervisor_service_valid(&out[i])) {
            return wire_status(WIRE_BAD_ANSWER);
        }
    }
    return STATUS_OK;
}

status_t supervisor_programs(handle_t supervisor, size_t index, struct supervisor_program *out, size_t max,
                             size_t *count, size_t *total) {
    struct wire_body body = {.words = {index}};
    TRY(wire_call_list(supervisor, SUPERVISOR_PROGRAMS, &body, sizeof(*out), out, max, count, total));
    for (size_t i = 0; i < *count; i++) {
        if (!wire_name_valid(out[i].name)) {
            return wire_status(WIRE_BAD_ANSWER);
        }
    }
    return STATUS_OK;
}

status_t supervisor_jobs(handle_t supervisor, size_t index, struct supervisor_job *out, size_t max, size_t *count,
                         size_t *total) {
    struct wire_body body = {.words = {index}};
    TRY(wire_call_list(supervisor, SUPERVISOR_JOBS, &body, sizeof(*out), out, max, count, total));
    for (size_t i = 0; i < *count; i++) {
        if (!supervisor_job_valid(&out[i])) {
            return wire_status(WIRE_BAD_ANSWER);
        }
    }
    return STATUS_OK;
}

status_t supervisor_capset(handle_t supervisor, const char *name, size_t index, struct supervisor_capability *out,
                           size_t max, size_t *count, size_t *total, uint64_t *koid) {
    struct wire_body body = {.words = {index}, .page_bytes = WIRE_NAME_BYTES};
    if (!wire_name_put((char *)wire_page(), name)) {
        return wire_status(WIRE_NOT_FOUND);
    }
    TRY(wire_call_list(supervisor, SUPERVISOR_CAPSET, &body, sizeof(*out), out, max, count, total));
    *koid = body.words[2];
    for (size_t i = 0; i < *count; i++) {
        if (!supervisor_capability_valid(&out[i])) {
            return wire_status(WIRE_BAD_ANSWER);
        }
    }
    return STATUS_OK;
}

status_t supervisor_service(handle_t supervisor, const char *name, struct supervisor_detail *out) {
    struct wire_body body = {.page_bytes = WIRE_NAME_BYTES};
    struct wire_call call = {.method = SUPERVISOR_SERVICE, .repeatable = true};
    if (!wire_name_put((char *)wire_page(), name)) {
        return wire_status(WIRE_NOT_FOUND);
    }
    TRY(wire_call(supervisor, &call, &body, nullptr, wire_deadline()));
    if (body.page_bytes != sizeof(*out)) {
        return wire_status(WIRE_BAD_ANSWER);
    }
    memcpy(out, wire_page(), sizeof(*out));
    return supervisor_detail_valid(out) ? STATUS_OK : wire_status(WIRE_BAD_ANSWER);
}

status_t supervisor_job(handle_t supervisor, uint32_t id, struct supervisor_job *out) {
    struct wire_body body = {.words = {id}};
    struct wire_call call = {.method = SUPERVISOR_JOB, .repeatable = true};
    TRY(wire_call(supervisor, &call, &body, nullptr, wire_deadline()));
    if (body.page_bytes != sizeof(*out)) {
        return wire_status(WIRE_BAD_ANSWER);
    }
    memcpy(out, wire_page(), sizeof(*out));
    return supervisor_job_valid(out) ? STATUS_OK : wire_status(WIRE_BAD_ANSWER);
}

status_t supervisor_run(handle_t supervisor, const char *const *argv, size_t argc, bool foreground, handle_t watcher,
                        uint64_t bits, uint32_t *id) {
    struct wire_body body;
    if (!supervisor_run_encode(wire_page(), argv, argc, foreground, bits, &body)) {
        return wire_status(WIRE_TOO_LARGE);
    }
    struct wire_call call = {.method = SUPERVISOR_RUN};
    if (watcher.v != 0) {
        wire_handle_put(body.words, 0, watcher);
        call.handles = 1;
    }
    TRY(wire_call(supervisor, &call, &body, nullptr, wire_deadline()));
    *id = (uint32_t)body.words[0];
    return STATUS_OK;
}

// A name that is no name is the name of nothing: the service says so too, but with less to send.
static status_t call_with_name(handle_t supervisor, uint32_t method, uint64_t word, const char *name) {
    struct wire_body body = {.words = {word}};
    struct wire_call call = {.method = method};
    if (name != nullptr) {
        if (!wire_name_put((char *)wire_page(), name)) {
            return wire_status(WIRE_NOT_FOUND);
        }
        body.page_bytes = WIRE_NAME_BYTES;
    }
    return wire_call(supervisor, &call, &body, nullptr, wire_deadline());
}

status_t supervisor_kill(handle_t supervisor, uint32_t id, const char *name) {
    return call_with_name(supervisor, SUPERVISOR_KILL, id, id != 0 ? nullptr : name);
}

status_t supervisor_restart(handle_t supervisor, const char *name) {
    return call_with_name(supervisor, SUPERVISOR_RESTART, 0, name);
}

status_t supervisor_power(handle_t supervisor, enum supervisor_power action) {
    return call_with_name(supervisor, SUPERVISOR_POWER, action, nullptr);
}
