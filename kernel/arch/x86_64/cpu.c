#include "cpu.h"

#include <stddef.h>

#include "kernel/arch/arch.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/percpu.h"
#include "offsets.h" // and MSR_GS_BASE

const char arch_name[] = "x86_64";

static_assert(offsetof(struct percpu, self) == 0);
static_assert(offsetof(struct percpu, frame) == PERCPU_FRAME);
static_assert(offsetof(struct percpu, kernel_stack_top) == PERCPU_KERNEL_STACK);
static_assert(offsetof(struct percpu, scratch) == PERCPU_SCRATCH);
#define REG(field) ((int)offsetof(struct arch_regs, field) - FRAME_TOP)
static_assert(REG(status) == REGS_STATUS && REG(words[0]) == REGS_W0);
static_assert(REG(rbp) == REGS_RBP && REG(ip) == REGS_IP && REG(flags) == REGS_FLAGS && REG(sp) == REGS_SP);
static_assert(REG(badge) == REGS_BADGE && REG(info) == REGS_INFO && REG(rdx) == REGS_RDX);
static_assert(offsetof(struct thread, on_cpu) - offsetof(struct thread, regs) == THREAD_ON_CPU);
static_assert(REG(rcx) == REGS_RCX && REG(r11) == REGS_R11 && REG(resume) == REGS_RESUME);

// Stacks of the exceptions that cannot trust the one they interrupt (Intel SDM volume 3, section 6.14.5).
static const uint8_t own_stacks[] = {[1] = 4 /* debug */, [2] = 2 /* NMI */, [8] = 1 /* double fault */, [18] = 3};
constexpr uint32_t IST_COUNT = 4;
constexpr size_t STACK_PAGES = 2;

struct [[gnu::packed]] tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map; // beyond the limit: no port is open to programs
};

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct [[gnu::packed]] table_pointer {
    uint16_t limit;
    uint64_t base;
};

// What a processor's segment registers and task register point at.
struct cpu_tables {
    uint64_t gdt[7];
    struct tss tss;
};

// All that a further processor has for itself, but for its stacks.
struct processor {
    struct percpu cpu;
    struct cpu_tables tables;
};

static struct cpu_tables boot_tables;
RO_AFTER_INIT static struct gate idt[256];
[[gnu::aligned(16)]] static uint8_t early_stack[8192]; // for exceptions before there are guarded stacks

static struct cpu_tables *tables_of(struct percpu *cpu) {
    return cpu == &boot_percpu ? &boot_tables : &CONTAINER_OF(cpu, struct processor, cpu)->tables;
}

extern const char trap_stubs[][16];
void syscall_entry(void);

static void fill_idt(void) {
    for (unsigned vector = 0; vector < 256; vector++) {
        const uint64_t address = (uint64_t)trap_stubs[vector];
        idt[vector] = (struct gate){
            .offset_low = (uint16_t)address,
            .offset_middle = (uint16_t)(address >> 16),
            .offset_high = (uint32_t)(address >> 32),
            .selector = SELECTOR_KERNEL_CODE,
            .ist = vector < sizeof(own_stacks) ? own_stacks[vector] : 0,
            // Interrupt gates: interrupts stay off. A program may raise only breakpoint and overflow itself.
            .type = vector == 3 || vector == 4 ? 0xee : 0x8e,
        };
    }
}

