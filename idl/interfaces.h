// The interfaces of services by the names that manifests and people call them. The table is generated from the list of
// contracts in idl/meson.build: each has one interface that is called as its file is, for everybody who may use it at all. The
// kernel's objects are here too (idl/kernel.capnp): a service may stand in for one.
#pragma once

#include <stdint.h>

struct idl_interface {
    uint64_t id;
    const char *name;
};

extern const struct idl_interface idl_interfaces[]; // the last has no name

// The id of the interface of this name, 0 when there is none.
uint64_t idl_interface_by_name(const char *name);
