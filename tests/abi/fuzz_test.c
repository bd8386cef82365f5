// Random system calls: whatever a process does with its handles, only itself and its account suffer.
#include "tests/abi/child.h"
#include "tests/abi/suite.h"

// arg[0] seed, arg[1] number of calls. Uses the handles in page->handle, those it makes on the way, and
// numbers that are none; small, page-sized, address-like and wild arguments.
CHILD static void call_at_random(struct child_page *page) {
    uint64_t state = page->arg[0] * 0x9e37'79b9'7f4a'7c15 | 1;
    uint64_t known[16];
    for (int i = 0; i < 16; i++) {
        known[i] = i == 0 ? page->process.v : page->handle[i % 6].v;
    }
    for (uint64_t i = 0; i < page->arg[1]; i++) {
        struct raw_message message;
        uint64_t random[12];
        __atomic_store_n(&page->progress, i + 1, __ATOMIC_RELEASE);
        for (int r = 0; r < 12; r++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            random[r] = state * 0x2545'f491'4f6c'dd1d;
        }
        for (int w = 0; w < 8; w++) {
            uint64_t kind = random[w] & 3, value = random[w] >> 2;
            if (kind == 0) {
                message.words[w] = value & 0xff;
            } else if (kind == 1) {
                message.words[w] = known[value & 15];
            } else if (kind == 2) {
                message.words[w] = (value & 0xf'ffff) * PAGE_BYTES;
            } else {
                message.words[w] = random[w];
            }
        }
        message.info = (random[8] & 7) == 0 ? random[9] : random[9] & 15;
        uint64_t handle = (random[8] & 0x38) == 0 ? random[10] : known[random[10] & 15];
        uint64_t number = (random[8] & 0xc0) == 0 ? random[11] % 12 : SYS_CALL;
        // Ends of itself would only make the run shorter.
        if ((handle == page->process.v && (uint32_t)message.info == PROCESS_EXIT) ||
            (handle == page->handle[0].v && (uint32_t)message.info == ACCOUNT_END)) {
            continue;
        }
        status_t status = raw_syscall(number, handle, &message, DEADLINE_POLL);
        if (status_ok(status) && message.words[0] != 0 && message.words[0] <= UINT32_MAX) {
            known[random[11] >> 32 & 15] = message.words[0];
        }
    }
    raw_exit(page->process, 0);
}

static void run_seed(uint64_t seed, handle_t endpoint, handle_t notification) {
    struct child child;
    handle_t account, vmo;
    REQUIRE_OK(tess_account_create_account(suite.account, 1 << 20, &account));
    REQUIRE_OK(tess_account_create_vmo(account, 8 * PAGE_BYTES, &vmo));
    REQUIRE(child_create(&child, account));
    REQUIRE(child_grant(&child, account, RIGHTS_ALL_BITS));
    REQUIRE(child_grant(&child, child.vspace, RIGHTS_ALL_BITS));
    REQUIRE(child_grant(&child, vmo, RIGHTS_ALL_BITS));
    REQUIRE(child_grant(&child, endpoint, RIGHTS_ALL_BITS));
    REQUIRE(child_grant(&child, notification, RIGHTS_ALL_BITS));
    REQUIRE(child_grant(&child, suite.inspector, RIGHTS_ALL_BITS));
    child.page->arg[0] = seed;
    child.page->arg[1] = 2000;
    REQUIRE(child_start(&child, call_at_random));
    // It ends by itself, by a fault, or waits for ever on something that it made: then it is ended here.
    uint64_t bits;
    (void)tess_wait(child.exit_watch, &bits, suite_after_ms(300)).code;
    uint64_t state = 0;
    EXPECT_OK(tess_process_info(child.process, nullptr, &state, nullptr, nullptr, nullptr, nullptr, nullptr,
                                nullptr));
    if (state == 2) {
        EXPECT_OK(tess_signal(child.exit_watch, 1));
    }
    EXPECT(child.page->progress > 0);
    child_destroy(&child);
    suite_close(vmo);
    suite_close(account);
}

CASE(random_system_calls_hurt_only_their_process) {
    handle_t endpoint, notification;
    struct inspect_system before, after;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    for (uint64_t seed = 1; seed <= 150; seed++) {
        if (seed == 50) {
            REQUIRE(suite_settled(&before));
        }
        run_seed(seed, endpoint, notification);
        (void)tess_notification_bind(notification, (handle_t){0}).code;
    }
    REQUIRE(suite_settled(&after));
    EXPECT_EQ(after.user_bytes, before.user_bytes);
    EXPECT_EQ(after.handles, before.handles);
    suite_close(endpoint);
    suite_close(notification);
}
