// Both sides of a contract's call, in one process: the test plays the kernel between the client and the service, which share
// one message page. What is laid into messages is checked against docs/decisions/contract-calls.md by hand.
#include "base/test.h"

#include <stdlib.h>

#include "abi/gen/abi.h"
#include "lib/rpc/call.h"
#include "lib/rpc/promise.h"
#include "lib/rpc/serve.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"
#include "lib/tess/thread.h"

// ---- The machine ----

alignas(4096) static uint8_t page[MESSAGE_PAGE_BYTES];
static struct tess_thread_block thread_block = {.message_page = page};
static const struct bootstrap bootstrap = {.process = 1, .vspace = 2, .account = 3};
const struct bootstrap *tess_bootstrap = &bootstrap;

constexpr uint32_t VMO_FIRST = 100, VMOS = 4, HANDLES = 200;
static struct {
    uint8_t *memory;
    uint64_t len_bytes, committed_bytes;
    bool mapped, foreign_writer;
} vmos[VMOS];
static bool open[HANDLES]; // handles of the two processes, which are one here
static unsigned calls, dying, sends;
static struct tess_message asked, request, answer; // as it was sent; as the service gets it; as it answered
static struct tess_message queued;          // the request that comes when this one is answered
static status_t answer_status;              // what delivering the answer comes to
static bool answered, only_answered; // the latter: without a receive
static handle_t reply;
static uint64_t now_ns;

static void serve(void);
static void run_ring(void);

static handle_t opened(uint32_t number) {
    open[number] = true;
    return (handle_t){number};
}

static unsigned open_handles(void) {
    unsigned count = 0;
    for (uint32_t i = 0; i < HANDLES; i++) {
        count += open[i];
    }
    return count;
}

// What a moved or a copied handle becomes: here the same number, still open.
static status_t receive(struct tess_message *message, uint64_t badge) {
    if (answered || request.info == 0) {
        return STATUS_TIMED_OUT;
    }
    *message = request;
    message->badge = badge;
    return STATUS_OK;
}

// As the kernel does: an answer with a handle that is not there goes nowhere.
static bool handles_are_open(const struct tess_message *message) {
    bool all = true;
    for (uint32_t i = 0; i < message_handle_count(message->info); i++) {
        all = all && open[tess_message_handle(message, i).v];
    }
    return all;
}

status_t tess_host_syscall(uint32_t number, handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    (void)deadline_ns;
    switch (number) {
    case SYS_CALL:
        if (dying > 0) {
            dying--;
            calls++;
            memset(message->words, 0xee, sizeof(message->words)); // "undefined after a failure"
            return STATUS_PEER_DIED;
        }
        calls++;
        asked = request = *message;
        request.info = (request.info & ~MESSAGE_ACCEPT_MASK) | MESSAGE_WANTS_REPLY;
        answered = false;
        serve();
        if (!answered) {
            return STATUS_TIMED_OUT;
        }
        *message = answer;
        message->info &= ~MESSAGE_ACCEPT_MASK;
        return STATUS_OK;
    case SYS_RING_ENTER: run_ring(); return STATUS_OK;
    case SYS_SEND:
        if (handle.v == reply.v && reply.v != 0) {
            answer = *message;
            answered = true;
            open[reply.v] = false;
            return STATUS_OK;
        }
        sends++;
        request = *message;
        answered = false;
        serve();
        return STATUS_OK;
    case SYS_REPLY_RECV:
        if (!status_ok(answer_status)) {
            const status_t status = answer_status;
            answer_status = STATUS_OK;
            return status;
        }
        if (!handles_are_open(message)) {
            return STATUS_BAD_HANDLE;
        }
        answer = *message;
        answered = true;
        only_answered = handle.v == 0;
        if (only_answered || queued.info == 0) {
            return only_answered ? STATUS_OK : STATUS_TIMED_OUT;
        }
        *message = queued;
        queued.info = 0;
        return STATUS_OK;
    default: return receive(message, 77);
    }
}

// ---- The ring: entries are taken in their order, and each is finished before the next ----

alignas(4096) static uint8_t ring_memory[32 * MESSAGE_PAGE_BYTES];
static struct tess_message ring_answers[RPC_RING_CALLS]; // by submission index, modulo
static bool ring_succeeded[RPC_RING_CALLS];
static handle_t ring_targets[RPC_RING_CALLS];
static unsigned cancels;

static void lay_out_ring(uint32_t entries, uint32_t pages) {
    struct ring_header *header = (struct ring_header *)ring_memory;
    memset(ring_memory, 0, sizeof(ring_memory));
    header->entries = entries;
    header->pages = pages;
    header->entries_offset = RING_HEADER_BYTES;
    header->completions_offset = header->entries_offset + entries * (uint32_t)sizeof(struct ring_entry);
    header->buffers_offset = header->completions_offset + 2 * entries * (uint32_t)sizeof(struct ring_completion);
    header->pages_offset = 2 * MESSAGE_PAGE_BYTES;
    REQUIRE(header->buffers_offset + entries * sizeof(struct ring_buffer) <= header->pages_offset);
    memset(ring_succeeded, 0, sizeof(ring_succeeded));
    cancels = 0;
}

