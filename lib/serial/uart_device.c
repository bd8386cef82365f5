#include "lib/serial/uart_device.h"

#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "lib/tess/capset.h"
#include "lib/tess/syscall.h"

constexpr uint8_t LINE_STATUS = 5, TRANSMITTER_EMPTY = 0x20;
constexpr uint32_t POLLS_MAX = 100'000; // a dead line must not hold its user up for ever

status_t uart_device_open(struct uart_device *device, handle_t handle, uint32_t type) {
    *device = (struct uart_device){};
    if (type == OBJECT_IOPORT) {
        device->ports = handle;
        return STATUS_OK;
    }
    uint64_t address = 0;
    if (type != OBJECT_VMO) {
        return STATUS_WRONG_TYPE;
    }
    TRY(tess_vspace_map(tess_self_vspace(), handle, 0, PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &address));
    device->registers = (volatile uint8_t *)address;
    return STATUS_OK;
}

void uart_device_close(struct uart_device *device) {
    if (device->registers != nullptr) {
        (void)tess_vspace_unmap(tess_self_vspace(), (uint64_t)device->registers, PAGE_BYTES);
    }
    *device = (struct uart_device){};
}

// What cannot be reached reads as a chip that is not there.
static uint8_t device_read(void *context, uint8_t offset) {
    struct uart_device *device = context;
    uint64_t value = UINT8_MAX;
    if (device->registers != nullptr) {
        return device->registers[offset];
    }
    (void)tess_ioport_read(device->ports, offset, 1, &value);
    return (uint8_t)value;
}

static void device_write(void *context, uint8_t offset, uint8_t value) {
    struct uart_device *device = context;
    if (device->registers != nullptr) {
        device->registers[offset] = value;
    } else {
        (void)tess_ioport_write(device->ports, offset, 1, value);
    }
}

static void device_write_data(void *context, const uint8_t *bytes, size_t len) {
    struct uart_device *device = context;
    if (device->registers != nullptr) {
        for (size_t i = 0; i < len; i++) {
            device->registers[0] = bytes[i];
        }
        return;
    }
    uint64_t words[UART_FIFO_BYTES / 8] = {};
    memcpy(words, bytes, len);
    (void)tess_ioport_write_bytes(device->ports, 0, len, words[0], words[1], 0, 0, 0, 0);
}

struct uart_port uart_device_port(struct uart_device *device) {
    return (struct uart_port){
        .context = device,
        .read = device_read,
        .write = device_write,
        .write_data = device_write_data,
        .keep_speed = device->registers != nullptr, // what its clock is only the firmware knows
    };
}

void uart_device_send(struct uart_device *device, const void *bytes, size_t len) {
    for (uint32_t i = 0; i < POLLS_MAX && (device_read(device, LINE_STATUS) & TRANSMITTER_EMPTY) == 0; i++) {
    }
    device_write_data(device, bytes, len);
}
