// Writes over its own code.
#include "tests/programs/common.h"

int main(int, char **) {
    *(volatile uint8_t *)(uintptr_t)main = 0x90;
    return 0;
}
