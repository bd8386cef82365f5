// The order in which the kernel comes up: first what is needed to say what is wrong, then distrust of all
// that the boot path brought, then memory, processor, interrupts and time, and at last init.
#include "kernel/main.h"

#include <stdarg.h>

#include "kernel/arch/arch.h"
#include "kernel/bootinfo.h"
#include "kernel/init_process.h"
#include "kernel/ksyms.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/panic.h"
#include "kernel/percpu.h"
#include "kernel/plat/clock.h"
#include "kernel/plat/plat.h"
#include "kernel/plat/power.h"
#include "kernel/sched/sched.h"

// Free memory, beside kernel and boot package, below which there is no point in starting: what the
// kernel's tables and the services of the smallest system take.
constexpr uint64_t MINIMUM_FREE_BYTES = 4 << 20;

// The boot path's own copy is given back with the rest of its memory.
RO_AFTER_INIT static struct boot_info boot;
const struct boot_info *const boot_machine = &boot;

// The one line on the console when a boot ends before it began, and the orderly stop.
[[noreturn]] [[gnu::format(printf, 1, 2)]] static void boot_fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    klog("tessera: ");
    klog_v(format, args);
    klog("\n");
    va_end(args);
    power_stop();
}

static uint64_t in_mib(uint64_t bytes) {
    return bytes >> 20;
}

// A step that says what is wrong, or nothing.
static void require(const char *part, const char *error) {
    if (error != nullptr) {
        boot_fail("%s: %s", part, error);
    }
}

static void say_hello(void) {
    klog("Tessera %02x%02x%02x%02x %s, %lu MiB, loader %s\n", __build_id[0], __build_id[1], __build_id[2],
         __build_id[3], arch_name, in_mib(boot_info_ram_bytes(&boot) + (1 << 20) - 1), boot.loader);
}

static void check_memory(void) {
    // The kernel and the package are loaded: the machine needs room for them too.
    const uint64_t usable = boot_info_bytes(&boot, 1u << BOOT_MEM_USABLE);
    if (usable < MINIMUM_FREE_BYTES) {
        const uint64_t need = boot_info_ram_bytes(&boot) - usable + MINIMUM_FREE_BYTES;
        boot_fail("not enough memory: %lu MiB usable, at least %lu MiB needed", in_mib(boot_info_ram_bytes(&boot)),
                  in_mib(need) + 1);
    }
}

static void bring_up_memory(void) {
    frame_early_init(&boot);
    if (!mmu_init(&boot) || !frame_init(&boot)) {
        boot_fail("not enough memory: %lu MiB usable, too little for the kernel's own tables",
                  in_mib(boot_info_ram_bytes(&boot)));
    }
}

// Nothing of the boot path is in use any more: its tables, its stack, its copy of the boot info, where processors start.
static void free_boot_memory(void) {
    for (uint32_t i = 0; i < boot.region_count; i++) {
        if (boot.regions[i].kind == BOOT_MEM_BOOT_INFO || boot.regions[i].kind == BOOT_MEM_START) {
            frame_add_range((paddr_t){boot.regions[i].base}, boot.regions[i].len_bytes);
        }
    }
}

[[noreturn]] void kernel_main(uint64_t boot_info_phys) {
    kernel_clock.base = arch_cycles(); // time begins
    arch_early_init();
    log_init();
    require("boot info", boot_info_check((const struct boot_info *)boot_info_phys));
    boot = *(const struct boot_info *)boot_info_phys;
    __stack_chk_guard = boot.guard_seed; // this function never returns
    boot_percpu.hardware_id = (uint32_t)boot.boot_cpu;
    say_hello();
    if (boot.complaint[0] != 0) {
        klog("tessera: firmware tables: %s; going on without\n", boot.complaint);
    }
    check_memory();
    require("boot package", boot_package_check(&boot, __build_id));
    bring_up_memory();
    require("processor", arch_cpu_init());
    require("interrupt controller", plat_init());
    require("clock", clock_init());
    sched_init(this_cpu());
    mmu_seal();
    if (cpu_start_others(boot_info_number(&boot, "maxcpus", CPU_MAX))) {
        free_boot_memory();
    }
    require("init", init_process_start());
    arch_enter_user();
}
