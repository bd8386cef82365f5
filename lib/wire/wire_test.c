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
#include "lib/wire/server.h"
#include "lib/wire/supervisor_client.h"

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

// --- what a client stub makes of a service that dies or babbles ---

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
    struct supervisor_service services[4];
    struct supervisor_job job;
    struct supervisor_detail detail;
    size_t count;
    size_t total;
    service = babbling_service;
    CHECK(status_is(supervisor_services(SERVER, 0, services, 4, &count, &total), bad));
    CHECK(status_is(supervisor_job(SERVER, 1, &job), bad));
    CHECK(status_is(supervisor_service(SERVER, "logd", &detail), bad));
    service = forging_service;
    CHECK(status_is(supervisor_job(SERVER, 1, &job), bad));
}

// --- the supervisor ---

static struct supervisor_run run;

static status_t run_service(uint32_t number, struct tess_message *message) {
    (void)number;
    struct wire_request request = as_request(message, WIRE_BADGE_SUPERVISOR);
    bool good = supervisor_run_decode(&request, &run);
    message->words[0] = 31;
    answer(message, good ? WIRE_OK : WIRE_BAD_REQUEST, 0);
    return STATUS_OK;
}

TEST(running_carries_arguments_and_a_watcher) {
    service = run_service;
    const char *argv[] = {"hello", "", "two words"};
    uint32_t id;
    CHECK(status_ok(supervisor_run(SERVER, argv, 3, true, (handle_t){0x10002}, 4, &id)));
    CHECK_EQ(id, 31);
    CHECK_EQ(run.count, 3);
    CHECK_EQ(run.watcher.v, 0x10002);
    CHECK_EQ(run.bits, 4);
    CHECK(run.foreground);
    CHECK_STR_EQ(run.strings, "hello");
    CHECK_STR_EQ(run.strings + 7, "two words");
    static char big[SUPERVISOR_ARGS_BYTES];
    memset(big, 'x', sizeof(big) - 1);
    argv[1] = big;
    CHECK(status_is(supervisor_run(SERVER, argv, 3, false, (handle_t){0}, 0, &id), wire_status(WIRE_TOO_LARGE)));
    argv[0] = "no name";
    CHECK(status_is(supervisor_run(SERVER, argv, 1, false, (handle_t){0}, 0, &id), wire_status(WIRE_BAD_REQUEST)));
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
        (void)!supervisor_run_decode(&request, &run);
    }
}
