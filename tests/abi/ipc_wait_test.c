// Waits and their ends: deadlines, cancellation, servers and callers that go away, dead endpoints.
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

static struct peer peer;

static handle_t new_endpoint(void) {
    handle_t endpoint = {};
    EXPECT_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    return endpoint;
}

static handle_t new_notification(void) {
    handle_t notification = {};
    EXPECT_OK(tess_account_create_notification(suite.account, &notification));
    return notification;
}

CASE(polling_never_waits) {
    handle_t endpoint = new_endpoint(), notification = new_notification();
    struct tess_message message = {};
    uint64_t bits;
    REFUSED(CALL, TIMED_OUT, tess_call(endpoint, &message, DEADLINE_POLL));
    message = (struct tess_message){};
    REFUSED(SEND, TIMED_OUT, tess_send(endpoint, &message, DEADLINE_POLL));
    message = (struct tess_message){};
    REFUSED(RECV, TIMED_OUT, tess_recv(endpoint, &message, DEADLINE_POLL));
    REFUSED(WAIT, TIMED_OUT, tess_wait(notification, &bits, DEADLINE_POLL));
    suite_close(endpoint);
    suite_close(notification);
}

CASE(deadlines_end_waits_and_not_early) {
    handle_t endpoint = new_endpoint(), notification = new_notification();
    struct tess_message message;
    uint64_t bits;
    for (int operation = 0; operation < 4; operation++) {
        uint64_t deadline = suite_after_ms(20);
        message = (struct tess_message){};
        if (operation == 0) {
            EXPECT_STATUS(TIMED_OUT, tess_call(endpoint, &message, deadline));
        } else if (operation == 1) {
            EXPECT_STATUS(TIMED_OUT, tess_send(endpoint, &message, deadline));
        } else if (operation == 2) {
            EXPECT_STATUS(TIMED_OUT, tess_recv(endpoint, &message, deadline));
        } else {
            EXPECT_STATUS(TIMED_OUT, tess_wait(notification, &bits, deadline));
        }
        uint64_t now = suite_now_ns();
        EXPECT(now >= deadline);
        EXPECT(now < deadline + 1'000'000'000);
    }
    // A deadline that has passed already.
    message = (struct tess_message){};
    EXPECT_STATUS(TIMED_OUT, tess_recv(endpoint, &message, 1));
    suite_close(endpoint);
    suite_close(notification);
}

// Calls with the deadline arg[0].
static void impatient_caller(struct peer *self) {
    self->message = (struct tess_message){.info = 1};
    self->status = tess_call(self->handle[0], &self->message, self->arg[0]);
}

CASE(reply_recv_answers_although_nothing_else_comes) {
    handle_t endpoint = new_endpoint();
    peer.handle[0] = endpoint;
    peer.arg[0] = DEADLINE_NEVER;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, impatient_caller));
    struct tess_message message = {};
    REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
    message = (struct tess_message){.info = 21};
    REFUSED(REPLY_RECV, TIMED_OUT, tess_reply_recv(endpoint, &message, suite_after_ms(10)));
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    EXPECT_EQ(message_label(peer.message.info), 21);
    suite_close(endpoint);
}

// The caller that gave up was taken, and its deadline then ended the wait for the answer.
CASE(a_caller_that_gave_up_cannot_be_answered) {
    handle_t endpoint = new_endpoint();
    peer.handle[0] = endpoint;
    peer.arg[0] = suite_after_ms(30);
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, impatient_caller));
    struct tess_message message = {};
    REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
    REQUIRE(peer_join(&peer));
    EXPECT_STATUS(TIMED_OUT, peer.status);
    message = (struct tess_message){};
    REFUSED(REPLY_RECV, NO_CALLER, tess_reply(&message));
    suite_close(endpoint);
}

