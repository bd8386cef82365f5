// Handle tables: copies, badges, generations, grants, and what a full table or account refuses.
#include "machine.h"
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

constexpr uint64_t OWN_INTERFACE = 0x1234'5678'9abc'def0;

CASE(copies_only_lose_rights) {
    handle_t endpoint;
    uint64_t type, rights, copy = 0;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, OWN_INTERFACE, &endpoint));
    handle_t weak = suite_copy(endpoint, RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT);
    EXPECT_OK(tess_process_handle_info(suite.process, weak.v, &type, &rights, nullptr, nullptr, nullptr));
    EXPECT_EQ(type, OBJECT_ENDPOINT);
    EXPECT_EQ(rights, RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT);
    handle_t same = suite_copy(weak, RIGHTS_ALL_BITS);
    EXPECT_OK(tess_process_handle_info(suite.process, same.v, nullptr, &rights, nullptr, nullptr, nullptr));
    EXPECT_EQ(rights, RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT);
    handle_t single = suite_copy(weak, RIGHT_SEND_BIT);
    REFUSED(PROCESS_HANDLE_COPY, NO_RIGHT,
            tess_process_handle_copy(suite.process, single.v, RIGHTS_ALL_BITS, &copy));
    REFUSED(PROCESS_HANDLE_COPY, BAD_HANDLE,
            tess_process_handle_copy(suite.process, 0, RIGHTS_ALL_BITS, &copy));
    REFUSED(PROCESS_HANDLE_COPY, BAD_HANDLE,
            tess_process_handle_copy(suite.process, 1ull << 40 | endpoint.v, RIGHTS_ALL_BITS, &copy));
    REFUSED(PROCESS_HANDLE_COPY, BAD_ARGUMENT,
            tess_process_handle_copy(suite.process, endpoint.v, 1ull << 32, &copy));
    suite_close(single);
    suite_close(same);
    suite_close(weak);
    suite_close(endpoint);
}

CASE(minting_sets_badge_and_interface) {
    handle_t endpoint, vmo;
    uint64_t badge, interface, rights, first_koid, second_koid, minted = 0;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, OWN_INTERFACE, &endpoint));
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    EXPECT_OK(tess_process_handle_info(suite.process, endpoint.v, nullptr, nullptr, &badge, &interface,
                                       &first_koid));
    EXPECT_EQ(badge, 0);
    EXPECT_EQ(interface, OWN_INTERFACE);
    EXPECT_OK(tess_process_handle_mint(suite.process, endpoint.v, RIGHT_SEND_BIT, 0xfeed'0000'0000'0001, 42,
                                       &minted));
    EXPECT_OK(
        tess_process_handle_info(suite.process, minted, nullptr, &rights, &badge, &interface, &second_koid));
    EXPECT_EQ(badge, 0xfeed'0000'0000'0001);
    EXPECT_EQ(interface, 42);
    EXPECT_EQ(rights, RIGHT_SEND_BIT);
    EXPECT_EQ(second_koid, first_koid);
    uint64_t other = 0;
    REFUSED(PROCESS_HANDLE_MINT, NO_RIGHT,
            tess_process_handle_mint(suite.process, minted, RIGHT_SEND_BIT, 5, 0, &other));
    REFUSED(PROCESS_HANDLE_MINT, WRONG_TYPE,
            tess_process_handle_mint(suite.process, vmo.v, RIGHTS_ALL_BITS, 5, 0, &other));
    REFUSED(PROCESS_HANDLE_MINT, BAD_HANDLE,
            tess_process_handle_mint(suite.process, 0, RIGHTS_ALL_BITS, 5, 0, &other));
    REFUSED(PROCESS_HANDLE_MINT, BAD_ARGUMENT,
            tess_process_handle_mint(suite.process, endpoint.v, 1ull << 32, 5, 0, &other));
    handle_t kept = suite_mint(endpoint, RIGHTS_ALL_BITS, 9);
    EXPECT_OK(tess_process_handle_info(suite.process, kept.v, nullptr, nullptr, &badge, &interface, nullptr));
    EXPECT_EQ(interface, OWN_INTERFACE);
    EXPECT_EQ(badge, 9);
    suite_close(kept);
    suite_close((handle_t){(uint32_t)minted});
    suite_close(vmo);
    suite_close(endpoint);
}

