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

static bool dies;

static status_t serve_next(void *, struct rpc_request *request, struct link_next_params params,
                           struct link_next_results_builder results) {
    switch (link_next_params_get_answer(params)) {
    case LINK_ANSWER_LINK: link_next_results_set_link(results, (struct link){sender}); break;
    case LINK_ANSWER_REFUSAL: return rpc_refuse(request, RPC_FAILED, "as it was asked to");
    case LINK_ANSWER_DEATH: dies = true; break;
    default: break; // nothing
    }
    return STATUS_OK;
}

static status_t serve_read(void *, struct rpc_request *, struct link_read_params params,
                           struct link_read_results_builder results) {
    link_read_results_set_value(results, link_read_params_get_value(params) + 1);
    return STATUS_OK;
}

static void serve(void *) {
    static const struct link_server methods = {.next = serve_next, .read = serve_read};
    static struct rpc_server server;
    dies = false;
    rpc_server_init(&server, endpoint, 0);
    while (rpc_server_next(&server, DEADLINE_NEVER) == RPC_REQUEST) {
        const status_t status = link_dispatch(&methods, nullptr, &server.request);
        if (dies) {
            return;
        }
        rpc_server_done(&server, status);
    }
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

// The first answer is not what the others rely on.
static void broken(enum link_answer answer, uint32_t status, const char *what) {
    struct rpc_promise a = link_submit_next(&ring, first(), answer);
    struct rpc_promise b = link_submit_next(&ring, through(a), LINK_ANSWER_LINK);
    struct rpc_promise c = link_submit_read(&ring, through(b), 1);
    expect_status(link_take_read(&ring, c, rpc_patience(), nullptr), STATUS_CODE_PROMISE_BROKEN, what);
    expect_status(link_take_next(&ring, b, rpc_patience(), nullptr), STATUS_CODE_PROMISE_BROKEN, what);
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
    struct tess_thread *server;
    endpoint = tess_cap_required("link", 0);
    if (!status_ok(tess_handle_mint(endpoint, (rights_t){RIGHT_SEND_BIT | RIGHT_COPY_BIT}, 1, LINK_ID, &sender)) ||
        !status_ok(tess_thread_create(serve, nullptr, nullptr, &server)) || !status_ok(rpc_ring_create(4, &ring))) {
        SAY("promises: cannot begin\n");
        return 1;
    }
    three_deep();
    const uint64_t before = handles();
    three_deep();
    broken(LINK_ANSWER_NOTHING, 0, "results without a capability");
    broken(LINK_ANSWER_REFUSAL, RPC_FAILED, "a refusal");
    full();
    abandoned();
    // What was given up is closed as it is seen, which may be later than what was asked for after it.
    const uint64_t until_ns = rpc_patience();
    do {
        three_deep();
    } while (handles() != before && tess_now_ns() < until_ns);
    expect(handles() == before, "handles are as many as before");
    broken(LINK_ANSWER_DEATH, STATUS_CODE_PEER_DIED, "a server that dies");
    expect_status(tess_thread_join(server, tess_deadline_after_ms(5000)), 0, "its end");
    rpc_ring_destroy(&ring);
    if (failures == 0) {
        SAY("promises: as it should be\n");
    }
    return failures != 0;
}
