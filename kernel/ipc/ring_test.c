// Rings, through the real system calls on the host port's machine: each operation, what entries mean for each other,
// and every way in which a request can end. What each test leaves behind is taken apart and must all have come back.
#include "kernel/arch/host/ring_scene.h"

// ---- tests -----------------------------------------------------------------------------------------

TEST(nops_complete_in_order_and_indices_wrap) {
    set_scene(4, 2);
    // Both sides' indices, as they are after so many entries.
    scene.ring->head = scene.submitted = UINT32_MAX - 6;
    scene.ring->header->submission_tail = scene.submitted;
    for (uint64_t i = 0; i < 20; i += 4) {
        for (uint64_t k = 0; k < 4; k++) {
            put((struct ring_entry){.user_data = i + k});
        }
        submit();
        CHECK_EQ(host_user.words[0], 4u);
        for (uint64_t k = 0; k < 4; k++) {
            NEXT_IS(i + k, OK);
        }
        NOTHING_NEXT();
    }
    CHECK_EQ(scene.ring->header->submission_head, scene.submitted);
    clear_scene();
}

TEST(a_full_completion_queue_takes_no_more_entries) {
    set_scene(4, 2);
    for (uint64_t i = 0; i < 3; i++) {
        for (uint64_t k = 0; k < 4; k++) {
            put((struct ring_entry){.user_data = 4 * i + k});
        }
        submit();
    }
    CHECK_EQ(scene.ring->header->submission_head, 8u);
    for (uint64_t i = 0; i < 8; i++) {
        NEXT_IS(i, OK);
    }
    NOTHING_NEXT();
    submit();
    for (uint64_t i = 8; i < 12; i++) {
        NEXT_IS(i, OK);
    }
    clear_scene();
}

TEST(call_and_answer) {
    set_scene(8, 4);
    put(call_entry(11, scene.at_client));
    put(call_entry(12, scene.at_client));
    enter(2, DEADLINE_NEVER);
    CHECK_EQ(scene.owner->state, THREAD_WAITING);
    receive(scene.at_server);
    CHECK_EQ(host_user.badge, BADGE);
    CHECK_EQ(host_user.info, 5 | MESSAGE_WANTS_REPLY);
    CHECK_MEM_EQ(host_user.words, WORDS(11, 2, 3, 4), sizeof(host_user.words));
    answer(0);
    CHECK_EQ(scene.owner->state, THREAD_WAITING);
    receive_data(scene.at_server, 12);
    answer(9);
    REQUIRE(host_run(scene.owner));
    CHECK_EQ(host_user.words[0], 2u);
    struct ring_completion completion = next();
    CHECK_EQ(completion.user_data, 11u);
    CHECK_EQ(completion.value, 100u);
    completion = next();
    CHECK_EQ(completion.status, 0u);
    CHECK_EQ(completion.info, 9u);
    clear_scene();
}

TEST(a_waiting_server_is_called_at_once) {
    set_scene(8, 4);
    receive(scene.at_server);
    put(call_entry(1, scene.at_client));
    enter(1, DEADLINE_NEVER);
    CHECK_EQ(host_user.thread != scene.owner, true);
    REQUIRE(host_run(scene.s0));
    CHECK_EQ(host_user.words[0], 1u);
    host_syscall(SYS_REPLY_RECV, scene.at_server, 0, DEADLINE_NEVER, WORDS(55));
    REQUIRE(host_run(scene.owner));
    CHECK_EQ(next().value, 55u);
    clear_scene();
}

