// FPU, SSE and AVX state. A thread has none until it first uses the FPU, which is off for it and traps; from
// then on its state is saved and loaded at every switch (never lazily: state of one thread is not left in
// the registers while another runs).
#include "base/mem.h"
#include "cpu.h"
#include "kernel/arch/arch.h"
#include "kernel/object/account.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"

constexpr uint32_t XCR0_X87 = 1, XCR0_SSE = 2, XCR0_AVX = 4;
constexpr uint32_t LEGACY_BYTES = 512; // what comes before the header of the extended state
constexpr uint16_t INITIAL_X87_CONTROL = 0x037f; // all exceptions masked, extended precision
constexpr uint32_t INITIAL_MXCSR = 0x1f80;

RO_AFTER_INIT static uint32_t state_bytes; // multiple of 64, which makes kalloc align it so

bool fpu_enable(void) {
    const bool has_xsave = (cpuid(1, 0).ecx & 1u << 26) != 0, has_xsaveopt = (cpuid(0xd, 1).eax & 1) != 0;
    if (!has_xsave || !has_xsaveopt) {
        return false;
    }
    write_cr0((read_cr0() & ~CR0_EM) | CR0_MP | CR0_NE | CR0_TS);
    write_cr4(read_cr4() | CR4_OSXSAVE);
    const uint32_t enabled = XCR0_X87 | XCR0_SSE | (cpuid(0xd, 0).eax & XCR0_AVX);
    __asm__ volatile("xsetbv" : : "c"(0), "a"(enabled), "d"(0));
    if (state_bytes == 0) { // the boot processor, before it is read-only
        state_bytes = (cpuid(0xd, 0).ebx + 63) & ~63u;
    }
    return true;
}

static void save(void *state) {
    __asm__ volatile("xsaveopt64 (%0)" : : "r"(state), "a"(~0u), "d"(~0u) : "memory");
}

static void load(const void *state) {
    __asm__ volatile("xrstor64 (%0)" : : "r"(state), "a"(~0u), "d"(~0u) : "memory");
}

bool fpu_first_use(struct thread *thread) {
    uint8_t *state = account_alloc(thread->process->object.account, state_bytes);
    if (state == nullptr) {
        return false;
    }
    memcpy(state, &INITIAL_X87_CONTROL, sizeof(INITIAL_X87_CONTROL));
    memcpy(state + 24, &INITIAL_MXCSR, sizeof(INITIAL_MXCSR));
    state[LEGACY_BYTES] = XCR0_X87 | XCR0_SSE; // XSTATE_BV: load these two, the rest is initial
    thread->regs.fpu = state;
    thread_set_flags(thread, THREAD_HAS_FPU);
    __asm__ volatile("clts");
    load(state);
    return true;
}

void arch_fpu_switch(struct thread *from, struct thread *to) {
    if ((from->flags & THREAD_HAS_FPU) != 0) {
        save(from->regs.fpu);
    }
    if ((to->flags & THREAD_HAS_FPU) != 0) {
        __asm__ volatile("clts");
        load(to->regs.fpu);
    } else {
        write_cr0(read_cr0() | CR0_TS);
    }
}

void arch_thread_destroy(struct thread *thread) {
    if (thread->regs.fpu != nullptr) {
        account_free(thread->object.account, thread->regs.fpu, state_bytes);
    }
}
