// promises: pipelined stubs against a service of its own, through the kernel's ring: calls three deep, and what fails in the
// middle of them. No handle may be left behind. Prints what is not as it should be.
//
// CapSet: `console`, `link` (an endpoint).
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/thread.h"
#include "tests/programs/common.h"
#include "tests/promises/link.capnp.h"

static handle_t endpoint, sender;
static handle_t endpoint_elsewhere, sender_elsewhere; // of another server
static uint32_t failures;

static void expect(bool held, const char *what) {
    if (!held) {
        failures++;
        SAY("promises: %s: NOT as it should be\n", what);
    }
}

static void expect_status(status_t saw, uint32_t expected, const char *what) {
    if (saw.code != expected) {
        failures++;
        SAY("promises: %s: status %u, not %u\n", what, saw.code, expected);
    }
}

// ---- the service, in a thread ----------------------------------------------------------------------

static bool dies, loses;
static uint64_t lost;         // calls, of those that are to be survived
static uint64_t reads_here, reads_elsewhere;
static uint64_t together;     // calls that came with others

static uint64_t badge_read; // of the handle that the last number was read through

static constexpr rights_t MINTED = {RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT};

static status_t serve_begin(void *, struct rpc_request *request, struct link_control_begin_params,
                            struct link_control_begin_results_builder results) {
    link_control_begin_results_mint_link(results, request, MINTED, 100);
    return STATUS_OK;
}

static status_t serve_next(void *, struct rpc_request *request, struct link_next_params params,
                           struct link_next_results_builder results) {
    switch (link_next_params_get_answer(params)) {
    case LINK_ANSWER_LINK: link_next_results_set_link(results, (struct link){sender}); break;
    case LINK_ANSWER_REFUSAL: return rpc_refuse(request, RPC_FAILED, "as it was asked to");
    case LINK_ANSWER_DEATH: dies = true; break;
    case LINK_ANSWER_ELSEWHERE: link_next_results_set_link(results, (struct link){sender_elsewhere}); break;
    case LINK_ANSWER_MINTED: link_next_results_mint_link(results, request, MINTED, request->badge + 1); break;
    default: break; // nothing
    }
    return STATUS_OK;
}

static status_t serve_survive(void *, struct rpc_request *, struct link_survive_params params,
                              struct link_survive_results_builder results) {
    loses = lost < link_survive_params_get_deaths(params);
    lost += loses;
    link_survive_results_set_link(results, (struct link){sender});
    return STATUS_OK;
}

static status_t serve_read(void *self, struct rpc_request *request, struct link_read_params params,
                           struct link_read_results_builder results) {
    ++*(uint64_t *)self;
    badge_read = request->badge;
    link_read_results_set_value(results, link_read_params_get_value(params) + 1);
    return STATUS_OK;
}

// Its next receive gives up whoever waits for an answer.
static bool serve_until_lost(struct rpc_server *server, handle_t from) {
    static const struct link_control_server methods = {
        .link = {.next = serve_next, .read = serve_read, .survive = serve_survive}, .begin = serve_begin};
    rpc_server_init(server, from, 0);
    while (rpc_server_next(server, DEADLINE_NEVER) == RPC_REQUEST) {
        together += server->request.chained;
        const status_t status = link_control_dispatch(&methods, from.v == endpoint.v ? &reads_here : &reads_elsewhere, &server->request);
        if (dies || loses) {
            return !dies;
        }
        rpc_server_done(server, status);
    }
    return false;
}

static void serve(void *) {
    static struct rpc_server server;
    dies = loses = false;
    while (serve_until_lost(&server, endpoint)) {
        loses = false;
    }
}

static void serve_elsewhere(void *) {
    static struct rpc_server server;
    (void)serve_until_lost(&server, endpoint_elsewhere);
}

// ---- the client ------------------------------------------------------------------------------------

static struct rpc_ring ring;

static uint64_t handles(void) {
    uint64_t count = 0;
    expect(status_ok(tess_process_info(tess_self_process(), nullptr, nullptr, nullptr, &count, nullptr, nullptr, nullptr,
                                       nullptr)), "process.info");
    return count;
}

static struct link_target through(struct rpc_promise promise) {
    return link_next_promise_link(promise);
}

static struct link_target first(void) {
    return link_target((struct link){sender});
}

