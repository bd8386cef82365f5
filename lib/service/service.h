// A daemon's whole loop: its clients' requests, and what the supervisor asks of it (idl/lifecycle.capnp).
//
//   static const struct service random_service = {.provides = "random", .interface_id = RANDOM_ID};
//   static struct rpc_server server;
//
//   static status_t dispatch(struct rpc_request *request) {
//       return badge_controls(request->badge) ? random_control_dispatch(&methods, nullptr, request)
//                                             : random_dispatch(&methods.random, nullptr, request);
//   }
//
//   int main(int argc, char **argv) {
//       ... whatever it takes to be ready ...
//       return service_run(&random_service, &server, dispatch);
//   }
//
// A daemon is ready when it gets here. Its supervisor notices, lets it begin, asks now and then whether it is well, and may have
// its state handed over to another process of it.
#pragma once

#include <stddef.h>

#include "idl/lifecycle.capnp.h"
#include "lib/badge/badge.h"
#include "lib/denial/denial.h"
#include "lib/rpc/serve.h"
#include "lib/tess/clock.h"
#include "lib/tess/syscall.h"

struct service {
    const char *provides; // the grant under which it has its endpoint
    uint64_t interface_id;
    uint32_t accept; // as of rpc_server_init

    // What it does besides; each may be null.

    // Before each wait: when there is something to do that no request asks for, at once (0), or never. The last answer may not be
    // out yet, and be in the message page: nobody can be asked, told or answered here.
    uint64_t (*before_wait)(void);

    // What was due. The last answer is out, and the message page free.
    void (*when_due)(void);

    // The notification whose bits it takes: bound to its endpoint while it serves there. Null: there is none.
    const handle_t *events;
    void (*signalled)(uint64_t bits);

    // It ends soon: whoever waits for an answer gets one, and what must outlive the process is taken care of. Its successor may
    // serve already: then what it has handed over, or kept, is left alone. Not called for a process that is killed.
    void (*stop)(void);

    // Writes the state that a successor needs to `to`, and returns how long it is; 0 when it does not fit into `room` bytes.
    // With no room it only says how long it may be at most.
    size_t (*save)(void *to, size_t room);

    // Takes over what `save` of another process wrote. False, with nothing changed, when that is not understood.
    bool (*adopt)(const void *state, size_t len_bytes);

    // How many answers it owes that change its state when they are given. It serves nobody new until there is none, and then hands
    // its state over; what it waits for comes with `events`. Null: it owes none.
    size_t (*owes)(void);

    // What would be lost if another process went on with what `save` writes, and what is kept: a few words, good until the next
    // call; null: nothing. What clients are told to ask for anew when a service was started again is not lost. Where this is null
    // itself nothing is lost of a service that has `save`, and of any other all that it knows.
    const char *(*loses)(void);

    // Somebody was refused what only some may do. Null: the log is told (denied.c).
    void (*denied)(const struct denial *denial);

    // The grant of memory in which the state is kept (lib/keep), and the successor of a process that was killed finds it. Null:
    // it is only handed over to another version.
    const char *keeps;
};

// `loses` of a service that knows nothing which the next process of it does not find out by itself.
const char *service_keeps_nothing(void);

typedef status_t service_dispatch_fn(struct rpc_request *request);

// Where the process stands; one a process.
extern enum service_phase : uint8_t {
    SERVICE_READY,  // nobody told it to begin
    SERVICE_SERVES,
    SERVICE_SETTLES, // it gives the answers that it owes, before it hands its state over
    SERVICE_SAVED,  // its state is with its successor, or on the way there
    SERVICE_ENDS,
} service_phase;

// Writes down the state of a service that keeps it. After each change that somebody is to be told of, before that one is answered.
void service_keep(void);

// The same where the state may not fit: false, and what was kept before still is, when `save` says so.
[[nodiscard]] bool service_try_keep(void);

void service_open(const struct service *service, struct rpc_server *server);
void service_lifecycle(struct rpc_server *server);
void service_settle(struct rpc_server *server);

// The request that was just done was denied: answers it, and sees to it that this is told. Waits for nobody.
void service_denied(const struct service *service, struct rpc_server *server);

// Tells the log of a denial, eight a second at most and how many more there were. Waits for nobody. Overwrites the message page.
void service_tell(const struct denial *denial);

// What a status means that a call of the service's own came back with, for the reason that a client is given. Where the kernel refused
// it this is the denial, and the log is told. `text` is written where that is so. Overwrites the message page. (refused.c)
const char *service_status_text(status_t status, char text[DENIAL_TEXT_BYTES]);

// What it has done since it began (Lifecycle.probe).
struct service_work {
    uint64_t requests, denied;
};
extern struct service_work service_work;

// Answers, and does what is due. Returns when there is something to do again.
uint64_t service_do(const struct service *service, struct rpc_server *server);

// Serves until it is told to stop; returns what main returns. `dispatch` becomes a part of the loop, so that short requests stay
// short. The server needs no rpc_server_init.
[[gnu::always_inline]] static inline int service_run(const struct service *service, struct rpc_server *server,
                                                     service_dispatch_fn *dispatch) {
    service_open(service, server);
    for (;;) {
        const bool prepares = service->before_wait != nullptr && (service_phase == SERVICE_SERVES || service_phase == SERVICE_SETTLES);
        uint64_t due_ns = prepares ? service->before_wait() : DEADLINE_NEVER;
        if (due_ns != DEADLINE_NEVER && tess_now_ns() >= due_ns) {
            due_ns = service_do(service, server);
        }
        switch (rpc_server_next(server, due_ns)) {
        case RPC_REQUEST:
            if (server->request.interface_id == LIFECYCLE_ID && server->request.badge == BADGE_SUPERVISOR) [[clang::unlikely]] {
                service_lifecycle(server);
                if (service_phase == SERVICE_ENDS) {
                    return 0;
                }
            } else {
                service_work.requests++;
                tess_set_cause(rpc_cause(&server->request));
                rpc_server_done(server, dispatch(&server->request));
            }
            break;
        case RPC_SIGNAL:
            if (service->signalled != nullptr) {
                tess_set_cause(0);
                service->signalled(server->bits);
            }
            if (service_phase == SERVICE_SETTLES) [[clang::unlikely]] {
                service_settle(server);
            }
            break;
        case RPC_TIMEOUT: break;
        case RPC_CLOSED: return 1;
        }
    }
}
