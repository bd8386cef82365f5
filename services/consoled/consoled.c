// consoled: the serial terminal, shared. Wiring only: the terminal is lib/terminal, the device lib/serial, the
// contract idl/console.capnp.
//
// One loop: requests and the device's interrupts arrive at the same endpoint. What cannot be answered at
// once (a line that is not typed yet, output for which there is no room) waits as a saved reply.
//
// CapSet: `console` (RECEIVE), `uart` (its registers: ioport or device memory), `uart_interrupt`; `log` if it is to have one.
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "idl/console.capnp.h"
#include "idl/kernel.capnp.h"
#include "idl/log.capnp.h"
#include "lib/serial/uart16550.h"
#include "lib/serial/uart_device.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/page.h"
#include "lib/tess/panic.h"
#include "lib/tess/syscall.h"
#include "lib/terminal/terminal.h"

constexpr uint64_t BIT_INTERRUPT = 1;
constexpr size_t TERMINAL_COLUMNS = 80;
constexpr size_t TERMINAL_ROWS = 24;
constexpr size_t WRITERS_MAX = 32; // that may wait at once
constexpr uint64_t SETTLE_MS = 5;
constexpr uint64_t LOG_PATIENCE_MS = 50;

static_assert(TESS_CONSOLE_ID == CONSOLE_ID && CONSOLE_WRITE == 0); // what a panic spells out

static struct terminal terminal;
static struct uart uart;
static struct rpc_server server;
static struct rpc_answer late_answer;
static struct uart_device device;
static struct interrupt interrupt;

static struct rpc_deferred reader;               // whoever reads a line, if somebody does
static struct rpc_deferred writers[WRITERS_MAX]; // and those whose output waits for room
static size_t writer_count;
static size_t writers_most;
static handle_t watcher; // notification for Ctrl-C
static uint64_t watcher_bits;

// --- the device ---

static void take_input(void *context, char byte) {
    (void)context;
    terminal_input(&terminal, byte);
}

static void serve_device(void) {
    // Unmask first: an event that comes while the device is being served makes a new edge.
    RPC_CALL(call);
    (void)interrupt_call_acknowledge(interrupt, &call, rpc_patience(), nullptr);
    while (!uart_interrupt(&uart, take_input, nullptr)) {
    }
    if (terminal_take_interrupt(&terminal) && tess_handle_valid(watcher)) {
        // A watcher that is gone misses nothing.
        (void)tess_signal(watcher, watcher_bits);
    }
}

// --- requests ---

static status_t write_text(void *, struct rpc_request *request, struct console_write_params params,
                           struct console_write_results_builder results) {
    const struct capnp_data bytes = console_write_params_get_bytes(params);
    TRY(rpc_well_formed(request));
    if (bytes.len == 0) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "there is nothing to write");
    }
    const size_t taken = terminal_write(&terminal, (const char *)bytes.bytes, bytes.len);
    console_write_results_set_taken(results, (uint32_t)taken);
    if (taken > 0 || !rpc_wants_answer(request)) {
        return STATUS_OK;
    }
    if (writer_count == WRITERS_MAX || !status_ok(rpc_defer(request, &writers[writer_count]))) {
        return rpc_refuse(request, RPC_OVERLOADED, "%zu wait for the line already", writer_count);
    }
    writer_count++;
    writers_most = writer_count > writers_most ? writer_count : writers_most;
    return STATUS_OK;
}

// Overwrites the message page: what the current request has there is not used any more.
static void answer_reader(enum console_control_event event) {
    size_t len;
    size_t cursor;
    const char *line = lineedit_line(&terminal.edit, &len, &cursor);
    struct console_control_read_line_results_builder results = {rpc_answer_begin(&late_answer, &reader)};
    console_control_read_line_results_set_event(results, event);
    if (event == CONSOLE_CONTROL_EVENT_LINE || event == CONSOLE_CONTROL_EVENT_COMPLETE) {
        console_control_read_line_results_set_line(
            results, (struct capnp_text){line, event == CONSOLE_CONTROL_EVENT_LINE ? len : cursor});
    }
    rpc_answer_send(&late_answer);
    if (terminal.edit.secret) {
        terminal_forget(&terminal);
        memset(late_answer.page, 0, sizeof(late_answer.page));
        memset(tess_message_page(), 0, MESSAGE_PAGE_BYTES);
    }
}

