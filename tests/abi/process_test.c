// Processes and threads: life, end, records, watches, and what their methods refuse.
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

static struct peer peer;

CHILD static void exit_with_argument(struct child_page *page) {
    raw_exit(page->process, page->arg[0]);
}

CHILD static void spin_for_ever(struct child_page *page) {
    for (;;) {
        __atomic_fetch_add(&page->progress, 1, __ATOMIC_RELEASE);
    }
}

CHILD static void end_own_thread(struct child_page *page) {
    uint64_t words[8] = {};
    // The only thread: page->handle[0] is its own handle, which the parent grants a little later.
    while (__atomic_load_n(&page->handle[0].v, __ATOMIC_ACQUIRE) == 0) {
        raw_relax();
    }
    (void)raw_invoke(page->handle[0], THREAD_EXIT, words).code;
    page->result[0] = 1; // never reached
}

static bool state_is(handle_t process, uint64_t expected) {
    uint64_t state = 99;
    EXPECT_OK(
        tess_process_info(process, nullptr, &state, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
    return suite_check_eq(state, expected, "process state", __FILE__, __LINE__);
}

CASE(process_lives_and_leaves_a_record) {
    struct child child;
    struct exit_record record;
    uint64_t koid, threads, handles, kind, code;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE(state_is(child.process, 0));
    REFUSED(PROCESS_EXIT_RECORD, BAD_STATE, tess_process_exit_record(child.process));
    child.page->arg[0] = 0x1'0000'002a;
    REQUIRE(child_start(&child, exit_with_argument));
    REQUIRE(child_await_exit(&child, 1000));
    REQUIRE(state_is(child.process, 2));
    EXPECT_OK(
        tess_process_info(child.process, &koid, nullptr, &threads, &handles, &kind, &code, nullptr, nullptr));
    EXPECT_EQ(threads, 0);
    EXPECT_EQ(handles, 0);
    EXPECT_EQ(kind, EXIT_NORMAL);
    EXPECT_EQ(code, 0x1'0000'002a);
    REQUIRE(child_exit_record(&child, &record));
    EXPECT_EQ(record.kind, EXIT_NORMAL);
    EXPECT_EQ(record.code, 0x1'0000'002a);
    EXPECT_EQ(record.process_koid, koid);
    EXPECT(__builtin_memcmp(record.name, "child", 6) == 0);
    EXPECT(record.time_ns <= suite_now_ns());
    REFUSED(PROCESS_EXIT, BAD_STATE, tess_process_exit(child.process, 0));
    REFUSED(PROCESS_CREATE_THREAD, BAD_STATE, child_try_start(&child, exit_with_argument));
    child_destroy(&child);
}

CASE(process_can_be_killed_while_it_runs) {
    struct child child;
    struct exit_record record;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE(child_start(&child, spin_for_ever));
    REQUIRE(child_await_progress(&child, 1000, 2000));
    REQUIRE(state_is(child.process, 1));
    EXPECT_OK(tess_process_exit(child.process, 9));
    REQUIRE(child_await_exit(&child, 1000));
    uint64_t progress = child.page->progress;
    REQUIRE(child_exit_record(&child, &record));
    EXPECT_EQ(record.kind, EXIT_KILLED);
    EXPECT_EQ(record.code, 9);
    tess_yield();
    EXPECT_EQ(child.page->progress, progress);
    child_destroy(&child);
}

CASE(process_ends_with_its_last_thread) {
    struct child child;
    struct exit_record record;
    uint64_t foreign = 0;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE(child_start(&child, end_own_thread));
    REQUIRE_OK(tess_process_grant(child.process, child.thread, RIGHTS_ALL_BITS, 0, &foreign));
    __atomic_store_n(&child.page->handle[0].v, (uint32_t)foreign, __ATOMIC_RELEASE);
    REQUIRE(child_await_exit(&child, 1000));
    REQUIRE(child_exit_record(&child, &record));
    EXPECT_EQ(record.kind, EXIT_NORMAL);
    EXPECT_EQ(record.code, 0);
    EXPECT_EQ(child_result(&child, 0), 0);
    REFUSED(THREAD_EXIT, BAD_STATE, tess_thread_exit(child.thread));
    child_destroy(&child);
}

CASE(exit_watch_fires_once_and_is_taken_away_by_nobody) {
    struct child child;
    handle_t first, second, gone, no_signal, endpoint;
    uint64_t bits = 0;
    REQUIRE_OK(tess_account_create_notification(suite.account, &first));
    REQUIRE_OK(tess_account_create_notification(suite.account, &gone));
    REQUIRE_OK(tess_account_create_notification(suite.account, &second));
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    no_signal = suite_copy(first, RIGHTS_ALL_BITS & ~RIGHT_SIGNAL_BIT);
    REQUIRE(child_create(&child, suite.account));
    REFUSED(PROCESS_WATCH_EXIT, BAD_HANDLE,
            tess_process_watch_exit(child.process, (handle_t){0xdead'beef}, 1));
    REFUSED(PROCESS_WATCH_EXIT, WRONG_TYPE, tess_process_watch_exit(child.process, endpoint, 1));
    REFUSED(PROCESS_WATCH_EXIT, NO_RIGHT, tess_process_watch_exit(child.process, no_signal, 1));
    // child_create watches it: nobody else can, until that has ended or its notification is gone.
    REFUSED(PROCESS_WATCH_EXIT, IN_USE, tess_process_watch_exit(child.process, first, 2));
    REFUSED(PROCESS_WATCH_EXIT, IN_USE, tess_process_watch_exit(child.process, first, 0));
    EXPECT_OK(tess_process_watch_exit(child.process, child.exit_watch, 0));
    EXPECT_OK(tess_process_watch_exit(child.process, gone, 1));
    EXPECT_STATUS(IN_USE, tess_process_watch_exit(child.process, first, 2));
    suite_close(gone);
    EXPECT_OK(tess_process_watch_exit(child.process, second, 2));
    EXPECT_OK(tess_process_watch_exit(child.process, second, 0x8000'0000'0000'0004));
    EXPECT_STATUS(IN_USE, tess_process_watch_exit(child.process, first, 2));
    EXPECT_OK(tess_process_exit(child.process, 0));
    EXPECT_OK(tess_wait(second, &bits, suite_after_ms(1000)));
    EXPECT_EQ(bits, 0x8000'0000'0000'0004);
    EXPECT_STATUS(TIMED_OUT, tess_wait(first, &bits, DEADLINE_POLL));
    // Watching what has ended fires at once.
    EXPECT_OK(tess_process_watch_exit(child.process, first, 16));
    EXPECT_OK(tess_wait(first, &bits, DEADLINE_POLL));
    EXPECT_EQ(bits, 16);
    EXPECT_OK(tess_process_watch_exit(child.process, first, 0));
    REFUSED(PROCESS_WATCH_EXIT, BAD_HANDLE, tess_process_watch_exit(child.process, (handle_t){0}, 0));
    child_destroy(&child);
    suite_close(no_signal);
    suite_close(first);
    suite_close(second);
    suite_close(endpoint);
}

CASE(thread_arguments_are_checked) {
    handle_t thread;
    static const struct {
        uint64_t entry, stack, page, band, tls;
    } bad[] = {
        {0, 0x10'0000, 0, BAND_NORMAL, 0},                     // no code
        {USER_END, 0x10'0000, 0, BAND_NORMAL, 0},              // not a user address
        {0xffff'ffff'8010'0000, 0x10'0000, 0, BAND_NORMAL, 0}, // the kernel's text
        {0x8000'0000'0000, 0x10'0000, 0, BAND_NORMAL, 0}, // not canonical: a trap on the way out if taken
        {0x10'0000, 0xffff'8000'0000'0000, 0, BAND_NORMAL, 0},
        {0x10'0000, 0x8000'0000'0000, 0, BAND_NORMAL, 0},
        {0x10'0000, 0x10'0000, 0x5800'0001, BAND_NORMAL, 0}, // misaligned message page
        {0x10'0000, 0x10'0000, 0, BAND_COUNT, 0},
        {0x10'0000, 0x10'0000, 0, UINT64_MAX, 0},
        {0x10'0000, 0x10'0000, 0, BAND_NORMAL, 0x8000'0000'0000},
        {0x10'0000, 0x10'0000, 0, BAND_NORMAL, 0xffff'8000'0000'0000},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        status_t status = tess_process_create_thread(suite.process, bad[i].entry, bad[i].stack, 0,
                                                     bad[i].page, bad[i].band, bad[i].tls, &thread);
        suite_check_refused(OP_PROCESS_CREATE_THREAD, status, STATUS_BAD_ARGUMENT, "create_thread row",
                            __FILE__, (int)i);
    }
    REFUSED(PROCESS_CREATE_THREAD, NOT_ALLOWED,
            tess_process_create_thread(suite.process, 0x10'0000, 0x10'0000, 0, 0, BAND_REALTIME, 0, &thread));
}

// Where a thread's messages go has to be memory that stays, and that its process may write to.
CASE(message_pages_are_memory_that_stays) {
    handle_t vmo, thread;
    uint64_t at, bits;
    struct child child;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE_OK(tess_account_create_resizable_vmo(suite.account, 2 * PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_vspace_map(child.vspace, vmo, 0, 2 * PAGE_BYTES, 0, PROT_READ, &at));
    const uint64_t bad[] = {PAGE_BYTES, CHILD_CODE, at, CHILD_MESSAGE_PAGE + PAGE_BYTES, 0xffff'8000'0000'0000};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED(PROCESS_CREATE_THREAD, BAD_ADDRESS,
                tess_process_create_thread(child.process, child_address(spin_for_ever), CHILD_STACK + 2048,
                                           CHILD_PAGE, bad[i], BAND_NORMAL, 0, &thread));
    }
    EXPECT_OK(tess_vspace_protect(child.vspace, at, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE));
    EXPECT_OK(tess_vmo_decommit(vmo, 0, 2 * PAGE_BYTES));
    REQUIRE_OK(tess_process_create_thread(child.process, child_address(spin_for_ever), CHILD_STACK + 2048,
                                          CHILD_PAGE, at + PAGE_BYTES, BAND_NORMAL, 0, &thread));
    // As long as the thread lives, whatever its process does to the mapping.
    EXPECT_OK(tess_vspace_unmap(child.vspace, at, 2 * PAGE_BYTES));
    EXPECT_STATUS(IN_USE, tess_vmo_decommit(vmo, 0, 2 * PAGE_BYTES));
    EXPECT_STATUS(IN_USE, tess_vmo_resize(vmo, PAGE_BYTES));
    EXPECT_STATUS(IN_USE, tess_vmo_seal(vmo));
    EXPECT_OK(tess_process_exit(child.process, 0));
    EXPECT_OK(tess_wait(child.exit_watch, &bits, suite_after_ms(1000)));
    suite_close(thread);
    EXPECT_OK(tess_vmo_resize(vmo, PAGE_BYTES));
    suite_close(vmo);
    child_destroy(&child);
}

CASE(threads_are_paid_for) {
    struct child child;
    handle_t account, threads[256];
    uint32_t count = 0;
    REQUIRE_OK(tess_account_create_account(suite.account, 128 * 1024, &account));
    REQUIRE(child_create(&child, account));
    REQUIRE(child_start(&child, spin_for_ever));
    REQUIRE(child_await_progress(&child, 1, 2000)); // what it touches is paid for
    status_t status = STATUS_OK;
    while (count < 256 &&
           status_ok(status = tess_process_create_thread(
                         child.process, child_address(spin_for_ever), CHILD_STACK + 2048, CHILD_PAGE,
                         0, BAND_BACKGROUND, 0, &threads[count]))) {
        count++;
    }
    suite_check_refused(OP_PROCESS_CREATE_THREAD, status, STATUS_NO_MEMORY, "threads beyond the account",
                        __FILE__, __LINE__);
    EXPECT(count > 2);
    EXPECT_OK(tess_process_exit(child.process, 0));
    REQUIRE(child_await_exit(&child, 1000));
    while (count > 0) {
        suite_close(threads[--count]);
    }
    child_destroy(&child);
    suite_close(account);
}

CASE(bands_are_kept_within_the_creators) {
    struct child child;
    uint64_t band = 0, koid = 0, cpu_ns = 0;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE(child_start(&child, spin_for_ever));
    REFUSED(THREAD_SET_BAND, BAD_ARGUMENT, tess_thread_set_band(child.thread, BAND_COUNT));
    REFUSED(THREAD_SET_BAND, NOT_ALLOWED, tess_thread_set_band(child.thread, BAND_REALTIME));
    EXPECT_OK(tess_thread_set_band(child.thread, BAND_BACKGROUND));
    EXPECT_OK(tess_thread_info(child.thread, &koid, nullptr, &band, &cpu_ns));
    EXPECT_EQ(band, BAND_BACKGROUND);
    EXPECT(koid != 0);
    EXPECT_OK(tess_thread_set_band(child.thread, BAND_NORMAL));
    REQUIRE(child_await_progress(&child, 1, 2000));
    child_destroy(&child);
}

static void ends_at_once(struct peer *self) {
    self->status = STATUS_OK;
}

CASE(threads_of_one_process_come_and_go) {
    for (uint32_t round = 0; round < 200; round++) {
        REQUIRE(peer_start(&peer, round % PEER_COUNT, round % 2 == 0 ? PEER_WITH_PAGE : PEER_WITHOUT_PAGE,
                           ends_at_once));
        REQUIRE(peer_join(&peer));
    }
}

static void waits_for_ever(struct peer *self) {
    uint64_t bits;
    self->status = tess_wait(self->handle[0], &bits, DEADLINE_NEVER);
}

CASE(a_waiting_thread_can_be_ended) {
    handle_t notification;
    uint64_t state = 0, bits;
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    peer.handle[0] = notification;
    REQUIRE(peer_start(&peer, 0, PEER_WITH_PAGE, waits_for_ever));
    REQUIRE(peer_await_blocked(&peer));
    EXPECT_OK(tess_thread_exit(peer.thread));
    EXPECT_OK(tess_thread_info(peer.thread, nullptr, &state, nullptr, nullptr));
    EXPECT_EQ(state, THREAD_STATE_ENDED);
    REFUSED(THREAD_EXIT, BAD_STATE, tess_thread_exit(peer.thread));
    // It took nothing with it: the bits are for the next.
    EXPECT_OK(tess_signal(notification, 7));
    EXPECT_OK(tess_wait(notification, &bits, DEADLINE_POLL));
    EXPECT_EQ(bits, 7);
    suite_close(peer.thread);
    suite_close(notification);
}

// A thousand processes, made, run and ended; then everything is as it was before.
CASE(a_thousand_processes_leave_nothing_behind) {
    struct child child;
    struct inspect_system before, after;
    for (int warm_up = 0; warm_up < 2; warm_up++) {
        REQUIRE(child_create(&child, suite.account));
        REQUIRE(child_start(&child, exit_with_argument));
        REQUIRE(child_await_exit(&child, 1000));
        child_destroy(&child);
    }
    REQUIRE(suite_settled(&before));
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t code = 0;
        REQUIRE(child_create(&child, suite.account));
        child.page->arg[0] = i;
        REQUIRE(child_start(&child, exit_with_argument));
        REQUIRE(child_await_exit(&child, 1000));
        EXPECT_OK(tess_process_info(child.process, nullptr, nullptr, nullptr, nullptr, nullptr, &code,
                                    nullptr, nullptr));
        EXPECT_EQ(code, i);
        child_destroy(&child);
    }
    // Another processor may be in the middle of giving a page back.
    const uint64_t end = suite_after_ms(5'000);
    do {
        REQUIRE(suite_settled(&after));
    } while (after.free_bytes + after.slab_bytes != before.free_bytes + before.slab_bytes && suite_now_ns() < end);
    // With several processors, how many objects of a kind were there at once, and so how their pages are filled,
    // is not the same every time.
    EXPECT(after.slab_bytes <= before.slab_bytes + (before.processors - 1) * 8 * PAGE_BYTES);
    EXPECT_EQ(after.free_bytes + after.slab_bytes, before.free_bytes + before.slab_bytes);
    EXPECT_EQ(after.page_table_bytes, before.page_table_bytes);
    EXPECT_EQ(after.user_bytes, before.user_bytes);
    EXPECT_EQ(after.handles, before.handles);
}

// The same with processes that are ended in the middle of things: handles held, memory mapped and
// touched, several threads, a call in progress.
CHILD static void grow_and_wait(struct child_page *page) {
    uint64_t words[8] = {};
    for (uint64_t i = 0; i < 100; i++) {
        words[0] = page->handle[0].v;
        words[1] = UINT32_MAX;
        (void)raw_invoke(page->process, PROCESS_HANDLE_COPY, words).code;
    }
    for (volatile uint8_t *at = (volatile uint8_t *)CHILD_STACK;
         at < (volatile uint8_t *)(CHILD_STACK + 3 * PAGE_BYTES); at += PAGE_BYTES) {
        *at = 1;
    }
    __atomic_store_n(&page->progress, 1, __ATOMIC_RELEASE);
    struct raw_message message = {.info = 1};
    (void)raw_syscall(SYS_CALL, page->handle[0].v, &message, DEADLINE_NEVER).code;
}

CASE(processes_killed_in_the_middle_leave_nothing_behind) {
    struct inspect_system before = {}, after;
    handle_t endpoint;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    for (uint32_t round = 0; round < 60; round++) {
        struct child child;
        if (round == 10) {
            REQUIRE(suite_settled(&before));
        }
        REQUIRE(child_create(&child, suite.account));
        REQUIRE(child_grant(&child, endpoint, RIGHTS_ALL_BITS));
        REQUIRE(child_start(&child, grow_and_wait));
        REQUIRE(child_await_progress(&child, 1, 2000));
        if (round % 2 == 0) { // with its call taken
            struct tess_message message = {};
            REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(1000)));
        }
        EXPECT_OK(tess_process_exit(child.process, 0));
        REQUIRE(child_await_exit(&child, 1000));
        if (round % 2 == 0) {
            struct tess_message answer = {};
            EXPECT_STATUS(NO_CALLER, tess_reply(&answer));
        }
        child_destroy(&child);
    }
    REQUIRE(suite_settled(&after));
    EXPECT_EQ(after.free_bytes, before.free_bytes);
    EXPECT_EQ(after.user_bytes, before.user_bytes);
    EXPECT_EQ(after.handles, before.handles);
    suite_close(endpoint);
}
