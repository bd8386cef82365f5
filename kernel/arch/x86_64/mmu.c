// What x86-64 does before its page tables are built, and the switch to them.
#include "kernel/arch/mmu.h"

#include "abi/boot_info.h"
#include "base/mem.h"
#include "cpu.h"
#include "kernel/arch/arch.h"
#include "kernel/panic.h"

// One place where arch_mmu_switch writes an instruction (user_access.h).
struct alternative {
    int32_t place; // relative to this field
    uint8_t bytes[3];
    uint8_t zero;
};
extern const struct alternative __alt_start[], __alt_end[];

constexpr uint64_t AREA_STEPS = 1 << 17; // half of what one entry of the root table serves
constexpr unsigned SHIFT_2M = 21, SHIFT_1G = 30;

struct arch_kernel_map arch_mmu_begin(const struct boot_info *boot) {
    struct cpuid extended = cpuid(0x8000'0001, 0);
    if (!(extended.edx & 1u << 20)) {
        panic("this processor cannot keep data from being executed (no NX)");
    }
    const uint64_t slide = boot->area_seed % AREA_STEPS << SHIFT_2M;
    return (struct arch_kernel_map){extended.edx & 1u << 26 ? SHIFT_1G : SHIFT_2M, ARCH_KERNEL_AREA_BASE + slide};
}

static void smap_patch(void) {
    bool have_smap = cpuid(7, 0).ebx & 1u << 20;
    for (const struct alternative *a = __alt_start; have_smap && a < __alt_end; a++) {
        memcpy((char *)(uintptr_t)&a->place + a->place, a->bytes, sizeof(a->bytes));
    }
}

// No-execute must be on before a table that uses it is walked; the other two matter from then on.
void arch_mmu_switch(uint64_t root) {
    smap_patch();
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_NXE);
    arch_write_root(root);
    write_cr0(read_cr0() | CR0_WP);
    write_cr4(read_cr4() | CR4_PGE);
}
