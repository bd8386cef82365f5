// The service's side: what a client may send, and what may come of an answer.
#include "lib/rpc/play.h"

#include "lib/tess/syscall.h"

// One request as somebody hostile would send it; the label of the answer.
static uint32_t raw(uint32_t label, uint32_t page_bytes, uint32_t handles, const uint64_t words[MESSAGE_WORDS]) {
    play.request = (struct tess_message){.info = message_info(label, page_bytes, handles, 0) | MESSAGE_WANTS_REPLY};
    memcpy(play.request.words, words, sizeof(play.request.words));
    play.answered = false;
    serve();
    CHECK(play.answered);
    return message_label(play.answer.info);
}

TEST(malformed_requests_are_refused_and_the_service_goes_on) {
    uint64_t words[MESSAGE_WORDS] = {INTERFACE, 1, 2};
    begin();
    CHECK_EQ(raw(RPC_CONTRACT | 2u << 16, 0, 0, words), 0);                                // well-formed: add
    CHECK_EQ(play.answer.words[1], 3);
    CHECK_EQ(raw(0, 0, 0, words), (uint32_t)RPC_UNIMPLEMENTED);                            // the kernel's way to call
    CHECK_EQ(raw(2u << 16, 0, 0, words), STATUS_CODE_BAD_METHOD);
    CHECK_EQ(raw(RPC_CONTRACT | 1u << 24, 0, 0, words), (uint32_t)RPC_UNIMPLEMENTED);      // a bit that means nothing
    CHECK_EQ(raw(RPC_CONTRACT | 6u << 16, 0, 0, words), (uint32_t)RPC_INVALID_ARGUMENT);   // more words than there are
    CHECK_EQ(raw(RPC_CONTRACT | 1u << 20, 0, 0, words), (uint32_t)RPC_INVALID_ARGUMENT);   // a capability that is not there
    words[6] = opened(70).v;
    CHECK_EQ(raw(RPC_CONTRACT, 0, 1, words), (uint32_t)RPC_INVALID_ARGUMENT);              // one that nothing points to
    CHECK(!play.open[70]);
    words[6] = 0;
    CHECK_EQ(raw(RPC_CONTRACT | 2, 12, 0, words), (uint32_t)RPC_INVALID_ARGUMENT);         // not whole words
    CHECK_EQ(raw(RPC_CONTRACT | 2 | 1u << 16, 16, 0, words), (uint32_t)RPC_INVALID_ARGUMENT); // page and registers
    memset(play.page, 0xff, 64);
    CHECK_EQ(raw(RPC_CONTRACT | 2, 64, 0, words), (uint32_t)RPC_INVALID_ARGUMENT);         // a root that is no pointer
    memset(play.page, 0, 64);
    play.page[4] = 1;  // a struct of one word and two pointers, the second out of bounds: only the method sees it
    play.page[6] = 2;
    play.page[24] = 1; // a list, far beyond the page
    play.page[25] = 0x7f;
    play.page[28] = 2;
    play.page[29] = 1;
    CHECK_EQ(raw(RPC_CONTRACT | 2, 32, 0, words), (uint32_t)RPC_INVALID_ARGUMENT);
    words[1] = 8;
    CHECK_EQ(raw(RPC_CONTRACT | 2 | RPC_OUT_OF_BAND, 8, 0, words), (uint32_t)RPC_INVALID_ARGUMENT); // without a VMO
    CHECK_EQ(open_handles(), 0);
    words[1] = 20;
    words[2] = 22;
    CHECK_EQ(raw(RPC_CONTRACT | 2u << 16, 0, 0, words), 0);
    CHECK_EQ(play.answer.words[1], 42);
}

TEST(a_vmo_that_could_change_is_refused) {
    uint64_t vmo[MESSAGE_WORDS] = {64 * 1024};
    begin();
    for (int kind = 0; kind < 4; kind++) {
        uint64_t words[MESSAGE_WORDS] = {INTERFACE, 4096};
        vmo[0] = 4096;
        REQUIRE(status_ok(tess_invoke((handle_t){3}, ACCOUNT_CREATE_RESIZABLE_VMO, vmo)));
        words[6] = vmo[6];
        play.vmos[0].foreign_writer = kind == 0;
        play.vmos[0].committed_bytes = kind == 1 ? 0 : 4096;
        words[1] = kind == 2 ? 4096ull * 4 : kind == 3 ? 4095 : 4096;
        memset(play.page, 0, 8);
        CHECK_EQ(raw(RPC_CONTRACT | 2 | RPC_OUT_OF_BAND, 8, 1, words), (uint32_t)RPC_INVALID_ARGUMENT);
        CHECK(all_unmapped());
        CHECK_EQ(open_handles(), 0);
    }
}

