// FPU state of threads (fpu.c).
#pragma once

#include <stdint.h>

struct thread;

// Whether the processor has double precision; leaves the FPU off.
bool fpu_init(void);

// Gives the thread FPU state and switches the FPU on; false when its account cannot pay.
bool fpu_first_use(struct thread *thread);