// A call of the entry: its message comes out of the ring's memory, and the answer goes there.
static struct ring_completion ring_call(const struct ring_entry *entry, uint32_t number) {
    const struct ring_header *header = (const struct ring_header *)ring_memory;
    uint64_t *words = ((struct ring_buffer *)(ring_memory + header->buffers_offset))[entry->buffer - 1].words;
    uint8_t *its_page = ring_memory + header->pages_offset + (entry->buffer - 1) * (size_t)MESSAGE_PAGE_BYTES;
    struct ring_completion done = {.user_data = entry->user_data};
    handle_t target = {entry->target};
    if ((entry->flags & RING_EARLIER) != 0) {
        const uint32_t earlier = entry->target % RPC_RING_CALLS;
        target = ring_succeeded[earlier] ? message_handle(ring_answers[earlier].words, ring_answers[earlier].info, entry->index)
                                         : (handle_t){};
        if (target.v == 0) {
            done.status = STATUS_PROMISE_BROKEN.code;
            return done;
        }
    }
    ring_targets[number % RPC_RING_CALLS] = target;
    request.info = (entry->info & ~MESSAGE_ACCEPT_MASK) | MESSAGE_WANTS_REPLY;
    memcpy(request.words, words, sizeof(request.words));
    memcpy(page, its_page, message_page_bytes(entry->info));
    answered = false;
    serve();
    CHECK(answered);
    memcpy(words, answer.words, sizeof(answer.words));
    memcpy(its_page, page, message_page_bytes(answer.info));
    done.info = answer.info & ~MESSAGE_ACCEPT_MASK;
    ring_answers[number % RPC_RING_CALLS] = answer;
    ring_succeeded[number % RPC_RING_CALLS] = message_label(answer.info) == 0;
    return done;
}

static void run_ring(void) {
    struct ring_header *header = (struct ring_header *)ring_memory;
    struct ring_completion *completions = (struct ring_completion *)(ring_memory + header->completions_offset);
    while (header->submission_head != header->submission_tail) {
        const uint32_t number = header->submission_head++;
        const struct ring_entry *entry =
            &((struct ring_entry *)(ring_memory + header->entries_offset))[number % header->entries];
        struct ring_completion done = {.user_data = entry->user_data, .status = STATUS_NOT_FOUND.code};
        if (entry->op == RING_CALL) {
            done = ring_call(entry, number);
        } else {
            cancels += entry->op == RING_CANCEL;
        }
        completions[header->completion_tail++ % (2 * header->entries)] = done;
    }
}

status_t tess_invoke(handle_t object, uint64_t header, uint64_t words[MESSAGE_WORDS]) {
    const uint32_t method = message_label(header);
    const uint32_t index = object.v - VMO_FIRST;
    if (object.v == bootstrap.account && method == ACCOUNT_CREATE_RING) {
        lay_out_ring((uint32_t)words[0], (uint32_t)words[2]);
        words[1] = (uint64_t)(uintptr_t)ring_memory;
        words[6] = opened(160).v;
        return STATUS_OK;
    }
    if (object.v == bootstrap.account && method == ACCOUNT_CREATE_RESIZABLE_VMO) {
        for (uint32_t i = 0; i < VMOS; i++) {
            if (!open[VMO_FIRST + i]) {
                free(vmos[i].memory);
                vmos[i].memory = aligned_alloc(4096, words[0]);
                vmos[i].len_bytes = vmos[i].committed_bytes = words[0];
                vmos[i].mapped = vmos[i].foreign_writer = false;
                memset(vmos[i].memory, 0, words[0]);
                words[6] = opened(VMO_FIRST + i).v;
                return STATUS_OK;
            }
        }
        return STATUS_NO_MEMORY;
    }
    if (object.v == bootstrap.vspace && method == VSPACE_MAP) {
        vmos[words[0] - VMO_FIRST].mapped = true;
        words[0] = (uint64_t)(uintptr_t)vmos[words[0] - VMO_FIRST].memory;
        return STATUS_OK;
    }
    if (object.v == bootstrap.vspace && method == VSPACE_UNMAP) {
        for (uint32_t i = 0; i < VMOS; i++) {
            vmos[i].mapped &= (uint64_t)(uintptr_t)vmos[i].memory != words[0];
        }
        return STATUS_OK;
    }
    if (index < VMOS && method == VMO_RESIZE) {
        vmos[index].len_bytes = vmos[index].committed_bytes = words[0];
        return STATUS_OK;
    }
    if (index < VMOS && method == VMO_SEAL) {
        return vmos[index].foreign_writer ? STATUS_IN_USE : STATUS_OK;
    }
    if (index < VMOS && method == VMO_INFO) {
        words[0] = vmos[index].len_bytes;
        words[1] = vmos[index].committed_bytes;
        return STATUS_OK;
    }
    return STATUS_WRONG_TYPE;
}

struct tess_thread_block *tess_arch_thread_block(void) {
    return &thread_block;
}
uint64_t tess_deadline_after_ms(uint64_t delay_ms) {
    return delay_ms;
}
uint64_t tess_now_ns(void) {
    return now_ns;
}
void tess_close(handle_t handle) {
    open[handle.v] = false;
}
status_t tess_save_reply(handle_t *out) {
    *out = reply = opened(150);
    return STATUS_OK;
}

// ---- The service ----

constexpr uint64_t INTERFACE = 0xd1a6'70c3'5e2b'9401;
static const struct rpc_method add = {INTERFACE, 0, true, {2, 0, true}, {1, 0, true}};
static const struct rpc_method lend = {INTERFACE, 1, false, {1, 3, true}, {0, 2, true}};
static const struct rpc_method echo = {INTERFACE, 2, true, {1, 2, false}, {1, 2, false}};
static const struct rpc_method later = {INTERFACE, 3, false, {0, 0, true}, {1, 0, true}};
static const struct rpc_method tell = {INTERFACE, 4, true, {0, 0, true}, {0, 1, false}};
static const struct rpc_method pass = {INTERFACE, 5, true, {1, 1, true}, {0, 1, true}};
static const struct rpc_method silent = {INTERFACE, 6, true, {0, 0, true}, {0, 0, true}};

static struct rpc_server server;
static struct rpc_deferred deferred;
static handle_t kept;
static bool at_once; // the service answers before it receives

