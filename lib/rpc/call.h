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
#include "lib/tess/syscall.h"

// Long enough for a service that has just been started again, short enough for a person to wait.
constexpr uint64_t RPC_PATIENCE_MS = 5000;

enum rpc_call_state : uint8_t {
    RPC_CALL_IDLE,     // it holds nothing
    RPC_CALL_BEGUN,    // `params` are being filled in
    RPC_CALL_ANSWERED, // `results`, or an exception
};

struct rpc_call {
    enum rpc_call_state state;
    handle_t target;
    const struct rpc_method *method;
    struct tess_message message;
    struct rpc_outgoing params;
    struct rpc_incoming results;
};

// A call of nothing yet. What it holds at the end of the scope is given up.
#define RPC_CALL(name)                                                                                                 \
    [[gnu::cleanup(rpc_end)]] struct rpc_call name;                                                                    \
    (name).state = RPC_CALL_IDLE

void rpc_end_held(struct rpc_call *call);

// Gives up parameters and results. Twice does no harm.
static inline void rpc_end(struct rpc_call *call) {
    if (call->state != RPC_CALL_IDLE) {
        rpc_end_held(call);
    }
}

// Begins a call; returns the struct of its parameters, all zero. Ends what `call` was used for before.
struct capnp_struct_builder rpc_begin(struct rpc_call *call, handle_t target, const struct rpc_method *method);

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

// Told of each exception that a call of this process comes to, while its text is there. Null: nobody is. Not for programs with threads.
extern void (*rpc_when_refused)(const struct rpc_call *call, status_t status);

// The usual deadline: RPC_PATIENCE_MS from now.
uint64_t rpc_patience(void);

// ---- for stubs of methods whose parameters are plain: the request never leaves the processor's registers ----

// Takes the answer in call->message apart, as rpc_finish does.
status_t rpc_take_answer(struct rpc_call *call, struct capnp_struct *results);

// Sends the repeatable request in call->message again, which the service died under.
status_t rpc_repeat(struct rpc_call *call, handle_t target, uint64_t deadline_ns, struct capnp_struct *results);

// rpc_begin and rpc_finish in one. What a service of the same schema answers to a method with plain results is taken here,
// and everything else by the functions above.
[[gnu::always_inline]] static inline status_t rpc_call_plain(struct rpc_call *call, handle_t target,
                                                             const struct rpc_method *method, struct tess_message request,
                                                             uint64_t deadline_ns, struct capnp_struct *results) {
    rpc_end(call);
    request.info = rpc_plain_info(method);
    request.words[RPC_CAUSE_WORD] = tess_cause();
    request.words[0] = method->interface_id;
    struct tess_message answer = request;
    const status_t status = tess_call(target, &answer, deadline_ns);
    if (status_ok(status) && rpc_shape_is_plain(&method->results) && answer.info == 0 &&
        answer.words[0] == rpc_plain_form(&method->results)) [[clang::likely]] {
        for (uint32_t i = 1; i <= method->results.data_words; i++) {
            call->message.words[i] = answer.words[i];
        }
        if (results != nullptr) {
            *results = rpc_plain_struct(&call->message, rpc_plain_form(&method->results));
        }
        return STATUS_OK;
    }
    if (method->repeatable && status_is(status, STATUS_PEER_DIED)) {
        call->message = request;
        return rpc_repeat(call, target, deadline_ns, results);
    }
    if (method->repeatable && !status_ok(status)) { // of others the target is not kept, for an instruction's sake
        return tess_refused(status, SYS_CALL, target, RPC_CONTRACT, 0);
    }
    TRY(status);
    call->message = answer;
    return rpc_take_answer(call, results);
}
