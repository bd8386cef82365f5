// Answering calls of contracts: generated dispatch is written over this.
//
//   struct rpc_server server;
//   rpc_server_init(&server, endpoint);
//   for (;;) {
//       struct rpc_request *request;
//       switch (rpc_server_next(&server, &request, DEADLINE_NEVER)) {
//       case RPC_REQUEST: rpc_server_answer(&server, log_dispatch(&methods, nullptr, request)); break;
//       ...
//       }
//   }
#pragma once

#include "abi/message.h"
#include "lib/capnp/build.h"
#include "lib/rpc/status.h"
#include "lib/tess/message.h"

constexpr uint32_t RPC_REQUEST_WORDS = 9; // five of data, four pointers

enum rpc_arrival : uint8_t {
    RPC_REQUEST, // a request, good until the next rpc_server_next
    RPC_SIGNAL,  // bits of the bound notification, in server->bits
    RPC_TIMEOUT, // the deadline passed
    RPC_CLOSED,  // the endpoint is dead: nothing will ever come again
};

// One request. Public: what a handler may look at.
struct rpc_request {
    uint64_t interface;           // id of the interface that declares the method
    uint16_t method;              // ordinal
    uint64_t badge;               // who asks: stamped by the kernel
    struct capnp_message message; // the parameters; its sticky error
    struct capnp_builder results;
    // ---- private ----
    struct capnp_struct params;
    bool results_made;
    struct capnp_text why; // of an exception
    uint64_t *spare;       // where results are built while the parameters are in the message page
    struct capnp_segment segment;
    uint64_t words[RPC_REQUEST_WORDS]; // parameters that came in registers
    handle_t handles[MESSAGE_HANDLES];
};

struct rpc_server {
    handle_t endpoint;
    bool owed;     // somebody waits for an answer
    uint64_t bits; // of RPC_SIGNAL
    struct tess_message message;
    struct rpc_request request;
    alignas(8) uint64_t spare[MESSAGE_PAGE_BYTES / 8];
};

// The handle must have RECEIVE.
void rpc_server_init(struct rpc_server *server, handle_t endpoint);

// Delivers the answer that was prepared and waits for what comes next. A request without an answer is answered with
// FAILED; one that is malformed never gets here: it is answered with INVALID_ARGUMENT. May block.
enum rpc_arrival rpc_server_next(struct rpc_server *server, struct rpc_request **request, uint64_t deadline_ns);

// Prepares the answer: the results, or an exception when `status` is not OK (a status that is no exception is FAILED)
// or the request turned out to be malformed. Handles that came with the request are closed, but for those that were kept.
void rpc_server_answer(struct rpc_server *server, status_t status);

// For dispatch: the parameters, and the results to be filled in.
struct capnp_struct rpc_params(struct rpc_request *request);
struct capnp_struct_builder rpc_results(struct rpc_request *request, uint16_t data_words, uint16_t pointers);

// An exception with a text for a person, which must live until the answer: return rpc_raise(request, RPC_FAILED, ...).
status_t rpc_raise(struct rpc_request *request, enum rpc_status code, struct capnp_text why);
status_t rpc_unimplemented(struct rpc_request *request);

// The handler keeps a handle that came with the request; else it is closed when the request is answered.
void rpc_keep(struct rpc_request *request, handle_t handle);
