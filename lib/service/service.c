#include "lib/service/service.h"

#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "base/align.h"
#include "lib/keep/keep.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/panic.h"

enum service_phase service_phase;
struct service_work service_work;

static handle_t own; // the supervisor's way to this process; 0: there is none, as under a supervisor that does not ask

static const struct service *service;
static struct keep kept;          // of a service that keeps its state
static struct rpc_deferred saves; // while it settles: who asked for its state

static void receive_from(struct rpc_server *server, handle_t endpoint, uint32_t accept) {
    server->endpoint = endpoint;
    server->accept = accept;
}

static handle_t clients(void) {
    return tess_cap_required(service->provides, service->interface_id);
}

// Its bits come there from now on; nowhere, when that is 0. They are only ever bound to one endpoint, which has only one: while its
// predecessor serves there a process takes none.
static status_t bind_events(handle_t endpoint) {
    if (service->events == nullptr || !tess_handle_valid(*service->events)) {
        return STATUS_OK;
    }
    TRY(tess_notification_bind(*service->events, (handle_t){}));
    return tess_handle_valid(endpoint) ? tess_notification_bind(*service->events, endpoint) : STATUS_OK;
}

static void serve_clients(struct rpc_server *server) {
    receive_from(server, clients(), service->accept);
    service_phase = SERVICE_SERVES;
}

static void tell(struct rpc_server *server) {
    service_work.denied++;
    service_denied(service, server);
}

void service_open(const struct service *of, struct rpc_server *server) {
    service = of;
    if (of->keeps != nullptr) {
        keep_open(of->keeps, of->save(nullptr, 0), &kept);
    }
    rpc_server_init(server, own, 0);
    server->denied = tell;
    if (status_ok(tess_cap("lifecycle", LIFECYCLE_ID, &own))) {
        // Whatever the supervisor has to say to it before it begins may bring capabilities.
        receive_from(server, own, service->accept > 0 ? service->accept : 1);
        service_phase = SERVICE_READY;
    } else {
        const status_t status = bind_events(clients());
        TESS_ASSERT(status_ok(status));
        serve_clients(server);
    }
}

uint64_t service_do(const struct service *of, struct rpc_server *server) {
    rpc_server_answer(server);
    tess_set_cause(0); // it is its own business
    of->when_due();
    return of->before_wait();
}

// ---- State that is kept ----

bool service_try_keep(void) {
    void *to = keep_begin(&kept);
    const size_t len_bytes = service->save(to, keep_room(&kept));
    if (len_bytes > 0) {
        keep_commit(&kept, len_bytes);
    }
    return len_bytes > 0;
}

void service_keep(void) {
    const bool fits = service_try_keep();
    TESS_ASSERT(fits);
}

// What the process before this one has left. Nothing, at the first start.
static status_t take_kept(struct rpc_request *request) {
    const void *state;
    size_t len_bytes;
    const status_t status = keep_load(&kept, &state, &len_bytes);
    if (status_is(status, STATUS_NOT_FOUND)) {
        return STATUS_OK;
    }
    if (!status_ok(status)) {
        return rpc_refuse(request, RPC_FAILED, "what it kept has been damaged");
    }
    return service->adopt(state, len_bytes) ? STATUS_OK : rpc_refuse(request, RPC_FAILED, "it does not understand what it kept");
}

// ---- State in a VMO ----

static status_t map(handle_t vmo, uint64_t len_bytes, uint32_t protection, uint64_t *address) {
    return tess_vspace_map(tess_self_vspace(), vmo, 0, align_up(len_bytes, PAGE_BYTES), 0, protection, address);
}

static void unmap(uint64_t address, uint64_t len_bytes) {
    (void)tess_vspace_unmap(tess_self_vspace(), address, align_up(len_bytes, PAGE_BYTES)); // it is mapped: it can be unmapped
}

static status_t adopt(struct rpc_request *request, handle_t vmo, uint64_t len_bytes) {
    uint64_t address, vmo_bytes;
    if (service->adopt == nullptr || !tess_handle_valid(vmo)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "this version takes over no state");
    }
    if (!status_ok(tess_vmo_info(vmo, &vmo_bytes, nullptr)) || len_bytes == 0 || len_bytes > vmo_bytes) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "the state is shorter than it is said to be");
    }
    TRY(map(vmo, len_bytes, PROT_READ, &address));
    const bool understood = service->adopt((const void *)address, len_bytes);
    unmap(address, len_bytes);
    return understood ? STATUS_OK : rpc_refuse(request, RPC_FAILED, "this version does not understand the state");
}

// *out is 0 for a service that has none.
static status_t save(handle_t *out, uint64_t *len_bytes) {
    TESS_OWNED handle_t vmo = {};
    uint64_t address;
    const size_t room = service->save != nullptr && service->keeps == nullptr ? service->save(nullptr, 0) : 0;
    *out = (handle_t){};
    *len_bytes = 0;
    if (service->keeps != nullptr) {
        service_keep(); // what changed without anybody being told
    }
    if (room == 0) {
        return STATUS_OK;
    }
    TRY(tess_account_create_vmo(tess_self_account(), align_up(room, PAGE_BYTES), &vmo));
    TRY(map(vmo, room, PROT_READ | PROT_WRITE, &address));
    *len_bytes = service->save((void *)address, room);
    unmap(address, room);
    *out = tess_handle_take(&vmo);
    return STATUS_OK;
}

