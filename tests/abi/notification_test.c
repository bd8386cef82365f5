// Notifications: bits, waiters, and delivery to the receivers of an endpoint.
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

static struct peer peer;

static handle_t new_notification(void) {
    handle_t notification = {};
    EXPECT_OK(tess_account_create_notification(suite.account, &notification));
    return notification;
}

static handle_t new_endpoint(void) {
    handle_t endpoint = {};
    EXPECT_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    return endpoint;
}

CASE(bits_collect_until_they_are_taken) {
    handle_t notification = new_notification();
    uint64_t bits = 0;
    EXPECT_OK(tess_signal(notification, 1));
    EXPECT_OK(tess_signal(notification, 0x8000'0000'0000'0000));
    EXPECT_OK(tess_signal(notification, 1));
    EXPECT_OK(tess_wait(notification, &bits, DEADLINE_POLL));
    EXPECT_EQ(bits, 0x8000'0000'0000'0001);
    EXPECT_STATUS(TIMED_OUT, tess_wait(notification, &bits, DEADLINE_POLL));
    suite_close(notification);
}

static void one_wait(struct peer *self) {
    self->status = tess_wait(self->handle[0], &self->result[0], DEADLINE_NEVER);
}

CASE(a_signal_wakes_one_waiter) {
    static struct peer first, second;
    handle_t notification = new_notification();
    first.handle[0] = second.handle[0] = notification;
    REQUIRE(peer_start(&first, 0, PEER_WITHOUT_PAGE, one_wait));
    REQUIRE(peer_await_blocked(&first));
    REQUIRE(peer_start(&second, 1, PEER_WITHOUT_PAGE, one_wait));
    REQUIRE(peer_await_blocked(&second));
    EXPECT_OK(tess_signal(notification, 6));
    REQUIRE(peer_join(&first));
    EXPECT_OK(first.status);
    EXPECT_EQ(first.result[0], 6);
    REQUIRE(peer_await_blocked(&second));
    EXPECT_OK(tess_signal(notification, 9));
    REQUIRE(peer_join(&second));
    EXPECT_EQ(second.result[0], 9);
    suite_close(notification);
}

CASE(bound_bits_arrive_as_messages) {
    handle_t notification = new_notification(), endpoint = new_endpoint();
    EXPECT_OK(tess_signal(notification, 0x10));
    EXPECT_OK(tess_notification_bind(notification, endpoint));
    struct tess_message message = {};
    EXPECT_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
    EXPECT_EQ(message.info & MESSAGE_NOTIFICATION, MESSAGE_NOTIFICATION);
    EXPECT_EQ(message.info & MESSAGE_WANTS_REPLY, 0);
    EXPECT_EQ(message.words[0], 0x10);
    message = (struct tess_message){};
    EXPECT_STATUS(NO_CALLER, tess_reply(&message));
    EXPECT_OK(tess_signal(notification, 0x21));
    message = (struct tess_message){};
    EXPECT_OK(tess_recv(endpoint, &message, DEADLINE_POLL));
    EXPECT_EQ(message.words[0], 0x21);
    message = (struct tess_message){};
    EXPECT_STATUS(TIMED_OUT, tess_recv(endpoint, &message, DEADLINE_POLL));
    // Unbound, the bits stay in the notification again.
    EXPECT_OK(tess_notification_bind(notification, (handle_t){0}));
    EXPECT_OK(tess_signal(notification, 2));
    message = (struct tess_message){};
    EXPECT_STATUS(TIMED_OUT, tess_recv(endpoint, &message, DEADLINE_POLL));
    uint64_t bits = 0;
    EXPECT_OK(tess_wait(notification, &bits, DEADLINE_POLL));
    EXPECT_EQ(bits, 2);
    suite_close(endpoint);
    suite_close(notification);
}

static void one_recv(struct peer *self) {
    self->message = (struct tess_message){};
    self->status = tess_recv(self->handle[0], &self->message, DEADLINE_NEVER);
    self->result[0] = self->message.info;
}

CASE(a_signal_wakes_a_waiting_receiver) {
    handle_t notification = new_notification(), endpoint = new_endpoint();
    EXPECT_OK(tess_notification_bind(notification, endpoint));
    peer.handle[0] = endpoint;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, one_recv));
    REQUIRE(peer_await_blocked(&peer));
    EXPECT_OK(tess_signal(notification, 0xf0));
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    EXPECT_EQ(peer.message.words[0], 0xf0);
    EXPECT_EQ(peer.result[0] & MESSAGE_NOTIFICATION, MESSAGE_NOTIFICATION);
    suite_close(endpoint);
    suite_close(notification);
}

static void call_when_told(struct peer *self) {
    self->message = (struct tess_message){.info = 44};
    self->status = tess_call(self->handle[0], &self->message, DEADLINE_NEVER);
}

// One loop serves both: neither starves the other.
CASE(messages_and_bits_share_one_loop) {
    handle_t notification = new_notification(), endpoint = new_endpoint();
    bool saw_bits = false, saw_call = false;
    EXPECT_OK(tess_notification_bind(notification, endpoint));
    peer.handle[0] = endpoint;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, call_when_told));
    REQUIRE(peer_await_blocked(&peer));
    EXPECT_OK(tess_signal(notification, 1));
    for (int i = 0; i < 2; i++) {
        struct tess_message message = {};
        REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
        if ((message.info & MESSAGE_NOTIFICATION) != 0) {
            saw_bits = true;
        } else {
            saw_call = true;
            struct tess_message answer = {.info = 45};
            EXPECT_OK(tess_reply(&answer));
        }
    }
    EXPECT(saw_bits);
    EXPECT(saw_call);
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    suite_close(endpoint);
    suite_close(notification);
}