CASE(closed_handles_stay_closed) {
    handle_t first = suite_copy(suite.account, RIGHTS_ALL_BITS);
    suite_close(first);
    REFUSED(PROCESS_HANDLE_CLOSE, BAD_HANDLE, tess_process_handle_close(suite.process, first.v));
    REFUSED(PROCESS_HANDLE_CLOSE, BAD_HANDLE, tess_process_handle_close(suite.process, 0));
    REFUSED(PROCESS_HANDLE_INFO, BAD_HANDLE,
            tess_process_handle_info(suite.process, first.v, nullptr, nullptr, nullptr, nullptr, nullptr));
    // Slots are used again, the number is not: not for a long time.
    for (int i = 0; i < 2000; i++) {
        handle_t next = suite_copy(suite.account, RIGHTS_ALL_BITS);
        EXPECT(next.v != first.v);
        suite_close(next);
    }
    REFUSED(PROCESS_HANDLE_INFO, BAD_HANDLE,
            tess_process_handle_info(suite.process, first.v, nullptr, nullptr, nullptr, nullptr, nullptr));
}

CASE(grants_put_handles_into_another_process) {
    struct child child;
    handle_t endpoint;
    uint64_t foreign = 0, rights = 0, badge = 0;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    handle_t minted = suite_mint(endpoint, RIGHTS_ALL_BITS, 31);
    EXPECT_OK(tess_process_grant(child.process, minted, RIGHT_SEND_BIT | RIGHT_INSPECT_BIT, 0, &foreign));
    EXPECT_OK(tess_process_handle_info(child.process, foreign, nullptr, &rights, &badge, nullptr, nullptr));
    EXPECT_EQ(rights & ~RIGHT_INSPECT_BIT, RIGHT_SEND_BIT);
    EXPECT_EQ(badge, 31);
    handle_t no_transfer = suite_copy(endpoint, RIGHTS_ALL_BITS & ~RIGHT_TRANSFER_BIT);
    REFUSED(PROCESS_GRANT, NO_RIGHT,
            tess_process_grant(child.process, no_transfer, RIGHTS_ALL_BITS, 1, &foreign));
    handle_t no_copy = suite_copy(endpoint, RIGHTS_ALL_BITS & ~RIGHT_COPY_BIT);
    REFUSED(PROCESS_GRANT, NO_RIGHT,
            tess_process_grant(child.process, no_copy, RIGHTS_ALL_BITS, 0, &foreign));
    REFUSED(PROCESS_GRANT, BAD_HANDLE,
            tess_process_grant(child.process, (handle_t){0}, RIGHTS_ALL_BITS, 0, &foreign));
    REFUSED(PROCESS_GRANT, BAD_ARGUMENT,
            tess_process_grant(child.process, minted, RIGHTS_ALL_BITS, 2, &foreign));
    // Moved: gone here, there with what rights it had and no more.
    EXPECT_OK(tess_process_grant(child.process, no_copy, RIGHTS_ALL_BITS, 1, &foreign));
    EXPECT_STATUS(BAD_HANDLE, tess_process_handle_info(suite.process, no_copy.v, nullptr, nullptr, nullptr,
                                                       nullptr, nullptr));
    EXPECT_OK(tess_process_handle_info(child.process, foreign, nullptr, &rights, nullptr, nullptr, nullptr));
    EXPECT_EQ(rights & RIGHT_COPY_BIT, 0);
    EXPECT_OK(tess_process_handle_close(child.process, foreign));
    suite_close(no_transfer);
    suite_close(minted);
    suite_close(endpoint);
    // An ended process takes none.
    EXPECT_OK(tess_process_exit(child.process, 1));
    handle_t notification;
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    REFUSED(PROCESS_GRANT, BAD_STATE,
            tess_process_grant(child.process, notification, RIGHTS_ALL_BITS, 0, &foreign));
    suite_close(notification);
    child_destroy(&child);
}

