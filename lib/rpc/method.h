// What stubs and dispatch code know about a method: one constant each, made by tools/capnpc-c.
// How calls travel, and what each bit below is for: docs/decisions/contract-calls.md.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/message.h"
#include "abi/types.h"

// Data words, and capabilities, that fit into the registers of a message.
constexpr uint32_t RPC_REGISTER_WORDS = 5;
constexpr uint32_t RPC_CAUSE_WORD = 7;    // of a request: what it is made for; unless its handles take the word,
constexpr uint32_t RPC_CAUSE_HANDLES = 2; // being more than so many
constexpr uint32_t RPC_REGISTER_POINTERS = MESSAGE_HANDLES;

// What travels out of band is not longer.
constexpr uint64_t RPC_OUT_OF_BAND_MAX = 1ull << 20;

// A struct of parameters or results as this program knows it; the other side may know a longer or a shorter one.
struct rpc_shape {
    uint16_t data_words;
    uint16_t pointers;
    bool in_registers; // within the two limits above, and every pointer is a capability
};

// No pointers at all: nothing but numbers, and nothing to be owned or given up.
static inline bool rpc_shape_is_plain(const struct rpc_shape *shape) {
    return shape->in_registers && shape->pointers == 0;
}

struct rpc_method {
    uint64_t interface_id; // of the interface that declares it
    uint16_t ordinal;
    bool repeatable;
    struct rpc_shape params, results;
    bool extends; // that interface extends the one for everybody
};

// The label of a request; RPC_FORM of it is also word 0 of an answer.
constexpr uint32_t RPC_ORDINAL = 0xffff;
constexpr uint32_t RPC_WORDS_SHIFT = 16;        // data words in registers: 3 bits
constexpr uint32_t RPC_EXTENSION = MESSAGE_MARK; // the method is of an interface that extends the one for everybody
constexpr uint32_t RPC_CAPABILITIES_SHIFT = 20; // which of the first four pointers are capabilities that travel
constexpr uint32_t RPC_OUT_OF_BAND = 1u << 30;  // the last handle is a VMO with the second segment
constexpr uint32_t RPC_CONTRACT = 1u << 31;     // always set in a request: the kernel's methods have 0 there
constexpr uint32_t RPC_FORM = 7u << RPC_WORDS_SHIFT | 15u << RPC_CAPABILITIES_SHIFT | RPC_OUT_OF_BAND;

// What a label or word 0 says of the form of a plain struct.
static inline uint32_t rpc_plain_form(const struct rpc_shape *shape) {
    return (uint32_t)shape->data_words << RPC_WORDS_SHIFT;
}

// What a request's label says of the method.
static inline uint32_t rpc_method_label(const struct rpc_method *method) {
    return RPC_CONTRACT | (method->extends ? RPC_EXTENSION : 0) | method->ordinal;
}

// The header of a request with plain parameters. Results in registers without capabilities bring no handle, in the ordinary
// case.
static inline uint64_t rpc_plain_info(const struct rpc_method *method) {
    const uint64_t accept = rpc_shape_is_plain(&method->results) ? 0 : MESSAGE_HANDLES;
    return rpc_method_label(method) | rpc_plain_form(&method->params) | accept << MESSAGE_ACCEPT_SHIFT;
}

// An exception: the label of an answer, and the code of the status_t that a stub returns for it. 0 is results, 1..255 are the
// kernel's codes, passed on by a service.
enum rpc_exception : uint32_t {
    RPC_FAILED = 256,           // it was tried and did not work
    RPC_OVERLOADED = 257,       // not now; try again
    RPC_DISCONNECTED = 258,     // what it takes to answer is gone: the service, or what it depends on
    RPC_UNIMPLEMENTED = 259,    // the object has no such interface or method, or not through this handle
    RPC_INVALID_ARGUMENT = 260, // the request is malformed, or breaks the contract
    RPC_BAD_ANSWER = 261,       // made by stubs only: the service's answer is malformed
    RPC_DENIED = 262,           // this holder lacks the authority; the text says which, and who may give it
    RPC_EXCEPTION_END = 263,
};

constexpr size_t RPC_TEXT_BYTES = 256; // of an exception's text, with its NUL

static inline status_t rpc_status(enum rpc_exception code) {
    return (status_t){code};
}

// One short sentence without a full stop, for a person: for exceptions, errors of messages and the kernel's codes that a
// call may end in. Never nullptr.
const char *rpc_status_text(status_t status);
