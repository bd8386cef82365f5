// I/O ports of the host port: an array of bytes.
#pragma once

#include <stdint.h>
#include <string.h>

constexpr uint64_t ARCH_PORT_COUNT = 0x1'0000;

extern uint8_t host_ports[0x1'0000 + 4]; // kernel/arch/host/platform.c

static inline uint8_t port_read8(uint16_t port) {
    return host_ports[port];
}
static inline uint16_t port_read16(uint16_t port) {
    uint16_t value;
    memcpy(&value, &host_ports[port], sizeof(value));
    return value;
}
static inline uint32_t port_read32(uint16_t port) {
    uint32_t value;
    memcpy(&value, &host_ports[port], sizeof(value));
    return value;
}
static inline void port_write8(uint16_t port, uint8_t value) {
    host_ports[port] = value;
}
static inline void port_write16(uint16_t port, uint16_t value) {
    memcpy(&host_ports[port], &value, sizeof(value));
}
static inline void port_write32(uint16_t port, uint32_t value) {
    memcpy(&host_ports[port], &value, sizeof(value));
}
