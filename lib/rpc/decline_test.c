// Calls of services that are not there, over a ring whose endpoints the tests play: what a client sends is `arrive`.
#include "lib/rpc/decline.h"
#include "lib/rpc/play.h"

constexpr uint32_t CALLS = 3, DECLINES = 2;
constexpr handle_t ENDPOINTS[DECLINES] = {{21}, {22}};

static struct rpc_ring ring;
static struct rpc_decline declines[DECLINES];
static struct {
    bool receives;
    uint64_t user_data;
} at[DECLINES];
static struct {
    unsigned answers, receives;
    uint32_t token;
    uint64_t info;
    char text[RPC_TEXT_BYTES];
} seen;
static status_t answer_comes_to[4]; // one after the other
static bool cancel_is_late;         // a client was just before it

static void complete(struct ring_completion done) {
    ring.ring.completions[ring.ring.header->completion_tail++ % (2 * (ring.ring.mask + 1))] = done;
}

static bool enter(const struct ring_entry *entry, struct ring_completion *done) {
    switch (entry->op) {
    case RING_RECV: {
        const uint32_t i = entry->target - ENDPOINTS[0].v;
        CHECK(i < DECLINES);
        CHECK(!at[i].receives);
        CHECK_EQ(message_accept(entry->info), (uint64_t)MESSAGE_HANDLES);
        at[i].receives = true;
        at[i].user_data = entry->user_data;
        seen.receives++;
        return false;
    }
    case RING_RETURN:
        done->status = answer_comes_to[seen.answers++ % 4].code;
        seen.token = entry->target;
        seen.info = entry->info;
        (void)rpc_page_text(entry->info, tess_ring_page(&ring.ring, entry->buffer), seen.text);
        return true;
    case RING_CANCEL:
        for (uint32_t i = 0; i < DECLINES; i++) {
            if (at[i].receives && at[i].user_data == entry->words[0] && !cancel_is_late) {
                at[i].receives = false;
                complete((struct ring_completion){.user_data = at[i].user_data, .status = STATUS_CANCELED.code});
                done->status = 0;
            }
        }
        return true;
    default: return true;
    }
}

// A message with this token (0: nobody waits) and so many capabilities, 70 and 71.
static void arrive(uint32_t i, uint32_t token, uint32_t handles) {
    uint64_t *words = tess_ring_words(&ring.ring, (uint8_t)at[i].user_data);
    REQUIRE(at[i].receives);
    at[i].receives = false;
    words[6] = handles == 0 ? 0 : opened(70).v | (uint64_t)(handles > 1 ? opened(71).v : 0) << 32;
    words[7] = 0;
    complete((struct ring_completion){.user_data = at[i].user_data, .token = token, .info = message_info(5, 0, handles, 0), .value = 900});
}

static void begin_declining(void) {
    begin();
    memset(declines, 0, sizeof declines);
    memset(at, 0, sizeof at);
    memset(&seen, 0, sizeof seen);
    memset(answer_comes_to, 0, sizeof answer_comes_to);
    cancel_is_late = false;
    play.enter = enter;
    REQUIRE(status_ok(rpc_ring_create_declining(CALLS, declines, DECLINES, &ring)));
    ring.ring.header->need_enter = 1;
}

static void take(void) {
    (void)rpc_answered(&ring, (struct rpc_promise){});
}

TEST(a_call_of_a_service_that_is_not_there_is_refused_with_the_reason) {
    uint32_t number = 9;
    begin_declining();
    rpc_decline_begin(&ring, 1, ENDPOINTS[1]);
    CHECK(rpc_decline_idles(&ring));
    rpc_decline_receive(&ring);
    CHECK(!rpc_decline_idles(&ring));
    CHECK(!at[0].receives); // of which nobody has said anything
    take();
    CHECK(!rpc_decline_in_hand(&ring, &number));
    arrive(1, 0x10003, 2);
    take();
    REQUIRE(rpc_decline_in_hand(&ring, &number));
    CHECK_EQ(number, 1);
    CHECK(!play.open[70] && !play.open[71]); // it keeps nothing
    rpc_decline_answer(&ring, 1, "it was given up");
    CHECK_EQ(seen.answers, 1);
    CHECK_EQ(seen.token, 0x10003);
    CHECK_EQ(message_label(seen.info), (uint32_t)RPC_DISCONNECTED);
    CHECK_STR_EQ(seen.text, "it was given up");
    CHECK(!rpc_decline_in_hand(&ring, &number));
    CHECK_EQ(declines[1].refused, 1);
    CHECK(rpc_decline_idles(&ring)); // until it is told to take the next
    rpc_decline_receive(&ring);
    CHECK(at[1].receives);
    rpc_ring_destroy(&ring);
}

