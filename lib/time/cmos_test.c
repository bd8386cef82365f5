#include "lib/time/cmos.h"

#include "base/test.h"
#include "lib/time/civil.h"

// A chip: registers, and what happens while they are read.
static struct {
    uint8_t registers[128];
    uint32_t reads, update_until, tick_at; // an update until so many reads; a second passes at one
    bool restless;                         // no two readings are the same
} chip;

static uint8_t read_chip(void *, uint8_t index) {
    chip.reads++;
    if (chip.reads == chip.tick_at || chip.restless) {
        chip.registers[0]++;
    }
    return index == 10 && chip.reads <= chip.update_until ? 0x80 : chip.registers[index & 127];
}

static const struct cmos_port port = {.read = read_chip};

// 2031-12-31 23:59:58, in BCD, 24 hours.
static void set_up(void) {
    static const uint8_t bytes[] = {0x58, 0, 0x59, 0, 0x23, 0, 4, 0x31, 0x12, 0x31, 0x26, 0x02, 0, 0x80};
    memset(&chip, 0, sizeof(chip));
    memcpy(chip.registers, bytes, sizeof(bytes));
    chip.registers[0x32] = 0x20;
}

static int64_t expected(int32_t year, uint8_t hour) {
    return civil_seconds((struct civil){year, 12, 31, hour, 59, 58});
}

static void reads(int64_t wanted) {
    int64_t seconds = 0;
    CHECK_EQ(cmos_read(&port, &seconds).code, STATUS_OK.code);
    CHECK_EQ(seconds, wanted);
}

static void refuses(status_t status) {
    int64_t seconds = 77;
    CHECK_EQ(cmos_read(&port, &seconds).code, status.code);
    CHECK_EQ(seconds, 77);
}

TEST(decimal_and_binary_and_half_days) {
    set_up();
    reads(expected(2031, 23));
    chip.registers[11] = 0; // 12 hours
    chip.registers[4] = 0x91; // 11 at night
    reads(expected(2031, 23));
    chip.registers[4] = 0x12; // midnight
    reads(expected(2031, 0));
    chip.registers[4] = 0x92; // noon
    reads(expected(2031, 12));
    chip.registers[4] = 0x80;
    refuses(STATUS_BAD_STATE);
    set_up();
    static const uint8_t binary[] = {58, 0, 59, 0, 23, 0, 4, 31, 12, 31, 0x26, 0x06, 0, 0x80};
    memcpy(chip.registers, binary, sizeof(binary));
    chip.registers[0x32] = 20;
    reads(expected(2031, 23));
}

TEST(centuries) {
    set_up();
    chip.registers[0x32] = 0x21;
    reads(expected(2131, 23));
    chip.registers[0x32] = 0; // no century: something else is kept there
    reads(expected(2031, 23));
    chip.registers[9] = 0x70;
    reads(expected(1970, 23));
    chip.registers[9] = 0x69;
    reads(expected(2069, 23));
}

TEST(an_update_is_waited_for_and_a_change_read_again) {
    set_up();
    chip.update_until = 5000;
    reads(expected(2031, 23));
    CHECK(chip.reads > 5000);
    for (uint32_t tick = 4; tick < 18; tick++) { // wherever between the registers the second ends
        set_up();
        chip.tick_at = tick;
        int64_t seconds = 0;
        CHECK_EQ(cmos_read(&port, &seconds).code, STATUS_OK.code);
        CHECK_EQ(seconds, expected(2031, 23) + (tick <= 11)); // after it has been read for the last time it is of no concern
    }
}

TEST(what_is_no_time_is_none) {
    set_up();
    memset(chip.registers, 0xff, sizeof(chip.registers));
    refuses(STATUS_UNSUPPORTED);
    set_up();
    chip.registers[13] = 0; // the battery was empty
    refuses(STATUS_BAD_STATE);
    set_up();
    chip.update_until = UINT32_MAX;
    refuses(STATUS_TIMED_OUT);
    set_up();
    chip.restless = true;
    refuses(STATUS_TIMED_OUT);
    static const uint8_t bad[][2] = {{0, 0x60}, {0, 0x5a}, {2, 0x60}, {4, 0x24}, {7, 0}, {7, 0x32}, {8, 0}, {8, 0x13}, {9, 0xa0}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set_up();
        chip.registers[bad[i][0]] = bad[i][1];
        refuses(STATUS_BAD_STATE);
    }
}
