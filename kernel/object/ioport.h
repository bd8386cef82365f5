// ioport: a range of I/O ports that one program may use, minted from resource.
//
// Ranges never overlap: while an ioport lives nobody else has its ports. Those by which a program could
// take the machine over (interrupt controllers, DMA controllers, power management) are never handed out.
//
// Lock: one for the list of all ranges. It is a leaf.
#pragma once

#include "base/list.h"
#include "kernel/mm/slab.h"
#include "kernel/object/object.h"

struct ioport {
    struct object object;
    uint16_t base;
    uint32_t count; // 1..65536
    struct list_node link;
};

extern struct slab_cache ioport_cache;
bool ioport_destroy_step(struct object *object);