static uint64_t handles_in(handle_t process) {
    uint64_t handles = 0;
    EXPECT_OK(
        tess_process_info(process, nullptr, nullptr, nullptr, &handles, nullptr, nullptr, nullptr, nullptr));
    return handles;
}

CASE(revoking_takes_all_descendants_and_nothing_else) {
    struct child child;
    handle_t endpoint;
    uint64_t foreign = 0, inner = 0, copy = 0;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    handle_t sibling = suite_copy(endpoint, RIGHTS_ALL_BITS);
    handle_t own = suite_copy(endpoint, RIGHTS_ALL_BITS);
    handle_t moved = suite_mint(own, RIGHTS_ALL_BITS, 7);
    EXPECT_OK(tess_process_grant(child.process, own, RIGHTS_ALL_BITS, 0, &foreign));
    EXPECT_OK(tess_process_handle_copy(child.process, foreign, RIGHTS_ALL_BITS, &inner));
    EXPECT_OK(tess_process_grant(child.process, moved, RIGHTS_ALL_BITS, 1, &copy));
    EXPECT_OK(tess_process_handle_close(child.process, foreign)); // what was made from it stays derived
    EXPECT_EQ(handles_in(child.process), 2);
    EXPECT_OK(tess_process_handle_revoke(suite.process, own.v, false));
    EXPECT_EQ(handles_in(child.process), 0);
    EXPECT_STATUS(BAD_HANDLE, tess_process_handle_info(child.process, inner, nullptr, nullptr, nullptr,
                                                       nullptr, nullptr));
    EXPECT_OK(tess_process_handle_info(suite.process, own.v, nullptr, nullptr, nullptr, nullptr, nullptr));
    EXPECT_OK(tess_process_handle_revoke(suite.process, own.v, false)); // nothing is left to take
    suite_close(sibling);                                        // which fails if it was taken
    suite_close(own);
    REFUSED(PROCESS_HANDLE_REVOKE, BAD_HANDLE, tess_process_handle_revoke(suite.process, own.v, false));
    REFUSED(PROCESS_HANDLE_REVOKE, BAD_HANDLE, tess_process_handle_revoke(suite.process, 0, false));
    suite_close(endpoint);
    child_destroy(&child);
}

// With itself: nothing is left between the last of what was derived and the handle.
CASE(revoking_takes_the_handle_too) {
    struct child child;
    handle_t endpoint;
    uint64_t foreign = 0, inner = 0;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    EXPECT_OK(tess_process_grant(child.process, endpoint, RIGHTS_ALL_BITS, 0, &foreign));
    EXPECT_OK(tess_process_handle_copy(child.process, foreign, RIGHTS_ALL_BITS, &inner));
    EXPECT_OK(tess_process_handle_revoke(child.process, foreign, true)); // of another process, whose handle is held
    EXPECT_EQ(handles_in(child.process), 0);
    EXPECT_STATUS(BAD_HANDLE, tess_process_handle_revoke(child.process, foreign, true));
    EXPECT_OK(tess_process_handle_info(suite.process, endpoint.v, nullptr, nullptr, nullptr, nullptr, nullptr)); // what it came from stays
    handle_t own = suite_copy(endpoint, RIGHTS_ALL_BITS);
    for (uint32_t i = 0; i < 63; i++) { // as many as one step takes, with itself
        (void)suite_copy(own, RIGHTS_ALL_BITS);
    }
    EXPECT_OK(tess_process_handle_revoke(suite.process, own.v, true));
    EXPECT_STATUS(BAD_HANDLE, tess_process_handle_info(suite.process, own.v, nullptr, nullptr, nullptr, nullptr, nullptr));
    own = suite_copy(endpoint, RIGHTS_ALL_BITS);
    for (uint32_t i = 0; i < 64; i++) { // one more: the handle goes in a step of its own
        (void)suite_copy(own, RIGHTS_ALL_BITS);
    }
    EXPECT_OK(tess_process_handle_revoke(suite.process, own.v, true));
    EXPECT_STATUS(BAD_HANDLE, tess_process_handle_info(suite.process, own.v, nullptr, nullptr, nullptr, nullptr, nullptr));
    REFUSED(PROCESS_HANDLE_REVOKE, BAD_ARGUMENT, tess_process_handle_revoke(suite.process, endpoint.v, 2));
    suite_close(endpoint);
    child_destroy(&child);
}

