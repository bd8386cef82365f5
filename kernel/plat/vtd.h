// Intel's IOMMU: its beginning, and interrupts; what devices reach of memory is plat_iommu's.
#pragma once

#include <stdint.h>

// Takes over the units that the firmware tables name, and blocks every device: memory and interrupts. From plat_init.
void vtd_init(void);

// Lets a message to this entry of the table raise the vector on the boot processor if it comes from this requester, or
// from nobody. Where there is a plat_iommu.
void vtd_interrupt_set(uint32_t index, bool on, uint32_t requester, uint32_t vector, bool level);
