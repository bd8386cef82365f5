// Rings: every operation and every refusal, pipelining with real servers, the end of either side, and a ring whose
// memory is scribbled over while the kernel reads it.
#include "lib/tess/ring.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

static struct peer peer;
static struct tess_ring ring;

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

static struct ring_completion early[16]; // came before those that were asked for
static uint32_t early_count;

static bool ring_start(uint32_t entries, uint32_t in_flight, uint32_t pages) {
    early_count = 0;
    return suite_check_status(tess_ring_create(entries, in_flight, pages, &ring), STATUS_OK, "create_ring", __FILE__,
                              __LINE__);
}

// Waits for one more completion and returns it; user_data UINT64_MAX when none comes.
static struct ring_completion next(void) {
    struct ring_completion completion = {.user_data = UINT64_MAX};
    if (!tess_ring_next(&ring, &completion)) {
        EXPECT_OK(tess_ring_enter(&ring, 1, suite_after_ms(2000)));
        (void)tess_ring_next(&ring, &completion);
    }
    return completion;
}

// The completion with this user data: their order is free.
static struct ring_completion completion_of(uint64_t user_data) {
    for (uint32_t i = 0; i < early_count; i++) {
        if (early[i].user_data == user_data) {
            const struct ring_completion found = early[i];
            for (early_count--; i < early_count; i++) {
                early[i] = early[i + 1];
            }
            return found;
        }
    }
    for (;;) {
        const struct ring_completion completion = next();
        if (completion.user_data == user_data || completion.user_data == UINT64_MAX || early_count == 16) {
            return completion;
        }
        early[early_count++] = completion;
    }
}

