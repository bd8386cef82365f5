// FPU state of threads. See fpu.c; the switch is in kernel/arch/arch.h.
#pragma once

struct thread;

// The current thread, which has no FPU state, used the FPU: gives it a fresh one. False when its account
// cannot pay.
bool fpu_first_use(struct thread *thread);
