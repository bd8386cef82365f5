#include "kernel/percpu.h"

#include "kernel/sched/tlb.h"

struct percpu boot_percpu = {.self = &boot_percpu};
struct percpu *percpus[CPU_MAX] = {&boot_percpu};
uint32_t cpus_online = 1;
uint64_t newest_grace;

void cpu_add(struct percpu *cpu) {
    percpus[cpu->id.v] = cpu;
    __atomic_store_n(&cpus_online, cpu->id.v + 1, __ATOMIC_RELEASE);
}

struct frame_cache *frame_cache_here(void) {
    return &this_cpu()->frames;
}

struct frame_cache *frame_cache_of(uint32_t cpu) {
    return cpu < cpu_count() ? &percpus[cpu]->frames : nullptr;
}

void cpu_request(struct percpu *cpu, enum percpu_work work) {
    // Whoever finds work there already knows that an interrupt is on its way, or that the work is being taken over.
    if (__atomic_fetch_or(&cpu->remote_work, work, __ATOMIC_SEQ_CST) == 0) {
        arch_send_ipi(cpu->id, IPI_RESCHEDULE);
    }
}

void cpu_ipi(void) {
    struct percpu *cpu = this_cpu();
    cpu->work |= __atomic_exchange_n(&cpu->remote_work, 0, __ATOMIC_SEQ_CST);
    cpu_quiet(cpu); // it was out of the kernel a moment ago, or asleep
    tlb_serve();
}
