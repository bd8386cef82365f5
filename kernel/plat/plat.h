// The platform beneath the kernel, as every port provides it: what the machine consists of, device lines, and
// what trap.c calls. Beside this header: clock.h (time and the local deadline), power.h, uart.h.
//
//   x86-64   acpi*.c apic.c pic.c clock.c power.c uart.c: ACPI, local and I/O APICs, I/O ports
//   riscv64  dtb.c fdt.c plic.c sbi*.c: device tree, PLIC, firmware calls
//
// Device lines interrupt the boot processor; timers, each its own. Everything here runs with interrupts off.
#pragma once

#include <stdint.h>

#include "kernel/types.h"

struct boot_info;
struct bootstrap_serial;

// Reads what the firmware says of the machine, and copies what is needed: very early, through the boot path's
// identity map. Null, or what is wrong with it (static text); the kernel then goes on as far as it gets.
const char *plat_discover(const struct boot_info *boot);

// The interrupt controllers, with all lines masked. Needs mmu_map_device. Null, or what is wrong.
const char *plat_init(void);

// Called by trap.c for every interrupt but those of arch_send_ipi, by the processor's number for it. Tells the controller, then calls the
// line's or the timer's handler. The handlers may make threads ready; rescheduling is the caller's.
void plat_interrupt(unsigned number);

// What to call when the local timer's deadline (clock.h) has passed. Once, at boot.
void plat_on_deadline(void (*handler)(void));

// The machine's n-th serial port, the console's first; false when there is none.
bool plat_serial(uint32_t index, struct bootstrap_serial *out);

// ---- What programs may never have: the kernel's own devices, and those by which the machine could be taken over ----

bool plat_owns_ports(uint64_t base, uint64_t count);
bool plat_owns_memory(uint64_t base, uint64_t len_bytes);

// ---- Device lines, by the controllers' number ----
// A line that fires is masked before its handler runs, so it fires once until line_unmask. Lines from LINE_COUNT on are
// no wires: a device's message fires one (MSI), and nothing masks it.

constexpr uint32_t LINE_COUNT = 160, MESSAGE_COUNT = 31;

// How a line that programs know as `line` (resource.mint_interrupt) is wired.
struct line_wiring {
    uint32_t gsi; // the controllers' number
    bool level;   // else edge
    bool active_low;
};
struct line_wiring plat_line_wiring(uint32_t line);

// Runs in interrupt context with the lines' lock held: it must not call the functions below.
typedef void line_handler(void *context);

// Whether an interrupt controller serves this line. The functions below are for those alone.
bool line_exists(uint32_t gsi);

// What a device writes, and where, to fire a line that is none; false for a wire.
bool line_message(uint32_t gsi, uint64_t *address, uint64_t *data);

// Sets the line up, masked.
void line_attach(uint32_t gsi, bool level, bool active_low, line_handler *handler, void *context);
// Masks the line; once this returns the handler does not run any more.
void line_detach(uint32_t gsi);

// An edge that came while the line was masked may be lost: unmask first, then look at the device.
void line_unmask(uint32_t gsi);
void line_mask(uint32_t gsi);

// How often a line fired that nobody has, as a device does that was not told to stop. Atomic.
extern uint64_t plat_spurious_count;

// ---- What a device may reach of memory: the IOMMU ----

// The addresses of a domain: below 1 GiB, so that devices with few address bits reach them. A slot is what one table maps.
constexpr uint32_t DMA_SLOTS = 512;
constexpr uint64_t DMA_SLOT_BYTES = 2 << 20;
constexpr uint32_t DMA_FIXED_TABLES = 3; // pages that a domain takes beside the one of each slot that is in use

// The view that one device has of memory: iospace.c's. All zeros but for the first two before `attach`.
struct dma_domain {
    uint32_t requester; // PCI bus, device, function
    uint32_t id;        // 1 .., nobody else's
    uint64_t tables[DMA_FIXED_TABLES]; // the driver's
};

struct iommu_ops {
    // The device, blocked until now, sees the empty domain. NO_MEMORY; detach is due then, too.
    status_t (*attach)(struct dma_domain *domain);
    // Blocks the device. All slots have been left.
    void (*detach)(struct dma_domain *domain);
    // Shows one page, with PROT_READ and PROT_WRITE, once `flush` has returned. NO_MEMORY.
    status_t (*enter)(struct dma_domain *domain, uint64_t address, paddr_t frame, uint32_t prot);
    void (*flush)(struct dma_domain *domain);
    // Takes all pages of a slot away; no access to them is under way any more when it returns.
    void (*leave)(struct dma_domain *domain, uint64_t address);
    // Takes one access that was refused off the hardware's list; false when it is empty.
    bool (*next_fault)(uint32_t *requester, uint64_t *address);
};

// Null where devices reach all memory.
const struct iommu_ops *plat_iommu(void);
