// The service's side of a contract: its loop, and what generated dispatch code is made of.
//
//   static struct rpc_server server;
//   rpc_server_init(&server, endpoint, 0);
//   for (;;) {
//       switch (rpc_server_next(&server, DEADLINE_NEVER)) {
//       case RPC_REQUEST: rpc_server_done(&server, log_dispatch(&methods, &state, &server.request)); break;
//       case RPC_SIGNAL: ... server.bits ...
//       }
//   }
//
// A method gets its parameters and a struct of results, all zero, and returns STATUS_OK, a kernel's status to pass on, or
// rpc_refuse(...). A malformed message, an unknown interface or method, and results that do not fit are answered here.
#pragma once

#include "lib/rpc/carry.h"

// The results of a method of the kernel's (lib/rpc/kernel.h): words, and as many capabilities as any of them has.
constexpr uint32_t RPC_KERNEL_HANDLES = 2;
struct rpc_kernel_answer {
    uint64_t words[MESSAGE_WORDS];
    handle_t handles[RPC_KERNEL_HANDLES];
    bool given[RPC_KERNEL_HANDLES]; // it goes itself, not a copy of it
    uint32_t page_bytes;
};

// A request being served; good until the next rpc_server_next.
struct rpc_request {
    uint64_t badge;
    uint64_t interface_id;
    uint16_t ordinal;
    bool wants_answer;
    bool deferred;
    bool may_grow; // results may go out of band: at the service's expense until the client gives them up. Off
    void *page;    // where results are built that are not in registers
    struct capnp_struct params; // what dispatch code hands to the method
    struct rpc_incoming incoming;
    struct rpc_outgoing outgoing;
    const struct rpc_method *method; // null until rpc_results
    char text[RPC_TEXT_BYTES];       // of an exception
    const uint64_t *words;           // of a request in the kernel's encoding; of any other null
    struct rpc_kernel_answer answer; // to such a one
};

enum rpc_arrival : uint8_t {
    RPC_REQUEST, // server.request is to be dispatched; rpc_server_done follows
    RPC_SIGNAL,  // bits of the bound notification, in server.bits
    RPC_TIMEOUT, // the deadline passed
    RPC_CLOSED,  // the endpoint is dead: nothing will ever come again
};

struct rpc_server {
    handle_t endpoint;
    uint32_t accept;
    bool owed;            // the current request wants an answer, and has none yet
    uint64_t bits;
    uint64_t malformed;   // requests that were refused before any method saw them
    uint64_t undelivered; // answers that could not be delivered
    struct tess_message message;
    struct rpc_request request;
    alignas(uint64_t) uint8_t page[MESSAGE_PAGE_BYTES]; // for results: a method may call others meanwhile, and its parameters lie in the message page
};

// The handle must have RECEIVE; it stays the caller's. `accept`: how many capabilities a request may bring, and one more where
// parameters may be longer than the message page. A request that brings more is refused by the kernel.
void rpc_server_init(struct rpc_server *server, handle_t endpoint, uint32_t accept);

// Delivers the answer to the last request, if there is one, and waits for what comes next. May block.
enum rpc_arrival rpc_server_next(struct rpc_server *server, uint64_t deadline_ns);

// Ends the current request with what dispatching it returned: its results, or an exception.
void rpc_server_done(struct rpc_server *server, status_t status);

// Delivers the answer now, after rpc_server_done, instead of with the next receive: for a service that has something else to
// do before, which might take a while or use the message page. Does not block.
void rpc_server_answer(struct rpc_server *server);

// ---- for dispatch code ----

struct capnp_struct_builder rpc_results_general(struct rpc_request *request);

// The struct of the results, all zero.
static inline struct capnp_struct_builder rpc_results(struct rpc_request *request, const struct rpc_method *method) {
    request->method = method;
    if (!rpc_shape_is_plain(&method->results)) {
        return rpc_results_general(request);
    }
    request->outgoing.plain = true;
    request->outgoing.data_words = method->results.data_words;
    for (uint32_t i = 0; i < method->results.data_words; i++) {
        request->outgoing.small[i] = 0;
    }
    return (struct capnp_struct_builder){.data = request->outgoing.small, .data_words = method->results.data_words};
}

// What a request for something that there is not comes to.
status_t rpc_unimplemented(struct rpc_request *request);

// ---- for methods ----

// Refuses the request with this exception, and a text for a person: what is wrong, and what to do. Returns the status.
[[gnu::format(printf, 3, 4)]] status_t rpc_refuse(struct rpc_request *request, enum rpc_exception exception,
                                                  const char *format, ...);

// Whether what was read of the parameters so far was well formed; if not, the refusal to return. A method that changes something
// asks before it does: what is malformed reads as a default.
status_t rpc_well_formed(struct rpc_request *request);

// Takes a capability of the parameters: it is the caller's to close. Those that nobody takes are closed with the request.
handle_t rpc_request_keep(struct rpc_request *request, handle_t handle);

// The answer comes later: rpc_answer_begin. Fails when nobody waits for one, or there is no memory for it; and UNSUPPORTED for a
// method of the kernel's, whose answers do not come later.
struct rpc_deferred {
    handle_t reply; // 0: none
    const struct rpc_method *method;
};
status_t rpc_defer(struct rpc_request *request, struct rpc_deferred *out);

// An answer that was put off.
struct rpc_answer {
    struct rpc_deferred deferred;
    struct rpc_outgoing outgoing;
    alignas(uint64_t) uint8_t page[MESSAGE_PAGE_BYTES];
};
struct capnp_struct_builder rpc_answer_begin(struct rpc_answer *answer, struct rpc_deferred *deferred);

// Delivers it; that the client may be gone is no error. Overwrites the message page: the parameters of the current request,
// if they lie there, are read before.
void rpc_answer_send(struct rpc_answer *answer);
