#include "kernel/sched/run_queue.h"

#include "base/test.h"
#include "kernel/object/thread.h"

constexpr uint64_t MS = 1'000'000, SECOND = 1000 * MS;

static struct thread threads[8];

static struct thread *fresh(uint32_t index, uint32_t band) {
    struct thread *thread = &threads[index];
    *thread = (struct thread){.band = (uint8_t)band, .effective_band = (uint8_t)band};
    list_node_init(&thread->link);
    return thread;
}

// Lets the next thread run for its slice (or until it sleeps) and puts it back at the tail.
static struct thread *take_turn(struct run_queue *queue, uint64_t used_ns) {
    struct thread *thread = run_queue_pop(queue);
    run_queue_charge(queue, thread->effective_band, used_ns);
    run_queue_push(queue, thread);
    return thread;
}

TEST(empty) {
    struct run_queue queue;
    run_queue_init(&queue);
    CHECK_EQ(run_queue_pop(&queue), nullptr);
    for (uint32_t band = 0; band < BAND_COUNT; band++) {
        CHECK(!run_queue_should_preempt(&queue, band));
        CHECK(run_queue_slice_ns(band) >= MS);
    }
}

TEST(turns_within_a_band) {
    struct run_queue queue;
    run_queue_init(&queue);
    for (uint32_t i = 0; i < 3; i++) {
        run_queue_push(&queue, fresh(i, BAND_NORMAL));
    }
    for (uint32_t i = 0; i < 9; i++) {
        CHECK_EQ(take_turn(&queue, MS), &threads[i % 3]);
    }
    run_queue_push_front(&queue, fresh(3, BAND_NORMAL));
    CHECK_EQ(run_queue_pop(&queue), &threads[3]);
    CHECK_EQ(run_queue_pop(&queue), &threads[0]);
}

TEST(removal_from_anywhere) {
    struct run_queue queue;
    run_queue_init(&queue);
    for (uint32_t i = 0; i < 3; i++) {
        run_queue_push(&queue, fresh(i, BAND_INTERACTIVE));
    }
    run_queue_remove(&queue, &threads[1]);
    CHECK_EQ(run_queue_pop(&queue), &threads[0]);
    run_queue_remove(&queue, &threads[2]);
    CHECK_EQ(queue.ready_mask, 0u);
    CHECK_EQ(run_queue_pop(&queue), nullptr);
}

// Another processor may give a thread to another band at the moment at which it is put into the queue.
TEST(a_thread_whose_band_changes_meanwhile_is_still_found) {
    struct run_queue queue;
    run_queue_init(&queue);
    run_queue_push(&queue, fresh(0, BAND_NORMAL));
    threads[0].effective_band = BAND_INTERACTIVE;
    CHECK_EQ(run_queue_pop(&queue), &threads[0]);
    CHECK_EQ(queue.ready_mask, 0u);
    CHECK_EQ(run_queue_pop(&queue), nullptr);
    run_queue_push(&queue, fresh(1, BAND_NORMAL));
    run_queue_push(&queue, fresh(2, BAND_INTERACTIVE));
    threads[1].effective_band = BAND_INTERACTIVE;
    run_queue_remove(&queue, &threads[2]);
    CHECK_EQ(queue.ready_mask, 1u << BAND_NORMAL);
    CHECK_EQ(run_queue_pop(&queue), &threads[1]);
}

TEST(realtime_first) {
    struct run_queue queue;
    run_queue_init(&queue);
    run_queue_push(&queue, fresh(0, BAND_INTERACTIVE));
    run_queue_push(&queue, fresh(1, BAND_REALTIME));
    run_queue_charge(&queue, BAND_REALTIME, 60 * MS);
    CHECK(run_queue_should_preempt(&queue, BAND_INTERACTIVE));
    CHECK(!run_queue_should_preempt(&queue, BAND_REALTIME));
    CHECK_EQ(run_queue_pop(&queue), &threads[1]);
    CHECK_EQ(run_queue_pop(&queue), &threads[0]);
}

