// From a unit of the manifest to a running process: for who starts some, init its services and execd its jobs.
//
// What the manifest grants is made here where all that it takes is an account or the boot package; the rest is made of what
// the starter holds, by its function. Nothing here blocks. One thread at a time.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "idl/supervisor.capnp.h"
#include "lib/badge/badge.h"
#include "lib/manifest/manifest.h"
#include "lib/package/package.h"
#include "lib/rpc/piece.h"
#include "lib/tess/spawn.h"

constexpr size_t LAUNCH_HANDED_MAX = 4;

// Something that a process was given when it was started, as the shell's `caps` shows it.
struct launch_capability {
    uint32_t handle;             // in that process's table
    uint32_t type;               // enum object_type
    rights_t rights;
    uint64_t badge;              // of its holder, where it calls a service
    uint32_t manifest_line;      // that granted it; 0: no line of the manifest did
    const char *manifest_source; // the file of that line
    uint64_t interface_id;
    char name[NAME_BYTES];
    char source[56]; // what was granted, in the manifest's words: "service log"
};

struct launch_capset {
    struct launch_capability *entries; // owned; null while nothing runs, or when there was no memory to remember them
    size_t count;
};

// What is to be granted, in the making.
struct launch_grants;

// Makes what the grant says, a handle that is the caller's until the process has a copy, with its rights, type and interface.
typedef status_t launch_make_fn(void *context, struct manifest_grant grant, struct launch_grants *all, struct spawn_grant *to);

// The endpoint that a unit receives from under this name.
typedef void launch_provide_fn(void *context, const char *name, struct spawn_grant *to);

// A capability that is granted beside those of the manifest, or in place of one of the same name. The handle stays the caller's.
struct launch_handed {
    char name[NAME_BYTES];
    handle_t handle;
    rights_t rights; // of these, what the handle has; 0: all that it has
};

struct launch {
    const struct manifest *manifest;
    const struct manifest_unit *spec;
    const struct package *package;
    handle_t package_vmo;
    const char *program;      // its file in the package; null: the manifest's
    const char *name;         // of the process
    uint32_t holder;          // its number, which services see (lib/badge)
    handle_t account;         // pays for it; needs CREATE and all that it is to have of it
    handle_t accounts;        // those that it is granted are made below this; MANAGE
    enum manifest_band band;
    const char *command_line; // the machine's; null when there is none
    const char *const *arguments; // behind the manifest's
    size_t argument_count;
    handle_t watch; // gets the bits when it ends
    uint64_t watch_bits;
    bool keep_memory; // as of spawn_request
    const struct launch_handed *handed;
    size_t handed_count;
    const uint8_t *withheld; // of each grant of the unit, the actions (1 << enum policy_action) that the policy denies; null: none
    bool refuses_withheld;   // it is not started without what it may not use; else that is only named to it, as handle 0
    launch_make_fn *make;
    launch_provide_fn *provide; // null: for a unit that provides nothing
    void *context;
};

// Starts it. On failure nothing is left of it, and `why` has one line that says what failed. NOT_FOUND, BAD_ARGUMENT: its file
// is missing or no good. TOO_LARGE: the arguments. NO_RIGHT: it may not use what it is granted, or cannot be handed something.
status_t launch_start(const struct launch *launch, struct spawned *process, struct launch_capset *capset, char *why,
                      size_t why_bytes);

// Makes the account above those that the unit is granted, below the parent (MANAGE); none (*out is 0) when it is granted none.
// Ending it ends what runs on them.
status_t launch_lend_account(const struct manifest_unit *spec, handle_t parent, handle_t *out);

void launch_forget(struct launch_capset *capset);

// Shows what was given: first how much of it the answer has room for, then as much.
void launch_count(const struct launch_capset *capset, struct rpc_piece *piece);
void launch_put(const struct launch_capset *capset, const struct rpc_piece *piece,
                struct supervisor_granted_capability_list_builder list);

// Another capability that comes with the grant being made: a name, and what is to be shown as its source. Null: there is no place.
struct spawn_grant *launch_add(struct launch_grants *all, const char *name, struct manifest_grant shown);

// Whether what is being made lets its holder call what only some may: the manifest says so, and it is not withheld.
bool launch_controls(const struct launch_grants *all, struct manifest_grant grant);

// The interface of the endpoint under a name that some service provides.
uint64_t launch_interface_id(const char *provided);

// To be held as an object of the kernel's is, if nothing else is said: copied, passed on, looked at.
rights_t launch_plain(uint32_t rights);