TEST(bad_entries_fail_alone) {
    set_scene(16, 4);
    put((struct ring_entry){.op = RING_OP_COUNT, .user_data = 1});
    put((struct ring_entry){.flags = 4, .user_data = 2});
    put((struct ring_entry){.buffer = 1, .user_data = 3});
    put((struct ring_entry){.flags = RING_EARLIER, .user_data = 4});
    put((struct ring_entry){.op = RING_CALL, .buffer = 17, .user_data = 5});
    put((struct ring_entry){.op = RING_CALL, .info = 2ull << MESSAGE_ACCEPT_SHIFT, .user_data = 6}); // one has a place
    put((struct ring_entry){.op = RING_RECV, .info = 1ull << MESSAGE_ACCEPT_SHIFT, .user_data = 7});
    put((struct ring_entry){.op = RING_CALL, .index = 1, .user_data = 8});
    put(after(call_entry(9, 0), scene.submitted, 0));      // itself
    put(after(call_entry(10, 0), scene.submitted - 16, 0)); // too far back
    put((struct ring_entry){.op = RING_CALL, .buffer = 3, .target = (uint32_t)scene.at_client, // has no page
                            .info = message_info(0, 8, 0, 0), .user_data = 11});
    submit();
    for (uint64_t i = 1; i <= 11; i++) {
        NEXT_IS(i, BAD_ARGUMENT);
    }
    put(call_entry(1, 0));
    put((struct ring_entry){.op = RING_CALL, .target = (uint32_t)scene.vspace, .info = 99, .user_data = 2});
    put((struct ring_entry){.op = RING_RECV, .target = (uint32_t)scene.at_client, .user_data = 3});
    put((struct ring_entry){.op = RING_WAIT, .target = (uint32_t)scene.at_client, .user_data = 4});
    put((struct ring_entry){.op = RING_RELEASE, .target = 1, .user_data = 5});
    put((struct ring_entry){.op = RING_RETURN, .target = 1, .user_data = 6});
    put((struct ring_entry){.op = RING_PARK, .user_data = 7});
    put((struct ring_entry){.op = RING_CANCEL, .words = {99}, .user_data = 8});
    submit();
    NEXT_IS(1, BAD_HANDLE);
    NEXT_IS(2, BAD_METHOD);
    NEXT_IS(3, NO_RIGHT);
    NEXT_IS(4, WRONG_TYPE);
    NEXT_IS(5, BAD_HANDLE);
    NEXT_IS(6, NO_CALLER);
    NEXT_IS(7, BAD_ADDRESS);
    NEXT_IS(8, NOT_FOUND);
    clear_scene();
}

TEST(links_start_after_success_only) {
    set_scene(8, 4);
    struct ring_entry first = call_entry(1, scene.at_client), second = call_entry(2, scene.at_client);
    first.flags = second.flags = RING_LINK;
    put(first);
    put(second);
    put((struct ring_entry){.user_data = 3});
    put((struct ring_entry){.user_data = 4});
    submit();
    NEXT_IS(4, OK); // not in the chain
    NOTHING_NEXT();
    receive_data(scene.at_server, 1);
    answer(0);
    receive_data(scene.at_server, 2);
    NEXT_IS(1, OK);
    NOTHING_NEXT();
    answer(1); // a label that is not 0 is no success
    NEXT_IS(2, OK);
    NEXT_IS(3, CANCELED);
    // A failure goes along the whole chain, and no further.
    put((struct ring_entry){.op = RING_RELEASE, .target = 1, .flags = RING_LINK, .user_data = 5});
    put((struct ring_entry){.flags = RING_LINK, .user_data = 6});
    put((struct ring_entry){.user_data = 7});
    put((struct ring_entry){.user_data = 8});
    submit();
    NEXT_IS(5, BAD_HANDLE);
    NEXT_IS(6, CANCELED);
    NEXT_IS(7, CANCELED);
    NEXT_IS(8, OK);
    clear_scene();
}

TEST(revoked_targets) {
    set_scene(8, 4);
    uint64_t notification;
    REQUIRE(host_notification(scene.client, &notification) != nullptr);
    REQUIRE(host_run(scene.owner));
    CHECK_EQ(HOST_METHOD(scene.process, PROCESS_HANDLE_COPY, notification, UINT32_MAX).code, 0u);
    const uint64_t copy = host_user.words[0];
    put((struct ring_entry){.op = RING_WAIT, .target = (uint32_t)copy, .user_data = 1, .deadline_ns = DEADLINE_NEVER});
    submit();
    NOTHING_NEXT();
    REQUIRE(host_run(scene.owner));
    CHECK_EQ(HOST_METHOD(scene.process, PROCESS_HANDLE_REVOKE, notification).code, 0u);
    NEXT_IS(1, REVOKED);
    clear_scene();
}

