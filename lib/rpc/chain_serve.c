// A chain of calls at a service: each is made as if it had come by itself, through the handle that the one before returned.
#include "lib/rpc/chain.h"

#include "abi/gen/stubs.h"
#include "base/align.h"
#include "base/mem.h"
#include "lib/rpc/serve.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/page.h"

// ---- What came ----

static bool is_well_formed(const struct rpc_chain_call *call, uint32_t params_words) {
    constexpr uint32_t TAKEN = RPC_ORDINAL | RPC_EXTENSION | 7u << RPC_WORDS_SHIFT;
    const uint32_t words = rpc_chain_register_words(call->label);
    return (call->label & ~TAKEN) == RPC_CONTRACT && words <= RPC_REGISTER_WORDS && (words == 0 || words == call->params_words) &&
           (uint32_t)call->params_at + call->params_words <= params_words && call->through < MESSAGE_HANDLES;
}

// A method may use the message page for calls of its own, so all of it is taken out.
static status_t take_calls(struct rpc_chain *chain, const struct tess_message *message) {
    const uint32_t bytes = message_page_bytes(message->info), count = message_label(message->info) & RPC_ORDINAL;
    const uint32_t calls_bytes = count * (uint32_t)sizeof(chain->calls[0]), params_words = (bytes - calls_bytes) / (uint32_t)sizeof(uint64_t);
    if (count == 0 || count > RPC_CHAIN_CALLS || bytes > RPC_CHAIN_BYTES || bytes % sizeof(uint64_t) != 0 || bytes < calls_bytes ||
        message_handle_count(message->info) != 0 || (message->info & MESSAGE_WANTS_REPLY) == 0) {
        return rpc_status(RPC_INVALID_ARGUMENT);
    }
    memcpy(chain->page, tess_message_page(), bytes);
    chain->calls = (const struct rpc_chain_call *)&chain->page[params_words];
    for (uint32_t i = 0; i < count; i++) {
        if (!is_well_formed(&chain->calls[i], params_words)) {
            return rpc_status(RPC_INVALID_ARGUMENT);
        }
    }
    chain->count = count;
    chain->cause = message->words[RPC_CAUSE_WORD];
    chain->at = chain->kept_words = chain->kept_handles = chain->kept_moved = 0;
    chain->unminted = false;
    return STATUS_OK;
}

// ---- One of the calls ----

// Makes a request of the call that the chain is at.
static status_t open_call(struct rpc_server *server, uint64_t badge) {
    struct rpc_request *request = &server->request;
    struct rpc_chain *chain = &server->chain;
    const struct rpc_chain_call *call = &chain->calls[chain->at];
    uint64_t *params = &chain->page[call->params_at];
    const uint32_t words = rpc_chain_register_words(call->label);
    const uint32_t page_bytes = words == 0 ? call->params_words * (uint32_t)sizeof(uint64_t) : 0;
    struct tess_message *message = &request->message;
    message->info = message_info(call->label, page_bytes, 0, 0) | MESSAGE_WANTS_REPLY;
    message->badge = badge;
    message->words[0] = call->interface_id;
    message->words[RPC_CAUSE_WORD] = chain->cause;
    if (page_bytes != 0) {
        return rpc_incoming_open(&request->incoming, call->label, message, params, &request->params);
    }
    for (uint32_t i = 0; i < words; i++) { // those beyond nobody reads
        message->words[1 + i] = params[i];
    }
    request->params = rpc_plain_struct(message, call->label);
    return STATUS_OK;
}

status_t rpc_chain_open(struct rpc_server *server) {
    struct rpc_request *request = &server->request;
    const uint64_t badge = request->badge;
    rpc_incoming_adopt(&request->incoming, &request->message); // those of a message that is none are closed
    TRY(take_calls(&server->chain, &request->message));
    request->chained = true;
    request->stops = false;
    return open_call(server, badge);
}

static void close_moved(const struct tess_message *message) {
    for (uint32_t i = 0; i < message_handle_count(message->info); i++) {
        if ((message_move_mask(message->info) >> i & 1) != 0) {
            tess_close(tess_message_handle(message, i));
        }
    }
}

static void keep_handles(struct rpc_chain *chain, const struct tess_message *message) {
    for (uint32_t i = 0; i < message_handle_count(message->info); i++) {
        chain->kept_moved |= (message_move_mask(message->info) >> i & 1) << chain->kept_handles;
        chain->handles[chain->kept_handles++] = tess_message_handle(message, i);
    }
}

// The call that the chain is at was made, so nobody needs the results before for it.
static void settle_before(struct rpc_chain *chain) {
    const struct tess_message *before = &chain->before;
    if (chain->at == 0 || chain->unminted) {
        return; // there were none, or they came to nothing but a badge
    }
    if (!chain->calls[chain->at - 1].keep) {
        close_moved(before);
        return;
    }
    const uint32_t words = rpc_chain_register_words((uint32_t)before->words[0]);
    chain->kept[chain->kept_words++] = before->words[0];
    memcpy(&chain->kept[chain->kept_words], &before->words[1], words * sizeof(uint64_t));
    chain->kept_words += words;
    keep_handles(chain, before);
}

