#include "lib/serial/uart16550.h"

enum uart_register : uint8_t {
    DATA = 0,               // divisor low while LINE_CONTROL_DIVISOR is set
    INTERRUPT_ENABLE = 1,   // divisor high
    INTERRUPT_IDENTITY = 2, // read
    FIFO_CONTROL = 2,       // write
    LINE_CONTROL = 3,
    MODEM_CONTROL = 4,
    LINE_STATUS = 5,
    MODEM_STATUS = 6,
    SCRATCH = 7,
};

constexpr uint8_t ENABLE_RECEIVED = 1;
constexpr uint8_t ENABLE_TRANSMITTER_EMPTY = 2;
constexpr uint8_t ENABLE_LINE_STATUS = 4;

constexpr uint8_t IDENTITY_NONE = 1; // no interrupt is pending
constexpr uint8_t IDENTITY_MASK = 0x0e;
constexpr uint8_t IDENTITY_MODEM = 0x00;
constexpr uint8_t IDENTITY_TRANSMITTER_EMPTY = 0x02;

// Receive trigger at one byte: a person is typing. What was received before the driver started is kept.
constexpr uint8_t FIFO_ENABLE = 1;

constexpr uint8_t LINE_8N1 = 3;
constexpr uint8_t LINE_CONTROL_DIVISOR = 0x80;
constexpr uint8_t DIVISOR_115200 = 1;

constexpr uint8_t MODEM_READY = 0x0b; // DTR, RTS, and OUT2, which lets interrupts out

constexpr uint8_t STATUS_DATA_READY = 0x01;
constexpr uint8_t STATUS_OVERRUN = 0x02;
constexpr uint8_t STATUS_ERRORS = 0x1c;
constexpr uint8_t STATUS_TRANSMITTER_EMPTY = 0x20;

// Bounds of one call: a device that never stops must not stop its driver.
constexpr unsigned CAUSES_MAX = 64;
constexpr unsigned BYTES_MAX = 256;
constexpr unsigned PUMP_ROUNDS = 256;

static uint8_t get(struct uart *uart, uint8_t offset) {
    return uart->port.read(uart->port.context, offset);
}

static void set(struct uart *uart, uint8_t offset, uint8_t value) {
    uart->port.write(uart->port.context, offset, value);
}

static void enable(struct uart *uart, uint8_t interrupts) {
    if (uart->interrupts != interrupts) {
        uart->interrupts = interrupts;
        set(uart, INTERRUPT_ENABLE, interrupts);
    }
}

bool uart_init(struct uart *uart, struct uart_port port, struct byte_ring *output) {
    *uart = (struct uart){.port = port, .output = output};
    set(uart, SCRATCH, 0x5a);
    if (get(uart, SCRATCH) != 0x5a) {
        return false;
    }
    set(uart, INTERRUPT_ENABLE, 0);
    if (!port.keep_speed) {
        set(uart, LINE_CONTROL, LINE_CONTROL_DIVISOR);
        set(uart, DATA, DIVISOR_115200);
        set(uart, INTERRUPT_ENABLE, 0);
    }
    set(uart, LINE_CONTROL, LINE_8N1);
    set(uart, FIFO_CONTROL, FIFO_ENABLE);
    set(uart, MODEM_CONTROL, MODEM_READY);
    enable(uart, ENABLE_RECEIVED | ENABLE_LINE_STATUS);
    return true;
}

static void receive(struct uart *uart, uart_input_fn *input, void *context) {
    for (unsigned i = 0; i < BYTES_MAX; i++) {
        uint8_t status = get(uart, LINE_STATUS);
        uart->overruns += (status & STATUS_OVERRUN) != 0;
        uart->line_errors += (status & STATUS_ERRORS) != 0;
        if ((status & STATUS_DATA_READY) == 0) {
            return;
        }
        char byte = (char)get(uart, DATA);
        // A byte with a framing or parity error, or a break, is not what was typed.
        if ((status & STATUS_ERRORS) == 0) {
            uart->received++;
            input(context, byte);
        }
    }
}

void uart_pump(struct uart *uart) {
    uint8_t interrupts = ENABLE_RECEIVED | ENABLE_LINE_STATUS;
    for (unsigned round = 0; round < PUMP_ROUNDS && uart->output->used > 0; round++) {
        if ((get(uart, LINE_STATUS) & STATUS_TRANSMITTER_EMPTY) == 0) {
            break;
        }
        uint8_t bytes[UART_FIFO_BYTES];
        size_t len = byte_ring_take(uart->output, bytes, sizeof(bytes));
        uart->port.write_data(uart->port.context, bytes, len);
        uart->sent += len;
    }
    if (uart->output->used > 0) {
        interrupts |= ENABLE_TRANSMITTER_EMPTY;
    }
    enable(uart, interrupts);
}

bool uart_interrupt(struct uart *uart, uart_input_fn *input, void *context) {
    uart->interrupt_count++;
    for (unsigned i = 0; i < CAUSES_MAX; i++) {
        uint8_t identity = get(uart, INTERRUPT_IDENTITY);
        if ((identity & IDENTITY_NONE) != 0) {
            return true;
        }
        switch (identity & IDENTITY_MASK) {
        case IDENTITY_MODEM:
            (void)get(uart, MODEM_STATUS);
            break;
        case IDENTITY_TRANSMITTER_EMPTY:
            uart_pump(uart);
            break;
        default: // received data, its timeout, line status
            receive(uart, input, context);
            break;
        }
    }
    return false;
}
