// What exceptions and interrupts mean, on whatever processor: called by the ports' trap.c.
#pragma once

#include "kernel/ipc/syscall.h"
#include "kernel/types.h"

struct thread;

// Back to the current thread, if nothing else is to be done first.
struct kernel_exit trap_resume(struct thread *current);

// A program touched a page that is not there, or not like this: it is made to be there, or that is the program's fault.
struct kernel_exit trap_page_fault(struct thread *current, uint64_t address, uint32_t access, uint64_t vector);

// The kernel did. True when that was in a user copy, which is repeated, or ended by changing *ip.
bool trap_copy_fault(uint64_t *ip, uint64_t address, uint32_t access);

// A device, the timer or another processor interrupts: number as plat_interrupt has it.
void trap_interrupt(unsigned number);

// Which of the compiler's checks trapped at `ip`; null when none did.
const char *trap_failed_check(uint64_t ip);