TEST(an_answer_that_cannot_be_delivered_is_replaced) {
    begin();
    RPC_CALL(call);
    play.answer_status = STATUS_NO_HANDLES;
    rpc_begin(&call, (handle_t){9}, &lend);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, STATUS_NO_HANDLES.code);
    CHECK_EQ(open_handles(), 0); // what was to be given away, too
    CHECK_EQ(play.server.undelivered, 1);
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
    CHECK(!play.open[42]); // given up when the answer was on its way
}

TEST(a_handle_that_is_none_spoils_one_answer_and_not_the_service) {
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    CHECK_EQ(call_pass(&call, 1, nullptr).code, (uint32_t)RPC_FAILED);
    CHECK_EQ(play.server.undelivered, 1);
    CHECK_EQ(open_handles(), 0);
    CHECK(status_ok(call_add(&call, 20, 22, &sum)));
}

TEST(an_answer_may_be_given_before_the_next_receive) {
    begin();
    play.at_once = true;
    RPC_CALL(call);
    uint64_t sum = 0;
    CHECK(status_ok(call_add(&call, 20, 22, &sum)));
    CHECK_EQ(sum, 42);
    CHECK_EQ(call_add(&call, 13, 0, &sum).code, RPC_FAILED);
    struct capnp_struct results;
    CHECK(status_ok(call_echo(&call, 11, "hello", (struct capnp_data){}, &results)));
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(results, 0)).bytes, "hello");
    play.answer_status = STATUS_NO_HANDLES;
    rpc_begin(&call, (handle_t){9}, &lend);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, STATUS_NO_HANDLES.code);
    rpc_end(&call);
    CHECK_EQ(open_handles(), 0);
    CHECK_EQ(play.server.undelivered, 1);
}

// The request that the service gets with its answer to the one before.
static void queue(uint32_t label, uint64_t flags, uint64_t a, uint64_t b) {
    play.queued = (struct tess_message){.info = label | flags, .words = {INTERFACE, a, b}};
}

static enum rpc_arrival serve_one(void) {
    rpc_server_done(&play.server, dispatch(&play.server.request));
    return rpc_server_next(&play.server, DEADLINE_NEVER);
}

TEST(what_comes_with_an_answer_is_seen) {
    begin();
    queue(RPC_CONTRACT | 2u << 16, MESSAGE_WANTS_REPLY, 1, 2);
    play.request = play.queued;
    REQUIRE(rpc_server_next(&play.server, DEADLINE_NEVER) == RPC_REQUEST);
    queue(RPC_CONTRACT | 2u << 16, MESSAGE_WANTS_REPLY, 20, 22);
    REQUIRE(serve_one() == RPC_REQUEST);
    CHECK_EQ(play.answer.words[1], 3);
    queue(RPC_CONTRACT | 6u << 16, MESSAGE_WANTS_REPLY, 0, 0); // malformed: refused, and there is nobody then
    CHECK_EQ(serve_one(), RPC_TIMEOUT);
    CHECK_EQ(message_label(play.answer.info), RPC_INVALID_ARGUMENT);
    CHECK_EQ(play.server.malformed, 1);

    play.request.info = RPC_CONTRACT | 2u << 16; // by somebody who does not wait
    play.answered = false;
    REQUIRE(rpc_server_next(&play.server, DEADLINE_NEVER) == RPC_REQUEST);
    CHECK(!rpc_wants_answer(&play.server.request));
    play.request.info = 0;
    CHECK_EQ(serve_one(), RPC_TIMEOUT);
    CHECK(!play.answered);

    play.request.info = RPC_CONTRACT | 2u << 16 | MESSAGE_WANTS_REPLY;
    play.answered = false;
    REQUIRE(rpc_server_next(&play.server, DEADLINE_NEVER) == RPC_REQUEST);
    queue(0, MESSAGE_NOTIFICATION, 0, 0);
    play.queued.words[0] = 6;
    CHECK_EQ(serve_one(), RPC_SIGNAL);
    CHECK_EQ(play.server.bits, 6);
    play.answered = false;
    CHECK_EQ(rpc_server_next(&play.server, DEADLINE_NEVER), RPC_REQUEST);
    CHECK(!play.answered); // the answer is not given twice
    play.request.info = 0;
    play.answer_status = STATUS_NO_CALLER; // who asked is gone when it is answered
    CHECK_EQ(serve_one(), RPC_TIMEOUT);
    CHECK_EQ(play.server.undelivered, 1);
}

