// The markers that say in the guest where what is measured begins and ends (bench/arch/x86_64/marker.h).
#pragma once

#include <stdint.h>
#include <string.h>

#include "tools/plugin/qemu_plugin.h"

enum marker { MARKER_START = 1, MARKER_STOP = 2, MARKER_POINT = 3 };

enum { MARKER_BYTES = 7 };

// The low half of the operand when the instruction is a marker, nopl 0x5445'xxxx(%rax): its kind, and a number in the low
// eight bits. 0 when it is none.
static inline uint32_t marker_operand(const struct qemu_plugin_insn *insn) {
    static const uint8_t nopl[3] = {0x0f, 0x1f, 0x80};
    const uint8_t *bytes = qemu_plugin_insn_data(insn);
    if (qemu_plugin_insn_size(insn) != MARKER_BYTES || memcmp(bytes, nopl, sizeof(nopl)) != 0 || bytes[5] != 0x45 ||
        bytes[6] != 0x54) {
        return 0;
    }
    return (uint32_t)bytes[4] << 8 | bytes[3];
}

static inline unsigned marker_number(uint32_t operand) {
    return operand & 0xff;
}

static inline enum marker marker_kind(uint32_t operand) {
    return (enum marker)(operand >> 8 & 0xff);
}
