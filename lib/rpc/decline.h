// Refusing, in the place of a service that is not there, what its clients call: for whoever owns its endpoint, and does other things
// over a ring. Nobody is waited for.
//
//   static struct rpc_decline declined[2];
//   static struct rpc_ring ring;
//   TRY(rpc_ring_create_declining(16, declined, 2, &ring));
//   rpc_decline_begin(&ring, 0, endpoint);
//   ... as completions come:
//   for (uint32_t i; rpc_decline_in_hand(&ring, &i);) {
//       rpc_decline_answer(&ring, i, "it was given up");
//   }
//   rpc_decline_receive(&ring);
//   ... and before the service comes back:
//   rpc_decline_end(&ring, 0);
//
// States of one: FREE --receive--> RECEIVING --a call--> HOLDS --answer--> ANSWERING --> FREE. It has one call at a time in hand; the
// others wait in the endpoint's queue.
#pragma once

#include "lib/rpc/promise.h"

enum rpc_decline_state : uint8_t { RPC_DECLINE_FREE, RPC_DECLINE_RECEIVING, RPC_DECLINE_HOLDS, RPC_DECLINE_ANSWERING };

struct rpc_decline {
    enum rpc_decline_state state;
    bool wanted;       // begun, and not ended
    bool bare;         // whoever it holds cannot take a text
    uint32_t token;    // HOLDS: what it is answered by
    handle_t endpoint; // borrowed; to be received from
    uint64_t refused;  // calls, ever
    uint64_t dropped;  // messages, ever: whose senders wanted no answer, and can be told nothing
};

// As rpc_ring_create, with room to decline for so many endpoints besides; `declines` is the caller's, all zero, and outlives the ring.
status_t rpc_ring_create_declining(uint32_t calls, struct rpc_decline *declines, uint32_t count, struct rpc_ring *out);

// From the next rpc_decline_receive on it takes what comes to the endpoint, which has RECEIVE and stays the caller's.
void rpc_decline_begin(struct rpc_ring *ring, uint32_t number, handle_t endpoint);

// It takes nothing any more: when this returns, whatever still comes to the endpoint is for who receives there next. What it has in hand
// already is to be answered yet. Does not block.
void rpc_decline_end(struct rpc_ring *ring, uint32_t number);

// Whether a call is in hand, as of the completions that have come (rpc_answered takes them); which is not answered yet.
bool rpc_decline_in_hand(const struct rpc_ring *ring, uint32_t *number);

// Refuses the call in hand as DISCONNECTED, and says why: a sentence shorter than RPC_TEXT_BYTES. Does not block.
void rpc_decline_answer(struct rpc_ring *ring, uint32_t number, const char *text);

// Whether any that is wanted does not receive; and makes them receive, which takes one call at most of each endpoint. Does not block.
bool rpc_decline_idles(const struct rpc_ring *ring);
void rpc_decline_receive(struct rpc_ring *ring);
