// Crash records: what is known of a process that ended in a fault, or found itself in a state that cannot be. A bounded store of the
// last ones, and the text that people and tools/minidump read. A record holds no pointers: the store may outlive who wrote it.
//
// Pure. The text is lines, from "-- minidump N of NAME --" to "-- end CHECKSUM --", the XXH64 of all before it, each line with its
// newline:
//
//   program NAME, build ID, machine NAME, time NS ns, why TEXT
//   ended fault|itself                   `itself`: ip is behind the call with which it ended itself, and of registers no more is known
//   withheld                             of a `secret` program: its memory, and of registers all but ip and sp
//   image LOW HIGH, stack LOW HIGH       address ranges, the end not in them
//   registers NAME VALUE...              as many lines as it takes
//   frame N ADDRESS [FUNCTION+OFFSET]    the innermost first
//   handle N TYPE BADGE INTERFACE NAME RIGHTS  what it was granted when it was started; of more than there is room for `handles left N`
//   mapping LOW HIGH ACCESS WHAT         what it was started with, ACCESS as in "r-x"; what it mapped itself went with it
//   memory ADDRESS BYTES                 the stack from where it was, in hexadecimal
#pragma once

#include "lib/crash/backtrace.h"
#include "lib/crash/remains.h"

constexpr size_t CRASHES_MAX = 8;
constexpr size_t CRASH_FRAMES = 24;
constexpr size_t CRASH_STACK_BYTES = 2048;
constexpr size_t CRASH_FUNCTION_BYTES = 52; // of a name, which is cut; with its NUL
constexpr size_t CRASH_MAPPINGS = 16;
constexpr size_t CRASH_WHAT_BYTES = 16;
constexpr size_t CRASH_TEXT_BYTES = 20 * 1024; // more than any record comes to

// What differs between machines.
struct crash_machine {
    const char *name;
    bool calls_push; // as of struct backtrace
    const char *registers[16]; // of an exit record; null where there is none
    uint64_t (*frame_pointer)(const uint64_t gpr[16]);
    uint64_t (*return_address)(const uint64_t gpr[16]);
};

struct crash_frame {
    uint64_t address; // of the instruction: where it stopped, or behind a call
    uint32_t offset;  // into the function
    char function[CRASH_FUNCTION_BYTES]; // empty: nobody knows
};

struct crash_mapping {
    uint64_t low, high;
    uint32_t protection; // PROT_* of abi/message.h
    char what[CRASH_WHAT_BYTES];
};

struct crash {
    uint32_t number; // from 1; 0: the place is free
    uint8_t reported; // for its owner
    uint64_t holder; // its number (lib/badge)
    char name[NAME_BYTES];
    char program[NAME_BYTES];
    char reason[REMAINS_REASON_BYTES];
    uint8_t has_build_id, secret; // 0 or 1
    uint8_t build_id[SYMBOLS_BUILD_ID_BYTES];
    struct exit_record record;
    uint64_t image_low, image_high, stack_low, stack_high;
    uint32_t frame_count, mapping_count, handle_count, handles_left;
    struct crash_frame frames[CRASH_FRAMES];
    struct crash_mapping mappings[CRASH_MAPPINGS];
    struct remains_handle handles[REMAINS_HANDLES];
    uint64_t stack_at; // address of the first byte of `stack`
    uint64_t stack_bytes;
    uint8_t stack[CRASH_STACK_BYTES];
};

struct crashes {
    uint64_t taken; // for its owner: the number of the last remains that came out of the box
    uint64_t count; // that ever were
    struct crash all[CRASHES_MAX];
};

// Whether what another process left can be one.
[[nodiscard]] bool crashes_check(const struct crashes *crashes);

// A record of what is left of a process; the oldest one goes. Functions are named where there are symbols (else null) of this build, which may
// be unknown (null).
struct crash *crashes_add(struct crashes *crashes, const struct remains *remains, const struct crash_machine *machine,
                          const struct symbols *symbols, const uint8_t build_id[SYMBOLS_BUILD_ID_BYTES]);

// Another mapping of it; one that there is no room for is left out.
void crash_add_mapping(struct crash *crash, uint64_t low, uint64_t high, uint32_t protection, const char *what);

// Null when there is none (any more).
const struct crash *crashes_find(const struct crashes *crashes, uint32_t number);

// The function in which it happened: the innermost that is known. Null: none is.
const struct crash_frame *crash_place(const struct crash *crash);

// The record as text; returns its length, which is less than `size`, CRASH_TEXT_BYTES or more.
size_t crash_text(const struct crash *crash, const struct crash_machine *machine, char *to, size_t size);
