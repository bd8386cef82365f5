// Calls that come together, from the service's side: what a client may send.
#include "lib/rpc/play.h"

static struct rpc_chain_call calls[RPC_CHAIN_CALLS];
static uint64_t params[64];

static struct rpc_chain_call call_of(const struct rpc_method *method, uint8_t at, uint8_t words) {
    return (struct rpc_chain_call){.interface_id = INTERFACE,
                                   .label = RPC_CONTRACT | (uint32_t)words << RPC_WORDS_SHIFT | method->ordinal,
                                   .params_at = at,
                                   .params_words = words};
}

// `lend`, and what it returns adds: 20 and 22.
static void fill(void) {
    memset(calls, 0, sizeof(calls));
    calls[0] = call_of(&lend, 0, 1);
    calls[1] = call_of(&add, 1, 2);
    params[0] = 7;
    params[1] = 20;
    params[2] = 22;
}

static uint32_t ask(uint32_t label, uint32_t params_words, uint32_t count, uint32_t spare_bytes) {
    const uint32_t params_bytes = params_words * 8, calls_bytes = count * (uint32_t)sizeof(calls[0]);
    memcpy(play.page, params, params_bytes);
    memcpy(play.page + params_bytes, calls, calls_bytes);
    play.request = (struct tess_message){.info = message_info(label, params_bytes + calls_bytes - spare_bytes, 0, 0) | MESSAGE_WANTS_REPLY};
    play.answered = false;
    serve();
    CHECK(play.answered);
    return message_label(play.answer.info);
}

static uint32_t ask_two(void) {
    return ask(RPC_CONTRACT | RPC_CHAIN | 2, 3, 2, 0);
}

static uint32_t made(void) {
    return play.answer.words[0] >> RPC_CHAIN_MADE_SHIFT & 15;
}

TEST(calls_are_made_through_what_the_one_before_returned) {
    begin();
    fill();
    CHECK_EQ(ask_two(), 0);
    CHECK_EQ(made(), 2);
    CHECK_EQ(play.answer.words[1], 42);
    CHECK_EQ(play.badges, 1001); // and not the caller's, 77
    CHECK_EQ(open_handles(), 0);
    calls[0].keep = true;
    CHECK_EQ(ask_two(), 0);
    CHECK_EQ(message_handle_count(play.answer.info), 1);
    CHECK_EQ(message_page_bytes(play.answer.info), 8);
    CHECK_EQ(open_handles(), 1);
}

TEST(malformed_chains_are_refused_and_the_service_goes_on) {
    begin();
    fill();
    CHECK_EQ(ask(RPC_CONTRACT | RPC_CHAIN, 3, 0, 0), (uint32_t)RPC_INVALID_ARGUMENT);
    CHECK_EQ(ask(RPC_CONTRACT | RPC_CHAIN | 9, 3, 8, 0), (uint32_t)RPC_INVALID_ARGUMENT);
    CHECK_EQ(ask(RPC_CONTRACT | RPC_CHAIN | 0xffff, 3, 8, 0), (uint32_t)RPC_INVALID_ARGUMENT);
    CHECK_EQ(ask(RPC_CONTRACT | RPC_CHAIN | 8, 0, 7, 0), (uint32_t)RPC_INVALID_ARGUMENT); // truncated
    CHECK_EQ(ask(RPC_CONTRACT | RPC_CHAIN | 2, 3, 2, 4), (uint32_t)RPC_INVALID_ARGUMENT);
    CHECK_EQ(ask(RPC_CONTRACT | RPC_CHAIN | RPC_OUT_OF_BAND | 2, 3, 2, 0), (uint32_t)RPC_UNIMPLEMENTED);
    CHECK_EQ(ask(RPC_CHAIN | 2, 3, 2, 0), STATUS_CODE_BAD_ARGUMENT);
    for (unsigned way = 0; way < 9; way++) {
        fill();
        struct rpc_chain_call *call = &calls[way & 1];
        switch (way) {
        case 0: call->label = RPC_CONTRACT | RPC_CHAIN | 2; break; // a chain within a chain
        case 1: call->label &= ~RPC_CONTRACT; break;
        case 2: call->label |= 1u << RPC_CAPABILITIES_SHIFT; break;
        case 3: call->label |= RPC_OUT_OF_BAND; break;
        case 4: call->params_words = 4; break;
        case 5: call->params_at = 2; break; // beyond the parameters
        case 6: call->params_at = 255; break;
        case 7: call->through = MESSAGE_HANDLES; break;
        default: call->label |= 7u << RPC_WORDS_SHIFT; break;
        }
        CHECK_EQ(ask_two(), (uint32_t)RPC_INVALID_ARGUMENT);
        CHECK_EQ(play.answer.words[0], 0);
    }
    CHECK_EQ(play.lent, 0); // no method saw anything of it
    fill();
    CHECK_EQ(ask_two(), 0);
    CHECK_EQ(play.answer.words[1], 42);
}

