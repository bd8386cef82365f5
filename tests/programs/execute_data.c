// Jumps into its own data.
#include "code.h"
#include "tests/programs/common.h"

static uint8_t code[16];

int main(int, char **) {
    __builtin_memcpy(code, ARCH_CODE_RETURN, sizeof ARCH_CODE_RETURN);
    void (*run)(void) = (void (*)(void))(uintptr_t)code;
    run();
    return 0;
}
