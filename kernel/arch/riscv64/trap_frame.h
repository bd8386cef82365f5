// What the trap entry saves when the kernel itself was interrupted.
#pragma once

#include <stdint.h>

struct trap_frame {
    uint64_t x[31]; // x1 to x31
    uint64_t ip;
    uint64_t status; // sstatus
    uint64_t cause;  // scause
    uint64_t value;  // stval
    uint64_t zero;
};