static status_t read_line(void *, struct rpc_request *request, struct console_control_read_line_params params,
                          struct console_control_read_line_results_builder results) {
    const struct capnp_text wanted = console_control_read_line_params_get_prompt(params);
    const bool resume = console_control_read_line_params_get_resume(params), secret = console_control_read_line_params_get_secret(params);
    TRY(rpc_well_formed(request));
    if (!tess_handle_valid(watcher)) {
        console_control_read_line_results_set_event(results, CONSOLE_CONTROL_EVENT_INTERRUPTED);
        console_control_read_line_results_set_is_new(results, true);
        return STATUS_OK;
    }
    // Taken before the page is used for anything else.
    char prompt[LINE_PROMPT_BYTES];
    const size_t prompt_bytes = wanted.len < sizeof(prompt) ? wanted.len : sizeof(prompt);
    memcpy(prompt, wanted.bytes, prompt_bytes);
    struct rpc_deferred reply;
    TRY(rpc_defer(request, &reply));
    if (tess_handle_valid(reader.reply)) {
        answer_reader(CONSOLE_CONTROL_EVENT_INTERRUPTED);
        terminal_stop_reading(&terminal);
    }
    reader = reply;
    if (secret) {
        terminal_read_secret(&terminal, prompt, prompt_bytes);
    } else {
        terminal_read(&terminal, prompt, prompt_bytes, resume);
    }
    return STATUS_OK;
}

// Candidates go on the screen as they are.
static bool is_plain(struct capnp_text text) {
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.bytes[i] < ' ' || text.bytes[i] == 0x7f) {
            return false;
        }
    }
    return utf8_valid(text.bytes, text.len);
}

static status_t offer(void *, struct rpc_request *request, struct console_control_offer_params params,
                      struct console_control_offer_results_builder) {
    static char strings[4096]; // one after the other, each with its NUL
    size_t used = 0;
    const uint32_t replace_bytes = console_control_offer_params_get_replace_bytes(params);
    const struct capnp_text_list candidates = console_control_offer_params_get_candidates(params);
    const uint32_t count = capnp_text_list_count(candidates);
    for (uint32_t i = 0; i < count; i++) {
        const struct capnp_text text = capnp_text_list_get(candidates, i);
        if (!is_plain(text) || text.len >= sizeof(strings) - used) {
            return rpc_refuse(request, RPC_INVALID_ARGUMENT, "candidate %u is not printable, or they are too long", i);
        }
        memcpy(strings + used, text.bytes, text.len + 1);
        used += text.len + 1;
    }
    TRY(rpc_well_formed(request));
    if (replace_bytes > LINE_BYTES) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "no line is so long");
    }
    return terminal_offer(&terminal, replace_bytes, strings, count)
               ? STATUS_OK
               : rpc_refuse(request, RPC_OVERLOADED, "the line has no room for the list");
}

static status_t set_interrupt(void *, struct rpc_request *request, struct console_control_set_interrupt_params params,
                              struct console_control_set_interrupt_results_builder) {
    const handle_t notification = console_control_set_interrupt_params_get_notification(params).handle;
    const uint64_t bits = console_control_set_interrupt_params_get_bits(params);
    TRY(rpc_well_formed(request));
    if (tess_handle_valid(notification) && !status_ok(tess_signal(notification, 0))) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "the notification cannot be signalled");
    }
    tess_close(watcher);
    watcher = rpc_request_keep(request, notification);
    watcher_bits = bits;
    return STATUS_OK;
}

static status_t clear(void *, struct rpc_request *, struct console_control_clear_params,
                      struct console_control_clear_results_builder) {
    terminal_clear(&terminal);
    return STATUS_OK;
}

static status_t add_history(void *, struct rpc_request *request, struct console_control_add_history_params params,
                            struct console_control_add_history_results_builder) {
    const struct capnp_text line = console_control_add_history_params_get_line(params);
    TRY(rpc_well_formed(request));
    lineedit_add_history(&terminal.edit, line.bytes, line.len);
    return STATUS_OK;
}

static status_t stats(void *, struct rpc_request *, struct console_stats_params,
                      struct console_stats_results_builder results) {
    struct console_stats_builder stats = console_stats_results_init_stats(results);
    console_stats_set_columns(stats, (uint32_t)terminal.edit.columns);
    console_stats_set_rows(stats, TERMINAL_ROWS);
    console_stats_set_input_bytes(stats, uart.received);
    console_stats_set_output_bytes(stats, uart.sent);
    console_stats_set_input_overruns(stats, uart.overruns + terminal.lost_input);
    console_stats_set_line_errors(stats, uart.line_errors);
    console_stats_set_interrupts(stats, uart.interrupt_count);
    console_stats_set_waiting_writers(stats, writers_most);
    return STATUS_OK;
}

static const struct console_control_server methods = {
    .console = {.write = write_text, .stats = stats},
    .read_line = read_line,
    .offer = offer,
    .set_interrupt = set_interrupt,
    .clear = clear,
    .add_history = add_history,
};