// ---- The answer ----

static void discard_results(struct rpc_request *request) {
    if (request->method != nullptr && !rpc_shape_is_plain(&request->method->results)) {
        rpc_outgoing_end(&request->outgoing, true);
    }
    request->method = nullptr;
}

// Owes the client what was kept, after the results of the last call that was made, whose page is filled.
static void answer(struct rpc_server *server, const struct tess_message *last, uint32_t made) {
    struct rpc_request *request = &server->request;
    const struct rpc_chain *chain = &server->chain;
    const uint32_t label = message_label(last->info), page_bytes = message_page_bytes(last->info);
    const uint32_t handles = message_handle_count(last->info), kept_bytes = chain->kept_words * (uint32_t)sizeof(uint64_t);
    const uint32_t kept_at = chain->kept_words != 0 ? (uint32_t)align_up(page_bytes, sizeof(uint64_t)) : page_bytes;
    request->answer = *last;
    memcpy((uint8_t *)tess_message_page() + kept_at, chain->kept, kept_bytes);
    for (uint32_t i = 0; i < chain->kept_handles; i++) {
        tess_message_set_handle(&request->answer, handles + i, chain->handles[i]);
    }
    request->answer.info = message_info(label, kept_at + kept_bytes, handles + chain->kept_handles,
                                        message_move_mask(last->info) | chain->kept_moved << handles);
    request->answer.words[0] = (uint32_t)last->words[0] | (uint64_t)made << RPC_CHAIN_MADE_SHIFT |
                               (uint64_t)handles << RPC_CHAIN_HANDLES_SHIFT | (uint64_t)page_bytes << RPC_CHAIN_PAGE_SHIFT |
                               RPC_CHAIN_ANSWERED;
    request->stage = RPC_GENERAL_ANSWER;
}

static void answer_refusal(struct rpc_server *server, status_t status) {
    struct tess_message refusal;
    discard_results(&server->request);
    rpc_pack_refusal(&refusal, status, server->request.text);
    answer(server, &refusal, server->chain.at + 1);
}

// The current call is the last one that is made. Its results stay the request's until they are delivered.
static void answer_results(struct rpc_server *server, const struct tess_message *results) {
    const struct rpc_chain *chain = &server->chain;
    const uint32_t page_bytes = message_page_bytes(results->info);
    if (message_handle_count(results->info) + chain->kept_handles > MESSAGE_HANDLES) {
        answer_refusal(server, STATUS_NO_HANDLES);
    } else if (align_up(page_bytes, sizeof(uint64_t)) + chain->kept_words * sizeof(uint64_t) > MESSAGE_PAGE_BYTES) {
        answer_refusal(server, STATUS_TOO_LARGE);
    } else {
        memcpy(tess_message_page(), server->request.page, page_bytes);
        answer(server, results, chain->at + 1);
    }
}

// Makes the capability that was kept back, because nobody but the call that the chain is at wanted it. That needs it now.
static status_t mint_before(struct rpc_server *server) {
    struct rpc_chain *chain = &server->chain;
    handle_t made;
    if (chain->unminted) {
        TRY(rpc_mint_make(&chain->mint, server->endpoint, &made));
        for (uint32_t i = 1 + rpc_chain_register_words((uint32_t)chain->before.words[0]); i < MESSAGE_WORDS; i++) {
            chain->before.words[i] = 0;
        }
        tess_message_set_handle(&chain->before, 0, made);
        chain->unminted = false;
    }
    return STATUS_OK;
}

// The call that the chain is at is not made here: the client makes it by itself, and those after it.
static void stop(struct rpc_server *server) {
    struct rpc_chain *chain = &server->chain;
    struct tess_message none = {};
    const bool some = chain->at > 0;
    discard_results(&server->request);
    const status_t status = mint_before(server);
    if (!status_ok(status)) {
        rpc_pack_refusal(&none, status, ""); // the answer to the call before
        answer(server, &none, chain->at);
        return;
    }
    answer(server, some ? &chain->before : &none, chain->at);
    if (some) {
        keep_handles(chain, &chain->before); // they are in the answer already: only to be closed if that does not get there
    }
}

void rpc_chain_conclude(struct rpc_server *server, bool delivered) {
    const struct rpc_chain *chain = &server->chain;
    for (uint32_t i = 0; !delivered && i < chain->kept_handles; i++) {
        if ((chain->kept_moved >> i & 1) != 0) {
            tess_close(chain->handles[i]);
        }
    }
    server->request.chained = false;
}

// ---- From one call to the next ----

