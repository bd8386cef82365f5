// What travels in a message: words, label, badge, page, handles; and what is undone when it cannot.
#include "abi/inspect.h"
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

static struct peer peer;

static handle_t new_endpoint(void) {
    handle_t endpoint = {};
    EXPECT_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    return endpoint;
}

// Sends back what came: words plus one, label plus one, the page with every byte complemented.
static void echo_server(struct peer *self) {
    struct tess_message message = {};
    self->status = tess_recv(self->handle[0], &message, DEADLINE_NEVER);
    while (status_ok(self->status) && message_label(message.info) != 0) {
        self->result[0] = message.badge;
        self->result[1] = message.info;
        uint32_t bytes = message_page_bytes(message.info);
        for (uint32_t i = 0; i < bytes; i++) {
            self->page[i] = (uint8_t)~self->page[i];
        }
        for (uint32_t i = 0; i < MESSAGE_WORDS; i++) {
            message.words[i]++;
        }
        message.info = message_info(message_label(message.info) + 1, bytes, 0, 0);
        self->status = tess_reply_recv(self->handle[0], &message, DEADLINE_NEVER);
    }
    message = (struct tess_message){};
    if (status_ok(self->status)) {
        self->status = tess_reply(&message);
    }
}

static bool stop_server(handle_t endpoint) {
    struct tess_message stop = {};
    EXPECT_OK(tess_call(endpoint, &stop, suite_after_ms(1000)));
    bool joined = peer_join(&peer);
    EXPECT_OK(peer.status);
    return joined;
}

CASE(eight_words_label_and_badge_travel) {
    handle_t endpoint = new_endpoint();
    handle_t client = suite_mint(endpoint, RIGHT_SEND_BIT, 0xabcd'ef01'2345'6789);
    peer.handle[0] = endpoint;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, echo_server));
    for (uint64_t round = 0; round < 50; round++) {
        struct tess_message message = {.info = 0xffff'ff00 + round};
        for (uint64_t i = 0; i < 8; i++) {
            message.words[i] = UINT64_MAX - (round << 32) - i;
        }
        REQUIRE_OK(tess_call(client, &message, suite_after_ms(1000)));
        EXPECT_EQ(message.info, 0xffff'ff01 + round);
        for (uint64_t i = 0; i < 8; i++) {
            EXPECT_EQ(message.words[i], UINT64_MAX - (round << 32) - i + 1);
        }
    }
    EXPECT_EQ(peer.result[0], 0xabcd'ef01'2345'6789);
    EXPECT_EQ(peer.result[1] & MESSAGE_WANTS_REPLY, MESSAGE_WANTS_REPLY);
    EXPECT_EQ(peer.result[1] & (MESSAGE_NOTIFICATION | MESSAGE_FAULT), 0);
    REQUIRE(stop_server(endpoint));
    suite_close(client);
    suite_close(endpoint);
}

CASE(pages_of_every_size_travel_both_ways) {
    static const uint32_t sizes[] = {0, 1, 2, 7, 8, 9, 15, 16, 63, 64, 65, 960, 2047, 4088, 4095, 4096};
    handle_t endpoint = new_endpoint();
    peer.handle[0] = endpoint;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, echo_server));
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        uint8_t *page = suite_page();
        for (uint32_t i = 0; i < MESSAGE_PAGE_BYTES; i++) {
            page[i] = (uint8_t)(i * 7 + s);
        }
        struct tess_message message = {.info = message_info(1, sizes[s], 0, 0)};
        REQUIRE_OK(tess_call(endpoint, &message, suite_after_ms(1000)));
        EXPECT_EQ(message_page_bytes(message.info), sizes[s]);
        uint32_t wrong = 0;
        for (uint32_t i = 0; i < MESSAGE_PAGE_BYTES; i++) {
            uint8_t sent = (uint8_t)(i * 7 + s);
            wrong += page[i] != (i < sizes[s] ? (uint8_t)~sent : sent); // what is behind it stays as it was
        }
        EXPECT_EQ(wrong, 0);
    }
    REQUIRE(stop_server(endpoint));
    suite_close(endpoint);
}

CASE(a_page_needs_a_page_on_both_sides) {
    handle_t endpoint = new_endpoint();
    peer.handle[0] = endpoint;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, echo_server));
    struct tess_message message = {.info = message_info(1, 8, 0, 0)};
    REFUSED(CALL, TOO_LARGE, tess_call(endpoint, &message, suite_after_ms(1000)));
    message = (struct tess_message){.info = message_info(1, 8, 0, 0)};
    REFUSED(SEND, TOO_LARGE, tess_send(endpoint, &message, suite_after_ms(1000)));
    message = (struct tess_message){.info = message_info(1, 0, 0, 0)};
    EXPECT_OK(tess_call(endpoint, &message, suite_after_ms(1000)));
    REQUIRE(stop_server(endpoint));
    suite_close(endpoint);
}

