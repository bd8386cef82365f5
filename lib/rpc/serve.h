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
#include "lib/rpc/chain.h"
#include "lib/tess/syscall.h"

// How far a request is. A plain one, numbers in registers by a caller who waits, whose results are plain too, touches nothing
// but two messages; whatever else happens makes it a general one.
enum rpc_stage : uint8_t {
    RPC_NO_REQUEST,
    RPC_PLAIN_REQUEST, // `params`, `incoming` are not used
    RPC_PLAIN_RESULTS, // the same, and the results are in `answer`
    RPC_PLAIN_ANSWER,  // results in `answer` are owed to the caller, nothing else is to be given up
    RPC_GENERAL_REQUEST,
    RPC_GENERAL_ANSWER, // what is in `answer`, and in the message page, is owed to the caller
    RPC_CHAIN_REQUEST,  // the next call of a chain, a general request that nobody has seen yet
};

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
    union {
        struct tess_message message; // as it came
        struct {
            uint64_t info;
            uint64_t badge;
            uint64_t interface_id;
        };
    };
    enum rpc_stage stage;
    bool deferred;
    bool denied; // it was refused for want of authority (rpc_denied). Whoever wants to know takes it back
    bool chained, stops; // one of several calls that came together; the client is to make it by itself
    bool may_grow; // results may go out of band: at the service's expense until the client gives them up. Off
    const struct rpc_method *method; // null until rpc_results; not if plain
    struct tess_message answer;      // of a plain one only words 0 to 5 are ever set, and rpc_results sets them all
    void *page;                      // where results are built that are not in registers
    struct capnp_struct params;
    struct rpc_incoming incoming;
    struct rpc_outgoing outgoing;
    char text[RPC_TEXT_BYTES]; // of an exception; "" between two requests
    const uint64_t *words;     // of a request in the kernel's encoding, which has no interface id; of any other null
    uint64_t kernel_words[MESSAGE_WORDS];
    struct rpc_kernel_answer kernel_answer; // to such a one
};

static inline uint16_t rpc_ordinal(const struct rpc_request *request) {
    return (uint16_t)request->info;
}
// What it is made for, as its client says: a number that all requests have that come of the same one; 0: not said.
static inline uint64_t rpc_cause(const struct rpc_request *request) {
    return request->message.words[RPC_CAUSE_WORD];
}
static inline bool rpc_wants_answer(const struct rpc_request *request) {
    return (request->info & MESSAGE_WANTS_REPLY) != 0;
}

enum rpc_arrival : uint8_t {
    RPC_REQUEST, // server.request is to be dispatched; rpc_server_done follows
    RPC_SIGNAL,  // bits of the bound notification, in server.bits
    RPC_TIMEOUT, // the deadline passed
    RPC_CLOSED,  // the endpoint is dead: nothing will ever come again
};

struct rpc_server {
    handle_t endpoint;
    uint32_t accept;
    uint64_t bits;
    uint64_t malformed;   // requests that were refused before any method saw them
    uint64_t undelivered; // answers that could not be delivered
    uint64_t refused;     // requests that got a refusal for an answer, or would have
    void (*denied)(struct rpc_server *server); // what else is to be done when a request was refused by rpc_denied, and is done; null: nothing
    struct rpc_request request;
    struct rpc_chain chain; // that `request` is of, if it is of one
    alignas(uint64_t) uint8_t page[MESSAGE_PAGE_BYTES]; // for results: a method may call others meanwhile, and its parameters lie in the message page
};

// The handle must have RECEIVE; it stays the caller's. `accept`: how many capabilities a request may bring, and one more where
// parameters may be longer than the message page. A request that brings more is refused by the kernel.
void rpc_server_init(struct rpc_server *server, handle_t endpoint, uint32_t accept);

enum rpc_arrival rpc_server_next_general(struct rpc_server *server, uint64_t deadline_ns);
enum rpc_arrival rpc_server_received(struct rpc_server *server, status_t status, uint64_t deadline_ns);

// Delivers the answer to the last request, if there is one, and waits for what comes next. May block.
static inline enum rpc_arrival rpc_server_next(struct rpc_server *server, uint64_t deadline_ns) {
    struct rpc_request *request = &server->request;
    if (request->stage != RPC_PLAIN_ANSWER) {
        return rpc_server_next_general(server, deadline_ns);
    }
    struct tess_message message = request->answer;
    message.info = tess_accept(server->accept);
    const status_t status = tess_reply_recv(server->endpoint, &message, deadline_ns);
    request->message = message;
    if (status_ok(status) && rpc_is_plain_call(message.info)) [[clang::likely]] {
        request->stage = RPC_PLAIN_REQUEST;
        return RPC_REQUEST;
    }
    return rpc_server_received(server, status, deadline_ns);
}

