// Offsets that entry.S shares with C; cpu.c asserts that they are right.
#pragma once

#define PERCPU_FRAME 8         // struct percpu.frame: FRAME_TOP of the current thread
#define PERCPU_KERNEL_STACK 16 // struct percpu.kernel_stack_top
#define PERCPU_SCRATCH 24      // struct percpu.scratch: the current thread's thread pointer

#define KERNEL_STACK_BYTES 16384

// struct arch_regs, relative to its FRAME_TOP.
#define FRAME_TOP 160
#define REGS_W0 (-160)
#define REGS_W1 (-152)
#define REGS_W2 (-144)
#define REGS_W3 (-136)
#define REGS_W4 (-128)
#define REGS_W5 (-120)
#define REGS_W6 (-112)
#define REGS_W7 (-104)
#define REGS_RA (-96)
#define REGS_GP (-88)
#define REGS_S0 (-80)
#define REGS_S1 (-72)
#define REGS_S6 (-64)
#define REGS_S7 (-56)
#define REGS_S8 (-48)
#define REGS_S9 (-40)
#define REGS_S10 (-32)
#define REGS_S11 (-24)
#define REGS_IP (-16)
#define REGS_SP (-8)
#define REGS_STATUS 0
#define REGS_BADGE 8
#define REGS_INFO 16
#define REGS_A2 24
#define REGS_T0 32
#define REGS_T1 40
#define REGS_T2 48
#define REGS_T3 56
#define REGS_T4 64
#define REGS_T5 72
#define REGS_T6 80
#define REGS_RESUME 88
#define REGS_TLS 96

#define THREAD_ON_CPU 281 // struct thread.on_cpu, relative to its regs

// struct trap_frame: x1..x31 in order, then these.
#define TRAP_X(n) (((n) - 1) * 8)
#define TRAP_IP 248
#define TRAP_STATUS 256
#define TRAP_CAUSE 264
#define TRAP_VALUE 272
#define TRAP_BYTES 288 // a multiple of 16
