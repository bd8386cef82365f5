// Exceptions of a call: what the service, or what answers in its name, says instead of results
// (docs/decisions/contract-calls.md). The kernel's codes are below 256, those of the encoding from 512 on.
#pragma once

#include "abi/types.h"

enum rpc_status : uint32_t {
    RPC_FAILED = 384,           // it was tried and did not work; not worth a second try
    RPC_OVERLOADED = 385,       // not now; worth another try later
    RPC_DISCONNECTED = 386,     // what it needs is gone; worth another try with a new capability
    RPC_UNIMPLEMENTED = 387,    // the interface, or the method, is not one that it has
    RPC_INVALID_ARGUMENT = 388, // the request is malformed, or says what no request may say
    RPC_BAD_ANSWER = 389,       // of the caller's own: what came back is no answer
    RPC_STATUS_END = 390,
};

static inline status_t rpc_error(enum rpc_status code) {
    return (status_t){code};
}

// One short sentence without a full stop, for a person. nullptr for codes that are not this library's.
const char *rpc_status_text(status_t status);
