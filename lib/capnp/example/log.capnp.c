#include "lib/capnp/example/log.capnp.h"

static const uint64_t nobody_words[] = {
    0x0001'0001'0000'0000, // struct, 1 word of data, 1 pointer
    0x0000'0000'0000'0007, // holder
    0x0000'003a'0000'0001, // name
    0x0000'7964'6f62'6f6e,
};

struct capnp_text log_greeting(void) {
    return CAPNP_TEXT("hello");
}

struct log_origin log_nobody(void) {
    return log_origin_at(capnp_constant(nobody_words));
}