#define NEXT_IS(data, name) \
    do { \
        const struct ring_completion completion_ = completion_of(data); \
        EXPECT_EQ(completion_.user_data, (uint64_t)(data)); \
        EXPECT_EQ(completion_.status, STATUS_CODE_##name); \
    } while (0)

// ---- creation and refusals -------------------------------------------------------------------------

static status_t create(handle_t account, uint64_t entries, uint64_t in_flight, uint64_t pages, uint64_t flags,
                       handle_t vspace, uint64_t address) {
    handle_t handle = {};
    uint64_t at = 0;
    status_t status = tess_account_create_ring(account, entries, in_flight, pages, flags, vspace, address, &handle, &at);
    if (status_ok(status)) {
        suite_close(handle);
    }
    return status;
}

CASE(create_ring_refusals) {
    const handle_t account = suite.account, vspace = suite.vspace;
    REFUSED(ACCOUNT_CREATE_RING, BAD_HANDLE, create(account, 4, 4, 0, 0, (handle_t){0}, 0));
    REFUSED(ACCOUNT_CREATE_RING, WRONG_TYPE, create(account, 4, 4, 0, 0, account, 0));
    handle_t weak = suite_copy(vspace, RIGHT_INSPECT_BIT);
    REFUSED(ACCOUNT_CREATE_RING, NO_RIGHT, create(account, 4, 4, 0, 0, weak, 0));
    suite_close(weak);
    static const uint64_t bad[][4] = {{0, 1, 0, 0},   {3, 1, 0, 0}, {256, 1, 0, 0},       {4, 0, 0, 0},
                                      {4, 129, 0, 0}, {4, 4, 5, 0}, {4, 4, UINT64_MAX, 0}, {4, 4, 0, 2}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED(ACCOUNT_CREATE_RING, BAD_ARGUMENT,
                create(account, bad[i][0], bad[i][1], bad[i][2], bad[i][3], vspace, 0));
    }
    REFUSED(ACCOUNT_CREATE_RING, BAD_ARGUMENT, create(account, 4, 4, 0, 0, vspace, 1));
    REFUSED(ACCOUNT_CREATE_RING, IN_USE,
            create(account, 4, 4, 0, 0, vspace, (uint64_t)(uintptr_t)&ring & ~(PAGE_BYTES - 1)));
    handle_t poor;
    REQUIRE_OK(tess_account_create_account(account, 24 * 1024, &poor));
    // Wherever the account ends on the way, nothing is left charged.
    for (uint64_t pages = 0; pages <= 16; pages += 4) {
        for (uint64_t in_flight = 48; in_flight <= 128; in_flight += 20) {
            REFUSED(ACCOUNT_CREATE_RING, NO_MEMORY, create(poor, 16, in_flight, pages, 0, vspace, 0));
        }
    }
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    uint64_t used = 1;
    EXPECT_OK(tess_account_info(poor, nullptr, &used, nullptr, nullptr));
    EXPECT_EQ(used, 0);
    suite_close(poor);
    REQUIRE(ring_start(4, 4, 0));
    REFUSED(ACCOUNT_CREATE_RING, IN_USE, create(account, 4, 4, 0, 0, vspace, 0));
    // Through the ring itself: no thread calls that could own another.
    struct ring_entry entry = tess_ring_accept(&ring, tess_ring_call(account, ACCOUNT_CREATE_RING, 1), 1, 0);
    uint64_t *words = tess_ring_words(&ring, 1);
    words[0] = words[1] = 4;
    words[4] = vspace.v;
    (void)tess_ring_put(&ring, entry);
    EXPECT_OK(tess_ring_enter(&ring, 1, DEADLINE_NEVER));
    struct ring_completion completion = {};
    EXPECT(tess_ring_next(&ring, &completion));
    REFUSED(ACCOUNT_CREATE_RING, BAD_STATE, ((status_t){completion.status}));
    tess_ring_destroy(&ring);
}

static void enters_foreign_ring(struct peer *self) {
    self->status = tess_arch_enter(SYS_RING_ENTER, self->handle[0], 0, 0, DEADLINE_POLL);
}

static status_t enter(handle_t handle, uint64_t submit, uint64_t min_complete, uint64_t deadline_ns) {
    return tess_arch_enter(SYS_RING_ENTER, handle, submit, min_complete, deadline_ns);
}

CASE(ring_enter_refusals) {
    handle_t endpoint = new_endpoint();
    REQUIRE(ring_start(4, 4, 0));
    REFUSED(RING_ENTER, BAD_HANDLE, enter((handle_t){0}, 0, 0, DEADLINE_POLL));
    REFUSED(RING_ENTER, WRONG_TYPE, enter(endpoint, 0, 0, DEADLINE_POLL));
    handle_t weak = suite_copy(ring.handle, RIGHT_MANAGE_BIT);
    REFUSED(RING_ENTER, NO_RIGHT, enter(weak, 0, 0, DEADLINE_POLL));
    suite_close(weak);
    REFUSED(RING_ENTER, BAD_ARGUMENT, enter(ring.handle, 5, 0, DEADLINE_POLL));
    peer.handle[0] = ring.handle;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, enters_foreign_ring));
    REQUIRE(peer_join(&peer));
    REFUSED(RING_ENTER, NOT_ALLOWED, peer.status);
    // Indices that cannot be.
    ring.header->submission_tail = 5;
    REFUSED(RING_ENTER, BAD_ARGUMENT, enter(ring.handle, 1, 0, DEADLINE_POLL));
    ring.header->submission_tail = 0;
    ring.header->completion_head = 1;
    REFUSED(RING_ENTER, BAD_ARGUMENT, enter(ring.handle, 1, 0, DEADLINE_POLL));
    ring.header->completion_head = 0;
    // Nothing is in flight: no wait.
    EXPECT_OK(enter(ring.handle, 0, 4, DEADLINE_NEVER));
    (void)tess_ring_put(&ring, tess_ring_call(endpoint, 1, 1));
    REFUSED(RING_ENTER, TIMED_OUT, tess_ring_enter(&ring, 1, DEADLINE_POLL));
    const uint64_t deadline = suite_after_ms(10);
    REFUSED(RING_ENTER, TIMED_OUT, tess_ring_enter(&ring, 1, deadline));
    EXPECT(suite_now_ns() >= deadline);
    tess_ring_destroy(&ring);
    suite_close(endpoint);
}

CASE(ring_bind_refusals) {
    handle_t notification = new_notification();
    REQUIRE(ring_start(4, 4, 0));
    REFUSED(RING_BIND, BAD_HANDLE, tess_ring_bind(ring.handle, (handle_t){1}, 1));
    REFUSED(RING_BIND, WRONG_TYPE, tess_ring_bind(ring.handle, suite.account, 1));
    handle_t weak = suite_copy(notification, RIGHT_WAIT_BIT);
    REFUSED(RING_BIND, NO_RIGHT, tess_ring_bind(ring.handle, weak, 1));
    suite_close(weak);
    tess_ring_destroy(&ring);
    suite_close(notification);
}

static void interrupts_owner(struct peer *self) {
    uint64_t state = 0;
    while (state != THREAD_STATE_WAITING) {
        (void)tess_thread_info(suite.thread, nullptr, &state, nullptr, nullptr).code;
        tess_yield();
    }
    self->status = self->arg[0] != 0 ? tess_process_handle_close(suite.process, self->arg[0])
                                     : tess_thread_cancel(suite.thread);
}

