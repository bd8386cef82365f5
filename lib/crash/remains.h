// What is left of a process that crashed, as whoever started it finds it when it has ended; and the box in which the supervisor lays
// what is left of its services, for the one who makes records of it (lib/crash/crash.h).
//
// The box is memory that the supervisor writes and the other only reads: so the supervisor waits for nobody, a service is started again
// at once, and what lies there outlives whoever reads it. It holds the last ones; who comes too late misses the older ones, and sees
// by their numbers how many.
//
// No locks: an entry's number is taken back before other words are written, and published after them. A reader that finds the same number
// before and after it has read the words has read one entry, whole.
//
// Pure.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/message.h"
#include "lib/badge/badge.h"

constexpr size_t REMAINS_REASON_BYTES = 128;
constexpr size_t REMAINS_STACK_BYTES = 8 * 1024;
constexpr size_t REMAINS_HANDLES = 32;
constexpr size_t REMAINS_BOXED = 3;

// A capability that the process was granted when it was started.
struct remains_handle {
    uint32_t handle; // in its table
    uint32_t type;   // enum object_type
    uint32_t rights;
    uint32_t reserved;
    uint64_t badge; // of its holder, where it calls a service
    uint64_t interface_id;
    char name[NAME_BYTES];
};

struct remains {
    uint64_t holder; // its number (lib/badge)
    char name[NAME_BYTES];
    char program[NAME_BYTES];
    char reason[REMAINS_REASON_BYTES];
    struct exit_record record;
    uint64_t stopped_ip, stopped_sp; // where it ended itself because something cannot be (lib/tess/panic.h); 0 of a fault
    uint64_t image_low, image_high, image_bias;
    uint64_t stack_low, stack_high; // of its first thread
    uint64_t private_at;            // where in its memory the stack begins: what lies before it are bootstrap block and writable segments
    uint32_t secret;                // its memory and registers are to be used to find its calls, and kept by nobody
    uint32_t handle_count;
    uint32_t handles_left; // that there was no room for
    uint32_t stack_bytes;
    uint64_t stack_at; // address of the first byte of `stack`
    struct remains_handle handles[REMAINS_HANDLES];
    uint8_t stack[REMAINS_STACK_BYTES];
};

static_assert(sizeof(struct remains) % sizeof(uint64_t) == 0);

struct remains_box {
    uint64_t count; // that were ever put into it: the number of the last one
    struct {
        uint64_t number; // 0: there is none, or it is being written
        uint64_t words[sizeof(struct remains) / sizeof(uint64_t)];
    } entries[REMAINS_BOXED];
};

// For the one who writes; all zero is an empty box.
void remains_put(struct remains_box *box, const struct remains *remains);

// ---- for the one who reads; whatever the box holds, what is read ends inside of its fields ----

uint64_t remains_count(const struct remains_box *box);

// The one with this number. False: there is none (any more).
[[nodiscard]] bool remains_read(const struct remains_box *box, uint64_t number, struct remains *out);