// Many steps: all of it is gone when the call returns.
CASE(revoking_ten_thousand) {
    struct child child;
    handle_t endpoint;
    uint64_t foreign = 0, copy = 0;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    EXPECT_OK(tess_process_grant(child.process, endpoint, RIGHTS_ALL_BITS, 0, &foreign));
    for (uint32_t i = 0; i < 10'000; i++) { // one long chain, with a leaf at every tenth link
        REQUIRE_OK(tess_process_handle_copy(child.process, foreign, RIGHTS_ALL_BITS, &copy));
        if (i % 10 != 0) {
            foreign = copy;
        }
    }
    EXPECT_EQ(handles_in(child.process), 10'001);
    EXPECT_OK(tess_process_handle_revoke(suite.process, endpoint.v, false));
    EXPECT_EQ(handles_in(child.process), 0);
    suite_close(endpoint);
    child_destroy(&child);
}

CASE(a_handle_table_is_paid_for) {
    struct child child;
    handle_t account;
    uint64_t count = 0, foreign = 0, own = 0, other = 0;
    REQUIRE_OK(tess_account_create_account(suite.account, 96 * 1024, &account));
    REQUIRE(child_create(&child, account));
    handle_t endpoint;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE_OK(tess_process_grant(child.process, endpoint, RIGHTS_ALL_BITS, 0, &own));
    status_t status = STATUS_OK;
    while (count < 60'000 &&
           status_ok(status = tess_process_handle_copy(child.process, own, RIGHTS_ALL_BITS, &foreign))) {
        count++;
    }
    suite_check_refused(OP_PROCESS_HANDLE_COPY, status, STATUS_NO_MEMORY, "copies beyond the account",
                        __FILE__, __LINE__);
    EXPECT(count > 60);
    REFUSED(PROCESS_HANDLE_MINT, NO_MEMORY,
            tess_process_handle_mint(child.process, own, RIGHTS_ALL_BITS, 5, 0, &other));
    REFUSED(PROCESS_GRANT, NO_MEMORY,
            tess_process_grant(child.process, endpoint, RIGHTS_ALL_BITS, 0, &other));
    // Moving into a full table leaves the handle where it was.
    REFUSED(PROCESS_GRANT, NO_MEMORY,
            tess_process_grant(child.process, endpoint, RIGHTS_ALL_BITS, 1, &other));
    EXPECT_OK(
        tess_process_handle_info(suite.process, endpoint.v, nullptr, nullptr, nullptr, nullptr, nullptr));
    EXPECT_OK(tess_process_handle_close(child.process, foreign));
    EXPECT_OK(tess_process_grant(child.process, endpoint, RIGHTS_ALL_BITS, 0, &other));
    suite_close(endpoint);
    child_destroy(&child);
    suite_close(account);
}

static void full_table_caller(struct peer *peer) {
    peer->message = (struct tess_message){.info = 1 | tess_accept(1)};
    peer->status = tess_call(peer->handle[0], &peer->message, DEADLINE_NEVER);
}

static void full_table_sender(struct peer *peer) {
    peer->message = (struct tess_message){.info = message_info(1, 0, 1, 0)};
    tess_message_set_handle(&peer->message, 0, peer->handle[1]);
    peer->status = peer->arg[0] == 0 ? tess_call(peer->handle[0], &peer->message, DEADLINE_NEVER)
                                     : tess_send(peer->handle[0], &peer->message, DEADLINE_NEVER);
}

// Fills the suite's own table, and tries everything that would put a handle into it.
CASE(a_full_handle_table_refuses_everything_that_returns_a_handle) {
    static uint32_t copies[70'000];
    static struct peer caller;
    uint32_t count = 0;
    uint64_t copy = 0, words[2];
    handle_t endpoint, other, handle, second, vmo;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &other));
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    caller.handle[0] = endpoint;
    REQUIRE(peer_start(&caller, 0, PEER_WITHOUT_PAGE, full_table_caller));
    struct tess_message request = {};
    REQUIRE_OK(tess_recv(endpoint, &request, suite_after_ms(1000)));
    status_t status = STATUS_OK;
    while (count < 70'000 &&
           status_ok(status = tess_process_handle_copy(suite.process, other.v, RIGHTS_ALL_BITS, &copy))) {
        copies[count++] = (uint32_t)copy;
    }
    suite_check_refused(OP_PROCESS_HANDLE_COPY, status, STATUS_NO_HANDLES, "a full table", __FILE__,
                        __LINE__);
    EXPECT(count > 1000);
    REFUSED(PROCESS_HANDLE_MINT, NO_HANDLES,
            tess_process_handle_mint(suite.process, other.v, RIGHTS_ALL_BITS, 1, 0, words));
    REFUSED(PROCESS_GRANT, NO_HANDLES, tess_process_grant(suite.process, other, RIGHTS_ALL_BITS, 0, words));
    REFUSED(PROCESS_CREATE_THREAD, NO_HANDLES,
            tess_process_create_thread(suite.process, 0x10'0000, 0x10'0000, 0, 0, BAND_NORMAL, 0, &handle));
    REFUSED(ACCOUNT_CREATE_ACCOUNT, NO_HANDLES, tess_account_create_account(suite.account, 65'536, &handle));
    REFUSED(ACCOUNT_CREATE_PROCESS, NO_HANDLES,
            tess_account_create_process(suite.account, 0, 0, &handle, &second));
    REFUSED(ACCOUNT_CREATE_VMO, NO_HANDLES, tess_account_create_vmo(suite.account, PAGE_BYTES, &handle));
    REFUSED(ACCOUNT_CREATE_RESIZABLE_VMO, NO_HANDLES,
            tess_account_create_resizable_vmo(suite.account, PAGE_BYTES, &handle));
    REFUSED(ACCOUNT_CREATE_PAGER_VMO, NO_HANDLES,
            tess_account_create_pager_vmo(suite.account, PAGE_BYTES, other, 0, &handle));
    REFUSED(ACCOUNT_CREATE_CONTIGUOUS_VMO, NO_HANDLES,
            tess_account_create_contiguous_vmo(suite.account, PAGE_BYTES, &handle));
    REFUSED(VMO_CLONE, NO_HANDLES, tess_vmo_clone(vmo, 0, PAGE_BYTES, suite.account, &handle));
    REFUSED(ACCOUNT_CREATE_ENDPOINT, NO_HANDLES, tess_account_create_endpoint(suite.account, 0, &handle));
    REFUSED(ACCOUNT_CREATE_NOTIFICATION, NO_HANDLES,
            tess_account_create_notification(suite.account, &handle));
    REFUSED(ACCOUNT_CREATE_TIMER, NO_HANDLES, tess_account_create_timer(suite.account, &handle));
    uint64_t address;
    REFUSED(ACCOUNT_CREATE_RING, NO_HANDLES,
            tess_account_create_ring(suite.account, 4, 4, 0, 0, suite.vspace, 0, &handle, &address));
    if (MACHINE_HAS_PORTS) {
        REFUSED(RESOURCE_MINT_IOPORT, NO_HANDLES,
                tess_resource_mint_ioport(suite.resource, SPARE_PORT, 1, suite.account, &handle));
    }
    REFUSED(RESOURCE_MINT_VMO, NO_HANDLES,
            tess_resource_mint_vmo(suite.resource, MACHINE_SPARE_DEVICE, PAGE_BYTES, suite.account, &handle));
    REFUSED(TRACE_BUFFER, NO_HANDLES, tess_trace_buffer(suite.trace, 0, PAGE_BYTES, suite.account, &handle));
    REFUSED(RESOURCE_MINT_INTERRUPT, NO_HANDLES,
            tess_resource_mint_interrupt(suite.resource, SPARE_LINE, 4, suite.account, &handle));
    REFUSED(RESOURCE_MINT_IOSPACE, NO_HANDLES,
            tess_resource_mint_iospace(suite.resource, 0, 1, suite.account, &handle));
    REFUSED(THREAD_SAVE_REPLY, NO_HANDLES, tess_thread_save_reply(suite.thread, &handle));
    // The caller is still there to be answered, after the attempts to save it and to hand it a handle.
    struct tess_message answer = {.info = message_info(5, 0, 1, 0)};
    tess_message_set_handle(&answer, 0, other);
    REFUSED(REPLY_RECV, NO_HANDLES, tess_reply(&answer));
    answer = (struct tess_message){.info = 5};
    EXPECT_OK(tess_reply(&answer));
    REQUIRE(peer_join(&caller));
    EXPECT_OK(caller.status);
    // One free slot, that of the peer's thread handle: create_process needs two, and leaves the one alone.
    REFUSED(ACCOUNT_CREATE_PROCESS, NO_HANDLES,
            tess_account_create_process(suite.account, 0, 0, &handle, &second));
    EXPECT_OK(tess_process_handle_copy(suite.process, other.v, RIGHTS_ALL_BITS, &copy));
    copies[count++] = (uint32_t)copy;
    while (count > 0) {
        suite_close((handle_t){copies[--count]});
    }
    suite_close(vmo);
    suite_close(endpoint);
    suite_close(other);
}

// The same for handles in messages. Caller and server live in one process here, whose table is full: the
// sender is told, the receiver gets nothing.
CASE(a_full_handle_table_refuses_handles_in_messages) {
    static uint32_t copies[70'000];
    static struct peer senders[2];
    uint32_t count = 0;
    uint64_t copy = 0;
    handle_t endpoint, other;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &other));
    for (uint32_t i = 0; i < 2; i++) {
        senders[i].handle[0] = endpoint;
        senders[i].handle[1] = other;
        senders[i].arg[0] = i;
        REQUIRE(peer_start(&senders[i], i, PEER_WITHOUT_PAGE, full_table_sender));
        REQUIRE(peer_await_blocked(&senders[i]));
    }
    while (count < 70'000 &&
           status_ok(tess_process_handle_copy(suite.process, other.v, RIGHTS_ALL_BITS, &copy))) {
        copies[count++] = (uint32_t)copy;
    }
    struct tess_message message = {.info = tess_accept(1)};
    EXPECT_STATUS(TIMED_OUT, tess_recv(endpoint, &message, suite_after_ms(50)));
    REQUIRE(peer_join(&senders[0]));
    REQUIRE(peer_join(&senders[1]));
    REFUSED(CALL, NO_HANDLES, senders[0].status);
    REFUSED(SEND, NO_HANDLES, senders[1].status);
    while (count > 0) {
        suite_close((handle_t){copies[--count]});
    }
    suite_close(endpoint);
    suite_close(other);
}
