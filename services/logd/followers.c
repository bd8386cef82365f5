// A follower is told once, and then not before it has asked for what there is: a flood costs one signal for each time that it reads.
// One whose notification is gone, with the account that paid for it, is forgotten as soon as it would be told.
#include "abi/gen/abi.h"
#include "lib/tess/handle.h"
#include "services/logd/logd.h"

constexpr size_t FOLLOWERS_MAX = 16;

struct follower {
    handle_t notification; // 0: free
    uint64_t holder, bits;
};

static struct follower followers[FOLLOWERS_MAX];
static uint32_t waiting; // bit i: followers[i] is to be told of the next record

static_assert(FOLLOWERS_MAX <= 32);

static void forget(struct follower *follower) {
    tess_close(follower->notification);
    *follower = (struct follower){};
    waiting &= ~(1u << (follower - followers));
}

// No bits: nothing happens to one that is there.
static void forget_the_dead(void) {
    for (size_t i = 0; i < FOLLOWERS_MAX; i++) {
        if (tess_handle_valid(followers[i].notification) && !status_ok(tess_signal(followers[i].notification, 0))) {
            forget(&followers[i]);
        }
    }
}

static struct follower *find(uint64_t holder) {
    for (size_t i = 0; i < FOLLOWERS_MAX; i++) {
        if (tess_handle_valid(followers[i].notification) && followers[i].holder == holder) {
            return &followers[i];
        }
    }
    return nullptr;
}

static struct follower *find_free(void) {
    for (size_t i = 0; i < FOLLOWERS_MAX; i++) {
        if (!tess_handle_valid(followers[i].notification)) {
            return &followers[i];
        }
    }
    return nullptr;
}

status_t follower_set(struct rpc_request *request, uint64_t holder, handle_t notification, uint64_t bits) {
    struct follower *follower = find(holder);
    if (tess_handle_valid(notification) && !status_ok(tess_signal(notification, 0))) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "a follower is a notification with the right SIGNAL");
    }
    if (follower != nullptr) {
        forget(follower);
    }
    if (!tess_handle_valid(notification)) {
        return STATUS_OK;
    }
    follower = find_free();
    if (follower == nullptr) {
        forget_the_dead();
        follower = find_free();
    }
    if (follower == nullptr) {
        return rpc_refuse(request, RPC_OVERLOADED, "%zu follow the log already", FOLLOWERS_MAX);
    }
    *follower = (struct follower){rpc_request_keep(request, notification), holder, bits};
    waiting |= 1u << (follower - followers);
    return STATUS_OK;
}

void follower_asked(uint64_t holder) {
    const struct follower *follower = find(holder);
    if (follower != nullptr) {
        waiting |= 1u << (follower - followers);
    }
}

void followers_tell(void) {
    while (waiting != 0) {
        struct follower *follower = &followers[__builtin_ctz(waiting)];
        waiting &= waiting - 1;
        if (!status_ok(tess_signal(follower->notification, follower->bits))) {
            forget(follower);
        }
    }
}

uint32_t followers_count(void) {
    uint32_t count = 0;
    forget_the_dead();
    for (size_t i = 0; i < FOLLOWERS_MAX; i++) {
        count += tess_handle_valid(followers[i].notification);
    }
    return count;
}
