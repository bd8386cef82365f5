#include "lib/tess/random.h"

#include "base/siphash.h"
#include "lib/tess/capset.h"

uint64_t tess_random(void) {
    static uint64_t drawn;
    uint64_t number = __atomic_fetch_add(&drawn, 1, __ATOMIC_RELAXED);
    return siphash(tess_bootstrap->seed, &number, 1);
}
