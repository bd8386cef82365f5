#include "kernel/log.h"

#include "base/checked.h"
#include "base/fmt.h"
#include "kernel/bootinfo.h"
#include "kernel/plat/uart.h"

static bool silent;

void log_init(void) {
    silent = !uart_init();
}

void log_release(enum serial_kind kind, uint64_t base, uint64_t len) {
    const struct bootstrap_serial *console = &boot_machine->serial[0];
    silent |= console->kind == kind && ranges_overlap(base, len, console->base, console->len);
}

// A UART that takes nothing is given up.
static void write(char byte) {
    silent = silent || !uart_write(byte);
}

static void to_uart(void *, const char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n') {
            write('\r');
        }
        write(bytes[i]);
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