CASE(another_thread_ends_the_wait_or_the_ring) {
    handle_t endpoint = new_endpoint();
    for (uint64_t close = 0; close < 2; close++) {
        REQUIRE(ring_start(4, 4, 0));
        (void)tess_ring_put(&ring, tess_ring_call(endpoint, 1, 1));
        peer.arg[0] = close != 0 ? ring.handle.v : 0;
        REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, interrupts_owner));
        status_t status = tess_ring_enter(&ring, 1, suite_after_ms(2000));
        if (close != 0) {
            REFUSED(RING_ENTER, OBJECT_DEAD, status);
            ring.handle = (handle_t){};
        } else {
            REFUSED(RING_ENTER, CANCELED, status);
        }
        REQUIRE(peer_join(&peer));
        EXPECT_OK(peer.status);
        tess_ring_destroy(&ring);
    }
    suite_close(endpoint);
}

// ---- operations ------------------------------------------------------------------------------------

// Answers arg[0] calls: label 7 as it came, with its words plus one; label 8 with handle[1]; label 9 not at all.
static void server(struct peer *self) {
    struct tess_message message = {.info = tess_accept(4)};
    self->status = tess_recv(self->handle[0], &message, DEADLINE_NEVER);
    for (uint64_t left = self->arg[0]; left > 0 && status_ok(self->status); left--) {
        switch (message_label(message.info)) {
        case 8:
            message.info = message_info(0, 0, 1, 0);
            tess_message_set_handle(&message, 0, self->handle[1]);
            break;
        case 9: message.info = UINT64_MAX; break;
        default:
            message.info = message_info(0, message_page_bytes(message.info), 0, 0);
            for (uint32_t i = 0; i < MESSAGE_WORDS; i++) {
                message.words[i]++;
            }
            for (uint32_t i = 0; self->page != nullptr && i < message_page_bytes(message.info); i++) {
                self->page[i]++;
            }
        }
        if (left == 1 || message.info == UINT64_MAX) {
            if (message.info != UINT64_MAX) {
                self->status = tess_reply(&message);
            }
            message.info = tess_accept(4);
            if (left > 1) {
                self->status = tess_recv(self->handle[0], &message, DEADLINE_NEVER);
            }
        } else {
            message.info |= tess_accept(4);
            self->status = tess_reply_recv(self->handle[0], &message, DEADLINE_NEVER);
        }
    }
}

static bool start_server(handle_t endpoint, handle_t gives, uint64_t calls) {
    peer.handle[0] = endpoint;
    peer.handle[1] = gives;
    peer.arg[0] = calls;
    return peer_start(&peer, 0, PEER_WITH_PAGE, server);
}

CASE(ring_calls_with_words_and_pages) {
    handle_t endpoint = new_endpoint();
    REQUIRE(start_server(endpoint, endpoint, 3));
    REQUIRE(ring_start(4, 4, 1));
    struct ring_entry entry = tess_ring_call(endpoint, 7, 1);
    entry.words[0] = 41;
    (void)tess_ring_put(&ring, entry);
    entry = tess_ring_accept(&ring, tess_ring_call(endpoint, 7, 2), 1, 0);
    entry.info = message_info(7, MESSAGE_PAGE_BYTES, 0, 0);
    for (uint32_t i = 0; i < MESSAGE_PAGE_BYTES; i++) {
        tess_ring_page(&ring, 1)[i] = (uint8_t)i;
    }
    tess_ring_words(&ring, 1)[7] = 77;
    (void)tess_ring_put(&ring, entry);
    entry.buffer = 2; // has no page
    entry.user_data = 3;
    (void)tess_ring_put(&ring, entry);
    (void)tess_ring_put(&ring, tess_ring_call(endpoint, 7, 4));
    EXPECT_OK(tess_ring_enter(&ring, 4, suite_after_ms(2000)));
    NEXT_IS(3, BAD_ARGUMENT);
    struct ring_completion completion = completion_of(1);
    EXPECT_EQ(completion.user_data, 1);
    EXPECT_EQ(completion.value, 42);
    completion = completion_of(2);
    EXPECT_EQ(message_page_bytes(completion.info), MESSAGE_PAGE_BYTES);
    EXPECT_EQ(tess_ring_words(&ring, 1)[7], 78);
    bool same = true;
    for (uint32_t i = 0; i < MESSAGE_PAGE_BYTES; i++) {
        same = same && tess_ring_page(&ring, 1)[i] == (uint8_t)(i + 1);
    }
    EXPECT(same);
    NEXT_IS(4, OK);
    REQUIRE(peer_join(&peer));
    tess_ring_destroy(&ring);
    suite_close(endpoint);
}