TEST(a_text_is_of_one_exception_only) {
    char text[RPC_TEXT_BYTES];
    begin();
    RPC_CALL(call);
    play.request = (struct tess_message){.info = RPC_CONTRACT | 2u << 16 | MESSAGE_WANTS_REPLY, .words = {INTERFACE, 1, 1}};
    REQUIRE(rpc_server_next(&play.server, DEADLINE_NEVER) == RPC_REQUEST);
    play.request.info = 0;
    const status_t refused = rpc_refuse(&play.server.request, RPC_FAILED, "a secret");
    CHECK_EQ(refused.code, RPC_FAILED);
    rpc_server_done(&play.server, dispatch(&play.server.request)); // it was no refusal after all
    REQUIRE(rpc_server_next(&play.server, DEADLINE_NEVER) == RPC_TIMEOUT);
    CHECK_EQ(play.answer.words[1], 2);
    rpc_begin(&call, (handle_t){9}, &silent);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, STATUS_NO_MEMORY.code);
    CHECK_STR_EQ(rpc_exception_text(&call, text), "");
}

TEST(a_request_may_be_shown_to_several_interfaces) {
    begin();
    play.request = (struct tess_message){.info = RPC_CONTRACT | 2u << 16 | MESSAGE_WANTS_REPLY, .words = {INTERFACE, 20, 22}};
    REQUIRE(rpc_server_next(&play.server, DEADLINE_NEVER) == RPC_REQUEST);
    play.request.info = 0;
    CHECK_EQ(rpc_unimplemented(&play.server.request).code, RPC_UNIMPLEMENTED); // the first has no such method
    CHECK_EQ(serve_one(), RPC_TIMEOUT);
    CHECK_EQ(play.answer.words[1], 42);
}

TEST(a_service_that_makes_no_results_has_failed) {
    begin();
    play.request = (struct tess_message){.info = RPC_CONTRACT | 2u << 16 | MESSAGE_WANTS_REPLY, .words = {INTERFACE, 1, 1}};
    REQUIRE(rpc_server_next(&play.server, DEADLINE_NEVER) == RPC_REQUEST);
    play.request.info = 0;
    rpc_server_done(&play.server, STATUS_OK);
    CHECK_EQ(rpc_server_next(&play.server, DEADLINE_NEVER), RPC_TIMEOUT);
    CHECK_EQ(message_label(play.answer.info), RPC_FAILED);
}

TEST(malformed_requests_do_not_put_off_the_deadline) {
    begin();
    play.request.info = message_info(RPC_CONTRACT, 4, 0, 0) | MESSAGE_WANTS_REPLY; // half a word
    play.answered = false;
    play.now_ns = 1000;
    CHECK_EQ(rpc_server_next(&play.server, 1000), RPC_TIMEOUT);
    CHECK(play.only_answered); // or else a flood of them would go on being received
    CHECK_EQ(message_label(play.answer.info), RPC_INVALID_ARGUMENT);
    CHECK_EQ(play.server.malformed, 1);
}

TEST(an_answer_may_come_later) {
    begin();
    struct rpc_call call = {};
    rpc_begin(&call, (handle_t){9}, &later);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, STATUS_TIMED_OUT.code); // not yet
    CHECK(play.deferred.reply.v != 0);
    static struct rpc_answer out;
    capnp_put_u64(rpc_answer_begin(&out, &play.deferred), 0, 99);
    CHECK_EQ(play.deferred.reply.v, 0);
    rpc_answer_send(&out);
    CHECK(play.answered);
    CHECK_EQ(play.answer.words[1], 99);
    CHECK_EQ(open_handles(), 0);
    rpc_end(&call);
}

TEST(a_send_is_answered_by_nobody) {
    begin();
    RPC_CALL(call);
    capnp_put_u64(rpc_begin(&call, (handle_t){9}, &add), 0, 4);
    CHECK(status_ok(rpc_send(&call, DEADLINE_NEVER)));
    CHECK_EQ(play.sends, 1);
    CHECK(!play.answered);
}
