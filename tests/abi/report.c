// The reporter: verdicts leave the machine through the second serial port, and nothing but this
// program holds it. system/abi.system grants the port range to the suite alone, the suite gives it
// to none of the processes that it starts, and the host reads verdicts from nowhere else: no other
// program, whatever it prints, can write one.
#include "tests/abi/report.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "tests/abi/suite.h"

// 16550 registers, by offset from the port base.
constexpr uint64_t UART_DATA = 0;
constexpr uint64_t UART_DIVISOR_LOW = 0;
constexpr uint64_t UART_DIVISOR_HIGH = 1;
constexpr uint64_t UART_FIFO_CONTROL = 2;
constexpr uint64_t UART_LINE_CONTROL = 3;
constexpr uint64_t UART_LINE_STATUS = 5;
constexpr uint64_t LINE_8N1 = 0x03;
constexpr uint64_t LINE_DIVISOR_ACCESS = 0x80;
constexpr uint64_t FIFO_ENABLE_AND_CLEAR = 0x07;
constexpr uint64_t STATUS_TRANSMIT_EMPTY = 0x20;
constexpr size_t FIFO_BYTES = 16;

static handle_t port;

static bool put(uint64_t offset, uint64_t value) {
    return status_ok(tess_ioport_write(port, offset, 1, value));
}

bool report_open(handle_t ioport) {
    port = ioport;
    return put(UART_LINE_CONTROL, LINE_DIVISOR_ACCESS) && put(UART_DIVISOR_LOW, 1) &&
           put(UART_DIVISOR_HIGH, 0) && put(UART_LINE_CONTROL, LINE_8N1) &&
           put(UART_FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
}

// One FIFO's worth. The line empties at its own pace; a port that never does loses the report, and
// the host, which waits for the last line with a deadline, says so.
static void put_burst(const char *bytes, size_t len) {
    uint64_t status = 0;
    for (uint32_t tries = 0; tries < 100'000; tries++) {
        if (!status_ok(tess_ioport_read(port, UART_LINE_STATUS, 1, &status)) ||
            (status & STATUS_TRANSMIT_EMPTY) != 0) {
            break;
        }
    }
    uint64_t data[6] = {};
    for (size_t i = 0; i < len; i++) {
        data[i / 8] |= (uint64_t)(uint8_t)bytes[i] << (i % 8 * 8);
    }
    (void)tess_ioport_write_bytes(port, UART_DATA, len, data[0], data[1], data[2], data[3], data[4], data[5])
        .code;
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
    for (size_t done = 0; done < len; done += FIFO_BYTES) {
        put_burst(line + done, len - done < FIFO_BYTES ? len - done : FIFO_BYTES);
    }
}
