// The early-boot UART: the console until a program has it, and for panics. Polled.
#pragma once

#include <stdint.h>

#include "abi/bootstrap.h"

// Sets the line up when there is one; without it uart_write drops everything. Again where a program has it, or may have
// changed it, and the kernel must speak: in a panic, and when init has ended.
void uart_init(void);

// Waits until the UART can take the byte, for a bounded time.
void uart_write(char byte);

// A program now owns these ports or this device memory: if the UART is among it the kernel writes no more.
void uart_release(enum serial_kind kind, uint64_t base, uint64_t len);
