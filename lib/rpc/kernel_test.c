// Objects of the kernel through their contract, and a service that stands in for one: the test plays the kernel between them,
// with an account, a timer and the endpoint of the service. Every client here is run on both.
#include "base/test.h"

#include "idl/kernel.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/page.h"

alignas(4096) static uint8_t page[MESSAGE_PAGE_BYTES];
static struct tess_thread_block thread_block = {.message_page = page};
static const struct bootstrap no_bootstrap;
const struct bootstrap *tess_bootstrap = &no_bootstrap;

constexpr uint32_t TIMER = 1, ACCOUNT = 2, INSPECTOR = 3, STAND_IN = 10, HANDLES = 100;
static bool open[HANDLES]; // handles of the client and of the service, which are one table here
static uint32_t next_handle;
static struct tess_message asked, request, answer;
static bool pending;
static status_t delivery; // what delivering an answer comes to
static uint64_t timer_words[MESSAGE_WORDS];
static struct rpc_server server;
static unsigned forwarded;

static handle_t opened(void) {
    open[next_handle] = true;
    return (handle_t){next_handle++};
}

static unsigned open_handles(void) {
    unsigned count = 0;
    for (uint32_t i = 0; i < HANDLES; i++) {
        count += open[i];
    }
    return count;
}

void tess_close(handle_t handle) {
    if (handle.v != 0) {
        CHECK(handle.v < HANDLES && open[handle.v]); // none is closed twice
        open[handle.v] = false;
    }
}
status_t tess_invoke(handle_t object, uint64_t header, uint64_t words[MESSAGE_WORDS]) {
    (void)object;
    (void)header;
    (void)words;
    return STATUS_WRONG_TYPE;
}
struct tess_thread_block *tess_arch_thread_block(void) {
    return &thread_block;
}
uint64_t tess_now_ns(void) {
    return 0;
}
uint64_t tess_deadline_after_ms(uint64_t delay_ms) {
    return delay_ms;
}
status_t tess_save_reply(handle_t *out) {
    *out = opened();
    return STATUS_OK;
}

// ---- The kernel ----

static void bring(struct tess_message *message, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        message->words[i] = opened().v;
        tess_message_set_handle(message, i, (handle_t){(uint32_t)message->words[i]});
    }
    message->info = message_info(0, 0, count, 0);
}

static status_t method(handle_t object, struct tess_message *message) {
    const uint32_t number = message_label(message->info);
    const uint64_t *words = message->words;
    if ((message->info & ~(MESSAGE_ACCEPT_MASK | MESSAGE_COUNT_UNIT | UINT32_MAX)) != 0) {
        return STATUS_BAD_ARGUMENT;
    }
    if (object.v == TIMER && number == TIMER_SET_METHOD) {
        if (words[3] == 0 || words[3] >= HANDLES || !open[words[3]]) {
            return STATUS_BAD_HANDLE;
        }
        if (words[4] == 0) {
            return STATUS_BAD_ARGUMENT;
        }
        memcpy(timer_words, words, sizeof(timer_words));
    } else if (object.v == TIMER && number == TIMER_INFO_METHOD) {
        message->words[0] = timer_words[0];
        message->words[1] = timer_words[1];
        message->words[2] = 7;
        message->words[3] = 8;
    } else if (object.v == ACCOUNT && number == ACCOUNT_CREATE_VMO_METHOD) {
        if (words[0] == 0) {
            return STATUS_BAD_ARGUMENT;
        }
        CHECK_EQ(message_accept(message->info), 1);
        bring(message, 1);
        return STATUS_OK;
    } else if (object.v == ACCOUNT && number == ACCOUNT_CREATE_PROCESS_METHOD) {
        CHECK_EQ(message_accept(message->info), 2);
        bring(message, 2);
        return STATUS_OK;
    } else if (object.v == INSPECTOR && number == INSPECTOR_PROCESSES_METHOD) {
        memcpy(page, "processes", 10);
        message->words[0] = 1;
        message->info = message_info(0, 10, 0, 0);
        return STATUS_OK;
    } else {
        return STATUS_BAD_METHOD;
    }
    message->info = 0;
    return STATUS_OK;
}

static void serve(void);

// A copy of each handle goes along; one that is moved is the receiver's.
static status_t carry(struct tess_message *message) {
    const uint32_t count = message_handle_count(message->info), moved = message_move_mask(message->info);
    for (uint32_t i = 0; i < count; i++) {
        const handle_t handle = tess_message_handle(message, i);
        if (handle.v == 0 || handle.v >= HANDLES || !open[handle.v]) {
            return STATUS_BAD_HANDLE;
        }
        open[handle.v] = (moved >> i & 1) == 0;
        tess_message_set_handle(message, i, opened());
    }
    message->info &= ((1ull << MESSAGE_MOVE_SHIFT) - 1) | MESSAGE_FAULT;
    return STATUS_OK;
}

