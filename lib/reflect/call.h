// What a stub knows about a method, made from its schema when somebody calls it by name.
#pragma once

#include "lib/reflect/reflect.h"
#include "lib/rpc/method.h"

// The constant that tools/capnpc-c would have made; `method` has parameters and results.
struct rpc_method reflect_rpc_method(const struct reflect_method *method);
