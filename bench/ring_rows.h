// The rows that measure rings. Each does `count` operations and returns the ticks that they took.
#pragma once

#include <stdint.h>

#include "abi/types.h"

// Tells the service whom the rows call.
void ring_rows_begin(handle_t peer);

uint64_t ring_nop_1(uint64_t count);      // one entry, one ring_enter
uint64_t ring_nop_64(uint64_t count);     // 64 entries, one ring_enter
uint64_t ring_call_64(uint64_t count);    // 64 calls of a service in another process under way at once
uint64_t plain_3(uint64_t count);         // three calls without a ring, each on the handle that the one before returns; handles closed
uint64_t ring_linked_3(uint64_t count);   // the same through the ring, each an entry that names the one before
