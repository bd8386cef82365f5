// Asks the ends of the pipe that it stands in for what no program asks: unknown methods, other contracts, parameters of noise, texts
// that are longer than they may be, capabilities, messages that want no answer. Each must be answered within a while, with
// anything. Then the ends must work as always: it writes what comes in, and how many requests there were.
#include "base/fmt.h"
#include "idl/console.capnp.h"
#include "idl/input.capnp.h"
#include "lib/tess/handle.h"
#include "lib/rpc/method.h"
#include "lib/tess/clock.h"
#include "lib/tess/page.h"
#include "tests/programs/common.h"

constexpr uint64_t PATIENCE_MS = 5000;
constexpr uint32_t ROUNDS = 400;

static uint64_t noise = 1;

static uint64_t next(void) {
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    return noise >> 24;
}

// Something that may be taken for a request: of a contract or not, in registers or in the page, with a handle or without.
static void compose(struct tess_message *message, handle_t handle) {
    static const uint32_t labels[] = {0, 1, 2, 3, 4, 5, 6, 7, RPC_ORDINAL, UINT32_MAX};
    const uint32_t label = labels[next() % (sizeof(labels) / sizeof(labels[0]))];
    uint64_t *page = tess_message_page();
    for (size_t i = 0; i < MESSAGE_PAGE_BYTES / sizeof(*page); i++) {
        page[i] = next() % 4 == 0 ? next() << 32 | next() : next() % 8;
    }
    *message = (struct tess_message){.info = tess_info(next() % 4 == 0 ? (uint32_t)next() : RPC_CONTRACT | label | (uint32_t)(next() % 8) << 16)};
    for (size_t i = 0; i < MESSAGE_WORDS; i++) {
        message->words[i] = next() % 2 == 0 ? next() : next() % 8;
    }
    if (next() % 2 == 0) {
        message->info |= (next() % (MESSAGE_PAGE_BYTES + 1)) << MESSAGE_PAGE_SHIFT;
    }
    if (next() % 8 == 0) {
        message->info |= 1ull << MESSAGE_COUNT_SHIFT;
        tess_message_set_handle(message, 0, handle);
    }
}

// How many were not answered in time.
static uint32_t ask(handle_t end) {
    uint32_t unanswered = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct tess_message message;
        compose(&message, end);
        if (i % 4 == 3) {
            (void)tess_send(end, &message, tess_deadline_after_ms(PATIENCE_MS));
        } else {
            unanswered += status_is(tess_call(end, &message, tess_deadline_after_ms(PATIENCE_MS)), STATUS_TIMED_OUT);
        }
    }
    return unanswered;
}

int main(int, char **) {
    handle_t console = tess_cap_required("console", CONSOLE_ID), input = {};
    uint32_t unanswered = ask(console);
    if (status_ok(tess_cap("input", INPUT_ID, &input))) {
        unanswered += ask(input);
    }
    SAY("\nbad_pipe: %u unanswered: as it should be\n", unanswered);
    return unanswered == 0 ? 0 : 1;
}
