// Waiting on words: wake-ups, moving, processes that share memory, and inheriting words.
#include "abi/park.h"
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

static uint32_t load(const uint32_t *word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

[[gnu::always_inline]] static inline status_t raw_park(const uint32_t *word, uint64_t expected, uint64_t deadline_ns) {
    struct raw_message message = {.info = expected};
    return raw_syscall(SYS_PARK, (uint64_t)(uintptr_t)word, &message, deadline_ns);
}

// Words 0 and 1: where to move the others, and how many.
[[gnu::always_inline]] static inline status_t raw_unpark(const uint32_t *word, uint64_t count,
                                                         struct raw_message *message) {
    message->info = count;
    return raw_syscall(SYS_UNPARK, (uint64_t)(uintptr_t)word, message, DEADLINE_POLL);
}

static uint64_t unpark(const uint32_t *word, uint64_t count) {
    struct raw_message message = {};
    EXPECT_OK(raw_unpark(word, count, &message));
    return message.words[2];
}

static void one_park(struct peer *peer) {
    peer->status = raw_park((const uint32_t *)(uintptr_t)peer->arg[0], peer->arg[1], peer->arg[2]);
}

static bool start_parked(struct peer *peer, uint32_t slot, const uint32_t *word, uint64_t expected) {
    peer->arg[0] = (uint64_t)(uintptr_t)word;
    peer->arg[1] = expected;
    peer->arg[2] = DEADLINE_NEVER;
    return peer_start(peer, slot, PEER_WITHOUT_PAGE, one_park) && peer_await_blocked(peer);
}

CASE(a_word_with_another_value_is_not_waited_on) {
    static uint32_t word = 5;
    REFUSED(PARK, BAD_STATE, raw_park(&word, 6, DEADLINE_NEVER));
    REFUSED(PARK, TIMED_OUT, raw_park(&word, 5, DEADLINE_POLL));
    REFUSED(PARK, TIMED_OUT, raw_park(&word, 5, suite_after_ms(5)));
    EXPECT_EQ(unpark(&word, UNPARK_ALL), 0);
}

CASE(unpark_wakes_in_order_and_no_more_than_asked) {
    static struct peer peers[3];
    static uint32_t word = 1, other = 1;
    for (uint32_t i = 0; i < 3; i++) {
        REQUIRE(start_parked(&peers[i], i, &word, 1));
    }
    EXPECT_EQ(unpark(&other, UNPARK_ALL), 0);
    EXPECT_EQ(unpark(&word, 0), 0);
    EXPECT_EQ(unpark(&word, 1), 1);
    REQUIRE(peer_join(&peers[0]));
    REQUIRE(peer_await_blocked(&peers[1]));
    EXPECT_EQ(unpark(&word, UNPARK_ALL), 2);
    for (uint32_t i = 0; i < 3; i++) {
        if (i != 0) {
            REQUIRE(peer_join(&peers[i]));
        }
        EXPECT_OK(peers[i].status);
    }
}

CASE(a_park_can_be_cancelled_and_ended) {
    static struct peer peer;
    static uint32_t word = 1;
    REQUIRE(start_parked(&peer, 0, &word, 1));
    EXPECT_OK(tess_thread_cancel(peer.thread));
    REQUIRE(peer_join(&peer));
    REFUSED(PARK, CANCELED, peer.status);
    REQUIRE(start_parked(&peer, 0, &word, 1));
    EXPECT_OK(tess_thread_exit(peer.thread));
    suite_close(peer.thread);
    EXPECT_EQ(unpark(&word, UNPARK_ALL), 0);
}

CASE(park_arguments_are_checked) {
    constexpr uint64_t NOWHERE = 0x7000'0000'0000; // a user address where nothing is mapped
    static uint32_t words[4] = {1, 1, 1, 1};
    struct raw_message message = {};
    REFUSED(PARK, BAD_ARGUMENT, raw_park((uint32_t *)((uintptr_t)words + 2), 1, DEADLINE_POLL));
    REFUSED(PARK, BAD_ARGUMENT, raw_park(words, 1ull << 33, DEADLINE_POLL));
    REFUSED(PARK, BAD_ADDRESS, raw_park((uint32_t *)NOWHERE, 0, DEADLINE_POLL));
    REFUSED(PARK, BAD_ADDRESS, raw_park((uint32_t *)0xffff'8000'0000'0000, 0, DEADLINE_POLL));
    REFUSED(PARK, BAD_ADDRESS, raw_park((uint32_t *)0x8000'0000'0000'0000, 0, DEADLINE_POLL));
    REFUSED(PARK, BAD_ADDRESS, raw_park(nullptr, 0, DEADLINE_POLL));
    REFUSED(UNPARK, BAD_ARGUMENT, raw_unpark((uint32_t *)((uintptr_t)words + 1), 1, &message));
    REFUSED(UNPARK, BAD_ARGUMENT, raw_unpark(words, 1ull << 33, &message));
    REFUSED(UNPARK, BAD_ADDRESS, raw_unpark(nullptr, 1, &message));
    message = (struct raw_message){.words = {0, 1}}; // how many, but not where to
    REFUSED(UNPARK, BAD_ADDRESS, raw_unpark(words, 1, &message));
    message = (struct raw_message){.words = {NOWHERE, 1}};
    REFUSED(UNPARK, BAD_ADDRESS, raw_unpark(words, 1, &message));
    message = (struct raw_message){.words = {(uintptr_t)words, 1}};
    REFUSED(UNPARK, BAD_ARGUMENT, raw_unpark(words, 1, &message));
}

CASE(others_are_moved_to_another_word) {
    static struct peer peers[4];
    static uint32_t from = 1, to = 7;
    for (uint32_t i = 0; i < 4; i++) {
        REQUIRE(start_parked(&peers[i], i, &from, 1));
    }
    struct raw_message message = {.words = {(uintptr_t)&to, 2}};
    EXPECT_OK(raw_unpark(&from, 1, &message));
    EXPECT_EQ(message.words[2], 1);
    EXPECT_EQ(message.words[3], 2);
    REQUIRE(peer_join(&peers[0]));
    EXPECT_EQ(unpark(&from, UNPARK_ALL), 1); // the fourth was left
    REQUIRE(peer_join(&peers[3]));
    EXPECT_EQ(unpark(&to, 1), 1);
    REQUIRE(peer_join(&peers[1]));
    EXPECT_OK(tess_thread_cancel(peers[2].thread)); // where it waits now does not matter
    REQUIRE(peer_join(&peers[2]));
    EXPECT_STATUS(CANCELED, peers[2].status);
    EXPECT_EQ(unpark(&to, UNPARK_ALL), 0);
}

// Its account cannot pay for the page.
CASE(a_word_that_nobody_can_pay_for) {
    handle_t account, vmo;
    uint64_t address, limit = 64 * 1024, used;
    REQUIRE_OK(tess_account_create_account(suite.account, limit, &account));
    REQUIRE_OK(tess_account_create_vmo(account, 64 * 1024, &vmo));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, 64 * 1024, 0, PROT_READ | PROT_WRITE, &address));
    const uint32_t *last = (const uint32_t *)(uintptr_t)(address + 15 * PAGE_BYTES);
    for (uint64_t page = 0; page < 15; page++) { // and not all sixteen fit, beside the object
        REFUSED(PARK, TIMED_OUT, raw_park((const uint32_t *)(uintptr_t)(address + page * PAGE_BYTES), 0, DEADLINE_POLL));
    }
    REQUIRE_OK(tess_account_info(account, nullptr, &used, nullptr, nullptr));
    EXPECT(used + PAGE_BYTES > limit);
    struct raw_message message = {};
    REFUSED(PARK, NO_MEMORY, raw_park(last, 0, DEADLINE_POLL));
    REFUSED(UNPARK, NO_MEMORY, raw_unpark(last, PARK_INHERIT, &message));
    REQUIRE_OK(tess_vspace_unmap(suite.vspace, address, 64 * 1024));
    suite_close(vmo);
    suite_close(account);
}

// ---- two processes -----------------------------------------------------------------------------------

constexpr uint64_t TURNS = 2000;

// Takes every odd turn.
CHILD static void take_turns(struct child_page *page) {
    uint32_t *turn = (uint32_t *)&page->arg[0];
    for (uint32_t i = 1; i < page->arg[1]; i += 2) {
        struct raw_message message = {};
        uint32_t seen;
        while ((seen = __atomic_load_n(turn, __ATOMIC_ACQUIRE)) != i) {
            (void)raw_park(turn, seen, DEADLINE_NEVER).code;
        }
        __atomic_store_n(turn, i + 1, __ATOMIC_RELEASE);
        (void)raw_unpark(turn, 1, &message).code;
    }
    raw_exit(page->process, 0);
}

CASE(two_processes_take_turns_over_shared_memory) {
    struct child child;
    REQUIRE(child_create(&child, suite.account));
    uint32_t *turn = (uint32_t *)&child.page->arg[0];
    child.page->arg[0] = 0;
    child.page->arg[1] = TURNS;
    REQUIRE(child_start(&child, take_turns));
    for (uint32_t i = 0; i < TURNS; i += 2) {
        uint32_t seen;
        while ((seen = load(turn)) != i) {
            status_t status = raw_park(turn, seen, suite_after_ms(5000));
            if (!status_is(status, STATUS_BAD_STATE)) {
                REQUIRE_OK(status);
            }
        }
        __atomic_store_n(turn, i + 1, __ATOMIC_RELEASE);
        (void)unpark(turn, 1);
    }
    REQUIRE(child_await_exit(&child, 5000));
    EXPECT_EQ(load(turn), TURNS);
    child_destroy(&child);
}

// ---- many threads ------------------------------------------------------------------------------------

static uint32_t lock_word;
static uint64_t guarded;

// The three-state lock of lib/tess/mutex.c, whose every slow path is taken here.
static void lock_and_count(struct peer *peer) {
    for (uint64_t i = 0; i < peer->arg[0]; i++) {
        uint32_t free = 0;
        if (!__atomic_compare_exchange_n(&lock_word, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE) != 0) {
                (void)raw_park(&lock_word, 2, DEADLINE_NEVER).code;
            }
        }
        const uint64_t seen = guarded;
        if (i % 4 == 0) {
            tess_yield(); // while it is held: others must wait
        }
        guarded = seen + 1;
        if (__atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE) == 2) {
            struct raw_message message = {};
            (void)raw_unpark(&lock_word, 1, &message).code;
        }
    }
}

CASE(four_threads_share_a_lock_ten_thousand_times) {
    static struct peer peers[4];
    lock_word = 0;
    guarded = 0;
    for (uint32_t i = 0; i < 4; i++) {
        peers[i].arg[0] = 2500;
        REQUIRE(peer_start(&peers[i], i, PEER_WITHOUT_PAGE, lock_and_count));
    }
    for (uint32_t i = 0; i < 4; i++) {
        REQUIRE(peer_join(&peers[i]));
    }
    EXPECT_EQ(guarded, 10'000);
    EXPECT_EQ(lock_word, 0);
}

// ---- words that say who holds them ---------------------------------------------------------------------

static uint32_t id_of(handle_t thread) {
    uint64_t id = 0;
    EXPECT_OK(tess_thread_lock_id(thread, &id));
    EXPECT(id != 0 && id <= PARK_HOLDER_MASK);
    return (uint32_t)id;
}

CASE(lock_ids_are_stable_and_distinct) {
    static struct peer peer;
    static uint32_t word = 1;
    REQUIRE(start_parked(&peer, 0, &word, 1));
    const uint32_t own = id_of(suite.thread), other = id_of(peer.thread);
    EXPECT_EQ(id_of(suite.thread), own);
    EXPECT(own != other);
    EXPECT_OK(tess_thread_exit(peer.thread));
    uint64_t id, state = 0;
    for (uint64_t end = suite_after_ms(5000); state != THREAD_STATE_ENDED && suite_now_ns() < end;) {
        EXPECT_OK(tess_thread_info(peer.thread, nullptr, &state, nullptr, nullptr));
    }
    REFUSED(THREAD_LOCK_ID, BAD_STATE, tess_thread_lock_id(peer.thread, &id));
    word = other | PARK_WAITED_FOR;
    REFUSED(PARK, PEER_DIED, raw_park(&word, PARK_INHERIT | word, DEADLINE_NEVER));
    suite_close(peer.thread);
}

CASE(inheriting_words_are_handed_over) {
    static struct peer peer;
    static uint32_t word;
    struct raw_message message = {};
    const uint32_t own = id_of(suite.thread);
    word = own | PARK_WAITED_FOR;
    REFUSED(PARK, BAD_ARGUMENT, raw_park(&word, PARK_INHERIT | word, DEADLINE_POLL)); // from ourselves
    REQUIRE(start_parked(&peer, 0, &word, PARK_INHERIT | word));
    EXPECT_EQ(unpark(&word, UNPARK_ALL), 0); // plain waiters are others
    EXPECT_OK(raw_unpark(&word, PARK_INHERIT, &message));
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    EXPECT_EQ(word & PARK_WAITED_FOR, 0);
    EXPECT(word != 0 && word != own);
    REFUSED(UNPARK, NOT_ALLOWED, raw_unpark(&word, PARK_INHERIT, &message)); // it is not ours any more
    word = own | PARK_WAITED_FOR;
    EXPECT_OK(raw_unpark(&word, PARK_INHERIT, &message)); // nobody waits
    EXPECT_EQ(word, 0);
    word = own; // without PARK_WAITED_FOR nobody may park
    REFUSED(PARK, BAD_ARGUMENT, raw_park(&word, PARK_INHERIT | word, DEADLINE_POLL));
}

// A thread that holds a word ends.
static void hold_and_wait(struct peer *peer) {
    peer->status = raw_park((const uint32_t *)(uintptr_t)peer->arg[0], 0, DEADLINE_NEVER);
}

CASE(who_waits_for_a_thread_that_ends_is_told) {
    static struct peer holder, waiter;
    static uint32_t word, never;
    holder.arg[0] = (uint64_t)(uintptr_t)&never;
    REQUIRE(peer_start(&holder, 0, PEER_WITHOUT_PAGE, hold_and_wait));
    REQUIRE(peer_await_blocked(&holder));
    word = id_of(holder.thread) | PARK_WAITED_FOR;
    REQUIRE(start_parked(&waiter, 1, &word, PARK_INHERIT | word));
    EXPECT_OK(tess_thread_exit(holder.thread));
    REQUIRE(peer_join(&waiter));
    EXPECT_STATUS(PEER_DIED, waiter.status);
    suite_close(holder.thread);
}

// Nobody can have a thread hurried that has not mapped the memory.
CHILD static void park_on_foreign(struct child_page *page) {
    uint32_t *word = (uint32_t *)&page->arg[0];
    page->result[0] = raw_park(word, PARK_INHERIT | page->arg[0], DEADLINE_POLL).code;
    uint32_t *own = (uint32_t *)(CHILD_STACK + 64);
    *own = (uint32_t)page->arg[0];
    page->result[1] = raw_park(own, PARK_INHERIT | *own, DEADLINE_POLL).code;
    raw_exit(page->process, 0);
}

CASE(only_who_shares_the_memory_is_hurried) {
    struct child child;
    REQUIRE(child_create(&child, suite.account));
    child.page->arg[0] = id_of(suite.thread) | PARK_WAITED_FOR;
    REQUIRE(child_start(&child, park_on_foreign));
    REQUIRE(child_await_exit(&child, 5000));
    EXPECT_EQ(child_result(&child, 0), STATUS_CODE_TIMED_OUT); // the page is ours, too
    EXPECT_EQ(child_result(&child, 1), STATUS_CODE_NOT_ALLOWED);
    suite_note(OP_PARK, STATUS_NOT_ALLOWED);
    child_destroy(&child);
}

// Two loops on one processor, one in the background; then somebody of the other's band waits for that one.
CHILD static void count_on(struct child_page *page) {
    for (;;) {
        __atomic_fetch_add(&page->progress, 1, __ATOMIC_RELEASE);
    }
}

static uint64_t progress(const struct child *child) {
    return __atomic_load_n(&child->page->progress, __ATOMIC_ACQUIRE);
}

// How much the second gets done while the first does so much.
static uint64_t progress_beside(struct child *first, const struct child *second, uint64_t amount) {
    const uint64_t start = progress(second);
    EXPECT(child_await_progress(first, progress(first) + amount, 20'000));
    return progress(second) - start;
}

TIMED_CASE(a_holder_inherits_the_band_of_who_waits) {
    constexpr uint64_t AMOUNT = 20'000'000;
    static struct peer waiter;
    struct child busy, holder;
    REQUIRE(child_create(&busy, suite.account));
    REQUIRE(child_create(&holder, suite.account));
    REQUIRE(child_start(&busy, count_on));
    REQUIRE(child_start(&holder, count_on));
    REQUIRE_OK(tess_thread_set_affinity(busy.thread, 1));
    REQUIRE_OK(tess_thread_set_affinity(holder.thread, 1));
    REQUIRE_OK(tess_thread_set_band(holder.thread, BAND_BACKGROUND));
    REQUIRE(child_await_progress(&busy, 1, 5000));
    const uint64_t alone = progress_beside(&busy, &holder, AMOUNT);
    uint32_t *word = (uint32_t *)&holder.page->arg[0];
    *word = id_of(holder.thread) | PARK_WAITED_FOR;
    REQUIRE(start_parked(&waiter, 0, word, PARK_INHERIT | *word));
    const uint64_t hurried = progress_beside(&busy, &holder, AMOUNT);
    EXPECT(hurried > 2 * alone);
    EXPECT(hurried > AMOUNT / 2); // as much as the other, which is of the waiter's band
    EXPECT_OK(tess_thread_cancel(waiter.thread));
    REQUIRE(peer_join(&waiter));
    const uint64_t afterwards = progress_beside(&busy, &holder, AMOUNT);
    EXPECT(afterwards * 2 < hurried);
    child_destroy(&busy);
    child_destroy(&holder);
}

// The same along a chain: who holds the word waits for an answer of the one that works.
static void call_on(struct peer *peer) {
    peer->message = (struct tess_message){.info = 1};
    peer->status = tess_call(peer->handle[0], &peer->message, DEADLINE_NEVER);
}

CHILD static void take_and_count(struct child_page *page) {
    struct raw_message message = {};
    (void)raw_syscall(SYS_RECV, page->handle[0].v, &message, DEADLINE_NEVER).code;
    for (;;) {
        __atomic_fetch_add(&page->progress, 1, __ATOMIC_RELEASE);
    }
}

TIMED_CASE(inheritance_follows_calls_and_words) {
    constexpr uint64_t AMOUNT = 20'000'000;
    static struct peer caller, middle, waiter;
    static uint32_t first, second;
    struct child busy, server;
    handle_t endpoint;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE(child_create(&busy, suite.account));
    REQUIRE(child_create(&server, suite.account));
    REQUIRE(child_grant(&server, endpoint, RIGHT_RECEIVE_BIT));
    REQUIRE(child_start(&busy, count_on));
    REQUIRE(child_start(&server, take_and_count));
    REQUIRE_OK(tess_thread_set_affinity(busy.thread, 1));
    REQUIRE_OK(tess_thread_set_affinity(server.thread, 1));
    // The caller, in the background, holds the second word; who holds the first waits for the second.
    caller.handle[0] = endpoint;
    REQUIRE(peer_start(&caller, 0, PEER_WITHOUT_PAGE, call_on));
    REQUIRE(peer_await_blocked(&caller));
    REQUIRE_OK(tess_thread_set_band(caller.thread, BAND_BACKGROUND));
    second = id_of(caller.thread) | PARK_WAITED_FOR;
    REQUIRE(start_parked(&middle, 1, &second, PARK_INHERIT | second));
    REQUIRE_OK(tess_thread_set_band(middle.thread, BAND_BACKGROUND));
    REQUIRE(child_await_progress(&server, 1, 5000));
    const uint64_t alone = progress_beside(&busy, &server, AMOUNT);
    first = id_of(middle.thread) | PARK_WAITED_FOR;
    REQUIRE(start_parked(&waiter, 2, &first, PARK_INHERIT | first));
    const uint64_t hurried = progress_beside(&busy, &server, AMOUNT);
    EXPECT(hurried > 2 * alone);
    EXPECT_OK(tess_thread_cancel(waiter.thread));
    REQUIRE(peer_join(&waiter));
    EXPECT(progress_beside(&busy, &server, AMOUNT) * 2 < hurried);
    EXPECT_OK(tess_thread_cancel(middle.thread));
    REQUIRE(peer_join(&middle));
    child_destroy(&server);
    REQUIRE(peer_join(&caller));
    EXPECT_STATUS(PEER_DIED, caller.status);
    child_destroy(&busy);
    suite_close(endpoint);
}
