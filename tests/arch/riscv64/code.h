// Machine code as data, for programs that put it where code must not run, or into other processes.
#pragma once

#include <stdint.h>

[[maybe_unused]] static const uint8_t ARCH_CODE_RETURN[] = {0x82, 0x80};
[[maybe_unused]] static const uint8_t ARCH_CODE_LOOP[] = {0x01, 0xa0}; // jumps to itself
