// A flush asks those processors that may hold translations of the space, all at once, and waits for them.
//
// Which those are, the current thread of each says. sched_switch_registers writes percpu.frame, and then the root
// when it is another one, which drops all translations of the one before. So, with the entries written, then a full
// fence, then the frames read:
// - who shows a thread of this space is asked;
// - who shows another thread and was in this space before has a write of the root still ahead of it, and no access
//   to programs' memory before that;
// - who enters this space later writes its frame after we read it. It then writes the root, which waits for the
//   frame to be visible, and walks the tables after that: it finds the new entries.
// What a frame is part of stays allocated until this entry into the kernel is over (kernel-objects.md).
#include "kernel/sched/tlb.h"

#include "abi/message.h"
#include "kernel/lock.h"

static struct thread *thread_on(const struct percpu *cpu) {
    return CONTAINER_OF(__atomic_load_n(&cpu->frame, __ATOMIC_RELAXED), struct thread, regs.status);
}

static void flush_here(uint64_t start, uint64_t end) {
    if (end - start - 1 >= TLB_PAGES_MAX * PAGE_BYTES) { // so many, or everything
        arch_tlb_flush_user();
        return;
    }
    for (; start < end; start += PAGE_BYTES) {
        arch_tlb_flush_page(start);
    }
}

void tlb_serve(void) {
    struct percpu *cpu = this_cpu();
    uint64_t from = __atomic_exchange_n(&cpu->flush_from, 0, __ATOMIC_SEQ_CST);
    for (; from != 0; from &= from - 1) {
        struct tlb_request *request = &percpus[__builtin_ctzll(from)]->flush;
        if (request->root == arch_read_root()) {
            flush_here(request->start, request->end);
        }
        __atomic_fetch_and(&request->waiting, ~(1ull << cpu->id.v), __ATOMIC_SEQ_CST);
    }
}

void tlb_flush_remote(const struct page_tables *space, uint64_t start, uint64_t end) {
    struct percpu *self = this_cpu();
    struct tlb_request *request = &self->flush;
    uint64_t asked = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < cpu_count(); i++) {
        if (i != self->id.v && thread_on(percpus[i])->regs.page_table == space->root.v) {
            asked |= 1ull << i;
        }
    }
    if (asked == 0) {
        return;
    }
    request->root = space->root.v;
    request->start = start;
    request->end = end;
    __atomic_store_n(&request->waiting, asked, __ATOMIC_SEQ_CST);
    for (uint64_t rest = asked; rest != 0; rest &= rest - 1) {
        struct percpu *cpu = percpus[__builtin_ctzll(rest)];
        // Where somebody else asks already, the interrupt is his business.
        if (__atomic_fetch_or(&cpu->flush_from, 1ull << self->id.v, __ATOMIC_SEQ_CST) == 0) {
            arch_send_ipi(cpu->id, IPI_FLUSH);
        }
    }
    while (__atomic_load_n(&request->waiting, __ATOMIC_ACQUIRE) != 0) {
        spin_relax();
    }
}

void tlb_flush(const struct page_tables *space, uint64_t start, uint64_t end) {
    if (page_tables_active(space)) {
        flush_here(start, end);
    }
    tlb_flush_others(space, start, end);
}

void spin_relax(void) {
    arch_relax();
    if (__atomic_load_n(&this_cpu()->flush_from, __ATOMIC_RELAXED) != 0) {
        tlb_serve();
    }
}

ARCH_COLD_CALL void spin_wait(struct spinlock *lock) {
    do {
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED) != 0) {
            spin_relax();
        }
    } while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) != 0);
}
