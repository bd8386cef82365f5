// consoled: the serial terminal, shared. Wiring only: the terminal is lib/terminal, the device lib/serial, the
// contract lib/wire/console.h.
//
// One loop: requests and the device's interrupts arrive at the same endpoint. What cannot be answered at
// once (a line that is not typed yet, output for which there is no room) waits as a saved reply.
//
// CapSet: `console` (RECEIVE), `uart` (its registers: ioport or device memory), `uart_interrupt`; `log` if it is to have one.
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "idl/log.capnp.h"
#include "lib/serial/uart16550.h"
#include "lib/serial/uart_device.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/page.h"
#include "lib/tess/panic.h"
#include "lib/tess/syscall.h"
#include "lib/terminal/terminal.h"
#include "lib/wire/console.h"
#include "lib/wire/server.h"

constexpr uint64_t BIT_INTERRUPT = 1;
constexpr size_t TERMINAL_COLUMNS = 80;
constexpr size_t TERMINAL_ROWS = 24;
constexpr size_t WRITERS_MAX = 32; // that may wait at once
constexpr uint64_t SETTLE_MS = 5;
constexpr uint64_t LOG_PATIENCE_MS = 50;

static_assert(LINE_BYTES == CONSOLE_LINE_MAX && LINE_PROMPT_BYTES == CONSOLE_PROMPT_MAX);

static struct terminal terminal;
static struct uart uart;
static struct wire_server server;
static struct uart_device device;
static handle_t interrupt;

static handle_t reader;                 // the saved reply of whoever reads a line, or 0
static handle_t writers[WRITERS_MAX];   // and of those whose output waits for room
static size_t writer_count;
static size_t writers_most;
static handle_t watcher;                // notification for Ctrl-C
static uint64_t watcher_bits;

// --- the device ---

static void take_input(void *context, char byte) {
    (void)context;
    terminal_input(&terminal, byte);
}

static void serve_device(void) {
    // Unmask first: an event that comes while the device is being served makes a new edge.
    (void)tess_interrupt_acknowledge(interrupt);
    while (!uart_interrupt(&uart, take_input, nullptr)) {
    }
    if (terminal_take_interrupt(&terminal) && tess_handle_valid(watcher)) {
        // A watcher that is gone misses nothing.
        (void)tess_signal(watcher, watcher_bits);
    }
}

// --- requests ---

static void write_text(const struct wire_request *request) {
    if (request->page_bytes == 0) {
        wire_server_answer(&server, WIRE_BAD_REQUEST, nullptr);
        return;
    }
    size_t taken = terminal_write(&terminal, (const char *)request->page, request->page_bytes);
    if (taken > 0) {
        struct wire_body body = {.words = {taken}};
        wire_server_answer(&server, WIRE_OK, &body);
        return;
    }
    handle_t reply;
    if (writer_count < WRITERS_MAX && status_ok(wire_server_defer(&server, &reply))) {
        writers[writer_count++] = reply;
        writers_most = writer_count > writers_most ? writer_count : writers_most;
    } else {
        wire_server_answer(&server, WIRE_BUSY, nullptr);
    }
}

static void answer_reader(enum console_event event) {
    struct wire_body body = {.words = {event}};
    size_t len;
    size_t cursor;
    const char *line = lineedit_line(&terminal.edit, &len, &cursor);
    if (event == CONSOLE_LINE || event == CONSOLE_COMPLETE) {
        body.page_bytes = (uint32_t)(event == CONSOLE_LINE ? len : cursor);
        memcpy(tess_message_page(), line, body.page_bytes);
    }
    wire_reply(tess_handle_take(&reader), WIRE_OK, &body);
}

static void read_line(const struct wire_request *request) {
    struct console_read read;
    if (!console_read_decode(request, &read)) {
        wire_server_answer(&server, WIRE_BAD_REQUEST, nullptr);
        return;
    }
    if (!tess_handle_valid(watcher)) {
        wire_server_answer(&server, WIRE_BAD_STATE, nullptr);
        return;
    }
    // Taken before the page is used for anything else.
    char prompt[CONSOLE_PROMPT_MAX];
    memcpy(prompt, read.prompt, read.prompt_bytes);
    handle_t reply;
    if (!status_ok(wire_server_defer(&server, &reply))) {
        wire_server_answer(&server, WIRE_NO_MEMORY, nullptr);
        return;
    }
    if (tess_handle_valid(reader)) {
        answer_reader(CONSOLE_INTERRUPTED);
        terminal_stop_reading(&terminal);
    }
    reader = reply;
    terminal_read(&terminal, prompt, read.prompt_bytes, read.resume);
}

static void offer(const struct wire_request *request) {
    struct console_offer candidates;
    if (!console_offer_decode(request, &candidates)) {
        wire_server_answer(&server, WIRE_BAD_REQUEST, nullptr);
    } else if (!terminal_offer(&terminal, candidates.replace_bytes, candidates.candidates, candidates.count)) {
        wire_server_answer(&server, WIRE_BUSY, nullptr);
    } else {
        wire_server_answer(&server, WIRE_OK, nullptr);
    }
}

static void set_interrupt(const struct wire_request *request, handle_t *notification) {
    tess_close(tess_handle_take(&watcher));
    watcher = tess_handle_take(notification);
    watcher_bits = request->words[0];
    wire_server_answer(&server, WIRE_OK, nullptr);
}

