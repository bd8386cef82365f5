// Starting the other processors, one after the other, once the boot processor has everything and before any thread runs.
//
// Each takes the structure that was laid out for the next one and goes its own way; from then on it is one of those that
// run. One that does not come within a second finds no structure when it does. One that took its structure and then does
// not come is the last: the number is its own.
#include "kernel/arch/arch.h"
#include "kernel/bootinfo.h"
#include "kernel/log.h"
#include "kernel/percpu.h"
#include "kernel/plat/clock.h"
#include "kernel/sched/sched.h"

constexpr uint64_t NS_PER_MS = 1'000'000;
constexpr uint64_t RETRY_NS = NS_PER_MS; // until it should have begun, at the first try
constexpr uint64_t PATIENCE_NS = 1000 * NS_PER_MS; // far longer than it takes: the host of an emulator may be busy
constexpr uint64_t CLOCK_SLACK_NS = 1000;

struct percpu *cpu_starting; // atomic

// What the two tell each other, each of which can only be late: neither may find itself behind the other. Atomic.
static uint64_t boot_now_ns, arrived_ns;

static void compare_clocks(const uint64_t *other_ns) {
    if (clock_now().v + CLOCK_SLACK_NS < __atomic_load_n(other_ns, __ATOMIC_ACQUIRE)) {
        klog("tessera: the processors' clocks do not agree\n");
    }
}

void cpu_arrive(struct percpu *cpu, const char *missing) {
    if (missing != nullptr) {
        klog("tessera: processor %u: %s\n", cpu->id.v, missing);
        arch_halt();
    }
    compare_clocks(&boot_now_ns);
    sched_init(cpu);
    __atomic_store_n(&arrived_ns, clock_now().v, __ATOMIC_RELEASE);
    cpu_add(cpu);
    arch_enter_user();
}

static bool comes(uint32_t count_before, uint64_t patience_ns) {
    const uint64_t end_ns = clock_now().v + patience_ns;
    while (cpu_count() == count_before && clock_now().v < end_ns) {
        __atomic_store_n(&boot_now_ns, clock_now().v, __ATOMIC_RELEASE);
        spin_relax();
    }
    return cpu_count() > count_before;
}

// Null, or why it does not run.
static const char *start_one(uint32_t hardware_id) {
    const uint32_t count = cpu_count();
    struct percpu *cpu = arch_cpu_create((cpu_id_t){count});
    if (cpu == nullptr) {
        return "there is no memory for it";
    }
    __atomic_store_n(&cpu_starting, cpu, __ATOMIC_SEQ_CST);
    const char *error = arch_start_processor(hardware_id, false);
    if (error == nullptr && !comes(count, RETRY_NS)) {
        error = arch_start_processor(hardware_id, true);
        if (error == nullptr && !comes(count, PATIENCE_NS)) {
            error = "it did not come up";
        }
    }
    compare_clocks(&arrived_ns);
    return error;
}

bool cpu_start_others(uint32_t most) {
    bool all = true;
    for (uint32_t i = 0; i < boot_machine->cpu_count && cpu_count() < most && cpu_count() < CPU_MAX; i++) {
        const uint32_t hardware_id = (uint32_t)boot_machine->cpus[i];
        const char *error = hardware_id == boot_percpu.hardware_id ? nullptr : start_one(hardware_id);
        if (error != nullptr) {
            klog("tessera: processor with hardware number %u is left out: %s\n", hardware_id, error);
            all = false;
            if (__atomic_exchange_n(&cpu_starting, nullptr, __ATOMIC_SEQ_CST) == nullptr) {
                break; // it has begun all the same, and has the next number
            }
        }
    }
    if (boot_machine->cpu_count > 1) {
        klog("tessera: %u processors\n", cpu_count());
    }
    return all;
}
