// What can be wrong with a message, as codes of a status_t. The kernel's are below 256, those of services below 512.
#pragma once

#include "abi/gen/abi.h"
#include "abi/types.h"

enum capnp_status : uint32_t {
    CAPNP_OUT_OF_BOUNDS = 512,   // a pointer leads out of its segment, or into one that is not there
    CAPNP_WRONG_KIND = 513,      // a pointer leads to something else than the schema says
    CAPNP_BAD_POINTER = 514,     // a pointer, tag or landing pad that the encoding does not know
    CAPNP_BAD_TEXT = 515,        // a text does not end in NUL
    CAPNP_TRAVERSAL_LIMIT = 516, // more was read than the limit allows
    CAPNP_NESTING_LIMIT = 517,   // pointers are nested deeper than the limit allows
    CAPNP_BAD_INDEX = 518,       // an element was asked for that the list does not have: the program's mistake
    CAPNP_BAD_HANDLE = 519,      // a capability is not in the message's table
    CAPNP_NO_SPACE = 520,        // the message does not fit into the memory given
    CAPNP_NO_HANDLES = 521,      // more capabilities than the table has room for
    CAPNP_TOO_LARGE = 522,       // more than the encoding can express
    CAPNP_TRUNCATED = 523,       // bytes are missing at the end
    CAPNP_BAD_FRAME = 524,       // a stream's segment table is no good
    CAPNP_NOT_CANONICAL = 525,   // it cannot be in canonical form, or is not
    CAPNP_STATUS_END = 526,
};

static inline status_t capnp_error(enum capnp_status code) {
    return (status_t){code};
}

// One short sentence without a full stop, for a person. nullptr for codes that are not this library's.
const char *capnp_status_text(status_t status);
