// Results that are a capability to the service itself, made when they are given away: by whom they are seen, and what is left of them.
#include "abi/gen/abi.h"
#include "lib/rpc/play.h"

static struct rpc_ring ring;

static void start(void) {
    begin();
    play.mints = true;
}

static void start_ring(void) {
    start();
    REQUIRE(status_ok(rpc_ring_create(4, &ring)));
}

static void end_ring(void) {
    rpc_ring_destroy(&ring);
    CHECK_EQ(open_handles(), 0);
}

static struct rpc_promise submit(const struct rpc_method *method, struct rpc_target target, uint64_t a, uint64_t b) {
    return submit_of(&ring, method, target, a, b);
}

static struct rpc_promise submit_lend(struct rpc_target target) {
    return submit(&lend, target, 7, 0);
}

static struct rpc_target service(void) {
    return rpc_target((handle_t){9});
}

static uint32_t taken(struct rpc_promise promise) {
    return rpc_take(&ring, promise, DEADLINE_NEVER, nullptr).code;
}

// ---- one call ----

static status_t call_lend(struct rpc_call *call, uint64_t number, struct capnp_struct *results) {
    capnp_put_u64(rpc_begin(call, (handle_t){9}, &lend), 0, number);
    return rpc_finish(call, DEADLINE_NEVER, results);
}

TEST(a_capability_is_made_when_it_is_delivered) {
    RPC_CALL(call);
    struct capnp_struct results;
    start();
    REQUIRE(status_ok(call_lend(&call, 7, &results)));
    CHECK_EQ(capnp_handle_at(capnp_get_pointer(results, 1)).v, 60);
    CHECK_EQ(play.leads[60].badge, 1001);
    CHECK_EQ(play.minted, 1);
    rpc_end(&call);
    CHECK_EQ(open_handles(), 0);
}

TEST(a_refusal_makes_none) {
    RPC_CALL(call);
    start();
    CHECK_EQ(call_lend(&call, 13, nullptr).code, (uint32_t)RPC_FAILED);
    CHECK_EQ(play.lent, 1);
    CHECK_EQ(play.minted, 0);
}

TEST(one_that_cannot_be_made_is_the_answer_and_the_service_goes_on) {
    RPC_CALL(call);
    start();
    play.mint_status = STATUS_NO_MEMORY;
    CHECK_EQ(call_lend(&call, 7, nullptr).code, STATUS_NO_MEMORY.code);
    play.mint_status = STATUS_OK;
    CHECK(status_ok(call_lend(&call, 7, nullptr)));
    rpc_end(&call);
    CHECK_EQ(open_handles(), 0);
}

TEST(one_that_cannot_be_delivered_is_closed) {
    static const status_t ways[] = {STATUS_NO_CALLER, STATUS_NO_HANDLES};
    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        start();
        play.answer_status = ways[i];
        play.request = (struct tess_message){.info = rpc_method_label(&lend) | MESSAGE_WANTS_REPLY, .words = {INTERFACE}};
        serve();
        CHECK_EQ(play.minted, 1);
        CHECK_EQ(play.server.undelivered, 1);
        CHECK_EQ(open_handles(), 0);
    }
}

// ---- calls that come together ----

TEST(what_only_the_next_call_wants_is_never_made) {
    start_ring();
    struct capnp_struct results;
    const struct rpc_promise a = submit_lend(service()), b = submit_lend(rpc_promised(a, 0));
    const struct rpc_promise sum = submit(&add, rpc_promised(b, 0), 20, 22);
    rpc_drop(&ring, a);
    rpc_drop(&ring, b);
    REQUIRE(status_ok(rpc_take(&ring, sum, DEADLINE_NEVER, &results)));
    CHECK_EQ(capnp_get_u64(results, 0), 42);
    CHECK_EQ(play.badges, 1002);
    CHECK_EQ(play.lent, 2);
    CHECK_EQ(play.minted, 0);
    CHECK_EQ(play.messages, 1);
    end_ring();
}

