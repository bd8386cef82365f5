#include "lib/time/settle.h"

constexpr int64_t SECOND_NS = 1'000'000'000;

struct settle_time settle_begin(struct settle *settle, int64_t seconds, uint64_t before_ns, uint64_t after_ns) {
    *settle = (struct settle){.goes_on = true, .seconds = seconds, .before_ns = before_ns, .give_up_ns = after_ns + SETTLE_PATIENCE_NS};
    return (struct settle_time){
        .wall_ns = seconds * SECOND_NS + SECOND_NS / 2,
        .mono_ns = after_ns,
        .uncertainty_ns = (uint64_t)SECOND_NS / 2 + (after_ns - before_ns),
    };
}

bool settle_sample(struct settle *settle, int64_t seconds, uint64_t before_ns, uint64_t after_ns, struct settle_time *out) {
    const bool is_next = seconds == settle->seconds + 1;
    const uint64_t between_ns = after_ns - settle->before_ns;
    settle->goes_on = settle->goes_on && after_ns < settle->give_up_ns;
    // After a pause of a second or more it could have been any second; the next change is waited for.
    if (settle->goes_on && is_next && between_ns < (uint64_t)SECOND_NS) {
        *out = (struct settle_time){
            .wall_ns = seconds * SECOND_NS + (int64_t)(between_ns / 2),
            .mono_ns = after_ns,
            .uncertainty_ns = between_ns / 2 + 1,
        };
        settle->goes_on = false;
        return true;
    }
    settle->seconds = seconds;
    settle->before_ns = before_ns;
    return false;
}