static void three_deep(void) {
    struct rpc_promise a = link_submit_next(&ring, first(), LINK_ANSWER_LINK);
    struct rpc_promise b = link_submit_next(&ring, through(a), LINK_ANSWER_LINK);
    struct rpc_promise c = link_submit_read(&ring, through(b), 41);
    struct link_read_results results;
    struct link_next_results found;
    expect_status(link_take_read(&ring, c, rpc_patience(), &results), 0, "three deep");
    expect(link_read_results_get_value(results) == 42, "the value three deep");
    expect_status(link_take_next(&ring, b, rpc_patience(), &found), 0, "the second of three");
    expect(tess_handle_valid(link_next_results_get_link(found).handle), "its capability");
    rpc_drop(&ring, a);
    rpc_drop(&ring, b);
    rpc_drop(&ring, c);
}

// Who wants only the last gets no more.
static void only_the_last(void) {
    struct rpc_promise a = link_submit_next(&ring, first(), LINK_ANSWER_LINK);
    struct rpc_promise b = link_submit_next(&ring, through(a), LINK_ANSWER_LINK);
    struct rpc_promise c = link_submit_read(&ring, through(b), 41);
    const uint64_t before = handles();
    struct link_read_results results;
    together = 0;
    rpc_drop(&ring, a);
    rpc_drop(&ring, b);
    expect_status(link_take_read(&ring, c, rpc_patience(), &results), 0, "the last of three");
    expect(link_read_results_get_value(results) == 42, "its value");
    expect(handles() == before, "no capability came with it");
    expect(together == 3, "all three came together");
    rpc_drop(&ring, c);
}

// Capabilities that are made when they are given: none for who wants only the last; the one that is wanted; and a first call that is
// of an extending interface.
static void minted(void) {
    struct link_read_results results;
    struct link_next_results found;
    const uint64_t before = handles();
    struct rpc_promise a = link_control_submit_begin(&ring, link_control_target((struct link_control){sender}));
    struct rpc_promise b = link_submit_next(&ring, link_control_begin_promise_link(a), LINK_ANSWER_MINTED);
    struct rpc_promise c = link_submit_read(&ring, through(b), 41);
    together = 0;
    rpc_drop(&ring, a);
    rpc_drop(&ring, b);
    expect_status(link_take_read(&ring, c, rpc_patience(), &results), 0, "the last, through what was never made");
    expect(link_read_results_get_value(results) == 42 && badge_read == 101, "the badge that it would have had");
    expect(together == 3 && handles() == before, "all three came together, and left nothing");
    rpc_drop(&ring, c);
    a = link_submit_next(&ring, first(), LINK_ANSWER_MINTED);
    b = link_submit_next(&ring, through(a), LINK_ANSWER_MINTED);
    rpc_drop(&ring, a);
    expect_status(link_take_next(&ring, b, rpc_patience(), &found), 0, "what is minted for who wants it");
    expect(handles() == before + 1, "which is one");
    c = link_submit_read(&ring, link_target(link_next_results_get_link(found)), 1);
    expect_status(link_take_read(&ring, c, rpc_patience(), nullptr), 0, "a call through it");
    expect(badge_read == 3, "with its badge");
    rpc_drop(&ring, c);
    rpc_drop(&ring, b);
    expect(handles() == before, "it is closed");
}

// The second call is another server's, and the third.
static void elsewhere(void) {
    struct link_read_results results;
    reads_here = reads_elsewhere = 0;
    struct rpc_promise a = link_submit_next(&ring, first(), LINK_ANSWER_LINK);
    struct rpc_promise b = link_submit_next(&ring, through(a), LINK_ANSWER_ELSEWHERE);
    struct rpc_promise c = link_submit_read(&ring, through(b), 41);
    rpc_drop(&ring, a);
    rpc_drop(&ring, b);
    expect_status(link_take_read(&ring, c, rpc_patience(), &results), 0, "the other server's");
    expect(link_read_results_get_value(results) == 42, "the value from there");
    expect(reads_elsewhere == 1 && reads_here == 0, "it was read there, once");
    rpc_drop(&ring, c);
}

// A server that dies under a call that may be repeated, alone or with others after it; and dies too often.
static void survived(uint64_t deaths, bool alone, uint32_t status, const char *what) {
    struct rpc_promise c = {};
    lost = 0;
    struct rpc_promise a = link_submit_survive(&ring, first(), deaths);
    if (!alone) {
        struct link_read_results results;
        c = link_submit_read(&ring, link_survive_promise_link(a), 41);
        expect_status(link_take_read(&ring, c, rpc_patience(), &results), status, what);
        expect(status != 0 || link_read_results_get_value(results) == 42, what);
    }
    expect_status(link_take_survive(&ring, a, rpc_patience(), nullptr), status, what);
    expect(lost == (deaths < 3 ? deaths : 3), "as many tries as there should be");
    rpc_drop(&ring, a);
    rpc_drop(&ring, c);
}

