// What mmu.c tells page_table.c.
#pragma once

#include <stdint.h>

#include "kernel/types.h"

// From here on new spaces share the upper half of this table. The entries of its upper half must all be
// there, and never change again.
void page_table_set_kernel_root(paddr_t root);

// Tables made (or, as a negative number, freed) outside page_table.c.
void page_table_count(uint64_t tables);
