// Calls that depend on each other, from the client's side: what goes together, and what comes of it however it is answered.
#include "lib/rpc/play.h"

static struct rpc_ring ring;

static struct rpc_promise submit(const struct rpc_method *method, struct rpc_target target, uint64_t a, uint64_t b) {
    return submit_of(&ring, method, target, a, b);
}

static struct rpc_target service(void) {
    return rpc_target((handle_t){9});
}

static void start(uint32_t calls) {
    begin();
    REQUIRE(status_ok(rpc_ring_create(calls, &ring)));
}

static void end(void) {
    rpc_ring_destroy(&ring);
    CHECK_EQ(open_handles(), 0);
}

// Three deep.
struct three {
    struct rpc_promise a, b, c;
};

static struct three submit_three(uint64_t last) {
    struct three three;
    three.a = submit(&lend, service(), 7, 0);
    three.b = submit(&lend, rpc_promised(three.a, 0), 8, 0);
    three.c = submit(&add, rpc_promised(three.b, 0), last, 22);
    return three;
}

// What is waited for is sent before by the ring; else it is a call, if it is all that there is.
static bool by_ring;

static void send_by_ring(void) {
    if (by_ring) {
        CHECK(status_ok(rpc_flush(&ring)));
    }
}

static uint32_t taken(struct rpc_promise promise) {
    send_by_ring();
    return rpc_take(&ring, promise, DEADLINE_NEVER, nullptr).code;
}

static void check_sum(struct rpc_promise promise) {
    struct capnp_struct results;
    send_by_ring();
    REQUIRE(status_ok(rpc_take(&ring, promise, DEADLINE_NEVER, &results)));
    CHECK_EQ(capnp_get_u64(results, 0), 42);
}

TEST(only_what_is_wanted_comes_back) {
    start(4);
    const struct three three = submit_three(20);
    rpc_drop(&ring, three.a);
    rpc_drop(&ring, three.b);
    check_sum(three.c);
    CHECK_EQ(play.messages, 1);
    CHECK_EQ(play.badges, 1002); // of the second capability
    CHECK_EQ(message_handle_count(play.answer.info), 0);
    CHECK_EQ(open_handles(), 1); // the ring
    end();
}

TEST(what_is_wanted_on_the_way_comes_too) {
    start(4);
    struct capnp_struct results;
    const struct three three = submit_three(20);
    check_sum(three.c);
    CHECK_EQ(play.messages, 1);
    REQUIRE(status_ok(rpc_take(&ring, three.b, DEADLINE_NEVER, &results)));
    CHECK_EQ(capnp_handle_at(capnp_get_pointer(results, 1)).v, 61);
    REQUIRE(status_ok(rpc_take(&ring, three.a, DEADLINE_NEVER, &results)));
    CHECK_EQ(capnp_handle_at(capnp_get_pointer(results, 1)).v, 60);
    rpc_drop(&ring, three.a);
    CHECK(!play.open[60] && play.open[61]);
    end();
}

TEST(a_refusal_breaks_the_promises_after_it) {
    char text[RPC_TEXT_BYTES];
    start(4);
    struct three three = submit_three(13);
    CHECK_EQ(taken(three.c), (uint32_t)RPC_FAILED);
    CHECK_STR_EQ(rpc_promise_exception_text(&ring, three.c, text), "13 is not lucky");
    CHECK_EQ(taken(three.a), 0);
    CHECK_EQ(taken(three.b), 0);
    rpc_drop(&ring, three.a);
    rpc_drop(&ring, three.b);
    rpc_drop(&ring, three.c);
    const struct rpc_promise refused = submit(&silent, service(), 0, 0);
    const struct rpc_promise after = submit(&add, rpc_promised(refused, 0), 1, 2);
    CHECK_EQ(taken(after), STATUS_PROMISE_BROKEN.code);
    CHECK_EQ(taken(refused), STATUS_NO_MEMORY.code);
    CHECK_EQ(play.adds, 1);
    end();
}

TEST(a_service_that_knows_nothing_of_it_is_called_one_by_one) {
    start(4);
    play.is_old = true;
    const struct three three = submit_three(20);
    rpc_drop(&ring, three.a);
    check_sum(three.c);
    CHECK_EQ(play.messages, 4);
    CHECK_EQ(play.adds, 1);
    end();
}

