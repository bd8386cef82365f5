// The client's side of a contract: what generated stubs are made of.
//
//   RPC_CALL(call);
//   struct log_query_results results;
//   struct log_query_params_builder params = log_begin_query(log, &call);
//   log_query_params_set_limit(params, 5);
//   TRY(log_finish_query(&call, rpc_patience(), &results));
//
// or, where every parameter is an argument of the stub, TRY(log_call_query(log, &call, ..., rpc_patience(), &results)).
// Results lie in `call` and in the thread's message page: they are good until `call` ends and until the thread's next call of
// anything; so is an exception's text.
#pragma once

#include "lib/rpc/carry.h"

// Long enough for a service that has just been started again, short enough for a person to wait.
constexpr uint64_t RPC_PATIENCE_MS = 5000;

struct rpc_call {
    const struct rpc_method *method; // null: nothing is begun
    handle_t target;
    bool answered;
    struct tess_message message;
    struct rpc_outgoing params;
    struct rpc_incoming results;
};

// A call of nothing yet. What it holds at the end of the scope is given up.
#define RPC_CALL(name)                                                                                                 \
    [[gnu::cleanup(rpc_end)]] struct rpc_call name;                                                                    \
    (name).method = nullptr;                                                                                           \
    (name).answered = false

struct capnp_struct_builder rpc_begin_general(struct rpc_call *call);

// Gives up parameters and results. Twice does no harm.
void rpc_end(struct rpc_call *call);

// Begins a call; returns the struct of its parameters, all zero. Ends what `call` was used for before. Plain parameters are
// written straight into the message.
static inline struct capnp_struct_builder rpc_begin(struct rpc_call *call, handle_t target,
                                                    const struct rpc_method *method) {
    if (call->method != nullptr || call->answered) {
        rpc_end(call);
    }
    call->method = method;
    call->target = target;
    if (!rpc_shape_is_plain(&method->params)) {
        return rpc_begin_general(call);
    }
    call->params.plain = true;
    for (uint32_t i = 1; i < MESSAGE_WORDS; i++) {
        call->message.words[i] = 0;
    }
    return (struct capnp_struct_builder){.data = &call->message.words[1], .data_words = method->params.data_words};
}

// Sends the request and waits; on success *results is the results (may be null). Statuses: the kernel's, enum rpc_exception,
// or the builder's (lib/capnp/status.h). A repeatable method is called again when the service died under it, unless a
// capability was given away. May block until the deadline.
status_t rpc_finish(struct rpc_call *call, uint64_t deadline_ns, struct capnp_struct *results);

// Hands the request over and wants no answer; nobody is told whether it was refused. May block until the deadline.
status_t rpc_send(struct rpc_call *call, uint64_t deadline_ns);

// Takes a capability of the results out of the call: it is the caller's to close. Returns it.
handle_t rpc_keep(struct rpc_call *call, handle_t handle);

// Takes results that lie in the message page into `buffer`, of MESSAGE_PAGE_BYTES: they outlive the thread's next call.
void rpc_hold(struct rpc_call *call, uint64_t *buffer, struct capnp_struct *results);

// After an exception: copies what the service said about it, for a person, into `text`: one line, without control characters, ""
// when it said nothing. Returns `text`.
const char *rpc_exception_text(const struct rpc_call *call, char text[RPC_TEXT_BYTES]);

// The usual deadline: RPC_PATIENCE_MS from now.
uint64_t rpc_patience(void);
