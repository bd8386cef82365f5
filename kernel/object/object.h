// What all kernel objects have in common: identity, type, references, and who pays.
//
// An object lives while something refers to it: handle slots, mappings, a bound peer, a thread that
// is running or waiting. The last object_put hands it to the reaper (kernel/object/reaper.h), which
// takes it apart in bounded steps and gives its memory and its charge back.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/gen/abi.h"
#include "kernel/object/reaper.h"
#include "kernel/panic.h"
#include "kernel/types.h"

struct account;
struct slab_cache;

struct object {
    uint32_t references; // atomic
    uint8_t type;        // enum object_type
    uint16_t withheld;   // rights of the type that nobody ever has to this one
    koid_t koid;
    struct account *account; // who paid; holds a reference; null only for the root account
    struct reap_item reap;
};

// What a type does at the two ends of an object's life; one row per type in object.c.
struct object_class {
    const char *name;
    struct slab_cache *cache;
    uint32_t rights; // all that mean something for the type: what its creator does not get nobody ever has
    // Each of the others may be null. Fills in what is not zero in a new object.
    void (*init)(struct object *object);
    // One bounded step of taking the object apart; true when only its memory is left to free.
    bool (*destroy_step)(struct object *object);
    // A handle with these rights came or went.
    void (*handle_added)(struct object *object, rights_t rights);
    void (*handle_removed)(struct object *object, rights_t rights);
};

// Allocates a zeroed object of the class, charges its size to `account` (which then is referenced),
// and gives it a koid and one reference, the caller's. NO_MEMORY leaves nothing changed.
status_t object_create(enum object_type type, struct account *account, struct object **out);

// For who has one already.
static inline void object_get(struct object *object) {
    const uint32_t before = __atomic_fetch_add(&object->references, 1, __ATOMIC_RELAXED);
    DEBUG_ASSERT(before != 0);
}

// For what is found in a list that holds no references, or by a look-up: false when the object is being taken apart
// already, because another processor has given up the last handle.
[[nodiscard]] static inline bool object_try_get(struct object *object) {
    uint32_t references = __atomic_load_n(&object->references, __ATOMIC_RELAXED);
    while (references != 0) {
        if (__atomic_compare_exchange_n(&object->references, &references, references + 1, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

// Gives up one reference. Never blocks; the work of destruction is the reaper's.
void object_put(struct object *object);
// The same for several, or none.
void object_put_some(struct object *object, uint32_t references);

const struct object_class *object_class(enum object_type type);

// Live objects by type, for inspector.
uint64_t object_live_count(enum object_type type);
