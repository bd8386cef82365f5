// Where the kernel lies in virtual memory.
#pragma once

#include <stdint.h>

struct boot_info;

// Moves the image, unless the command line has the word `nokaslr`. Returns by how much: the caller (kernel_entry) goes
// on at that distance. On the boot path's tables; nothing of the image may have been used yet.
uint64_t kernel_slide(uint64_t boot_info_phys);

// Whether addresses are to be random.
bool slide_is_wanted(const struct boot_info *boot);
