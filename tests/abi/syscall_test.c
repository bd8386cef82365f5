// What every system call refuses: unknown numbers, handles that are none, objects of another type,
// handles without the right, headers with reserved bits.
#include "lib/tess/ring.h"
#include "machine.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"
#include "raw.h"

static status_t raw(uint64_t number, uint64_t handle, uint64_t info) {
    struct raw_message message = {.info = info};
    return raw_syscall(number, handle, &message, DEADLINE_POLL);
}

CASE(unknown_system_call_numbers_are_refused) {
    static const uint64_t numbers[] = {10,
                                       11,
                                       31,
                                       32,
                                       63,
                                       64,
                                       255,
                                       256,
                                       4095,
                                       65'536,
                                       0x7fff'ffff,
                                       0x8000'0000,
                                       0xffff'ffff,
                                       0x1'0000'000b,
                                       UINT64_MAX,
                                       UINT64_MAX - 9,
                                       1ull << 63};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        EXPECT_STATUS(BAD_SYSCALL, raw(numbers[i], suite.account.v, ACCOUNT_INFO));
    }
}

CASE(yield_returns) {
    for (int i = 0; i < 100; i++) {
        EXPECT_OK(raw(SYS_YIELD, 0, 0));
    }
}

// Zero, out of range, unused, never issued, with a wrong generation, with bits above the handle's 32.
static void refuse_bad_handles(enum op op, uint64_t number) {
    handle_t closed = suite_copy(suite.account, RIGHTS_ALL_BITS);
    suite_close(closed);
    const uint64_t bad[] = {1,
                            0xffff,
                            0x1'0000,
                            0xffff'ffff,
                            0xfffe'ffff,
                            closed.v,
                            suite.account.v ^ 0x1'0000,
                            suite.account.v ^ 0x8000'0000,
                            suite.account.v | 1ull << 32,
                            suite.account.v | 1ull << 63,
                            UINT64_MAX,
                            0xffff'8000'0000'0000};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        status_t status = raw(number, bad[i], 0);
        if (suite_check_status(status, STATUS_BAD_HANDLE, op_rows[op].name, __FILE__, (int)i)) {
            suite_note(op, status);
        }
    }
}

CASE(handles_that_are_none_are_refused_by_every_call) {
    refuse_bad_handles(OP_CALL, SYS_CALL);
    refuse_bad_handles(OP_SEND, SYS_SEND);
    refuse_bad_handles(OP_RING_ENTER, SYS_RING_ENTER);
    refuse_bad_handles(OP_RECV, SYS_RECV);
    refuse_bad_handles(OP_REPLY_RECV, SYS_REPLY_RECV);
    refuse_bad_handles(OP_SIGNAL, SYS_SIGNAL);
    refuse_bad_handles(OP_WAIT, SYS_WAIT);
    REFUSED(CALL, BAD_HANDLE, raw(SYS_CALL, 0, 0));
    REFUSED(SEND, BAD_HANDLE, raw(SYS_SEND, 0, 0));
    REFUSED(RECV, BAD_HANDLE, raw(SYS_RECV, 0, 0));
    REFUSED(SIGNAL, BAD_HANDLE, raw(SYS_SIGNAL, 0, 0));
    REFUSED(WAIT, BAD_HANDLE, raw(SYS_WAIT, 0, 0));
}

CASE(handle_zero_of_reply_recv_means_only_answer) {
    REFUSED(REPLY_RECV, NO_CALLER, raw(SYS_REPLY_RECV, 0, 0));
}

CASE(objects_of_another_type_are_refused) {
    handle_t endpoint, notification;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    REFUSED(SEND, WRONG_TYPE, raw(SYS_SEND, notification.v, 0));
    REFUSED(RECV, WRONG_TYPE, raw(SYS_RECV, notification.v, 0));
    REFUSED(RECV, WRONG_TYPE, raw(SYS_RECV, suite.process.v, 0));
    REFUSED(REPLY_RECV, WRONG_TYPE, raw(SYS_REPLY_RECV, notification.v, 0));
    REFUSED(SIGNAL, WRONG_TYPE, raw(SYS_SIGNAL, endpoint.v, 0));
    REFUSED(WAIT, WRONG_TYPE, raw(SYS_WAIT, endpoint.v, 0));
    suite_close(endpoint);
    suite_close(notification);
}