status_t tess_host_syscall(uint32_t number, handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    (void)deadline_ns;
    switch (number) {
    case SYS_CALL:
        if (handle.v != STAND_IN) {
            return method(handle, message);
        }
        asked = request = *message;
        TRY(carry(&request));
        request.info |= MESSAGE_WANTS_REPLY;
        pending = true;
        serve();
        *message = answer;
        return STATUS_OK;
    case SYS_RECV:
        if (!pending) {
            return STATUS_TIMED_OUT;
        }
        pending = false;
        *message = request;
        return STATUS_OK;
    default:
        if (!status_ok(delivery)) {
            const status_t status = delivery;
            delivery = STATUS_OK;
            return status;
        }
        TRY(carry(message));
        answer = *message;
        return STATUS_TIMED_OUT;
    }
}

// ---- The service: it forwards, but sets no period below ten, and makes no large memory ----

static const struct timer timer = {{TIMER}};
static const struct account account = {{ACCOUNT}};

static status_t set(void *, struct rpc_request *of, struct timer_set_params params, struct timer_set_results_builder) {
    RPC_CALL(call);
    forwarded++;
    const uint64_t period_ns = timer_set_params_get_period_ns(params);
    if (period_ns == 666) {
        return rpc_refuse(of, RPC_FAILED, "not that one");
    }
    return timer_call_set(timer, &call, timer_set_params_get_deadline_ns(params), period_ns < 10 ? 10 : period_ns,
                          timer_set_params_get_slack_ns(params), timer_set_params_get_notification(params),
                          timer_set_params_get_bits(params), 0, nullptr);
}

static status_t info(void *, struct rpc_request *, struct timer_info_params, struct timer_info_results_builder results) {
    RPC_CALL(call);
    struct timer_info_results found;
    forwarded++;
    TRY(timer_call_info(timer, &call, 0, &found));
    timer_info_results_set_next_ns(results, timer_info_results_get_next_ns(found));
    timer_info_results_set_period_ns(results, timer_info_results_get_period_ns(found));
    timer_info_results_set_fired(results, timer_info_results_get_fired(found));
    timer_info_results_set_missed(results, timer_info_results_get_missed(found));
    return STATUS_OK;
}

static status_t create_vmo(void *, struct rpc_request *, struct account_create_vmo_params params,
                           struct account_create_vmo_results_builder results) {
    RPC_CALL(call);
    struct account_create_vmo_results made;
    TRY(account_call_create_vmo(account, &call, account_create_vmo_params_get_len_bytes(params), 0, &made));
    const struct vmo vmo = account_create_vmo_results_get_vmo(made);
    rpc_keep(&call, vmo.handle);
    account_create_vmo_results_give_vmo(results, vmo);
    return account_create_vmo_params_get_len_bytes(params) > 1000 ? STATUS_NOT_ALLOWED : STATUS_OK;
}

// A copy of one, and only one where there should be two.
static status_t create_process(void *, struct rpc_request *, struct account_create_process_params,
                               struct account_create_process_results_builder results) {
    account_create_process_results_set_process(results, (struct process){{TIMER}});
    return STATUS_OK;
}

static status_t processes(void *, struct rpc_request *of, struct inspector_processes_params,
                          struct inspector_processes_results_builder results) {
    memcpy(rpc_kernel_page(of, 10), "processes", 10);
    inspector_processes_results_set_count(results, 1);
    return STATUS_OK;
}

static status_t grant(void *, struct rpc_request *of, struct process_grant_params params,
                      struct process_grant_results_builder results) {
    struct rpc_deferred deferred;
    CHECK_EQ(rpc_defer(of, &deferred).code, STATUS_CODE_UNSUPPORTED);
    process_grant_results_set_foreign(results, process_grant_params_get_rights(params) + process_grant_params_get_move(params));
    return tess_handle_valid(process_grant_params_get_handle(params)) ? STATUS_OK : STATUS_BAD_HANDLE;
}

enum stands_for { FOR_TIMER, FOR_ACCOUNT, FOR_INSPECTOR, FOR_PROCESS };
static enum stands_for stands_for;

static status_t dispatch(struct rpc_request *of) {
    static const struct timer_server as_timer = {.set = set, .info = info};
    static const struct account_server as_account = {.create_vmo = create_vmo, .create_process = create_process};
    static const struct inspector_server as_inspector = {.processes = processes};
    static const struct process_server as_process = {.grant = grant};
    switch (stands_for) {
    case FOR_TIMER: return timer_dispatch(&as_timer, nullptr, of);
    case FOR_ACCOUNT: return account_dispatch(&as_account, nullptr, of);
    case FOR_INSPECTOR: return inspector_dispatch(&as_inspector, nullptr, of);
    default: return process_dispatch(&as_process, nullptr, of);
    }
}

