#include <stdarg.h>

#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/panic.h"
#include "services/init/init.h"

constexpr uint64_t SERIAL_BASE = 0x3f8, SERIAL_COUNT = 8; // the first serial port of a PC
constexpr uint64_t LINE_STATUS = 5, TRANSMIT_EMPTY = 0x20;
constexpr uint64_t FIFO_BYTES = 16;
constexpr uint32_t POLLS_MAX = 100'000; // a dead line must not hold init up for ever

static void write_piece(handle_t port, const char *bytes, uint64_t count) {
    uint64_t status = 0;
    for (uint32_t i = 0; i < POLLS_MAX && (status & TRANSMIT_EMPTY) == 0; i++) {
        if (!status_ok(tess_ioport_read(port, LINE_STATUS, 1, &status))) {
            return;
        }
    }
    uint64_t data[6] = {};
    memcpy(data, bytes, count);
    (void)tess_ioport_write_bytes(port, 0, count, data[0], data[1], data[2], data[3], data[4], data[5]);
}

bool early_print(const char *line) {
    TESS_OWNED handle_t port = {};
    if (!status_ok(
            tess_resource_mint_ioport(init.resource, SERIAL_BASE, SERIAL_COUNT, init.account, &port))) {
        return false;
    }
    size_t len = strlen(line);
    for (size_t at = 0; at < len; at += FIFO_BYTES) {
        write_piece(port, line + at, len - at < FIFO_BYTES ? len - at : FIFO_BYTES);
    }
    write_piece(port, "\r\n", 2);
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