// The first answer is not what the others rely on.
static void broken(enum link_answer answer, uint32_t status, uint32_t after, const char *what) {
    struct rpc_promise a = link_submit_next(&ring, first(), answer);
    struct rpc_promise b = link_submit_next(&ring, through(a), LINK_ANSWER_LINK);
    struct rpc_promise c = link_submit_read(&ring, through(b), 1);
    expect_status(link_take_read(&ring, c, rpc_patience(), nullptr), after, what);
    expect_status(link_take_next(&ring, b, rpc_patience(), nullptr), after, what);
    expect_status(link_take_next(&ring, a, rpc_patience(), nullptr), status, what);
    rpc_drop(&ring, c);
    rpc_drop(&ring, b);
    rpc_drop(&ring, a);
}

// More calls than the ring has room for: those beyond say so, and the others are answered.
static void full(void) {
    struct rpc_promise promises[6];
    for (uint32_t i = 0; i < 6; i++) {
        promises[i] = link_submit_read(&ring, first(), i);
    }
    for (uint32_t i = 0; i < 6; i++) {
        struct link_read_results results;
        const status_t status = link_take_read(&ring, promises[i], rpc_patience(), &results);
        expect_status(status, i < 4 ? 0 : STATUS_CODE_NO_MEMORY, "a full ring");
        expect(!status_ok(status) || link_read_results_get_value(results) == i + 1, "the values of a full ring");
        rpc_drop(&ring, promises[i]);
    }
}

// Promises given up, before and after they are sent; what comes of them is closed as it is seen.
static void abandoned(void) {
    struct rpc_promise a = link_submit_next(&ring, first(), LINK_ANSWER_LINK);
    struct rpc_promise b = link_submit_next(&ring, through(a), LINK_ANSWER_LINK);
    struct rpc_promise c = link_submit_next(&ring, through(b), LINK_ANSWER_LINK);
    rpc_drop(&ring, b);
    expect_status(rpc_flush(&ring), 0, "flush");
    rpc_drop(&ring, a);
    rpc_drop(&ring, c);
    // Until there is room for as many again, what was given up is under way.
    for (uint32_t i = 0; i < 4; i++) {
        struct rpc_promise d = link_submit_read(&ring, first(), i);
        expect_status(link_take_read(&ring, d, rpc_patience(), nullptr), 0, "after what was given up");
        rpc_drop(&ring, d);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    struct tess_thread *server, *other;
    (void)tess_self_thread(); // which comes when this runs already: handles are counted below
    endpoint = tess_cap_required("link", 0);
    if (!status_ok(tess_handle_mint(endpoint, (rights_t){RIGHT_SEND_BIT | RIGHT_COPY_BIT}, 1, LINK_ID, &sender)) ||
        !status_ok(tess_account_create_endpoint(tess_self_account(), LINK_ID, &endpoint_elsewhere)) ||
        !status_ok(tess_handle_mint(endpoint_elsewhere, (rights_t){RIGHT_SEND_BIT | RIGHT_COPY_BIT}, 1, LINK_ID, &sender_elsewhere)) ||
        !status_ok(tess_thread_create(serve, nullptr, nullptr, &server)) ||
        !status_ok(tess_thread_create(serve_elsewhere, nullptr, nullptr, &other)) || !status_ok(rpc_ring_create(4, &ring))) {
        SAY("promises: cannot begin\n");
        return 1;
    }
    three_deep();
    const uint64_t before = handles();
    three_deep();
    broken(LINK_ANSWER_NOTHING, 0, STATUS_CODE_PROMISE_BROKEN, "results without a capability");
    broken(LINK_ANSWER_REFUSAL, RPC_FAILED, STATUS_CODE_PROMISE_BROKEN, "a refusal");
    only_the_last();
    minted();
    elsewhere();
    survived(1, true, 0, "a call that is made again");
    survived(2, false, 0, "calls that are made again");
    survived(9, true, STATUS_CODE_PEER_DIED, "a server that dies of a call");
    survived(9, false, STATUS_CODE_PEER_DIED, "a server that dies of calls");
    full();
    abandoned();
    // What was given up is closed as it is seen, which may be later than what was asked for after it.
    const uint64_t until_ns = rpc_patience();
    do {
        three_deep();
    } while (handles() != before && tess_now_ns() < until_ns);
    expect(handles() == before, "handles are as many as before");
    // It may have died under any of the calls that came together.
    broken(LINK_ANSWER_DEATH, STATUS_CODE_PEER_DIED, STATUS_CODE_PEER_DIED, "a server that dies");
    expect_status(tess_thread_join(server, tess_deadline_after_ms(5000)), 0, "its end");
    rpc_ring_destroy(&ring);
    if (failures == 0) {
        SAY("promises: as it should be\n");
    }
    return failures != 0;
}
