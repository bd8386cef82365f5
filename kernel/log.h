// The kernel's own voice: boot lines and panics, on the early UART. Everything else is said by programs.
//
// Once the UART's ports have been given to a program (resource.mint_ioport), klog is silent, and only
// a panic still writes there.
#pragma once

#include <stdarg.h>

// printf-like (base/fmt.h); a newline is sent as CR LF. Never blocks for long: a UART that takes
// nothing is given up. Any context.
[[gnu::format(printf, 1, 2)]] void klog(const char *format, ...);
[[gnu::format(printf, 1, 0)]] void klog_v(const char *format, va_list args);
