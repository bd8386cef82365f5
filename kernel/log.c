#include "kernel/log.h"

#include "base/fmt.h"
#include "kernel/plat/uart.h"

static void to_uart(void *context, const char *bytes, size_t len) {
    (void)context;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n') {
            uart_write('\r');
        }
        uart_write(bytes[i]);
    }
}

void klog_v(const char *format, va_list args) {
    fmt_vprint(to_uart, nullptr, format, args);
}

void klog(const char *format, ...) {
    va_list args;
    va_start(args, format);
    klog_v(format, args);
    va_end(args);
}