// Methods of kernel objects: their results are promised, too, and only the owner carries them out.
TEST(methods_of_kernel_objects) {
    set_scene(8, 4);
    struct ring_entry create = call_entry(1, scene.account);
    create.info = ACCOUNT_CREATE_NOTIFICATION;
    create.words[1] = 0;
    const uint32_t made = put(create);
    put(after((struct ring_entry){.op = RING_WAIT, .user_data = 2, .deadline_ns = DEADLINE_POLL}, made, 0));
    put(after((struct ring_entry){.op = RING_RELEASE, .user_data = 3}, made, 0));
    put(after((struct ring_entry){.op = RING_RELEASE, .user_data = 4}, made, 1));
    submit();
    NEXT_IS(1, OK);
    NEXT_IS(2, TIMED_OUT);
    NEXT_IS(3, OK);
    NEXT_IS(4, PROMISE_BROKEN);
    // Held for a service's answer, and then the owner's to carry out.
    const uint32_t asked = put(taking(call_entry(5, scene.at_client), 1));
    struct ring_entry bind = after(call_entry(6, 0), asked, 0);
    bind.info = NOTIFICATION_BIND;
    bind.words[0] = 0;
    put(bind);
    enter(2, DEADLINE_NEVER);
    receive_data(scene.at_server, 5);
    uint64_t notification;
    REQUIRE(host_notification(scene.server, &notification) != nullptr);
    answer_with(notification);
    REQUIRE(host_run(scene.owner));
    CHECK_EQ(host_user.words[0], 2u);
    NEXT_IS(5, OK);
    NEXT_IS(6, OK);
    clear_scene();
}

TEST(a_ring_cannot_make_a_ring) {
    set_scene(8, 4);
    struct ring_entry create = taking(call_entry(1, scene.account), 1);
    create.info = ACCOUNT_CREATE_RING;
    memcpy(buffer(1), WORDS(4, 4, 0, 0, scene.vspace), 64);
    put(create);
    submit();
    NEXT_IS(1, BAD_STATE);
    CHECK_EQ(HOST_METHOD(scene.account, ACCOUNT_CREATE_RING, 4, 4, 0, 0, scene.vspace).code, STATUS_IN_USE.code);
    clear_scene();
}

