// A denial (idl/policy.capnp) as one sentence for a person: what was attempted, why it was not allowed, who may do it, and the line
// of the manifest that would have to say what.
#pragma once

#include <stddef.h>

#include "idl/policy.capnp.h"

constexpr size_t DENIAL_TEXT_BYTES = 480;

// "hello may not control log: no grant, `resolve` or rule allows it; shell may. To allow it, add ... (system/tessera.capnp:73)".
// Control characters become `?`. Returns `to`.
const char *denial_sentence(struct policy_denial denial, char to[DENIAL_TEXT_BYTES]);
