// A struct on its way: parameters or results, in registers, in the message page, or with a second segment out of band.
#pragma once

#include "lib/capnp/build.h"
#include "lib/capnp/read.h"
#include "lib/rpc/method.h"
#include "lib/rpc/segment.h"
#include "lib/tess/message.h"

// A message in small: root pointer, data, pointers.
constexpr uint32_t RPC_SMALL_WORDS = 1 + RPC_REGISTER_WORDS + RPC_REGISTER_POINTERS;

// A capability to the server's own endpoint that is made when it is given away (rpc_mint).
struct rpc_mint {
    uint64_t badge, interface_id;
    rights_t rights;
};

// Under construction.
struct rpc_outgoing {
    struct capnp_builder builder;
    struct capnp_segment segments[2];
    struct rpc_segment out_of_band;
    bool in_registers;
    bool plain; // in registers and without pointers: `builder`, `segments` and `out_of_band` are not used
    uint16_t data_words; // if plain
    uint8_t unminted;    // if not: bit i: handle i of the builder is 0 yet, and is to be as mints[i] says
    struct rpc_mint mints[CAPNP_FEW_HANDLES];
    uint64_t small[RPC_SMALL_WORDS];
};

// The struct, all zero: in `small` where the shape allows it, else in `page` (MESSAGE_PAGE_BYTES), and with `may_grow` what does
// not fit there in a VMO. It may be ended at any time.
struct capnp_struct_builder rpc_outgoing_begin(struct rpc_outgoing *outgoing, const struct rpc_shape *shape, void *page,
                                               bool may_grow);

// Makes one out of a handle to the endpoint that has MINT. The kernel's statuses.
status_t rpc_mint_make(const struct rpc_mint *mint, handle_t endpoint, handle_t *out);

// Makes the capabilities that are yet to be made. When one of them can't be made, those before it are there.
status_t rpc_outgoing_mint_all(struct rpc_outgoing *outgoing, handle_t endpoint);
static inline status_t rpc_outgoing_mint(struct rpc_outgoing *outgoing, handle_t endpoint) {
    return outgoing->unminted != 0 ? rpc_outgoing_mint_all(outgoing, endpoint) : STATUS_OK;
}

// Whether all that the struct has of capabilities is one that is yet to be made. Then *mint is how, and *message the struct as
// rpc_outgoing_pack has it, with 0 in the place of the handle; but without what is in a page, and with the words beyond the data as
// they were.
bool rpc_outgoing_keep_back(const struct rpc_outgoing *outgoing, struct tess_message *message, struct rpc_mint *mint);

// Ends the construction: puts words 1..7 and the header's page and handles into *message (whose label the caller sets), and
// what the label or word 0 has to say of the form into *form. The builder's error when there was one.
status_t rpc_outgoing_pack(struct rpc_outgoing *outgoing, struct tess_message *message, uint32_t *form);

// Gives up what is left of it: the VMO, and of the handles that were to be given away those that were not: with `undelivered` all.
void rpc_outgoing_end_held(struct rpc_outgoing *outgoing, bool undelivered);
static inline void rpc_outgoing_end(struct rpc_outgoing *outgoing, bool undelivered) {
    if (!outgoing->plain) {
        rpc_outgoing_end_held(outgoing, undelivered);
    }
}

// Whether a message of this header and form has its struct in registers, without any capability.
static inline bool rpc_is_plain(uint64_t info, uint32_t form) {
    return message_page_bytes(info) == 0 && message_handle_count(info) == 0 &&
           (form & RPC_FORM) <= RPC_REGISTER_WORDS << RPC_WORDS_SHIFT;
}

// The struct of such a message, where it lies.
static inline struct capnp_struct rpc_plain_struct(const struct tess_message *message, uint32_t form) {
    return (struct capnp_struct){.data = (const uint8_t *)&message->words[1],
                                 .data_bytes = (form & RPC_FORM) >> RPC_WORDS_SHIFT << 3};
}

// The struct of the parameters, all zero, in `request`, which is all zero.
static inline struct capnp_struct_builder rpc_plain_params(struct tess_message *request, const struct rpc_method *method) {
    return (struct capnp_struct_builder){.data = &request->words[1], .data_words = method->params.data_words};
}

// Whether a message is a request whose parameters are in registers, without any capability, and whose sender waits.
static inline bool rpc_is_plain_call(uint64_t info) {
    constexpr uint64_t FREE = RPC_ORDINAL | 7 << RPC_WORDS_SHIFT;
    return (info & ~(FREE | RPC_EXTENSION)) == (RPC_CONTRACT | MESSAGE_WANTS_REPLY) && (info & FREE) <= (RPC_REGISTER_WORDS << RPC_WORDS_SHIFT | RPC_ORDINAL);
}

// Received. Must stay where it is while it is read.
struct rpc_incoming {
    bool owns; // handles, or a mapping; else there is nothing to give up
    struct capnp_message message; // `error` is always good to be read
    struct capnp_segment segments[2];
    struct rpc_segment out_of_band;
    uint32_t handle_count;
    handle_t handles[MESSAGE_HANDLES]; // owned, 0 once kept
    uint64_t small[RPC_SMALL_WORDS];
};

// Takes a received message apart; its handles belong to *incoming from now on, in every case. The struct lies in `words`,
// in `small` or in `page`. INVALID_ARGUMENT when the message is none.
status_t rpc_incoming_open(struct rpc_incoming *incoming, uint32_t form, const struct tess_message *message, void *page,
                           struct capnp_struct *root);

// Only takes the handles over: of a message that is not looked into.
void rpc_incoming_adopt(struct rpc_incoming *incoming, const struct tess_message *message);

// Takes a handle that came out of its care: it is the caller's to close. Returns it.
handle_t rpc_incoming_keep(struct rpc_incoming *incoming, handle_t handle);

// Closes the handles that were not kept, unmaps what came out of band. Twice does no harm.
void rpc_incoming_end_held(struct rpc_incoming *incoming);
static inline void rpc_incoming_end(struct rpc_incoming *incoming) {
    if (incoming->owns) {
        rpc_incoming_end_held(incoming);
    }
}

// Copies a person's text out of an answer's page: one line, without control characters. Returns `text`.
const char *rpc_page_text(uint64_t info, const void *page, char text[RPC_TEXT_BYTES]);
