// What always holds for the kernel's tables and queues between two entries into it; tests and models look after each
// step. The kernel itself never calls these.
#pragma once

#include <stdint.h>

#include "kernel/lock.h"

struct endpoint;
struct process;

// One handle table: counts, free list, derivations.
bool handle_table_check(struct process *process);

// An endpoint's queues, and what they say about themselves in the head of endpoint.h.
bool endpoint_check(struct endpoint *endpoint);
