// Calls of kernel objects, and services that stand in for them: what generated code of idl/kernel.capnp is made of.
//
//   RPC_CALL(call);
//   struct vmo_info_results info;
//   TRY(vmo_call_info(vmo, &call, rpc_patience(), &info));
//
// looks as any contract's call, and costs what the system call costs: a word for each parameter and each result, all in registers.
// Who calls can't tell whether the kernel answers or a service. How it travels says docs/decisions/kernel-contracts.md.
#pragma once

#include "lib/rpc/call.h"
#include "lib/rpc/promise.h"
#include "lib/rpc/serve.h"
#include "lib/tess/syscall.h"

// ---- for stubs ----

// A parameter that is a capability also travels: a service gets a copy of it, and the kernel, which has looked the handle up,
// lets it be. Null doesn't travel.
static inline uint64_t rpc_kernel_passes(uint32_t handle) {
    return handle != 0 ? MESSAGE_COUNT_UNIT : 0;
}

status_t rpc_kernel_answered(struct rpc_call *call);

// Calls the method that the header names; on success the message is the answer. Capabilities of the answer, and what a service
// says about a refusal, are in `call`. May block until the deadline if it is a service that answers.
static inline status_t rpc_kernel_call(struct rpc_call *call, handle_t target, struct tess_message *message,
                                       uint64_t deadline_ns) {
    rpc_end(call);
    const uint64_t request = message->info;
    const uint32_t argument = message_handle_count(request) != 0 ? tess_message_handle(message, 0).v : (uint32_t)message->words[0];
    const status_t status = tess_call(target, message, deadline_ns);
    if (!status_ok(status)) {
        return tess_refused(status, SYS_CALL, target, message_label(request), argument);
    }
    if (message->info == 0) {
        return status;
    }
    call->message = *message;
    return rpc_kernel_answered(call);
}

// Capability number `index` of the answer, owned by the call unless it is kept (rpc_keep); null when there are fewer.
static inline handle_t rpc_kernel_handle(const struct rpc_call *call, uint32_t index) {
    return call->state == RPC_CALL_ANSWERED && index < call->results.handle_count ? call->results.handles[index] : (handle_t){};
}

// The same over the ring (lib/rpc/promise.h).
struct rpc_promise rpc_kernel_submit(struct rpc_ring *ring, struct rpc_target target, const struct tess_message *message);
status_t rpc_kernel_take(struct rpc_ring *ring, struct rpc_promise promise, uint64_t deadline_ns,
                         const struct rpc_slot **out);
static inline handle_t rpc_kernel_taken_handle(const struct rpc_slot *slot, uint32_t index) {
    return slot->results.owns && index < slot->results.handle_count ? slot->results.handles[index] : (handle_t){};
}

// ---- for dispatch code ----

// Results under construction, all zero.
struct rpc_kernel_answer *rpc_kernel_results(struct rpc_request *request);

// The parameter that is a capability, null when none came. It is closed with the request unless it is kept (rpc_request_keep).
static inline handle_t rpc_kernel_argument(const struct rpc_request *request) {
    return request->incoming.handle_count > 0 ? request->incoming.handles[0] : (handle_t){};
}

// A result that is a capability: a copy of the handle goes; or, when it is given, the handle itself.
void rpc_kernel_set_handle(struct rpc_kernel_answer *answer, uint32_t index, handle_t handle);
void rpc_kernel_give_handle(struct rpc_kernel_answer *answer, uint32_t index, handle_t handle);

// What a request for a method that there is not comes to: BAD_METHOD, as of the kernel, if it is one of the kernel's at all.
status_t rpc_kernel_unknown(struct rpc_request *request);

// ---- for methods ----

// The results are also this many bytes (at most MESSAGE_PAGE_BYTES) of the page that is returned, to be filled in.
void *rpc_kernel_page(struct rpc_request *request, uint32_t len_bytes);

// ---- for the service's loop (lib/rpc/serve.c) ----

// Makes a request of a message without RPC_CONTRACT; it has been adopted. The status to refuse it with.
status_t rpc_kernel_open(struct rpc_request *request, const struct tess_message *message);

// Makes the answer.
void rpc_kernel_pack(struct rpc_request *request, struct tess_message *message);

// Closes the capabilities that were given, if they were not delivered.
void rpc_kernel_conclude(struct rpc_request *request, bool delivered);
