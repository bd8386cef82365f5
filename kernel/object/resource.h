// resource: the root authority over the machine. There is one object of it; init gets the first handle.
#pragma once

struct boot_info;
struct vmo;

// What is memory on this machine, and so never handed out as a device. At boot, before init; keeps the pointer.
void resource_set_machine(const struct boot_info *boot);

// Device memory is somebody else's to mint again. From the destruction of a VMO with `device` set.
void resource_give_back(struct vmo *vmo);
