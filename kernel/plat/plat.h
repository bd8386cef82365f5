// The platform beneath the kernel, as every port provides it: device lines, what interrupts a processor, the IOMMU. What
// the machine consists of the boot path has found out (boot_machine of kernel/bootinfo.h). Beside this header:
// clock.h (time and the local deadline), power.h, uart.h.
//
//   x86-64   apic.c vtd.c pc.c: local and I/O APICs, IOMMU, I/O ports
//   riscv64  plic.c sbi.c: PLIC, firmware calls
//
// Device lines interrupt the boot processor; timers, each its own. Everything here runs with interrupts off.
#pragma once

#include <stdint.h>

#include "kernel/types.h"

// The interrupt controllers, with all lines masked. Needs mmu_map_device. Null, or what is wrong (static text).
const char *plat_init(void);

enum plat_event : uint32_t {
    PLAT_NOTHING,
    PLAT_LINE,     // the device line *line; the controller waits for line_done
    PLAT_DEADLINE, // of clock_set_deadline
    PLAT_IPI,      // another processor
};

// What the processor means that was interrupted and calls this number the reason.
enum plat_event plat_interrupt(unsigned number, uint32_t *line);

// ---- Device lines, by the controllers' number ----
// A line that fires is masked before line_done, so it fires once until it is let through again. Lines from LINE_COUNT on
// are no wires: a device's message fires one (MSI), and nothing masks it. Of the functions that take a line one runs at a
// time: kernel/object/interrupt.c sees to that.

constexpr uint32_t LINE_COUNT = 160, MESSAGE_COUNT = 31;

struct line_wiring {
    uint32_t gsi; // the controllers' number
    bool level;   // else edge
    bool active_low;
    uint16_t requester; // of a message: the PCI bus, device and function that it has to come from
};

// Whether an interrupt controller serves this line. The functions below are for those alone.
bool line_exists(uint32_t gsi);

// What a device writes, and where, to fire a line that is none; false for a wire.
bool line_message(uint32_t gsi, uint64_t *address, uint64_t *data);

// Makes the line, masked, lead to the kernel, or nowhere: only then does a message have an effect, and with an IOMMU from
// its own device alone.
void line_connect(const struct line_wiring *line, bool on);

// Lets the line through, or masks it. An edge that comes while it is masked may be lost: let it through first, then
// look at the device.
void line_set(const struct line_wiring *line, bool on);

// What plat_interrupt said about this line has been dealt with.
void line_done(uint32_t gsi);

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
