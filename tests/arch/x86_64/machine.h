// What the suite's machine (QEMU q35 or pc) has at known places.
#pragma once

#include <stdint.h>

constexpr bool MACHINE_HAS_MESSAGES = true; // a device may interrupt by one
constexpr bool MACHINE_REPEATS_LEVELS = true; // what still pulls a line when it is acknowledged interrupts again
constexpr bool MACHINE_HAS_PORTS = true;

constexpr uint64_t MACHINE_SPARE_DEVICE = 0xfed0'0000;  // the HPET: nobody drives it, and its first word is not 0
constexpr uint64_t MACHINE_KERNEL_DEVICE = 0xfee0'0000; // the local APIC
constexpr uint64_t MACHINE_MEMORY = 0x10'0000;

constexpr uint64_t MACHINE_PCI_CONFIG = 0, MACHINE_PCI_MEMORY = 0; // by ports; the firmware has placed all devices

// The line of a device's pin A on bus 0. On q35 slots below 25 are spread over four lines of their own; on pc the
// firmware has chosen an ISA line, and says which.
static inline uint64_t machine_pci_line(uint32_t slot, uint32_t host_bridge, uint32_t config_line) {
    constexpr uint32_t Q35 = 0x29c0'8086;
    return host_bridge == Q35 ? 20 + slot % 4 : config_line;
}