static void serve(void) {
    rpc_server_init(&server, (handle_t){STAND_IN}, 1);
    if (rpc_server_next(&server, 0) == RPC_REQUEST) {
        rpc_server_done(&server, dispatch(&server.request));
        (void)rpc_server_next(&server, 0);
    }
}

static handle_t begin(enum stands_for what) {
    memset(open, 0, sizeof(open));
    next_handle = 20;
    forwarded = 0;
    stands_for = what;
    delivery = STATUS_OK;
    open[TIMER] = true;
    return opened();
}

// ---- Clients ----

static void use_timer(struct timer of, handle_t notification) {
    RPC_CALL(call);
    struct timer_info_results found;
    CHECK(status_ok(timer_call_set(of, &call, 1000, 50, 0, (struct notification){notification}, 3, 0, nullptr)));
    CHECK(status_ok(timer_call_info(of, &call, 0, &found)));
    CHECK_EQ(timer_info_results_get_next_ns(found), 1000);
    CHECK_EQ(timer_info_results_get_period_ns(found), 50);
    CHECK_EQ(timer_info_results_get_fired(found), 7);
    CHECK_EQ(timer_info_results_get_missed(found), 8);
    CHECK_EQ(timer_call_set(of, &call, 1, 50, 0, (struct notification){notification}, 0, 0, nullptr).code, STATUS_CODE_BAD_ARGUMENT);
    CHECK_EQ(timer_call_set(of, &call, 1, 50, 0, (struct notification){}, 1, 0, nullptr).code, STATUS_CODE_BAD_HANDLE);
    CHECK_EQ(timer_call_cancel(of, &call, 0, nullptr).code, STATUS_CODE_BAD_METHOD);
    CHECK_EQ(timer_words[2], 0);
}

TEST(a_client_cannot_tell_who_answers) {
    handle_t notification = begin(FOR_TIMER);
    use_timer(timer, notification);
    CHECK_EQ(forwarded, 0);
    use_timer((struct timer){{STAND_IN}}, notification);
    CHECK_EQ(forwarded, 4);
    CHECK_EQ(open_handles(), 2);
    // As docs/decisions/kernel-contracts.md has it.
    RPC_CALL(call);
    CHECK(status_ok(timer_call_set((struct timer){{STAND_IN}}, &call, 5, 1, 0, (struct notification){notification}, 9, 0, nullptr)));
    CHECK_EQ(asked.info, message_info(1, 0, 1, 0));
    CHECK_EQ(asked.words[3], notification.v);
    CHECK_EQ(asked.words[6], notification.v);
    CHECK_EQ(timer_words[1], 10); // it lets less through than the kernel
    CHECK(timer_words[3] != notification.v);
    CHECK_EQ(open_handles(), 2); // its copy is closed
}

TEST(capabilities_come_back_and_are_owned_by_the_call) {
    begin(FOR_ACCOUNT);
    for (int i = 0; i < 2; i++) {
        const struct account from = {{i == 0 ? ACCOUNT : STAND_IN}};
        const unsigned before = open_handles();
        struct account_create_vmo_results made;
        {
            RPC_CALL(call);
            REQUIRE(status_ok(account_call_create_vmo(from, &call, 4096 / 8, 0, &made)));
            const handle_t vmo = account_create_vmo_results_get_vmo(made).handle;
            CHECK(open[vmo.v]);
            CHECK_EQ(open_handles(), before + 1);
            REQUIRE(status_ok(account_call_create_vmo(from, &call, 4096 / 8, 0, &made))); // gives the first one up
            CHECK(!open[vmo.v]);
            CHECK_EQ(account_call_create_vmo(from, &call, 0, 0, &made).code, STATUS_CODE_BAD_ARGUMENT);
            CHECK_EQ(open_handles(), before);
            REQUIRE(status_ok(account_call_create_vmo(from, &call, 4096 / 8, 0, &made)));
            rpc_keep(&call, account_create_vmo_results_get_vmo(made).handle);
        }
        CHECK_EQ(open_handles(), before + 1);
        tess_close(account_create_vmo_results_get_vmo(made).handle);
    }
    RPC_CALL(call);
    struct account_create_process_results both;
    REQUIRE(status_ok(account_call_create_process(account, &call, 0, 0, 0, &both)));
    CHECK(account_create_process_results_get_process(both).handle.v != account_create_process_results_get_vspace(both).handle.v);
    CHECK(open[account_create_process_results_get_vspace(both).handle.v]);
}