TEST(what_leads_elsewhere_is_called_there) {
    start(4);
    play.gives_elsewhere = true;
    const struct three three = submit_three(20);
    rpc_drop(&ring, three.a);
    rpc_drop(&ring, three.b);
    check_sum(three.c);
    CHECK_EQ(play.messages, 3); // each through the capability that the one before returned
    CHECK_EQ(play.targets[1].v, 60);
    CHECK_EQ(play.targets[2].v, 61);
    CHECK_EQ(play.adds, 1);
    end();
}

static void put_off(const struct rpc_method *first, bool mints) {
    start(4);
    play.mints = mints;
    const struct rpc_promise lent = submit(first, service(), 7, 0);
    const struct rpc_promise late = submit(&later, rpc_promised(lent, 0), 0, 0);
    rpc_drop(&ring, lent);
    ring.ring.header->need_enter = 1; // so that it is served when it is sent
    play.deferred = (struct rpc_deferred){};
    CHECK(status_ok(rpc_flush(&ring)));
    CHECK_EQ(play.deferred.reply.v, 0);
    CHECK(!rpc_answered(&ring, late)); // and now it is on its way
    CHECK(play.deferred.reply.v != 0);
    rpc_ring_destroy(&ring);
}

TEST(what_is_answered_later_is_called_by_itself) {
    put_off(&lend, false);
    put_off(&lend, true);
    put_off(&lend_text, false);
    put_off(&lend_text, true);
}

TEST(a_call_on_a_promise_that_was_dropped_is_broken) {
    start(4);
    const struct rpc_promise lent = submit(&lend, service(), 7, 0), sum = submit(&add, rpc_promised(lent, 0), 20, 22);
    rpc_drop(&ring, lent);
    CHECK(status_ok(rpc_flush(&ring)));
    const struct rpc_promise other = submit(&add, rpc_promised(lent, 0), 20, 22);
    check_sum(sum);
    CHECK_EQ(taken(other), STATUS_PROMISE_BROKEN.code);
    rpc_drop(&ring, sum);
    rpc_drop(&ring, other);
    end();
}

TEST(dependents_that_are_several_are_not_put_together) {
    start(4);
    const struct rpc_promise lent = submit(&lend, service(), 7, 0);
    const struct rpc_promise one = submit(&add, rpc_promised(lent, 0), 20, 22), other = submit(&add, rpc_promised(lent, 0), 40, 2);
    rpc_drop(&ring, lent);
    check_sum(one);
    check_sum(other);
    CHECK_EQ(play.messages, 3);
    rpc_drop(&ring, one);
    rpc_drop(&ring, other);
    CHECK_EQ(open_handles(), 1);
    end();
}

TEST(a_call_on_what_is_under_way_waits_for_its_answer) {
    start(4);
    const struct rpc_promise lent = submit(&lend, service(), 7, 0), next = submit(&lend, rpc_promised(lent, 0), 8, 0);
    CHECK(status_ok(rpc_flush(&ring)));
    const struct rpc_promise sum = submit(&add, rpc_promised(next, 0), 20, 22);
    rpc_drop(&ring, lent);
    rpc_drop(&ring, next);
    check_sum(sum);
    CHECK_EQ(play.messages, 2);
    const struct rpc_promise none = submit(&add, rpc_promised(sum, 0), 20, 22);
    CHECK_EQ(taken(none), STATUS_PROMISE_BROKEN.code);
    end();
}

TEST(what_nobody_wants_is_not_sent) {
    start(4);
    const struct three three = submit_three(20);
    rpc_drop(&ring, three.b);
    rpc_drop(&ring, three.c);
    rpc_drop(&ring, three.a);
    CHECK(status_ok(rpc_flush(&ring)));
    CHECK_EQ(play.messages, 0);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK_EQ(ring.slots[i].state, RPC_SLOT_FREE);
    }
    end();
}

// ---- a service that dies ----

