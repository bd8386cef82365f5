// How a `call` on a kernel object reaches its method.
//
// The generated table (abi/gen/methods.h, from abi/abi.toml) holds for each object type its methods:
// the right that the handle must have, and the handler `method_<object>_<method>` below kernel/object/.
// The dispatcher has checked handle, type, method number and right before a handler runs.
#pragma once

#include <stdint.h>

#include "abi/gen/abi.h"
#include "kernel/types.h"

struct object;
struct thread;

struct invocation {
    struct thread *caller;  // the current thread
    struct object *object;  // what was invoked; stays valid during the call
    rights_t rights;        // of the handle that was used
    uint64_t *words;        // MESSAGE_WORDS arguments in, results out: the caller's saved registers
    bool again;             // out, with OK: not finished; the same method is called again with the words as they
                            // are left, after whatever else wants the processor
    uint32_t page_bytes;    // out: bytes of the caller's message page that hold results; 0 on entry
};

// Results count only with OK. "Check everything, then commit without failing": on any other
// status nothing has changed. A handler never blocks, and does a bounded amount of work. TIMED_OUT is its word for an
// absent page (vmo_fetch): the caller waits for that, and the method is called again.
typedef status_t (*method_handler)(struct invocation *invocation);

struct method {
    method_handler handler;
    rights_t right;
    const char *name;
};

struct method_table {
    const struct method *methods; // indexed by method number; handler null where there is none
    uint32_t count;
};

// Carries out the method that the header `info` names, for `caller`, whose saved words it works on. `type_rights` is
// what its handle to the object says (struct handle_slot). BAD_ARGUMENT, BAD_METHOD, NO_RIGHT, or the method's own
// status. `invocation` is filled in when a method was found.
status_t invoke_method(struct thread *caller, struct object *object, uint32_t type_rights, uint64_t info,
                       struct invocation *invocation);

extern const struct method_table method_tables[OBJECT_TYPE_COUNT];
