// Calls itself until the stack is used up.
#include "tests/programs/common.h"

// Not a tail call, not optimised away: each frame reads what the next one wrote.
[[gnu::noinline, clang::disable_tail_calls]] static uint64_t deeper(volatile uint64_t *above) {
    if (above == nullptr) {
        return 0; // never
    }
    volatile uint64_t here[32] = {*above + 1};
    return deeper(here) + here[0];
}

int main(int, char **) {
    volatile uint64_t start = 0;
    return (int)deeper(&start);
}
