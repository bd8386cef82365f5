// Calls over a ring that the tests play.
#include "lib/rpc/play.h"

static struct rpc_promise submit_lend(struct rpc_ring *ring, struct rpc_target target) {
    struct rpc_promise promise;
    capnp_put_u64(rpc_submit_begin(ring, &lend, &promise), 0, 7);
    rpc_submit(ring, &promise, target);
    return promise;
}

static struct rpc_promise submit_add(struct rpc_ring *ring, struct rpc_target target, uint64_t a, uint64_t b) {
    return submit_of(ring, &add, target, a, b);
}

// What rpc_flush does but for handing it over: the play serves an entry as soon as it has it.
static void put_only(struct rpc_ring *ring) {
    ((struct ring_header *)ring->ring.header)->need_enter = 0;
    CHECK(status_ok(rpc_flush(ring)));
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
    CHECK_EQ(play.targets[0].v, 9);
    CHECK_EQ(play.messages, 1); // one message for both
    REQUIRE(status_ok(rpc_take(&ring, lent, DEADLINE_NEVER, &results)));
    CHECK_EQ(rpc_promise_keep(&ring, lent, capnp_handle_at(capnp_get_pointer(results, 1))).v, 60);
    rpc_drop(&ring, lent);
    rpc_drop(&ring, sum);
    CHECK(play.open[60]);
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
    const struct rpc_promise lent = submit_lend(&ring, rpc_target((handle_t){9})); // its answer brings a capability
    put_only(&ring);
    rpc_drop(&ring, lent);
    const struct rpc_promise sum = submit_add(&ring, rpc_target((handle_t){9}), 1, 1);
    CHECK(status_ok(rpc_take(&ring, sum, DEADLINE_NEVER, nullptr)));
    CHECK_EQ(play.cancels, 1);
    CHECK(!play.open[60]);
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
