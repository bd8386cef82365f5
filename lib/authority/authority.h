// The graph of authority: which process holds which capability, from where it has it, and what the manifest says about it.
//
// It is one look at the system, put together by whoever may look: processes, handles, objects and accounts from the kernel's
// inspector (abi/inspect.h), services, jobs and their grants from those that start them, interfaces from the contracts. The system
// goes on meanwhile; a handle whose parent has gone by the time its process is looked at has none that is known. A second look at
// the processes, when all tables have been read, says whether a handle came to one that had been read (authority_look_again).
//
// Pure: nothing here calls anybody. Questions are asked in why.h, effect.h, reach.h, who.h; export.h writes the graph down.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/inspect.h"

constexpr uint32_t AUTHORITY_NONE = UINT32_MAX; // an index that is none
constexpr size_t AUTHORITY_NAME_BYTES = 24;
constexpr size_t AUTHORITY_TEXT_BYTES = 64;     // of a file, of a grant in the manifest's words
constexpr size_t AUTHORITY_METHOD_BYTES = 56;   // "SupervisorControl.run"

enum authority_unit_kind : uint8_t {
    AUTHORITY_SUPERVISOR, // what the kernel started
    AUTHORITY_SERVICE,
    AUTHORITY_JOB,
};

// Somebody that has a name: the supervisor, a service, a job.
struct authority_unit {
    char name[AUTHORITY_NAME_BYTES];
    enum authority_unit_kind kind;
    bool comes_back; // started again when it ends
    bool essential;
    uint32_t manifest_line;
    char manifest_file[AUTHORITY_TEXT_BYTES];
    uint64_t process_koid; // 0: not running
};

// A process that a unit had before, and that has ended: what it handed on may be there still.
struct authority_former {
    uint64_t process_koid;
    uint32_t unit; // index
};

// What a process was given at its start.
struct authority_grant {
    uint64_t process_koid;
    uint32_t handle;        // in its table
    uint32_t manifest_line; // 0: every process is given it
    char name[AUTHORITY_NAME_BYTES];
    char source[AUTHORITY_TEXT_BYTES]; // in the manifest's words: "service log"
    char manifest_file[AUTHORITY_TEXT_BYTES];
};

struct authority_process {
    uint64_t koid;
    char name[AUTHORITY_NAME_BYTES]; // of its unit; of one that has none what it calls itself
    uint64_t account_koid;
    uint64_t vspace_koid;                // its address space; 0: it has ended, or nobody said
    uint64_t handles_made, handles_made_later; // when it was listed, before its handles were read; at the second look
    uint32_t unit; // index, or AUTHORITY_NONE
    uint32_t first_handle, handle_count;
    bool ended;
};

struct authority_handle {
    struct inspect_handle seen;
    uint32_t process; // index
    uint32_t parent;  // index, or AUTHORITY_NONE
    uint32_t grant;   // index, or AUTHORITY_NONE
    uint32_t object;  // index, or AUTHORITY_NONE: it was not there any more when objects were looked at
};

struct authority_account {
    uint64_t koid, parent_koid; // parent 0: the root
};

// An interface of a contract, and the methods it declares.
struct authority_interface {
    uint64_t id;
    uint64_t extends_id;  // 0: none
    uint32_t object_type; // that of the kernel's objects of this type; 0: a service's
    char name[AUTHORITY_NAME_BYTES];
};

struct authority_method {
    uint64_t interface_id;
    char name[AUTHORITY_METHOD_BYTES]; // "Log.query"
    uint16_t ordinal;
    bool brings; // its parameters may have capabilities
    bool gives;  // its results may
    uint32_t first_carried, carried_count;
};

// What a method can carry: a capability of this interface.
constexpr uint64_t AUTHORITY_ANYTHING = 0; // or any other

struct authority_carried {
    uint64_t interface_id;
    bool is_given; // with its results, not with its parameters
};

#define AUTHORITY_LIST(type) \
    struct { \
        type *at; \
        uint32_t count, room; \
    }