// What it has made for a request that it then refuses, or that can't be answered, is given up.
TEST(a_service_keeps_nothing_that_it_gave) {
    begin(FOR_ACCOUNT);
    const struct account stand_in = {{STAND_IN}};
    const unsigned before = open_handles();
    RPC_CALL(call);
    CHECK_EQ(account_call_create_vmo(stand_in, &call, 2000, 0, nullptr).code, STATUS_CODE_NOT_ALLOWED);
    CHECK_EQ(open_handles(), before);
    delivery = STATUS_NO_HANDLES;
    CHECK_EQ(account_call_create_vmo(stand_in, &call, 8, 0, nullptr).code, STATUS_CODE_NO_HANDLES);
    CHECK_EQ(open_handles(), before);
    // Fewer capabilities than the kernel would give are null; nothing that a service writes is taken for a handle.
    struct account_create_process_results made;
    REQUIRE(status_ok(account_call_create_process(stand_in, &call, 1, 2, 0, &made)));
    CHECK(account_create_process_results_get_process(made).handle.v >= 20);
    CHECK_EQ(account_create_process_results_get_vspace(made).handle.v, 0);
    CHECK(open[TIMER]);
}

TEST(pages_come_back) {
    begin(FOR_INSPECTOR);
    for (int i = 0; i < 2; i++) {
        RPC_CALL(call);
        struct inspector_processes_results found;
        memset(page, 0, sizeof(page));
        REQUIRE(status_ok(inspector_call_processes((struct inspector){{i == 0 ? INSPECTOR : STAND_IN}}, &call, 0, 0, &found)));
        CHECK_EQ(inspector_processes_results_get_count(found), 1);
        CHECK_MEM_EQ(page, "processes", 10);
    }
}

TEST(small_arguments_are_checked_as_the_kernel_does) {
    const handle_t handle = begin(FOR_PROCESS);
    const struct process stand_in = {{STAND_IN}};
    struct process_grant_results found;
    RPC_CALL(call);
    CHECK(status_ok(process_call_grant(stand_in, &call, handle, 5, true, 0, &found)));
    CHECK_EQ(process_grant_results_get_foreign(found), 6);
    CHECK_EQ(process_call_grant(stand_in, &call, (handle_t){}, 5, true, 0, &found).code, STATUS_CODE_BAD_HANDLE);
    const uint64_t bad[][2] = {{1ull << 32, 0}, {0, 2}};
    for (size_t i = 0; i < 2; i++) {
        struct tess_message message = {.info = PROCESS_GRANT_METHOD, .words = {0, bad[i][0], bad[i][1]}};
        CHECK(status_ok(tess_call(stand_in.handle, &message, 0)));
        CHECK_EQ(message_label(message.info), STATUS_CODE_BAD_ARGUMENT);
    }
}

TEST(malformed_requests_are_refused_and_the_service_goes_on) {
    const handle_t handle = begin(FOR_TIMER);
    const struct {
        uint64_t info;
        status_t status;
    } requests[] = {
        {message_info(0, 0, 0, 0), STATUS_BAD_METHOD},
        {message_info(4, 0, 0, 0), STATUS_BAD_METHOD},
        {message_info(0x10001, 0, 0, 0), STATUS_BAD_METHOD},
        {message_info(1, 8, 0, 0), STATUS_BAD_ARGUMENT},
        {message_info(1, 0, 2, 0), STATUS_BAD_ARGUMENT},
        {message_info(RPC_CONTRACT | 1, 0, 0, 0), {RPC_UNIMPLEMENTED}},
        {message_info(1, 0, 0, 0) | MESSAGE_FAULT, {RPC_UNIMPLEMENTED}},
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct tess_message message = {.info = requests[i].info};
        tess_message_set_handle(&message, 0, handle);
        tess_message_set_handle(&message, 1, handle);
        CHECK(status_ok(tess_call((handle_t){STAND_IN}, &message, 0)));
        CHECK_EQ(message_label(message.info), requests[i].status.code);
        CHECK_EQ(open_handles(), 2);
    }
    CHECK_EQ(forwarded, 0);
    // What a service says about a refusal of its own gets to the client.
    RPC_CALL(call);
    char text[RPC_TEXT_BYTES];
    CHECK_EQ(timer_call_set((struct timer){{STAND_IN}}, &call, 1, 666, 0, (struct notification){handle}, 1, 0, nullptr).code, RPC_FAILED);
    CHECK_STR_EQ(rpc_exception_text(&call, text), "not that one");
    use_timer((struct timer){{STAND_IN}}, handle);
}
