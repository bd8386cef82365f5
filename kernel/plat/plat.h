// The platform beneath the kernel: interrupt vectors, device lines, and what trap.c calls.
//
//   0x00..0x1f  exceptions (arch)
//   0x20..0x2f  the silenced legacy controllers: only ever spurious
//   0x30..0xcf  device lines: global system interrupt n at VECTOR_LINES + n
//   0xef        local timer
//   0xf0        from another processor
//   0xff        spurious interrupt of the local APIC
//
// Device lines interrupt the boot processor; timers, each its own. Everything here runs with interrupts off.
#pragma once

#include <stdint.h>

constexpr unsigned VECTOR_LEGACY = 0x20;
constexpr unsigned VECTOR_LINES = 0x30;
constexpr unsigned VECTOR_TIMER = 0xef;
constexpr unsigned VECTOR_IPI = 0xf0;
constexpr unsigned VECTOR_SPURIOUS = 0xff;
constexpr uint32_t LINE_COUNT = 160;

// Called by trap.c for every vector from 0x20 up but VECTOR_IPI. Tells the controller, then calls the line's or the
// timer's handler. The handlers may make threads ready; rescheduling is the caller's.
void plat_interrupt(unsigned vector);

// What to call when the local timer's deadline (clock.h) has passed. Once, at boot.
void plat_on_deadline(void (*handler)(void));

// ---- Device lines, by global system interrupt ----
// A line that fires is masked before its handler runs, so it fires once until line_unmask.

// Runs in interrupt context with the lines' lock held: it must not call the functions below.
typedef void line_handler(void *context);

// Whether an interrupt controller serves this line.
bool line_exists(uint32_t gsi);

// Sets the line up, masked.
void line_attach(uint32_t gsi, bool level, bool active_low, line_handler *handler, void *context);
// Masks the line; once this returns the handler does not run any more.
void line_detach(uint32_t gsi);

// An edge that came while the line was masked may be lost: unmask first, then look at the device.
void line_unmask(uint32_t gsi);
void line_mask(uint32_t gsi);
