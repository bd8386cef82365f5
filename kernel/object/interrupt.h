// interrupt: a device's line, or a message that it sends instead, which one program serves; minted from resource.
//
//   UNBOUND  masked; nobody is told
//   ARMED    unmasked; the next interrupt signals the notification
//   FIRED    masked until acknowledged; a message that comes meanwhile counts once, then
//
// One lock for all: it guards their states, who has which line, and the lines' controllers. It is released before a
// notification is signalled.
#pragma once

#include "kernel/lock.h"
#include "kernel/mm/slab.h"
#include "kernel/object/object.h"
#include "kernel/plat/plat.h"

struct notification;

enum interrupt_state : uint8_t {
    INTERRUPT_UNBOUND,
    INTERRUPT_ARMED,
    INTERRUPT_FIRED,
};

extern struct spinlock interrupt_lock;

struct interrupt {
    struct object object;
    struct line_wiring line; // fixed for life
    enum interrupt_state state GUARDED_BY(interrupt_lock);
    bool again GUARDED_BY(interrupt_lock); // FIRED, and a message came since
    struct notification *notification GUARDED_BY(interrupt_lock); // referenced; null exactly when UNBOUND
    uint64_t bits GUARDED_BY(interrupt_lock);
};

extern struct slab_cache interrupt_cache;
bool interrupt_destroy_step(struct object *object);

// How often a line fired that nobody has, as a device does that was not told to stop. Atomic.
extern uint64_t interrupt_spurious_count;

// The line fired (PLAT_LINE). Tells who waits for it, who may become ready: rescheduling is the caller's.
void interrupt_fired(uint32_t gsi);
