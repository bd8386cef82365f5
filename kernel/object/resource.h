// resource: the root authority over the machine. There is one object of it; init gets the first handle.
#pragma once

#include "kernel/mm/slab.h"
#include "kernel/object/object.h"

struct resource {
    struct object object;
};

extern struct slab_cache resource_cache;
bool resource_destroy_step(struct object *object);

struct boot_info;
struct vmo;

// What is memory on this machine, and so never handed out as a device. At boot, before init; keeps the pointer.
void resource_set_machine(const struct boot_info *boot);

// Device memory is somebody else's to mint again. From the destruction of a VMO with `device` set.
void resource_give_back(struct vmo *vmo);

// NO_MEMORY. The caller gets one reference.
status_t resource_create(struct account *account, struct object **out);
