// Promises of rings, as ring_test.c: what depends on an answer, how it gets to a server, and who closes the handles.
#include "kernel/arch/host/ring_scene.h"

// Calls that lead to each other: the first answer gives an endpoint, the call on that another, and so on.
TEST(promises_three_deep_with_fan_out) {
    set_scene(8, 6);
    const uint32_t first = put(taking(call_entry(1, scene.at_client), 1));
    const uint32_t second = put(taking(after(call_entry(2, 0), first, 0), 2));
    const uint32_t third = put(taking(after(call_entry(3, 0), second, 0), 3));
    put(after(call_entry(4, 0), third, 0));
    put(after(call_entry(5, 0), third, 0));
    put(after((struct ring_entry){.op = RING_RELEASE, .user_data = 6}, first, 0));
    enter(6, DEADLINE_NEVER);
    CHECK_EQ(scene.owner->state, THREAD_WAITING);
    receive_data(scene.at_server, 1);
    answer_with(scene.second_at_server);
    CHECK_EQ(scene.owner->state, THREAD_WAITING); // it went on without the owner
    receive_data(scene.second_at_server, 2);
    answer_with(scene.at_server);
    receive_data(scene.at_server, 3);
    answer_with(scene.second_at_server);
    receive_data(scene.second_at_server, 4);
    answer(0);
    receive_data(scene.second_at_server, 5);
    answer(0);
    REQUIRE(host_run(scene.owner));
    NEXT_IS(1, OK);
    NEXT_IS(6, OK);
    NEXT_IS(2, OK);
    NEXT_IS(3, OK);
    NEXT_IS(4, OK);
    NEXT_IS(5, OK);
    // An answer that is there already is as good.
    put(after(call_entry(7, 0), third, 0));
    submit();
    receive_data(scene.second_at_server, 7);
    clear_scene();
}

// At every depth: an answer without the handle, an error, a caller that cancels, a server that drops the call.
TEST(broken_promises_break_what_relies_on_them) {
    for (uint32_t way = 0; way < 4; way++) {
        for (uint32_t depth = 0; depth < 3; depth++) {
            set_scene(8, 6);
            uint32_t at = put(taking(call_entry(0, scene.at_client), 1));
            for (uint8_t i = 1; i < 4; i++) {
                at = put(taking(after(call_entry(i, 0), at, 0), i + 1));
            }
            submit();
            for (uint32_t i = 0; i < depth; i++) {
                receive_data(scene.at_server, i);
                answer_with(scene.at_server);
                NEXT_IS(i, OK);
            }
            receive_data(scene.at_server, depth);
            switch (way) {
            case 0: answer(0); break;
            case 1: answer(3); break;
            case 2:
                put((struct ring_entry){.op = RING_CANCEL, .user_data = 50, .words = {depth}});
                submit();
                break;
            default: receive(scene.at_server); // without an answer
            }
            const struct ring_completion completion = next();
            CHECK_EQ(completion.user_data, (uint64_t)depth);
            CHECK_EQ(completion.status, way < 2 ? 0 : way == 2 ? STATUS_CANCELED.code : STATUS_PEER_DIED.code);
            if (way == 2) {
                NEXT_IS(50, OK);
            }
            for (uint32_t i = depth + 1; i < 4; i++) {
                const struct ring_completion broken = next();
                CHECK_EQ(broken.user_data, (uint64_t)i);
                CHECK_EQ(broken.status, STATUS_PROMISE_BROKEN.code);
                CHECK_EQ(broken.info, (uint64_t)i - 1);
            }
            NOTHING_NEXT();
            clear_scene();
        }
    }
}

// Answers with words, or a copy of a handle, and receives in one system call.
static void answer_and_receive(uint64_t endpoint, uint64_t handle) {
    REQUIRE(host_run(scene.s0));
    host_syscall(SYS_REPLY_RECV, endpoint, message_info(0, 0, handle != 0, 0) | 1ull << MESSAGE_ACCEPT_SHIFT,
                 DEADLINE_NEVER, WORDS(100, 0, 0, 0, 0, 0, handle));
}

TEST(the_server_that_answers_is_called_by_what_depends_on_it) {
    set_scene(8, 4);
    const uint32_t first = put(taking(call_entry(1, scene.at_client), 1));
    put(after(call_entry(2, 0), first, 0));
    enter(2, DEADLINE_NEVER);
    receive_data(scene.at_server, 1);
    answer_and_receive(scene.at_server, scene.at_server);
    CHECK_EQ(host_user.thread, scene.s0);
    CHECK_EQ(host_user.words[0], 2u);
    CHECK_EQ(host_user.info, 5 | MESSAGE_WANTS_REPLY);
    answer_and_receive(scene.at_server, 0);
    CHECK_EQ(host_user.thread, scene.owner); // and so is the owner, at the end
    CHECK_EQ(host_user.words[0], 2u);
    CHECK_EQ(scene.s0->state, THREAD_RECEIVING);
    NEXT_IS(1, OK);
    CHECK_EQ(next().value, 100u);
    clear_scene();
}