TEST(what_wants_no_answer_is_counted) {
    uint32_t number;
    begin_declining();
    rpc_decline_begin(&ring, 0, ENDPOINTS[0]);
    rpc_decline_receive(&ring);
    arrive(0, 0, 1);
    take();
    CHECK(!rpc_decline_in_hand(&ring, &number));
    CHECK(!play.open[70]);
    CHECK_EQ(declines[0].dropped, 1);
    CHECK_EQ(declines[0].refused, 0);
    CHECK(rpc_decline_idles(&ring));
    rpc_ring_destroy(&ring);
}

TEST(a_service_that_comes_back_gets_what_comes_from_then_on) {
    uint32_t number;
    begin_declining();
    rpc_decline_begin(&ring, 0, ENDPOINTS[0]);
    rpc_decline_receive(&ring);
    rpc_decline_end(&ring, 0);
    CHECK(!at[0].receives); // at once
    CHECK(!rpc_decline_idles(&ring));
    rpc_decline_receive(&ring);
    CHECK(!at[0].receives);
    rpc_decline_end(&ring, 0); // again does no harm
    rpc_decline_begin(&ring, 0, ENDPOINTS[0]); // and gone once more
    rpc_decline_receive(&ring);
    CHECK(at[0].receives);
    // A call that was just before it is in hand, and is answered.
    cancel_is_late = true;
    rpc_decline_end(&ring, 0);
    arrive(0, 0x20001, 0);
    take();
    REQUIRE(rpc_decline_in_hand(&ring, &number));
    rpc_decline_answer(&ring, number, "it is being started");
    CHECK_EQ(seen.token, 0x20001);
    CHECK(!rpc_decline_idles(&ring));
    rpc_ring_destroy(&ring);
}

TEST(whoever_cannot_take_a_text_gets_the_status_alone_and_whoever_is_gone_nothing) {
    uint32_t number;
    begin_declining();
    rpc_decline_begin(&ring, 0, ENDPOINTS[0]);
    rpc_decline_receive(&ring);
    answer_comes_to[0] = STATUS_TOO_LARGE;
    answer_comes_to[2] = STATUS_NO_CALLER;
    arrive(0, 0x10000, 0);
    take();
    REQUIRE(rpc_decline_in_hand(&ring, &number));
    rpc_decline_answer(&ring, number, "too long for it");
    REQUIRE(rpc_decline_in_hand(&ring, &number)); // it waits yet
    rpc_decline_answer(&ring, number, "too long for it");
    CHECK_EQ(seen.info, message_info(RPC_DISCONNECTED, 0, 0, 0));
    CHECK(!rpc_decline_in_hand(&ring, &number));
    CHECK_EQ(declines[0].refused, 1);
    rpc_decline_receive(&ring);
    arrive(0, 0x10001, 0);
    take();
    REQUIRE(rpc_decline_in_hand(&ring, &number));
    rpc_decline_answer(&ring, number, "who has gone");
    CHECK(!rpc_decline_in_hand(&ring, &number));
    CHECK_EQ(declines[0].refused, 1);
    CHECK(rpc_decline_idles(&ring));
    rpc_ring_destroy(&ring);
}

TEST(calls_go_over_the_same_ring_meanwhile) {
    struct capnp_struct results;
    begin_declining();
    rpc_decline_begin(&ring, 0, ENDPOINTS[0]);
    rpc_decline_begin(&ring, 1, ENDPOINTS[1]);
    rpc_decline_receive(&ring);
    const struct rpc_promise sums[CALLS] = {submit_of(&ring, &add, rpc_target((handle_t){9}), 1, 2), submit_of(&ring, &add, rpc_target((handle_t){9}), 3, 4),
                                            submit_of(&ring, &add, rpc_target((handle_t){9}), 5, 6)};
    arrive(1, 0x10000, 0);
    for (uint32_t i = 0; i < CALLS; i++) {
        REQUIRE(status_ok(rpc_flush(&ring)));
        REQUIRE(status_ok(rpc_take(&ring, sums[i], DEADLINE_POLL, &results)));
        CHECK_EQ(capnp_get_u64(results, 0), 4 * i + 3);
        rpc_drop(&ring, sums[i]);
    }
    uint32_t number;
    REQUIRE(rpc_decline_in_hand(&ring, &number));
    CHECK_EQ(number, 1);
    CHECK(at[0].receives);
    rpc_ring_destroy(&ring);
}
