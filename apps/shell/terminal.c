// The machine's terminal as the shell's front end: consoled edits the line (idl/console.capnp), and may be replaced at any time.
#include "abi/message.h"
#include "apps/shell/terminal.h"
#include "lib/commands/answers.h"
#include "lib/commands/beside.h"
#include "lib/commands/shell.h"
#include "base/mem.h"
#include "lib/tess/page.h"
#include "base/str.h"
#include "idl/console.capnp.h"
#include "lib/console/console.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/panic.h"

// A console that is gone for longer than this has more to do than print.
constexpr uint64_t WRITE_PATIENCE_MS = 10'000;
constexpr size_t LINE_BYTES = 2048; // more than consoled lets anybody type

static handle_t handle;

static struct console_control console(void) {
    return (struct console_control){handle};
}

static void put(const char *bytes, size_t len) {
    (void)console_write(handle, bytes, len, tess_deadline_after_ms(WRITE_PATIENCE_MS));
}

static status_t set_interrupt(void) {
    RPC_CALL(call);
    return console_control_call_set_interrupt(console(), &call, (struct notification){shell.events}, BIT_INTERRUPT, rpc_patience(), nullptr);
}

static void watch_interrupts(void) {
    (void)set_interrupt(); // without Ctrl-C the shell is still good for something
}

static void remember(const char *line, size_t len) {
    RPC_CALL(call);
    // A console that does not take it has one line less to bring back.
    (void)console_control_call_add_history(console(), &call, (struct capnp_text){line, len}, rpc_patience(), nullptr);
}

// Tells a console what it must know of this shell.
static void introduce(void) {
    watch_interrupts();
    for (size_t i = 0; i < shell.history.count; i++) {
        size_t len;
        const char *line = history_line(&shell.history, i, &len);
        remember(line, len);
    }
}

static char kept[LINE_BYTES]; // the last line, which outlives the call

static enum front_event event_of(status_t status, struct console_control_read_line_results results, struct shell_text *line) {
    if (status_is(status, STATUS_BAD_HANDLE)) { // revoked: nobody can say anything to this shell any more
        tess_panic("shell: its console was taken away");
    }
    if (status_is(status, STATUS_PEER_DIED) || (status_ok(status) && console_control_read_line_results_get_is_new(results))) {
        return FRONT_REPLACED;
    }
    if (!status_ok(status)) {
        return FRONT_FAILED;
    }
    const struct capnp_text text = console_control_read_line_results_get_line(results);
    line->len = text.len < sizeof(kept) ? text.len : sizeof(kept);
    line->bytes = memcpy(kept, text.bytes, line->len);
    switch (console_control_read_line_results_get_event(results)) {
    case CONSOLE_CONTROL_EVENT_LINE: return FRONT_LINE;
    case CONSOLE_CONTROL_EVENT_COMPLETE: return FRONT_COMPLETE;
    case CONSOLE_CONTROL_EVENT_INTERRUPTED: return FRONT_INTERRUPTED;
    case CONSOLE_CONTROL_EVENT_END: return FRONT_END;
    }
    return FRONT_FAILED; // a newer console has more to say
}

static enum front_event ask(struct front_question question, struct shell_text *line) {
    RPC_CALL(call);
    struct console_control_read_line_results results;
    enum front_event event;
    struct rpc_ring *ring;
    memset(kept, 0, sizeof(kept)); // it may have been a password
    if (beside_any() && status_ok(answers_open(&ring))) { // then the shell does not wait for the console alone
        const struct rpc_promise promise = console_control_submit_read_line(ring, console_control_target(console()),
                                                                            capnp_text(question.prompt), question.resume, question.secret);
        const status_t status = answers_wait(promise, false, &results.s);
        event = event_of(status, results, line);
        answers_close();
    } else {
        const status_t status = console_control_call_read_line(console(), &call, capnp_text(question.prompt), question.resume,
                                                               question.secret, DEADLINE_NEVER, &results);
        event = event_of(status, results, line);
        if (question.secret) {
            memset(tess_message_page(), 0, MESSAGE_PAGE_BYTES);
        }
    }
    if (event == FRONT_REPLACED) {
        introduce();
    }
    return event;
}

static void offer(uint32_t replace_bytes, uint32_t count, const char *candidates) {
    RPC_CALL(call);
    const struct console_control_offer_params_builder params = console_control_begin_offer(console(), &call);
    const struct capnp_text_list_builder list = console_control_offer_params_init_candidates(params, count);
    console_control_offer_params_set_replace_bytes(params, replace_bytes);
    for (uint32_t i = 0; i < count; i++) {
        capnp_text_list_set(list, i, capnp_text(candidates));
        candidates += strlen(candidates) + 1;
    }
    // Without an offer the line just goes on.
    (void)console_control_finish_offer(&call, rpc_patience(), nullptr);
}

static status_t clear(void) {
    RPC_CALL(call);
    return console_control_call_clear(console(), &call, rpc_patience(), nullptr);
}

static void size(size_t *rows, size_t *columns) {
    RPC_CALL(call);
    struct console_stats_results results;
    *rows = FRONT_ROWS;
    *columns = FRONT_COLUMNS;
    if (status_ok(console_call_stats((struct console){handle}, &call, rpc_patience(), &results))) {
        const struct console_stats stats = console_stats_results_get_stats(results);
        const size_t given_rows = console_stats_get_rows(stats), given_columns = console_stats_get_columns(stats);
        *rows = given_rows > 2 ? given_rows : FRONT_ROWS;
        *columns = given_columns > 0 ? given_columns : FRONT_COLUMNS;
    }
}

const struct front terminal = {
    .interactive = true,
    .write = put,
    .read = ask,
    .offer = offer,
    .remember = remember,
    .clear = clear,
    .size = size,
    .watch_interrupts = watch_interrupts,
};

bool terminal_open(void) {
    handle = tess_cap_required("console", CONSOLE_ID);
    const status_t status = set_interrupt();
    return !status_is(status, rpc_status(RPC_UNIMPLEMENTED)) && !status_is(status, rpc_status(RPC_DENIED));
}
