// Where the kernel may fault on a user address, and where it goes on then.
#pragma once

#include <stdint.h>

// The address to continue at, or 0 when a fault at `ip` is the kernel's own mistake.
uint64_t extable_fixup(uint64_t ip);
