// The only ways by which the kernel follows an address that a user program supplied.
//
// Both run on the address space of the current thread. A touch of a page not there yet is resolved as
// for the program itself (vspace_fault); what cannot be resolved ends the copy with what that said, or BAD_ADDRESS for
// what is no program's address, and then an unspecified part may have been copied. Neither blocks. No lock of a VMO, vspace or account may be held.
#pragma once

#include <stddef.h>

#include "kernel/types.h"

// Kernel memory from user memory.
status_t copy_in(void *to, uaddr_t from, size_t len);

// User memory from kernel memory.
status_t copy_out(uaddr_t to, const void *from, size_t len);

// ---- Between copy.c and the port ----

// In the port's copy.S: false when a page could not be reached. One of the two sides is user memory, range-checked.
bool user_copy(void *to, const void *from, size_t len);

// Where an instruction of it that faulted goes on; 0: it is none.
uint64_t extable_fixup(uint64_t ip);
