// Monotonic time since boot, read without a system call.
#pragma once

#include <stdint.h>

#include "abi/types.h"

constexpr uint64_t TESS_NS_PER_MS = 1'000'000;
constexpr uint64_t TESS_NS_PER_S = 1'000'000'000;

uint64_t tess_now_ns(void);

// Deadlines relative to now; a sum that does not fit never ends.
uint64_t tess_deadline_after_ns(uint64_t delay_ns);
uint64_t tess_deadline_after_ms(uint64_t delay_ms);

// The time-stamp counter when this program started. With bootstrap.clock.base (when the kernel did) and
// bootstrap.entry_counter it says where the time of a start went.
extern uint64_t tess_start_counter;
