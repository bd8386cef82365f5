// What people are told about this port: its name, and what a panic shows of a trap frame.
#include "kernel/arch/arch.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "trap_frame.h"

const char arch_name[] = "x86_64";

static uint64_t read_cr2(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

static uint64_t read_cr3(void) {
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

void arch_print_trap(const struct trap_frame *f) {
    klog("  vector %lu  error %#lx  cr2 %016lx  cr3 %016lx\n", f->vector, f->error, read_cr2(), read_cr3());
    klog("  rip %016lx  cs %04lx  rflags %08lx  rsp %016lx  ss %04lx\n", f->ip, f->cs, f->flags, f->sp, f->ss);
    klog("  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    klog("  rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", f->rsi, f->rdi, f->rbp, f->r8);
    klog("  r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", f->r9, f->r10, f->r11, f->r12);
    klog("  r13 %016lx  r14 %016lx  r15 %016lx\n", f->r13, f->r14, f->r15);
}

uintptr_t arch_trap_ip(const struct trap_frame *f) {
    return f->ip;
}

uintptr_t arch_trap_sp(const struct trap_frame *f) {
    return f->sp;
}
