// A capability, as far as the rules of docs/concepts/authority.md care, and what may become of it on its way.
//
// Beside those that handles are to, every process but the supervisor has one for all endpoints that it may yet make: its object is the
// process itself, and it has every right. Whoever is handed one may call back.
#pragma once

#include "lib/authority/authority.h"

struct authority_item {
    uint64_t object_koid;
    uint64_t interface_id; // of an endpoint; 0: not known, it may be any
    uint32_t type;
    uint32_t rights;
    bool control;
};

bool item_is_same(const struct authority_item *a, const struct authority_item *b);
struct authority_item item_of_handle(const struct inspect_handle *seen);

// All endpoints of a process's own making; whether it is that.
struct authority_item item_made_by(uint64_t process_koid);
bool item_is_made(const struct authority *graph, const struct authority_item *item);

bool item_sends(const struct authority_item *item);

// With control: by its badge, or because who may mint makes such a badge.
bool item_controls(const struct authority_item *item);

// Whether it may be handed on.
bool item_travels(const struct authority_item *item);

// Whether it is a hold on the process: any right to it, one of its threads or its address space beyond being looked at and handed on.
bool item_is_hold(const struct authority *graph, const struct authority_item *item, uint32_t process);

// The same, with whatever rights.
bool item_is_of(const struct authority *graph, const struct authority_item *item, uint32_t process);

// Whether who has it may have anything: it mints device objects, or has a device reach all memory.
bool item_makes_anything(const struct authority *graph, const struct authority_item *item);

// What comes of it that is handed over in a field for capabilities of this interface (null: of any); false: it is none. A field for a service's carries
// the right to send, and who may mint makes it one of any interface. A field for a kernel object carries that; in the contract of a
// kernel object (`by_object`) also a service that stands in for it.
bool item_passes(const struct authority *graph, const struct authority_item *item, const struct authority_interface *wanted, bool by_object,
                 struct authority_item *out);
