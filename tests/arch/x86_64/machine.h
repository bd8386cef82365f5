// What the suite's machine (QEMU q35 or pc) has at known places.
#pragma once

#include <stdint.h>

constexpr bool MACHINE_HAS_MESSAGES = true; // a device may interrupt by one
constexpr bool MACHINE_HAS_PORTS = true;

constexpr uint64_t MACHINE_SPARE_DEVICE = 0xfed0'0000;  // the HPET: nobody drives it, and its first word is not 0
constexpr uint64_t MACHINE_KERNEL_DEVICE = 0xfee0'0000; // the local APIC
constexpr uint64_t MACHINE_MEMORY = 0x10'0000;
