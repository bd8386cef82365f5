#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/serial/uart_device.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/panic.h"
#include "services/init/init.h"

bool early_print(const char *line) {
    TESS_OWNED handle_t registers = {};
    struct uart_device device;
    uint32_t type;
    if (!status_ok(serial_mint(&tess_bootstrap->serial[0], init.account, &type, &registers)) ||
        !status_ok(uart_device_open(&device, registers, type))) {
        return false;
    }
    size_t len = strlen(line);
    for (size_t at = 0; at < len; at += UART_FIFO_BYTES) {
        uart_device_send(&device, line + at, len - at < UART_FIFO_BYTES ? len - at : UART_FIFO_BYTES);
    }
    uart_device_send(&device, "\r\n", 2);
    uart_device_close(&device);
    return true;
}

void early_stop(const char *format, ...) {
    char line[300];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(line, sizeof line, format, args);
    va_end(args);
    (void)early_print(line);
    (void)tess_resource_power(init.resource, 0);
    tess_exit(1); // a machine that cannot be switched off
}
