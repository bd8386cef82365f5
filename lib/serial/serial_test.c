// The driver against a model of the device.
#include "base/test.h"

#include "lib/serial/byte_ring.h"
#include "lib/serial/uart16550.h"

// --- a 16550, as far as the driver can tell ---

static struct {
    uint8_t registers[8];
    bool absent, overrun, framing_error, modem_changed, transmitter_reported, stuck;
    char input[512];
    size_t input_at, input_len;
    char output[8192];
    size_t output_len;
    unsigned transmitter_busy; // status reads until the transmitter is empty again
    unsigned busy_after_write;
    size_t longest_write;
} device;

static uint8_t identity(void) {
    if (device.stuck) {
        return 0x04;
    }
    uint8_t enabled = device.registers[1];
    if ((enabled & 4) && (device.overrun || device.framing_error)) {
        return 0x06;
    }
    if ((enabled & 1) && device.input_at < device.input_len) {
        return 0x04;
    }
    if ((enabled & 2) && device.transmitter_busy == 0 && !device.transmitter_reported) {
        device.transmitter_reported = true;
        return 0x02;
    }
    if ((enabled & 8) && device.modem_changed) {
        return 0x00;
    }
    return 0x01;
}

static uint8_t model_read(void *context, uint8_t offset) {
    (void)context;
    if (device.absent) {
        return 0xff;
    }
    switch (offset) {
    case 0: return (uint8_t)device.input[device.input_at++];
    case 2: return identity();
    case 5: {
        uint8_t status = device.input_at < device.input_len ? 1 : 0;
        status |= device.overrun ? 2 : 0;
        status |= device.framing_error ? 8 : 0;
        device.overrun = device.framing_error = false;
        if (device.transmitter_busy > 0) {
            device.transmitter_busy--;
        } else {
            status |= 0x60;
        }
        return status;
    }
    case 6: device.modem_changed = false; return 0;
    default: return device.registers[offset];
    }
}

static void model_write(void *context, uint8_t offset, uint8_t value) {
    (void)context;
    if (offset == 1 && (value & 2) && !(device.registers[1] & 2)) {
        device.transmitter_reported = false;
    }
    device.registers[offset] = value;
}

static void model_data(void *context, const uint8_t *bytes, size_t len) {
    (void)context;
    CHECK_EQ(device.transmitter_busy, 0);
    device.longest_write = len > device.longest_write ? len : device.longest_write;
    memcpy(device.output + device.output_len, bytes, len);
    device.output_len += len;
    device.transmitter_busy = device.busy_after_write;
    device.transmitter_reported = false;
}

static const struct uart_port port = {.read = model_read, .write = model_write, .write_data = model_data};
static uint8_t ring_memory[2048];
static struct byte_ring ring;
static struct uart uart;
static char got[1024];
static size_t got_len;

static void take(void *context, char byte) {
    (void)context;
    if (got_len < sizeof(got)) {
        got[got_len++] = byte;
    }
}

static void setup(void) {
    memset(&device, 0, sizeof(device));
    got_len = 0;
    byte_ring_init(&ring, ring_memory, sizeof(ring_memory));
    CHECK(uart_init(&uart, port, &ring));
}

static void incoming(const char *text) {
    device.input_at = 0;
    device.input_len = strlen(text);
    memcpy(device.input, text, device.input_len);
}

TEST(an_absent_device_is_noticed) {
    memset(&device, 0, sizeof(device));
    device.absent = true;
    CHECK(!uart_init(&uart, port, &ring));
}

TEST(setting_up) {
    setup();
    CHECK_EQ(device.registers[3], 3);
    CHECK_EQ(device.registers[4], 0x0b);
    CHECK_EQ(device.registers[1], 5);
    CHECK_EQ(device.registers[0], 1);
}

TEST(input_is_taken_whole) {
    setup();
    incoming("hello");
    CHECK(uart_interrupt(&uart, take, nullptr));
    CHECK_EQ(got_len, 5);
    CHECK_MEM_EQ(got, "hello", 5);
    CHECK_EQ(uart.received, 5);
}

TEST(lost_input_is_counted) {
    setup();
    incoming("ab");
    device.overrun = true;
    CHECK(uart_interrupt(&uart, take, nullptr));
    CHECK_EQ(uart.overruns, 1);
    CHECK_EQ(got_len, 2);
    incoming("xb");
    device.framing_error = true;
    CHECK(uart_interrupt(&uart, take, nullptr));
    CHECK_EQ(uart.line_errors, 1);
    CHECK_EQ(got_len, 3);
    CHECK_EQ(got[2], 'b');
}

TEST(a_fast_transmitter_takes_all_at_once) {
    setup();
    char text[1000];
    memset(text, 'x', sizeof(text));
    CHECK(byte_ring_put(&ring, text, sizeof(text)));
    uart_pump(&uart);
    CHECK_EQ(device.output_len, 1000);
    CHECK_EQ(device.longest_write, UART_FIFO_BYTES);
    CHECK_EQ(device.registers[1], 5);
    CHECK_EQ(uart.sent, 1000);
}

TEST(a_slow_transmitter_interrupts) {
    setup();
    char text[100];
    for (unsigned i = 0; i < sizeof(text); i++) {
        text[i] = (char)('0' + i % 10);
    }
    device.busy_after_write = 3;
    CHECK(byte_ring_put(&ring, text, sizeof(text)));
    uart_pump(&uart);
    CHECK_EQ(device.output_len, 16);
    CHECK_EQ(device.registers[1], 7);
    for (unsigned i = 0; i < 40 && ring.used > 0; i++) {
        device.transmitter_busy = 0;
        CHECK(uart_interrupt(&uart, take, nullptr));
    }
    CHECK_EQ(device.output_len, 100);
    CHECK_MEM_EQ(device.output, text, 100);
    CHECK_EQ(device.registers[1], 5);
}

TEST(a_device_that_never_stops_does_not_stop_the_driver) {
    setup();
    device.stuck = true;
    CHECK(!uart_interrupt(&uart, take, nullptr));
    device.stuck = false;
    CHECK(uart_interrupt(&uart, take, nullptr));
}

TEST(rings_wrap_and_refuse) {
    uint8_t memory[8];
    uint8_t out[8];
    struct byte_ring small;
    byte_ring_init(&small, memory, sizeof(memory));
    uint8_t next_in = 0;
    uint8_t next_out = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t in[5];
        size_t len = i % 6;
        for (size_t at = 0; at < len; at++) {
            in[at] = (uint8_t)(next_in + at);
        }
        if (byte_ring_put(&small, in, len)) {
            next_in = (uint8_t)(next_in + len);
        } else {
            CHECK(len > byte_ring_free(&small));
        }
        size_t taken = byte_ring_take(&small, out, i % 4);
        for (size_t at = 0; at < taken; at++) {
            CHECK_EQ(out[at], next_out);
            next_out++;
        }
    }
    while (byte_ring_take(&small, out, 8) > 0) {
    }
    CHECK(byte_ring_put(&small, "12345678", 8));
    CHECK_EQ(small.head, 0);
    CHECK(!byte_ring_put(&small, "9", 1));
}
