// resource: the root authority over the machine. There is one object of it; init gets the first handle.
#pragma once

struct vmo;

// Device memory is somebody else's to mint again. From the destruction of a VMO with `device` set.
void resource_give_back(struct vmo *vmo);