static void pageless_sender(struct peer *self) {
    struct tess_message message = {.info = message_info(1, 8, 0, 0)};
    self->status = tess_call(self->handle[0], &message, DEADLINE_NEVER);
}

CASE(a_sender_without_a_page_sends_none) {
    handle_t endpoint = new_endpoint();
    peer.handle[0] = endpoint;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, pageless_sender));
    REQUIRE(peer_join(&peer));
    EXPECT_STATUS(BAD_ARGUMENT, peer.status);
    suite_close(endpoint);
}

// Takes up to arg[0] handles, and sends the same number of copies of its own handle[1] back.
static void handle_server(struct peer *self) {
    struct tess_message message = {.info = tess_accept((uint32_t)self->arg[0])};
    self->status = tess_recv(self->handle[0], &message, DEADLINE_NEVER);
    if (!status_ok(self->status)) {
        return;
    }
    self->message = message;
    struct tess_message answer = {.info = message_info(0, 0, (uint32_t)self->arg[1], 0)};
    for (uint32_t i = 0; i < self->arg[1]; i++) {
        tess_message_set_handle(&answer, i, self->handle[1]);
    }
    self->status = tess_reply(&answer);
    if (!status_ok(self->status)) {
        answer = (struct tess_message){.info = 99};
        (void)tess_reply(&answer).code;
    }
}

static void close_received(const struct tess_message *message) {
    for (uint32_t i = 0; i < message_handle_count(message->info); i++) {
        suite_close(tess_message_handle(message, i));
    }
}

// What inspector says of one of the suite's handles.
static bool find_handle(handle_t handle, struct inspect_handle *out) {
    uint64_t koid = 0, count = 0, index = 0;
    EXPECT_OK(tess_process_info(suite.process, &koid, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
    do {
        EXPECT_OK(tess_inspector_handles(suite.inspector, koid, index, &count, &index));
        for (uint64_t i = 0; i < count; i++) {
            *out = ((const struct inspect_handle *)suite_page())[i];
            if (out->handle == handle.v) {
                return true;
            }
        }
    } while (index != 0);
    return false;
}

// Whether it came that way, with a request for this method or with the answer to one.
static bool came_by(handle_t handle, enum handle_origin origin, uint32_t method) {
    struct inspect_handle found;
    return find_handle(handle, &found) && found.origin == origin && found.method == method && found.granted_ns != 0 &&
           found.granter_koid != 0;
}

CASE(handles_are_known_by_the_request_that_they_came_with) {
    handle_t endpoint = new_endpoint(), payload;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &payload));
    const struct {
        uint32_t method, seen, count;
    } cases[] = {{7, 7, 1}, {0x1234, 0x1234, 2}, {0x7654'3210, 0x54'3210, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const uint32_t count = cases[c].count;
        struct tess_message message = {.info = message_info(cases[c].method, 0, count, 0) | tess_accept(4)};
        for (uint32_t i = 0; i < count; i++) {
            tess_message_set_handle(&message, i, payload);
        }
        peer.handle[0] = endpoint;
        peer.handle[1] = payload;
        peer.arg[0] = 4;
        peer.arg[1] = count;
        REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, handle_server));
        REQUIRE(peer_await_blocked(&peer));
        REQUIRE_OK(tess_call(endpoint, &message, DEADLINE_NEVER));
        REQUIRE(peer_join(&peer));
        for (uint32_t i = 0; i < count; i++) {
            EXPECT(came_by(tess_message_handle(&peer.message, i), ORIGIN_REQUEST, cases[c].seen));
            EXPECT(came_by(tess_message_handle(&message, i), ORIGIN_ANSWER, cases[c].seen));
        }
        close_received(&peer.message);
        close_received(&message);
    }
    suite_close(payload);
    suite_close(endpoint);
}

static uint32_t use_of(handle_t handle) {
    struct inspect_handle found;
    return find_handle(handle, &found) ? found.use : UINT32_MAX;
}

// One that is granted, as at a program's start. Of others nothing is noted: they count as used.
static handle_t grant_self(handle_t handle, uint32_t right_bits) {
    uint64_t granted = 0;
    EXPECT_OK(tess_process_grant(suite.process, handle, right_bits, 0, &granted));
    return (handle_t){(uint32_t)granted};
}

