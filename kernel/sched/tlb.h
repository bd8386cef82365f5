// Making processors forget translations.
//
// Who changes or removes a translation of a program's page writes the entry first and then calls tlb_flush (or
// flushes here as it likes, and calls tlb_flush_others). When that returns, no processor uses the old one, and the
// frame behind it may be given away. Locks may be held: whoever waits, for a lock or here, serves what others ask
// of it meanwhile (spin_relax). Nothing may spin in the kernel in any other way.
#pragma once

#include <stdint.h>

#include "kernel/percpu.h"
#include "kernel/object/page_table.h"

constexpr uint64_t TLB_PAGES_MAX = 32; // of a range; beyond, one flush of everything is cheaper

// The others' part of tlb_flush. The caller has looked that there are any.
void tlb_flush_remote(const struct page_tables *space, uint64_t start, uint64_t end);

// Every processor but this one forgets the space's translations in [start, end), both page-aligned.
static inline void tlb_flush_others(const struct page_tables *space, uint64_t start, uint64_t end) {
    if (__builtin_expect(cpu_count() > 1, 0)) {
        tlb_flush_remote(space, start, end);
    }
}

// Every processor does.
void tlb_flush(const struct page_tables *space, uint64_t start, uint64_t end);

// Does what other processors ask of this one. From its interrupt, and while it spins.
void tlb_serve(void);