static status_t dispatch(struct rpc_request *of) {
    if (of->interface_id != INTERFACE) {
        return rpc_unimplemented(of);
    }
    struct capnp_struct params = rpc_params(of);
    struct capnp_struct_builder results;
    switch (rpc_ordinal(of)) {
    case 0:
        results = rpc_results(of, &add);
        if (capnp_get_u64(params, 0) == 13) {
            return rpc_refuse(of, RPC_FAILED, "%u is not lucky", 13);
        }
        capnp_put_u64(results, 0, capnp_get_u64(params, 0) + capnp_get_u64(params, 8));
        return STATUS_OK;
    case 1:
        results = rpc_results(of, &lend);
        CHECK_EQ(capnp_handle_at(capnp_get_pointer(params, 1)).v, 0);
        kept = rpc_request_keep(of, capnp_handle_at(capnp_get_pointer(params, 2)));
        capnp_give_handle(capnp_edit_pointer(results, 1), opened(60));
        return STATUS_OK;
    case 2:
        results = rpc_results(of, &echo);
        capnp_put_u64(results, 0, capnp_get_u64(params, 0));
        capnp_set_text(capnp_edit_pointer(results, 0), capnp_text_at(capnp_get_pointer(params, 0)));
        capnp_set_data(capnp_edit_pointer(results, 1), capnp_data_at(capnp_get_pointer(params, 1)));
        return STATUS_OK;
    case 4:
        results = rpc_results(of, &tell);
        capnp_set_text(capnp_edit_pointer(results, 0), CAPNP_TEXT("as it was"));
        memset(page, 0xee, sizeof(page)); // as a call of the method's own would
        return STATUS_OK;
    case 5:
        results = rpc_results(of, &pass);
        capnp_set_handle(capnp_edit_pointer(results, 0), capnp_handle_at(capnp_get_pointer(params, 0)));
        if (capnp_get_u64(params, 0) != 0) {
            tess_close(rpc_request_keep(of, capnp_handle_at(capnp_get_pointer(params, 0))));
        }
        return STATUS_OK;
    case 3: rpc_results(of, &later); return rpc_defer(of, &deferred);
    case 6: rpc_results(of, &silent); return STATUS_NO_MEMORY;
    default: return rpc_unimplemented(of);
    }
}

static void serve(void) {
    for (unsigned arrivals = 0; rpc_server_next(&server, DEADLINE_NEVER) == RPC_REQUEST; arrivals++) {
        REQUIRE(arrivals == 0);
        request.info = 0;
        rpc_server_done(&server, dispatch(&server.request));
        if (at_once) {
            CHECK(!answered);
            rpc_server_answer(&server);
            CHECK(answered);
            rpc_server_answer(&server); // nothing is owed any more
        }
    }
}

static void begin(void) {
    rpc_server_init(&server, (handle_t){5}, MESSAGE_HANDLES);
    server.request.may_grow = true;
    memset(open, 0, sizeof(open));
    calls = dying = sends = 0;
    answer_status = STATUS_OK;
    answered = at_once = false;
    now_ns = 0;
    request = answer = queued = (struct tess_message){};
    kept = reply = (handle_t){};
}

static bool all_unmapped(void) {
    for (uint32_t i = 0; i < VMOS; i++) {
        if (vmos[i].mapped) {
            return false;
        }
    }
    return true;
}

static status_t call_add(struct rpc_call *call, uint64_t a, uint64_t b, uint64_t *sum) {
    struct capnp_struct results;
    struct capnp_struct_builder params = rpc_begin(call, (handle_t){9}, &add);
    capnp_put_u64(params, 0, a);
    capnp_put_u64(params, 8, b);
    TRY(rpc_finish(call, DEADLINE_NEVER, &results));
    *sum = capnp_get_u64(results, 0);
    return STATUS_OK;
}

// As a generated stub of a method with plain parameters.
static status_t stub_of(const struct rpc_method *method, struct rpc_call *call, uint64_t a, uint64_t b, struct capnp_struct *results) {
    struct tess_message message = {};
    struct capnp_struct_builder params = rpc_plain_params(&message, method);
    capnp_put_u64(params, 0, a);
    capnp_put_u64(params, 8, b);
    return rpc_call_plain(call, (handle_t){9}, method, message, DEADLINE_NEVER, results);
}

static status_t stub_add(struct rpc_call *call, uint64_t a, uint64_t b, uint64_t *sum) {
    struct capnp_struct results;
    TRY(stub_of(&add, call, a, b, &results));
    *sum = capnp_get_u64(results, 0);
    return STATUS_OK;
}

TEST(small_ones_travel_in_registers) {
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    CHECK(status_ok(call_add(&call, 2, 3, &sum)));
    CHECK_EQ(sum, 5);
    CHECK_EQ(message_label(answer.info), 0);
    CHECK_EQ(answer.words[0], 1u << 16);
    CHECK_EQ(answer.words[1], 5);
    CHECK_EQ(message_page_bytes(answer.info), 0);
}

TEST(a_stub_of_numbers_says_the_same_as_a_call_that_is_begun_and_finished) {
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    REQUIRE(status_ok(call_add(&call, 2, 3, &sum)));
    const struct tess_message begun = asked, answer_to_it = answer;
    REQUIRE(status_ok(stub_add(&call, 2, 3, &sum)));
    CHECK_EQ(sum, 5);
    CHECK_EQ(asked.info, begun.info);
    CHECK_MEM_EQ(asked.words, begun.words, sizeof(asked.words));
    CHECK_MEM_EQ(answer.words, answer_to_it.words, sizeof(answer.words));
    CHECK(status_ok(stub_of(&add, &call, 1, 1, nullptr))); // somebody who wants no results
}

TEST(a_stub_takes_what_is_no_plain_answer) {
    char text[RPC_TEXT_BYTES];
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    CHECK_EQ(stub_add(&call, 13, 0, &sum).code, RPC_FAILED);
    CHECK_STR_EQ(rpc_exception_text(&call, text), "13 is not lucky");
    REQUIRE(status_ok(stub_add(&call, 20, 22, &sum)));
    CHECK_EQ(sum, 42);
    CHECK_STR_EQ(rpc_exception_text(&call, text), "");
    struct capnp_struct results;
    CHECK(status_ok(stub_of(&(struct rpc_method){INTERFACE, 4, true, {0, 0, true}, {0, 1, false}}, &call, 0, 0, &results)));
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(results, 0)).bytes, "as it was"); // in the page
    CHECK_EQ(stub_of(&(struct rpc_method){INTERFACE, 99, false, {2, 0, true}, {1, 0, true}}, &call, 0, 0, nullptr).code,
             RPC_UNIMPLEMENTED);
}