// ---- Methods ----

static status_t begin(void *, struct rpc_request *request, struct lifecycle_begin_params params,
                      struct lifecycle_begin_results_builder) {
    const handle_t state = lifecycle_begin_params_get_state(params).handle;
    const uint64_t len_bytes = lifecycle_begin_params_get_bytes(params);
    TRY(rpc_well_formed(request));
    if (service_phase != SERVICE_READY) {
        return rpc_refuse(request, RPC_FAILED, "it has begun already");
    }
    if (tess_handle_valid(state) || len_bytes != 0) {
        TRY(adopt(request, state, len_bytes));
    } else if (service->keeps != nullptr) {
        TRY(take_kept(request));
    }
    TRY(bind_events(clients()));
    service_phase = SERVICE_SERVES;
    return STATUS_OK;
}

static status_t probe(void *context, struct rpc_request *, struct lifecycle_probe_params, struct lifecycle_probe_results_builder results) {
    lifecycle_probe_results_set_requests(results, service_work.requests);
    lifecycle_probe_results_set_refused(results, ((const struct rpc_server *)context)->refused);
    lifecycle_probe_results_set_denied(results, service_work.denied);
    return STATUS_OK;
}

const char *service_keeps_nothing(void) {
    return nullptr;
}

static const char *loses(void) {
    if (service->loses != nullptr) {
        return service->loses();
    }
    return service->save == nullptr ? "all that it knows" : nullptr;
}

static void put_state(struct lifecycle_save_results_builder results, handle_t state, uint64_t len_bytes) {
    if (tess_handle_valid(state)) {
        lifecycle_save_results_give_state(results, (struct vmo){state});
    }
    lifecycle_save_results_set_bytes(results, len_bytes);
}

// With answers owed it receives where nobody but the supervisor calls, and its bits come there, too.
static status_t begin_to_settle(struct rpc_request *request) {
    TRY(rpc_defer(request, &saves));
    (void)bind_events(own); // to which nothing else is bound
    service_phase = SERVICE_SETTLES;
    return STATUS_OK;
}

static status_t save_state(void *, struct rpc_request *request, struct lifecycle_save_params params,
                           struct lifecycle_save_results_builder results) {
    handle_t state;
    uint64_t len_bytes;
    const bool may_lose = lifecycle_save_params_get_lose_state(params);
    TRY(rpc_well_formed(request));
    if (service_phase != SERVICE_SERVES || !tess_handle_valid(own)) {
        return rpc_refuse(request, RPC_FAILED, "it does not serve, so it has nothing to hand over");
    }
    const char *lost = loses();
    if (lost != nullptr && !may_lose) {
        return rpc_refuse(request, RPC_FAILED, "%s would be lost", lost);
    }
    if (service->owes != nullptr && service->owes() > 0) {
        return begin_to_settle(request);
    }
    TRY(save(&state, &len_bytes));
    put_state(results, state, len_bytes);
    (void)bind_events((handle_t){}); // to nothing, which does not fail
    service_phase = SERVICE_SAVED;
    return STATUS_OK;
}

// It may owe no answer any more.
void service_settle(struct rpc_server *server) {
    static struct rpc_answer answer; // large
    handle_t state;
    uint64_t len_bytes;
    if (service->owes() > 0) {
        return;
    }
    rpc_server_answer(server);
    const status_t status = save(&state, &len_bytes);
    if (status_ok(status)) {
        (void)bind_events((handle_t){}); // to nothing, which does not fail
        service_phase = SERVICE_SAVED;
        put_state((struct lifecycle_save_results_builder){rpc_answer_begin(&answer, &saves)}, state, len_bytes);
        rpc_answer_send(&answer);
    } else {
        rpc_answer_refuse(&saves, RPC_FAILED, "there is no memory for its state");
        (void)bind_events(clients()); // as before
        serve_clients(server);
    }
}

static status_t resume(void *, struct rpc_request *request, struct lifecycle_resume_params,
                       struct lifecycle_resume_results_builder) {
    if (service_phase != SERVICE_SAVED && service_phase != SERVICE_SETTLES) {
        return rpc_refuse(request, RPC_FAILED, "it has handed nothing over");
    }
    TRY(bind_events(clients()));
    if (service_phase == SERVICE_SETTLES) {
        rpc_answer_refuse(&saves, RPC_FAILED, "it was told to go on");
    }
    service_phase = SERVICE_SERVES;
    return STATUS_OK;
}

static status_t stop(void *, struct rpc_request *, struct lifecycle_stop_params, struct lifecycle_stop_results_builder) {
    if (service->stop != nullptr && service_phase != SERVICE_READY) {
        service->stop();
    }
    service_phase = SERVICE_ENDS;
    return STATUS_OK;
}

static const struct lifecycle_server methods = {
    .begin = begin, .probe = probe, .save = save_state, .resume = resume, .stop = stop};

void service_lifecycle(struct rpc_server *server) {
    const enum service_phase before = service_phase;
    tess_set_cause(0);
    rpc_server_done(server, lifecycle_dispatch(&methods, server, &server->request));
    if (service_phase == before) {
        return;
    }
    rpc_server_answer(server); // before it goes on elsewhere, or ends
    if (service_phase == SERVICE_SERVES) {
        serve_clients(server);
    } else if (service_phase == SERVICE_SAVED || service_phase == SERVICE_SETTLES) {
        receive_from(server, own, 0);
    }
}
