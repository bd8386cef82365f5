// Intel's IOMMU; beyond its beginning it is reached through plat_iommu.
#pragma once

// Takes over the units that the firmware tables name, and blocks every device. From plat_init.
void vtd_init(void);
