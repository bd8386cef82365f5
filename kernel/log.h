// The kernel's own voice: boot lines and panics, on the early UART. Everything else is said by programs.
//
// Once the UART has been given to a program klog is silent, until the kernel takes it back: in a panic, and when init
// has ended.
#pragma once

#include <stdarg.h>

#include "abi/bootstrap.h"

// Sets the UART up. First thing at boot, and to take it back, in whatever state a program left it.
void log_init(void);

// A program has these ports or this device memory now.
void log_release(enum serial_kind kind, uint64_t base, uint64_t len);

// printf-like (base/fmt.h); a newline is sent as CR LF. Never blocks for long: a UART that takes
// nothing is given up. Any context.
[[gnu::format(printf, 1, 2)]] void klog(const char *format, ...);
[[gnu::format(printf, 1, 0)]] void klog_v(const char *format, va_list args);