TEST(a_chain_that_brings_capabilities_or_wants_no_answer_is_none) {
    begin();
    fill();
    memcpy(play.page, params, 24);
    memcpy(play.page + 24, calls, 32);
    play.request = (struct tess_message){.info = message_info(RPC_CONTRACT | RPC_CHAIN | 2, 56, 1, 0) | MESSAGE_WANTS_REPLY};
    play.request.words[6] = opened(70).v;
    serve();
    CHECK_EQ(message_label(play.answer.info), (uint32_t)RPC_INVALID_ARGUMENT);
    CHECK(!play.open[70]);
    memcpy(play.page, params, 24);
    memcpy(play.page + 24, calls, 32);
    play.request = (struct tess_message){.info = message_info(RPC_CONTRACT | RPC_CHAIN | 2, 56, 0, 0)};
    play.answered = false;
    play.now_ns = DEADLINE_NEVER; // or it would be received again and again
    serve();
    CHECK(!play.answered);
    CHECK_EQ(play.server.malformed, 2);
    CHECK_EQ(play.lent, 0);
}

// It gets no further than the client could by itself.
TEST(a_chain_ends_where_the_client_has_to_go_on) {
    for (unsigned way = 0; way < 3; way++) {
        begin();
        fill();
        play.gives_elsewhere = way == 0;
        calls[1].through = way == 1 ? 1 : 0; // there is no second
        if (way == 2) {
            calls[1] = call_of(&later, 0, 0);
        }
        CHECK_EQ(ask_two(), 0);
        CHECK_EQ(made(), 1);
        CHECK_EQ(play.adds, 0);
        CHECK_EQ(message_handle_count(play.answer.info), 1); // which it needs for that
        CHECK(play.open[60]);
        CHECK_EQ(open_handles(), 1);
    }
}

TEST(a_refusal_ends_a_chain) {
    begin();
    fill();
    params[1] = 13;
    calls[0].keep = true;
    calls[2] = call_of(&add, 1, 2);
    CHECK_EQ(ask(RPC_CONTRACT | RPC_CHAIN | 3, 3, 3, 0), (uint32_t)RPC_FAILED);
    CHECK_EQ(made(), 2);
    CHECK_EQ(play.adds, 1);
    CHECK_EQ(memcmp(play.page, "13 is not lucky", 15), 0);
    CHECK(play.open[60]);
    fill();
    calls[1] = call_of(&echo, 1, 1); // its parameters are a root that is no pointer
    calls[1].label = RPC_CONTRACT | echo.ordinal;
    params[1] = UINT64_MAX;
    CHECK_EQ(ask_two(), (uint32_t)RPC_INVALID_ARGUMENT);
    CHECK_EQ(made(), 2);
    CHECK_EQ(play.server.malformed, 1);
}

// The last call's results are numbers: what the one before it built is nobody's to give up any more.
TEST(an_answer_of_numbers_that_goes_nowhere_closes_what_was_kept_once) {
    for (unsigned keep = 0; keep < 2; keep++) {
        begin();
        fill();
        calls[0].keep = keep != 0;
        play.answer_status = STATUS_NO_CALLER;
        memcpy(play.page, params, 24);
        memcpy(play.page + 24, calls, 32);
        play.request = (struct tess_message){.info = message_info(RPC_CONTRACT | RPC_CHAIN | 2, 56, 0, 0) | MESSAGE_WANTS_REPLY};
        serve();
        CHECK_EQ(play.adds, 1);
        CHECK_EQ(play.server.undelivered, 1);
        CHECK_EQ(open_handles(), 0);
        CHECK_EQ(play.stale, 0);
    }
}

TEST(an_answer_to_a_chain_that_goes_nowhere_leaves_nothing) {
    static const status_t ways[] = {STATUS_NO_CALLER, STATUS_NO_HANDLES, STATUS_TOO_LARGE};
    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        begin();
        fill();
        calls[0].keep = true;
        calls[1] = call_of(&lend, 0, 1);
        play.answer_status = ways[i];
        memcpy(play.page, params, 24);
        memcpy(play.page + 24, calls, 32);
        play.request = (struct tess_message){.info = message_info(RPC_CONTRACT | RPC_CHAIN | 2, 56, 0, 0) | MESSAGE_WANTS_REPLY};
        serve();
        CHECK_EQ(play.lent, 2);
        CHECK_EQ(play.server.undelivered, 1);
        CHECK_EQ(open_handles(), 0);
    }
}