// Whether what the call that the chain is at returned is but one capability, yet to be made, that nobody wants except the next call,
// which may be made through it. Its badge is all that that needs. Then the results are the chain's.
static bool keeps_back(struct rpc_server *server) {
    struct rpc_request *request = &server->request;
    struct rpc_chain *chain = &server->chain;
    const struct rpc_chain_call *call = &chain->calls[chain->at];
    constexpr uint64_t NEEDED = RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT;
    if (chain->at + 1 == chain->count || call->keep || call[1].through != 0 || chain->kept_handles == MESSAGE_HANDLES ||
        request->method == nullptr || rpc_shape_is_plain(&request->method->results) || request->incoming.message.error != 0 ||
        !rpc_outgoing_keep_back(&request->outgoing, &chain->before, &chain->mint) || (chain->mint.rights.v & NEEDED) != NEEDED) {
        return false;
    }
    request->method = nullptr;
    return true;
}

// Into chain->before, whose own are done with.
static status_t take_results(struct rpc_server *server) {
    struct rpc_request *request = &server->request;
    struct rpc_chain *chain = &server->chain;
    struct tess_message *out = &chain->before;
    uint32_t form;
    TRY(rpc_well_formed(request));
    if (request->method == nullptr) {
        return rpc_status(RPC_FAILED); // whoever served it made none
    }
    if (rpc_shape_is_plain(&request->method->results)) {
        *out = request->answer;
        out->info = 0;
        return STATUS_OK;
    }
    TRY(rpc_outgoing_mint(&request->outgoing, server->endpoint));
    TRY(rpc_outgoing_pack(&request->outgoing, out, &form));
    out->words[0] = form;
    return STATUS_OK;
}

// Whether a handle that a method returned leads here, and could have been called by who gets it.
static bool leads_here(struct rpc_server *server, handle_t handle, bool moved, uint64_t *badge) {
    struct rpc_chain *chain = &server->chain;
    const handle_t self = tess_self_process();
    const uint64_t needed = RIGHT_SEND_BIT | (moved ? RIGHT_TRANSFER_BIT : RIGHT_COPY_BIT);
    uint64_t type, rights, koid;
    if (server->endpoint.v != chain->endpoint.v) {
        if (!status_ok(tess_process_handle_info(self, server->endpoint.v, nullptr, nullptr, nullptr, nullptr, &chain->koid))) {
            return false;
        }
        chain->endpoint = server->endpoint;
    }
    return status_ok(tess_process_handle_info(self, handle.v, &type, &rights, badge, nullptr, &koid)) && koid == chain->koid &&
           type == OBJECT_ENDPOINT && (rights & needed) == needed;
}

// Whether the next call is made here, and with which badge; then the results are the chain's.
static bool goes_on(struct rpc_server *server, uint64_t *badge) {
    struct rpc_chain *chain = &server->chain;
    struct tess_message *results = &chain->before;
    const struct rpc_chain_call *call = &chain->calls[chain->at];
    const uint32_t count = message_handle_count(results->info);
    if (chain->at + 1 == chain->count || call[1].through >= count ||
        (call->keep && message_page_bytes(results->info) != 0) || chain->kept_handles + count > MESSAGE_HANDLES ||
        !leads_here(server, tess_message_handle(results, call[1].through),
                    (message_move_mask(results->info) >> call[1].through & 1) != 0, badge)) {
        return false;
    }
    const bool far = (results->words[0] & RPC_OUT_OF_BAND) != 0;
    if (!rpc_shape_is_plain(&server->request.method->results)) {
        rpc_outgoing_end(&server->request.outgoing, false);
    }
    server->request.method = nullptr;
    if (message_page_bytes(results->info) != 0) { // nobody wants them but for their capabilities, as if they came in registers
        results->words[0] = (uint64_t)((1u << (count - far)) - 1) << RPC_CAPABILITIES_SHIFT;
    }
    results->info = message_info(0, 0, count - far, message_move_mask(results->info));
    return true;
}

static void end_call(struct rpc_request *request) {
    rpc_incoming_end(&request->incoming);
    request->incoming.message.error = 0;
    request->text[0] = '\0';
}

[[gnu::noinline]] static void call_or_answer(struct rpc_server *server, status_t status);

static void go_on(struct rpc_server *server, uint64_t badge) {
    end_call(&server->request);
    server->chain.at++;
    const status_t status = open_call(server, badge);
    server->request.stage = RPC_CHAIN_REQUEST;
    if (!status_ok(status)) {
        server->malformed++;
        settle_before(&server->chain);
        call_or_answer(server, status); // which goes on to no other
    }
}

// After a call that was made, and came to more than a badge.
static void call_or_answer(struct rpc_server *server, status_t status) {
    uint64_t badge = 0;
    server->chain.unminted = false;
    if (status_ok(status)) {
        status = take_results(server);
    }
    if (status_ok(status) && goes_on(server, &badge)) {
        go_on(server, badge);
        return;
    }
    if (status_ok(status)) {
        answer_results(server, &server->chain.before);
    } else {
        answer_refusal(server, status);
    }
    end_call(&server->request);
}

void rpc_chain_done(struct rpc_server *server, status_t status) {
    struct rpc_chain *chain = &server->chain;
    if (server->request.stops) {
        stop(server);
        end_call(&server->request);
        return;
    }
    settle_before(chain);
    if (status_ok(status) && keeps_back(server)) {
        chain->unminted = true;
        go_on(server, chain->mint.badge);
    } else {
        call_or_answer(server, status);
    }
}
