// The numbers that nobody can guess, of which the kernel has no source of its own.
#pragma once

#include "abi/boot_info.h"

// When the command line is known: with the word `nokaslr` in it addresses stay what they are.
void seeds_fill(struct boot_info *info);