// One server, which gives its own endpoint: three calls, each on what the one before returns, and two on the last.
CASE(ring_pipelines_three_deep) {
    handle_t endpoint = new_endpoint();
    REQUIRE(start_server(endpoint, endpoint, 5));
    REQUIRE(ring_start(8, 8, 0));
    uint32_t at = tess_ring_put(&ring, tess_ring_accept(&ring, tess_ring_call(endpoint, 8, 0), 1, 1));
    for (uint8_t i = 1; i < 3; i++) {
        struct ring_entry entry = tess_ring_on(tess_ring_call((handle_t){}, 8, i), at, 0);
        at = tess_ring_put(&ring, tess_ring_accept(&ring, entry, i + 1, 1));
    }
    for (uint64_t i = 3; i < 5; i++) {
        struct ring_entry entry = tess_ring_on(tess_ring_call((handle_t){}, 7, i), at, 0);
        entry.words[0] = i;
        (void)tess_ring_put(&ring, entry);
    }
    EXPECT_OK(tess_ring_enter(&ring, 5, suite_after_ms(2000)));
    for (uint64_t i = 0; i < 5; i++) {
        const struct ring_completion completion = next();
        EXPECT_EQ(completion.user_data, i);
        EXPECT_EQ(completion.status, 0);
        if (i >= 3) {
            EXPECT_EQ(completion.value, i + 1);
        } else {
            suite_close((handle_t){(uint32_t)tess_ring_words(&ring, (uint8_t)(i + 1))[6]});
        }
    }
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    tess_ring_destroy(&ring);
    suite_close(endpoint);
}

// The same without a buffer, and each call the last on its handle: none is left.
CASE(ring_pipelines_close_what_they_used) {
    handle_t endpoint = new_endpoint();
    uint32_t tokens[3];
    REQUIRE(start_server(endpoint, endpoint, 3));
    REQUIRE(ring_start(8, 8, 0));
    uint32_t at = tess_ring_put(&ring, tess_ring_expect(tess_ring_call(endpoint, 8, 0)));
    at = tess_ring_put(&ring, tess_ring_last(tess_ring_expect(tess_ring_call((handle_t){}, 8, 1)), at, 0));
    (void)tess_ring_put(&ring, tess_ring_last(tess_ring_call((handle_t){}, 7, 2), at, 0));
    EXPECT_OK(tess_ring_enter(&ring, 3, suite_after_ms(2000)));
    for (uint64_t i = 0; i < 3; i++) {
        const struct ring_completion completion = next();
        EXPECT_EQ(completion.user_data, i);
        EXPECT_EQ(completion.status, 0);
        tokens[i] = completion.token;
    }
    EXPECT(tokens[0] != 0 && tokens[1] != 0 && tokens[2] == 0);
    EXPECT_STATUS(BAD_HANDLE, tess_process_handle_close(suite.process, tokens[0]));
    EXPECT_STATUS(BAD_HANDLE, tess_process_handle_close(suite.process, tokens[1]));
    REQUIRE(peer_join(&peer));
    tess_ring_destroy(&ring);
    suite_close(endpoint);
}

// Ended by its deadline or cancelled, in a queue or in a server's hands: the handle is closed all the same.
CASE(ring_calls_that_end_close_what_they_used) {
    handle_t endpoint = new_endpoint();
    REQUIRE(ring_start(8, 8, 0));
    for (uint32_t way = 0; way < 3; way++) {
        uint64_t copy = 0;
        EXPECT_OK(tess_process_handle_copy(suite.process, endpoint.v, RIGHTS_ALL_BITS, &copy));
        struct ring_entry entry = tess_ring_call((handle_t){(uint32_t)copy}, 7, 1);
        entry.flags = RING_CLOSE;
        entry.deadline_ns = way == 0 ? suite_after_ms(2) : DEADLINE_NEVER;
        (void)tess_ring_put(&ring, entry);
        if (way == 1) {
            (void)tess_ring_put(&ring, (struct ring_entry){.op = RING_CANCEL, .user_data = 2, .words = {1}});
        } else if (way == 2) { // the last one that may receive there: its end ends the call
            EXPECT_OK(tess_ring_enter(&ring, 0, DEADLINE_POLL));
            suite_close(endpoint);
            (void)tess_ring_put(&ring, (struct ring_entry){.op = RING_RELEASE, .target = (uint32_t)copy, .user_data = 2});
        }
        EXPECT_OK(tess_ring_enter(&ring, way == 0 ? 1 : 2, suite_after_ms(2000)));
        const struct ring_completion completion = completion_of(1);
        EXPECT_EQ(completion.status, way == 0 ? STATUS_CODE_TIMED_OUT : way == 1 ? STATUS_CODE_CANCELED : STATUS_CODE_OBJECT_DEAD);
        if (way != 0) {
            NEXT_IS(2, OK);
        }
        EXPECT_STATUS(BAD_HANDLE, tess_process_handle_close(suite.process, copy));
    }
    tess_ring_destroy(&ring);
}

