#include "lib/commands/answers.h"

#include "abi/gen/stubs.h"
#include "lib/commands/shell.h"
#include "lib/tess/clock.h"
#include "lib/tess/syscall.h"

constexpr uint64_t LOOK_AGAIN_MS = 1000;

static struct rpc_ring ring;
static bool is_open;

status_t answers_open(struct rpc_ring **out) {
    if (is_open) {
        return STATUS_IN_USE; // by whoever waits while this is printed
    }
    TRY(rpc_ring_create(1, &ring));
    const status_t status = tess_ring_bind(ring.ring.handle, shell.events, BIT_ANSWER);
    if (!status_ok(status)) {
        rpc_ring_destroy(&ring);
        return status;
    }
    is_open = true;
    *out = &ring;
    return STATUS_OK;
}

// The ring says in the shell's notification that something has come.
status_t answers_wait(struct rpc_promise promise, bool ends_by_interrupt, struct capnp_struct *results) {
    TRY(rpc_flush(&ring));
    for (;;) {
        if (rpc_answered(&ring, promise)) {
            return rpc_take(&ring, promise, DEADLINE_POLL, results);
        }
        uint64_t bits = 0;
        if (!status_ok(shell_take_events(&bits, tess_deadline_after_ms(LOOK_AGAIN_MS)))) {
            shell.front->watch_interrupts(); // in case that the console was replaced meanwhile
        } else if ((bits & BIT_INTERRUPT) != 0 && rpc_answered(&ring, promise)) {
            (void)tess_signal(shell.events, BIT_INTERRUPT); // it is there for whoever asks next
        } else if ((bits & BIT_INTERRUPT) != 0 && ends_by_interrupt) {
            return STATUS_CANCELED;
        }
    }
}

void answers_close(void) {
    rpc_ring_destroy(&ring);
    is_open = false;
}
