// The real-time clock of a PC (MC146818 and its successors): registers behind an index port and a data port. Its seconds, of which
// one passes while it runs on its battery, are in UTC here.
//
// Registers that change while they are read are read again: never in an update, and twice with the same result. What they say is
// checked: a battery that was empty, or a chip that is not there, is no time.
#pragma once

#include <stdint.h>

#include "abi/gen/abi.h"

struct cmos_port {
    void *context;
    uint8_t (*read)(void *context, uint8_t index); // one register; 0xff where there is no chip
};

// The chip's time, as seconds since 1970. TIMED_OUT: it is always in an update, or never says the same twice. UNSUPPORTED: there is
// no chip. BAD_STATE: its battery was empty, or what it says is no date.
status_t cmos_read(const struct cmos_port *port, int64_t *seconds);
