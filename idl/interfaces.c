#include "idl/interfaces.h"

#include "base/str.h"

uint64_t idl_interface_by_name(const char *name) {
    for (const struct idl_interface *at = idl_interfaces; at->name != nullptr; at++) {
        if (str_equal(at->name, name)) {
            return at->id;
        }
    }
    return 0;
}
