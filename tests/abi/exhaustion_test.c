// What fails, and how, when the suite's own account has nothing left: its whole remainder is put into a
// sub-account first. Nothing here may need a page that was not touched before.
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

static handle_t hog, fill[256];
static uint32_t fill_count;

// Leaves the account without room for even the smallest object, and the handle table without a free
// slot that is paid for.
static bool take_everything(handle_t spare) {
    uint64_t limit, used, copy = 0;
    fill_count = 0;
    __builtin_memset(fill, 0xff, sizeof fill); // its pages are there before nothing is left
    if (!suite_check_status(tess_account_info(suite.account, &limit, &used, nullptr, nullptr), STATUS_OK,
                            "info", __FILE__, __LINE__)) {
        return false;
    }
    status_t status = STATUS_NO_MEMORY;
    for (uint64_t margin = 0; margin < 4096 && !status_ok(status); margin += 16) {
        status = tess_account_create_account(suite.account, limit - used - margin, &hog);
    }
    if (!suite_check_status(status, STATUS_OK, "hog", __FILE__, __LINE__)) {
        return false;
    }
    while (fill_count < 256 &&
           status_ok(tess_process_handle_copy(suite.process, spare.v, RIGHTS_ALL_BITS, &copy))) {
        fill[fill_count++] = (handle_t){(uint32_t)copy};
    }
    return suite_check(fill_count < 256, "the table is full before long", __FILE__, __LINE__);
}

static void give_everything_back(void) {
    while (fill_count > 0) {
        suite_close(fill[--fill_count]);
    }
    suite_close(hog);
}

static void caller_with_handle(struct peer *peer) {
    peer->message = (struct tess_message){.info = message_info(1, 0, (uint32_t)peer->arg[0], 0)};
    for (uint32_t i = 0; i < peer->arg[0]; i++) {
        tess_message_set_handle(&peer->message, i, peer->handle[1]);
    }
    peer->status = tess_call(peer->handle[0], &peer->message, DEADLINE_NEVER);
}

static void sender_with_handle(struct peer *peer) {
    peer->message = (struct tess_message){.info = message_info(1, 0, 1, 0)};
    tess_message_set_handle(&peer->message, 0, peer->handle[1]);
    peer->status = tess_send(peer->handle[0], &peer->message, DEADLINE_NEVER);
}

static void caller_that_accepts(struct peer *peer) {
    peer->message = (struct tess_message){.info = 1 | tess_accept(4)};
    peer->status = tess_call(peer->handle[0], &peer->message, DEADLINE_NEVER);
}

CASE(messages_with_handles_fail_whole_when_memory_is_out) {
    static struct peer caller, sender, accepting;
    handle_t endpoint, other;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &other));
    caller.handle[0] = sender.handle[0] = accepting.handle[0] = endpoint;
    caller.handle[1] = sender.handle[1] = other;
    caller.arg[0] = 3;
    REQUIRE(peer_start(&caller, 0, PEER_WITHOUT_PAGE, caller_with_handle));
    REQUIRE(peer_await_blocked(&caller));
    REQUIRE(peer_start(&sender, 1, PEER_WITHOUT_PAGE, sender_with_handle));
    REQUIRE(peer_await_blocked(&sender));
    REQUIRE(peer_start(&accepting, 2, PEER_WITHOUT_PAGE, caller_that_accepts));
    REQUIRE(peer_await_blocked(&accepting));
    struct tess_message message = {.info = tess_accept(4)};
    REQUIRE(take_everything(other));
    // The first two cannot be delivered; the third can, and its answer's handle cannot.
    status_t received = tess_recv(endpoint, &message, suite_after_ms(1000));
    struct tess_message answer = {.info = message_info(1, 0, 1, 0)};
    tess_message_set_handle(&answer, 0, other);
    status_t answered = tess_reply(&answer);
    handle_t reply;
    status_t saved = tess_thread_save_reply(suite.thread, &reply);
    answer = (struct tess_message){.info = 2};
    status_t plain = tess_reply(&answer);
    give_everything_back();
    EXPECT_OK(received);
    REFUSED(REPLY_RECV, NO_MEMORY, answered);
    REFUSED(THREAD_SAVE_REPLY, NO_MEMORY, saved);
    EXPECT_OK(plain);
    REQUIRE(peer_join(&caller));
    REQUIRE(peer_join(&sender));
    REQUIRE(peer_join(&accepting));
    REFUSED(CALL, NO_MEMORY, caller.status);
    REFUSED(SEND, NO_MEMORY, sender.status);
    EXPECT_OK(accepting.status);
    suite_close(endpoint);
    suite_close(other);
}

CASE(creation_fails_whole_when_memory_is_out) {
    handle_t other, thread, handle, account;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &other));
    REQUIRE_OK(tess_account_create_account(suite.account, 256 * 1024, &account)); // can pay for objects
    REQUIRE(take_everything(other));
    // The object could be paid for, the slot that its handle needs cannot.
    status_t vmo = tess_account_create_vmo(account, PAGE_BYTES, &handle);
    status_t resizable = tess_account_create_resizable_vmo(account, PAGE_BYTES, &handle);
    status_t paged = tess_account_create_pager_vmo(account, PAGE_BYTES, other, 0, &handle);
    status_t contiguous = tess_account_create_contiguous_vmo(account, PAGE_BYTES, &handle);
    status_t thread_status =
        tess_process_create_thread(suite.process, 0x10'0000, 0x10'0000, 0, 0, BAND_NORMAL, 0, &thread);
    status_t sub = tess_account_create_account(account, 4096, &handle);
    uint64_t objects = 99;
    status_t info = tess_account_info(account, nullptr, nullptr, nullptr, &objects);
    give_everything_back();
    REFUSED(ACCOUNT_CREATE_VMO, NO_MEMORY, vmo);
    REFUSED(ACCOUNT_CREATE_RESIZABLE_VMO, NO_MEMORY, resizable);
    REFUSED(ACCOUNT_CREATE_PAGER_VMO, NO_MEMORY, paged);
    REFUSED(ACCOUNT_CREATE_CONTIGUOUS_VMO, NO_MEMORY, contiguous);
    REFUSED(PROCESS_CREATE_THREAD, NO_MEMORY, thread_status);
    REFUSED(ACCOUNT_CREATE_ACCOUNT, NO_MEMORY, sub);
    EXPECT_OK(info);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    EXPECT_OK(tess_account_info(account, nullptr, nullptr, nullptr, &objects));
    EXPECT_EQ(objects, 0);
    suite_close(account);
    suite_close(other);
}
