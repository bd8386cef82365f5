// Crash records: what is known of a process that ended in a fault, or found itself in a state that cannot be. A bounded store of the
// last ones, and the text that people and tools/minidump read.
//
// Pure. The text is lines, from "-- minidump N of NAME --" to "-- end CHECKSUM --", the XXH64 of all before it, each line with its
// newline:
//
//   program NAME, build ID, machine NAME, time NS ns, why TEXT
//   ended fault|itself                   `itself`: ip is behind the call with which it ended itself, and of registers no more is known
//   image LOW HIGH, stack LOW HIGH       address ranges, the end not in them
//   registers NAME VALUE...              as many lines as it takes
//   frame N ADDRESS [FUNCTION+OFFSET]    the innermost first
//   memory ADDRESS BYTES                 the stack from where it was, in hexadecimal
#pragma once

#include "abi/message.h"
#include "lib/badge/badge.h"
#include "lib/crash/backtrace.h"

constexpr size_t CRASHES_MAX = 8;
constexpr size_t CRASH_FRAMES = 24;
constexpr size_t CRASH_STACK_BYTES = 2048;
constexpr size_t CRASH_REASON_BYTES = 128;
constexpr size_t CRASH_TEXT_BYTES = 12 * 1024; // more than any record comes to

struct crash {
    uint32_t number; // from 1; 0: the place is free
    char name[NAME_BYTES];
    char program[NAME_BYTES];
    char reason[CRASH_REASON_BYTES];
    bool has_build_id;
    uint8_t build_id[SYMBOLS_BUILD_ID_BYTES];
    struct exit_record record;
    uint64_t image_low, image_high, stack_low, stack_high;
    size_t frame_count;
    struct backtrace_frame frames[CRASH_FRAMES]; // names lie in the table of symbols
    uint64_t stack_at; // address of the first byte of `stack`
    size_t stack_bytes;
    uint8_t stack[CRASH_STACK_BYTES];
};

struct crashes {
    uint32_t count; // that ever were
    struct crash all[CRASHES_MAX];
};

// A place for the next one, empty but for its number; the oldest goes.
struct crash *crashes_add(struct crashes *crashes);

// Null when there is none (any more).
const struct crash *crashes_find(const struct crashes *crashes, uint32_t number);

// The function in which it happened: the innermost that is known. Null: none is.
const struct backtrace_frame *crash_place(const struct crash *crash);

// The record as text; returns its length, which is less than `size`, CRASH_TEXT_BYTES or more. `registers` names those of the exit
// record, null where there is none.
size_t crash_text(const struct crash *crash, const char *machine, const char *const registers[16], char *to, size_t size);
