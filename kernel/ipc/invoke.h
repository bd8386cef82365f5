// How a `call` on a kernel object reaches its method.
//
// The generated table (abi/gen/methods.h, from abi/abi.toml) holds for each object type its methods: the right that
// the handle must have, and what leads to the handler `method_<object>_<method>` below kernel/object/. Before that
// runs, handle, type, method number and right have been checked, and the arguments as far as the table knows them.
#pragma once

#include <stdint.h>

#include "abi/gen/abi.h"
#include "abi/message.h"
#include "kernel/object/handle.h"
#include "kernel/object/thread.h"
#include "kernel/percpu.h"
#include "kernel/types.h"

struct method;

struct invocation {
    uint64_t handle, request, deadline_ns; // of the system call, to make it again
    const struct method *method;
    struct thread *caller;  // the current thread
    struct object *object;  // what was invoked; stays valid during the call
    uint32_t type_rights;   // of the handle that was used (struct handle_slot)
    struct capability argument; // the handle among the arguments; the same holds for its object, null when left out
    uint64_t *words;        // MESSAGE_WORDS arguments in, results out: the caller's saved registers
    bool again;             // out, with OK: not finished; the same method is called again with the words as they
                            // are left, after whatever else wants the processor
    uint64_t info;          // out: header of the answer: how many bytes of the caller's message page hold results, and
                            // how many handles there are; 0 on entry
};

// Results count only with OK. "Check everything, then commit without failing": on any other
// status nothing has changed. A handler never blocks, and does a bounded amount of work. TIMED_OUT is its word for an
// absent page (vmo_fetch): the caller waits for that, and the method is called again.
typedef status_t (*method_handler)(struct invocation *invocation);

struct method {
    method_handler handler;
    rights_t right;
    uint32_t results; // the words that they fill, beginning with the first
};

struct method_table {
    const struct method *methods; // indexed by method number; where there is none, one that says BAD_METHOD
    uint32_t count;
};

// Carries out the method that the header `info` names, for `caller`, whose saved words it works on. `type_rights` is
// what its handle to the object says (struct handle_slot). BAD_ARGUMENT, BAD_METHOD, NO_RIGHT, or the method's own
// status. `invocation` is filled in when a method was found.
status_t invoke_method(struct thread *caller, struct object *object, uint32_t type_rights, uint64_t info,
                       struct invocation *invocation);

// What the generated code does with handles. Where there is one processor nothing that a look-up found can go during the
// call; where there are more it is held until invocation_done.
static inline status_t invocation_hold(const struct invocation *invocation, status_t found) {
    TRY(found);
    return cpu_count() == 1 || object_try_get(invocation->argument.object) ? STATUS_OK : STATUS_BAD_HANDLE;
}
static inline status_t invocation_find_any(struct invocation *invocation, uint64_t handle) {
    return invocation_hold(invocation, handle_read(invocation->caller->process, handle, &invocation->argument));
}
static inline status_t invocation_find(struct invocation *invocation, uint64_t handle, enum object_type type,
                                       rights_t need) {
    struct process *process = invocation->caller->process;
    return invocation_hold(invocation, handle_read_as(process, handle, type, need, &invocation->argument));
}
static inline status_t invocation_find_if_any(struct invocation *invocation, uint64_t handle, enum object_type type,
                                              rights_t need) {
    return handle == 0 ? STATUS_OK : invocation_find(invocation, handle, type, need);
}
static inline status_t invocation_done(const struct invocation *invocation, status_t status) {
    if (cpu_count() > 1 && invocation->argument.object != nullptr) {
        object_put(invocation->argument.object);
    }
    return status;
}
// Gives the caller the first handle to an object just made, as the first result.
static inline status_t invocation_give(const struct invocation *invocation, struct object *made) {
    return handle_to_new(invocation->caller->process, made, 0, &invocation->words[0]);
}

// The handles among the results, which come first, are also where those of a message are: to the caller, and to the ring,
// an answer of the kernel is like a service's. A method that is called again reads its arguments below word 6.
static inline status_t invocation_bring(struct invocation *invocation, uint32_t handles) {
    uint64_t *words = invocation->words;
    words[6] = handles == 1 ? words[0] : words[0] | words[1] << 32;
    invocation->info = message_info(0, 0, handles, 0);
    return STATUS_OK;
}

extern const struct method_table method_tables[OBJECT_TYPE_COUNT];