// A saved reply whose caller gave up says so when it is used, and is used up by that.
CASE(a_saved_reply_without_a_caller_is_peer_died) {
    handle_t endpoint = new_endpoint(), reply;
    peer.handle[0] = endpoint;
    peer.arg[0] = suite_after_ms(30);
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, impatient_caller));
    struct tess_message message = {};
    REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
    REQUIRE_OK(tess_thread_save_reply(suite.thread, &reply));
    REQUIRE(peer_join(&peer));
    EXPECT_STATUS(TIMED_OUT, peer.status);
    message = (struct tess_message){.info = 3};
    REFUSED(SEND, PEER_DIED, tess_send(reply, &message, DEADLINE_POLL));
    message = (struct tess_message){.info = 3};
    EXPECT_STATUS(BAD_HANDLE, tess_send(reply, &message, DEADLINE_POLL));
    suite_close(endpoint);
}

enum wait_kind : uint64_t { WAIT_CALL, WAIT_SEND, WAIT_RECV, WAIT_REPLY_RECV, WAIT_WAIT };

static void waiter(struct peer *self) {
    struct tess_message message = {};
    uint64_t bits;
    switch ((enum wait_kind)self->arg[0]) {
    case WAIT_CALL: self->status = tess_call(self->handle[0], &message, DEADLINE_NEVER); break;
    case WAIT_SEND: self->status = tess_send(self->handle[0], &message, DEADLINE_NEVER); break;
    case WAIT_RECV: self->status = tess_recv(self->handle[0], &message, DEADLINE_NEVER); break;
    case WAIT_REPLY_RECV:
        self->status = tess_recv(self->handle[0], &message, DEADLINE_NEVER);
        message = (struct tess_message){};
        if (status_ok(self->status)) {
            self->status = tess_reply_recv(self->handle[0], &message, DEADLINE_NEVER);
        }
        break;
    case WAIT_WAIT: self->status = tess_wait(self->handle[1], &bits, DEADLINE_NEVER); break;
    }
}

static const enum op wait_ops[] = {OP_CALL, OP_SEND, OP_RECV, OP_REPLY_RECV, OP_WAIT};

// Starts a peer that waits in the way given, and returns when it does. For reply_recv the peer has then
// answered one call of ours.
static bool start_waiter(enum wait_kind kind, handle_t endpoint, handle_t notification) {
    peer.handle[0] = endpoint;
    peer.handle[1] = notification;
    peer.arg[0] = kind;
    if (!peer_start(&peer, 0, PEER_WITH_PAGE, waiter)) {
        return false;
    }
    if (kind == WAIT_REPLY_RECV) {
        struct tess_message message = {};
        EXPECT_OK(tess_call(endpoint, &message, suite_after_ms(1000)));
    }
    return peer_await_blocked(&peer);
}

// A handle that the suite keeps nothing derived from but what the waiter uses.
static handle_t keep_one(handle_t *handle) {
    const handle_t kept = *handle;
    *handle = suite_copy(kept, RIGHTS_ALL_BITS);
    return kept;
}

CASE(revoking_ends_every_wait) {
    handle_t endpoint = new_endpoint(), notification = new_notification();
    for (uint64_t kind = WAIT_CALL; kind <= WAIT_WAIT; kind++) {
        handle_t at_endpoint = endpoint, at_notification = notification;
        const handle_t revoked = kind == WAIT_WAIT ? keep_one(&at_notification) : keep_one(&at_endpoint);
        REQUIRE(start_waiter(kind, at_endpoint, at_notification));
        EXPECT_OK(tess_process_handle_revoke(suite.process, revoked.v, false));
        REQUIRE(peer_join(&peer));
        if (suite_check_status(peer.status, STATUS_REVOKED, "revoked wait", __FILE__, (int)kind)) {
            suite_note(wait_ops[kind], peer.status);
        }
    }
    // In the second half of a call: what was taken is answered.
    handle_t copy = suite_copy(endpoint, RIGHTS_ALL_BITS);
    REQUIRE(start_waiter(WAIT_CALL, copy, notification));
    struct tess_message message = {};
    REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
    EXPECT_OK(tess_process_handle_revoke(suite.process, endpoint.v, false));
    message = (struct tess_message){};
    EXPECT_OK(tess_reply(&message));
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    suite_close(endpoint);
    suite_close(notification);
}