// Sends a call with this label, which is answered.
static void call_answered(handle_t target, handle_t endpoint, uint32_t label, uint64_t deadline_ns) {
    struct tess_message message = {.info = message_info(label, 0, 0, 0)};
    peer.handle[0] = endpoint;
    peer.arg[0] = peer.arg[1] = 0;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, handle_server));
    REQUIRE(peer_await_blocked(&peer));
    EXPECT_OK(tess_call(target, &message, deadline_ns));
    REQUIRE(peer_join(&peer));
}

CASE(the_use_of_a_handle_is_noted) {
    const handle_t endpoint = new_endpoint();
    uint64_t length;
    static const uint64_t deadlines[] = {DEADLINE_NEVER, DEADLINE_NEVER - 1}; // the short way, and the general one
    for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
        const handle_t client = grant_self(endpoint, RIGHT_SEND_BIT | RIGHT_COPY_BIT);
        EXPECT_EQ(use_of(client), 0);
        EXPECT_EQ(use_of(client), 0); // looking is none
        call_answered(client, endpoint, 5, deadlines[i]);
        EXPECT_EQ(use_of(client), HANDLE_USED);
        call_answered(client, endpoint, 5, deadlines[i]);
        EXPECT_EQ(use_of(client), HANDLE_USED);
        call_answered(client, endpoint, MESSAGE_MARK | 5, deadlines[i]);
        EXPECT_EQ(use_of(client), HANDLE_USED | HANDLE_MARKED);
        call_answered(client, endpoint, MESSAGE_MARK | 5, deadlines[i]);
        EXPECT_EQ(use_of(client), HANDLE_USED | HANDLE_MARKED);
        suite_close(client);
    }
    handle_t vmo, granted, copy;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    EXPECT_EQ(use_of(vmo), HANDLE_USED | HANDLE_MARKED); // it was made, not granted
    granted = grant_self(vmo, RIGHTS_ALL_BITS & ~RIGHT_MANAGE_BIT);
    EXPECT_EQ(use_of(granted), 0);
    EXPECT_OK(tess_vmo_info(granted, &length, nullptr));
    EXPECT_EQ(use_of(granted), HANDLE_USED);
    copy = suite_copy(granted, RIGHTS_ALL_BITS);
    EXPECT_EQ(use_of(granted), HANDLE_USED | HANDLE_MARKED); // another was derived from it
    EXPECT_EQ(use_of(copy), HANDLE_USED | HANDLE_MARKED);
    suite_close(copy);
    suite_close(granted);
    granted = grant_self(vmo, RIGHTS_ALL_BITS & ~RIGHT_MANAGE_BIT); // into a slot that was used before
    EXPECT_EQ(use_of(granted), 0);
    uint64_t rights;
    EXPECT_OK(tess_process_handle_info(suite.process, granted.v, nullptr, &rights, nullptr, nullptr, nullptr));
    EXPECT_EQ(use_of(granted), HANDLE_USED);
    EXPECT_EQ(rights & ~0xffffull, 0); // what is noted is no right
    suite_close(granted);
    suite_close(vmo);
    suite_close(endpoint);
}

CASE(handles_travel_as_copies_and_are_moved) {
    handle_t endpoint = new_endpoint(), payload;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &payload));
    uint64_t koid, other_koid, rights;
    EXPECT_OK(tess_process_handle_info(suite.process, payload.v, nullptr, nullptr, nullptr, nullptr, &koid));
    for (uint32_t count = 0; count <= 4; count++) {
        handle_t sent[4];
        struct tess_message message = {.info = message_info(1, 0, count, 0b1010 & ((1u << count) - 1)) |
                                               tess_accept(4)};
        for (uint32_t i = 0; i < count; i++) {
            sent[i] = suite_copy(payload, i == 0 ? RIGHTS_ALL_BITS
                                                 : RIGHT_READ_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT);
            tess_message_set_handle(&message, i, sent[i]);
        }
        peer.handle[0] = endpoint;
        peer.handle[1] = payload;
        peer.arg[0] = 4;
        peer.arg[1] = count;
        REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, handle_server));
        REQUIRE_OK(tess_call(endpoint, &message, suite_after_ms(1000)));
        REQUIRE(peer_join(&peer));
        EXPECT_OK(peer.status);
        EXPECT_EQ(message_handle_count(peer.message.info), count);
        EXPECT_EQ(message_handle_count(message.info), count);
        for (uint32_t i = 0; i < count; i++) {
            handle_t got = tess_message_handle(&peer.message, i);
            EXPECT_OK(tess_process_handle_info(suite.process, got.v, nullptr, &rights, nullptr, nullptr,
                                               &other_koid));
            EXPECT_EQ(other_koid, koid);
            if (i > 0) {
                EXPECT_EQ(rights, RIGHT_READ_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT);
            }
            status_t still = tess_process_handle_info(suite.process, sent[i].v, nullptr, nullptr, nullptr,
                                                      nullptr, nullptr);
            if (i % 2 == 1) {
                EXPECT_STATUS(BAD_HANDLE, still);
            } else {
                EXPECT_OK(still);
            }
            if (status_ok(still)) {
                suite_close(sent[i]);
            }
        }
        close_received(&peer.message);
        close_received(&message);
    }
    suite_close(payload);
    suite_close(endpoint);
}