TEST(a_stub_and_a_service_may_know_other_versions) {
    begin();
    RPC_CALL(call);
    struct capnp_struct results;
    // A client whose schema has more parameters and results, and one whose schema has less.
    REQUIRE(status_ok(stub_of(&(struct rpc_method){INTERFACE, 0, true, {5, 0, true}, {3, 0, true}}, &call, 2, 3, &results)));
    CHECK_EQ(capnp_get_u64(results, 0), 5);
    CHECK_EQ(capnp_get_u64(results, 16), 0);
    REQUIRE(status_ok(stub_of(&(struct rpc_method){INTERFACE, 0, true, {1, 0, true}, {0, 0, true}}, &call, 2, 3, &results)));
    CHECK_EQ(capnp_get_u64(results, 0), 2); // kept, though the client does not know it
    // One that still has a capability among its parameters.
    struct capnp_struct_builder params =
        rpc_begin(&call, (handle_t){9}, &(struct rpc_method){INTERFACE, 0, false, {2, 1, true}, {1, 0, true}});
    capnp_put_u64(params, 0, 20);
    capnp_put_u64(params, 8, 22);
    capnp_set_handle(capnp_edit_pointer(params, 0), opened(41));
    REQUIRE(status_ok(rpc_finish(&call, DEADLINE_NEVER, &results)));
    CHECK_EQ(capnp_get_u64(results, 0), 42);
    CHECK(!open[41]);
}

TEST(an_answer_has_nothing_of_those_before) {
    const struct rpc_method wide = {INTERFACE, 0, true, {2, 0, true}, {5, 0, true}};
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    struct capnp_struct results;
    REQUIRE(status_ok(stub_add(&call, 20, 22, &sum)));
    for (int before = 0; before < 2; before++) {
        if (before == 0) { // a method with more results than the next
            capnp_put_u64(rpc_results(&server.request, &wide), 32, 0xbad);
        } else { // an answer with capabilities
            rpc_begin(&call, (handle_t){9}, &lend);
            REQUIRE(status_ok(rpc_finish(&call, DEADLINE_NEVER, &results)));
            CHECK(answer.words[6] != 0);
        }
        REQUIRE(status_ok(stub_add(&call, 1, 1, &sum)));
        for (uint32_t i = 2; i < MESSAGE_WORDS; i++) {
            CHECK_EQ(answer.words[i], 0);
        }
    }
}

TEST(a_request_is_as_documented) {
    begin();
    RPC_CALL(call);
    struct capnp_struct_builder params = rpc_begin(&call, (handle_t){9}, &lend);
    capnp_put_u64(params, 0, 7);
    capnp_give_handle(capnp_edit_pointer(params, 2), opened(42));
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, 0);
    CHECK_EQ(asked.words[0], INTERFACE);
    CHECK_EQ(asked.words[1], 7);
    CHECK_EQ(asked.words[6], 42);
    CHECK_EQ(message_label(asked.info), 1u << 31 | 4u << 20 | 1u << 16 | 1);
    CHECK_EQ(message_handle_count(asked.info), 1);
    CHECK_EQ(message_move_mask(asked.info), 1);
}

TEST(capabilities_go_in_the_order_of_their_pointers) {
    begin();
    struct rpc_call call = {};
    struct capnp_struct results;
    struct capnp_struct_builder params = rpc_begin(&call, (handle_t){9}, &lend);
    capnp_give_handle(capnp_edit_pointer(params, 2), opened(42)); // set first, but the last pointer
    capnp_set_handle(capnp_edit_pointer(params, 0), opened(41));
    capnp_put_u64(params, 0, 7);
    CHECK(status_ok(rpc_finish(&call, DEADLINE_NEVER, &results)));
    CHECK_EQ(kept.v, 42);
    CHECK(open[42]);  // kept by the service
    CHECK(!open[41]); // the service's copy was closed with the request; here both are one
    CHECK(!capnp_has(results, 0));
    const handle_t got = capnp_handle_at(capnp_get_pointer(results, 1));
    CHECK_EQ(got.v, 60);
    CHECK_EQ(message_handle_count(answer.info), 1);
    CHECK_EQ(message_move_mask(answer.info), 1);
    CHECK_EQ(answer.words[0], 2u << 20);
    CHECK_EQ(rpc_keep(&call, got).v, 60);
    rpc_end(&call);
    CHECK(open[60]);
    rpc_end(&call);
    CHECK_EQ(open_handles(), 2);
}

TEST(capabilities_that_nobody_keeps_are_closed) {
    begin();
    {
        RPC_CALL(call);
        struct capnp_struct results;
        rpc_begin(&call, (handle_t){9}, &lend);
        CHECK(status_ok(rpc_finish(&call, DEADLINE_NEVER, &results)));
        CHECK(open[60]);
    }
    CHECK_EQ(open_handles(), 0);
}

static status_t call_echo(struct rpc_call *call, uint64_t number, const char *text, struct capnp_data data,
                          struct capnp_struct *results) {
    struct capnp_struct_builder params = rpc_begin(call, (handle_t){9}, &echo);
    capnp_put_u64(params, 0, number);
    capnp_set_text(capnp_edit_pointer(params, 0), capnp_text(text));
    capnp_set_data(capnp_edit_pointer(params, 1), data);
    return rpc_finish(call, DEADLINE_NEVER, results);
}

TEST(longer_ones_travel_in_the_page) {
    begin();
    RPC_CALL(call);
    struct capnp_struct results;
    CHECK(status_ok(call_echo(&call, 11, "hello", (struct capnp_data){}, &results)));
    CHECK_EQ(capnp_get_u64(results, 0), 11);
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(results, 0)).bytes, "hello");
    CHECK(message_page_bytes(answer.info) != 0);
    CHECK_EQ(answer.words[0], 0);
}

