// The early-boot UART: COM1, a 16550, 115200 8N1, polled (National Semiconductor PC16550D data sheet).
#pragma once

#include <stdint.h>

constexpr uint16_t UART_PORT = 0x3f8;
constexpr uint16_t UART_PORT_COUNT = 8;

// Sets the line up when there is one; without it uart_write drops everything.
void uart_init(void);

// Waits until the UART can take the byte, for a bounded time.
void uart_write(char byte);

// A program now owns the ports: the kernel writes no more ...
void uart_release(void);
// ... unless it must (panic). Sets the line up again.
void uart_seize(void);