static void stats(void) {
    struct console_stats stats = {
        .columns = terminal.edit.columns,
        .rows = TERMINAL_ROWS,
        .input_bytes = uart.received,
        .output_bytes = uart.sent,
        .input_overruns = uart.overruns + terminal.lost_input,
        .line_errors = uart.line_errors,
        .interrupts = uart.interrupt_count,
        .waiting_writers = writers_most,
    };
    struct wire_body body = {};
    memcpy(body.words, &stats, sizeof(stats));
    wire_server_answer(&server, WIRE_OK, &body);
}

static bool needs_control(uint32_t method) {
    return method == CONSOLE_READ_LINE || method == CONSOLE_OFFER || method == CONSOLE_SET_INTERRUPT ||
           method == CONSOLE_CLEAR || method == CONSOLE_ADD_HISTORY;
}

static void serve(const struct wire_request *request) {
    handle_t came = request->handle_count > 0 ? wire_handle(request->words, 0) : (handle_t){0};
    if (needs_control(request->method) && !wire_badge_controls(request->badge)) {
        wire_server_answer(&server, WIRE_NOT_ALLOWED, nullptr);
        tess_close(came);
        return;
    }
    switch (request->method) {
    case CONSOLE_WRITE: write_text(request); break;
    case CONSOLE_READ_LINE: read_line(request); break;
    case CONSOLE_OFFER: offer(request); break;
    case CONSOLE_SET_INTERRUPT: set_interrupt(request, &came); break;
    case CONSOLE_CLEAR:
        terminal_clear(&terminal);
        wire_server_answer(&server, WIRE_OK, nullptr);
        break;
    case CONSOLE_ADD_HISTORY:
        lineedit_add_history(&terminal.edit, (const char *)request->page, request->page_bytes);
        wire_server_answer(&server, WIRE_OK, nullptr);
        break;
    case CONSOLE_STATS: stats(); break;
    default: wire_server_answer(&server, WIRE_BAD_METHOD, nullptr); break;
    }
    tess_close(came);
}

// --- after each event ---

static void advance_reader(void) {
    static const enum console_event events[] = {
        [LINE_ENTERED] = CONSOLE_LINE,
        [LINE_COMPLETE] = CONSOLE_COMPLETE,
        [LINE_INTERRUPTED] = CONSOLE_INTERRUPTED,
        [LINE_END] = CONSOLE_END,
    };
    enum line_event event = terminal_advance(&terminal);
    if (event != LINE_NONE && tess_handle_valid(reader)) {
        answer_reader(events[event]);
    }
}

static void release_writers(void) {
    if (writer_count == 0 || !terminal_writable(&terminal)) {
        return;
    }
    struct wire_body nothing_taken = {};
    for (size_t i = 0; i < writer_count; i++) {
        wire_reply(writers[i], WIRE_OK, &nothing_taken);
    }
    writer_count = 0;
}

// Waits for what comes next. The line that output took off the screen is put back a moment later, so that it
// does not come and go with every line of a program that prints many.
static enum wire_arrival next(struct wire_request *request) {
    static uint64_t settle_at_ns;
    if (!terminal.hidden) {
        settle_at_ns = 0;
        return wire_server_next(&server, request, DEADLINE_NEVER);
    }
    if (settle_at_ns == 0) {
        settle_at_ns = tess_deadline_after_ms(SETTLE_MS);
    }
    // A flood never lets the wait time out.
    if (tess_now_ns() < settle_at_ns) {
        enum wire_arrival arrival = wire_server_next(&server, request, settle_at_ns);
        if (arrival != WIRE_TIMEOUT) {
            return arrival;
        }
    }
    settle_at_ns = 0;
    terminal_settle(&terminal);
    uart_pump(&uart);
    return wire_server_next(&server, request, DEADLINE_NEVER);
}

// Once: how long it took from power-on, when the counter began at 0, until a person could type.
static void report_first_prompt(void) {
    static bool reported;
    struct log log;
    if (reported || !terminal.reading || terminal.output.used > 0) {
        return;
    }
    reported = true;
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
    handle_t notification;
    handle_t endpoint = tess_cap_required("console", WIRE_INTERFACE_CONSOLE);
    const handle_t registers = tess_cap_required("uart", 0);
    interrupt = tess_cap_required("uart_interrupt", 0);
    wire_server_init(&server, endpoint, 1);
    terminal_init(&terminal, TERMINAL_COLUMNS);
    if (!status_ok(uart_device_open(&device, registers, tess_cap_type("uart"))) ||
        !uart_init(&uart, uart_device_port(&device), &terminal.output)) {
        tess_panic("consoled: there is no UART where one was granted");
    }
    if (!status_ok(tess_account_create_notification(tess_self_account(), &notification)) ||
        !status_ok(tess_notification_bind(notification, endpoint)) ||
        !status_ok(tess_interrupt_bind(interrupt, notification, BIT_INTERRUPT))) {
        tess_panic("consoled: cannot receive the UART's interrupts");
    }
    // What arrived before the interrupt was bound made its edge then.
    serve_device();
}

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    set_up();
    for (;;) {
        struct wire_request request;
        switch (next(&request)) {
        case WIRE_REQUEST: serve(&request); break;
        case WIRE_SIGNAL: serve_device(); break;
        case WIRE_TIMEOUT: break;
        case WIRE_CLOSED: return 1;
        }
        advance_reader();
        uart_pump(&uart);
        release_writers();
        report_first_prompt();
    }
}
