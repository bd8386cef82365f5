// The registers of the host port's only processor, and what it has instead of others.
#include "kernel/arch/host/cpu.h"

#include <stddef.h>

#include "kernel/percpu.h"

static_assert(offsetof(struct percpu, frame) == sizeof(void *)); // host_frame

struct percpu *host_this_cpu = &boot_percpu;
uint64_t host_tls_base;
uint64_t host_cycles;
void (*host_on_ipi)(cpu_id_t cpu, enum ipi kind);
void (*host_on_relax)(void);

void arch_send_ipi(cpu_id_t cpu, enum ipi kind) {
    if (host_on_ipi != nullptr) {
        host_on_ipi(cpu, kind);
    }
}
