// Accounts: what they create, what they charge, and that one's exhaustion is nobody else's.
#include "abi/limits.h"
#include "machine.h"
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

constexpr uint64_t MIB = 1024 * 1024;

static bool usage(handle_t account, uint64_t *limit, uint64_t *used, uint64_t *peak, uint64_t *objects) {
    return suite_check_status(tess_account_info(account, limit, used, peak, objects), STATUS_OK,
                              "account.info", __FILE__, __LINE__);
}

CASE(account_counts_what_it_pays_for) {
    handle_t account, vmo, endpoint, notification;
    uint64_t limit, used, peak, objects;
    REQUIRE_OK(tess_account_create_account(suite.account, MIB, &account));
    REQUIRE(usage(account, &limit, &used, &peak, &objects));
    EXPECT_EQ(limit, MIB);
    EXPECT_EQ(objects, 0);
    uint64_t empty = used;
    REQUIRE_OK(tess_account_create_vmo(account, 4 * PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_account_create_endpoint(account, 0, &endpoint));
    REQUIRE_OK(tess_account_create_notification(account, &notification));
    REQUIRE(usage(account, &limit, &used, &peak, &objects));
    EXPECT_EQ(objects, 3);
    EXPECT(used > empty);
    uint64_t with_objects = used, done;
    static const uint8_t byte = 1;
    REQUIRE_OK(tess_vmo_write(vmo, 2 * PAGE_BYTES, (uint64_t)(uintptr_t)&byte, 1, &done));
    REQUIRE(usage(account, &limit, &used, &peak, &objects));
    EXPECT_EQ(used, with_objects + PAGE_BYTES);
    suite_close(vmo);
    suite_close(endpoint);
    suite_close(notification);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    REQUIRE(usage(account, &limit, &used, &peak, &objects));
    EXPECT_EQ(objects, 0);
    EXPECT_EQ(used, empty);
    EXPECT_EQ(peak, with_objects + PAGE_BYTES);
    suite_close(account);
}

CASE(sub_account_reserves_its_whole_limit) {
    handle_t account, inner;
    uint64_t before, with, after;
    REQUIRE(usage(suite.account, nullptr, &before, nullptr, nullptr));
    REQUIRE_OK(tess_account_create_account(suite.account, 2 * MIB, &account));
    REQUIRE(usage(suite.account, nullptr, &with, nullptr, nullptr));
    EXPECT(with >= before + 2 * MIB);
    EXPECT(with < before + 2 * MIB + PAGE_BYTES);
    REFUSED(ACCOUNT_CREATE_ACCOUNT, NO_MEMORY, tess_account_create_account(account, 2 * MIB + 1, &inner));
    REFUSED(ACCOUNT_CREATE_ACCOUNT, NO_MEMORY, tess_account_create_account(account, UINT64_MAX, &inner));
    REFUSED(ACCOUNT_CREATE_ACCOUNT, BAD_ARGUMENT, tess_account_create_account(account, 0, &inner));
    suite_close(account);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    REQUIRE(usage(suite.account, nullptr, &after, nullptr, nullptr));
    EXPECT_EQ(after, before);
}

// A sub-account that is gone from every table lives on while something it paid for does.
CASE(account_outlives_its_handles) {
    handle_t account, vmo;
    uint64_t before, after, done;
    REQUIRE(usage(suite.account, nullptr, &before, nullptr, nullptr));
    REQUIRE_OK(tess_account_create_account(suite.account, MIB, &account));
    REQUIRE_OK(tess_account_create_vmo(account, PAGE_BYTES, &vmo));
    suite_close(account);
    static const uint8_t byte = 7;
    EXPECT_OK(tess_vmo_write(vmo, 0, (uint64_t)(uintptr_t)&byte, 1, &done));
    REQUIRE(usage(suite.account, nullptr, &after, nullptr, nullptr));
    EXPECT(after >= before + MIB);
    suite_close(vmo);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    REQUIRE(usage(suite.account, nullptr, &after, nullptr, nullptr));
    EXPECT_EQ(after, before);
}

// Fills an account to the last byte, object by object; every kind of creation then fails the same way,
// changes nothing, and works again once there is room.
CASE(an_exhausted_account_refuses_everything) {
    handle_t account, other, notifications[512], ports[8], handle, second;
    uint32_t count = 0, port_count = 0;
    REQUIRE_OK(tess_account_create_account(suite.account, 16'384, &account));
    REQUIRE_OK(tess_account_create_account(suite.account, MIB, &other));
    while (count < 512 && status_ok(tess_account_create_notification(account, &notifications[count]))) {
        count++;
    }
    EXPECT(count > 4);
    EXPECT(count < 512);
    // What room is left, smaller objects take.
    while (MACHINE_HAS_PORTS && port_count < 8 && status_ok(tess_resource_mint_ioport(suite.resource, SPARE_PORT + 1 + port_count,
                                                                 1, account, &ports[port_count]))) {
        port_count++;
    }
    uint64_t used, after, objects;
    REQUIRE(usage(account, nullptr, &used, nullptr, &objects));
    EXPECT_EQ(objects, count + port_count);
    REFUSED(ACCOUNT_CREATE_NOTIFICATION, NO_MEMORY, tess_account_create_notification(account, &handle));
    REFUSED(ACCOUNT_CREATE_PROCESS, NO_MEMORY, tess_account_create_process(account, 0, 0, &handle, &second));
    REFUSED(ACCOUNT_CREATE_VMO, NO_MEMORY, tess_account_create_vmo(account, PAGE_BYTES, &handle));
    REFUSED(ACCOUNT_CREATE_ENDPOINT, NO_MEMORY, tess_account_create_endpoint(account, 0, &handle));
    REFUSED(ACCOUNT_CREATE_ACCOUNT, NO_MEMORY, tess_account_create_account(account, PAGE_BYTES, &handle));
    if (MACHINE_HAS_PORTS) {
        REFUSED(RESOURCE_MINT_IOPORT, NO_MEMORY,
                tess_resource_mint_ioport(suite.resource, SPARE_PORT, 1, account, &handle));
    }
    REFUSED(RESOURCE_MINT_VMO, NO_MEMORY,
            tess_resource_mint_vmo(suite.resource, MACHINE_SPARE_DEVICE, PAGE_BYTES, account, &handle));
    REFUSED(RESOURCE_MINT_INTERRUPT, NO_MEMORY,
            tess_resource_mint_interrupt(suite.resource, SPARE_LINE, 4, account, &handle));
    REFUSED(RESOURCE_MINT_IOSPACE, NO_MEMORY,
            tess_resource_mint_iospace(suite.resource, 0, 1, account, &handle));
    REQUIRE(usage(account, nullptr, &after, nullptr, &objects));
    EXPECT_EQ(after, used);
    EXPECT_EQ(objects, count + port_count);
    // The other account does not notice; nor are the range and the line taken.
    EXPECT_OK(tess_account_create_vmo(other, PAGE_BYTES, &handle));
    suite_close(handle);
    if (MACHINE_HAS_PORTS) {
        EXPECT_OK(tess_resource_mint_ioport(suite.resource, SPARE_PORT, 1, other, &handle));
        suite_close(handle);
    }
    suite_close(notifications[--count]);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    EXPECT_OK(tess_account_create_notification(account, &notifications[count]));
    count++;
    while (count > 0) {
        suite_close(notifications[--count]);
    }
    while (port_count > 0) {
        suite_close(ports[--port_count]);
    }
    suite_close(account);
    suite_close(other);
}

CASE(memory_is_charged_page_by_page_and_ends_at_the_limit) {
    handle_t account, vmo;
    uint8_t byte = 1;
    uint64_t done, page = 0;
    REQUIRE_OK(tess_account_create_account(suite.account, 64 * 1024, &account));
    REQUIRE_OK(
        tess_account_create_vmo(account, MIB, &vmo)); // larger than the account: nothing is committed yet
    status_t status = STATUS_OK;
    while (page < 256 &&
           status_ok(status = tess_vmo_write(vmo, page * PAGE_BYTES, (uint64_t)(uintptr_t)&byte, 1, &done))) {
        page++;
    }
    suite_check_refused(OP_VMO_WRITE, status, STATUS_NO_MEMORY, "write beyond the account", __FILE__,
                        __LINE__);
    EXPECT(page >= 8);
    EXPECT(page < 16);
    uint64_t committed, len;
    EXPECT_OK(tess_vmo_info(vmo, &len, &committed));
    EXPECT_EQ(len, MIB);
    EXPECT_EQ(committed, page * PAGE_BYTES);
    suite_close(vmo);
    suite_close(account);
}

CASE(vmo_sizes_are_checked) {
    handle_t vmo;
    static const uint64_t bad[] = {0, UINT64_MAX, UINT64_MAX - 4094, 1ull << 63, 1ull << 60};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED(ACCOUNT_CREATE_VMO, BAD_ARGUMENT, tess_account_create_vmo(suite.account, bad[i], &vmo));
    }
    REQUIRE_OK(tess_account_create_vmo(suite.account, 1, &vmo)); // rounded up to a page
    uint64_t len, committed;
    EXPECT_OK(tess_vmo_info(vmo, &len, &committed));
    EXPECT_EQ(len, PAGE_BYTES);
    EXPECT_EQ(committed, 0);
    suite_close(vmo);
}

CHILD static void work_for_ever(struct child_page *page) {
    volatile uint64_t *progress = &page->progress;
    for (;;) {
        *progress = *progress + 1;
    }
}

// Ending an account ends what lives on it and on what was split off from it, at once, and for good; what
// lives on other accounts does not notice.
CASE(ending_an_account_ends_its_processes) {
    handle_t account, inner, handle, second;
    struct child first, nested, other;
    REQUIRE_OK(tess_account_create_account(suite.account, 4 * MIB, &account));
    REQUIRE_OK(tess_account_create_account(account, 2 * MIB, &inner));
    REQUIRE(child_create(&first, account));
    REQUIRE(child_create(&nested, inner));
    REQUIRE(child_create(&other, suite.account));
    REQUIRE(child_start(&first, work_for_ever));
    REQUIRE(child_start(&nested, work_for_ever));
    REQUIRE(child_start(&other, work_for_ever));
    REQUIRE(child_await_progress(&first, 1, 5000));
    REQUIRE(child_await_progress(&nested, 1, 5000));
    EXPECT_OK(tess_account_end(account));
    EXPECT(child_await_exit(&first, 5000));
    EXPECT(child_await_exit(&nested, 5000));
    const uint64_t seen = other.page->progress;
    EXPECT(child_await_progress(&other, seen + 1, 5000));
    EXPECT_OK(tess_account_end(account)); // nothing is left to end
    REFUSED(ACCOUNT_CREATE_PROCESS, BAD_STATE, tess_account_create_process(account, 0, 0, &handle, &second));
    REFUSED(ACCOUNT_CREATE_PROCESS, BAD_STATE, tess_account_create_process(inner, 0, 0, &handle, &second));
    child_destroy(&first);
    child_destroy(&nested);
    child_destroy(&other);
    suite_close(inner);
    suite_close(account);
}

CASE(limits_can_be_wider_than_what_is_reserved) {
    handle_t account, other, inner, vmo;
    uint64_t limit, used, before, reserved, objects, objects_limit, handles, handles_limit, done;
    static const uint8_t byte = 1;
    REQUIRE_OK(tess_account_create_account(suite.account, 64 * 1024, &account));
    REQUIRE_OK(tess_account_create_account(suite.account, 64 * 1024, &other));
    REQUIRE_OK(tess_account_create_account(account, 4096, &inner));
    REFUSED(ACCOUNT_SET_LIMIT, BAD_HANDLE, tess_account_set_limit(suite.account, (handle_t){0}, LIMIT_BYTES, MIB, 0));
    REFUSED(ACCOUNT_SET_LIMIT, WRONG_TYPE, tess_account_set_limit(suite.account, suite.process, LIMIT_BYTES, MIB, 0));
    REFUSED(ACCOUNT_SET_LIMIT, NOT_ALLOWED, tess_account_set_limit(account, other, LIMIT_BYTES, MIB, 0));
    REFUSED(ACCOUNT_SET_LIMIT, NOT_ALLOWED, tess_account_set_limit(suite.account, inner, LIMIT_BYTES, MIB, 0));
    REFUSED(ACCOUNT_SET_LIMIT, BAD_ARGUMENT, tess_account_set_limit(suite.account, account, LIMIT_BYTES, 0, 0));
    REFUSED(ACCOUNT_SET_LIMIT, BAD_ARGUMENT, tess_account_set_limit(suite.account, account, LIMIT_BYTES, MIB, MIB + 1));
    REFUSED(ACCOUNT_SET_LIMIT, BAD_STATE, tess_account_set_limit(suite.account, account, LIMIT_BYTES, 10, 0));
    REFUSED(ACCOUNT_SET_LIMIT, BAD_STATE, tess_account_set_limit(suite.account, account, LIMIT_OBJECTS, 10, 0));
    REFUSED(ACCOUNT_SET_LIMIT, NO_MEMORY,
            tess_account_set_limit(suite.account, account, LIMIT_BYTES, 1ull << 60, 1ull << 60));
    REQUIRE(usage(suite.account, nullptr, &before, nullptr, nullptr));
    EXPECT_OK(tess_account_set_limit(suite.account, account, LIMIT_BYTES, 8 * MIB, 32 * 1024));
    REQUIRE(usage(suite.account, nullptr, &used, nullptr, nullptr));
    EXPECT_EQ(used, before - 32 * 1024);
    uint64_t memory_limit, most;
    EXPECT_OK(tess_account_limit(account, LIMIT_BYTES, &memory_limit, &limit, &reserved, &most));
    EXPECT_EQ(memory_limit, 8 * MIB);
    EXPECT_EQ(reserved, 32 * 1024);
    EXPECT(most >= limit);
    EXPECT_OK(tess_account_limit(account, LIMIT_OBJECTS, &objects_limit, nullptr, nullptr, nullptr));
    EXPECT_OK(tess_account_limit(account, LIMIT_HANDLES, &handles_limit, nullptr, nullptr, nullptr));
    EXPECT_EQ(objects_limit, LIMIT_NONE);
    EXPECT_EQ(handles_limit, LIMIT_NONE);
    // Beyond the reservation the parent pays, page by page.
    REQUIRE_OK(tess_account_create_vmo(account, MIB, &vmo));
    for (uint64_t page = 0; page < 20; page++) {
        EXPECT_OK(tess_vmo_write(vmo, page * PAGE_BYTES, (uint64_t)(uintptr_t)&byte, 1, &done));
    }
    uint64_t above, below;
    REQUIRE(usage(account, &limit, &below, nullptr, nullptr));
    REQUIRE(usage(suite.account, nullptr, &above, nullptr, nullptr));
    EXPECT_EQ(limit, 8 * MIB);
    EXPECT_EQ(above - used, below - 32 * 1024);
    suite_close(vmo);
    suite_close(inner);
    suite_close(account);
    // Counts of objects and handles.
    EXPECT_OK(tess_account_set_limit(suite.account, other, LIMIT_BYTES, MIB, MIB));
    EXPECT_OK(tess_account_set_limit(suite.account, other, LIMIT_OBJECTS, 8, 0));
    EXPECT_OK(tess_account_set_limit(suite.account, other, LIMIT_HANDLES, 3, 0));
    struct child child;
    handle_t notification[8];
    uint64_t foreign = 0;
    REQUIRE(child_create(&child, other)); // process and vspace
    EXPECT_OK(tess_account_limit(other, LIMIT_OBJECTS, &objects_limit, &objects, nullptr, nullptr));
    EXPECT_OK(tess_account_limit(other, LIMIT_HANDLES, &handles_limit, &handles, nullptr, nullptr));
    EXPECT_EQ(objects_limit, 8);
    EXPECT_EQ(handles_limit, 3);
    EXPECT_EQ(handles, 0);
    const uint64_t room = 8 - objects;
    for (uint64_t i = 0; i < room; i++) {
        EXPECT_OK(tess_account_create_notification(other, &notification[i]));
    }
    handle_t refused;
    REFUSED(ACCOUNT_CREATE_NOTIFICATION, NO_MEMORY, tess_account_create_notification(other, &refused));
    for (uint64_t i = 0; i < 3; i++) {
        EXPECT_OK(tess_process_grant(child.process, other, RIGHTS_ALL_BITS, 0, &foreign));
    }
    REFUSED(PROCESS_GRANT, NO_HANDLES,
            tess_process_grant(child.process, other, RIGHTS_ALL_BITS, 0, &foreign));
    EXPECT_OK(tess_process_handle_close(child.process, foreign));
    EXPECT_OK(tess_process_grant(child.process, other, RIGHTS_ALL_BITS, 0, &foreign));
    for (uint64_t i = 0; i < room; i++) {
        suite_close(notification[i]);
    }
    child_destroy(&child);
    suite_close(other);
}

CASE(time_limits_are_checked) {
    constexpr uint64_t MS = 1'000'000;
    handle_t account, inner, busy, vmo;
    uint64_t budget = 9, period = 9, used = 9;
    REQUIRE_OK(tess_account_create_account(suite.account, MIB, &account));
    REQUIRE_OK(tess_account_create_account(suite.account, MIB, &busy));
    REQUIRE_OK(tess_account_create_vmo(busy, PAGE_BYTES, &vmo));
    REFUSED(ACCOUNT_SET_LIMIT, BAD_STATE, tess_account_set_limit(suite.account, busy, LIMIT_TIME, MS, 10 * MS));
    suite_close(vmo);
    suite_close(busy);
    REFUSED(ACCOUNT_SET_LIMIT, BAD_HANDLE,
            tess_account_set_limit(suite.account, (handle_t){0}, LIMIT_TIME, MS, 10 * MS));
    REFUSED(ACCOUNT_SET_LIMIT, WRONG_TYPE,
            tess_account_set_limit(suite.account, suite.process, LIMIT_TIME, MS, 10 * MS));
    REFUSED(ACCOUNT_SET_LIMIT, NOT_ALLOWED, tess_account_set_limit(account, account, LIMIT_TIME, MS, 10 * MS));
    static const uint64_t refused[][2] = {{0, 10 * MS}, {MS / 10 - 1, 10 * MS}, {MS, 0}, {MS, 10'000 * MS + 1}};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        REFUSED(ACCOUNT_SET_LIMIT, BAD_ARGUMENT,
                tess_account_set_limit(suite.account, account, LIMIT_TIME, refused[i][0], refused[i][1]));
    }
    EXPECT_OK(tess_account_limit(account, LIMIT_TIME, &budget, &used, &period, nullptr));
    EXPECT_EQ(budget + period + used, 0);
    EXPECT_OK(tess_account_set_limit(suite.account, account, LIMIT_TIME, MS, 10 * MS));
    REQUIRE_OK(tess_account_create_account(account, MIB / 4, &inner));
    EXPECT_OK(tess_account_set_limit(suite.account, account, LIMIT_TIME, 2 * MS, 20 * MS)); // it has begun already
    EXPECT_OK(tess_account_limit(account, LIMIT_TIME, &budget, &used, &period, nullptr));
    EXPECT_EQ(budget, 2 * MS);
    EXPECT_EQ(period, 20 * MS);
    EXPECT_OK(tess_account_set_limit(account, inner, LIMIT_TIME, MS, 20 * MS));
    suite_close(inner);
    suite_close(account);
}

CASE(kinds_of_objects_have_limits_of_their_own) {
    handle_t account, inner, busy, vmo, timer[2], handle;
    uint64_t count = 9, limit = 9;
    REQUIRE_OK(tess_account_create_account(suite.account, MIB, &account));
    REQUIRE_OK(tess_account_create_account(suite.account, MIB, &busy));
    REQUIRE_OK(tess_account_create_vmo(busy, PAGE_BYTES, &vmo));
    REFUSED(ACCOUNT_SET_LIMIT, BAD_STATE, tess_account_set_limit(suite.account, busy, OBJECT_TIMER, 1, 0));
    suite_close(vmo);
    suite_close(busy);
    REFUSED(ACCOUNT_SET_LIMIT, BAD_HANDLE,
            tess_account_set_limit(suite.account, (handle_t){0}, OBJECT_TIMER, 1, 0));
    REFUSED(ACCOUNT_SET_LIMIT, WRONG_TYPE,
            tess_account_set_limit(suite.account, suite.process, OBJECT_TIMER, 1, 0));
    REFUSED(ACCOUNT_SET_LIMIT, NOT_ALLOWED, tess_account_set_limit(account, account, OBJECT_TIMER, 1, 0));
    static const uint64_t no_types[] = {OBJECT_TYPE_COUNT, LIMIT_TIME + 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof no_types / sizeof no_types[0]; i++) {
        REFUSED(ACCOUNT_SET_LIMIT, BAD_ARGUMENT,
                tess_account_set_limit(suite.account, account, no_types[i], 1, 0));
        REFUSED(ACCOUNT_LIMIT, BAD_ARGUMENT, tess_account_limit(account, no_types[i], &limit, &count, nullptr, nullptr));
    }
    EXPECT_OK(tess_account_limit(account, OBJECT_TIMER, &limit, &count, nullptr, nullptr));
    EXPECT_EQ(count, 0);
    EXPECT_EQ(limit, LIMIT_NONE);
    EXPECT_OK(tess_account_set_limit(suite.account, account, OBJECT_TIMER, 2, 0));
    EXPECT_OK(tess_account_set_limit(suite.account, account, OBJECT_PROCESS, 0, 0));
    // Two timers, one of them charged to the account below; everything else but processes as before.
    REQUIRE_OK(tess_account_create_account(account, MIB / 4, &inner));
    REQUIRE_OK(tess_account_create_timer(account, &timer[0]));
    REQUIRE_OK(tess_account_create_timer(inner, &timer[1]));
    REFUSED(ACCOUNT_CREATE_TIMER, NO_MEMORY, tess_account_create_timer(account, &handle));
    REFUSED(ACCOUNT_CREATE_TIMER, NO_MEMORY, tess_account_create_timer(inner, &handle));
    EXPECT_STATUS(NO_MEMORY, tess_account_create_process(inner, 0, 0, &handle, &handle));
    EXPECT_OK(tess_account_create_vmo(inner, PAGE_BYTES, &vmo));
    EXPECT_OK(tess_account_limit(account, OBJECT_TIMER, &limit, &count, nullptr, nullptr));
    EXPECT_EQ(count, 2);
    EXPECT_EQ(limit, 2);
    EXPECT_OK(tess_account_limit(account, OBJECT_VMO, &limit, &count, nullptr, nullptr));
    EXPECT_EQ(count, 1);
    EXPECT_EQ(limit, LIMIT_NONE);
    // With the limit of all objects beside it, either may be the one that is reached.
    EXPECT_OK(tess_account_set_limit(suite.account, account, OBJECT_TIMER, 3, 0));
    EXPECT_OK(tess_account_set_limit(suite.account, account, LIMIT_OBJECTS, 4, 0));
    REFUSED(ACCOUNT_SET_LIMIT, BAD_ARGUMENT, tess_account_set_limit(suite.account, account, LIMIT_OBJECTS, 4, 1));
    EXPECT_STATUS(NO_MEMORY, tess_account_create_timer(account, &handle));
    suite_close(vmo);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    EXPECT_OK(tess_account_create_timer(account, &handle));
    suite_close(handle);
    suite_close(timer[1]);
    suite_close(timer[0]);
    suite_close(inner);
    REQUIRE(suite_settled(&system));
    EXPECT_OK(tess_account_limit(account, OBJECT_TIMER, nullptr, &count, nullptr, nullptr));
    EXPECT_EQ(count, 0);
    EXPECT_OK(tess_account_end(account));
    EXPECT_STATUS(BAD_STATE, tess_account_set_limit(suite.account, account, OBJECT_TIMER, 1, 0));
    suite_close(account);
}

static void waits_on_what_ends(struct peer *peer) {
    struct tess_message message = {};
    peer->status = tess_recv(peer->handle[0], &message, DEADLINE_NEVER);
}

static bool gone(handle_t handle) {
    return status_is(
        tess_process_handle_info(suite.process, handle.v, nullptr, nullptr, nullptr, nullptr, nullptr),
        STATUS_BAD_HANDLE);
}

// What the account paid for ends with it, whoever holds it; what is left of it can still be looked at.
CASE(ending_an_account_takes_its_objects_away) {
    static struct peer peer;
    handle_t account, inner, vmo, inner_vmo, endpoint, outside, refused;
    struct child child;
    uint64_t used, objects, foreign = 0;
    REQUIRE_OK(tess_account_create_account(suite.account, MIB, &account));
    REQUIRE_OK(tess_account_create_account(account, MIB / 4, &inner));
    REQUIRE_OK(tess_account_create_vmo(account, PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_account_create_vmo(inner, PAGE_BYTES, &inner_vmo));
    REQUIRE_OK(tess_account_create_endpoint(account, 0, &endpoint));
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &outside));
    REQUIRE(child_create(&child, suite.account));
    EXPECT_OK(tess_process_grant(child.process, inner_vmo, RIGHTS_ALL_BITS, 0, &foreign));
    peer.handle[0] = endpoint;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, waits_on_what_ends));
    REQUIRE(peer_await_blocked(&peer));
    EXPECT_OK(tess_account_end(account));
    REFUSED(ACCOUNT_CREATE_VMO, NO_MEMORY, tess_account_create_vmo(account, PAGE_BYTES, &refused));
    REQUIRE(peer_join(&peer));
    EXPECT_STATUS(OBJECT_DEAD, peer.status);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    EXPECT(gone(vmo));
    EXPECT(gone(inner_vmo));
    EXPECT(gone(endpoint));
    EXPECT(!gone(outside));
    EXPECT_STATUS(BAD_HANDLE, tess_process_handle_info(child.process, foreign, nullptr, nullptr, nullptr,
                                                       nullptr, nullptr));
    // The inner account has ended, too. Only it is charged to the outer one now.
    REFUSED(ACCOUNT_CREATE_VMO, NO_MEMORY, tess_account_create_vmo(inner, PAGE_BYTES, &refused));
    REFUSED(ACCOUNT_SET_LIMIT, BAD_STATE, tess_account_set_limit(suite.account, account, LIMIT_BYTES, MIB, MIB));
    REQUIRE(usage(inner, nullptr, &used, nullptr, &objects));
    EXPECT_EQ(used, 0);
    EXPECT_EQ(objects, 0);
    REQUIRE(usage(account, nullptr, &used, nullptr, &objects));
    EXPECT_EQ(objects, 1);
    suite_close(inner);
    suite_close(account);
    suite_close(outside);
    child_destroy(&child);
}

// Processes that never ran hold each other: nobody else can end them, the account can.
CASE(ending_an_account_ends_processes_that_hold_each_other) {
    handle_t account;
    uint64_t foreign, used, objects;
    REQUIRE_OK(tess_account_create_account(suite.account, MIB, &account));
    handle_t process[2], vspace[2];
    for (uint32_t i = 0; i < 2; i++) {
        REQUIRE_OK(tess_account_create_process(account, 0, 0, &process[i], &vspace[i]));
    }
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT_OK(tess_process_grant(process[i], process[1 - i], RIGHTS_ALL_BITS, 0, &foreign));
    }
    for (uint32_t i = 0; i < 2; i++) {
        suite_close(process[i]);
        suite_close(vspace[i]);
    }
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    REQUIRE(usage(account, nullptr, &used, nullptr, &objects));
    EXPECT_EQ(objects, 4);
    EXPECT_OK(tess_account_end(account));
    REQUIRE(suite_settled(&system));
    REQUIRE(usage(account, nullptr, &used, nullptr, &objects));
    EXPECT_EQ(objects, 0);
    EXPECT_EQ(used, 0);
    suite_close(account);
}
