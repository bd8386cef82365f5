#include "lib/journal/limit.h"

constexpr uint64_t STEP_NS = 1'000'000'000 / LIMIT_PER_SECOND; // a token each

static_assert(LIMIT_RESUME <= LIMIT_BURST && STEP_NS * LIMIT_PER_SECOND == 1'000'000'000);

bool limit_take(struct limit *limit, uint64_t now_ns) {
    if (now_ns < limit->muted_ns) {
        limit->kept_out++;
        limit->total++;
        return false;
    }
    const uint64_t full_ns = limit->full_ns > now_ns ? limit->full_ns : now_ns;
    if (full_ns - now_ns <= (LIMIT_BURST - 1) * STEP_NS) {
        limit->full_ns = full_ns + STEP_NS;
        return true;
    }
    limit->muted_ns = now_ns + LIMIT_RESUME * STEP_NS;
    limit->kept_out++;
    limit->total++;
    return false;
}

uint64_t limit_report(struct limit *limit, uint64_t now_ns) {
    const uint64_t kept_out = now_ns < limit->muted_ns ? 0 : limit->kept_out;
    limit->kept_out -= kept_out;
    return kept_out;
}