// The server drops the call at each depth: what relies on it breaks, what came before stands.
CASE(ring_pipelines_break_where_a_step_fails) {
    handle_t endpoint = new_endpoint();
    for (uint8_t depth = 0; depth < 3; depth++) {
        REQUIRE(start_server(endpoint, endpoint, depth + 1u));
        REQUIRE(ring_start(8, 8, 0));
        uint32_t at = 0;
        for (uint8_t i = 0; i < 4; i++) {
            struct ring_entry entry = tess_ring_call(endpoint, i == depth ? 9 : 8, i);
            entry = i == 0 ? entry : tess_ring_on(entry, at, 0);
            at = tess_ring_put(&ring, tess_ring_accept(&ring, entry, i + 1, 1));
        }
        EXPECT_OK(tess_ring_enter(&ring, depth, suite_after_ms(2000)));
        for (uint8_t i = 0; i < depth; i++) {
            NEXT_IS(i, OK);
            suite_close((handle_t){(uint32_t)tess_ring_words(&ring, (uint8_t)(i + 1))[6]});
        }
        REQUIRE(peer_join(&peer)); // the server is gone, with the call in hand
        NEXT_IS(depth, PEER_DIED);
        for (uint8_t i = depth + 1; i < 4; i++) {
            NEXT_IS(i, PROMISE_BROKEN);
        }
        tess_ring_destroy(&ring);
    }
    suite_close(endpoint);
}

CASE(ring_methods_of_kernel_objects) {
    REQUIRE(ring_start(8, 8, 0));
    const uint32_t made = tess_ring_put(&ring, tess_ring_call(suite.account, ACCOUNT_CREATE_NOTIFICATION, 1));
    struct ring_entry wait = {.op = RING_WAIT, .user_data = 2, .deadline_ns = DEADLINE_POLL};
    struct ring_entry release = {.op = RING_RELEASE, .user_data = 3};
    (void)tess_ring_put(&ring, tess_ring_on(wait, made, 0));
    (void)tess_ring_put(&ring, tess_ring_on(release, made, 0));
    // A method that needs the owner's address space, and one in bounded steps.
    struct ring_entry create_vmo = tess_ring_call(suite.account, ACCOUNT_CREATE_VMO, 4);
    create_vmo.words[0] = PAGE_BYTES;
    static const char text[8] = "ring";
    const uint32_t vmo = tess_ring_put(&ring, create_vmo);
    struct ring_entry write = tess_ring_on(tess_ring_call((handle_t){}, VMO_WRITE, 5), vmo, 0);
    write.words[1] = (uint64_t)(uintptr_t)text;
    write.words[2] = sizeof text;
    (void)tess_ring_put(&ring, write);
    release.user_data = 6;
    (void)tess_ring_put(&ring, tess_ring_on(release, vmo, 0));
    uint64_t address = 0;
    handle_t memory;
    REQUIRE_OK(tess_account_create_vmo(suite.account, 4096 * PAGE_BYTES, &memory));
    REQUIRE_OK(tess_vspace_map(suite.vspace, memory, 0, 4096 * PAGE_BYTES, 0, PROT_READ, &address));
    struct ring_entry unmap = tess_ring_call(suite.vspace, VSPACE_UNMAP, 7);
    unmap.words[0] = address;
    unmap.words[1] = 4096 * PAGE_BYTES;
    (void)tess_ring_put(&ring, unmap);
    EXPECT_OK(tess_ring_enter(&ring, 7, suite_after_ms(2000)));
    NEXT_IS(1, OK);
    NEXT_IS(2, TIMED_OUT);
    NEXT_IS(3, OK);
    NEXT_IS(4, OK);
    struct ring_completion completion = next();
    EXPECT_EQ(completion.status, 0);
    EXPECT_EQ(completion.value, sizeof text);
    NEXT_IS(6, OK);
    NEXT_IS(7, OK);
    EXPECT_STATUS(NOT_FOUND, tess_vspace_protect(suite.vspace, address, PAGE_BYTES, PROT_READ));
    suite_close(memory);
    tess_ring_destroy(&ring);
}

static void caller(struct peer *self) {
    self->message = (struct tess_message){.info = 5, .words = {1, 2, 3}};
    self->status = tess_call(self->handle[0], &self->message, suite_after_ms(3000));
}