void rpc_server_done_general(struct rpc_server *server, status_t status);

// Ends the current request with what dispatching it returned: its results, or an exception.
static inline void rpc_server_done(struct rpc_server *server, status_t status) {
    if (status_ok(status) && server->request.stage == RPC_PLAIN_RESULTS) [[clang::likely]] {
        server->request.stage = RPC_PLAIN_ANSWER;
    } else {
        rpc_server_done_general(server, status);
    }
}

// Delivers the answer now, after rpc_server_done, instead of with the next receive: for a service that has something else to
// do before, which might take a while or use the message page. Nothing is owed between two calls that came together. Does not
// block.
void rpc_server_answer(struct rpc_server *server);

// ---- for dispatch code ----

// The struct of the parameters.
static inline struct capnp_struct rpc_params(struct rpc_request *request) {
    return request->stage == RPC_GENERAL_REQUEST ? request->params
                                                 : rpc_plain_struct(&request->message, (uint32_t)request->info);
}

struct capnp_struct_builder rpc_results_general(struct rpc_request *request);

// The struct of the results, all zero.
static inline struct capnp_struct_builder rpc_results(struct rpc_request *request, const struct rpc_method *method) {
    request->method = method;
    if (!rpc_shape_is_plain(&method->results)) {
        return rpc_results_general(request);
    }
    if (request->stage == RPC_PLAIN_REQUEST) {
        request->stage = RPC_PLAIN_RESULTS;
    }
    request->answer.words[0] = rpc_plain_form(&method->results);
    for (uint32_t i = 1; i <= RPC_REGISTER_WORDS; i++) {
        request->answer.words[i] = 0;
    }
    return (struct capnp_struct_builder){.data = &request->answer.words[1], .data_words = method->results.data_words};
}

// A result that is a capability to the endpoint that the server receives from, which the server may mint from: made when the answer
// goes, and not at all if only another call of the same message wants it (lib/rpc/chain.h). When it can't be made then, the kernel's
// status is the answer; so a method that has to undo something in that case mints it by itself. `p` is in this request's results;
// in any other message, such as an answer that was put off, it is an error (NO_HANDLES).
void rpc_place_mint(struct rpc_request *request, struct capnp_builder *builder, uint64_t *at, rights_t rights, uint64_t badge,
                    uint64_t interface_id); // in what is null; a call that all fits into registers
static inline void rpc_mint(struct rpc_request *request, struct capnp_pointer_builder p, struct rpc_mint mint) {
    if (p.at != nullptr && *p.at != 0) {
        capnp_clear(p);
    }
    rpc_place_mint(request, p.builder, p.at, mint.rights, mint.badge, mint.interface_id);
}

// The answer that is none: a label, and a text in the message page.
void rpc_pack_refusal(struct tess_message *message, status_t status, const char *text);

// What a request for something that there is not comes to.
status_t rpc_unimplemented(struct rpc_request *request);

// The same where another capability to the same object could do it: one of this interface, which extends the one that there is.
status_t rpc_denied(struct rpc_request *request, const char *interface);

// ---- for methods ----

// Refuses the request with this exception, and a text for a person: what is wrong, and what to do. Returns the status.
[[gnu::format(printf, 3, 4)]] status_t rpc_refuse(struct rpc_request *request, enum rpc_exception exception,
                                                  const char *format, ...);

// Whether what was read of the parameters so far was well formed; if not, the refusal to return. A method that changes something
// asks before it does: what is malformed reads as a default.
status_t rpc_malformed(struct rpc_request *request);
static inline status_t rpc_well_formed(struct rpc_request *request) {
    return request->incoming.message.error == 0 ? STATUS_OK : rpc_malformed(request);
}

// Takes a capability of the parameters: it is the caller's to close. Those that nobody takes are closed with the request.
handle_t rpc_request_keep(struct rpc_request *request, handle_t handle);

// The answer comes later: rpc_answer_begin. Fails when nobody waits for one, or there is no memory for it; and UNSUPPORTED for a
// method of the kernel's, whose answers do not come later, and for one of several calls that came together, which comes again
// by itself. So a method puts off its answer before it does anything else, and when it cannot it changes nothing.
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

// Refuses in place of an answer.
void rpc_answer_refuse(struct rpc_deferred *deferred, enum rpc_exception exception, const char *text);

// Delivers it; that the client may be gone is no error. Overwrites the message page: the parameters of the current request,
// if they lie there, are read before.
void rpc_answer_send(struct rpc_answer *answer);
