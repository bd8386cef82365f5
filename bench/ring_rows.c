#include "bench/ring_rows.h"

#include "bench/peer.h"
#include "lib/tess/handle.h"
#include "lib/tess/message.h"
#include "lib/tess/panic.h"
#include "lib/tess/ring.h"
#include "lib/tess/syscall.h"

static struct tess_ring ring;
static handle_t peer;

static void require(status_t status, const char *what) {
    if (!status_ok(status)) {
        tess_panic("bench: %s: status %u", what, status.code);
    }
}

void ring_rows_begin(handle_t service) {
    peer = service;
    struct tess_message message = {.info = message_info(PEER_KEEP, 0, 1, 0)};
    tess_message_set_handle(&message, 0, peer);
    require(tess_call(peer, &message, DEADLINE_NEVER), "call");
}

// The thread's ring, of which it can have one: a row's own, and not measured.
static void open_ring(void) {
    require(tess_ring_create(64, 64, 0, &ring), "create_ring");
}

static uint64_t close_ring(uint64_t ticks) {
    tess_ring_destroy(&ring);
    return ticks;
}

// Reads all completions, which must be this many and good.
static void read_all(uint32_t count) {
    uint32_t failed = 0;
    if (tess_ring_available(&ring) != count) {
        tess_panic("bench: %u completions instead of %u", tess_ring_available(&ring), count);
    }
    for (uint32_t i = 0; i < count; i++) {
        failed |= tess_ring_at(&ring, i)->status;
    }
    if (failed != 0) {
        tess_panic("bench: a ring entry failed: status %u", failed);
    }
    tess_ring_read(&ring, count);
}

static uint64_t nops(uint64_t count, uint32_t batch) {
    open_ring();
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i += batch) {
        for (uint32_t k = 0; k < batch; k++) {
            (void)tess_ring_put_nop(&ring, k);
        }
        require(tess_ring_enter(&ring, batch, DEADLINE_NEVER), "ring_enter");
        read_all(batch);
    }
    return close_ring(tess_arch_cycles() - start);
}

uint64_t ring_nop_1(uint64_t count) {
    return nops(count, 1);
}

uint64_t ring_nop_64(uint64_t count) {
    return nops(count, 64);
}

static void tell_peer(uint64_t info) {
    require(tess_call0(peer, &info, DEADLINE_NEVER), "call");
}

uint64_t ring_call_64(uint64_t count) {
    open_ring();
    tell_peer(PEER_RING);
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i += 64) {
        for (uint32_t k = 0; k < 64; k++) {
            (void)tess_ring_put(&ring, tess_ring_call(peer, PEER_ECHO, k));
        }
        require(tess_ring_enter(&ring, 64, DEADLINE_NEVER), "ring_enter");
        read_all(64);
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    tell_peer(PEER_STOP);
    return close_ring(ticks);
}

// The same three calls, the second on the handle that the first returns and the third on that of the second: one after the
// other, and at once. Both handles are closed.

uint64_t plain_3(uint64_t count) {
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        struct tess_message message = {.info = PEER_GIVE | tess_accept(1)};
        require(tess_call(peer, &message, DEADLINE_NEVER), "call");
        const handle_t first = tess_message_handle(&message, 0);
        message.info = PEER_GIVE | tess_accept(1);
        require(tess_call(first, &message, DEADLINE_NEVER), "call");
        const handle_t second = tess_message_handle(&message, 0);
        tess_close(first);
        message.info = PEER_ECHO;
        require(tess_call(second, &message, DEADLINE_NEVER), "call");
        tess_close(second);
    }
    return tess_arch_cycles() - start;
}

uint64_t ring_linked_3(uint64_t count) {
    open_ring();
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t first = tess_ring_put(&ring, tess_ring_expect(tess_ring_call(peer, PEER_GIVE, 1)));
        const uint32_t second = tess_ring_put(&ring, tess_ring_last(tess_ring_expect(tess_ring_call(peer, PEER_GIVE, 2)), first, 0));
        (void)tess_ring_put(&ring, tess_ring_last(tess_ring_call(peer, PEER_ECHO, 3), second, 0));
        require(tess_ring_enter(&ring, 3, DEADLINE_NEVER), "ring_enter");
        read_all(3);
    }
    return close_ring(tess_arch_cycles() - start);
}