CASE(ring_receives_and_returns) {
    handle_t endpoint = new_endpoint(), client = suite_mint(endpoint, RIGHT_SEND_BIT, 99);
    REQUIRE(ring_start(8, 4, 0));
    struct ring_entry receive = {.op = RING_RECV, .target = endpoint.v, .buffer = 1, .user_data = 1,
                                 .deadline_ns = DEADLINE_NEVER};
    (void)tess_ring_put(&ring, receive);
    EXPECT_OK(tess_ring_enter(&ring, 0, DEADLINE_POLL));
    peer.handle[0] = client;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, caller));
    struct ring_completion completion = next();
    EXPECT_EQ(completion.status, 0);
    EXPECT_EQ(completion.value, 99);
    EXPECT_EQ(message_label(completion.info), 5);
    EXPECT_EQ(tess_ring_words(&ring, 1)[2], 3);
    struct ring_entry answer = {.op = RING_RETURN, .target = completion.token, .info = 6, .words = {10}, .user_data = 2};
    (void)tess_ring_put(&ring, answer);
    (void)tess_ring_put(&ring, answer);
    EXPECT_OK(tess_ring_enter(&ring, 2, DEADLINE_POLL));
    NEXT_IS(2, OK);
    NEXT_IS(2, NO_CALLER);
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    EXPECT_EQ(peer.message.info, 6);
    EXPECT_EQ(peer.message.words[0], 10);
    // The ring ends with the caller unanswered.
    (void)tess_ring_put(&ring, receive);
    EXPECT_OK(tess_ring_enter(&ring, 0, DEADLINE_POLL));
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, caller));
    EXPECT_EQ(next().user_data, 1);
    tess_ring_destroy(&ring);
    REQUIRE(peer_join(&peer));
    EXPECT_STATUS(PEER_DIED, peer.status);
    suite_close(client);
    suite_close(endpoint);
}

CASE(ring_waits_times_out_and_cancels) {
    handle_t notification = new_notification(), endpoint = new_endpoint();
    REQUIRE(ring_start(8, 8, 0));
    const uint64_t now = suite_now_ns();
    struct ring_entry wait = {.op = RING_WAIT, .target = notification.v, .user_data = 1, .deadline_ns = DEADLINE_NEVER};
    (void)tess_ring_put(&ring, wait);
    struct ring_entry timeout = {.op = RING_TIMEOUT, .flags = RING_LINK, .user_data = 2, .deadline_ns = now + 5'000'000};
    (void)tess_ring_put(&ring, timeout);
    (void)tess_ring_put_nop(&ring, 3);
    struct ring_entry call = tess_ring_call(endpoint, 1, 4);
    call.deadline_ns = now + 10'000'000;
    (void)tess_ring_put(&ring, call);
    call = tess_ring_call(endpoint, 1, 5);
    timeout = (struct ring_entry){.op = RING_TIMEOUT, .user_data = 6, .deadline_ns = now + 15'000'000};
    (void)tess_ring_put(&ring, tess_ring_on(timeout, tess_ring_put(&ring, call), 0));
    (void)tess_ring_put(&ring, tess_ring_call(endpoint, 1, 7));
    EXPECT_OK(tess_ring_enter(&ring, 5, suite_after_ms(5000)));
    uint32_t status[8] = {}, seen = 0; // in any order: a slow machine may find several past at once
    for (uint32_t i = 0; i < 5; i++) {
        const struct ring_completion completion = next();
        status[completion.user_data & 7] = completion.status;
        seen |= 1u << (completion.user_data & 7);
    }
    EXPECT_EQ(seen, 0x7c); // entries 2 to 6
    EXPECT_EQ(status[2] | status[3] | status[6], 0);
    EXPECT_EQ(status[4], STATUS_CODE_TIMED_OUT);
    EXPECT_EQ(status[5], STATUS_CODE_TIMED_OUT);
    EXPECT(suite_now_ns() >= now + 15'000'000);
    struct ring_entry cancel = {.op = RING_CANCEL, .user_data = 8, .words = {7}};
    (void)tess_ring_put(&ring, cancel);
    (void)tess_ring_put(&ring, cancel);
    EXPECT_OK(tess_ring_enter(&ring, 0, DEADLINE_POLL));
    NEXT_IS(7, CANCELED);
    NEXT_IS(8, OK);
    NEXT_IS(8, NOT_FOUND);
    EXPECT_OK(tess_signal(notification, 6));
    const struct ring_completion completion = next();
    EXPECT_EQ(completion.user_data, 1);
    EXPECT_EQ(completion.value, 6);
    tess_ring_destroy(&ring);
    suite_close(notification);
    suite_close(endpoint);
}

