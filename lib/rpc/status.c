#include "abi/gen/abi.h"
#include "lib/capnp/status.h"
#include "lib/rpc/method.h"

static const char *const exception_texts[RPC_EXCEPTION_END - RPC_FAILED] = {
    [RPC_FAILED - RPC_FAILED] = "it did not work; see `logs`",
    [RPC_OVERLOADED - RPC_FAILED] = "the service is busy; try again",
    [RPC_DISCONNECTED - RPC_FAILED] = "what it takes to answer that is gone",
    [RPC_UNIMPLEMENTED - RPC_FAILED] = "the service does not do that, or not for this program",
    [RPC_INVALID_ARGUMENT - RPC_FAILED] = "invalid argument",
    [RPC_BAD_ANSWER - RPC_FAILED] = "the service's answer was malformed",
    [RPC_DENIED - RPC_FAILED] = "this program is not allowed to do that",
};

// What the kernel's codes mean to somebody who asked a service for something.
static const char *const kernel_texts[STATUS_COUNT] = {
    [STATUS_CODE_OK] = "done",
    [STATUS_CODE_BAD_HANDLE] = "this program was not granted a handle for that",
    [STATUS_CODE_NO_RIGHT] = "the handle lacks the right to do that",
    [STATUS_CODE_NO_MEMORY] = "not enough memory in the account that would pay",
    [STATUS_CODE_NO_HANDLES] = "a handle table is full",
    [STATUS_CODE_TIMED_OUT] = "the service did not answer in time; see `services`",
    [STATUS_CODE_CANCELED] = "cancelled",
    [STATUS_CODE_PEER_DIED] = "the service ended before it answered; try again",
    [STATUS_CODE_OBJECT_DEAD] = "the service is gone",
    [STATUS_CODE_NOT_FOUND] = "there is no such thing",
    [STATUS_CODE_UNSUPPORTED] = "this machine cannot do it",
    [STATUS_CODE_REVOKED] = "the handle that was used has been revoked",
};

const char *rpc_status_text(status_t status) {
    const char *text = nullptr;
    if (status.code < STATUS_COUNT) {
        text = kernel_texts[status.code];
    } else if (status.code >= RPC_FAILED && status.code < RPC_EXCEPTION_END) {
        text = exception_texts[status.code - RPC_FAILED];
    } else {
        text = capnp_status_text(status);
    }
    return text != nullptr ? text : "the kernel refused the request";
}
