// Machine code as data, for programs that put it where code must not run, or into other processes.
#pragma once

#include <stdint.h>

[[maybe_unused]] static const uint8_t ARCH_CODE_RETURN[] = {0xc3};
[[maybe_unused]] static const uint8_t ARCH_CODE_LOOP[] = {0xeb, 0xfe}; // jumps to itself
