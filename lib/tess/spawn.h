// The user-space loader: makes a process from an ELF image and starts it with exactly the capabilities
// given. Nothing of the new process's memory stays mapped in the loader.
//
// Address space of a program (spawn_layout.h): bootstrap block, message page, stack and
// image all lie in its lowest 4 MiB, so that a small program needs few page tables.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/bootstrap.h"
#include "abi/gen/abi.h"
#include "abi/types.h"

constexpr uint64_t SPAWN_STACK_DEFAULT = 64 * 1024;
constexpr uint64_t SPAWN_STACK_MAX = 512 * 1024;

// What a program may do with what is its own.
constexpr uint32_t SPAWN_OWN_RIGHTS = RIGHT_COPY_BIT | RIGHT_INSPECT_BIT;
constexpr uint32_t SPAWN_OWN_PROCESS_RIGHTS = SPAWN_OWN_RIGHTS | RIGHT_MANAGE_BIT | RIGHT_KILL_BIT;
constexpr uint32_t SPAWN_OWN_THREAD_RIGHTS = SPAWN_OWN_RIGHTS | RIGHT_MANAGE_BIT;
constexpr uint32_t SPAWN_OWN_VSPACE_RIGHTS = SPAWN_OWN_RIGHTS | RIGHT_MAP_BIT;
constexpr uint32_t SPAWN_OWN_ACCOUNT_RIGHTS = SPAWN_OWN_RIGHTS | RIGHT_TRANSFER_BIT | RIGHT_MANAGE_BIT | RIGHT_CREATE_BIT;

struct spawn_grant {
    char name[BOOTSTRAP_CAP_NAME_BYTES]; // under which the program finds it
    handle_t handle;                     // of the caller; needs TRANSFER (and COPY unless moved)
    rights_t rights;                     // intersected with those of the handle
    uint32_t type;                       // enum object_type
    uint64_t interface_id;               // of an endpoint, or of the kernel's objects of this type
    bool move;                           // the caller gives the handle up (only when all goes well)
    const char *file;                    // of the manifest, and the line that grants it, for denials; null and 0: none does
    uint32_t line;
    bool withheld;    // only named there: its number is 0, and `handle` is not looked at
    uint32_t foreign; // out: its number in the new process
    uint64_t koid;    // out: of the object
};

struct spawn_request {
    const char *name;        // of the program: shown in its bootstrap block and process name
    const char *file;        // of the manifest, and the line where it is described; null and 0: nowhere
    uint32_t line;
    handle_t account;        // pays for everything; needs CREATE
    handle_t image;          // VMO with READ, MAP and EXECUTE that holds the ELF file ...
    uint64_t image_offset;   // ... from here, page-aligned, ...
    uint64_t image_bytes;    // ... this long
    const uint8_t *mapped;   // the file's bytes where the caller has them mapped already, or null
    uint32_t band;           // enum band
    uint64_t stack_bytes;    // 0: SPAWN_STACK_DEFAULT
    const char *const *argv; // argc strings, the program's name first
    uint32_t argc;
    struct spawn_grant *grants;
    uint32_t grant_count; // at most BOOTSTRAP_MAX_CAPS
    handle_t watch;       // notification (SIGNAL) that gets `watch_bits` when the process ends, or 0
    uint64_t watch_bits;
    handle_t fault_endpoint; // SEND; 0 for none
    bool withhold_account;   // the program gets no handle to its own account
    bool keep_memory;        // the caller gets a handle to its memory
};

// What the caller owns of the new process.
struct spawned {
    handle_t process; // all rights
    handle_t thread;  // the first thread
    koid_t koid;
    uint32_t own_process, own_thread, own_vspace, own_account; // what the program holds itself, in its table
    uint64_t image_base, image_end;                            // where its image lies
    uint64_t image_bias;                                       // from the file's addresses to where it lies
    uint64_t stack_base, stack_end;
    uint64_t tls_base;        // of its first thread: the thread block, on top of the stack
    handle_t memory;          // READ: its writable memory, also when it has ended; 0 unless it was asked for
    uint64_t memory_stack_at; // where in it the stack begins
};

// Starts the program. On failure nothing is left of it, no handle was moved, and `why` (of `why_bytes`
// bytes) holds one line that says what failed, for people. Does not block.
// BAD_ARGUMENT: the image is not a program this loader takes. Any other status: of the step that failed.
status_t tess_spawn(const struct spawn_request *request, struct spawned *out, char *why, size_t why_bytes);