// Realtime that never rests gets its share, all of it first, and leaves the others theirs.
TEST(realtime_has_a_budget) {
    struct run_queue queue;
    run_queue_init(&queue);
    for (uint32_t band = 0; band < BAND_COUNT; band++) {
        run_queue_push(&queue, fresh(band, band));
    }
    uint64_t used[BAND_COUNT] = {};
    for (uint32_t i = 0; i < 77'000; i++) {
        const struct thread *thread = take_turn(&queue, MS);
        used[thread->band]++;
        CHECK(i >= 64 || thread->band == BAND_REALTIME);
    }
    CHECK(used[BAND_REALTIME] > 63'000 && used[BAND_REALTIME] < 65'000);
    CHECK(used[BAND_INTERACTIVE] > 7'900 && used[BAND_INTERACTIVE] < 8'100);
    CHECK(used[BAND_BACKGROUND] > 900 && used[BAND_BACKGROUND] < 1'100);
}

// A time limit makes a reservation of the realtime band: six of each eight milliseconds, whatever the others want.
TEST(limited_realtime_is_a_reservation) {
    struct run_queue queue;
    run_queue_init(&queue);
    for (uint32_t band = BAND_INTERACTIVE; band < BAND_COUNT; band++) {
        run_queue_push(&queue, fresh(band, band));
    }
    for (uint32_t period = 0; period < 10'000; period++) {
        run_queue_push(&queue, fresh(0, BAND_REALTIME));
        for (uint32_t turn = 0; turn < 3; turn++) {
            struct thread *thread = run_queue_pop(&queue);
            CHECK_EQ(thread, &threads[0]);
            run_queue_charge(&queue, BAND_REALTIME, 2 * MS);
            if (turn < 2) { // after the third it has had what its limit allows
                run_queue_push(&queue, thread);
            }
        }
        CHECK(take_turn(&queue, 2 * MS)->band != BAND_REALTIME);
    }
}

// What stands apart counts for everybody as the last of its band.
TEST(the_next_one_stands_at_the_end_of_its_band) {
    struct run_queue queue;
    run_queue_init(&queue);
    queue.next = fresh(0, BAND_NORMAL);
    CHECK(!run_queue_empty(&queue));
    run_queue_remove(&queue, &threads[0]); // it ends, or changes its band
    CHECK(run_queue_empty(&queue));
    queue.next = &threads[0];
    run_queue_push(&queue, fresh(1, BAND_NORMAL));
    CHECK_EQ(queue.next, nullptr);
    CHECK_EQ(run_queue_pop(&queue), &threads[0]);
    queue.next = &threads[0];
    CHECK_EQ(run_queue_pop(&queue), &threads[1]);
    CHECK_EQ(run_queue_pop(&queue), &threads[0]);
    queue.next = &threads[0];
    threads[0].affinity = 2;
    CHECK_EQ(run_queue_steal(&queue, 1), nullptr);
    CHECK_EQ(run_queue_steal(&queue, 2), &threads[0]);
    CHECK(run_queue_empty(&queue));
}

// Over a long time each band gets its weight's share, and the lowest is not starved.
TEST(shares_by_weight) {
    struct run_queue queue;
    run_queue_init(&queue);
    run_queue_push(&queue, fresh(BAND_INTERACTIVE, BAND_INTERACTIVE));
    run_queue_push(&queue, fresh(BAND_NORMAL, BAND_NORMAL));
    run_queue_push(&queue, fresh(BAND_BACKGROUND, BAND_BACKGROUND));
    uint64_t used[BAND_COUNT] = {};
    for (uint32_t i = 0; i < 13'000; i++) {
        used[take_turn(&queue, MS)->band]++;
    }
    CHECK(used[BAND_INTERACTIVE] > 7900 && used[BAND_INTERACTIVE] < 8100);
    CHECK(used[BAND_NORMAL] > 3900 && used[BAND_NORMAL] < 4100);
    CHECK(used[BAND_BACKGROUND] > 900 && used[BAND_BACKGROUND] < 1100);
}

// How long `late`, which was away while `busy` ran for a long time, keeps `busy` from the processor.
static uint64_t monopoly_ns(uint32_t busy, uint32_t late, bool busy_sleeps_first) {
    struct run_queue queue;
    run_queue_init(&queue);
    struct thread *old = fresh(0, busy), *new = fresh(1, late);
    run_queue_push(&queue, old);
    for (uint32_t i = 0; i < 100; i++) {
        take_turn(&queue, SECOND);
    }
    CHECK_EQ(run_queue_pop(&queue), old);
    if (busy_sleeps_first) {
        CHECK_EQ(run_queue_pop(&queue), nullptr); // idle
        run_queue_push(&queue, new);
        CHECK_EQ(run_queue_pop(&queue), new);
        run_queue_push(&queue, old); // wakes up
        run_queue_push_front(&queue, new);
    } else {
        run_queue_push(&queue, new); // wakes up
        run_queue_push(&queue, old); // its slice ends
    }
    uint64_t used_ns = 0;
    while (used_ns < 10 * SECOND && take_turn(&queue, MS) == new) {
        used_ns += MS;
    }
    return used_ns;
}

// A band that was away has not saved up time, whether or not the processor was idle when it came back.
TEST(no_band_hoards_time) {
    for (uint32_t busy = 0; busy < BAND_COUNT; busy++) {
        for (uint32_t late = BAND_INTERACTIVE; late < BAND_COUNT; late++) {
            if (busy != late) {
                CHECK(monopoly_ns(busy, late, false) <= 20 * MS);
                CHECK(monopoly_ns(busy, late, true) <= 20 * MS);
            }
        }
    }
}

TEST(a_more_urgent_band_preempts_unless_it_had_more) {
    struct run_queue queue;
    run_queue_init(&queue);
    run_queue_push(&queue, fresh(0, BAND_BACKGROUND));
    CHECK_EQ(run_queue_pop(&queue), &threads[0]);
    run_queue_charge(&queue, BAND_BACKGROUND, 100 * MS);
    run_queue_push(&queue, fresh(1, BAND_INTERACTIVE));
    CHECK(run_queue_should_preempt(&queue, BAND_BACKGROUND));
    CHECK(!run_queue_should_preempt(&queue, BAND_INTERACTIVE));
    CHECK(!run_queue_should_preempt(&queue, BAND_REALTIME));
    run_queue_charge(&queue, BAND_INTERACTIVE, 8 * 200 * MS);
    CHECK(!run_queue_should_preempt(&queue, BAND_BACKGROUND));
}
