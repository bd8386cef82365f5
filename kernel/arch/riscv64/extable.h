// Where execution continues when the kernel's instruction at `ip` could not reach user memory; 0: nowhere, it
// may not fault.
#pragma once

#include <stdint.h>

uint64_t extable_fixup(uint64_t ip);
