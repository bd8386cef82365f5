// Offsets that entry.S shares with C; trap.c asserts that they are right.
#pragma once

#define PERCPU_FRAME 8         // struct percpu.frame: FRAME_TOP of the current thread
#define PERCPU_KERNEL_STACK 16 // struct percpu.kernel_stack_top
#define PERCPU_SCRATCH 24      // struct percpu.scratch

// struct arch_regs, relative to its FRAME_TOP.
#define FRAME_TOP 96
#define REGS_W0 (-96)
#define REGS_W1 (-88)
#define REGS_W2 (-80)
#define REGS_RBP (-32)
#define REGS_IP (-24)
#define REGS_FLAGS (-16)
#define REGS_SP (-8)
#define REGS_STATUS 0
#define REGS_BADGE 8
#define REGS_INFO 16
#define REGS_RDX 24
#define REGS_RCX 32
#define REGS_R11 40
#define REGS_RESUME 48

#define MSR_GS_BASE 0xc0000101
#define THREAD_ON_CPU 177 // struct thread.on_cpu, relative to its regs

#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA 0x1b
#define SELECTOR_USER_CODE 0x23
#define SELECTOR_TSS 0x28
