// Where the port's kernel_entry goes first.
#pragma once

#include <stdint.h>

// `boot_info_phys` is identity-mapped, as is all of the low 4 GiB. Interrupts are off; the stack lies in
// the kernel image.
[[noreturn]] void kernel_main(uint64_t boot_info_phys);
