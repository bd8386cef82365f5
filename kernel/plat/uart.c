// COM1: a 16550 behind I/O ports, 115200 8N1 (National Semiconductor PC16550D data sheet).
#include "kernel/plat/uart.h"

#include "base/checked.h"
#include "io.h"
#include "kernel/plat/plat.h"

constexpr uint16_t UART_PORT = 0x3f8;
constexpr uint16_t UART_PORT_COUNT = 8;
constexpr uint32_t UART_LINE = 4;
constexpr uint16_t SECOND_PORT = 0x2f8;
constexpr uint32_t SECOND_LINE = 3;

// Registers, as offsets from UART_PORT.
enum {
    DATA = 0,
    INTERRUPT_ENABLE = 1,
    DIVISOR_LOW = 0, // while LINE_DIVISOR is set
    DIVISOR_HIGH = 1,
    FIFO_CONTROL = 2,
    LINE_CONTROL = 3,
    MODEM_CONTROL = 4,
    LINE_STATUS = 5,
    SCRATCH = 7,
};
enum {
    LINE_8N1 = 0x03,
    LINE_DIVISOR = 0x80,
    FIFO_ON_AND_CLEAR = 0x07,
    MODEM_DTR_RTS_OUT2 = 0x0b,
    STATUS_CAN_TAKE = 0x20,
    DIVISOR_115200 = 1,
};

// A byte takes 87 us at 115200 baud and a port read about 1 us. Far beyond that the line is dead.
constexpr uint32_t PATIENCE = 10'000;

static bool usable;

static uint8_t reg_read(unsigned reg) {
    return port_read8((uint16_t)(UART_PORT + reg));
}
static void reg_write(unsigned reg, uint8_t value) {
    port_write8((uint16_t)(UART_PORT + reg), value);
}

void uart_init(void) {
    // No chip: reads float to all ones, and the scratch register keeps nothing.
    reg_write(SCRATCH, 0x5a);
    usable = reg_read(SCRATCH) == 0x5a;
    if (!usable) {
        return;
    }
    reg_write(INTERRUPT_ENABLE, 0);
    reg_write(LINE_CONTROL, LINE_DIVISOR);
    reg_write(DIVISOR_LOW, DIVISOR_115200);
    reg_write(DIVISOR_HIGH, 0);
    reg_write(LINE_CONTROL, LINE_8N1);
    reg_write(FIFO_CONTROL, FIFO_ON_AND_CLEAR);
    reg_write(MODEM_CONTROL, MODEM_DTR_RTS_OUT2);
}

void uart_write(char byte) {
    if (!usable) {
        return;
    }
    for (uint32_t i = 0; i < PATIENCE; i++) {
        if ((reg_read(LINE_STATUS) & STATUS_CAN_TAKE) != 0) {
            reg_write(DATA, (uint8_t)byte);
            return;
        }
    }
    usable = false;
}

void uart_release(enum serial_kind kind, uint64_t base, uint64_t len) {
    usable &= kind != SERIAL_PORTS || !ranges_overlap(base, len, UART_PORT, UART_PORT_COUNT);
}

// Where a PC has them; whether there are any is for their driver to see.
bool plat_serial(uint32_t index, struct bootstrap_serial *out) {
    static const struct bootstrap_serial ports[] = {
        {SERIAL_PORTS, UART_LINE, UART_PORT, UART_PORT_COUNT, 0},
        {SERIAL_PORTS, SECOND_LINE, SECOND_PORT, UART_PORT_COUNT, 0},
    };
    if (index < sizeof ports / sizeof ports[0]) {
        *out = ports[index];
    }
    return index < sizeof ports / sizeof ports[0];
}