TEST(the_longest_ones_travel_in_a_vmo_and_nothing_is_left) {
    static uint8_t bytes[300'000];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    begin();
    {
        RPC_CALL(call);
        struct capnp_struct results;
        REQUIRE(status_ok(call_echo(&call, 12, "long", (struct capnp_data){bytes, sizeof(bytes)}, &results)));
        struct capnp_data back = capnp_data_at(capnp_get_pointer(results, 1));
        REQUIRE(back.len == sizeof(bytes));
        CHECK_MEM_EQ(back.bytes, bytes, sizeof(bytes));
        CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(results, 0)).bytes, "long");
        CHECK_EQ(answer.words[0], 1u << 30);
        CHECK_EQ(message_handle_count(answer.info), 1);
    }
    CHECK(all_unmapped());
    CHECK_EQ(open_handles(), 0);
}

TEST(results_stay_in_the_page_unless_the_service_says_otherwise) {
    static uint8_t bytes[5000];
    begin();
    server.request.may_grow = false;
    {
        RPC_CALL(call);
        struct capnp_struct results;
        CHECK_EQ(call_echo(&call, 12, "", (struct capnp_data){bytes, sizeof(bytes)}, &results).code, (uint32_t)RPC_FAILED);
    }
    CHECK(all_unmapped());
    CHECK_EQ(open_handles(), 0);
}

TEST(a_method_may_call_others_before_it_answers) {
    begin();
    RPC_CALL(call);
    struct capnp_struct results;
    rpc_begin(&call, (handle_t){9}, &tell);
    REQUIRE(status_ok(rpc_finish(&call, DEADLINE_NEVER, &results)));
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(results, 0)).bytes, "as it was");
}

TEST(held_results_outlive_the_next_call) {
    static uint64_t buffer[MESSAGE_PAGE_BYTES / 8];
    begin();
    RPC_CALL(first);
    RPC_CALL(second);
    struct capnp_struct held, other;
    REQUIRE(status_ok(call_echo(&first, 11, "first", (struct capnp_data){}, &held)));
    rpc_hold(&first, buffer, &held);
    REQUIRE(status_ok(call_echo(&second, 12, "second", (struct capnp_data){}, &other)));
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(held, 0)).bytes, "first");
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(other, 0)).bytes, "second");
}

TEST(what_is_longer_than_the_limit_is_refused_before_it_is_sent) {
    static uint8_t bytes[RPC_OUT_OF_BAND_MAX];
    begin();
    {
        RPC_CALL(call);
        struct capnp_struct results;
        CHECK_EQ(call_echo(&call, 12, "", (struct capnp_data){bytes, sizeof(bytes)}, &results).code, (uint32_t)CAPNP_NO_SPACE);
        CHECK_EQ(calls, 0);
    }
    CHECK(all_unmapped());
    CHECK_EQ(open_handles(), 0);
}

TEST(a_repeatable_call_finds_the_successor) {
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    dying = 2;
    CHECK(status_ok(call_add(&call, 20, 22, &sum)));
    CHECK_EQ(sum, 42);
    CHECK_EQ(calls, 3);
    dying = 100;
    CHECK_EQ(call_add(&call, 1, 1, &sum).code, STATUS_PEER_DIED.code);
    CHECK_EQ(calls, 6);
    for (unsigned fails = 1; fails < 3; fails++) { // the same by a stub
        dying = fails;
        calls = 0;
        CHECK(status_ok(stub_add(&call, fails, 41, &sum)));
        CHECK_EQ(sum, 41 + fails);
        CHECK_EQ(calls, fails + 1);
    }
    dying = 100;
    calls = 0;
    CHECK_EQ(stub_add(&call, 1, 1, &sum).code, STATUS_PEER_DIED.code);
    CHECK_EQ(calls, 3);
    dying = 1;
    calls = 0;
    CHECK_EQ(stub_of(&(struct rpc_method){INTERFACE, 0, false, {2, 0, true}, {1, 0, true}}, &call, 1, 1, nullptr).code,
             STATUS_PEER_DIED.code); // not repeatable
    CHECK_EQ(calls, 1);
    dying = 1;
    calls = 0;
    rpc_begin(&call, (handle_t){9}, &lend); // nor this
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, STATUS_PEER_DIED.code);
    CHECK_EQ(calls, 1);
}

TEST(an_exception_has_a_text) {
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    CHECK_EQ(call_add(&call, 13, 0, &sum).code, (uint32_t)RPC_FAILED);
    char text[RPC_TEXT_BYTES];
    CHECK_STR_EQ(rpc_exception_text(&call, text), "13 is not lucky");
    CHECK(status_ok(call_add(&call, 14, 0, &sum)));
    CHECK_STR_EQ(rpc_exception_text(&call, text), "");
}

TEST(what_is_not_there_is_unimplemented) {
    static const struct rpc_method other = {INTERFACE + 1, 0, false, {0, 0, true}, {0, 0, true}};
    static const struct rpc_method beyond = {INTERFACE, 99, false, {0, 0, true}, {0, 0, true}};
    begin();
    RPC_CALL(call);
    rpc_begin(&call, (handle_t){9}, &other);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, (uint32_t)RPC_UNIMPLEMENTED);
    rpc_begin(&call, (handle_t){9}, &beyond);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, (uint32_t)RPC_UNIMPLEMENTED);
}

// One request as somebody hostile would send it; the label of the answer.
static uint32_t raw(uint32_t label, uint32_t page_bytes, uint32_t handles, const uint64_t words[MESSAGE_WORDS]) {
    request = (struct tess_message){.info = message_info(label, page_bytes, handles, 0) | MESSAGE_WANTS_REPLY};
    memcpy(request.words, words, sizeof(request.words));
    answered = false;
    serve();
    CHECK(answered);
    return message_label(answer.info);
}

