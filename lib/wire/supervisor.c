#include "lib/wire/supervisor.h"

#include "abi/message.h"
#include "base/mem.h"
#include "base/str.h"

static_assert(SUPERVISOR_ARGS_BYTES <= MESSAGE_PAGE_BYTES);
static_assert(sizeof(struct supervisor_detail) <= MESSAGE_PAGE_BYTES);

const char *supervisor_state_name(uint32_t state) {
    static const char *const names[SUPERVISOR_STATE_COUNT] = {"stopped", "starting", "running",
                                                              "waiting", "failed",   "ended"};
    return state < SUPERVISOR_STATE_COUNT ? names[state] : "?";
}

bool supervisor_run_decode(const struct wire_request *request, struct supervisor_run *out) {
    size_t found = 0;
    for (size_t i = 0; i < request->page_bytes; i++) {
        found += request->page[i] == '\0';
    }
    if (request->page_bytes == 0 || request->page_bytes > SUPERVISOR_ARGS_BYTES ||
        request->page[request->page_bytes - 1] != '\0' || found != request->words[0] ||
        found > SUPERVISOR_ARGS_MAX || request->words[1] > 1 || request->handle_count > 1) {
        return false;
    }
    const char *strings = (const char *)request->page;
    char name[WIRE_NAME_BYTES];
    if (!wire_name_put(name, strings)) {
        return false;
    }
    *out = (struct supervisor_run){
        .foreground = request->words[1] != 0,
        .bits = request->words[2],
        .watcher = request->handle_count == 1 ? wire_handle(request->words, 0) : (handle_t){0},
        .count = found,
        .strings = strings,
        .strings_bytes = request->page_bytes,
    };
    return true;
}

bool supervisor_run_encode(uint8_t *page, const char *const *argv, size_t argc, bool foreground, uint64_t bits,
                           struct wire_body *out) {
    if (argc == 0 || argc > SUPERVISOR_ARGS_MAX) {
        return false;
    }
    size_t used = 0;
    for (size_t i = 0; i < argc; i++) {
        size_t len = strlen(argv[i]) + 1;
        if (len > SUPERVISOR_ARGS_BYTES - used) {
            return false;
        }
        memcpy(page + used, argv[i], len);
        used += len;
    }
    *out = (struct wire_body){.words = {argc, foreground, bits}, .page_bytes = (uint32_t)used};
    return true;
}

bool supervisor_service_valid(const struct supervisor_service *service) {
    return wire_name_valid(service->name) && service->state < SUPERVISOR_STATE_COUNT;
}

bool supervisor_detail_valid(const struct supervisor_detail *detail) {
    return supervisor_service_valid(&detail->service) && str_is_terminated(detail->program, WIRE_NAME_BYTES) &&
           str_is_terminated(detail->last_end, sizeof(detail->last_end)) &&
           str_is_terminated(detail->provides, sizeof(detail->provides)) &&
           str_is_terminated(detail->args, sizeof(detail->args));
}

bool supervisor_capability_valid(const struct supervisor_capability *capability) {
    return str_is_terminated(capability->name, WIRE_NAME_BYTES) &&
           str_is_terminated(capability->source, sizeof(capability->source));
}

bool supervisor_job_valid(const struct supervisor_job *job) {
    return wire_name_valid(job->name) && job->state < SUPERVISOR_STATE_COUNT &&
           str_is_terminated(job->reason, sizeof(job->reason));
}