// To a method a handle may travel as to a service, and handles come back as from one.
CASE(handles_of_methods_travel) {
    struct raw_message message = {.info = message_info(ACCOUNT_CREATE_VMO, 0, 0, 0), .words = {PAGE_BYTES}};
    REQUIRE_OK(raw_syscall(SYS_CALL, suite.account.v, &message, DEADLINE_POLL));
    EXPECT_EQ(message.info, message_info(0, 0, 1, 0));
    EXPECT_EQ(message.words[6], message.words[0]);
    const handle_t vmo = {(uint32_t)message.words[0]};

    message = (struct raw_message){.words = {0, PAGE_BYTES, suite.account.v, [6] = suite.account.v}};
    message.info = message_info(VMO_CLONE, 0, 1, 0);
    REQUIRE_OK(raw_syscall(SYS_CALL, vmo.v, &message, DEADLINE_POLL));
    EXPECT_EQ(message.info, message_info(0, 0, 1, 0));
    suite_close((handle_t){(uint32_t)message.words[6]});

    message = (struct raw_message){.info = ACCOUNT_CREATE_PROCESS};
    REQUIRE_OK(raw_syscall(SYS_CALL, suite.account.v, &message, DEADLINE_POLL));
    EXPECT_EQ(message.info, message_info(0, 0, 2, 0));
    EXPECT_EQ(message.words[6], message.words[0] | message.words[1] << 32);
    suite_close((handle_t){(uint32_t)message.words[0]});
    suite_close((handle_t){(uint32_t)message.words[1]});

    // Nothing else does.
    const uint64_t refused[] = {message_info(VMO_INFO, 8, 0, 0), message_info(VMO_INFO, 0, 2, 0),
                                message_info(VMO_INFO, 0, 1, 1), message_info(VMO_INFO, 0, 4, 0)};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        EXPECT_STATUS(BAD_ARGUMENT, raw(SYS_CALL, vmo.v, refused[i]));
    }
    EXPECT_OK(raw(SYS_CALL, vmo.v, message_info(VMO_INFO, 0, 1, 0)));
    suite_close(vmo);
}

CASE(rights_are_needed) {
    handle_t endpoint, notification;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    handle_t no_send = suite_copy(endpoint, RIGHTS_ALL_BITS & ~RIGHT_SEND_BIT);
    handle_t no_receive = suite_copy(endpoint, RIGHTS_ALL_BITS & ~RIGHT_RECEIVE_BIT);
    handle_t no_signal = suite_copy(notification, RIGHTS_ALL_BITS & ~RIGHT_SIGNAL_BIT);
    handle_t no_wait = suite_copy(notification, RIGHTS_ALL_BITS & ~RIGHT_WAIT_BIT);
    REFUSED(CALL, NO_RIGHT, raw(SYS_CALL, no_send.v, 0));
    REFUSED(SEND, NO_RIGHT, raw(SYS_SEND, no_send.v, 0));
    REFUSED(RECV, NO_RIGHT, raw(SYS_RECV, no_receive.v, 0));
    REFUSED(REPLY_RECV, NO_RIGHT, raw(SYS_REPLY_RECV, no_receive.v, 0));
    REFUSED(SIGNAL, NO_RIGHT, raw(SYS_SIGNAL, no_signal.v, 0));
    REFUSED(WAIT, NO_RIGHT, raw(SYS_WAIT, no_wait.v, 0));
    handle_t all[] = {no_send, no_receive, no_signal, no_wait, endpoint, notification};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        suite_close(all[i]);
    }
}

CASE(reserved_header_bits_are_refused) {
    handle_t endpoint;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    for (uint32_t bit = 0; bit < 64; bit++) {
        if ((MESSAGE_SENDABLE >> bit & 1) != 0) {
            continue;
        }
        uint64_t info = 1ull << bit;
        REFUSED(CALL, BAD_ARGUMENT, raw(SYS_CALL, endpoint.v, info));
        REFUSED(SEND, BAD_ARGUMENT, raw(SYS_SEND, endpoint.v, info));
        REFUSED(RECV, BAD_ARGUMENT, raw(SYS_RECV, endpoint.v, info));
    }
    static const uint32_t too_long[] = {4097, 5000, 8191};
    for (size_t i = 0; i < sizeof too_long / sizeof too_long[0]; i++) {
        REFUSED(CALL, BAD_ARGUMENT, raw(SYS_CALL, endpoint.v, message_info(0, too_long[i], 0, 0)));
        REFUSED(SEND, BAD_ARGUMENT, raw(SYS_SEND, endpoint.v, message_info(0, too_long[i], 0, 0)));
    }
    for (uint32_t count = 5; count < 8; count++) {
        REFUSED(CALL, BAD_ARGUMENT, raw(SYS_CALL, endpoint.v, message_info(0, 0, count, 0)));
        REFUSED(SEND, BAD_ARGUMENT, raw(SYS_SEND, endpoint.v, message_info(0, 0, count, 0)));
        REFUSED(RECV, BAD_ARGUMENT, raw(SYS_RECV, endpoint.v, (uint64_t)count << MESSAGE_ACCEPT_SHIFT));
    }
    suite_close(endpoint);
}

