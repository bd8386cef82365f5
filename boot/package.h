// What the boot package (abi/boot_package.h) holds for the kernel: the same for every boot path. Pure C, host-tested.
#pragma once

#include "abi/boot_info.h"

constexpr uint16_t ELF_X86_64 = 62, ELF_RISCV = 243; // machines, as ELF numbers them

// Checks the package at package_phys, if there is one, which has to be mapped to itself, and says in `info` which kernel it
// was made for and what init consists of; or what is wrong: one sentence, with what was expected and what was found. The
// entries but init's are checked by who reads them (lib/package).
void boot_package_read(struct boot_info *info, uint16_t machine);
