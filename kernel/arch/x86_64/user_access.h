// For assembly only: opening and closing user memory to the kernel (SMAP, Intel SDM volume 3, section 4.6).
//
// Both are assembled as a three-byte NOP; mmu_init writes the instruction over it, before the text becomes
// read-only, on processors that have SMAP. The list of places is the section .altinstr.
#pragma once

.macro ALTERNATIVE b0, b1, b2
771:
    .byte 0x0f, 0x1f, 0x00 // nopl (%rax)
    .pushsection .altinstr, "a"
    .long 771b - .
    .byte \b0, \b1, \b2, 0
    .popsection
.endm

.macro USER_ACCESS_BEGIN
    ALTERNATIVE 0x0f, 0x01, 0xcb // stac
.endm

.macro USER_ACCESS_END
    ALTERNATIVE 0x0f, 0x01, 0xca // clac
.endm

// An instruction at `from` that faults on a user address continues at `to`.
.macro FIXUP from, to
    .pushsection .extable, "a"
    .long \from - .
    .long \to - .
    .popsection
.endm
