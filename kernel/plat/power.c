#include "kernel/plat/power.h"

#include "arch_cpu.h"
#include "io.h"
#include "kernel/plat/acpi.h"

enum {
    PM1_SCI_ENABLE = 1 << 0,
    PM1_SLEEP_TYPE_SHIFT = 10,
    PM1_SLEEP_TYPE_MASK = 7 << 10,
    PM1_SLEEP_ENABLE = 1 << 13,
    KEYBOARD_COMMAND = 0x64,
    KEYBOARD_STATUS_BUSY = 0x02,
    KEYBOARD_PULSE_RESET = 0xfe,
    RESET_CONTROL = 0xcf9, // of the chipset (Intel ICH data sheet, 13.7.5)
    RESET_HARD = 0x02,
    RESET_GO = 0x04,
};

// Reads that a transition may take; a port read is about 1 us.
constexpr uint32_t PATIENCE = 100'000;

static void pause(void) {
    for (uint32_t i = 0; i < PATIENCE; i++) {
        port_read8(KEYBOARD_COMMAND); // for the time it takes
    }
}

// The sleep registers belong to the firmware until ACPI mode is on (ACPI 4.8.2.5).
static void enter_acpi_mode(const struct acpi_info *acpi) {
    if (acpi->smi_command_port == 0 || acpi->acpi_enable_value == 0) {
        return;
    }
    if ((port_read16(acpi->pm1a_control_port) & PM1_SCI_ENABLE) != 0) {
        return;
    }
    port_write8(acpi->smi_command_port, acpi->acpi_enable_value);
    for (uint32_t i = 0; i < PATIENCE; i++) {
        if ((port_read16(acpi->pm1a_control_port) & PM1_SCI_ENABLE) != 0) {
            return;
        }
    }
}

static void sleep_write(uint16_t port, uint8_t type) {
    if (port == 0) {
        return;
    }
    uint16_t value = port_read16(port) & (uint16_t)~PM1_SLEEP_TYPE_MASK;
    port_write16(port, (uint16_t)(value | (type & 7) << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE));
}

void power_off(void) {
    const struct acpi_info *acpi = acpi_info();
    if (!acpi->has_s5 || acpi->pm1a_control_port == 0) {
        return;
    }
    enter_acpi_mode(acpi);
    sleep_write(acpi->pm1a_control_port, acpi->s5_type_a);
    sleep_write(acpi->pm1b_control_port, acpi->s5_type_b);
    pause();
}

void power_reset(void) {
    const struct acpi_info *acpi = acpi_info();
    if (acpi->reset_port != 0) {
        port_write8(acpi->reset_port, acpi->reset_value);
    }
    for (uint32_t i = 0; i < PATIENCE && (port_read8(KEYBOARD_COMMAND) & KEYBOARD_STATUS_BUSY) != 0; i++)
        ;
    port_write8(KEYBOARD_COMMAND, KEYBOARD_PULSE_RESET);
    pause();
    port_write8(RESET_CONTROL, RESET_HARD);
    port_write8(RESET_CONTROL, RESET_HARD | RESET_GO);
    pause();
}

[[noreturn]] void power_stop(void) {
    power_off();
    arch_halt();
}
