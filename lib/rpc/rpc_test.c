// Both sides of a contract's call (lib/rpc/play.h). What is laid into messages is checked against docs/decisions/contract-calls.md
// by hand.
#include "lib/rpc/play.h"

TEST(small_ones_travel_in_registers) {
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    CHECK(status_ok(call_add(&call, 2, 3, &sum)));
    CHECK_EQ(sum, 5);
    CHECK_EQ(message_label(play.answer.info), 0);
    CHECK_EQ(play.answer.words[0], 1u << 16);
    CHECK_EQ(play.answer.words[1], 5);
    CHECK_EQ(message_page_bytes(play.answer.info), 0);
}

TEST(a_stub_of_numbers_says_the_same_as_a_call_that_is_begun_and_finished) {
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    REQUIRE(status_ok(call_add(&call, 2, 3, &sum)));
    const struct tess_message begun = play.asked, answer_to_it = play.answer;
    REQUIRE(status_ok(stub_add(&call, 2, 3, &sum)));
    CHECK_EQ(sum, 5);
    CHECK_EQ(play.asked.info, begun.info);
    CHECK_MEM_EQ(play.asked.words, begun.words, sizeof(play.asked.words));
    CHECK_MEM_EQ(play.answer.words, answer_to_it.words, sizeof(play.answer.words));
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
    CHECK(status_ok(stub_of(&(struct rpc_method){INTERFACE, 4, true, {0, 0, true}, {0, 1, false}, false}, &call, 0, 0, &results)));
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(results, 0)).bytes, "as it was"); // in the page
    CHECK_EQ(stub_of(&(struct rpc_method){INTERFACE, 99, false, {2, 0, true}, {1, 0, true}, false}, &call, 0, 0, nullptr).code,
             RPC_UNIMPLEMENTED);
}

TEST(a_stub_and_a_service_may_know_other_versions) {
    begin();
    RPC_CALL(call);
    struct capnp_struct results;
    // A client whose schema has more parameters and results, and one whose schema has less.
    REQUIRE(status_ok(stub_of(&(struct rpc_method){INTERFACE, 0, true, {5, 0, true}, {3, 0, true}, false}, &call, 2, 3, &results)));
    CHECK_EQ(capnp_get_u64(results, 0), 5);
    CHECK_EQ(capnp_get_u64(results, 16), 0);
    REQUIRE(status_ok(stub_of(&(struct rpc_method){INTERFACE, 0, true, {1, 0, true}, {0, 0, true}, false}, &call, 2, 3, &results)));
    CHECK_EQ(capnp_get_u64(results, 0), 2); // kept, though the client does not know it
    // One that still has a capability among its parameters.
    struct capnp_struct_builder params =
        rpc_begin(&call, (handle_t){9}, &(struct rpc_method){INTERFACE, 0, false, {2, 1, true}, {1, 0, true}, false});
    capnp_put_u64(params, 0, 20);
    capnp_put_u64(params, 8, 22);
    capnp_set_handle(capnp_edit_pointer(params, 0), opened(41));
    REQUIRE(status_ok(rpc_finish(&call, DEADLINE_NEVER, &results)));
    CHECK_EQ(capnp_get_u64(results, 0), 42);
    CHECK(!play.open[41]);
}

TEST(an_answer_has_nothing_of_those_before) {
    const struct rpc_method wide = {INTERFACE, 0, true, {2, 0, true}, {5, 0, true}, false};
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    struct capnp_struct results;
    REQUIRE(status_ok(stub_add(&call, 20, 22, &sum)));
    for (int before = 0; before < 2; before++) {
        if (before == 0) { // a method with more results than the next
            capnp_put_u64(rpc_results(&play.server.request, &wide), 32, 0xbad);
        } else { // an answer with capabilities
            rpc_begin(&call, (handle_t){9}, &lend);
            REQUIRE(status_ok(rpc_finish(&call, DEADLINE_NEVER, &results)));
            CHECK(play.answer.words[6] != 0);
        }
        REQUIRE(status_ok(stub_add(&call, 1, 1, &sum)));
        for (uint32_t i = 2; i < MESSAGE_WORDS; i++) {
            CHECK_EQ(play.answer.words[i], 0);
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
    CHECK_EQ(play.asked.words[0], INTERFACE);
    CHECK_EQ(play.asked.words[1], 7);
    CHECK_EQ(play.asked.words[6], 42);
    CHECK_EQ(message_label(play.asked.info), 1u << 31 | 4u << 20 | 1u << 16 | 1);
    CHECK_EQ(message_handle_count(play.asked.info), 1);
    CHECK_EQ(message_move_mask(play.asked.info), 1);
}

TEST(a_request_carries_what_it_is_made_for) {
    begin();
    RPC_CALL(call);
    tess_set_cause(0x1234'5678'9abc);
    (void)rpc_begin(&call, (handle_t){9}, &lend);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, 0);
    CHECK_EQ(play.asked.words[7], 0x1234'5678'9abc);
    tess_set_cause(0);
    (void)rpc_begin(&call, (handle_t){9}, &lend);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, 0);
    CHECK_EQ(play.asked.words[7], 0);
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
    CHECK_EQ(play.kept.v, 42);
    CHECK(play.open[42]);  // kept by the service
    CHECK(!play.open[41]); // the service's copy was closed with the request; here both are one
    CHECK(!capnp_has(results, 0));
    const handle_t got = capnp_handle_at(capnp_get_pointer(results, 1));
    CHECK_EQ(got.v, 60);
    CHECK_EQ(message_handle_count(play.answer.info), 1);
    CHECK_EQ(message_move_mask(play.answer.info), 1);
    CHECK_EQ(play.answer.words[0], 2u << 20);
    CHECK_EQ(rpc_keep(&call, got).v, 60);
    rpc_end(&call);
    CHECK(play.open[60]);
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
        CHECK(play.open[60]);
    }
    CHECK_EQ(open_handles(), 0);
}