// One loop for requests of clients and completions of the ring.
CASE(ring_completions_arrive_in_recv) {
    handle_t notification = new_notification(), endpoint = new_endpoint(), waited = new_notification();
    REQUIRE_OK(tess_notification_bind(notification, endpoint));
    REQUIRE(ring_start(4, 4, 0));
    EXPECT_OK(tess_ring_bind(ring.handle, notification, 0x10));
    struct tess_message message = {};
    EXPECT_OK(tess_recv(endpoint, &message, DEADLINE_POLL)); // that it is bound now
    struct ring_entry wait = {.op = RING_WAIT, .target = waited.v, .user_data = 1, .deadline_ns = DEADLINE_NEVER};
    (void)tess_ring_put(&ring, wait);
    EXPECT_OK(tess_ring_enter(&ring, 0, DEADLINE_POLL));
    message = (struct tess_message){};
    EXPECT_STATUS(TIMED_OUT, tess_recv(endpoint, &message, DEADLINE_POLL));
    EXPECT_OK(tess_signal(waited, 1));
    message = (struct tess_message){};
    EXPECT_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
    EXPECT_EQ(message.info & MESSAGE_NOTIFICATION, MESSAGE_NOTIFICATION);
    EXPECT_EQ(message.words[0], 0x10);
    NEXT_IS(1, OK);
    tess_ring_destroy(&ring);
    suite_close(waited);
    suite_close(notification);
    suite_close(endpoint);
}

// ---- damage ----------------------------------------------------------------------------------------

static uint64_t random_state = 88172645463325252u;
static uint64_t random_next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

// An entry that may make sense, or not.
static struct ring_entry random_entry(const handle_t handles[4]) {
    const uint64_t r = random_next();
    struct ring_entry entry = {.op = (uint8_t)(r % 11), .flags = (uint8_t)(r >> 8 & (r >> 12 & 1 ? 7 : 3)),
                               .index = (uint8_t)(r >> 16 & 1), .buffer = (uint8_t)(r >> 20 & 7),
                               .target = handles[r >> 24 & 3].v, .user_data = r >> 32 & 7,
                               .info = r >> 40 & 31, .deadline_ns = suite_now_ns() + (r >> 48) * 8};
    if ((entry.flags & RING_EARLIER) != 0) {
        entry.target = ring.submitted - (uint32_t)(r >> 28 & 15);
    }
    if ((r >> 36 & 3) == 0) {
        entry.info |= random_next() & (7ull << MESSAGE_ACCEPT_SHIFT | 0xfull << MESSAGE_PAGE_SHIFT);
    }
    entry.words[0] = random_next() & 7;
    if (entry.op == RING_RELEASE && (random_next() & 0x1ff) != 0) {
        entry.op = RING_CANCEL;
    }
    return entry;
}

static void scribbler(struct peer *self) {
    uint64_t state = 1442695040888963407u;
    volatile uint32_t *words = (volatile uint32_t *)(uintptr_t)self->arg[0];
    while (__atomic_load_n(&self->arg[2], __ATOMIC_RELAXED) == 0) {
        for (uint32_t i = 0; i < 64; i++) {
            state = state * 6364136223846793005u + 1;
            words[(state >> 33) % (self->arg[1] / 4)] = (uint32_t)(state >> 13);
        }
        tess_yield();
    }
}

CASE(ring_parks_and_unparks) {
    static uint32_t word = 1;
    REQUIRE(ring_start(8, 4, 0));
    struct ring_entry park = {.op = RING_PARK, .words = {(uintptr_t)&word, 1}, .user_data = 1,
                              .deadline_ns = DEADLINE_NEVER};
    struct ring_entry unpark = {.op = RING_UNPARK, .words = {(uintptr_t)&word, 32}, .user_data = 3};
    tess_ring_put(&ring, park);
    park.user_data = 2;
    tess_ring_put(&ring, park);
    tess_ring_put(&ring, unpark);
    EXPECT_EQ(completion_of(3).value, 2);
    NEXT_IS(1, OK);
    NEXT_IS(2, OK);
    park.words[1] = 2; // not its value
    tess_ring_put(&ring, park);
    NEXT_IS(2, BAD_STATE);
    park.words[1] = 1ull << 32 | 1; // inheritance is for threads
    tess_ring_put(&ring, park);
    NEXT_IS(2, BAD_ARGUMENT);
    park.words[1] = 1;
    park.deadline_ns = suite_after_ms(5);
    tess_ring_put(&ring, park);
    NEXT_IS(2, TIMED_OUT);
    unpark.words[1] = 33;
    tess_ring_put(&ring, unpark);
    NEXT_IS(3, BAD_ARGUMENT);
    park.deadline_ns = DEADLINE_NEVER;
    tess_ring_put(&ring, park);
    tess_ring_put(&ring, (struct ring_entry){.op = RING_CANCEL, .words = {2}, .user_data = 4});
    NEXT_IS(4, OK);
    NEXT_IS(2, CANCELED);
    tess_ring_put(&ring, park);
    EXPECT_OK(tess_ring_enter(&ring, 0, DEADLINE_POLL));
    tess_ring_destroy(&ring); // while it is parked
}

