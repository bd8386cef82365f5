// A UART behind a capability: I/O ports, or device memory that is mapped. Wiring for uart16550.h; only on the target.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"
#include "lib/serial/uart16550.h"

struct uart_device {
    handle_t ports;             // 0: in memory
    volatile uint8_t *registers;
};

// Uses the handle, of that type (enum object_type), as long as the device; the handle stays the caller's.
// WRONG_TYPE: neither ioport nor VMO. NO_MEMORY.
status_t uart_device_open(struct uart_device *device, handle_t handle, uint32_t type);
void uart_device_close(struct uart_device *device);

// How uart_init reaches it. Refers to `device`.
struct uart_port uart_device_port(struct uart_device *device);

// Waits, for a bounded time, until the device has sent what it has, and sends `len` bytes more (at most
// UART_FIFO_BYTES). Without interrupts: for programs that say few words, or last ones.
void uart_device_send(struct uart_device *device, const void *bytes, size_t len);