TEST(a_capability_whose_place_another_took_is_closed) {
    begin();
    RPC_CALL(call);
    struct capnp_struct results;
    play.gives_twice = true;
    struct capnp_struct_builder params = rpc_begin(&call, (handle_t){9}, &lend);
    capnp_give_handle(capnp_edit_pointer(params, 2), opened(41));
    capnp_give_handle(capnp_edit_pointer(params, 2), opened(42));
    CHECK(status_ok(rpc_finish(&call, DEADLINE_NEVER, &results)));
    CHECK_EQ(play.kept.v, 42);
    CHECK(!play.open[41]);
    CHECK_EQ(message_handle_count(play.answer.info), 1);
    CHECK_EQ(capnp_handle_at(capnp_get_pointer(results, 1)).v, 60);
    rpc_end(&call);
    CHECK_EQ(open_handles(), 1); // what the service keeps
}

TEST(longer_ones_travel_in_the_page) {
    begin();
    RPC_CALL(call);
    struct capnp_struct results;
    CHECK(status_ok(call_echo(&call, 11, "hello", (struct capnp_data){}, &results)));
    CHECK_EQ(capnp_get_u64(results, 0), 11);
    CHECK_STR_EQ(capnp_text_at(capnp_get_pointer(results, 0)).bytes, "hello");
    CHECK(message_page_bytes(play.answer.info) != 0);
    CHECK_EQ(play.answer.words[0], 0);
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
        CHECK_EQ(play.answer.words[0], 1u << 30);
        CHECK_EQ(message_handle_count(play.answer.info), 1);
    }
    CHECK(all_unmapped());
    CHECK_EQ(open_handles(), 0);
}

TEST(results_stay_in_the_page_unless_the_service_says_otherwise) {
    static uint8_t bytes[5000];
    begin();
    play.server.request.may_grow = false;
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
        CHECK_EQ(play.calls, 0);
    }
    CHECK(all_unmapped());
    CHECK_EQ(open_handles(), 0);
}

TEST(a_repeatable_call_finds_the_successor) {
    begin();
    RPC_CALL(call);
    uint64_t sum = 0;
    play.dying = 2;
    CHECK(status_ok(call_add(&call, 20, 22, &sum)));
    CHECK_EQ(sum, 42);
    CHECK_EQ(play.calls, 3);
    play.dying = 100;
    CHECK_EQ(call_add(&call, 1, 1, &sum).code, STATUS_PEER_DIED.code);
    CHECK_EQ(play.calls, 6);
    for (unsigned fails = 1; fails < 3; fails++) { // the same by a stub
        play.dying = fails;
        play.calls = 0;
        CHECK(status_ok(stub_add(&call, fails, 41, &sum)));
        CHECK_EQ(sum, 41 + fails);
        CHECK_EQ(play.calls, fails + 1);
    }
    play.dying = 100;
    play.calls = 0;
    CHECK_EQ(stub_add(&call, 1, 1, &sum).code, STATUS_PEER_DIED.code);
    CHECK_EQ(play.calls, 3);
    play.dying = 1;
    play.calls = 0;
    CHECK_EQ(stub_of(&(struct rpc_method){INTERFACE, 0, false, {2, 0, true}, {1, 0, true}, false}, &call, 1, 1, nullptr).code,
             STATUS_PEER_DIED.code); // not repeatable
    CHECK_EQ(play.calls, 1);
    play.dying = 1;
    play.calls = 0;
    rpc_begin(&call, (handle_t){9}, &lend); // nor this
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, STATUS_PEER_DIED.code);
    CHECK_EQ(play.calls, 1);
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
    static const struct rpc_method other = {INTERFACE + 1, 0, false, {0, 0, true}, {0, 0, true}, false};
    static const struct rpc_method beyond = {INTERFACE, 99, false, {0, 0, true}, {0, 0, true}, false};
    begin();
    RPC_CALL(call);
    rpc_begin(&call, (handle_t){9}, &other);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, (uint32_t)RPC_UNIMPLEMENTED);
    rpc_begin(&call, (handle_t){9}, &beyond);
    CHECK_EQ(rpc_finish(&call, DEADLINE_NEVER, nullptr).code, (uint32_t)RPC_UNIMPLEMENTED);
}
