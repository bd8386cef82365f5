// The kernel's own symbol table, for the panic path.
//
// kernel.elf is linked twice: tools/mksyms.py reads the functions of the first result and writes the
// section .ksyms for the second. The section lies behind all text, so that its size moves nothing
// that it describes. Layout, between __ksyms_start and __ksyms_end, all little-endian:
//
//   uint32 count, uint32 zero
//   count x { uint32 offset from __image_start, uint32 offset of the name from __ksyms_start }, sorted
//   NUL-terminated names
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t KSYM_BUILD_ID_BYTES = 20;

// Name of the function that holds `pc`, and how far into it in *offset. nullptr, with *offset
// untouched, when the address is not in the kernel's text. Takes no lock, touches only read-only
// data: callable from anywhere, a panic included.
const char *ksym_lookup(uintptr_t pc, uintptr_t *offset);

// The GNU build id of this kernel. From the linker script.
extern const uint8_t __build_id[KSYM_BUILD_ID_BYTES];