CASE(every_wait_can_be_cancelled) {
    handle_t endpoint = new_endpoint(), notification = new_notification();
    for (uint64_t kind = WAIT_CALL; kind <= WAIT_WAIT; kind++) {
        REQUIRE(start_waiter(kind, endpoint, notification));
        EXPECT_OK(tess_thread_cancel(peer.thread));
        REQUIRE(peer_join(&peer));
        if (suite_check_status(peer.status, STATUS_CANCELED, "cancelled wait", __FILE__, (int)kind)) {
            suite_note(wait_ops[kind], peer.status);
        }
    }
    // In the second half of a call: taken, not answered.
    REQUIRE(start_waiter(WAIT_CALL, endpoint, notification));
    struct tess_message message = {};
    REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
    EXPECT_OK(tess_thread_cancel(peer.thread));
    REQUIRE(peer_join(&peer));
    EXPECT_STATUS(CANCELED, peer.status);
    message = (struct tess_message){};
    EXPECT_STATUS(NO_CALLER, tess_reply(&message));
    // A thread that waits for nothing cannot be cancelled.
    REFUSED(THREAD_CANCEL, BAD_STATE, tess_thread_cancel(suite.thread));
    suite_close(endpoint);
    suite_close(notification);
}

// The last handle with RECEIVE is gone: nobody will ever answer, and everyone is told.
CASE(an_endpoint_without_receivers_is_dead) {
    handle_t notification = new_notification();
    for (uint64_t kind = WAIT_CALL; kind <= WAIT_SEND; kind++) {
        handle_t endpoint = new_endpoint();
        handle_t sender = suite_mint(endpoint, RIGHT_SEND_BIT, 1);
        REQUIRE(start_waiter(kind, sender, notification));
        suite_close(endpoint);
        REQUIRE(peer_join(&peer));
        if (suite_check_status(peer.status, STATUS_OBJECT_DEAD, "wait on a dying endpoint", __FILE__,
                               (int)kind)) {
            suite_note(wait_ops[kind], peer.status);
        }
        struct tess_message message = {};
        REFUSED(CALL, OBJECT_DEAD, tess_call(sender, &message, suite_after_ms(1000)));
        message = (struct tess_message){};
        REFUSED(SEND, OBJECT_DEAD, tess_send(sender, &message, suite_after_ms(1000)));
        suite_close(sender);
    }
    for (uint64_t kind = WAIT_RECV; kind <= WAIT_REPLY_RECV; kind++) {
        handle_t endpoint = new_endpoint();
        REQUIRE(start_waiter(kind, endpoint, notification));
        suite_close(endpoint);
        REQUIRE(peer_join(&peer));
        if (suite_check_status(peer.status, STATUS_OBJECT_DEAD, "receive on a dying endpoint", __FILE__,
                               (int)kind)) {
            suite_note(wait_ops[kind], peer.status);
        }
    }
    handle_t last = new_notification();
    REQUIRE(start_waiter(WAIT_WAIT, notification, last));
    suite_close(last);
    REQUIRE(peer_join(&peer));
    if (suite_check_status(peer.status, STATUS_OBJECT_DEAD, "wait on a dying notification", __FILE__,
                           __LINE__)) {
        suite_note(OP_WAIT, peer.status);
    }
    suite_close(notification);
}

// Takes a call, and then does arg[0].
enum ending : uint64_t { END_BY_RETURN, END_BY_RECEIVING_AGAIN, END_WITH_SAVED_REPLY_CLOSED };

static void faithless_server(struct peer *self) {
    struct tess_message message = {};
    handle_t reply;
    self->status = tess_recv(self->handle[0], &message, DEADLINE_NEVER);
    if (self->arg[0] == END_BY_RECEIVING_AGAIN) {
        message = (struct tess_message){};
        self->status = tess_recv(self->handle[0], &message, DEADLINE_POLL);
    }
    if (self->arg[0] == END_WITH_SAVED_REPLY_CLOSED) {
        self->status = tess_thread_save_reply(self->thread, &reply);
        if (status_ok(self->status)) {
            self->status = tess_process_handle_close(suite.process, reply.v);
        }
    }
}

