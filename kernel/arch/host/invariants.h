// What always holds for the kernel's tables and queues between two entries into it, looked at whole: tests and models do
// after each step. What the debug build looks at is in kernel/debug/invariants.h.
#pragma once

#include <stdint.h>

#include "kernel/types.h"

struct page_tables;
struct endpoint;
struct process;
struct ring;
struct vspace;

// One handle table: counts, free list, derivations.
bool handle_table_check(struct process *process);

// An endpoint's queues, and what they say about themselves in the head of endpoint.h.
bool endpoint_check(struct endpoint *endpoint);

// A ring's lists of requests, and its counts.
bool ring_check(struct ring *ring);

// An address space's mappings: in order, apart, as the counts say, never writable and executable.
bool vspace_check(struct vspace *vspace);

// What is entered for an address in the page tables; false when nothing is.
bool page_tables_query(const struct page_tables *space, uint64_t address, paddr_t *frame, uint32_t *prot);
