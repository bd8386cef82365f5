// The strong types that kernel and programs share. What they mean is in abi/abi.toml.
#pragma once

#include <stdint.h>

// 0 is success. A struct, so that `if (f())` and returning it as an int do not compile.
typedef struct [[nodiscard]] {
    uint32_t code;
} status_t;

static inline bool status_ok(status_t s) { return s.code == 0; }
static inline bool status_is(status_t a, status_t b) { return a.code == b.code; }

// Return from the enclosing function when `expr` does not succeed.
#define TRY(expr)                     \
    do {                              \
        status_t try_status_ = (expr); \
        if (!status_ok(try_status_))  \
            return try_status_;       \
    } while (0)

// Slot index in the low 16 bits, generation (never 0) in the high 16. 0 is no handle.
typedef struct {
    uint32_t v;
} handle_t;

typedef struct {
    uint32_t v;
} rights_t;

// Identity of a kernel object for people and tools; never an authority, never used again.
typedef struct {
    uint64_t v;
} koid_t;

// Monotonic time since boot.
typedef struct {
    uint64_t v;
} nanos_t;

constexpr uint64_t DEADLINE_NEVER = UINT64_MAX;
constexpr uint64_t DEADLINE_POLL = 0;
