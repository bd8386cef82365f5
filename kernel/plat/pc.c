// What is left of the PC for the kernel to touch: COM1, and the ports that switch it off and on again.
#include "io.h"
#include "kernel/bootinfo.h"
#include "kernel/plat/power.h"
#include "kernel/plat/uart.h"

// ---- COM1: a 16550 behind I/O ports, 115200 8N1 (National Semiconductor PC16550D data sheet) ----

enum uart_register : uint16_t {
    UART_DATA = 0x3f8,
    UART_INTERRUPT_ENABLE,
    UART_FIFO_CONTROL,
    UART_LINE_CONTROL,
    UART_MODEM_CONTROL,
    UART_LINE_STATUS,
    UART_SCRATCH = 0x3ff,
    UART_DIVISOR_LOW = UART_DATA, // while LINE_DIVISOR is set
    UART_DIVISOR_HIGH = UART_INTERRUPT_ENABLE,
};
enum : uint8_t {
    LINE_8N1 = 0x03,
    LINE_DIVISOR = 0x80,
    FIFO_ON_AND_CLEAR = 0x07,
    MODEM_DTR_RTS_OUT2 = 0x0b,
    STATUS_CAN_TAKE = 0x20,
    DIVISOR_115200 = 1,
    SCRATCH_TEST = 0x5a,
};

bool uart_init(void) {
    static const struct {
        uint16_t port; // enum uart_register
        uint8_t value;
    } writes[] = {
        {UART_SCRATCH, SCRATCH_TEST},
        {UART_INTERRUPT_ENABLE, 0},
        {UART_LINE_CONTROL, LINE_DIVISOR},
        {UART_DIVISOR_LOW, DIVISOR_115200},
        {UART_DIVISOR_HIGH, 0},
        {UART_LINE_CONTROL, LINE_8N1},
        {UART_FIFO_CONTROL, FIFO_ON_AND_CLEAR},
        {UART_MODEM_CONTROL, MODEM_DTR_RTS_OUT2},
    };
    for (uint32_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        port_write8(writes[i].port, writes[i].value);
    }
    return port_read8(UART_SCRATCH) == SCRATCH_TEST; // where there is no chip reads float to all ones
}

bool uart_write(char byte) {
    constexpr uint32_t PATIENCE = 10'000; // a byte takes 87 us at 115200 baud, and a port read about 1 us
    for (uint32_t i = 0; i < PATIENCE; i++) {
        if ((port_read8(UART_LINE_STATUS) & STATUS_CAN_TAKE) != 0) {
            port_write8(UART_DATA, (uint8_t)byte);
            return true;
        }
    }
    return false;
}

// ---- Power: the boot path knows the ports ----

static void run(const struct boot_write writes[BOOT_MAX_WRITES]) {
    constexpr uint32_t PATIENCE = 100'000; // reads of a port, for the time they take: about 1 us each
    for (const struct boot_write *w = writes; w < writes + BOOT_MAX_WRITES && w->bytes != 0; w++) {
        if (w->bytes == 1) {
            port_write8(w->port, (uint8_t)w->value);
        } else {
            port_write16(w->port, (port_read16(w->port) & w->keep) | w->value);
        }
        for (uint32_t i = 0; i < PATIENCE; i++) {
            port_read8(UART_LINE_STATUS);
        }
    }
}

void power_off(void) {
    run(boot_machine->off);
}

void power_reset(void) {
    run(boot_machine->reset);
}
