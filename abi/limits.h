// What account.set_limit and account.limit are about, and what their numbers mean.
#pragma once

#include <stdint.h>

#include "abi/gen/abi.h"

//                                 limit                    used             extent               mark
// LIMIT_OBJECTS and LIMIT_HANDLES how many                 how many         0                    0
//   or an enum object_type: those
//   of one type
// LIMIT_BYTES                     bytes                    bytes            of the limit, what   the most ever used
//                                                                           the parent reserves
// LIMIT_TIME                      ns of processor time     so far in this   ns of a period       ns in all, also of
//                                 in each period           or the last                           accounts below that
//                                                          period                                are gone
enum account_limit : uint32_t {
    LIMIT_OBJECTS = OBJECT_NONE,
    LIMIT_HANDLES = 24, // behind the last type that there can be
    LIMIT_BYTES = 25,
    LIMIT_TIME = 26,
};
static_assert(LIMIT_HANDLES >= OBJECT_TYPE_COUNT);

constexpr uint64_t LIMIT_NONE = UINT64_MAX; // of objects and handles