static void load_tables(struct cpu_tables *t) {
    const uint64_t tss = (uint64_t)&t->tss;
    const uint64_t limit = sizeof(t->tss) - 1;
    t->gdt[0] = 0;
    t->gdt[SELECTOR_KERNEL_CODE / 8] = 0x00af'9b00'0000'ffff;
    t->gdt[SELECTOR_KERNEL_DATA / 8] = 0x00cf'9300'0000'ffff;
    t->gdt[SELECTOR_USER_DATA / 8] = 0x00cf'f300'0000'ffff;
    t->gdt[SELECTOR_USER_CODE / 8] = 0x00af'fb00'0000'ffff;
    t->gdt[SELECTOR_TSS / 8] = limit | (tss & 0xff'ffff) << 16 | 0x89ull << 40 | (tss >> 24 & 0xff) << 56;
    t->gdt[SELECTOR_TSS / 8 + 1] = tss >> 32;
    t->tss.io_map = sizeof(t->tss);

    const struct table_pointer gdtr = {sizeof(t->gdt) - 1, (uint64_t)t->gdt};
    const struct table_pointer idtr = {sizeof(idt) - 1, (uint64_t)idt};
    __asm__ volatile("lgdt %0\n\t"
                     "lidt %1\n\t"
                     "mov %w2, %%ds\n\t"
                     "mov %w2, %%es\n\t"
                     "mov %w2, %%ss\n\t"
                     "mov %w3, %%fs\n\t"
                     "mov %w3, %%gs\n\t"
                     "pushq %4\n\t"
                     "lea 1f(%%rip), %%rax\n\t"
                     "push %%rax\n\t"
                     "lretq\n\t"
                     "1: ltr %w5\n\t"
                     "lldt %w3" // after reset there is one, over whatever lies at address 0
                     :
                     : "m"(gdtr), "m"(idtr), "r"(SELECTOR_KERNEL_DATA), "r"(0), "i"(SELECTOR_KERNEL_CODE),
                       "r"(SELECTOR_TSS)
                     : "rax", "memory");
}

// Gives an exception its stack, whose highest word names the processor: trap_fatal (entry.S) finds it there.
static void set_exception_stack(struct percpu *cpu, uint32_t index, void *top) {
    uint64_t *last = (uint64_t *)top - 2; // the processor aligns what it pushes below to 16 bytes
    *last = (uint64_t)cpu;
    tables_of(cpu)->tss.ist[index] = (uint64_t)last;
}

void cpu_use(struct percpu *cpu) {
    load_tables(tables_of(cpu));
    msr_write(MSR_GS_BASE, (uint64_t)cpu);
    msr_write(MSR_KERNEL_GS_BASE, 0);
}

void arch_early_init(void) {
    for (uint32_t i = 0; i < IST_COUNT; i++) {
        set_exception_stack(&boot_percpu, i, early_stack + sizeof(early_stack));
    }
    fill_idt();
    cpu_use(&boot_percpu);
}

// Kernel stacks with guard pages: one for all entries, one for each exception that needs its own.
static bool make_stacks(struct percpu *cpu) {
    void *stack = mmu_alloc_kernel_stack(STACK_PAGES);
    if (stack == nullptr) {
        return false;
    }
    cpu->kernel_stack_top = (uint64_t)stack;
    tables_of(cpu)->tss.rsp[0] = (uint64_t)stack;
    for (uint32_t i = 0; i < IST_COUNT; i++) {
        stack = mmu_alloc_kernel_stack(STACK_PAGES);
        if (stack == nullptr) {
            return false;
        }
        set_exception_stack(cpu, i, stack);
    }
    return true;
}

struct percpu *arch_cpu_create(cpu_id_t id) {
    paddr_t frames;
    if (!status_ok(frame_alloc(frame_order_for(sizeof(struct processor)), &frames))) {
        return nullptr;
    }
    struct processor *processor = phys_to_virt(frames);
    *processor = (struct processor){.cpu = {.self = &processor->cpu, .id = id}};
    return make_stacks(&processor->cpu) ? &processor->cpu : nullptr; // at boot: the memory is missed by nobody
}

// What a processor must have beside what all with 64 bits have, and what is switched on where it has it.
static const char *enable_features(void) {
    const struct cpuid basic = cpuid(1, 0);
    const struct cpuid extended = cpuid(7, 0);
    if ((extended.ebx & 1u << 0) == 0) {
        return "the processor lacks FSGSBASE";
    }
    // All bits, whatever firmware left on. Programs may read the time-stamp counter (the clock needs no
    // system call), and no performance counter.
    write_cr4(CR4_PAE | CR4_PGE | CR4_FSGSBASE | CR4_OSFXSR | CR4_OSXMMEXCPT |
              ((basic.edx & 1u << 7) != 0 ? CR4_MCE : 0) | ((extended.ebx & 1u << 7) != 0 ? CR4_SMEP : 0) |
              ((extended.ebx & 1u << 20) != 0 ? CR4_SMAP : 0) | ((extended.ecx & 1u << 2) != 0 ? CR4_UMIP : 0));
    return nullptr;
}

static void enable_system_calls(void) {
    msr_write(MSR_SYSENTER_CS, 0); // SYSENTER faults
    // SYSRET takes the user selectors from here: data at +8, code at +16.
    msr_write(MSR_STAR, (uint64_t)(SELECTOR_KERNEL_DATA | 3) << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
    msr_write(MSR_LSTAR, (uint64_t)syscall_entry);
    msr_write(MSR_FMASK, FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_AC);
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SCE);
}

const char *cpu_enable(void) {
    const char *missing = enable_features();
    if (missing != nullptr) {
        return missing;
    }
    enable_system_calls();
    return fpu_enable() ? nullptr : "the processor lacks XSAVEOPT";
}

const char *arch_cpu_init(void) {
    const char *missing = cpu_enable();
    return missing != nullptr ? missing : make_stacks(this_cpu()) ? nullptr : "there is no memory for kernel stacks";
}

void arch_wait_for_interrupt(void) {
    __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}

void arch_poll_interrupts(void) {
    __asm__ volatile("sti\n\tnop\n\tcli" : : : "memory");
}