CASE(a_server_that_drops_a_call_is_peer_died) {
    handle_t endpoint = new_endpoint();
    for (uint64_t ending = END_BY_RETURN; ending <= END_WITH_SAVED_REPLY_CLOSED; ending++) {
        peer.handle[0] = endpoint;
        peer.arg[0] = ending;
        REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, faithless_server));
        struct tess_message message = {.info = 8};
        REFUSED(CALL, PEER_DIED, tess_call(endpoint, &message, suite_after_ms(1000)));
        REQUIRE(peer_join(&peer));
        if (ending == END_BY_RECEIVING_AGAIN) {
            EXPECT_STATUS(TIMED_OUT, peer.status);
        } else {
            EXPECT_OK(peer.status);
        }
    }
    suite_close(endpoint);
}

// A server process that is ended, or faults, with a call in its hands.
CHILD static void receive_and_wait(struct child_page *page) {
    struct raw_message message = {};
    page->result[0] = raw_syscall(SYS_RECV, page->handle[0].v, &message, DEADLINE_NEVER).code;
    __atomic_store_n(&page->progress, 1, __ATOMIC_RELEASE);
    if (page->arg[0] == 1) {
        *(volatile uint8_t *)16 = 1;
    }
    if (page->arg[0] == 2) {
        raw_exit(page->process, 5);
    }
    for (;;) {
        (void)raw_syscall(SYS_RECV, page->handle[1].v, &message, DEADLINE_NEVER).code;
    }
}

CASE(a_server_process_that_ends_is_peer_died) {
    for (uint64_t how = 0; how < 3; how++) {
        struct child child;
        handle_t endpoint = new_endpoint(), idle = new_endpoint();
        REQUIRE(child_create(&child, suite.account));
        REQUIRE(child_grant(&child, endpoint, RIGHT_RECEIVE_BIT));
        REQUIRE(child_grant(&child, idle, RIGHT_RECEIVE_BIT));
        child.page->arg[0] = how;
        REQUIRE(child_start(&child, receive_and_wait));
        peer.handle[0] = endpoint;
        peer.arg[0] = DEADLINE_NEVER;
        REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, impatient_caller));
        if (how == 0) {
            REQUIRE(child_await_progress(&child, 1, 2000));
            EXPECT_OK(tess_process_exit(child.process, 0));
        }
        REQUIRE(peer_join(&peer));
        EXPECT_STATUS(PEER_DIED, peer.status);
        // The endpoint lives on: its receive right is lent, not given.
        struct tess_message message = {};
        EXPECT_STATUS(TIMED_OUT, tess_call(endpoint, &message, DEADLINE_POLL));
        child_destroy(&child);
        suite_close(endpoint);
        suite_close(idle);
    }
}

// A call made while no server runs waits for the next one.
CHILD static void serve_one(struct child_page *page) {
    struct raw_message message = {};
    page->result[0] = raw_syscall(SYS_RECV, page->handle[0].v, &message, DEADLINE_NEVER).code;
    message.info = 1234;
    page->result[1] = raw_syscall(SYS_REPLY_RECV, 0, &message, DEADLINE_POLL).code;
    raw_exit(page->process, 0);
}

CASE(calls_wait_for_the_next_server) {
    handle_t endpoint = new_endpoint();
    for (int server = 0; server < 3; server++) {
        struct child child;
        peer.handle[0] = endpoint;
        peer.arg[0] = DEADLINE_NEVER;
        REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, impatient_caller));
        REQUIRE(peer_await_blocked(&peer));
        REQUIRE(child_create(&child, suite.account));
        REQUIRE(child_grant(&child, endpoint, RIGHT_RECEIVE_BIT));
        REQUIRE(child_start(&child, serve_one));
        REQUIRE(peer_join(&peer));
        EXPECT_OK(peer.status);
        EXPECT_EQ(message_label(peer.message.info), 1234);
        REQUIRE(child_await_exit(&child, 1000));
        child_destroy(&child);
    }
    suite_close(endpoint);
}

