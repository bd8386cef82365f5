// Everything at once: workers that call each other across processors, with handles and without, map, clone, fault,
// set timers, use rings and make threads, while the suite kills them, ends their accounts, revokes what they use,
// cancels their waits and moves them between processors and bands. At the end of each round everything ends, and
// objects and memory must be what they were.
//
// The command line says `seed=N ms=N`. Who does what when still differs from run to run: processors are not in step.
#include "base/str.h"
#include "tests/abi/child.h"
#include "tests/abi/suite.h"
#include "tests/stress/worker.h"

constexpr uint32_t WORKERS_MAX = 24;
constexpr uint32_t ENDPOINTS = 3;
constexpr uint64_t ROUND_MS = 1000;
constexpr uint64_t ACCOUNT_BYTES = 1 << 20;

static struct slot {
    struct child child;
    handle_t account;
    uint32_t number;
} slots[WORKERS_MAX];

static handle_t endpoints[ENDPOINTS], notifications[ENDPOINTS], vmo;
static uint64_t state, done[WORKER_KINDS], answered, killed, lived;

static uint64_t any(uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state * 0x2545'f491'4f6c'dd1d >> 32) % below;
}

// The number after `name` in the command line.
static uint64_t option(const char *name, uint64_t otherwise) {
    for (const char *at = suite.argument; *at != '\0'; at++) {
        if (strncmp(at, name, strlen(name)) == 0) {
            uint64_t value = 0;
            for (at += strlen(name); *at >= '0' && *at <= '9'; at++) {
                value = value * 10 + (uint64_t)(*at - '0');
            }
            return value;
        }
    }
    return otherwise;
}

// Every third answers.
static bool serves(const struct slot *slot) {
    return slot->number % 3 == 0;
}

static uint32_t group(const struct slot *slot) {
    return slot->number / 3 % ENDPOINTS;
}

static bool grant(struct slot *slot, enum worker_handle which, handle_t handle) {
    slot->child.granted = which;
    return child_grant(&slot->child, handle, RIGHTS_ALL_BITS);
}

static void slot_begin(struct slot *slot) {
    struct child *child = &slot->child;
    REQUIRE_OK(tess_account_create_account(suite.account, ACCOUNT_BYTES, &slot->account));
    REQUIRE(child_create(child, slot->account));
    REQUIRE(grant(slot, WORKER_ACCOUNT, slot->account));
    REQUIRE(grant(slot, WORKER_VSPACE, child->vspace));
    REQUIRE(grant(slot, WORKER_ENDPOINT, endpoints[group(slot)]));
    REQUIRE(grant(slot, WORKER_NOTIFICATION, notifications[group(slot)]));
    REQUIRE(grant(slot, WORKER_VMO, vmo));
    child->page->arg[0] = any(UINT64_MAX);
    child->page->arg[1] = suite_now_ns();
    REQUIRE(child_start(child, serves(slot) ? worker_serve : worker_work));
    REQUIRE(grant(slot, WORKER_THREAD, child->thread));
}

// What the worker found, and how far it came.
static void slot_judge(struct slot *slot) {
    const struct child_page *page = slot->child.page;
    if (child_result(&slot->child, 0) != 0) {
        report_line("note stress: worker %u of %s: wrong %lu: saw 0x%lx, expected 0x%lx", slot->number,
                    serves(slot) ? "those that serve" : "those that call", page->result[0], page->result[1],
                    page->result[2]);
        EXPECT_EQ(page->result[0], 0);
    }
    for (uint32_t kind = 0; kind < WORKER_KINDS && !serves(slot); kind++) {
        done[kind] += page->result[WORKER_DONE + kind];
    }
    answered += serves(slot) ? page->progress : 0;
}

