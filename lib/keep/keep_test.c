#define _GNU_SOURCE // MAP_ANONYMOUS
#include "lib/keep/keep.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"

constexpr size_t MEMORY = 320, HEADER = 32, ROOM = MEMORY / 2 - HEADER;

alignas(8) static uint8_t memory[MEMORY];
static struct keep keep;

static void setup(void) {
    memset(memory, 0, sizeof(memory));
    keep_init(&keep, memory, sizeof(memory));
}

// Content number n: another length, and other bytes throughout.
static size_t write_content(void *to, uint8_t n) {
    const size_t len = 24 + n % 5 * 13;
    memset(to, 'A' + n, len);
    return len;
}

static void store(struct keep *to, uint8_t n) {
    keep_commit(to, write_content(keep_begin(to), n));
}

// Whether what is there is this content.
static bool holds(const struct keep *of, uint8_t n) {
    uint8_t expected[ROOM];
    const void *snapshot = nullptr;
    size_t len = 0;
    const size_t expected_len = write_content(expected, n);
    return status_ok(keep_load(of, &snapshot, &len)) && len == expected_len && memcmp(snapshot, expected, len) == 0;
}

static status_t load(const struct keep *of) {
    const void *snapshot;
    size_t len;
    return keep_load(of, &snapshot, &len);
}

static size_t zeros(const uint8_t *from, size_t len) {
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += from[i] == 0;
    }
    return count;
}

TEST(the_last_that_was_committed_is_there) {
    setup();
    CHECK_EQ(keep_room(&keep), ROOM);
    CHECK(status_is(load(&keep), STATUS_NOT_FOUND));
    for (uint8_t n = 0; n < 20; n++) {
        store(&keep, n);
        struct keep successor;
        keep_init(&successor, memory, sizeof(memory));
        CHECK(holds(&successor, n));
        (void)memset(keep_begin(&keep), 'x', ROOM); // killed before it is committed
        CHECK(holds(&successor, n));
        keep = successor;
    }
}

TEST(an_empty_and_a_full_one_are_snapshots_too) {
    setup();
    const void *snapshot;
    size_t len = 1;
    (void)keep_begin(&keep);
    keep_commit(&keep, 0);
    CHECK(status_ok(keep_load(&keep, &snapshot, &len)));
    CHECK_EQ(len, 0);
    memset(keep_begin(&keep), 'x', ROOM);
    keep_commit(&keep, ROOM);
    CHECK(status_ok(keep_load(&keep, &snapshot, &len)));
    CHECK_EQ(len, ROOM);
}

TEST(nothing_stays_of_what_was_replaced) {
    setup();
    for (uint8_t n = 0; n < 6; n++) {
        store(&keep, n);
        memset(keep_begin(&keep), 'x', ROOM);
        keep_init(&keep, memory, sizeof(memory)); // by the next process
        store(&keep, n);
        uint8_t content[ROOM];
        const size_t used = HEADER + write_content(content, n), half = MEMORY / 2;
        const size_t at = zeros(memory, half) == half ? half : 0;
        CHECK_EQ(zeros(memory + half - at, half), half);
        CHECK_EQ(zeros(memory + at + used, half - used), half - used);
    }
    keep_forget(&keep);
    CHECK_EQ(zeros(memory, sizeof(memory)), sizeof(memory));
    CHECK(status_is(load(&keep), STATUS_NOT_FOUND));
}

TEST(each_changed_bit_is_found_or_meant_nothing) {
    size_t refused = 0;
    setup();
    for (uint8_t n = 0; n < 3; n++) {
        store(&keep, n);
        for (size_t bit = 0; bit < sizeof(memory) * 8; bit++) {
            memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
            const status_t status = load(&keep);
            CHECK(status_is(status, STATUS_BAD_STATE) || holds(&keep, n));
            refused += !status_ok(status);
            memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        CHECK(holds(&keep, n));
    }
    CHECK(refused >= 3 * (HEADER + 24) * 8);
}

// Two whole snapshots are there when a process was killed before it wiped the older one; others do not come from here.
TEST(two_snapshots_follow_each_other) {
    uint8_t older[MEMORY];
    setup();
    store(&keep, 1);
    memcpy(older, memory, sizeof(memory)); // number 1, in the first half
    store(&keep, 2);
    memcpy(memory, older, MEMORY / 2);
    CHECK(holds(&keep, 2));
    store(&keep, 3);
    CHECK(holds(&keep, 3));
    store(&keep, 4);
    memcpy(memory, older, MEMORY / 2);
    CHECK(status_is(load(&keep), STATUS_BAD_STATE)); // 1 and 4
    keep_forget(&keep);
    store(&keep, 5);
    CHECK(holds(&keep, 5));
}

TEST(whatever_is_there_is_bounded) {
    uint64_t seed = 1;
    setup();
    for (size_t round = 0; round < 100'000; round++) {
        for (size_t i = 0; i < sizeof(memory) / 8; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            uint64_t word = seed >> (seed >> 58);
            memcpy(memory + i * 8, &word, 8);
        }
        const void *snapshot;
        size_t len;
        CHECK(!status_ok(keep_load(&keep, &snapshot, &len)));
        if (round % 2 == 0) {
            keep_forget(&keep);
        }
        store(&keep, 7); // harms nothing but what is there
        CHECK(round % 2 != 0 || holds(&keep, 7));
    }
}

// ---- killed at every instruction ----

static void check_successor(const uint8_t *left, uint8_t before, uint8_t next, bool *is_next) {
    alignas(8) uint8_t copy[MEMORY];
    struct keep successor;
    memcpy(copy, left, sizeof(copy));
    keep_init(&successor, copy, sizeof(copy));
    const bool committed = holds(&successor, next);
    CHECK(committed || holds(&successor, before));
    CHECK(committed || !*is_next); // it never goes back
    *is_next = committed;
    store(&successor, 99);
    CHECK(holds(&successor, 99));
    CHECK(zeros(copy, MEMORY / 2) == MEMORY / 2 || zeros(copy + MEMORY / 2, MEMORY / 2) == MEMORY / 2);
}

// A process that writes the next snapshot is stopped after each of its instructions; what it has changed by then is what a
// successor would find.
static void step_through(uint8_t *shared, uint8_t before, uint8_t next) {
    alignas(8) uint8_t seen[MEMORY];
    size_t changes = 0;
    bool is_next = false;
    int status;
    memcpy(seen, shared, sizeof(seen));
    const pid_t child = fork();
    if (child == 0) {
        struct keep writer;
        keep_init(&writer, shared, MEMORY);
        (void)ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        (void)raise(SIGSTOP);
        store(&writer, next);
        _exit(0);
    }
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    while (WIFSTOPPED(status)) {
        REQUIRE(ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) == 0);
        REQUIRE(waitpid(child, &status, 0) == child);
        if (memcmp(seen, shared, sizeof(seen)) != 0) {
            memcpy(seen, shared, sizeof(seen));
            check_successor(seen, before, next, &is_next);
            changes++;
        }
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(is_next);
    CHECK(changes > 8);
}

TEST(killed_at_any_instruction_it_leaves_the_last_or_the_one_before) {
    uint8_t *shared = mmap(nullptr, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(shared != MAP_FAILED);
    keep_init(&keep, shared, MEMORY);
    store(&keep, 0);
    for (uint8_t n = 1; n <= 4; n++) {
        if (n == 3) {
            memset(keep_begin(&keep), 'x', ROOM); // a predecessor was killed in the middle
        }
        step_through(shared, n - 1, n);
    }
    (void)munmap(shared, MEMORY);
}