CASE(bindings_are_checked) {
    handle_t notification = new_notification(), second = new_notification(), endpoint = new_endpoint(),
             other = new_endpoint(), vmo;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    handle_t sender = suite_copy(endpoint, RIGHT_SEND_BIT);
    REFUSED(NOTIFICATION_BIND, BAD_HANDLE, tess_notification_bind(notification, (handle_t){0x4444'4444}));
    REFUSED(NOTIFICATION_BIND, WRONG_TYPE, tess_notification_bind(notification, vmo));
    REFUSED(NOTIFICATION_BIND, NO_RIGHT, tess_notification_bind(notification, sender));
    EXPECT_OK(tess_notification_bind(notification, endpoint));
    REFUSED(NOTIFICATION_BIND, IN_USE,
            tess_notification_bind(second, endpoint)); // one notification an endpoint
    REFUSED(NOTIFICATION_BIND, IN_USE,
            tess_notification_bind(notification, other)); // one endpoint a notification
    uint64_t bits;
    // Whoever waits on a bound one would wait in vain.
    REFUSED(WAIT, BAD_STATE, tess_wait(notification, &bits, DEADLINE_POLL));
    EXPECT_OK(tess_notification_bind(notification, (handle_t){0}));
    EXPECT_OK(tess_notification_bind(second, endpoint));
    EXPECT_OK(tess_notification_bind(second, (handle_t){0}));
    suite_close(sender);
    suite_close(vmo);
    suite_close(endpoint);
    suite_close(other);
    suite_close(second);
    suite_close(notification);
}

CASE(binding_needs_an_idle_notification_and_a_living_endpoint) {
    handle_t notification = new_notification(), endpoint = new_endpoint();
    peer.handle[0] = notification;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, one_wait));
    REQUIRE(peer_await_blocked(&peer));
    REFUSED(NOTIFICATION_BIND, BAD_STATE, tess_notification_bind(notification, endpoint));
    EXPECT_OK(tess_signal(notification, 1));
    REQUIRE(peer_join(&peer));
    suite_close(endpoint);
    suite_close(notification);
}

CASE(a_dying_endpoint_or_notification_undoes_the_binding) {
    handle_t notification = new_notification(), endpoint = new_endpoint(), other = new_endpoint();
    uint64_t bits;
    EXPECT_OK(tess_notification_bind(notification, endpoint));
    suite_close(endpoint);
    EXPECT_OK(tess_signal(notification, 1)); // nobody there any more; not an error
    EXPECT_OK(tess_notification_bind(notification, (handle_t){0}));
    (void)tess_wait(notification, &bits, DEADLINE_POLL).code;
    EXPECT_OK(tess_notification_bind(notification, other));
    suite_close(notification);
    handle_t next = new_notification();
    EXPECT_OK(tess_notification_bind(next, other));
    suite_close(next);
    suite_close(other);
}
