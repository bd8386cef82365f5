// The reporter: verdicts leave the machine through the second serial port, and nothing but this
// program holds it. system/abi.capnp grants the port range to the suite alone, the suite gives it
// to none of the processes that it starts, and the host reads verdicts from nowhere else: no other
// program, whatever it prints, can write one.
#include "tests/abi/report.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "lib/serial/uart_device.h"
#include "tests/abi/suite.h"

static struct uart_device device;

bool report_open(handle_t registers, uint32_t type) {
    static struct byte_ring nothing;
    struct uart uart;
    return status_ok(uart_device_open(&device, registers, type)) &&
           uart_init(&uart, uart_device_port(&device), &nothing);
}

void report_line(const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    size_t len = fmt_vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (len > sizeof line - 2) {
        len = sizeof line - 2;
    }
    line[len++] = '\n';
    for (size_t done = 0; done < len; done += UART_FIFO_BYTES) {
        uart_device_send(&device, line + done, len - done < UART_FIFO_BYTES ? len - done : UART_FIFO_BYTES);
    }
}
