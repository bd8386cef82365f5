// iospace: what one device reaches of memory, minted from resource.
//
// With an IOMMU (plat.h) the device has addresses of its own in slots of 2 MiB, each of which shows one mapping; a device
// without an iospace reaches nothing. Without an IOMMU it reaches all memory anyway, which the minter has to have said
// it knows: the addresses are physical then, and nothing is held back (docs/decisions/iospace.md).
//
// The VMO of a mapping is pinned (vmo_pin). It is let go only after the device can reach it no more.
//
// Locks: the iospace's own guards its mappings and tables, before VMOs'; one for the list of all. Neither is held over
// the other.
#pragma once

#include "kernel/lock.h"
#include "kernel/mm/slab.h"
#include "kernel/object/object.h"
#include "kernel/plat/plat.h"

struct dma_slot;
struct inspect_object;

struct iospace {
    struct object object;
    struct spinlock lock;
    struct dma_slot *slots; // DMA_SLOTS of them, GUARDED_BY(lock)
    uint64_t mapped_pages GUARDED_BY(lock);
    struct dma_domain domain;       // its tables: GUARDED_BY(lock)
    uint32_t sweep;                 // where the destruction has got to
    uint64_t faults, fault_address; // of the list of all
};

extern struct slab_cache iospace_cache;
bool iospace_destroy_step(struct object *object);

void iospace_describe(struct iospace *iospace, struct inspect_object *out);
