#include "lib/capnp/status.h"

static const char *const texts[CAPNP_STATUS_END - CAPNP_OUT_OF_BOUNDS] = {
    [CAPNP_OUT_OF_BOUNDS - CAPNP_OUT_OF_BOUNDS] = "the message has a pointer to outside itself",
    [CAPNP_WRONG_KIND - CAPNP_OUT_OF_BOUNDS] = "the message has something else where its schema says what is there",
    [CAPNP_BAD_POINTER - CAPNP_OUT_OF_BOUNDS] = "the message has a malformed pointer",
    [CAPNP_BAD_TEXT - CAPNP_OUT_OF_BOUNDS] = "the message has a text without an end",
    [CAPNP_TRAVERSAL_LIMIT - CAPNP_OUT_OF_BOUNDS] = "the message takes more reading than is allowed",
    [CAPNP_NESTING_LIMIT - CAPNP_OUT_OF_BOUNDS] = "the message is nested deeper than is allowed",
    [CAPNP_BAD_INDEX - CAPNP_OUT_OF_BOUNDS] = "a list of the message has no such element",
    [CAPNP_BAD_HANDLE - CAPNP_OUT_OF_BOUNDS] = "the message names a capability that did not come with it",
    [CAPNP_NO_SPACE - CAPNP_OUT_OF_BOUNDS] = "the message does not fit into its memory",
    [CAPNP_NO_HANDLES - CAPNP_OUT_OF_BOUNDS] = "the message has too many capabilities",
    [CAPNP_TOO_LARGE - CAPNP_OUT_OF_BOUNDS] = "a part of the message is larger than can be encoded",
    [CAPNP_TRUNCATED - CAPNP_OUT_OF_BOUNDS] = "the message is cut off",
    [CAPNP_BAD_FRAME - CAPNP_OUT_OF_BOUNDS] = "the message's segment table is malformed",
    [CAPNP_NOT_CANONICAL - CAPNP_OUT_OF_BOUNDS] = "the message is not in canonical form",
};

const char *capnp_status_text(status_t status) {
    return status.code >= CAPNP_OUT_OF_BOUNDS && status.code < CAPNP_STATUS_END
               ? texts[status.code - CAPNP_OUT_OF_BOUNDS]
               : nullptr;
}
