// Calling a method of a contract. Generated stubs are written over this; how a call travels is said in
// docs/decisions/contract-calls.md.
//
// Parameters are built in the calling thread's message page, or in registers where all of them fit; results are read
// there, until the thread's next call. Handles among the results are the caller's to close.
#pragma once

#include "abi/message.h"
#include "lib/capnp/build.h"
#include "lib/rpc/status.h"
#include "lib/tess/message.h"

constexpr uint32_t RPC_CONTRACT = 1u << 31;    // label: a contract's call
constexpr uint32_t RPC_OUT_OF_BAND = 1u << 30; // label: the parameters are in a VMO
constexpr uint32_t RPC_ORDINAL_MASK = 0xffff;
constexpr uint32_t RPC_WORDS_SHIFT = 16;       // how many data words are in registers
constexpr uint32_t RPC_WORDS_MASK = 7;
constexpr uint32_t RPC_POINTERS_SHIFT = 20;    // which of the first four pointers are capabilities that travel
constexpr uint32_t RPC_POINTERS_MASK = 15;
constexpr uint32_t RPC_REGISTER_WORDS = 5;

// A call whose parameters are being built.
struct rpc_call {
    struct capnp_builder builder;
    handle_t target;
    uint64_t interface;
    uint16_t method;
};

// Makes the parameters, in the message page. Nothing fails before rpc_finish.
struct capnp_struct_builder rpc_begin(struct rpc_call *call, handle_t target, uint64_t interface, uint16_t method,
                                      uint16_t data_words, uint16_t pointers);

// Calls, and waits for the answer. `results` may be null. May block until the deadline. An error of the kernel's, of the
// encoding (CAPNP_NO_SPACE: the parameters do not fit), or an exception, whose text rpc_exception_text returns.
status_t rpc_finish(struct rpc_call *call, uint64_t deadline_ns, struct capnp_struct *results);

// Makes parameters of so many data words (at most RPC_REGISTER_WORDS) that travel in the message's own words.
static inline struct capnp_struct_builder rpc_registers(struct tess_message *message, uint64_t interface,
                                                        uint16_t method, uint16_t data_words) {
    *message = (struct tess_message){
        .info = RPC_CONTRACT | (uint32_t)data_words << RPC_WORDS_SHIFT | method,
        .words = {interface},
    };
    return (struct capnp_struct_builder){.data = message->words + 1, .data_words = data_words};
}

// Adds the capability of pointer `pointer`, 0..3; they are added in this order. 0: null, which is left out.
void rpc_registers_handle(struct tess_message *message, uint32_t pointer, handle_t handle);

// Sends what rpc_registers made; the rest is as rpc_finish.
status_t rpc_exchange(handle_t target, struct tess_message *message, uint64_t deadline_ns, struct capnp_struct *results);

// What the service said about the thread's last call when that ended in an exception; "" else. Until the next call.
struct capnp_text rpc_exception_text(void);
