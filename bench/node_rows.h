// The rows of dependent calls by generated stubs. Each does `count` operations and returns the ticks that they took.
#pragma once

#include <stdint.h>

#include "abi/types.h"

// Says which service the rows call.
void node_rows_begin(handle_t service);

uint64_t typed_2(uint64_t count);         // two plain calls, the second on what the first returns; handles closed
uint64_t typed_3(uint64_t count);         // three
uint64_t ring_pipeline_3(uint64_t count); // the same three by pipelined stubs
