// There are no I/O ports on riscv64: no ioport object is ever made, and these are never called.
#pragma once

#include <stdint.h>

constexpr uint64_t ARCH_PORT_COUNT = 0;

static inline uint8_t port_read8(uint16_t) {
    return UINT8_MAX;
}
static inline uint16_t port_read16(uint16_t) {
    return UINT16_MAX;
}
static inline uint32_t port_read32(uint16_t) {
    return UINT32_MAX;
}
static inline void port_write8(uint16_t, uint8_t) {
}
static inline void port_write16(uint16_t, uint16_t) {
}
static inline void port_write32(uint16_t, uint32_t) {
}
