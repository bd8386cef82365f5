// What the generated services of tests/fuzz/readers.py are made of.
#pragma once

#include "lib/capnp/build.h"
#include "lib/capnp/list.h"
#include "lib/rpc/serve.h"

// An interface, and what can be called through it.
struct fuzz_interface {
    status_t (*dispatch)(struct rpc_request *request);
    const struct rpc_method *const *methods;
    uint32_t method_count;
};
extern const struct fuzz_interface fuzz_interfaces[];
extern const uint32_t fuzz_interface_count;

// Each looks at every byte of what it is given, and counts them.
void see_number(uint64_t number);
void see_text(struct capnp_text text);
void see_data(struct capnp_data data);
void see_handle(handle_t handle);
void see_struct(struct capnp_struct s);
void see_list(struct capnp_list list);
void see_pointer(struct capnp_pointer pointer); // to anything

// Ends a method in one of the ways in which methods do; `results` may be empty.
status_t fuzz_answer(struct rpc_request *request, struct capnp_struct params, struct capnp_struct_builder results);