TEST(repeatable_calls_are_made_again) {
    start(4);
    for (unsigned dies = 1; dies <= 2; dies++) {
        play.dying = dies;
        const struct rpc_promise sum = submit(&add, service(), 20, 22);
        check_sum(sum);
        rpc_drop(&ring, sum);
    }
    play.dying = 3; // of this very request, it seems
    const struct rpc_promise given_up = submit(&add, service(), 20, 22);
    CHECK_EQ(taken(given_up), STATUS_PEER_DIED.code);
    play.dying = 1;
    const struct rpc_promise not_again = submit(&once, service(), 20, 22);
    CHECK_EQ(taken(not_again), STATUS_PEER_DIED.code);
    end();
}

static struct rpc_method repeatable_lend;

TEST(a_chain_is_made_again_if_each_of_it_may_be) {
    repeatable_lend = lend;
    repeatable_lend.repeatable = true;
    for (int way = 0; way < 2; way++) {
        start(4);
        play.dying = 1;
        const struct rpc_promise lent = submit(way == 0 ? &repeatable_lend : &lend, service(), 7, 0);
        const struct rpc_promise sum = submit(&add, rpc_promised(lent, 0), 20, 22);
        if (way == 0) {
            check_sum(sum);
            CHECK_EQ(taken(lent), 0);
        } else { // who knows which of them it died under
            CHECK_EQ(taken(sum), STATUS_PEER_DIED.code);
            CHECK_EQ(taken(lent), STATUS_PEER_DIED.code);
        }
        end();
    }
}

TEST(a_promise_that_was_broken_by_a_death_is_kept_after_all) {
    repeatable_lend = lend;
    repeatable_lend.repeatable = true;
    start(4);
    play.dying = 1;
    const struct rpc_promise lent = submit(&repeatable_lend, service(), 7, 0);
    const struct rpc_promise one = submit(&once, rpc_promised(lent, 0), 1, 0), other = submit(&add, rpc_promised(lent, 0), 40, 2);
    check_sum(other);
    CHECK_EQ(taken(one), 0);
    CHECK_EQ(play.messages, 3);
    end();
}

TEST(parameters_are_there_when_they_are_sent_again) {
    struct rpc_promise promise;
    struct capnp_struct results;
    start(2);
    play.dying = 1;
    const struct capnp_struct_builder params = rpc_submit_begin(&ring, &echo, &promise);
    capnp_set_text(capnp_edit_pointer(params, 0), CAPNP_TEXT("twice over the ring"));
    rpc_submit(&ring, &promise, service());
    send_by_ring();
    REQUIRE(status_ok(rpc_take(&ring, promise, DEADLINE_NEVER, &results)));
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(results, 0)).bytes, "twice over the ring");
    end();
}

TEST(texts_go_together_with_numbers) {
    struct rpc_promise promise;
    struct capnp_struct results;
    start(4);
    const struct rpc_promise lent = submit(&lend, service(), 7, 0);
    const struct capnp_struct_builder params = rpc_submit_begin(&ring, &echo, &promise);
    capnp_set_text(capnp_edit_pointer(params, 0), CAPNP_TEXT("at the end of a chain"));
    rpc_submit(&ring, &promise, rpc_promised(lent, 0));
    rpc_drop(&ring, lent); // or its results would have to share the answer's page with the text
    send_by_ring();
    REQUIRE(status_ok(rpc_take(&ring, promise, DEADLINE_NEVER, &results)));
    CHECK_EQ(play.messages, 1);
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(results, 0)).bytes, "at the end of a chain");
    end();
}

// ---- answers that are none ----

static unsigned spoiled;

// Each bit of the word that says what is there, and then other damage.
static void spoil(struct tess_message *answer) {
    if (spoiled < 32) {
        answer->words[0] ^= 1ull << (32 + spoiled);
    } else {
        static const uint64_t damage[] = {8 * MESSAGE_PAGE_UNIT, MESSAGE_COUNT_UNIT, 1};
        answer->info ^= damage[spoiled - 32];
    }
}