TEST(malformed_requests_are_refused_and_the_service_goes_on) {
    uint64_t words[MESSAGE_WORDS] = {INTERFACE, 1, 2};
    begin();
    CHECK_EQ(raw(RPC_CONTRACT | 2u << 16, 0, 0, words), 0);                                // well-formed: add
    CHECK_EQ(answer.words[1], 3);
    CHECK_EQ(raw(0, 0, 0, words), (uint32_t)RPC_UNIMPLEMENTED);                            // the kernel's way to call
    CHECK_EQ(raw(2u << 16, 0, 0, words), STATUS_CODE_BAD_METHOD);
    CHECK_EQ(raw(RPC_CONTRACT | 1u << 24, 0, 0, words), (uint32_t)RPC_UNIMPLEMENTED);      // a bit that means nothing
    CHECK_EQ(raw(RPC_CONTRACT | 6u << 16, 0, 0, words), (uint32_t)RPC_INVALID_ARGUMENT);   // more words than there are
    CHECK_EQ(raw(RPC_CONTRACT | 1u << 20, 0, 0, words), (uint32_t)RPC_INVALID_ARGUMENT);   // a capability that is not there
    words[6] = opened(70).v;
    CHECK_EQ(raw(RPC_CONTRACT, 0, 1, words), (uint32_t)RPC_INVALID_ARGUMENT);              // one that nothing points to
    CHECK(!open[70]);
    words[6] = 0;
    CHECK_EQ(raw(RPC_CONTRACT | 2, 12, 0, words), (uint32_t)RPC_INVALID_ARGUMENT);         // not whole words
    CHECK_EQ(raw(RPC_CONTRACT | 2 | 1u << 16, 16, 0, words), (uint32_t)RPC_INVALID_ARGUMENT); // page and registers
    memset(page, 0xff, 64);
    CHECK_EQ(raw(RPC_CONTRACT | 2, 64, 0, words), (uint32_t)RPC_INVALID_ARGUMENT);         // a root that is no pointer
    memset(page, 0, 64);
    page[4] = 1;  // a struct of one word and two pointers, the second out of bounds: only the method sees it
    page[6] = 2;
    page[24] = 1; // a list, far beyond the page
    page[25] = 0x7f;
    page[28] = 2;
    page[29] = 1;
    CHECK_EQ(raw(RPC_CONTRACT | 2, 32, 0, words), (uint32_t)RPC_INVALID_ARGUMENT);
    words[1] = 8;
    CHECK_EQ(raw(RPC_CONTRACT | 2 | RPC_OUT_OF_BAND, 8, 0, words), (uint32_t)RPC_INVALID_ARGUMENT); // without a VMO
    CHECK_EQ(open_handles(), 0);
    words[1] = 20;
    words[2] = 22;
    CHECK_EQ(raw(RPC_CONTRACT | 2u << 16, 0, 0, words), 0);
    CHECK_EQ(answer.words[1], 42);
}

TEST(a_vmo_that_could_change_is_refused) {
    uint64_t vmo[MESSAGE_WORDS] = {64 * 1024};
    begin();
    for (int kind = 0; kind < 4; kind++) {
        uint64_t words[MESSAGE_WORDS] = {INTERFACE, 4096};
        vmo[0] = 4096;
        REQUIRE(status_ok(tess_invoke((handle_t){3}, ACCOUNT_CREATE_RESIZABLE_VMO, vmo)));
        words[6] = vmo[6];
        vmos[0].foreign_writer = kind == 0;
        vmos[0].committed_bytes = kind == 1 ? 0 : 4096;
        words[1] = kind == 2 ? 4096ull * 4 : kind == 3 ? 4095 : 4096;
        memset(page, 0, 8);
        CHECK_EQ(raw(RPC_CONTRACT | 2 | RPC_OUT_OF_BAND, 8, 1, words), (uint32_t)RPC_INVALID_ARGUMENT);
        CHECK(all_unmapped());
        CHECK_EQ(open_handles(), 0);
    }
}

TEST(an_answer_that_cannot_be_delivered_is_replaced) {
    begin();
    RPC_CALL(call);
    answer_status = STATUS_NO_HANDLES;
    rpc_begin(&call, (handle_t){9}, &lend);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, STATUS_NO_HANDLES.code);
    CHECK_EQ(open_handles(), 0); // what was to be given away, too
    CHECK_EQ(server.undelivered, 1);
}

static status_t call_pass(struct rpc_call *call, uint64_t closes, struct capnp_struct *results) {
    struct capnp_struct_builder params = rpc_begin(call, (handle_t){9}, &pass);
    capnp_put_u64(params, 0, closes);
    capnp_set_handle(capnp_edit_pointer(params, 0), opened(42));
    return rpc_finish(call, DEADLINE_NEVER, results);
}

TEST(a_capability_of_the_request_may_be_in_the_answer) {
    begin();
    RPC_CALL(call);
    struct capnp_struct results;
    REQUIRE(status_ok(call_pass(&call, 0, &results)));
    CHECK_EQ(capnp_handle_at(capnp_get_pointer(results, 0)).v, 42);
    CHECK(!open[42]); // given up when the answer was on its way
}

TEST(a_handle_that_is_none_spoils_one_answer_and_not_the_service) {
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    CHECK_EQ(call_pass(&call, 1, nullptr).code, (uint32_t)RPC_FAILED);
    CHECK_EQ(server.undelivered, 1);
    CHECK_EQ(open_handles(), 0);
    CHECK(status_ok(call_add(&call, 20, 22, &sum)));
}

TEST(an_answer_may_be_given_before_the_next_receive) {
    begin();
    at_once = true;
    RPC_CALL(call);
    uint64_t sum = 0;
    CHECK(status_ok(call_add(&call, 20, 22, &sum)));
    CHECK_EQ(sum, 42);
    CHECK_EQ(call_add(&call, 13, 0, &sum).code, RPC_FAILED);
    struct capnp_struct results;
    CHECK(status_ok(call_echo(&call, 11, "hello", (struct capnp_data){}, &results)));
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(results, 0)).bytes, "hello");
    answer_status = STATUS_NO_HANDLES;
    rpc_begin(&call, (handle_t){9}, &lend);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, STATUS_NO_HANDLES.code);
    rpc_end(&call);
    CHECK_EQ(open_handles(), 0);
    CHECK_EQ(server.undelivered, 1);
}