// A message that cannot be delivered whole is not delivered at all; moved handles come back.
CASE(a_failed_transfer_changes_nothing) {
    handle_t endpoint = new_endpoint(), payload;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &payload));
    handle_t movable = suite_copy(payload, RIGHTS_ALL_BITS);
    handle_t no_copy = suite_copy(payload, RIGHT_TRANSFER_BIT | RIGHT_READ_BIT);
    handle_t no_transfer = suite_copy(payload, RIGHT_COPY_BIT | RIGHT_READ_BIT);
    handle_t closed = suite_copy(payload, RIGHTS_ALL_BITS);
    suite_close(closed);
    const struct {
        handle_t last;
        uint32_t count, moves, accept;
        status_t status;
    } rows[] = {
        {payload, 2, 0b01, 1, STATUS_TOO_LARGE}, // more than the receiver accepts
        {payload, 4, 0b01, 0, STATUS_TOO_LARGE}, // it accepts none
        {closed, 2, 0b01, 4, STATUS_BAD_HANDLE}, // the last is none
        {(handle_t){0}, 4, 0b01, 4, STATUS_BAD_HANDLE},
        {no_copy, 2, 0b01, 4, STATUS_NO_RIGHT},      // may not be copied
        {no_transfer, 2, 0b11, 4, STATUS_NO_RIGHT},  // may not be moved
        {movable, 2, 0b11, 4, STATUS_BAD_ARGUMENT},  // the same handle moved twice
        {movable, 2, 0b01, 4, STATUS_BAD_ARGUMENT},  // moved, and copied as well
        {payload, 2, 0b101, 4, STATUS_BAD_ARGUMENT}, // a move of none
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        for (int waiting_receiver = 0; waiting_receiver < 2; waiting_receiver++) {
            struct tess_message message = {.info = message_info(1, 0, rows[r].count, rows[r].moves)};
            for (uint32_t i = 0; i < rows[r].count; i++) {
                tess_message_set_handle(&message, i,
                                        i == 0                   ? movable
                                        : i + 1 == rows[r].count ? rows[r].last
                                                                 : payload);
            }
            peer.handle[0] = endpoint;
            peer.arg[0] = rows[r].accept;
            peer.arg[1] = 0;
            REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, handle_server));
            if (waiting_receiver) {
                REQUIRE(peer_await_blocked(&peer));
            }
            status_t status = tess_call(endpoint, &message, suite_after_ms(1000));
            bool held = suite_check_status(status, rows[r].status, "failed transfer", __FILE__, (int)r);
            if (held) {
                suite_note(OP_CALL, status);
            }
            EXPECT_OK(tess_process_handle_info(suite.process, movable.v, nullptr, nullptr, nullptr, nullptr,
                                               nullptr));
            // The receiver is still there.
            message = (struct tess_message){.info = 2};
            EXPECT_OK(tess_call(endpoint, &message, suite_after_ms(1000)));
            REQUIRE(peer_join(&peer));
            EXPECT_EQ(message_label(peer.message.info), 2);
            close_received(&peer.message);
        }
    }
    // The same refusals for send.
    struct tess_message message = {.info = message_info(1, 0, 1, 0)};
    tess_message_set_handle(&message, 0, closed);
    peer.arg[0] = 4;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, handle_server));
    REQUIRE(peer_await_blocked(&peer));
    REFUSED(SEND, BAD_HANDLE, tess_send(endpoint, &message, suite_after_ms(1000)));
    message = (struct tess_message){.info = 2};
    EXPECT_OK(tess_call(endpoint, &message, suite_after_ms(1000)));
    REQUIRE(peer_join(&peer));
    suite_close(no_transfer);
    suite_close(no_copy);
    suite_close(movable);
    suite_close(payload);
    suite_close(endpoint);
}

