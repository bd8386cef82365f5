#include "lib/rpc/kernel.h"

#include "base/mem.h"
#include "lib/tess/handle.h"
#include "lib/tess/page.h"

// ---- The client's side ----

// The answer has capabilities, a page, or says no.
status_t rpc_kernel_answered(struct rpc_call *call) {
    const uint32_t label = message_label(call->message.info);
    tess_answered();
    rpc_incoming_adopt(&call->results, &call->message);
    call->state = RPC_CALL_ANSWERED;
    return label < RPC_EXCEPTION_END ? (status_t){label} : rpc_status(RPC_BAD_ANSWER);
}

// ---- The service's side ----

status_t rpc_kernel_open(struct rpc_request *request, const struct tess_message *message) {
    const uint32_t label = message_label(message->info);
    memcpy(request->kernel_words, message->words, sizeof(request->kernel_words));
    request->words = request->kernel_words;
    request->interface_id = 0; // so that no other interface takes it for its own
    request->kernel_answer = (struct rpc_kernel_answer){};
    if (message_page_bytes(message->info) != 0 || request->incoming.handle_count > 1) {
        return STATUS_BAD_ARGUMENT; // as the kernel: no method takes any of these
    }
    return label <= RPC_ORDINAL ? STATUS_OK : STATUS_BAD_METHOD;
}

struct rpc_kernel_answer *rpc_kernel_results(struct rpc_request *request) {
    return &request->kernel_answer;
}

static void put_handle(struct rpc_kernel_answer *answer, uint32_t index, handle_t handle, bool give) {
    if (answer->given[index]) {
        tess_close(answer->handles[index]);
    }
    answer->handles[index] = handle;
    answer->given[index] = give;
}

void rpc_kernel_set_handle(struct rpc_kernel_answer *answer, uint32_t index, handle_t handle) {
    put_handle(answer, index, handle, false);
}

void rpc_kernel_give_handle(struct rpc_kernel_answer *answer, uint32_t index, handle_t handle) {
    put_handle(answer, index, handle, true);
}

status_t rpc_kernel_unknown(struct rpc_request *request) {
    return request->words != nullptr ? STATUS_BAD_METHOD : rpc_unimplemented(request);
}

void *rpc_kernel_page(struct rpc_request *request, uint32_t len_bytes) {
    request->kernel_answer.page_bytes = len_bytes;
    return request->page;
}

// A null capability ends the list: none of the kernel's answers has one before another.
void rpc_kernel_pack(struct rpc_request *request, struct tess_message *message) {
    struct rpc_kernel_answer *answer = &request->kernel_answer;
    uint32_t count = 0, moved = 0;
    memcpy(message->words, answer->words, sizeof(answer->words));
    while (count < RPC_KERNEL_HANDLES && tess_handle_valid(answer->handles[count])) {
        tess_message_set_handle(message, count, answer->handles[count]);
        moved |= (uint32_t)answer->given[count] << count;
        count++;
    }
    for (uint32_t i = count; i < RPC_KERNEL_HANDLES; i++) {
        put_handle(answer, i, (handle_t){}, false);
    }
    memcpy(tess_message_page(), request->page, answer->page_bytes);
    message->info = message_info(0, answer->page_bytes, count, moved);
}

void rpc_kernel_conclude(struct rpc_request *request, bool delivered) {
    for (uint32_t i = 0; i < RPC_KERNEL_HANDLES; i++) {
        if (!delivered && request->kernel_answer.given[i]) {
            tess_close(request->kernel_answer.handles[i]);
        }
    }
    request->kernel_answer = (struct rpc_kernel_answer){};
}