struct authority {
    uint64_t taken_ns; // when it was looked at
    uint32_t unseen;   // processes that were there at the second look only
    AUTHORITY_LIST(struct authority_process) processes; // by koid, once linked
    AUTHORITY_LIST(struct authority_handle) handles;    // by process and handle
    AUTHORITY_LIST(struct inspect_object) objects;      // by koid, each once
    AUTHORITY_LIST(struct authority_account) accounts;  // by koid
    AUTHORITY_LIST(struct authority_unit) units;
    AUTHORITY_LIST(struct authority_former) formers;
    AUTHORITY_LIST(struct authority_grant) grants;
    AUTHORITY_LIST(struct authority_interface) interfaces;
    AUTHORITY_LIST(struct authority_method) methods;
    AUTHORITY_LIST(struct authority_carried) carried; // by method, each once
};

// ---- putting it together: false without memory; then the graph is as it was ----

bool authority_add_process(struct authority *graph, const struct inspect_process *process);
bool authority_add_handle(struct authority *graph, uint64_t process_koid, const struct inspect_handle *handle); // of the last process
bool authority_add_object(struct authority *graph, const struct inspect_object *object);
bool authority_add_account(struct authority *graph, uint64_t koid, uint64_t parent_koid);
bool authority_add_unit(struct authority *graph, const struct authority_unit *unit);
bool authority_add_former(struct authority *graph, const struct authority_former *former);
bool authority_add_grant(struct authority *graph, const struct authority_grant *grant);
bool authority_add_interface(struct authority *graph, const struct authority_interface *interface);
bool authority_add_method(struct authority *graph, const struct authority_method *method); // that carries nothing
bool authority_add_carried(struct authority *graph, const struct authority_carried *carried); // of the last method; again does no harm

// Takes processes, handles and objects out, and keeps the memory: a look that has just failed for what it made itself does not fail again.
void authority_begin_again(struct authority *graph);

// A process as it is when all handles have been read; each that there is then, in any order.
void authority_look_again(struct authority *graph, const struct inspect_process *process);

// Whether the graph has every handle that there was when the second look began: since then at the latest nothing came to a table after
// it was read. It may have some that were closed meanwhile.
bool authority_is_whole(const struct authority *graph);

// Sorts, and finds what belongs together. After it nothing is added.
void authority_link(struct authority *graph);

// Gives its memory back; the graph is empty then. One that is all zeros is empty, too.
void authority_free(struct authority *graph);

// ---- looking something up: an index, or AUTHORITY_NONE ----

uint32_t authority_process_by_koid(const struct authority *graph, uint64_t koid);
uint32_t authority_process_by_name(const struct authority *graph, const char *name); // that has not ended
uint32_t authority_handle_of(const struct authority *graph, uint32_t process, uint32_t handle);

// By its number (0x10004), or the first that goes by this name.
uint32_t authority_handle_called(const struct authority *graph, uint32_t process, const char *word);
uint32_t authority_object_by_koid(const struct authority *graph, uint64_t koid);
uint32_t authority_unit_by_name(const struct authority *graph, const char *name);

// Whose process it was that has ended: a unit.
uint32_t authority_former_unit(const struct authority *graph, uint64_t process_koid);

bool authority_is_supervisor(const struct authority *graph, uint32_t process);

// Whose account pays, or the nearest above it that is somebody's: a process.
uint32_t authority_payer(const struct authority *graph, uint64_t account_koid);

// Whether the account is `ancestor`, or split off from it, however often.
bool authority_account_is_under(const struct authority *graph, uint64_t koid, uint64_t ancestor);

const struct authority_interface *authority_interface_by_id(const struct authority *graph, uint64_t id);

// Whether who holds this endpoint handle may use the interface: it is the handle's own; with a control badge also one that
// extends that. Of a handle without an interface, or of one that no contract has, nothing is known: then it may be any.
bool authority_may_use(const struct authority *graph, const struct inspect_handle *handle, uint64_t interface_id);

// Whether the handle's process receives through it: it may, and it was the last to serve there, or nobody has yet. (The supervisor
// may receive from every service's endpoint, and leaves it to the service.)
bool authority_receives(const struct authority *graph, const struct authority_handle *handle);

// Who serves an endpoint: its last receiver, or whoever may be the first. AUTHORITY_NONE: nobody.
uint32_t authority_server_of(const struct authority *graph, uint64_t endpoint_koid);

// What a handle goes by: the name of its grant, or else its interface or type. Returns `out`.
const char *authority_handle_name(const struct authority *graph, uint32_t handle, char out[AUTHORITY_NAME_BYTES]);
