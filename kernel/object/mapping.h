// mapping: a range of an address space that shows part of a VMO, or is kept free.
//
// It belongs to its vspace, whose lock guards all of it. While it shows a VMO it is also on that VMO's list, and then
// `start`, `end`, `offset` and `prot` change only with the VMO's lock held as well. So whoever holds the VMO's lock may
// follow the list into other address spaces and take their page table entries away, without their locks: tables exist
// as long as a mapping needs them.
#pragma once

#include <stdint.h>

#include "base/list.h"
#include "base/rbtree.h"
#include "kernel/object/vmo.h"

struct vspace;

enum mapping_kind : uint8_t {
    MAPPING_VMO = 0,
    MAPPING_RESERVED = 1, // given away only to those who ask for this very place
    MAPPING_GUARD = 2,    // never
    MAPPING_LAST = 3,     // unmapped just now: nothing is there, but it is likely to be mapped again (vspace.c)
};

struct mapping {
    struct rb_node node; // vspace->mappings
    struct list_node vmo_link;
    struct vspace *vspace;
    struct vmo *vmo;     // MAPPING_VMO: referenced; else null
    uint64_t start, end; // page-aligned, start < end
    uint64_t offset;     // of `start` in the VMO, page-aligned
    uint8_t prot, max_prot;
    uint8_t kind; // enum mapping_kind
    bool chosen;  // the kernel chose the place
};

static inline uint64_t mapping_page(const struct mapping *mapping, uint64_t address) {
    return (mapping->offset + (address - mapping->start)) >> 12;
}

// All but the last: with the vspace's lock held.

// Puts a mapping whose other fields are set onto the list of `vmo`, with a reference, and enters what lies at its start
// and is there already. NOT_ALLOWED: the VMO is sealed, or its memory would be writable in one place and executable in
// another. NO_MEMORY: VMO_MAX_MAPPINGS.
status_t mapping_attach(struct mapping *mapping, struct vmo *vmo);

// Whether the VMO's number of mappings allows for more, as far as one can tell without its lock.
bool mapping_may_split(const struct mapping *mapping);

// The mapping now ends at `address`; `upper`, which has its start, end and protection, shows the rest.
void mapping_split_shown(struct mapping *mapping, struct mapping *upper, uint64_t address);

// Whether the protection of [start, end) may become this one. NOT_ALLOWED as above.
status_t mapping_may_protect(struct mapping *mapping, uint64_t start, uint64_t end, uint32_t prot);

// Gives all of the mapping another protection, and changes what the page tables say of [start, end); how far it got,
// and `budget`, as page_tables_protect. NOT_ALLOWED as above: then nothing has changed.
status_t mapping_protect(struct mapping *mapping, uint64_t *start, uint64_t end, uint32_t prot, uint32_t *budget);

// Takes the mapping out of the page tables from its start on, and moves the start as far as it got. When that is the
// end it is off its VMO's list, and the reference is dropped.
void mapping_detach(struct mapping *mapping, uint32_t *budget);

// The same when the vspace is taken apart, and nobody walks its tables any more. Nothing for one without a VMO.
void mapping_abandon(struct mapping *mapping);

// Enters a page, which lies in the mapping, for an access that the mapping allows. NO_MEMORY; NOT_FOUND: the VMO ends
// before it; TIMED_OUT as vmo_fetch.
status_t mapping_fault(struct mapping *mapping, uint64_t page, uint32_t access);

// Takes pages [first, end) of a VMO out of every address space (`clear`), or only makes them unwritable there.
void mappings_change(struct vmo *vmo, uint64_t first, uint64_t end, bool clear) REQUIRES(vmo->lock);

// Whether the address space is among the first 1024 that show the VMO.
bool mapped_in(struct vmo *vmo, const struct vspace *vspace) REQUIRES(vmo->lock);
