// The wall clock: what time it is, over the monotonic clock, which never jumps; where that is from; and how far off it may be.
//
// It is set (steps), or slewed: then it runs faster or slower by WALL_SLEW, and never backwards, until it has made up the difference.
// What it may be off grows with time, because the processor's clock drifts. Pure; no locks. Times are nanoseconds; those of the wall
// clock since 1970-01-01 UTC.
#pragma once

#include <stdint.h>

constexpr int64_t WALL_MAX_NS = 7'258'118'400'000'000'000; // 2200-01-01: what can be set, and what is added to it fits
constexpr uint32_t WALL_DRIFT_PPM = 200;                   // a crystal's 100, and as much for how well its speed was measured
constexpr uint64_t WALL_SLEW = 2000;                       // one part in so many: 500 ppm, as adjtime does
constexpr uint64_t WALL_SLEW_MAX_NS = 3'600'000'000'000;   // an hour takes 83 days: more has to be set

struct wall {
    bool known;
    int64_t base_ns;         // what it was
    uint64_t base_mono_ns;   // when
    int64_t slew_ns;         // to be made up from then on
    uint64_t uncertainty_ns; // at that time, without what is to be made up
};

// Unknown is all zero.

// Whether it may be used at this moment: one that was kept somewhere, and is not trusted.
bool wall_is_sound(const struct wall *wall, uint64_t mono_ns);

// Sets it. `uncertainty_ns` is that of what it is set to.
void wall_set(struct wall *wall, uint64_t mono_ns, int64_t wall_ns, uint64_t uncertainty_ns);

// The same without a jump. False, and nothing is changed: it is not known, or the difference is too large.
[[nodiscard]] bool wall_slew(struct wall *wall, uint64_t mono_ns, int64_t wall_ns, uint64_t uncertainty_ns);

// Of one that is known; mono_ns is not before its base.
int64_t wall_now(const struct wall *wall, uint64_t mono_ns);
int64_t wall_slew_left(const struct wall *wall, uint64_t mono_ns);
uint64_t wall_uncertainty(const struct wall *wall, uint64_t mono_ns);

// The first moment at which it says `wall_ns` or more, if nobody sets it; UINT64_MAX when that is too far. Its base when it does
// already.
uint64_t wall_when(const struct wall *wall, int64_t wall_ns);