// A caller for the next case: waits until somebody answers it properly.
static void plain_caller(struct peer *peer) {
    peer->message = (struct tess_message){.info = 77};
    peer->status = tess_call(peer->handle[0], &peer->message, DEADLINE_NEVER);
}

// A bad answer leaves the caller waiting for a better one.
CASE(a_malformed_answer_leaves_the_caller_to_be_answered) {
    static struct peer peer;
    handle_t endpoint;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    peer.handle[0] = endpoint;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, plain_caller));
    struct tess_message message = {};
    REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
    EXPECT_EQ(message_label(message.info), 77);
    EXPECT_EQ(message.info & MESSAGE_WANTS_REPLY, MESSAGE_WANTS_REPLY);
    REFUSED(REPLY_RECV, BAD_ARGUMENT, raw(SYS_REPLY_RECV, 0, 1ull << 63));
    REFUSED(REPLY_RECV, BAD_ARGUMENT, raw(SYS_REPLY_RECV, endpoint.v, message_info(0, 4097, 0, 0)));
    REFUSED(REPLY_RECV, BAD_ARGUMENT, raw(SYS_REPLY_RECV, endpoint.v, message_info(0, 0, 5, 0)));
    REFUSED(REPLY_RECV, TOO_LARGE,
            raw(SYS_REPLY_RECV, 0, message_info(0, 0, 1, 0))); // the caller accepts none
    struct tess_message answer = {.info = 78};
    EXPECT_OK(tess_reply(&answer));
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    EXPECT_EQ(message_label(peer.message.info), 78);
    suite_close(endpoint);
}

// Every method of every object refuses a handle that lacks the method's right, and every object
// refuses numbers that it has no method for.
CASE(every_method_needs_its_right_and_its_number) {
    handle_t sample[OBJECT_TYPE_COUNT] = {};
    sample[OBJECT_ACCOUNT] = suite.account;
    sample[OBJECT_PROCESS] = suite.process;
    sample[OBJECT_THREAD] = suite.thread;
    sample[OBJECT_VSPACE] = suite.vspace;
    sample[OBJECT_RESOURCE] = suite.resource;
    sample[OBJECT_INSPECTOR] = suite.inspector;
    sample[OBJECT_TRACE] = suite.trace;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &sample[OBJECT_VMO]));
    REQUIRE_OK(tess_account_create_notification(suite.account, &sample[OBJECT_NOTIFICATION]));
    if (MACHINE_HAS_PORTS) {
        REQUIRE_OK(
            tess_resource_mint_ioport(suite.resource, SPARE_PORT, 1, suite.account, &sample[OBJECT_IOPORT]));
    }
    REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, SPARE_LINE, 4, suite.account,
                                            &sample[OBJECT_INTERRUPT]));
    REQUIRE_OK(tess_resource_mint_iospace(suite.resource, 0, 1, suite.account, &sample[OBJECT_IOSPACE]));
    REQUIRE_OK(tess_account_create_timer(suite.account, &sample[OBJECT_TIMER]));
    struct tess_ring ring;
    REQUIRE_OK(tess_ring_create(4, 4, 0, &ring));
    sample[OBJECT_RING] = ring.handle;
    for (uint32_t op = 0; op < OP_COUNT; op++) {
        const struct op_row *row = &op_rows[op];
        if (row->object_type == 0 || sample[row->object_type].v == 0) {
            continue; // a system call, or an object that this machine has none of
        }
        handle_t weak = suite_copy(sample[row->object_type], RIGHTS_ALL_BITS & ~row->right);
        uint64_t words[8] = {};
        status_t status = raw_invoke(weak, row->number, words);
        if (suite_check_status(status, STATUS_NO_RIGHT, row->name, __FILE__, (int)op)) {
            suite_note(op, status);
        }
        suite_close(weak);
    }
    static const uint32_t numbers[] = {0, 62, 63, 64, 255, 256, 0x1000'0001, 0x7fff'ffff, 0xffff'ffff};
    for (uint32_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
        for (size_t i = 0; sample[type].v != 0 && i < sizeof numbers / sizeof numbers[0]; i++) {
            uint64_t words[8] = {};
            REFUSED(CALL, BAD_METHOD, raw_invoke(sample[type], numbers[i], words));
        }
    }
    suite_close(sample[OBJECT_VMO]);
    suite_close(sample[OBJECT_NOTIFICATION]);
    if (MACHINE_HAS_PORTS) {
        suite_close(sample[OBJECT_IOPORT]);
    }
    suite_close(sample[OBJECT_INTERRUPT]);
    suite_close(sample[OBJECT_IOSPACE]);
    suite_close(sample[OBJECT_TIMER]);
    tess_ring_destroy(&ring);
}