// Waits for the next completion without entering, as long as the ring says that nobody has to.
static bool next_without_entering(struct ring_completion *completion) {
    const uint64_t end = suite_after_ms(2000);
    while (!tess_ring_next(&ring, completion)) {
        if (__atomic_load_n(&ring.header->need_enter, __ATOMIC_SEQ_CST) != 0 || suite_now_ns() > end) {
            return false;
        }
    }
    return true;
}

// Every entry is completed, whoever takes it; where there are others, which have nothing else to do, they take some.
CASE(polled_rings_need_no_system_call) {
    constexpr uint64_t COUNT = 5000;
    struct ring_completion completion;
    uint64_t polled = 0;
    early_count = 0;
    REQUIRE_OK(tess_ring_create_polled(4, 2, 0, &ring));
    for (uint64_t i = 1; i <= COUNT; i++) {
        tess_ring_put_nop(&ring, i);
        polled += __atomic_load_n(&ring.header->need_enter, __ATOMIC_SEQ_CST) == 0;
        EXPECT_OK(tess_ring_submit(&ring));
        if (next_without_entering(&completion)) {
            EXPECT_EQ(completion.user_data, i);
        } else {
            REQUIRE(completion_of(i).user_data == i);
        }
    }
    // A method needs the owner: the ring says so.
    struct ring_entry entry = tess_ring_call(suite.thread, THREAD_INFO, 1);
    tess_ring_put(&ring, entry);
    EXPECT_OK(tess_ring_submit(&ring));
    NEXT_IS(1, OK);
    tess_ring_destroy(&ring);
    const bool many = status_ok(tess_thread_set_affinity(suite.thread, 2));
    EXPECT_OK(tess_thread_set_affinity(suite.thread, UINT64_MAX));
    EXPECT(many == (polled > 0));
}

// Entries at random, with the memory sound and with another thread writing all over it. Whatever happens, it happens
// to this ring: the call of an uninvolved client comes through unharmed, and everything is given back.
CASE(ring_scribbled_over_harms_only_its_owner) {
    static struct peer wrecker;
    handle_t endpoint = new_endpoint(), spare = new_notification();
    for (uint32_t scribble = 0; scribble < 2; scribble++) {
        // Some entries release them.
        handle_t handles[4] = {suite_copy(endpoint, RIGHTS_ALL_BITS), suite_copy(spare, RIGHTS_ALL_BITS),
                               suite_copy(endpoint, RIGHTS_ALL_BITS), {0xffff'0001}};
        REQUIRE(ring_start(16, 8, 2));
        const struct tess_ring sound = ring;
        wrecker.arg[0] = (uint64_t)(uintptr_t)ring.header;
        wrecker.arg[1] = ring.header->pages_offset;
        wrecker.arg[2] = 0;
        if (scribble != 0) {
            REQUIRE(peer_start(&wrecker, 1, PEER_WITHOUT_PAGE, scribbler));
        }
        for (uint32_t round = 0; round < 3000; round++) {
            for (uint64_t left = random_next() % 6; left > 0; left--) {
                ring.entries[ring.submitted & ring.mask] = random_entry(handles);
                ring.submitted++;
            }
            (void)tess_ring_enter(&ring, (uint32_t)(random_next() & 3), suite_now_ns() + 20'000).code;
            ring.submitted = ring.header->submission_head;
            ring.seen = ring.header->completion_tail;
            ring.header->completion_head = ring.seen;
            tess_yield();
        }
        if (scribble != 0) {
            __atomic_store_n(&wrecker.arg[2], 1, __ATOMIC_RELAXED);
            REQUIRE(peer_join(&wrecker));
        }
        ring = sound; // what it was made with
        suite_close(ring.handle);
        EXPECT_OK(tess_vspace_unmap(suite.vspace, (uint64_t)(uintptr_t)ring.header, PAGE_BYTES));
        EXPECT_OK(tess_vspace_unmap(suite.vspace, (uint64_t)(uintptr_t)ring.header + PAGE_BYTES, 2 * PAGE_BYTES));
        // Others' calls are as if nothing had been.
        handle_t clean = new_endpoint();
        peer.handle[0] = clean;
        REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, caller));
        struct tess_message message = {};
        EXPECT_OK(tess_recv(clean, &message, suite_after_ms(2000)));
        EXPECT_EQ(message.words[2], 3);
        message.info = 0;
        EXPECT_OK(tess_reply(&message));
        REQUIRE(peer_join(&peer));
        EXPECT_OK(peer.status);
        suite_close(clean);
        for (uint32_t i = 0; i < 3; i++) {
            (void)tess_process_handle_close(suite.process, handles[i].v).code;
        }
    }
    suite_close(spare);
    suite_close(endpoint);
}
