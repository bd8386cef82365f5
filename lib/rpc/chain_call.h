// Calls of a ring that go out as one message: which, how, and what comes back (lib/rpc/chain.h).
#pragma once

#include "lib/rpc/chain.h"
#include "lib/rpc/promise.h"

// The call in this slot, which can be sent now, and those that can go with it, in their order; returns how many.
uint32_t rpc_chain_gather(const struct rpc_ring *ring, uint8_t first, uint8_t slots[RPC_CHAIN_CALLS]);

// Lays them out in a page, that of the first one's buffer or another; returns the header.
uint64_t rpc_chain_compose(struct rpc_ring *ring, const uint8_t slots[], uint32_t count, void *page);

// Takes an answer apart into what each call that was made, and whose results were asked for, would have been answered by itself; the
// page is the last one's. `made` is how many those are. False when it is malformed.
bool rpc_chain_take_apart(const struct rpc_ring *ring, const uint8_t slots[], uint32_t count, const struct tess_message *answer,
                          const uint64_t *page, struct tess_message answers[RPC_CHAIN_CALLS], uint32_t *made);
