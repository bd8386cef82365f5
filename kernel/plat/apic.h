// Local APIC (Intel SDM volume 3, chapter 11) and I/O APIC (82093AA data sheet).
#pragma once

#include <stdint.h>

struct acpi_info;

// Silences the legacy controllers, switches the local APIC of this processor on (timer masked), maps the
// I/O APICs and masks all their lines. Null on success, else what is wrong (static text).
// Needs mmu_map_device.
const char *apic_init(const struct acpi_info *acpi);

// The local timer counts down from `ticks` to 0 and then interrupts once; 0 stops it.
void apic_timer_start(uint32_t ticks);
uint32_t apic_timer_left(void);
// Whether reaching 0 interrupts (masked while the timer is only measured).
void apic_timer_mask(bool masked);

void apic_end_of_interrupt(void);
