#include "lib/tess/clock.h"

#include "base/checked.h"
#include "lib/tess/capset.h"
#include "tess_arch.h"

uint64_t tess_now_ns(void) {
    const struct bootstrap_clock *clock = &tess_bootstrap->clock;
    uint64_t cycles = tess_arch_cycles() - clock->base;
    return (uint64_t)(((unsigned __int128)cycles * clock->mult) >> 32);
}

uint64_t tess_deadline_after_ns(uint64_t delay_ns) {
    return saturating_add_u64(tess_now_ns(), delay_ns);
}

uint64_t tess_deadline_after_ms(uint64_t delay_ms) {
    return tess_deadline_after_ns(saturating_mul_u64(delay_ms, TESS_NS_PER_MS));
}
