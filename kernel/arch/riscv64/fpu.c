// Floating-point state. A thread has none until it first uses the FPU, which is off for it and traps; from then on
// its state is saved and loaded at every switch (never lazily: state of one thread is not left in the registers
// while another runs).
#include "fpu.h"

#include "base/mem.h"
#include "cpu.h"
#include "kernel/arch/arch.h"
#include "kernel/mm/slab.h"
#include "kernel/object/account.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"

struct fpu_state {
    uint64_t f[32];
    uint64_t fcsr;
};

void fpu_save(struct fpu_state *to);
void fpu_load(const struct fpu_state *from);

bool fpu_init(void) {
    CSR_SET(sstatus, SSTATUS_FS);
    const bool has = (CSR_READ(sstatus) & SSTATUS_FS) != 0;
    CSR_CLEAR(sstatus, SSTATUS_FS);
    return has;
}

bool fpu_first_use(struct thread *thread) {
    struct fpu_state *state = account_alloc(thread->process->object.account, sizeof *state);
    if (state == nullptr) {
        return false;
    }
    thread->regs.fpu = state;
    thread_set_flags(thread, THREAD_HAS_FPU);
    CSR_SET(sstatus, SSTATUS_FS_CLEAN);
    fpu_load(state);
    return true;
}

void arch_fpu_switch(struct thread *from, struct thread *to) {
    if ((from->flags & THREAD_HAS_FPU) != 0) {
        fpu_save(from->regs.fpu);
    }
    if ((to->flags & THREAD_HAS_FPU) != 0) {
        CSR_SET(sstatus, SSTATUS_FS_CLEAN);
        fpu_load(to->regs.fpu);
    } else {
        CSR_CLEAR(sstatus, SSTATUS_FS);
    }
}

void arch_thread_destroy(struct thread *thread) {
    if (thread->regs.fpu != nullptr) {
        account_free(thread->object.account, thread->regs.fpu, sizeof(struct fpu_state));
    }
}