static status_t dispatch(struct rpc_request *request) {
    return badge_controls(request->badge) ? console_control_dispatch(&methods, nullptr, request)
                                          : console_dispatch(&methods.console, nullptr, request);
}

// --- after each event ---

static enum line_event line_event; // that the reader has not been told of

static bool reader_is_due(void) {
    return line_event != LINE_NONE && tess_handle_valid(reader.reply);
}

static void tell_reader(void) {
    static const enum console_control_event events[] = {
        [LINE_ENTERED] = CONSOLE_CONTROL_EVENT_LINE,
        [LINE_COMPLETE] = CONSOLE_CONTROL_EVENT_COMPLETE,
        [LINE_INTERRUPTED] = CONSOLE_CONTROL_EVENT_INTERRUPTED,
        [LINE_END] = CONSOLE_CONTROL_EVENT_END,
    };
    answer_reader(events[line_event]);
}

static bool writers_are_due(void) {
    return writer_count > 0 && terminal_writable(&terminal);
}

// Nothing was taken: they offer it again.
static void release_writers(void) {
    for (size_t i = 0; i < writer_count; i++) {
        (void)rpc_answer_begin(&late_answer, &writers[i]);
        rpc_answer_send(&late_answer);
    }
    writer_count = 0;
}

// The line that output took off the screen is put back a moment later, so that it does not come and go with every line of a
// program that prints many. Returns when; a flood never lets the wait time out.
static uint64_t settle(void) {
    static uint64_t settle_at_ns;
    if (terminal.hidden && settle_at_ns == 0) {
        settle_at_ns = tess_deadline_after_ms(SETTLE_MS);
    }
    if (terminal.hidden && tess_now_ns() < settle_at_ns) {
        return settle_at_ns;
    }
    if (terminal.hidden) {
        terminal_settle(&terminal);
        uart_pump(&uart);
    }
    settle_at_ns = 0;
    return DEADLINE_NEVER;
}

static bool first_prompt_reported;

static bool first_prompt_is_due(void) {
    return !first_prompt_reported && terminal.reading && terminal.output.used == 0;
}

// Once: how long it took from power-on, when the counter began at 0, until a person could type.
static void report_first_prompt(void) {
    struct log log;
    first_prompt_reported = true;
    uint64_t cycles = tess_arch_cycles();
    if (status_ok(tess_cap("log", LOG_ID, &log.handle))) {
        RPC_CALL(call);
        char text[64];
        fmt_snprintf(text, sizeof(text), "power-on to prompt: %llu cycles", (unsigned long long)cycles);
        // The console does not wait long for the log; what it has to say here is not that important.
        (void)log_send_append(log, &call, LOG_LEVEL_INFO, capnp_text(text), tess_deadline_after_ms(LOG_PATIENCE_MS));
    }
}

static void set_up(void) {
    RPC_CALL(call);
    struct notification notification;
    const struct endpoint endpoint = {tess_cap_required("console", CONSOLE_ID)};
    const handle_t registers = tess_cap_required("uart", 0);
    interrupt.handle = tess_cap_required("uart_interrupt", INTERRUPT_ID);
    terminal_init(&terminal, TERMINAL_COLUMNS);
    if (!status_ok(uart_device_open(&device, registers, tess_cap_type("uart"))) ||
        !uart_init(&uart, uart_device_port(&device), &terminal.output)) {
        tess_panic("consoled: there is no UART where one was granted");
    }
    if (!status_ok(tess_account_create_notification(tess_self_account(), &notification.handle)) ||
        !status_ok(notification_call_bind(notification, &call, endpoint, rpc_patience(), nullptr)) ||
        !status_ok(interrupt_call_bind(interrupt, &call, notification, BIT_INTERRUPT, rpc_patience(), nullptr))) {
        tess_panic("consoled: cannot receive the UART's interrupts");
    }
    // What arrived before the interrupt was bound made its edge then.
    serve_device();
}

// What follows from the last event.
static uint64_t advance(void) {
    line_event = terminal_advance(&terminal);
    uart_pump(&uart);
    return reader_is_due() || writers_are_due() || first_prompt_is_due() ? 0 : settle();
}

static void answer_all(void) {
    if (reader_is_due()) {
        tell_reader();
    }
    if (writers_are_due()) {
        release_writers();
    }
    if (first_prompt_is_due()) {
        report_first_prompt();
    }
}

static void device_signalled(uint64_t) {
    serve_device();
}

static const struct service service = {
    .provides = "console",
    .interface_id = CONSOLE_ID,
    .accept = 1, // a watcher, or a long list of candidates
    .before_wait = advance,
    .when_due = answer_all,
    .signalled = device_signalled,
};

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    set_up();
    return service_run(&service, &server, dispatch);
}
