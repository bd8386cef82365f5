// What a port provides to the portable kernel. Address spaces are in kernel/arch/mmu.h, the platform beneath
// in kernel/plat/plat.h; the short inline part is in the port's arch_cpu.h (arch_relax, arch_halt, ARCH_COLD_CALL,
// this_cpu, arch_percpu_byte and _pointer, arch_cycles, arch_current_frame and its setter, the thread pointer), its
// saved registers are in arch_regs.h, and its I/O ports, if the processor has any, in io.h (ARCH_PORT_COUNT, port_read*, port_write*).
//
// A port also has the entry from the boot path (`kernel_entry`, which calls kernel_main on a boot stack),
// the system call and trap entries, which save the current thread's registers and do what struct
// kernel_exit says (kernel/ipc/syscall.h), and trap handling as in x86_64/trap.c.
#pragma once

#include <stdint.h>

#include "arch_cpu.h"
#include "kernel/ipc/syscall.h"
#include "kernel/types.h"

struct arch_regs;
struct boot_info;
struct exit_record;
struct percpu;
struct thread;
struct vspace;

// What the port is called, for people.
extern const char arch_name[];

// Makes this_cpu work and exceptions reach the panic path. First thing at boot, no memory needed.
void arch_early_init(void);

// The rest of this processor: protection features, guarded stacks, the system call entry. After mmu_init and
// frame_init. Null on success, else what the processor lacks (static text).
const char *arch_cpu_init(void);

// Leaves the boot stack for good: runs whatever is ready from now on.
[[noreturn]] void arch_enter_user(void);

// Registers of a thread that starts: entry point, stack, its one argument, thread pointer; all others zero.
void arch_regs_start(struct arch_regs *regs, uint64_t entry, uint64_t stack_pointer, uint64_t argument,
                     uint64_t tls_base);

// Makes the thread, which is in a system call, do this one next: what a system call that is not finished returns to,
// so that it goes on after whatever else wants the processor. Words are the caller's to set.
void arch_regs_restart(struct arch_regs *regs, uint64_t number, uint64_t handle, uint64_t info,
                       uint64_t deadline_ns);

// Writes ip, sp, flags and general registers into an exit record.
void arch_regs_record(const struct arch_regs *regs, struct exit_record *record);

// Gives back what the port keeps for a thread (FPU state).
void arch_thread_destroy(struct thread *thread);

// Saves the FPU state of `from` and loads that of `to`, as far as they have any (THREAD_HAS_FPU). A thread
// without any finds the FPU off, and its first use of it traps.
void arch_fpu_switch(struct thread *from, struct thread *to);

// Sleeps until an interrupt has been handled. / Handles those that are pending. Interrupts are off before
// and after. The handler of an interrupt that did not come from a program calls cpu_quiet first (kernel/percpu.h).
void arch_wait_for_interrupt(void);
void arch_poll_interrupts(void);

// ---- Processors. Each has its struct percpu (kernel/percpu.h). ----

// Memory of a further processor, with its stacks; the boot processor's is there from the start. Null: there is none. At
// boot, on one processor.
struct percpu *arch_cpu_create(cpu_id_t id);

// Lets the processor begin that the firmware knows by this number: it takes what it finds in cpu_starting (null: it
// halts), and calls cpu_arrive (kernel/percpu.h). `again`: it seems not to have heard. Null, or why it cannot be.
const char *arch_start_processor(uint32_t hardware_id, bool again);

enum ipi : uint32_t {
    IPI_RESCHEDULE, // it looks at its remote_work
    IPI_FLUSH,      // it looks at its flush_from
    IPI_QUIESCE,    // nothing but the interrupt: the processor has left the kernel, or was idle
    IPI_STOP,       // it stops for good, whatever it is doing: it calls panic_trap while another reports a panic
};

// Interrupts a processor, which then calls cpu_ipi (but for IPI_STOP). Returns
// when it is on its way. What was written before is seen by who receives it. Any context.
void arch_send_ipi(cpu_id_t cpu, enum ipi kind);