TEST(an_answer_that_is_none_is_not_believed) {
    for (spoiled = 0; spoiled < 35; spoiled++) {
        start(4);
        play.tamper = spoil;
        const struct three three = submit_three(20);
        const uint32_t codes[] = {taken(three.a), taken(three.b), taken(three.c)};
        play.tamper = nullptr;
        CHECK(codes[0] != 0 || codes[1] != 0 || codes[2] != 0);
        rpc_drop(&ring, three.a);
        rpc_drop(&ring, three.b);
        rpc_drop(&ring, three.c);
        CHECK_EQ(open_handles(), 1); // the ring: whatever came is closed
        const struct rpc_promise sum = submit(&add, service(), 20, 22);
        check_sum(sum);
        end();
    }
}

// ---- by which way ----

TEST(the_same_by_the_ring) {
    static test_fn *const tests[] = {
        test_run_only_what_is_wanted_comes_back,
        test_run_what_is_wanted_on_the_way_comes_too,
        test_run_a_refusal_breaks_the_promises_after_it,
        test_run_a_service_that_knows_nothing_of_it_is_called_one_by_one,
        test_run_what_leads_elsewhere_is_called_there,
        test_run_dependents_that_are_several_are_not_put_together,
        test_run_repeatable_calls_are_made_again,
        test_run_a_chain_is_made_again_if_each_of_it_may_be,
        test_run_a_promise_that_was_broken_by_a_death_is_kept_after_all,
        test_run_parameters_are_there_when_they_are_sent_again,
        test_run_texts_go_together_with_numbers,
        test_run_an_answer_that_is_none_is_not_believed,
    };
    by_ring = true;
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        play.entries = 0;
        tests[i]();
        CHECK(play.entries > 0);
    }
    by_ring = false;
}

TEST(what_is_all_that_there_is_to_wait_for_is_a_call) {
    start(4);
    const struct three three = submit_three(20);
    check_sum(three.c);
    CHECK_EQ(play.calls, 1);
    CHECK_EQ(play.entries, 0);
    rpc_drop(&ring, three.a);
    rpc_drop(&ring, three.b);
    rpc_drop(&ring, three.c);
    const struct rpc_promise one = submit(&add, service(), 1, 2), other = submit(&add, service(), 40, 2);
    check_sum(other); // there are two messages
    CHECK_EQ(play.calls, 1);
    CHECK_EQ(play.entries, 2);
    CHECK_EQ(taken(one), 0);
    rpc_drop(&ring, one);
    rpc_drop(&ring, other);
    const struct rpc_promise sent = submit(&add, service(), 1, 2);
    CHECK(status_ok(rpc_flush(&ring))); // it is under way
    const struct rpc_promise next = submit(&add, service(), 40, 2);
    check_sum(next);
    CHECK_EQ(play.calls, 1);
    CHECK_EQ(play.entries, 4);
    CHECK_EQ(taken(sent), 0);
    rpc_drop(&ring, sent);
    rpc_drop(&ring, next);
    const struct rpc_promise poll = submit(&add, service(), 40, 2);
    CHECK_EQ(rpc_take(&ring, poll, DEADLINE_POLL, nullptr).code, 0); // who does not wait may come back
    CHECK_EQ(play.calls, 1);
    rpc_drop(&ring, poll);
    const struct rpc_promise again = submit(&add, service(), 40, 2);
    check_sum(again); // and it is empty as before
    CHECK_EQ(play.calls, 2);
    end();
}

TEST(what_was_sent_before_outlives_the_wait_for_it) {
    start(4);
    const struct rpc_promise late = submit(&later, service(), 0, 0);
    CHECK_EQ(taken(late), STATUS_TIMED_OUT.code);
    CHECK_EQ(ring.slots[late.slot - 1].state, RPC_SLOT_ANSWERED);
    CHECK_EQ(taken(late), STATUS_TIMED_OUT.code);
    CHECK_EQ(play.messages, 1);
    rpc_drop(&ring, late);
    const struct rpc_promise sent = submit(&later, service(), 0, 0);
    CHECK(status_ok(rpc_flush(&ring)));
    CHECK_EQ(taken(sent), STATUS_TIMED_OUT.code);
    CHECK_EQ(ring.slots[sent.slot - 1].state, RPC_SLOT_IN_FLIGHT);
    rpc_ring_destroy(&ring);
}
