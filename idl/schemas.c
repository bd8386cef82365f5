#include "idl/schemas.h"

#include "idl/interfaces.h"

const struct capnp_schema *idl_schema_by_id(uint64_t id) {
    for (const struct capnp_schema *const *const *contract = idl_schemas; *contract != nullptr; contract++) {
        for (const struct capnp_schema *const *at = *contract; *at != nullptr; at++) {
            if ((*at)->id == id) {
                return *at;
            }
        }
    }
    return nullptr;
}

const struct capnp_schema *idl_schema_by_name(const char *name) {
    const uint64_t id = idl_interface_by_name(name);
    return id == 0 ? nullptr : idl_schema_by_id(id);
}