TEST(receive_and_return) {
    set_scene(8, 4);
    const uint64_t own = host_give(scene.client, &scene.endpoint->object, RIGHT_RECEIVE_BIT | RIGHT_SEND_BIT, 0);
    put((struct ring_entry){.op = RING_RECV, .target = (uint32_t)own, .user_data = 1, .buffer = 2,
                            .deadline_ns = DEADLINE_NEVER});
    submit();
    REQUIRE(host_run(scene.other));
    host_syscall(SYS_CALL, scene.at_client, 3, DEADLINE_NEVER, WORDS(1, 2, 3, 4, 5, 6, 7, 8));
    struct ring_completion completion = next();
    CHECK_EQ(completion.user_data, 1u);
    CHECK_EQ(completion.info, 3 | MESSAGE_WANTS_REPLY);
    CHECK_EQ(completion.value, BADGE);
    CHECK(completion.token != 0);
    CHECK_MEM_EQ(buffer(2), WORDS(1, 2, 3, 4, 5, 6, 7, 8), 64);
    put((struct ring_entry){.op = RING_RETURN, .target = completion.token + (1u << 16), .user_data = 2});
    put((struct ring_entry){.op = RING_RETURN, .target = completion.token, .user_data = 3, .info = 9, .words = {42}});
    put((struct ring_entry){.op = RING_RETURN, .target = completion.token, .user_data = 4, .info = 9});
    submit();
    NEXT_IS(2, NO_CALLER);
    NEXT_IS(3, OK);
    NEXT_IS(4, NO_CALLER);
    REQUIRE(host_run(scene.other));
    CHECK_EQ(host_user.info, 9u);
    CHECK_EQ(host_user.words[0], 42u);
    // A send needs no answer, and a call from the ring to itself is possible.
    put((struct ring_entry){.op = RING_RECV, .target = (uint32_t)own, .user_data = 5, .deadline_ns = DEADLINE_NEVER});
    put(call_entry(6, own));
    submit();
    completion = next();
    CHECK_EQ(completion.user_data, 5u);
    put((struct ring_entry){.op = RING_RETURN, .target = completion.token, .user_data = 7});
    submit();
    NEXT_IS(6, OK);
    NEXT_IS(7, OK);
    put((struct ring_entry){.op = RING_RECV, .target = (uint32_t)own, .user_data = 8, .deadline_ns = DEADLINE_NEVER});
    submit();
    REQUIRE(host_run(scene.other));
    host_syscall(SYS_SEND, scene.at_client, 3, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(next().token, 0u);
    clear_scene();
}

// One entry answers and receives again, with all requests in use.
TEST(return_and_receive_again) {
    set_scene(8, 1);
    const uint64_t own = host_give(scene.client, &scene.endpoint->object, RIGHT_RECEIVE_BIT | RIGHT_SEND_BIT, 0);
    put((struct ring_entry){.op = RING_RECV, .target = (uint32_t)own, .user_data = 1, .deadline_ns = DEADLINE_NEVER});
    submit();
    for (uint64_t i = 1; i <= 3; i++) {
        REQUIRE(host_run(scene.other));
        host_syscall(SYS_CALL, scene.at_client, 3, DEADLINE_NEVER, WORDS(i));
        const struct ring_completion completion = next();
        CHECK_EQ(completion.user_data, i);
        CHECK_EQ(completion.info, 3 | MESSAGE_WANTS_REPLY);
        put((struct ring_entry){.op = RING_RETURN, .flags = RING_AGAIN, .target = completion.token, .user_data = i + 1,
                                .info = 7, .words = {i * 10}, .deadline_ns = DEADLINE_NEVER});
        put((struct ring_entry){.op = RING_RETURN, .flags = RING_AGAIN, .target = completion.token, .user_data = 50});
        submit();
        NEXT_IS(50, NO_CALLER);
        NOTHING_NEXT();
        REQUIRE(host_run(scene.other));
        CHECK_EQ(host_user.words[0], i * 10);
        CHECK_EQ(host_user.info, 7u);
    }
    // What its failures leave, and a wait that may not be.
    host_syscall(SYS_CALL, scene.at_client, 3, DEADLINE_NEVER, NO_WORDS);
    struct ring_entry again = {.op = RING_RETURN, .flags = RING_AGAIN, .target = next().token, .user_data = 5,
                               .info = MESSAGE_NOTIFICATION};
    put(again);
    submit();
    NEXT_IS(5, BAD_ARGUMENT); // the caller waits on
    again.user_data = 7;
    again.info = 0;
    put(again);
    submit();
    NEXT_IS(7, TIMED_OUT);
    clear_scene();
}

// A caller that gave up meanwhile, and a ring that ends with callers unanswered.
TEST(unanswered_callers) {
    set_scene(8, 4);
    const uint64_t own = host_give(scene.client, &scene.endpoint->object, RIGHT_RECEIVE_BIT | RIGHT_SEND_BIT, 0);
    put((struct ring_entry){.op = RING_RECV, .target = (uint32_t)own, .user_data = 1, .deadline_ns = DEADLINE_NEVER});
    submit();
    REQUIRE(host_run(scene.other));
    host_syscall(SYS_CALL, scene.at_client, 3, host_cycles + 1000, NO_WORDS);
    const struct ring_completion completion = next();
    CHECK(host_wait_for_timer());
    put((struct ring_entry){.op = RING_RETURN, .target = completion.token, .user_data = 2});
    submit();
    NEXT_IS(2, NO_CALLER);
    put((struct ring_entry){.op = RING_RECV, .target = (uint32_t)own, .user_data = 3, .deadline_ns = DEADLINE_NEVER});
    submit();
    REQUIRE(host_run(scene.other));
    host_syscall(SYS_CALL, scene.at_client, 3, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(next().user_data, 3u);
    REQUIRE(host_run(scene.owner));
    CHECK_EQ(HOST_METHOD(scene.process, PROCESS_HANDLE_CLOSE, scene.ring_handle).code, 0u);
    scene.ring = nullptr;
    host_settle();
    REQUIRE(host_run(scene.other));
    CHECK_EQ(host_user.status, STATUS_PEER_DIED.code);
    clear_scene();
}

TEST(wait_and_bind) {
    set_scene(8, 4);
    uint64_t notification, bound;
    struct notification *object = host_notification(scene.client, &notification);
    struct notification *told = host_notification(scene.client, &bound);
    REQUIRE(object != nullptr && told != nullptr);
    CHECK_EQ(HOST_METHOD(scene.ring_handle, RING_BIND, bound, 4).code, 0u);
    told->bits = 0;
    put((struct ring_entry){.op = RING_WAIT, .target = (uint32_t)notification, .user_data = 1,
                            .deadline_ns = DEADLINE_NEVER});
    submit();
    CHECK_EQ(told->bits, 0u);
    REQUIRE(host_run(scene.other));
    host_syscall(SYS_SIGNAL, notification, 0, 0, WORDS(6));
    const struct ring_completion completion = next();
    CHECK_EQ(completion.user_data, 1u);
    CHECK_EQ(completion.value, 6u);
    CHECK_EQ(told->bits, 4u);
    told->bits = 0;
    put((struct ring_entry){.user_data = 2});
    submit();
    CHECK_EQ(told->bits, 4u);
    REQUIRE(host_run(scene.owner));
    CHECK_EQ(HOST_METHOD(scene.ring_handle, RING_BIND, 0, 0).code, 0u);
    clear_scene();
}

TEST(timeouts) {
    set_scene(8, 6);
    put((struct ring_entry){.op = RING_TIMEOUT, .user_data = 1, .flags = RING_LINK, .deadline_ns = host_cycles + 1000});
    put((struct ring_entry){.user_data = 2});
    struct ring_entry impatient = call_entry(3, scene.at_client);
    impatient.deadline_ns = host_cycles + 2000;
    const uint32_t call = put(taking(impatient, 1));
    struct ring_entry held = after(call_entry(4, 0), call, 0);
    held.deadline_ns = host_cycles + 1500; // runs while it is held
    put(held);
    const uint32_t patient = put(call_entry(5, scene.at_client));
    put(after((struct ring_entry){.op = RING_TIMEOUT, .user_data = 6, .deadline_ns = host_cycles + 3000}, patient, 0));
    enter(6, DEADLINE_NEVER);
    CHECK(host_wait_for_timer());
    NEXT_IS(1, OK);
    NEXT_IS(2, OK);
    CHECK(host_wait_for_timer());
    NEXT_IS(4, TIMED_OUT);
    CHECK(host_wait_for_timer());
    NEXT_IS(3, TIMED_OUT);
    CHECK(host_wait_for_timer());
    NEXT_IS(5, TIMED_OUT);
    NEXT_IS(6, OK);
    // What is over before its time.
    const uint32_t quick = put(call_entry(7, scene.at_client));
    put(after((struct ring_entry){.op = RING_TIMEOUT, .user_data = 8, .deadline_ns = host_cycles + 3000}, quick, 0));
    submit();
    receive_data(scene.at_server, 7);
    answer(0);
    NEXT_IS(7, OK);
    NEXT_IS(8, CANCELED);
    // One that is linked to another waits for that, and for its time.
    struct ring_entry linked = call_entry(10, scene.at_client);
    linked.flags = RING_LINK;
    put(linked);
    put((struct ring_entry){.op = RING_TIMEOUT, .user_data = 11, .deadline_ns = host_cycles + 3000});
    submit();
    receive_data(scene.at_server, 10);
    answer(0);
    NEXT_IS(10, OK);
    NOTHING_NEXT();
    CHECK(host_wait_for_timer());
    NEXT_IS(11, OK);
    // And the owner's own wait.
    put(call_entry(9, scene.at_client));
    enter(1, host_cycles + 500);
    CHECK(host_wait_for_timer());
    REQUIRE(host_run(scene.owner));
    CHECK_EQ(host_user.status, STATUS_TIMED_OUT.code);
    enter(1, DEADLINE_POLL);
    CHECK_EQ(host_user.status, STATUS_TIMED_OUT.code);
    clear_scene();
}

TEST(cancel_in_every_phase) {
    set_scene(16, 8);
    uint64_t notification;
    REQUIRE(host_notification(scene.client, &notification) != nullptr);
    put(call_entry(1, scene.at_client));
    put(call_entry(2, scene.at_client));
    receive(scene.at_server);
    submit();
    REQUIRE(host_run(scene.s0)); // 1 awaits its answer, 2 is queued
    put((struct ring_entry){.op = RING_WAIT, .target = (uint32_t)notification, .user_data = 3, .deadline_ns = DEADLINE_NEVER});
    put(after(call_entry(4, 0), 0, 0));
    put((struct ring_entry){.op = RING_TIMEOUT, .user_data = 5, .deadline_ns = host_cycles + 3000});
    for (uint64_t i = 1; i <= 5; i++) {
        put((struct ring_entry){.op = RING_CANCEL, .user_data = 10 + i, .words = {6 - i}});
    }
    submit();
    for (uint64_t i = 5; i >= 1; i--) {
        NEXT_IS(i, CANCELED);
        NEXT_IS(16 - i, OK);
    }
    NOTHING_NEXT();
    REQUIRE(host_run(scene.s0));
    host_syscall(SYS_REPLY_RECV, 0, 0, DEADLINE_POLL, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_NO_CALLER.code);
    clear_scene();
}

TEST(as_many_as_there_are_requests) {
    set_scene(8, 2);
    for (uint64_t i = 0; i < 4; i++) {
        put(call_entry(i, scene.at_client));
    }
    enter(4, DEADLINE_NEVER); // not for ever: only two can come
    CHECK_EQ(scene.ring->header->submission_head, 2u);
    for (uint64_t i = 0; i < 2; i++) {
        receive_data(scene.at_server, i);
        answer(0);
    }
    REQUIRE(host_run(scene.owner));
    CHECK_EQ(host_user.words[0], 2u);
    submit();
    CHECK_EQ(scene.ring->header->submission_head, 4u);
    clear_scene();
}

TEST(enter_is_refused) {
    set_scene(4, 2);
    put((struct ring_entry){.user_data = 1});
    REQUIRE(host_run(scene.other));
    host_syscall(SYS_RING_ENTER, scene.ring_handle, 1, DEADLINE_POLL, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_NOT_ALLOWED.code);
    REQUIRE(host_run(scene.owner));
    host_syscall(SYS_RING_ENTER, scene.ring_handle, 5, DEADLINE_POLL, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_BAD_ARGUMENT.code);
    scene.ring->header->submission_tail = 5;
    enter(0, DEADLINE_POLL);
    CHECK_EQ(host_user.status, STATUS_BAD_ARGUMENT.code);
    scene.ring->header->submission_tail = 1;
    scene.ring->header->completion_head = 1;
    enter(0, DEADLINE_POLL);
    CHECK_EQ(host_user.status, STATUS_BAD_ARGUMENT.code);
    scene.ring->header->completion_head = 0;
    submit();
    NEXT_IS(1, OK);
    clear_scene();
}

// The ring's end with requests in every phase: by its handle, by its owner, by its process.
TEST(ends) {
    for (uint32_t way = 0; way < 4; way++) {
        set_scene(16, 8);
        uint64_t notification;
        REQUIRE(host_notification(scene.client, &notification) != nullptr);
        const uint64_t own = host_give(scene.client, &scene.second->object, RIGHT_RECEIVE_BIT | RIGHT_SEND_BIT, 0);
        put(taking(call_entry(1, scene.at_client), 1));
        put(call_entry(2, scene.at_client));
        put((struct ring_entry){.op = RING_WAIT, .target = (uint32_t)notification, .deadline_ns = host_cycles + 9000});
        put(after(call_entry(4, 0), 0, 0));
        put((struct ring_entry){.op = RING_TIMEOUT, .deadline_ns = host_cycles + 3000});
        put((struct ring_entry){.op = RING_RECV, .target = (uint32_t)own, .deadline_ns = DEADLINE_NEVER});
        put((struct ring_entry){.op = RING_RECV, .target = (uint32_t)own, .deadline_ns = DEADLINE_NEVER});
        put(call_entry(8, own)); // taken by one of those
        enter(16, DEADLINE_NEVER);
        receive_data(scene.at_server, 1);
        REQUIRE(host_run(scene.other));
        CHECK(ring_check(scene.ring));
        if (way == 0) {
            CHECK_EQ(HOST_METHOD(scene.process, PROCESS_HANDLE_CLOSE, scene.ring_handle).code, 0u);
            host_settle();
            REQUIRE(host_run(scene.owner));
            CHECK_EQ(host_user.status, STATUS_OBJECT_DEAD.code);
            make_ring(4, 2, 0); // another may follow
        } else if (way == 1) {
            CHECK_EQ(HOST_METHOD(scene.other_handle, THREAD_EXIT).code, 0u);
        } else if (way == 2) {
            (void)HOST_METHOD(scene.process, PROCESS_EXIT, 0);
        } else {
            CHECK_EQ(HOST_METHOD(scene.other_handle, THREAD_CANCEL).code, 0u);
            REQUIRE(host_run(scene.owner));
            CHECK_EQ(host_user.status, STATUS_CANCELED.code);
            put((struct ring_entry){.op = RING_RELEASE, .target = (uint32_t)scene.ring_handle});
            enter(0, DEADLINE_POLL);
            CHECK_EQ(host_user.status, STATUS_OBJECT_DEAD.code);
        }
        host_settle();
        if (way != 0) {
            scene.ring = nullptr;
            CHECK_EQ(object_live_count(OBJECT_RING), way == 1 ? 1u : 0u); // that one's handle is there still
        }
        REQUIRE(host_run(scene.s0));
        host_syscall(SYS_REPLY_RECV, 0, 0, DEADLINE_POLL, NO_WORDS);
        CHECK_EQ(host_user.status, STATUS_NO_CALLER.code);
        clear_scene();
    }
}

TEST(the_server_dies_or_its_endpoint_does) {
    for (uint32_t way = 0; way < 2; way++) {
        set_scene(8, 4);
        put(taking(call_entry(1, scene.at_client), 1));
        put(call_entry(2, scene.at_client));
        put(after(call_entry(3, 0), 0, 0));
        submit();
        receive_data(scene.at_server, 1);
        struct thread *s0 = scene.s0;
        if (way == 0) {
            process_end(scene.server, &(struct exit_record){.kind = EXIT_KILLED});
        } else {
            CHECK(status_ok(handle_close(scene.server, scene.at_server)));
        }
        host_timer();
        host_settle();
        if (way == 0) {
            NEXT_IS(1, PEER_DIED);
            NEXT_IS(2, OBJECT_DEAD);
            NEXT_IS(3, PROMISE_BROKEN);
        } else {
            NEXT_IS(2, OBJECT_DEAD);
            REQUIRE(host_run(s0));
            answer(0);
            NEXT_IS(1, OK);
            NEXT_IS(3, PROMISE_BROKEN);
        }
        NOTHING_NEXT();
        clear_scene();
    }
}
