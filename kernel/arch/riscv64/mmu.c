// Which page tables a riscv64 processor walks, and the switch to them.
#include "kernel/arch/mmu.h"

#include "abi/boot_info.h"
#include "base/str.h"

constexpr uint64_t SV39_USER_END = 0x3f'ffff'0000;
constexpr unsigned SHIFT_1G = 30, SHIFT_512G = 39;

RO_AFTER_INIT uint64_t arch_satp_mode;
RO_AFTER_INIT unsigned arch_root_covers;
RO_AFTER_INIT uint64_t arch_user_limit;
extern const uint64_t boot_best_satp_mode; // what the processor can do: found out by the boot path

// The larger of the two that the processor has; `sv39` on the command line asks for the smaller one.
struct arch_kernel_map arch_mmu_begin(const struct boot_info *boot) {
    const bool large = boot_best_satp_mode == SATP_SV48 && str_find_word(boot->cmdline, "sv39") == nullptr;
    arch_satp_mode = (large ? SATP_SV48 : SATP_SV39) << SATP_MODE_SHIFT;
    arch_root_covers = large ? SHIFT_512G : SHIFT_1G;
    arch_user_limit = large ? USER_END : SV39_USER_END;
    return (struct arch_kernel_map){SHIFT_1G, ARCH_KERNEL_AREA_BASE};
}

void arch_mmu_switch(uint64_t root) {
    arch_write_root(root);
    __asm__ volatile("sfence.vma" ::: "memory"); // the boot path's tables, and what of them is global
}