// The request that the service gets with its answer to the one before.
static void queue(uint32_t label, uint64_t flags, uint64_t a, uint64_t b) {
    queued = (struct tess_message){.info = label | flags, .words = {INTERFACE, a, b}};
}

static enum rpc_arrival serve_one(void) {
    rpc_server_done(&server, dispatch(&server.request));
    return rpc_server_next(&server, DEADLINE_NEVER);
}

TEST(what_comes_with_an_answer_is_seen) {
    begin();
    queue(RPC_CONTRACT | 2u << 16, MESSAGE_WANTS_REPLY, 1, 2);
    request = queued;
    REQUIRE(rpc_server_next(&server, DEADLINE_NEVER) == RPC_REQUEST);
    queue(RPC_CONTRACT | 2u << 16, MESSAGE_WANTS_REPLY, 20, 22);
    REQUIRE(serve_one() == RPC_REQUEST);
    CHECK_EQ(answer.words[1], 3);
    queue(RPC_CONTRACT | 6u << 16, MESSAGE_WANTS_REPLY, 0, 0); // malformed: refused, and there is nobody then
    CHECK_EQ(serve_one(), RPC_TIMEOUT);
    CHECK_EQ(message_label(answer.info), RPC_INVALID_ARGUMENT);
    CHECK_EQ(server.malformed, 1);

    request.info = RPC_CONTRACT | 2u << 16; // by somebody who does not wait
    answered = false;
    REQUIRE(rpc_server_next(&server, DEADLINE_NEVER) == RPC_REQUEST);
    CHECK(!rpc_wants_answer(&server.request));
    request.info = 0;
    CHECK_EQ(serve_one(), RPC_TIMEOUT);
    CHECK(!answered);

    request.info = RPC_CONTRACT | 2u << 16 | MESSAGE_WANTS_REPLY;
    answered = false;
    REQUIRE(rpc_server_next(&server, DEADLINE_NEVER) == RPC_REQUEST);
    queue(0, MESSAGE_NOTIFICATION, 0, 0);
    queued.words[0] = 6;
    CHECK_EQ(serve_one(), RPC_SIGNAL);
    CHECK_EQ(server.bits, 6);
    answered = false;
    CHECK_EQ(rpc_server_next(&server, DEADLINE_NEVER), RPC_REQUEST);
    CHECK(!answered); // the answer is not given twice
    request.info = 0;
    answer_status = STATUS_NO_CALLER; // who asked is gone when it is answered
    CHECK_EQ(serve_one(), RPC_TIMEOUT);
    CHECK_EQ(server.undelivered, 1);
}

TEST(a_text_is_of_one_exception_only) {
    char text[RPC_TEXT_BYTES];
    begin();
    RPC_CALL(call);
    request = (struct tess_message){.info = RPC_CONTRACT | 2u << 16 | MESSAGE_WANTS_REPLY, .words = {INTERFACE, 1, 1}};
    REQUIRE(rpc_server_next(&server, DEADLINE_NEVER) == RPC_REQUEST);
    request.info = 0;
    const status_t refused = rpc_refuse(&server.request, RPC_FAILED, "a secret");
    CHECK_EQ(refused.code, RPC_FAILED);
    rpc_server_done(&server, dispatch(&server.request)); // it was no refusal after all
    REQUIRE(rpc_server_next(&server, DEADLINE_NEVER) == RPC_TIMEOUT);
    CHECK_EQ(answer.words[1], 2);
    rpc_begin(&call, (handle_t){9}, &silent);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, STATUS_NO_MEMORY.code);
    CHECK_STR_EQ(rpc_exception_text(&call, text), "");
}

TEST(a_request_may_be_shown_to_several_interfaces) {
    begin();
    request = (struct tess_message){.info = RPC_CONTRACT | 2u << 16 | MESSAGE_WANTS_REPLY, .words = {INTERFACE, 20, 22}};
    REQUIRE(rpc_server_next(&server, DEADLINE_NEVER) == RPC_REQUEST);
    request.info = 0;
    CHECK_EQ(rpc_unimplemented(&server.request).code, RPC_UNIMPLEMENTED); // the first has no such method
    CHECK_EQ(serve_one(), RPC_TIMEOUT);
    CHECK_EQ(answer.words[1], 42);
}

TEST(a_service_that_makes_no_results_has_failed) {
    begin();
    request = (struct tess_message){.info = RPC_CONTRACT | 2u << 16 | MESSAGE_WANTS_REPLY, .words = {INTERFACE, 1, 1}};
    REQUIRE(rpc_server_next(&server, DEADLINE_NEVER) == RPC_REQUEST);
    request.info = 0;
    rpc_server_done(&server, STATUS_OK);
    CHECK_EQ(rpc_server_next(&server, DEADLINE_NEVER), RPC_TIMEOUT);
    CHECK_EQ(message_label(answer.info), RPC_FAILED);
}

TEST(malformed_requests_do_not_put_off_the_deadline) {
    begin();
    request.info = message_info(RPC_CONTRACT, 4, 0, 0) | MESSAGE_WANTS_REPLY; // half a word
    answered = false;
    now_ns = 1000;
    CHECK_EQ(rpc_server_next(&server, 1000), RPC_TIMEOUT);
    CHECK(only_answered); // or else a flood of them would go on being received
    CHECK_EQ(message_label(answer.info), RPC_INVALID_ARGUMENT);
    CHECK_EQ(server.malformed, 1);
}

TEST(an_answer_may_come_later) {
    begin();
    struct rpc_call call = {};
    rpc_begin(&call, (handle_t){9}, &later);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, STATUS_TIMED_OUT.code); // not yet
    CHECK(deferred.reply.v != 0);
    static struct rpc_answer out;
    capnp_put_u64(rpc_answer_begin(&out, &deferred), 0, 99);
    CHECK_EQ(deferred.reply.v, 0);
    rpc_answer_send(&out);
    CHECK(answered);
    CHECK_EQ(answer.words[1], 99);
    CHECK_EQ(open_handles(), 0);
    rpc_end(&call);
}

