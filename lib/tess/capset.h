// What this program was granted: the named capabilities of its bootstrap block, its own handles, and
// its arguments. Constant for the life of the process; nothing here blocks or allocates.
#pragma once

#include "abi/bootstrap.h"
#include "abi/types.h"

// Set by the start code before main.
extern const struct bootstrap *tess_bootstrap;

// Finds the capability granted under `name`. With `interface_id` other than 0 it must be of that interface. (An object of the
// kernel is of one of idl/kernel.capnp.) The handle stays the CapSet's: do not close it.
// NOT_FOUND: no such grant. WRONG_TYPE: it is of another interface.
status_t tess_cap(const char *name, uint64_t interface_id, handle_t *out);

// The type (enum object_type) of the capability granted under `name`; 0 when there is none.
uint32_t tess_cap_type(const char *name);

// The same where the program can do nothing without it: ends the program with a message otherwise.
handle_t tess_cap_required(const char *name, uint64_t interface_id);

// The process's own handles; v is 0 for one that was withheld.
static inline handle_t tess_self_process(void) {
    return (handle_t){tess_bootstrap->process};
}

static inline handle_t tess_self_vspace(void) {
    return (handle_t){tess_bootstrap->vspace};
}

static inline handle_t tess_self_account(void) {
    return (handle_t){tess_bootstrap->account};
}

// The calling thread's own handle. Waits, at first use only, until the thread's creator has stored it
// (it has at most a few instructions left to do so).
handle_t tess_self_thread(void);
