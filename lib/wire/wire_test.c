// Contracts from both sides: what a client stub lays out is what the server's decoder reads, and what
// is not laid out so is refused. The test plays the kernel and the services.
#include "base/test.h"

#include "abi/gen/abi.h"
#include "abi/message.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"
#include "lib/tess/thread.h"
#include "lib/wire/client.h"
#include "lib/wire/console_client.h"
#include "lib/wire/server.h"

// --- the machine under the client stubs ---

alignas(4096) static uint8_t page[MESSAGE_PAGE_BYTES];
static struct tess_thread_block thread_block = {.message_page = page};
static const struct bootstrap no_bootstrap;
const struct bootstrap *tess_bootstrap = &no_bootstrap;

// What the service does with a request; it may change the message and the page.
typedef status_t service_fn(uint32_t number, struct tess_message *message);
static service_fn *service;
static unsigned calls;
static uint64_t time_ns;

status_t tess_host_syscall(uint32_t number, handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    (void)handle;
    (void)deadline_ns;
    calls++;
    return service(number, message);
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

status_t tess_invoke(handle_t object, uint32_t method, uint64_t words[MESSAGE_WORDS]) {
    (void)object;
    (void)method;
    words[0] = 77;
    return STATUS_OK;
}

status_t tess_save_reply(handle_t *out) {
    *out = (handle_t){66};
    return STATUS_OK;
}

static const handle_t SERVER = {5};

static struct wire_request as_request(const struct tess_message *message, uint64_t badge) {
    return wire_request(message->info, badge, message->words, page);
}

static void answer(struct tess_message *message, uint32_t label, uint32_t page_bytes) {
    message->info = message_info(label, page_bytes, 0, 0);
}

// --- names and statuses ---

TEST(names_are_printable_and_padded) {
    char field[WIRE_NAME_BYTES];
    CHECK(wire_name_put(field, "logd"));
    CHECK(wire_name_valid(field));
    CHECK_STR_EQ(field, "logd");
    CHECK(wire_name_put(field, "twenty-three-bytes-long"));
    CHECK(wire_name_valid(field));
    CHECK(!wire_name_put(field, "twenty-four-bytes-longer"));
    CHECK(!wire_name_put(field, ""));
    CHECK(!wire_name_put(field, "a b"));
    CHECK(!wire_name_put(field, "a\x1b"));
    CHECK(!wire_name_put(field, "\xc3\xa9"));
    memset(field, 'x', sizeof(field));
    CHECK(!wire_name_valid(field));
    memset(field, 0, sizeof(field));
    CHECK(!wire_name_valid(field));
    field[0] = 'a';
    field[5] = 'b';
    CHECK(!wire_name_valid(field));
}

TEST(every_status_has_a_text) {
    for (uint32_t code = 0; code < 400; code++) {
        CHECK(wire_status_text((status_t){code}) != nullptr);
        CHECK(strlen(wire_status_text((status_t){code})) > 3);
    }
    for (uint32_t code = WIRE_BAD_METHOD; code < WIRE_STATUS_END; code++) {
        CHECK(strcmp(wire_status_text((status_t){code}), wire_status_text((status_t){9999})) != 0);
    }
}

TEST(interfaces_have_names) {
    CHECK_EQ(wire_interface_by_name("log"), WIRE_INTERFACE_LOG);
    CHECK_EQ(wire_interface_by_name("nothing"), 0);
    CHECK_STR_EQ(wire_interface_name(WIRE_INTERFACE_SUPERVISOR), "supervisor");
    CHECK(wire_interface_name(1) == nullptr);
}

// --- what a client stub makes of a service that dies or babbles ---

static unsigned deaths_left;

static status_t dying_service(uint32_t number, struct tess_message *message) {
    if (deaths_left > 0) {
        deaths_left--;
        memset(message->words, 0xee, sizeof(message->words));
        return STATUS_PEER_DIED;
    }
    (void)number;
    answer(message, WIRE_OK, 0);
    return STATUS_OK;
}

TEST(repeatable_calls_outlive_a_service) {
    service = dying_service;
    calls = 0;
    deaths_left = 2;
    CHECK(status_ok(console_clear(SERVER)));
    CHECK_EQ(calls, 3);
    deaths_left = 3;
    CHECK(status_is(console_clear(SERVER), STATUS_PEER_DIED));
    calls = 0;
    deaths_left = 1;
    char line[CONSOLE_LINE_MAX + 1];
    struct console_input input;
    CHECK(status_is(console_read_line(SERVER, "$ ", false, line, sizeof(line), &input, 0), STATUS_PEER_DIED));
    CHECK_EQ(calls, 1);
}

static status_t babbling_service(uint32_t number, struct tess_message *message) {
    (void)number;
    memset(message->words, 0xff, sizeof(message->words));
    memset(page, 0xff, sizeof(page));
    answer(message, WIRE_OK, MESSAGE_PAGE_BYTES);
    return STATUS_OK;
}

static status_t forging_service(uint32_t number, struct tess_message *message) {
    (void)number;
    answer(message, STATUS_CODE_PEER_DIED, 0);
    return STATUS_OK;
}

TEST(bad_answers_are_noticed) {
    status_t bad = wire_status(WIRE_BAD_ANSWER);
    char line[CONSOLE_LINE_MAX + 1];
    struct console_input input;
    service = babbling_service;
    CHECK(status_is(console_read_line(SERVER, "$ ", false, line, sizeof(line), &input, 0), bad));
    CHECK(status_is(console_write(SERVER, "abc", 3, 0), bad));
    service = forging_service;
    CHECK(status_is(console_clear(SERVER), bad));
}

// --- the console ---

static size_t take_bytes;
static size_t written;

static status_t slow_console(uint32_t number, struct tess_message *message) {
    if (number == SYS_WAIT) {
        time_ns += TESS_NS_PER_MS * 10;
        return STATUS_TIMED_OUT;
    }
    if (calls % 3 == 1) {
        answer(message, WIRE_BUSY, 0);
        return STATUS_OK;
    }
    uint32_t offered = message_page_bytes(message->info);
    message->words[0] = offered < take_bytes ? offered : take_bytes;
    written += message->words[0];
    answer(message, WIRE_OK, 0);
    return STATUS_OK;
}

TEST(writes_go_on_until_everything_is_taken) {
    static char text[10000];
    service = slow_console;
    calls = 0;
    written = 0;
    take_bytes = 1500;
    CHECK(status_ok(console_write(SERVER, text, sizeof(text), UINT64_MAX)));
    CHECK_EQ(written, sizeof(text));
    take_bytes = 0;
    calls = 1;
    time_ns = 1000;
    CHECK(status_is(console_write(SERVER, text, sizeof(text), 1000), STATUS_TIMED_OUT));
    written = 0;
    take_bytes = 4096;
    CHECK(status_ok(console_print(SERVER, "%s:%1000d\n", "long", 7)));
    CHECK_EQ(written, 1006);
}

static struct console_offer offered;
static struct console_read read_request;

static status_t console_service(uint32_t number, struct tess_message *message) {
    (void)number;
    struct wire_request request = as_request(message, 3);
    bool good = request.method == CONSOLE_OFFER ? console_offer_decode(&request, &offered)
                                                : console_read_decode(&request, &read_request);
    if (good && request.method == CONSOLE_READ_LINE) {
        CHECK_MEM_EQ(read_request.prompt, "tessera$ ", 9);
        memcpy(page, "typed", 5);
        message->words[0] = CONSOLE_LINE;
    }
    answer(message, good ? WIRE_OK : WIRE_BAD_REQUEST, good ? 5 : 0);
    return STATUS_OK;
}

TEST(lines_are_read) {
    service = console_service;
    char line[CONSOLE_LINE_MAX + 1];
    struct console_input input;
    CHECK(status_ok(console_read_line(SERVER, "tessera$ ", true, line, sizeof(line), &input, 0)));
    CHECK_EQ(input.event, CONSOLE_LINE);
    CHECK_STR_EQ(line, "typed");
    CHECK(read_request.resume);
    CHECK(status_is(console_read_line(SERVER, "$ ", true, line, 10, &input, 0), STATUS_BAD_ARGUMENT));
}

TEST(candidates_are_offered) {
    service = console_service;
    static struct console_candidates candidates;
    console_candidates_init(&candidates, 3);
    CHECK(console_candidates_add(&candidates, "service"));
    CHECK(console_candidates_add(&candidates, "services"));
    CHECK(status_ok(console_offer(SERVER, &candidates)));
    CHECK_EQ(offered.count, 2);
    CHECK_EQ(offered.replace_bytes, 3);
    CHECK_STR_EQ(offered.candidates + 8, "services");
    console_candidates_init(&candidates, 0);
    CHECK(console_candidates_add(&candidates, "\x1b[2J"));
    CHECK(status_is(console_offer(SERVER, &candidates), wire_status(WIRE_BAD_REQUEST)));
    console_candidates_init(&candidates, 0);
    unsigned added = 0;
    while (console_candidates_add(&candidates, "x")) {
        added++;
    }
    CHECK_EQ(added, CONSOLE_CANDIDATES_MAX);
}

TEST(console_offer_refuses_what_is_malformed) {
    uint64_t words[8] = {0, 2};
    struct console_offer out;
    struct wire_request request = wire_request(message_info(CONSOLE_OFFER, 4, 0, 0), 1, words, "a\0bc");
    CHECK(!console_offer_decode(&request, &out)); // not terminated
    request.page_bytes = 2;
    CHECK(!console_offer_decode(&request, &out)); // one announced too many
    words[1] = 1;
    CHECK(console_offer_decode(&request, &out));
    words[0] = CONSOLE_LINE_MAX + 1;
    CHECK(!console_offer_decode(&request, &out));
}

// --- the service's loop ---

// What the kernel will say to each call of the loop, and what the loop gave it.
static struct step {
    uint32_t number; // expected
    status_t status;
    uint64_t info;   // of what is received
    uint64_t answer; // expected label of the answer, for reply_recv and send
} script[8];
static unsigned script_at;

static status_t scripted_kernel(uint32_t number, struct tess_message *message) {
    const struct step *step = &script[script_at++];
    CHECK_EQ(number, step->number);
    if (number == SYS_REPLY_RECV || number == SYS_SEND) {
        CHECK_EQ(message_label(message->info), step->answer);
    }
    if (number != SYS_SEND) {
        CHECK_EQ(message_accept(message->info), 1);
        message->info = step->info;
        message->badge = 7;
        message->words[0] = 0xb1;
    }
    return step->status;
}

TEST(the_loop_answers_and_receives) {
    struct wire_server server;
    struct wire_request request;
    const uint64_t call = message_info(3, 0, 0, 0) | MESSAGE_WANTS_REPLY;
    memcpy(script, (struct step[]){
        {SYS_RECV, STATUS_OK, call, 0},
        {SYS_REPLY_RECV, STATUS_OK, message_info(4, 0, 0, 0), WIRE_NOT_FOUND}, // a send
        {SYS_RECV, STATUS_OK, call, 0},
        {SYS_REPLY_RECV, STATUS_OK, MESSAGE_NOTIFICATION, WIRE_FAILED}, // it was forgotten
        {SYS_RECV, STATUS_TIMED_OUT, 0, 0},
        {SYS_RECV, STATUS_OBJECT_DEAD, 0, 0},
    }, 6 * sizeof(struct step));
    script_at = 0;
    service = scripted_kernel;
    wire_server_init(&server, SERVER, 1);
    CHECK_EQ(wire_server_next(&server, &request, 0), WIRE_REQUEST);
    CHECK_EQ(request.method, 3);
    CHECK_EQ(request.badge, 7);
    wire_server_answer(&server, WIRE_NOT_FOUND, nullptr);
    CHECK_EQ(wire_server_next(&server, &request, 0), WIRE_REQUEST);
    CHECK_EQ(request.method, 4);
    handle_t reply;
    CHECK(status_is(wire_server_defer(&server, &reply), STATUS_NO_CALLER));
    wire_server_answer(&server, WIRE_OK, nullptr); // nobody wants it
    CHECK_EQ(wire_server_next(&server, &request, 0), WIRE_REQUEST);
    CHECK_EQ(wire_server_next(&server, &request, 0), WIRE_SIGNAL);
    CHECK_EQ(server.bits, 0xb1);
    CHECK_EQ(wire_server_next(&server, &request, 0), WIRE_TIMEOUT);
    CHECK_EQ(wire_server_next(&server, &request, 0), WIRE_CLOSED);
}

TEST(the_loop_outlives_its_callers) {
    struct wire_server server;
    struct wire_request request;
    const uint64_t call = message_info(3, 0, 0, 0) | MESSAGE_WANTS_REPLY;
    memcpy(script, (struct step[]){
        {SYS_RECV, STATUS_OK, call, 0},
        {SYS_REPLY_RECV, STATUS_NO_CALLER, 0, WIRE_OK},
        {SYS_RECV, STATUS_OK, call, 0},
        {SYS_SEND, STATUS_PEER_DIED, 0, WIRE_BUSY},
        {SYS_RECV, STATUS_OK, call, 0},
    }, 5 * sizeof(struct step));
    script_at = 0;
    service = scripted_kernel;
    wire_server_init(&server, SERVER, 1);
    CHECK_EQ(wire_server_next(&server, &request, 0), WIRE_REQUEST);
    wire_server_answer(&server, WIRE_OK, nullptr);
    CHECK_EQ(wire_server_next(&server, &request, 0), WIRE_REQUEST);
    CHECK_EQ(server.dropped, 1);
    handle_t reply;
    CHECK(status_ok(wire_server_defer(&server, &reply)));
    CHECK_EQ(reply.v, 66);
    wire_reply(reply, WIRE_BUSY, nullptr);
    CHECK_EQ(wire_server_next(&server, &request, 0), WIRE_REQUEST); // a plain receive: nothing is owed
}

TEST(random_requests_are_decoded_or_refused) {
    uint64_t random = 88172645463325252ull;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t words[8];
        for (unsigned w = 0; w < 8; w++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            words[w] = random >> (random % 64);
        }
        uint32_t bytes = (uint32_t)(random % (MESSAGE_PAGE_BYTES + 1));
        for (uint32_t at = 0; at < bytes; at++) {
            page[at] = (uint8_t)(random >> (at % 57)) & (at % 3 == 0 ? 0 : 0x7f);
        }
        struct wire_request request = wire_request(message_info(1, bytes, 0, 0), random, words, page);
        struct console_read read;
        struct console_offer offer;
        (void)!console_read_decode(&request, &read);
        (void)!console_offer_decode(&request, &offer);
    }
}
