// What inspector's methods write into the message page.
#pragma once

#include <stdint.h>

struct inspect_system {
    uint64_t uptime_ns;
    uint64_t ram_bytes;         // usable memory the boot path reported
    uint64_t used_bytes;        // ram_bytes less free frames: all that is in use, whatever for
    uint64_t kernel_image_bytes;
    uint64_t package_bytes;
    uint64_t free_bytes;
    uint64_t slab_bytes;        // frames held by slab caches
    uint64_t page_table_bytes;
    uint64_t user_bytes;        // committed anonymous memory
    uint64_t live_objects[24];  // by object type
    uint64_t handles;
    uint64_t context_switches;
    uint64_t idle_ns;           // of all processors
    uint32_t processors;
    uint32_t reap_pending;      // objects whose destruction is still going on
    uint64_t processor_idle_ns[64];
    uint64_t spurious_interrupts; // that no interrupt object was there for
};

struct inspect_process {
    uint64_t koid;
    char name[16];
    uint32_t state;   // 0 new, 1 running, 2 ended
    uint32_t threads;
    uint64_t handles;
    uint64_t account_koid;
    uint64_t account_used_bytes;
    uint64_t account_limit_bytes;
    uint64_t cpu_ns;
    uint32_t exit_kind;
    uint32_t band; // of its most urgent thread
    uint64_t vspace_koid;  // of its address space; 0: it has ended
    uint64_t handles_made; // how many ever came into its table: whoever sees the same number again has missed none
};

struct inspect_handle {
    uint32_t handle;
    uint32_t type;
    uint32_t rights;
    uint32_t parent_handle; // 0: the root of its derivation, or the parent is gone; or INSPECT_PARENT_FAR
    uint64_t badge;
    uint64_t interface_id;
    uint64_t object_koid;
    uint64_t parent_process_koid;
    uint64_t granted_ns; // when it came into this slot
    uint64_t granter_koid; // the process whose handle it was derived from; 0: it came with its object
    uint16_t origin;       // enum handle_origin
    uint16_t use;          // enum handle_use, or'ed: since it came into this slot
    uint32_t method;       // of ORIGIN_REQUEST and ORIGIN_ANSWER: the label of the request (24 bits)
};

struct inspect_account {
    uint64_t koid;
    uint64_t parent_koid;    // 0: the root
    uint64_t limit_bytes;
    uint64_t reserved_bytes; // of its limit, what its parent has set aside
    uint64_t used_bytes;
    uint64_t peak_bytes;
    uint64_t cpu_ns;         // of its threads, and of accounts split off from it that are gone
    uint64_t count[2];       // objects and handles of it and all below it; where `counts` is set
    uint64_t count_limit[2];
    uint32_t objects[24];    // charged to this very account, by type
    uint32_t counts;
    uint32_t ended;
};

// What an account pays for by itself, in bytes: what it uses without what its direct children cost it, which is what they use, or what
// is set aside for them if that is more. `accounts` are all there are.
static inline uint64_t inspect_own_bytes(const struct inspect_account *accounts, uint64_t count, uint64_t koid) {
    uint64_t own = 0, children = 0;
    for (uint64_t i = 0; i < count; i++) {
        const struct inspect_account *it = &accounts[i];
        if (it->koid == koid) {
            own = it->used_bytes;
        } else if (it->parent_koid == koid) {
            children += it->used_bytes > it->reserved_bytes ? it->used_bytes : it->reserved_bytes;
        }
    }
    return own > children ? own - children : 0; // they may have changed while they were listed
}

// The state of an object. What the numbers are:
//   account       state 1: ended; limit, used, reserved bytes, processor time in ns
//   process       state as in inspect_process; threads, handles, koid of its account, processor time in ns
//   thread        state as in thread.info; koid of what it waits on, band, processor time in ns, koid of its process
//   vmo           state 0 anonymous, 1 physical; length and committed bytes
//   endpoint      state bit 0: senders wait, 1: its notification has bits, 2: dead; senders and receivers waiting
//                 (at most 64 are counted), koid of the thread that served last, handles with RECEIVE
//   iospace       state 1: unprotected, the device reaches all memory; PCI requester id, bytes mapped, accesses refused,
//                 address of the last
//   notification  state 1: bound; bits, threads waiting (at most 64 are counted), koid of the endpoint it is bound to
struct inspect_object {
    uint64_t koid;
    uint64_t account_koid; // who pays; 0: nobody
    uint32_t handle;       // the one that it was reached by
    uint32_t type;
    uint32_t references;
    uint32_t state;
    uint64_t numbers[4];
};

// The parent is among so many siblings that it was not looked for.
constexpr uint32_t INSPECT_PARENT_FAR = 0xffff'ffff;

enum handle_origin : uint32_t {
    ORIGIN_BOOT = 0,    // made by the kernel at boot
    ORIGIN_CREATED = 1, // came with the creation of its object
    ORIGIN_COPIED = 2,  // handle_copy, handle_mint
    ORIGIN_GRANTED = 3, // process.grant
    ORIGIN_REQUEST = 4, // came with a call or send
    ORIGIN_ANSWER = 5,  // came with the answer to a call
};

// What a handle was used for. A look at it by inspector, and giving it up, are no use; waiting for a message or a notification, and
// signalling one, are not written down.
enum handle_use : uint16_t {
    HANDLE_USED = 1,   // a message was sent through it, a method called, or it was named as an argument or passed on
    HANDLE_MARKED = 2, // a message with MESSAGE_MARK was sent through it, or another handle was derived from it
};
