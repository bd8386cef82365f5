// Calls whose answers take long: meanwhile Ctrl-C is noticed, and programs in pipes are served.
//
// They go over the one ring that a thread has, so one is made at a time.
#pragma once

#include "lib/rpc/promise.h"

// Makes the ring, for one call. IN_USE: another call is being waited for.
status_t answers_open(struct rpc_ring **ring);

// Waits for the answer; its results are good until answers_close. A Ctrl-C that comes with the answer is for what follows. One before
// it ends the wait, with CANCELED, or, unless `ends_by_interrupt`, is for nothing. Other statuses as of rpc_take.
status_t answers_wait(struct rpc_promise promise, bool ends_by_interrupt, struct capnp_struct *results);

// Ends the ring, and a call that is still being made.
void answers_close(void);
