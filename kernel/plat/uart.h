// The early-boot UART, polled: what kernel/log.h writes to.
#pragma once

// Sets the line up. False: there is none.
bool uart_init(void);

// Waits until the UART can take the byte, for a bounded time; false when it does not.
bool uart_write(char byte);
