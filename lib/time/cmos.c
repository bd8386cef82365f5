#include "lib/time/cmos.h"

#include "base/mem.h"
#include "lib/time/civil.h"

constexpr uint8_t SECOND = 0, MINUTE = 2, HOUR = 4, DAY = 7, MONTH = 8, YEAR = 9, STATUS_A = 10, STATUS_B = 11, STATUS_D = 13;
constexpr uint8_t CENTURY = 0x32; // where nearly every PC has it; what is no century there is not counted
constexpr uint8_t A_UPDATE = 0x80, B_BINARY = 0x04, B_24_HOURS = 0x02, D_VALID = 0x80, HOUR_PM = 0x80;
constexpr uint32_t ATTEMPTS = 20'000; // an update takes 2 ms at most, and a port is read in more than 100 ns
constexpr uint8_t WINDOW = 70;        // without a century: years from 1970 to 2069

enum { REGISTERS = 7 };

static const uint8_t indexes[REGISTERS] = {SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, CENTURY};

static void read_all(const struct cmos_port *port, uint8_t out[REGISTERS]) {
    for (int i = 0; i < REGISTERS; i++) {
        out[i] = port->read(port->context, indexes[i]);
    }
}

// 100, which nothing here can be, when it is no number.
static uint8_t number(uint8_t byte, bool binary) {
    return binary ? byte : (byte & 15) > 9 || byte >> 4 > 9 ? 100 : (uint8_t)((byte >> 4) * 10 + (byte & 15));
}

static bool decode(const uint8_t registers[REGISTERS], uint8_t status_b, struct civil *out) {
    const bool binary = (status_b & B_BINARY) != 0, day_is_whole = (status_b & B_24_HOURS) != 0;
    const bool pm = !day_is_whole && (registers[2] & HOUR_PM) != 0;
    uint8_t hour = number(day_is_whole ? registers[2] : registers[2] & (uint8_t)~HOUR_PM, binary);
    const uint8_t year = number(registers[5], binary), century = number(registers[6], binary);
    if (!day_is_whole) {
        if (hour < 1 || hour > 12) {
            return false;
        }
        hour = (uint8_t)(hour % 12 + (pm ? 12 : 0));
    }
    if (year > 99) {
        return false;
    }
    *out = (struct civil){
        .year = century >= 19 && century <= 21 ? century * 100 + year : year >= WINDOW ? 1900 + year : 2000 + year,
        .month = number(registers[4], binary),
        .day = number(registers[3], binary),
        .hour = hour,
        .minute = number(registers[1], binary),
        .second = number(registers[0], binary),
    };
    return civil_is_valid(*out) && out->year >= 1970;
}

status_t cmos_read(const struct cmos_port *port, int64_t *seconds) {
    uint8_t first[REGISTERS], second[REGISTERS];
    struct civil civil;
    const uint8_t status_b = port->read(port->context, STATUS_B), status_d = port->read(port->context, STATUS_D);
    if (status_b == 0xff && status_d == 0xff) {
        return STATUS_UNSUPPORTED;
    }
    if ((status_d & D_VALID) == 0) {
        return STATUS_BAD_STATE;
    }
    for (uint32_t i = 0; i < ATTEMPTS; i++) {
        if ((port->read(port->context, STATUS_A) & A_UPDATE) != 0) {
            continue;
        }
        read_all(port, first);
        read_all(port, second);
        if (memcmp(first, second, REGISTERS) == 0) {
            if (!decode(first, status_b, &civil)) {
                return STATUS_BAD_STATE;
            }
            *seconds = civil_seconds(civil);
            return STATUS_OK;
        }
    }
    return STATUS_TIMED_OUT;
}
