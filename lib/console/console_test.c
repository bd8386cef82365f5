// Writing to a console that takes its time: the test plays it, through the generated dispatch code.
#include "lib/console/console.h"

#include "base/test.h"

#include "abi/gen/abi.h"
#include "idl/console.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/page.h"
#include "lib/tess/syscall.h"

alignas(4096) static uint8_t page[MESSAGE_PAGE_BYTES];
static struct tess_thread_block thread_block = {.message_page = page};
static const struct bootstrap no_bootstrap;
const struct bootstrap *tess_bootstrap = &no_bootstrap;
static uint64_t time_ns;
static unsigned calls;
static size_t take_bytes, written;
static char seen[20'000];
static struct tess_message request, answer;

static status_t write_slowly(void *, struct rpc_request *of, struct console_write_params params,
                             struct console_write_results_builder results) {
    const struct capnp_data bytes = console_write_params_get_bytes(params);
    if (calls % 3 == 1) {
        return rpc_refuse(of, RPC_OVERLOADED, "not now");
    }
    const size_t taken = bytes.len < take_bytes ? bytes.len : take_bytes;
    memcpy(seen + written, bytes.bytes, taken);
    written += taken;
    console_write_results_set_taken(results, (uint32_t)taken);
    return STATUS_OK;
}

status_t tess_host_syscall(uint32_t number, handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    static const struct console_server methods = {.write = write_slowly};
    static struct rpc_server server;
    (void)handle;
    (void)deadline_ns;
    switch (number) {
    case SYS_WAIT: time_ns += TESS_NS_PER_MS * 10; return STATUS_TIMED_OUT;
    case SYS_CALL:
        calls++;
        request = *message;
        request.info = (request.info & ~MESSAGE_ACCEPT_MASK) | MESSAGE_WANTS_REPLY;
        rpc_server_init(&server, (handle_t){5}, 0);
        CHECK_EQ(rpc_server_next(&server, 0), RPC_REQUEST);
        rpc_server_done(&server, console_dispatch(&methods, nullptr, &server.request));
        (void)rpc_server_next(&server, 0);
        *message = answer;
        return STATUS_OK;
    case SYS_RECV: *message = request; return STATUS_OK;
    default: answer = *message; return STATUS_TIMED_OUT;
    }
}

status_t tess_invoke(handle_t object, uint64_t header, uint64_t words[MESSAGE_WORDS]) {
    (void)object;
    (void)header;
    words[6] = 77;
    return STATUS_OK;
}
struct tess_thread_block *tess_arch_thread_block(void) {
    return &thread_block;
}
uint64_t tess_now_ns(void) {
    return time_ns;
}
uint64_t tess_deadline_after_ms(uint64_t delay_ms) {
    return time_ns + delay_ms * TESS_NS_PER_MS;
}
void tess_close(handle_t handle) {
    (void)handle;
}
status_t tess_save_reply(handle_t *out) {
    (void)out;
    return STATUS_NO_CALLER;
}

static const handle_t CONSOLE = {5};

TEST(writes_go_on_until_everything_is_taken) {
    static char text[10'000];
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)('a' + i % 26);
    }
    calls = 0;
    written = 0;
    take_bytes = 1500;
    CHECK(status_ok(console_write(CONSOLE, text, sizeof(text), UINT64_MAX)));
    CHECK_EQ(written, sizeof(text));
    CHECK_MEM_EQ(seen, text, sizeof(text));
}

TEST(writing_ends_at_the_deadline) {
    calls = 1;
    time_ns = 1000;
    take_bytes = 0;
    CHECK_EQ(console_write(CONSOLE, "abc", 3, 1000).code, STATUS_TIMED_OUT.code);
}

TEST(long_texts_are_printed_in_pieces) {
    calls = 1;
    written = 0;
    take_bytes = 4096;
    CHECK(status_ok(console_print(CONSOLE, "%s:%1000d\n", "long", 7)));
    CHECK_EQ(written, 1006);
}
