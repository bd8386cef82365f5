// What the device tree of this machine says. Read once, very early, through the boot path's identity map of the low
// 4 GiB (plat_discover), and copied: nothing refers to the tree afterwards.
#pragma once

#include <stdint.h>

#include "abi/bootstrap.h"

constexpr uint32_t DTB_MAX_HARTS = 64;

struct dtb_machine {
    uint64_t clock_hz;
    uint64_t boot_hart;
    uint32_t hart_count;
    uint64_t harts[DTB_MAX_HARTS];        // firmware numbers of the usable ones, in the tree's order
    uint32_t plic_contexts[DTB_MAX_HARTS]; // of their supervisor mode; UINT32_MAX when there is none
    uint64_t plic_phys, plic_len;         // 0: there is none
    uint32_t plic_lines;                  // highest source; source 0 is none
    uint32_t serial_count;
    struct bootstrap_serial serial[BOOTSTRAP_SERIAL_PORTS]; // the console's first
};

const struct dtb_machine *dtb_machine(void);
