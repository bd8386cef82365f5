// Calls of kernel objects by schema: what tools/capnpc-c generates for a $kernelObject, made when somebody calls it by name. A word
// for each parameter and each result (docs/decisions/kernel-contracts.md).
#pragma once

#include "lib/capnp/build.h"
#include "lib/reflect/reflect.h"
#include "lib/tess/message.h"

// Whether the interface is an object of the kernel's, or of a service that stands in for one.
bool reflect_is_object(const struct capnp_schema *interface);

// The first method that can be called, for a loop up to reflect_method_count: number 0 of a kernel object stands for none, since
// the kernel's own numbers begin at 1.
static inline uint32_t reflect_first_method(const struct capnp_schema *interface) {
    return reflect_is_object(interface) ? 1 : 0;
}

// The request with these parameters. Handles stay whose they are.
void reflect_object_request(const struct reflect_method *method, struct capnp_struct params, struct tess_message *message);

// The results of an answer, into a struct that is all zero. Handles stay the message's: they are to be closed with it.
void reflect_object_results(const struct reflect_method *method, const struct tess_message *answer,
                            struct capnp_struct_builder results);
