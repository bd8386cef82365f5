// The parts of samgrd that see each other.
#pragma once

#include "idl/policy.capnp.h"
#include "idl/registry.capnp.h"
#include "lib/badge/badge.h"

constexpr uint8_t MAY_USE = 1u << POLICY_ACTION_USE, MAY_CONTROL = 1u << POLICY_ACTION_CONTROL,
                  MAY_SHARE = 1u << POLICY_ACTION_SHARE;

// --- ask.c: what the policy says ---

// Bits of the notification that is bound to the registry's endpoint.
constexpr uint64_t BIT_EPOCH = 1; // the policy has changed

void ask_open(void);

// Gets BIT_EPOCH when what the policy decides has changed.
extern handle_t changes;

// The epoch of what was decided last; 0: what was decided before holds no more.
uint64_t ask_epoch(void);

// The policy has changed, or it is another process now.
void ask_forget(bool restarted);

// What a holder may do with what stands under a name: a set of MAY_... When the policy does not answer, that is the status;
// it is waited for a little. Overwrites the message page.
status_t ask(uint64_t holder, const char *name, uint8_t *actions);

// Why a holder may not use it, or that it may.
status_t ask_why(uint64_t holder, const char *name, struct registry_why_results_builder results);

// The names that a holder may use; they lie in the message page.
status_t ask_names(struct rpc_call *call, uint64_t holder, struct capnp_text_list *names);
