// Touches memory until its account cannot pay any more, which is a fault.
#include "tests/programs/common.h"

int main(int, char **) {
    constexpr uint64_t BYTES = 1ull << 30;
    handle_t vmo = {};
    uint64_t at = 0;
    if (!status_ok(tess_account_create_vmo(tess_self_account(), BYTES, &vmo)) ||
        !status_ok(tess_vspace_map(tess_self_vspace(), vmo, 0, BYTES, 0, PROT_READ | PROT_WRITE, &at))) {
        return 2;
    }
    for (uint64_t offset = 0; offset < BYTES; offset += PAGE_BYTES) {
        *(volatile uint8_t *)(uintptr_t)(at + offset) = 1;
    }
    SAY("memory_exhaustion: touched %lu bytes: WRONG\n", BYTES);
    return 1;
}
