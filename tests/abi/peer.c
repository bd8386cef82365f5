// Threads beside the main one.
#include "tests/abi/peer.h"

#include "lib/tess/syscall.h"
#include "tests/abi/suite.h"
#include "raw.h"

constexpr uint64_t STACK_BYTES = 16 * 1024;
constexpr uint64_t PATIENCE_MS = 5'000;

alignas(16) static uint8_t stacks[PEER_COUNT][STACK_BYTES];
alignas(MESSAGE_PAGE_BYTES) static uint8_t pages[PEER_COUNT][MESSAGE_PAGE_BYTES];

[[noreturn]] static void peer_entry(struct peer *peer) {
    peer->run(peer);
    __atomic_store_n(&peer->done, 1, __ATOMIC_RELEASE);
    uint64_t words[8] = {};
    for (;;) {
        (void)raw_invoke(peer->thread, THREAD_EXIT, words).code;
    }
}

bool peer_start(struct peer *peer, uint32_t slot, enum peer_page page, peer_fn *fn) {
    peer->run = fn;
    peer->slot = slot;
    peer->page = page == PEER_WITH_PAGE ? pages[slot] : nullptr;
    peer->done = 0;
    uint64_t top = (uint64_t)(uintptr_t)&stacks[slot][STACK_BYTES] - 8;
    return suite_check_status(tess_process_create_thread(suite.process, (uint64_t)(uintptr_t)peer_entry, top,
                                                         (uint64_t)(uintptr_t)peer, (uint64_t)(uintptr_t)peer->page,
                                                         BAND_NORMAL, 0, &peer->thread),
                              STATUS_OK, "peer_start", __FILE__, __LINE__);
}

static uint64_t thread_state(handle_t thread) {
    uint64_t state = 0;
    EXPECT_OK(tess_thread_info(thread, nullptr, &state, nullptr, nullptr));
    return state;
}

bool peer_await_blocked(struct peer *peer) {
    uint64_t end = suite_after_ms(PATIENCE_MS);
    for (uint64_t state = 0; state < THREAD_STATE_SENDING || state > THREAD_STATE_WAITING;) {
        state = thread_state(peer->thread);
        if (!suite_check(suite_now_ns() < end, "the peer blocks", __FILE__, __LINE__)) {
            return false;
        }
        tess_yield();
    }
    return true;
}

bool peer_join(struct peer *peer) {
    uint64_t end = suite_after_ms(PATIENCE_MS);
    while (__atomic_load_n(&peer->done, __ATOMIC_ACQUIRE) == 0 ||
           thread_state(peer->thread) != THREAD_STATE_ENDED) {
        if (!suite_check(suite_now_ns() < end, "the peer ends", __FILE__, __LINE__)) {
            return false;
        }
        tess_yield();
    }
    suite_close(peer->thread);
    return true;
}
