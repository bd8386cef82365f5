// The other process of every measurement that needs two.
#include "abi/gen/stubs.h"
#include "bench/peer.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/message.h"
#include "lib/tess/panic.h"
#include "lib/tess/park.h"
#include "lib/tess/ring.h"
#include "lib/tess/syscall.h"

static void require(status_t status, const char *what) {
    if (!status_ok(status)) {
        tess_panic("bench_peer: %s: status %u", what, status.code);
    }
}

static void pingpong(handle_t wait, handle_t signal, uint64_t rounds) {
    for (uint64_t bits; rounds > 0; rounds--) {
        require(tess_wait(wait, &bits, DEADLINE_NEVER), "wait");
        require(tess_signal(signal, 1), "signal");
    }
    tess_close(wait);
    tess_close(signal);
}

// Takes the odd turns.
static void park(handle_t vmo, uint64_t rounds) {
    const handle_t vspace = tess_self_vspace();
    uint64_t address = 0;
    require(tess_vspace_map(vspace, vmo, 0, 4096, 0, PROT_READ | PROT_WRITE, &address), "map");
    _Atomic uint32_t *turn = (_Atomic uint32_t *)address;
    for (; rounds > 0; rounds--) {
        while (atomic_load(turn) == 0) {
            (void)tess_park(turn, 0, DEADLINE_NEVER);
        }
        atomic_store(turn, 0);
        require(tess_unpark(turn, 1), "unpark");
    }
    require(tess_vspace_unmap(vspace, address, 4096), "unmap");
    tess_close(vmo);
}

static void touch(handle_t vmo) {
    const handle_t vspace = tess_self_vspace();
    uint64_t address = 0;
    require(tess_vspace_map(vspace, vmo, 0, 4096, 0, PROT_READ | PROT_WRITE, &address), "map");
    *(volatile uint64_t *)address += 1;
    require(tess_vspace_unmap(vspace, address, 4096), "unmap");
    tess_close(vmo);
}

// As many calls as have come are answered by one ring_enter, with their own words.
static void serve_ring(handle_t endpoint) {
    struct tess_ring ring;
    bool stop = false;
    require(tess_ring_create(64, 64, 0, &ring), "create_ring");
    for (uint8_t i = 1; i <= 64; i++) {
        (void)tess_ring_put(&ring, tess_ring_receive(endpoint, i, i));
    }
    while (!stop) {
        require(tess_ring_enter(&ring, 1, DEADLINE_NEVER), "ring_enter");
        const uint32_t count = tess_ring_available(&ring);
        for (uint32_t i = 0; i < count; i++) {
            const struct ring_completion *call = tess_ring_at(&ring, i);
            require((status_t){call->status}, "ring receive");
            stop |= message_label(call->info) == PEER_STOP;
            (void)tess_ring_put(&ring, tess_ring_return(call, 0, (uint8_t)call->user_data));
        }
        tess_ring_read(&ring, count);
    }
    require(tess_ring_enter(&ring, 0, DEADLINE_NEVER), "ring_enter");
    tess_ring_destroy(&ring);
}

static handle_t paged, source, kept;

static void keep_pager(const struct tess_message *message) {
    tess_close(paged);
    tess_close(source);
    paged = tess_message_handle(message, 0);
    source = tess_message_handle(message, 1);
}

// Prepares the answer in `message`; what must happen after it is sent goes into `later`.
static void serve(struct tess_message *message, struct tess_message *later) {
    later->info = 0;
    const uint32_t page_bytes = message_page_bytes(message->info);
    if ((message->info & MESSAGE_FAULT) != 0) { // a page is wanted
        const uint64_t offset = message->words[PAGE_REQUEST_OFFSET];
        require(tess_vmo_supply(paged, offset, 4096, source, offset), "supply");
        message->info = 0;
        return;
    }
    switch ((enum peer_request)message_label(message->info)) {
    case PEER_ECHO: message->info = message_info(0, page_bytes, 0, 0); break;
    case PEER_CLOSE:
        tess_close(tess_message_handle(message, 0));
        message->info = 0;
        break;
    case PEER_RETURN: message->info = message_info(0, 0, 1, 1); break;
    case PEER_KEEP:
        tess_close(kept);
        kept = tess_message_handle(message, 0);
        message->info = 0;
        break;
    case PEER_GIVE:
        message->info = message_info(0, 0, 1, 0);
        tess_message_set_handle(message, 0, kept);
        break;
    case PEER_PINGPONG:
    case PEER_PARK:
    case PEER_YIELD:
    case PEER_RING:
        *later = *message;
        message->info = 0;
        break;
    case PEER_PAGE:
        keep_pager(message);
        message->info = 0;
        break;
    case PEER_STOP: message->info = 0; break;
    case PEER_TOUCH:
        touch(tess_message_handle(message, 0));
        message->info = 0;
        break;
    }
}

static void run_later(handle_t endpoint, const struct tess_message *later) {
    switch ((enum peer_request)message_label(later->info)) {
    case PEER_PINGPONG:
        pingpong(tess_message_handle(later, 0), tess_message_handle(later, 1), later->words[0]);
        break;
    case PEER_RING: serve_ring(endpoint); break;
    case PEER_PARK: park(tess_message_handle(later, 0), later->words[0]); break;
    case PEER_YIELD:
        for (uint64_t i = 0; i < later->words[0]; i++) {
            tess_yield();
        }
        break;
    default: break;
    }
}

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    const handle_t endpoint = tess_cap_required("bench_peer", 0);
    struct tess_message message = {.info = tess_accept(4)}, later = {};
    require(tess_recv(endpoint, &message, DEADLINE_NEVER), "recv");
    for (;;) {
        if (message_label(message.info) == PEER_ECHO && (message.info & 0x0000'ffff'0000'0000) == 0) {
            message.info = tess_accept(4); // the shortest loop that a service can have
        } else {
            serve(&message, &later);
            if (later.info != 0) {
                require(tess_reply(&message), "reply");
                run_later(endpoint, &later);
                message.info = tess_accept(4);
                require(tess_recv(endpoint, &message, DEADLINE_NEVER), "recv");
                continue;
            }
            message.info |= tess_accept(4);
        }
        require(tess_reply_recv(endpoint, &message, DEADLINE_NEVER), "reply_recv");
    }
}
