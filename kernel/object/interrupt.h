// interrupt: a device's line, or a message that it sends instead, which one program serves; minted from resource.
//
//   UNBOUND  masked; nobody is told
//   ARMED    unmasked; the next interrupt signals the notification
//   FIRED    masked until acknowledged; a message that comes meanwhile counts once, then
//
// Locks: `lock` guards the state; one lock for all guards which lines are taken. Both come after the
// lines' own lock of kernel/plat, under which interrupt_fired runs, and are released before that one
// is taken or a notification is signalled.
#pragma once

#include "kernel/lock.h"
#include "kernel/mm/slab.h"
#include "kernel/object/object.h"

struct notification;

enum interrupt_state : uint8_t {
    INTERRUPT_UNBOUND,
    INTERRUPT_ARMED,
    INTERRUPT_FIRED,
};

struct interrupt {
    struct object object;
    uint32_t gsi; // fixed for life
    struct spinlock lock;
    enum interrupt_state state GUARDED_BY(lock);
    bool again GUARDED_BY(lock); // FIRED, and a message came since
    struct notification *notification GUARDED_BY(lock); // referenced; null exactly when UNBOUND
    uint64_t bits GUARDED_BY(lock);
};

extern struct slab_cache interrupt_cache;
bool interrupt_destroy_step(struct object *object);
