#include "services/timed/chip.h"

#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/time/cmos.h"
#include "lib/time/wall.h"

constexpr uint64_t CMOS_INDEX = 0, CMOS_DATA = 1;
constexpr uint32_t GOLDFISH_LOW = 0, GOLDFISH_HIGH = 1; // words; reading the low one takes the time for both

void chip_open(struct chip *chip) {
    handle_t handle;
    uint64_t address;
    *chip = (struct chip){.name = ""};
    if (!status_ok(tess_cap("rtc", 0, &handle))) {
        return;
    }
    if (tess_cap_type("rtc") == OBJECT_IOPORT) {
        *chip = (struct chip){.name = "cmos", .counts_seconds = true, .ports = handle};
    } else if (status_ok(tess_vspace_map(tess_self_vspace(), handle, 0, PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &address))) {
        *chip = (struct chip){.name = "goldfish", .registers = (volatile uint32_t *)address};
    }
}

static uint8_t read_register(void *context, uint8_t index) {
    const struct chip *chip = context;
    uint64_t value = UINT8_MAX; // what cannot be reached reads as a chip that is not there
    if (status_ok(tess_ioport_write(chip->ports, CMOS_INDEX, 1, index))) {
        (void)tess_ioport_read(chip->ports, CMOS_DATA, 1, &value);
    }
    return (uint8_t)value;
}

status_t chip_read(const struct chip *chip, int64_t *wall_ns) {
    if (chip->registers != nullptr) {
        const uint64_t low = chip->registers[GOLDFISH_LOW];
        const uint64_t ns = (uint64_t)chip->registers[GOLDFISH_HIGH] << 32 | low;
        if (ns == 0 || ns > (uint64_t)WALL_MAX_NS) {
            return STATUS_BAD_STATE;
        }
        *wall_ns = (int64_t)ns;
        return STATUS_OK;
    }
    if (!chip->counts_seconds) {
        return STATUS_UNSUPPORTED;
    }
    struct chip reachable = *chip;
    const struct cmos_port port = {.context = &reachable, .read = read_register};
    int64_t seconds;
    TRY(cmos_read(&port, &seconds));
    *wall_ns = seconds * (int64_t)TESS_NS_PER_S; // years to 2199 at most
    return STATUS_OK;
}
