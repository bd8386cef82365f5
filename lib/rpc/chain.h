// Dependent calls in one message: each but the first goes to a capability of the results of the one before. How they travel, and
// what each bit below is for: docs/decisions/pipelined-calls.md.
#pragma once

#include "lib/rpc/carry.h"
#include "lib/tess/message.h"

constexpr uint32_t RPC_CHAIN = 1u << 29; // in a request's label, beside RPC_CONTRACT and, in place of the ordinal, how many calls
constexpr uint32_t RPC_CHAIN_CALLS = 8;
constexpr uint32_t RPC_CHAIN_BYTES = 1024; // of the page, at most: a service has room for it

// One of them, at the end of the page, where all of them stand; before those are their parameters, in whole words.
struct rpc_chain_call {
    uint64_t interface_id;
    uint32_t label;                  // that the call would have by itself; no capabilities, nothing out of band
    uint8_t params_at, params_words; // in the page
    uint8_t through;                 // which capability of the results before is called; 0 for the first
    bool keep;                       // the results are wanted; those of the last call always are
};
static_assert(sizeof(struct rpc_chain_call) == 16);

// Parameters that are not in registers are a segment of their own, with a root pointer.
static inline uint32_t rpc_chain_register_words(uint32_t label) {
    return label >> RPC_WORDS_SHIFT & 7;
}
static inline bool rpc_chain_in_page(const struct rpc_chain_call *call) {
    return rpc_chain_register_words(call->label) == 0 && call->params_words != 0;
}

static inline bool rpc_is_chain(uint32_t label) {
    return (label & ~(RPC_ORDINAL | RPC_EXTENSION)) == (RPC_CONTRACT | RPC_CHAIN); // the mark is that of the first call
}

// An answer is that of the last call that was made. Word 0 says beside its form what else there is: how many calls were made, how
// many of the handles and bytes of the page are the last one's. What follows in the page are the results of others that
// are wanted: their form and their data words.
constexpr uint32_t RPC_CHAIN_MADE_SHIFT = 32;    // 4 bits
constexpr uint32_t RPC_CHAIN_HANDLES_SHIFT = 36; // 3 bits
constexpr uint32_t RPC_CHAIN_PAGE_SHIFT = 40;    // 13 bits
constexpr uint64_t RPC_CHAIN_ANSWERED = 1ull << 63;

// ---- the service's side ----

constexpr uint32_t RPC_CHAIN_KEPT_WORDS = (RPC_CHAIN_CALLS - 1) * (1 + RPC_REGISTER_WORDS);

// The one that a service is at.
struct rpc_chain {
    uint32_t count, at;
    struct tess_message before; // the results of the call before that one, until this is made
    bool unminted;              // they are a capability that is yet to be made, and nobody else wants
    struct rpc_mint mint;       // this one
    uint32_t kept_words, kept_handles, kept_moved;
    handle_t handles[MESSAGE_HANDLES];
    uint64_t kept[RPC_CHAIN_KEPT_WORDS];
    handle_t endpoint; // this one
    uint64_t koid;     // is this object
    uint64_t cause;    // of all of them
    const struct rpc_chain_call *calls;
    uint64_t page[RPC_CHAIN_BYTES / 8]; // their parameters, and they themselves
};

struct rpc_server;

// Makes a request of the first call of the chain that was received. The status to refuse the message with.
status_t rpc_chain_open(struct rpc_server *server);

// Ends the current request, one of a chain: goes on to the next call, or the answer is owed.
void rpc_chain_done(struct rpc_server *server, status_t status);

// The answer got there, or what it gives is closed.
void rpc_chain_conclude(struct rpc_server *server, bool delivered);
