// Local APIC (Intel SDM volume 3, chapter 11) and I/O APIC (82093AA data sheet).
//
//   0x00..0x1f  exceptions (arch)
//   0x20..0x2f  the silenced legacy controllers: only ever spurious
//   0x30..0xcf  device lines: global system interrupt n at VECTOR_LINES + n
//   0xd0..0xee  devices' messages, in the same way
//   0xef        local timer
//   0xf0        from another processor
//   0xff        spurious interrupt of the local APIC
#pragma once

#include <stdint.h>

constexpr unsigned VECTOR_LINES = 0x30;
constexpr unsigned VECTOR_TIMER = 0xef;
constexpr unsigned VECTOR_IPI = 0xf0;
constexpr unsigned VECTOR_SPURIOUS = 0xff;

// Switches the local APIC of this processor on, as plat_init does on the boot processor.
void apic_enable(void);

// The number of this processor's local APIC; and what is sent to one by number: a reset, and then its start, in
// real mode at the beginning of a page below 1 MiB, or that alone again, which one that has begun ignores; VECTOR_IPI, or
// a non-maskable interrupt.
uint32_t apic_id(void);
void apic_start(uint32_t id, uint64_t code_phys, bool again);
void apic_send(uint32_t id, bool nmi);
