#include "lib/crash/backtrace.h"

#include "base/checked.h"

constexpr uint64_t WORD = sizeof(uint64_t);

struct walk {
    const struct backtrace *from;
    uint64_t ip, sp;
    bool returns; // ip is behind a call, which may have been the function's last instruction
    bool innermost;
};

static bool in_image(const struct backtrace *from, uint64_t address) {
    return address >= from->low && address < from->high;
}

// The function that the walk is in; *address is where, in the program's file.
static bool look_up(const struct walk *walk, struct symbols_function *function, uint64_t *address) {
    *address = walk->ip - walk->from->bias - (walk->returns ? 1 : 0);
    return walk->from->program != nullptr && in_image(walk->from, walk->ip) &&
           symbols_at(walk->from->program, *address, function);
}

// The frame's end, and whether the return address is still in its register; false when nobody knows.
static bool frame_end(const struct walk *walk, uint16_t row, uint64_t *end) {
    const struct backtrace *from = walk->from;
    const bool by_frame_pointer = (row & SYMBOLS_BY_FRAME_POINTER) != 0;
    if (row == SYMBOLS_UNKNOWN || (by_frame_pointer && !walk->innermost)) {
        return false; // what callers kept in the frame pointer is not followed
    }
    return checked_add_u64(by_frame_pointer ? from->fp : walk->sp, (row & SYMBOLS_WORDS) * WORD, end) && *end >= walk->sp;
}

// Goes to the caller.
static bool step(struct walk *walk) {
    const struct backtrace *from = walk->from;
    struct symbols_function function;
    uint64_t address, end = walk->sp, ra = from->ra;
    bool in_register = !from->calls_push;
    if (look_up(walk, &function, &address)) {
        const uint16_t row = symbols_row(from->program, &function, address);
        if (!frame_end(walk, row, &end)) {
            return false;
        }
        in_register = (row & SYMBOLS_IN_REGISTER) != 0;
    } else if (!walk->innermost) {
        return false;
    } else if (from->calls_push) { // a call went astray: what it pushed is on top
        end += WORD;
    }
    if (in_register ? !walk->innermost : end < WORD || !from->read(from->context, end - WORD, &ra)) {
        return false;
    }
    const bool goes_on = end > walk->sp || (walk->innermost && ra != walk->ip);
    walk->ip = ra;
    walk->sp = end;
    walk->returns = true;
    walk->innermost = false;
    return goes_on && in_image(from, ra);
}

size_t backtrace_walk(const struct backtrace *from, struct backtrace_frame *frames, size_t max) {
    struct walk walk = {.from = from, .ip = from->ip, .sp = from->sp, .returns = from->ip_returns, .innermost = true};
    size_t count = 0;
    do {
        struct symbols_function function = {};
        uint64_t address;
        frames[count] = (struct backtrace_frame){.address = walk.ip};
        if (look_up(&walk, &function, &address)) {
            frames[count].function = function.name;
            frames[count].offset = (uint32_t)(walk.ip - from->bias - function.start);
        }
        count++;
    } while (count < max && step(&walk));
    return count;
}
