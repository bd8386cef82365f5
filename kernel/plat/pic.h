// The two legacy 8259A interrupt controllers: moved out of the way of exceptions, and silenced.
#pragma once

#include <stdint.h>

constexpr uint8_t PIC_VECTOR_BASE = 0x20; // spurious interrupts of the masked chips arrive at 0x27 and 0x2f

void pic_disable(void);