static void slot_end(struct slot *slot) {
    struct child *child = &slot->child;
    if (child->process.v == 0) {
        return;
    }
    uint64_t bits;
    if (status_ok(tess_wait(child->exit_watch, &bits, DEADLINE_POLL))) {
        struct exit_record record = {};
        EXPECT(child_exit_record(child, &record));
        report_line("note stress: worker %u ended by itself: kind %u fault %u at 0x%lx, ip 0x%lx", slot->number,
                    record.kind, record.fault_kind, record.fault_address, record.ip);
        EXPECT(!"no worker ends by itself");
    } else {
        if (any(2) == 0) {
            EXPECT_OK(tess_account_end(slot->account));
        } else {
            EXPECT_OK(tess_process_exit(child->process, 0));
        }
        EXPECT(child_await_exit(child, 10'000));
    }
    slot_judge(slot);
    child_destroy(child);
    suite_close(slot->account);
    killed++;
}

// All handles to one endpoint are taken away, and its users get new ones.
static void revoke(uint32_t which, uint32_t workers) {
    EXPECT_OK(tess_process_handle_revoke(suite.process, endpoints[which].v, false));
    for (uint32_t i = 0; i < workers; i++) {
        if (group(&slots[i]) == which) {
            EXPECT(grant(&slots[i], WORKER_ENDPOINT, endpoints[which]));
        }
    }
}

// One thing that happens to them, about every millisecond.
static void disturb(uint32_t workers) {
    struct slot *slot = &slots[any(workers)];
    switch (any(10)) {
    case 0:
    case 1:
        slot_end(slot);
        slot_begin(slot);
        break;
    case 2: revoke((uint32_t)any(ENDPOINTS), workers); break;
    case 3:
    case 4: (void)tess_thread_cancel(slot->child.thread).code; break; // it may not be waiting
    case 5:
    case 6: EXPECT_OK(tess_thread_set_affinity(slot->child.thread, any(255) | 1)); break;
    case 7: EXPECT_OK(tess_thread_set_affinity(slot->child.thread, UINT64_MAX)); break;
    case 8: EXPECT_OK(tess_thread_set_band(slot->child.thread, BAND_NORMAL + any(2))); break;
    default: EXPECT_OK(tess_signal(notifications[any(ENDPOINTS)], any(UINT32_MAX))); break;
    }
}

static void rest(void) {
    uint64_t bits;
    (void)tess_wait(notifications[ENDPOINTS - 1], &bits, suite_after_ms(1)).code;
}

static void one_round(uint32_t workers, uint64_t end_ns) {
    for (uint32_t i = 0; i < workers; i++) {
        slots[i] = (struct slot){.number = i};
        slot_begin(&slots[i]);
    }
    while (suite_now_ns() < end_ns) {
        rest();
        for (uint32_t i = 0; i < workers; i++) {
            __atomic_store_n(&slots[i].child.page->arg[1], suite_now_ns(), __ATOMIC_RELAXED);
        }
        disturb(workers);
        lived++;
    }
    for (uint32_t i = 0; i < workers; i++) {
        slot_end(&slots[i]);
    }
}

static void create_shared(void) {
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        EXPECT_OK(tess_account_create_endpoint(suite.account, 0, &endpoints[i]));
        EXPECT_OK(tess_account_create_notification(suite.account, &notifications[i]));
    }
    EXPECT_OK(tess_account_create_vmo(suite.account, WORKER_VMO_PAGES * PAGE_BYTES, &vmo));
    EXPECT_OK(tess_vmo_commit(vmo, 0, WORKER_VMO_PAGES * PAGE_BYTES));
}

static void close_shared(void) {
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        suite_close(endpoints[i]);
        suite_close(notifications[i]);
    }
    suite_close(vmo);
}

CASE(everything_at_once) {
    static const char *const names[WORKER_KINDS] = {"calls", "timed", "handles sent", "signals", "waits", "timers",
                                                    "memory", "shared", "threads", "handles", "rings", "yields"};
    struct inspect_system before = {}, after = {};
    REQUIRE(suite_settled(&before));
    const uint32_t workers = before.processors * 3 < WORKERS_MAX ? before.processors * 3 : WORKERS_MAX;
    const uint64_t end_ns = suite_after_ms(option("ms=", 5'000));
    state = option("seed=", 1) * 0x9e37'79b9'7f4a'7c15 | 1;
    for (uint32_t round = 0; suite_now_ns() < end_ns; round++) {
        create_shared();
        one_round(workers, suite_after_ms(ROUND_MS));
        close_shared();
        REQUIRE(suite_settled(&after));
        if (round == 0) {
            before = after; // what the suite's own page tables and the kernel's caches came to need
        }
        EXPECT_EQ(after.user_bytes, before.user_bytes);
        EXPECT_EQ(after.handles, before.handles);
        for (uint32_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
            EXPECT_EQ(after.live_objects[type], before.live_objects[type]);
        }
        report_line("start everything_at_once"); // still alive
    }
    report_line("note stress: %u workers, %lu turns, %lu killed, %lu requests answered", workers, lived, killed, answered);
    for (uint32_t kind = 0; kind < WORKER_KINDS; kind++) {
        report_line("note stress: %s: %lu", names[kind], done[kind]);
        EXPECT(done[kind] > 0);
    }
}
