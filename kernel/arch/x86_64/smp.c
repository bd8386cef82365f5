// Starting a processor (Intel SDM volume 3, section 9.4), and interrupting one.
#include "cpu.h"
#include "kernel/arch/arch.h"
#include "kernel/arch/mmu.h"
#include "kernel/bootinfo.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/percpu.h"
#include "kernel/plat/apic.h"

void smp_enter(void);
extern uint64_t smp_root; // what smp_enter begins with
uint64_t smp_root;

[[noreturn]] void smp_main(struct percpu *cpu);
[[noreturn]] void smp_main(struct percpu *cpu) {
    cpu_use(cpu);
    const char *missing = cpu_enable();
    apic_enable();
    cpu->hardware_id = apic_id();
    cpu_arrive(cpu, missing);
}

const char *arch_start_processor(uint32_t hardware_id, bool again) {
    constexpr uint32_t LAST_HARDWARE_ID = 254; // 255 is everybody; more would need x2APIC mode
    if (boot_machine->start_phys == 0 || hardware_id > LAST_HARDWARE_ID) {
        return boot_machine->start_phys == 0 ? "there is no free memory below 1 MiB to start it in"
                                             : "its number is above 254";
    }
    smp_root = mmu_kernel_root().v;
    *(uint64_t *)phys_to_virt((paddr_t){boot_machine->start_entry_phys}) = (uint64_t)smp_enter;
    apic_start(hardware_id, boot_machine->start_phys, again);
    return nullptr;
}

void arch_send_ipi(cpu_id_t cpu, enum ipi kind) {
    apic_send(percpus[cpu.v]->hardware_id, kind == IPI_STOP);
}
