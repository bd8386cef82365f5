// The 16550 UART (National Semiconductor PC16550D) without the machine: registers are reached through
// functions that the driver is given. Interrupt driven in both directions, 8N1.
//
// The device is edge-triggered on the ISA bus: uart_interrupt goes on until the device says that nothing
// is pending, so that the next event makes a new edge. The line must be acknowledged before.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/serial/byte_ring.h"

struct uart_port {
    void *context;
    uint8_t (*read)(void *context, uint8_t offset);
    void (*write)(void *context, uint8_t offset, uint8_t value);
    // Writes `len` bytes (at most UART_FIFO_BYTES) to offset 0, in order.
    void (*write_data)(void *context, const uint8_t *bytes, size_t len);
    bool keep_speed; // somebody has set it already; else the clock is a PC's, and the speed becomes 115200
};

constexpr size_t UART_FIFO_BYTES = 16;

// Receives what comes in.
typedef void uart_input_fn(void *context, char byte);

struct uart {
    struct uart_port port;
    struct byte_ring *output; // what is to be sent; filled by others
    uint8_t interrupts;       // what is enabled in the device
    uint64_t received;
    uint64_t sent;
    uint64_t overruns;    // events of lost input, each at least one byte
    uint64_t line_errors; // framing, parity, break
    uint64_t interrupt_count;
};

// Sets the device up; false when there is none. Keeps `output`.
[[nodiscard]] bool uart_init(struct uart *uart, struct uart_port port, struct byte_ring *output);

// Serves the device until it has nothing to say, or false after a bounded time: call again.
[[nodiscard]] bool uart_interrupt(struct uart *uart, uart_input_fn *input, void *context);

// Sends what the device takes at once; asks for an interrupt for the rest. Call when `output` was filled.
void uart_pump(struct uart *uart);
