// Stand-ins for the object core (object.c, reaper.c, handle.c), small enough that the memory objects can
// be tested apart from threads and IPC. The real ones run in machine.h.
#pragma once

#include <stdint.h>

#include "kernel/arch/host/copy.h"
#include "kernel/ipc/invoke.h"
#include "kernel/object/object.h"

// Takes dead objects apart to the last; returns how many steps that took.
uint32_t host_reap(void);

// Live objects of all types.
uint64_t host_live_objects(void);

// A handle that handle_read finds; the table does not own the object.
uint64_t host_handle(struct object *object, uint32_t rights);

// Calls a method with these words (the results come back in them).
status_t host_invoke(method_handler method, struct object *object, uint64_t words[8]);
