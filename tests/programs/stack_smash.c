// Writes beyond an array on its stack, over the guard and the return address behind it.
#include "tests/programs/common.h"

[[gnu::noinline]] static void fill(volatile uint8_t *array, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        array[i] = 0x41;
    }
}

[[gnu::noinline]] static uint8_t overrun(uint64_t count) {
    volatile uint8_t array[16];
    fill(array, count);
    return array[0];
}

int main(int argc, char **) {
    return overrun(argc == 0 ? 16 : 48);
}