// A reply handle answers once, from whoever holds it: here another process.
CHILD static void answer_through_handle(struct child_page *page) {
    struct raw_message message = {.info = 4321, .words = {1, 2, 3, 4, 5, 6, 7, 8}};
    page->result[0] = raw_syscall(SYS_SEND, page->handle[0].v, &message, DEADLINE_POLL).code;
    message.info = 1;
    page->result[1] = raw_syscall(SYS_SEND, page->handle[0].v, &message, DEADLINE_POLL).code;
    raw_exit(page->process, 0);
}

CASE(a_saved_reply_is_answered_by_another_process_once) {
    struct child child;
    handle_t endpoint = new_endpoint(), reply;
    uint64_t foreign = 0;
    peer.handle[0] = endpoint;
    peer.arg[0] = DEADLINE_NEVER;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, impatient_caller));
    struct tess_message message = {};
    REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
    REQUIRE_OK(tess_thread_save_reply(suite.thread, &reply));
    message = (struct tess_message){};
    EXPECT_STATUS(NO_CALLER, tess_reply(&message));
    // It can be neither copied nor called: it has no methods.
    uint64_t copy = 0;
    EXPECT_STATUS(NO_RIGHT, tess_process_handle_copy(suite.process, reply.v, RIGHTS_ALL_BITS, &copy));
    message = (struct tess_message){};
    REFUSED(CALL, BAD_METHOD, tess_call(reply, &message, DEADLINE_POLL));
    REQUIRE(child_create(&child, suite.account));
    REQUIRE_OK(tess_process_grant(child.process, reply, RIGHTS_ALL_BITS, 1, &foreign));
    child.page->handle[0] = (handle_t){(uint32_t)foreign};
    REQUIRE(child_start(&child, answer_through_handle));
    REQUIRE(child_await_exit(&child, 1000));
    EXPECT_EQ(child_result(&child, 0), STATUS_CODE_OK);
    EXPECT_EQ(child_result(&child, 1), STATUS_CODE_BAD_HANDLE);
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    EXPECT_EQ(message_label(peer.message.info), 4321);
    for (uint64_t i = 0; i < 8; i++) {
        EXPECT_EQ(peer.message.words[i], i + 1);
    }
    child_destroy(&child);
    suite_close(endpoint);
}

CASE(only_the_own_thread_can_save_its_reply) {
    handle_t endpoint = new_endpoint(), reply;
    REQUIRE(start_waiter(WAIT_RECV, endpoint, endpoint));
    REFUSED(THREAD_SAVE_REPLY, BAD_STATE, tess_thread_save_reply(peer.thread, &reply));
    EXPECT_OK(tess_thread_cancel(peer.thread));
    REQUIRE(peer_join(&peer));
    suite_close(endpoint);
}

// A reply carries a page and handles like any answer; what does not fit leaves the handle usable.
CASE(a_saved_reply_that_does_not_fit_can_be_tried_again) {
    handle_t endpoint = new_endpoint(), reply;
    peer.handle[0] = endpoint;
    peer.arg[0] = DEADLINE_NEVER;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, impatient_caller));
    struct tess_message message = {};
    REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
    REQUIRE_OK(tess_thread_save_reply(suite.thread, &reply));
    message = (struct tess_message){.info = message_info(1, 16, 0, 0)};
    REFUSED(SEND, TOO_LARGE, tess_send(reply, &message, DEADLINE_POLL));
    message = (struct tess_message){.info = message_info(1, 0, 1, 0)};
    tess_message_set_handle(&message, 0, endpoint);
    REFUSED(SEND, TOO_LARGE, tess_send(reply, &message, DEADLINE_POLL));
    message = (struct tess_message){.info = 6};
    EXPECT_OK(tess_send(reply, &message, DEADLINE_POLL));
    REQUIRE(peer_join(&peer));
    EXPECT_EQ(message_label(peer.message.info), 6);
    suite_close(endpoint);
}
