// A kernel and a service for the tests of this room: client and service are one process, and share one message page.
#pragma once

#include "base/test.h"
#include "lib/rpc/call.h"
#include "lib/rpc/promise.h"
#include "lib/rpc/serve.h"

constexpr uint32_t VMO_FIRST = 100, VMOS = 4, HANDLES = 200;

// What happens, and what is to happen.
extern struct play {
    alignas(4096) uint8_t page[MESSAGE_PAGE_BYTES];
    bool open[HANDLES]; // handles of the two processes, which are one here
    struct {
        uint8_t *memory;
        uint64_t len_bytes, committed_bytes;
        bool mapped, foreign_writer;
    } vmos[VMOS];
    unsigned calls, dying, sends;
    struct tess_message asked, request, answer; // as it was sent; as the service gets it; as it answered
    struct tess_message queued;                 // the request that comes when this one is answered
    status_t answer_status;                     // what delivering the answer comes to
    bool answered, only_answered;               // the latter: without a receive
    handle_t reply;
    uint64_t now_ns;
    unsigned messages;                // that the service got
    handle_t targets[RPC_RING_CALLS]; // of each, modulo
    uint32_t label;                   // of the last
    unsigned cancels, entries;        // of the ring: that were cancelled, and calls
    bool (*enter)(const struct ring_entry *entry, struct ring_completion *done); // any other entry; false: it is not over

    struct {
        bool here; // the handle leads to the service itself
        uint64_t badge;
        uint32_t rights;
    } leads[HANDLES];
    unsigned lent, adds; // capabilities that were given; calls of `add` that were served
    uint64_t badges;     // those of calls of `add`, together
    bool is_old;         // the service knows nothing of calls that come together
    bool gives_elsewhere;
    bool gives_twice;    // `lend` puts another capability where it puts its result afterwards
    bool mints;          // `lend` leaves it to the runtime to make the capability
    unsigned minted;     // capabilities that were made
    unsigned stale;      // handles that were closed when they were closed already
    status_t mint_status; // what making the next comes to
    void (*tamper)(struct tess_message *answer); // with what the service answers

    struct rpc_server server;
    struct rpc_deferred deferred;
    handle_t kept;
    bool at_once; // the service answers before it receives
} play;

handle_t opened(uint32_t number);
unsigned open_handles(void);
bool all_unmapped(void);

// ---- The service ----

constexpr uint64_t INTERFACE = 0xd1a6'70c3'5e2b'9401;
constexpr struct rpc_method add = {INTERFACE, 0, true, {2, 0, true}, {1, 0, true}, false};
constexpr struct rpc_method lend = {INTERFACE, 1, false, {1, 3, true}, {0, 2, true}, false};
constexpr struct rpc_method echo = {INTERFACE, 2, true, {1, 2, false}, {1, 2, false}, false};
constexpr struct rpc_method later = {INTERFACE, 3, false, {0, 0, true}, {1, 0, true}, false};
constexpr struct rpc_method tell = {INTERFACE, 4, true, {0, 0, true}, {0, 1, false}, false};
constexpr struct rpc_method pass = {INTERFACE, 5, true, {1, 1, true}, {0, 1, true}, false};
constexpr struct rpc_method once = {INTERFACE, 7, false, {1, 0, true}, {1, 0, true}, false};
constexpr struct rpc_method lend_text = {INTERFACE, 8, false, {1, 0, true}, {0, 2, false}, false}; // and a capability, in a page
constexpr struct rpc_method silent = {INTERFACE, 6, true, {0, 0, true}, {0, 0, true}, false};

// A new service, and nothing has happened.
void begin(void);

// What it makes of a request.
status_t dispatch(struct rpc_request *of);

// Its loop, as long as there is something for it.
void serve(void);

// ---- Clients ----

status_t call_add(struct rpc_call *call, uint64_t a, uint64_t b, uint64_t *sum);
status_t call_echo(struct rpc_call *call, uint64_t number, const char *text, struct capnp_data data, struct capnp_struct *results);

// As generated stubs of a method with plain parameters.
struct rpc_promise submit_of(struct rpc_ring *ring, const struct rpc_method *method, struct rpc_target target, uint64_t a, uint64_t b);
status_t stub_of(const struct rpc_method *method, struct rpc_call *call, uint64_t a, uint64_t b, struct capnp_struct *results);
status_t stub_add(struct rpc_call *call, uint64_t a, uint64_t b, uint64_t *sum);
