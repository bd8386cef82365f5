#include "lib/time/wall.h"

static uint64_t size_of(int64_t ns) {
    return ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
}

static uint64_t add(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

bool wall_is_sound(const struct wall *wall, uint64_t mono_ns) {
    constexpr int64_t SLEW_MOST_NS = (int64_t)WALL_SLEW_MAX_NS;
    return wall->known && wall->base_ns >= 0 && wall->base_ns <= WALL_MAX_NS && wall->base_mono_ns <= mono_ns &&
           wall->slew_ns >= -SLEW_MOST_NS && wall->slew_ns <= SLEW_MOST_NS;
}

void wall_set(struct wall *wall, uint64_t mono_ns, int64_t wall_ns, uint64_t uncertainty_ns) {
    *wall = (struct wall){.known = true, .base_ns = wall_ns, .base_mono_ns = mono_ns, .uncertainty_ns = uncertainty_ns};
}

bool wall_slew(struct wall *wall, uint64_t mono_ns, int64_t wall_ns, uint64_t uncertainty_ns) {
    if (!wall->known) {
        return false;
    }
    const int64_t now = wall_now(wall, mono_ns);
    int64_t difference;
    if (__builtin_sub_overflow(wall_ns, now, &difference) || size_of(difference) > WALL_SLEW_MAX_NS) {
        return false;
    }
    wall_set(wall, mono_ns, now, uncertainty_ns);
    wall->slew_ns = difference;
    return true;
}

// What has been made up after so long.
static int64_t made_up(const struct wall *wall, uint64_t elapsed_ns) {
    const uint64_t most = size_of(wall->slew_ns), done = elapsed_ns / WALL_SLEW;
    const int64_t size = (int64_t)(done < most ? done : most);
    return wall->slew_ns < 0 ? -size : size;
}

int64_t wall_now(const struct wall *wall, uint64_t mono_ns) {
    const uint64_t elapsed_ns = mono_ns - wall->base_mono_ns;
    return wall->base_ns + (int64_t)elapsed_ns + made_up(wall, elapsed_ns);
}

int64_t wall_slew_left(const struct wall *wall, uint64_t mono_ns) {
    return wall->slew_ns - made_up(wall, mono_ns - wall->base_mono_ns);
}

uint64_t wall_uncertainty(const struct wall *wall, uint64_t mono_ns) {
    const uint64_t drift = (mono_ns - wall->base_mono_ns) / 1'000'000 * WALL_DRIFT_PPM;
    return add(add(wall->uncertainty_ns, drift), size_of(wall_slew_left(wall, mono_ns)));
}

uint64_t wall_when(const struct wall *wall, int64_t wall_ns) {
    if (wall_ns <= wall->base_ns) {
        return wall->base_mono_ns;
    }
    // The clock gains or loses one part in WALL_SLEW at most: so much must pass in any case. What is still missing then shrinks by
    // that factor with each round.
    uint64_t mono_ns = wall->base_mono_ns;
    for (int64_t missing; (missing = wall_ns - wall_now(wall, mono_ns)) > 0;) {
        uint64_t least = (uint64_t)missing - (uint64_t)missing / (WALL_SLEW + 1);
        least = least > 0 ? least : 1;
        if (least > (uint64_t)INT64_MAX - mono_ns) {
            return UINT64_MAX;
        }
        mono_ns += least;
    }
    return mono_ns;
}