TEST(what_is_wanted_on_the_way_is_made) {
    start_ring();
    struct capnp_struct results;
    const struct rpc_promise a = submit_lend(service()), b = submit_lend(rpc_promised(a, 0));
    const struct rpc_promise sum = submit(&add, rpc_promised(b, 0), 20, 22);
    rpc_drop(&ring, b);
    CHECK_EQ(taken(sum), 0);
    CHECK_EQ(play.badges, 1002);
    CHECK_EQ(play.minted, 1);
    REQUIRE(status_ok(rpc_take(&ring, a, DEADLINE_NEVER, &results)));
    CHECK_EQ(capnp_handle_at(capnp_get_pointer(results, 1)).v, 60);
    CHECK_EQ(play.leads[60].badge, 1001);
    end_ring();
}

TEST(the_last_one_is_made) {
    start_ring();
    struct capnp_struct results;
    const struct rpc_promise a = submit_lend(service()), b = submit_lend(rpc_promised(a, 0));
    rpc_drop(&ring, a);
    REQUIRE(status_ok(rpc_take(&ring, b, DEADLINE_NEVER, &results)));
    CHECK_EQ(play.leads[capnp_handle_at(capnp_get_pointer(results, 1)).v].badge, 1002);
    CHECK_EQ(play.minted, 1);
    end_ring();
}

TEST(one_that_cannot_be_made_for_who_wants_it_breaks_the_promises_after_it) {
    start_ring();
    play.mint_status = STATUS_NO_MEMORY;
    const struct rpc_promise a = submit_lend(service()), sum = submit(&add, rpc_promised(a, 0), 20, 22);
    CHECK_EQ(taken(sum), STATUS_PROMISE_BROKEN.code);
    CHECK_EQ(taken(a), STATUS_NO_MEMORY.code);
    CHECK_EQ(play.adds, 0);
    rpc_drop(&ring, a);
    rpc_drop(&ring, sum);
    const struct rpc_promise unwanted = submit_lend(service()), next = submit(&add, rpc_promised(unwanted, 0), 20, 22);
    rpc_drop(&ring, unwanted);
    CHECK_EQ(taken(next), 0); // which needs none
    end_ring();
}

// A call that is put off comes again by itself, so it needs what was kept back for it.
TEST(what_was_kept_back_is_made_for_a_call_that_is_not_made_here) {
    for (unsigned fails = 0; fails < 2; fails++) {
        start_ring();
        play.mint_status = fails ? STATUS_NO_HANDLES : STATUS_OK;
        const struct rpc_promise a = submit_lend(service()), b = submit_lend(rpc_promised(a, 0));
        const struct rpc_promise late = submit(&later, rpc_promised(b, 0), 0, 0);
        rpc_drop(&ring, a);
        rpc_drop(&ring, b);
        ring.ring.header->need_enter = 1; // so that it is served when it is sent
        CHECK(status_ok(rpc_flush(&ring)));
        CHECK_EQ(rpc_answered(&ring, late), fails != 0);
        CHECK_EQ(play.deferred.reply.v != 0, fails == 0);
        if (fails) {
            CHECK_EQ(taken(late), STATUS_PROMISE_BROKEN.code);
            CHECK_EQ(play.minted, 0);
        } else {
            CHECK_EQ(play.minted, 1);
            CHECK_EQ(play.leads[play.targets[1].v].badge, 1002);
        }
        rpc_ring_destroy(&ring);
    }
}

// The mark of an interface that extends another is the message's as well: the kernel looks at it.
TEST(the_first_call_may_be_of_an_extending_interface) {
    start_ring();
    struct rpc_method extended = lend;
    extended.extends = true;
    const struct rpc_promise a = submit(&extended, service(), 7, 0), sum = submit(&add, rpc_promised(a, 0), 20, 22);
    rpc_drop(&ring, a);
    CHECK_EQ(taken(sum), 0);
    CHECK_EQ(play.messages, 1);
    CHECK_EQ(play.label & RPC_EXTENSION, RPC_EXTENSION);
    CHECK_EQ(play.badges, 1001);
    rpc_drop(&ring, sum);
    const struct rpc_promise b = submit_lend(service()), other = submit(&add, rpc_promised(b, 0), 20, 22);
    rpc_drop(&ring, b);
    CHECK_EQ(taken(other), 0);
    CHECK_EQ(play.label & RPC_EXTENSION, 0);
    end_ring();
}
