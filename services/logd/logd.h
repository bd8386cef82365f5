// logd's parts: what they share.
#pragma once

#include "idl/log.capnp.h"
#include "lib/journal/filter.h"
#include "lib/journal/journal.h"

constexpr uint16_t LOG_LEVELS = LOG_LEVEL_DEBUG + 1;

extern struct journal *journal;

// query.c: the method of the contract.
status_t answer_query(struct rpc_request *request, struct log_query_params params, struct log_query_results_builder results);

// --- followers.c: who is told that there is more ---

// Null ends it. The notification is the caller's no more, unless this fails.
status_t follower_set(struct rpc_request *request, uint64_t holder, handle_t notification, uint64_t bits);

// The holder asks for records: it is to be told of those that come after.
void follower_asked(uint64_t holder);

// There is a new record.
void followers_tell(void);

uint32_t followers_count(void);
