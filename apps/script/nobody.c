// Nobody as a shell's front end: what it prints goes into a `console` that can only be written to, and no line ever comes.
#include "apps/script/nobody.h"
#include "idl/console.capnp.h"
#include "lib/console/console.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"

constexpr uint64_t WRITE_PATIENCE_MS = 10'000;

static handle_t console;

static void put(const char *bytes, size_t len) {
    (void)console_write(console, bytes, len, tess_deadline_after_ms(WRITE_PATIENCE_MS));
}

static enum front_event ask(struct front_question, struct shell_text *) {
    return FRONT_END;
}

static void offer(uint32_t, uint32_t, const char *) {}

static void remember(const char *, size_t) {}

static status_t clear(void) {
    return STATUS_UNSUPPORTED;
}

static void size(size_t *rows, size_t *columns) {
    *rows = FRONT_ROWS;
    *columns = FRONT_COLUMNS;
}

static void watch_interrupts(void) {}

const struct front nobody = {
    .write = put,
    .read = ask,
    .offer = offer,
    .remember = remember,
    .clear = clear,
    .size = size,
    .watch_interrupts = watch_interrupts,
};

void nobody_open(void) {
    console = tess_cap_required("console", CONSOLE_ID);
}
