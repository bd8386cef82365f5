// What the suite's machine (QEMU virt) has at known places.
#pragma once

#include <stdint.h>

constexpr bool MACHINE_HAS_MESSAGES = false; // a device may interrupt by one
constexpr bool MACHINE_REPEATS_LEVELS = false; // the emulated controller looks at a line when it changes only
constexpr bool MACHINE_HAS_PORTS = false;

constexpr uint64_t MACHINE_SPARE_DEVICE = 0x10'1000;   // the clock: nobody drives it, and its first word is not 0
constexpr uint64_t MACHINE_KERNEL_DEVICE = 0xc00'0000; // the PLIC
constexpr uint64_t MACHINE_MEMORY = 0x8100'0000;

constexpr uint64_t MACHINE_PCI_CONFIG = 0x3000'0000, MACHINE_PCI_MEMORY = 0x4000'0000;

// The line of a device's pin A on bus 0.
static inline uint64_t machine_pci_line(uint32_t slot, uint32_t, uint32_t) {
    return 32 + slot % 4;
}
