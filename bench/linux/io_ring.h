// io_uring by its system calls: enough of it for operations that do nothing.
#pragma once

#include <stdint.h>

// Runs `count` NOPs in batches of `batch` (at most 64), each batch one system call that also waits for its
// completions, which are then taken off the queue. Returns the ticks that it took.
uint64_t io_ring_nops(uint64_t count, uint32_t batch);
