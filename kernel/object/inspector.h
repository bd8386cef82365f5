// inspector: the right to look at the whole system. It changes nothing and grants nothing.
#pragma once

#include <stdint.h>

// Facts of the boot that inspector.system reports, in bytes. Once, at boot.
void inspector_set_memory(uint64_t ram, uint64_t kernel_image, uint64_t package);