TEST(what_depends_on_an_answer_passes_nobody) {
    set_scene(8, 4);
    const uint32_t first = put(taking(call_entry(1, scene.at_client), 1));
    put(call_entry(2, scene.at_client));
    put(after(call_entry(3, 0), first, 0));
    enter(3, DEADLINE_NEVER);
    receive_data(scene.at_server, 1);
    answer_and_receive(scene.at_server, scene.at_server);
    CHECK_EQ(host_user.words[0], 2u);
    answer_and_receive(scene.at_server, 0);
    CHECK_EQ(host_user.words[0], 3u);
    answer_and_receive(scene.second_at_server, 0); // it does not go on where the call came from
    CHECK_EQ(host_user.thread, scene.owner);
    CHECK_EQ(scene.s0->waiting_on != nullptr, true);
    clear_scene();
}

// What depends on the answer is more than the server takes: that fails, and the server waits.
TEST(what_the_server_does_not_accept_leaves_it_waiting) {
    set_scene(8, 4);
    const uint32_t first = put(taking(call_entry(1, scene.at_client), 1));
    struct ring_entry both = after(call_entry(2, 0), first, 0);
    both.buffer = 2;
    both.info |= message_info(0, 0, 2, 0);
    buffer(2)[6] = scene.account | scene.account << 32;
    put(both);
    enter(2, DEADLINE_NEVER);
    receive_data(scene.at_server, 1);
    answer_and_receive(scene.at_server, scene.at_server);
    CHECK_EQ(host_user.thread, scene.owner);
    CHECK_EQ(scene.s0->state, THREAD_RECEIVING);
    NEXT_IS(1, OK);
    NEXT_IS(2, TOO_LARGE);
    clear_scene();
}

TEST(a_handle_needs_no_buffer) {
    set_scene(8, 4);
    struct ring_entry entry = call_entry(1, scene.at_client);
    entry.info |= 1ull << MESSAGE_ACCEPT_SHIFT;
    const uint32_t first = put(entry);
    put(after(call_entry(2, 0), first, 0));
    submit();
    receive_data(scene.at_server, 1);
    answer_with(scene.at_server);
    const struct ring_completion completion = next();
    CHECK_EQ(completion.user_data, 1u);
    CHECK_EQ(completion.token != 0, true);
    receive_data(scene.at_server, 2);
    answer(0);
    CHECK_EQ(next().token, 0u); // it brought none
    put((struct ring_entry){.op = RING_RELEASE, .target = completion.token, .user_data = 3});
    submit();
    NEXT_IS(3, OK);
    clear_scene();
}

// Whether the owner's handle is (still) good; it is closed then.
static bool release(uint32_t handle) {
    put((struct ring_entry){.op = RING_RELEASE, .target = handle, .user_data = 99});
    submit();
    const struct ring_completion completion = next();
    CHECK_EQ(completion.user_data, 99u);
    return completion.status == 0;
}

static struct ring_entry closing(struct ring_entry entry) {
    entry.flags |= RING_CLOSE;
    return entry;
}

TEST(the_last_call_closes_the_handle) {
    for (uint32_t way = 0; way < 3; way++) {
        set_scene(8, 4);
        struct ring_entry entry = call_entry(1, scene.at_client);
        entry.info |= 1ull << MESSAGE_ACCEPT_SHIFT;
        const uint32_t first = put(entry);
        put(closing(after(call_entry(2, 0), first, 0)));
        submit();
        receive_data(scene.at_server, 1);
        if (way == 2) { // ended while it was held: what the first brings is the program's
            put((struct ring_entry){.op = RING_CANCEL, .user_data = 3, .words = {2}});
            submit();
            NEXT_IS(2, CANCELED);
            NEXT_IS(3, OK);
        }
        answer_with(scene.at_server);
        const struct ring_completion completion = next();
        CHECK_EQ(completion.user_data, 1u);
        if (way < 2) {
            receive_data(scene.at_server, 2);
            answer(way); // whatever comes of it
            NEXT_IS(2, OK);
        }
        NOTHING_NEXT();
        CHECK_EQ(release(completion.token), way == 2);
        clear_scene();
    }
}

TEST(what_is_no_entry_closes_nothing) {
    set_scene(8, 4);
    put((struct ring_entry){.flags = RING_CLOSE, .target = (uint32_t)scene.at_client, .user_data = 1});
    struct ring_entry entry = closing(call_entry(2, scene.at_client));
    entry.buffer = 9;
    put(entry);
    put(closing(after(call_entry(3, 0), scene.submitted, 0)));
    submit();
    for (uint64_t i = 1; i <= 3; i++) {
        NEXT_IS(i, BAD_ARGUMENT);
    }
    put(closing(call_entry(4, 1)));
    put((struct ring_entry){.op = RING_RELEASE, .flags = RING_LINK, .target = 1, .user_data = 5});
    put(closing(call_entry(6, scene.at_client)));
    submit();
    NEXT_IS(4, BAD_HANDLE);
    NEXT_IS(5, BAD_HANDLE);
    NEXT_IS(6, CANCELED);
    CHECK_EQ(release((uint32_t)scene.at_client), false); // that was an entry, and is over
    clear_scene();
}