TEST(a_send_is_answered_by_nobody) {
    begin();
    RPC_CALL(call);
    capnp_put_u64(rpc_begin(&call, (handle_t){9}, &add), 0, 4);
    CHECK(status_ok(rpc_send(&call, DEADLINE_NEVER)));
    CHECK_EQ(sends, 1);
    CHECK(!answered);
}

// ---- Promises ----

static struct rpc_promise submit_lend(struct rpc_ring *ring, struct rpc_target target) {
    struct rpc_promise promise;
    capnp_put_u64(rpc_submit_begin(ring, &lend, &promise), 0, 7);
    rpc_submit(ring, &promise, target);
    return promise;
}

static struct rpc_promise submit_add(struct rpc_ring *ring, struct rpc_target target, uint64_t a, uint64_t b) {
    struct rpc_promise promise;
    struct capnp_struct_builder params = rpc_submit_begin(ring, &add, &promise);
    capnp_put_u64(params, 0, a);
    capnp_put_u64(params, 8, b);
    rpc_submit(ring, &promise, target);
    return promise;
}

TEST(a_promised_capability_is_called_before_it_is_there) {
    static struct rpc_ring ring;
    struct capnp_struct results;
    begin();
    REQUIRE(status_ok(rpc_ring_create(4, &ring)));
    const struct rpc_promise lent = submit_lend(&ring, rpc_target((handle_t){9}));
    const struct rpc_promise sum = submit_add(&ring, rpc_promised(lent, 0), 20, 22);
    REQUIRE(status_ok(rpc_take(&ring, sum, DEADLINE_NEVER, &results)));
    CHECK_EQ(capnp_get_u64(results, 0), 42);
    CHECK_EQ(ring_targets[0].v, 9);
    CHECK_EQ(ring_targets[1].v, 60); // what the first answer brought
    REQUIRE(status_ok(rpc_take(&ring, lent, DEADLINE_NEVER, &results)));
    CHECK_EQ(rpc_promise_keep(&ring, lent, capnp_handle_at(capnp_get_pointer(results, 1))).v, 60);
    rpc_drop(&ring, lent);
    rpc_drop(&ring, sum);
    CHECK(open[60]);
    rpc_ring_destroy(&ring);
    CHECK_EQ(open_handles(), 1);
}

TEST(a_promise_that_is_broken_says_so) {
    static struct rpc_ring ring;
    begin();
    REQUIRE(status_ok(rpc_ring_create(4, &ring)));
    const struct rpc_promise refused = submit_add(&ring, rpc_target((handle_t){9}), 13, 0);
    const struct rpc_promise after = submit_add(&ring, rpc_promised(refused, 0), 1, 2);
    CHECK_EQ(rpc_take(&ring, after, DEADLINE_NEVER, nullptr).code, STATUS_PROMISE_BROKEN.code);
    CHECK_EQ(rpc_take(&ring, refused, DEADLINE_NEVER, nullptr).code, (uint32_t)RPC_FAILED);
    rpc_ring_destroy(&ring);
}

TEST(calls_that_find_no_room_or_no_target_fail_when_they_are_taken) {
    static struct rpc_ring ring;
    begin();
    REQUIRE(status_ok(rpc_ring_create(2, &ring)));
    const struct rpc_promise nowhere = submit_add(&ring, rpc_target((handle_t){0}), 1, 1);
    CHECK_EQ(rpc_take(&ring, nowhere, DEADLINE_NEVER, nullptr).code, STATUS_BAD_HANDLE.code);
    const struct rpc_promise fits = submit_add(&ring, rpc_target((handle_t){9}), 1, 1);
    const struct rpc_promise too_many = submit_add(&ring, rpc_target((handle_t){9}), 2, 2);
    CHECK_EQ(rpc_take(&ring, too_many, DEADLINE_NEVER, nullptr).code, STATUS_NO_MEMORY.code);
    CHECK(status_ok(rpc_take(&ring, fits, DEADLINE_NEVER, nullptr)));
    rpc_drop(&ring, nowhere);
    const struct rpc_promise again = submit_add(&ring, rpc_target((handle_t){9}), 2, 2);
    CHECK(status_ok(rpc_take(&ring, again, DEADLINE_NEVER, nullptr)));
    rpc_ring_destroy(&ring);
}

TEST(a_call_that_is_dropped_in_flight_is_cancelled_and_leaves_nothing) {
    static struct rpc_ring ring;
    begin();
    REQUIRE(status_ok(rpc_ring_create(2, &ring)));
    rpc_drop(&ring, submit_lend(&ring, rpc_target((handle_t){9}))); // its answer brings a capability
    const struct rpc_promise sum = submit_add(&ring, rpc_target((handle_t){9}), 1, 1);
    CHECK(status_ok(rpc_take(&ring, sum, DEADLINE_NEVER, nullptr)));
    CHECK_EQ(cancels, 1);
    CHECK(!open[60]);
    rpc_ring_destroy(&ring);
    CHECK_EQ(open_handles(), 0);
}

TEST(longer_parameters_go_in_the_ring_s_page) {
    static struct rpc_ring ring;
    struct rpc_promise promise;
    struct capnp_struct results;
    begin();
    REQUIRE(status_ok(rpc_ring_create(2, &ring)));
    struct capnp_struct_builder params = rpc_submit_begin(&ring, &echo, &promise);
    capnp_set_text(capnp_edit_pointer(params, 0), CAPNP_TEXT("over the ring"));
    rpc_submit(&ring, &promise, rpc_target((handle_t){9}));
    REQUIRE(status_ok(rpc_take(&ring, promise, DEADLINE_NEVER, &results)));
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(results, 0)).bytes, "over the ring");
    rpc_ring_destroy(&ring);
}