// An answer that the caller does not accept fails on the server's side, and may be given otherwise.
CASE(an_answer_with_more_handles_than_accepted_is_refused) {
    handle_t endpoint = new_endpoint();
    peer.handle[0] = endpoint;
    peer.handle[1] = suite.account;
    peer.arg[0] = 0;
    peer.arg[1] = 3;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, handle_server));
    struct tess_message message = {.info = 1 | tess_accept(2)};
    EXPECT_OK(tess_call(endpoint, &message, suite_after_ms(1000)));
    EXPECT_EQ(message_label(message.info), 99);
    REQUIRE(peer_join(&peer));
    if (suite_check_status(peer.status, STATUS_TOO_LARGE, "the answer", __FILE__, __LINE__)) {
        suite_note(OP_REPLY_RECV, peer.status);
    }
    suite_close(endpoint);
}

static void accepting_caller(struct peer *self) {
    self->message = (struct tess_message){.info = 1 | tess_accept(4)};
    self->status = tess_call(self->handle[0], &self->message, DEADLINE_NEVER);
}

// Answers with handles that are none, that lack rights; each refused, the caller still waiting.
CASE(an_answer_with_bad_handles_is_refused) {
    handle_t endpoint = new_endpoint();
    handle_t no_copy = suite_copy(endpoint, RIGHT_TRANSFER_BIT);
    peer.handle[0] = endpoint;
    peer.arg[0] = 4;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, echo_server));
    REQUIRE(stop_server(endpoint));
    struct tess_message answer;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, accepting_caller));
    struct tess_message request = {};
    REQUIRE_OK(tess_recv(endpoint, &request, suite_after_ms(1000)));
    answer = (struct tess_message){.info = message_info(1, 0, 1, 0)};
    tess_message_set_handle(&answer, 0, (handle_t){0x7777});
    REFUSED(REPLY_RECV, BAD_HANDLE, tess_reply(&answer));
    answer = (struct tess_message){.info = message_info(1, 0, 1, 0)};
    tess_message_set_handle(&answer, 0, no_copy);
    REFUSED(REPLY_RECV, NO_RIGHT, tess_reply(&answer));
    answer = (struct tess_message){.info = message_info(3, 0, 1, 1)};
    tess_message_set_handle(&answer, 0, no_copy); // moving it is allowed
    EXPECT_OK(tess_reply(&answer));
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    EXPECT_EQ(message_handle_count(peer.message.info), 1);
    close_received(&peer.message);
    suite_close(endpoint);
}

static void plain_sender(struct peer *self) {
    struct tess_message message = {.info = 5, .words = {0, 0, 0, 33}};
    self->status = tess_send(self->handle[0], &message, DEADLINE_NEVER);
}

// send: no answer is expected, and none can be given.
CASE(a_sent_message_has_no_caller) {
    handle_t endpoint = new_endpoint();
    peer.handle[0] = endpoint;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, plain_sender));
    struct tess_message message = {};
    REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
    EXPECT_EQ(message.words[3], 33);
    EXPECT_EQ(message.info & MESSAGE_WANTS_REPLY, 0);
    struct tess_message answer = {};
    REFUSED(REPLY_RECV, NO_CALLER, tess_reply(&answer));
    handle_t reply;
    REFUSED(THREAD_SAVE_REPLY, NO_CALLER, tess_thread_save_reply(suite.thread, &reply));
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    suite_close(endpoint);
}

static void numbered_sender(struct peer *self) {
    struct tess_message message = {.info = self->arg[0]};
    self->status = tess_send(self->handle[0], &message, DEADLINE_NEVER);
}

// Senders are served in the order in which they came.
CASE(senders_are_served_in_order) {
    static struct peer senders[PEER_COUNT];
    handle_t endpoint = new_endpoint();
    for (uint32_t i = 0; i < PEER_COUNT; i++) {
        senders[i].handle[0] = endpoint;
        senders[i].arg[0] = i;
        REQUIRE(peer_start(&senders[i], i, PEER_WITHOUT_PAGE, numbered_sender));
        REQUIRE(peer_await_blocked(&senders[i]));
    }
    for (uint32_t i = 0; i < PEER_COUNT; i++) {
        struct tess_message message = {};
        REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
        EXPECT_EQ(message_label(message.info), i);
    }
    for (uint32_t i = 0; i < PEER_COUNT; i++) {
        REQUIRE(peer_join(&senders[i]));
    }
    suite_close(endpoint);
}
