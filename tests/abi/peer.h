// Other threads in the suite's own process: servers, callers and waiters of the IPC cases.
//
// A peer has its own stack and, if wanted, its own message page, but no thread-local storage: it uses
// system calls and its struct peer, nothing else of the runtime.
#pragma once

#include "abi/types.h"
#include "lib/tess/message.h"

constexpr uint32_t PEER_COUNT = 4;

// thread.info's states.
constexpr uint64_t THREAD_STATE_SENDING = 3;
constexpr uint64_t THREAD_STATE_RECEIVING = 4;
constexpr uint64_t THREAD_STATE_AWAITING_REPLY = 5;
constexpr uint64_t THREAD_STATE_WAITING = 6;
constexpr uint64_t THREAD_STATE_ENDED = 7;

struct peer;
typedef void peer_fn(struct peer *peer);

struct peer {
    peer_fn *run;
    handle_t thread;
    uint8_t *page; // its message page, null for none
    handle_t handle[4];
    uint64_t arg[4];
    // Written by the peer, read after peer_join.
    status_t status;
    struct tess_message message;
    uint64_t result[4];
    uint32_t slot;
    uint32_t done; // set by peer_finish, last
};

enum peer_page : uint8_t { PEER_WITH_PAGE, PEER_WITHOUT_PAGE };

// Starts `fn` in slot 0..PEER_COUNT-1. The caller has filled handle[] and arg[].
bool peer_start(struct peer *peer, uint32_t slot, enum peer_page page, peer_fn *fn);

// Waits until the peer's thread is blocked in a system call.
bool peer_await_blocked(struct peer *peer);

// Waits until it has returned from `fn`, and closes its thread handle.
bool peer_join(struct peer *peer);
