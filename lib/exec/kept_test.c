#include "lib/exec/kept.h"

#include "abi/message.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/test.h"

static struct jobs jobs, successor;
static struct kept_jobs kept;

static struct job *start(uint32_t id) {
    struct job *job = jobs_add(&jobs, id, "hello", id * 10);
    CHECK(job != nullptr);
    kept_put(&kept, &jobs, job);
    return job;
}

static void end(struct job *job, uint64_t now_ns) {
    job->exit_kind = EXIT_NORMAL;
    (void)str_copy(job->reason, sizeof(job->reason), "returned 0");
    jobs_ended(&jobs, job, now_ns);
    kept_put(&kept, &jobs, job);
}

static size_t next_process(void) {
    successor = (struct jobs){};
    const size_t ran = kept_load(&kept, &successor, "ended with execd", 1000);
    CHECK(jobs_check(&successor));
    return ran;
}

static void begin(void) {
    jobs = (struct jobs){};
    kept = (struct kept_jobs){};
}

TEST(nothing_is_left_at_first) {
    begin();
    CHECK_EQ(next_process(), 0);
    CHECK(jobs_from(&successor, 0) == nullptr);
}

TEST(a_successor_knows_what_ran_and_what_had_ended) {
    begin();
    struct job *first = start(7);
    (void)start(8);
    end(first, 90);
    CHECK_EQ(next_process(), 1);
    const struct job *ended = jobs_by_id(&successor, 7), *ran = jobs_by_id(&successor, 8);
    REQUIRE(ended != nullptr && ran != nullptr);
    CHECK(ended->state == JOB_ENDED && ended->exit_kind == EXIT_NORMAL && ended->ended_ns == 90);
    CHECK_STR_EQ(ended->reason, "returned 0");
    CHECK(ran->state == JOB_ENDED && ran->exit_kind == EXIT_KILLED && ran->ended_ns == 1000);
    CHECK_STR_EQ(ran->reason, "ended with execd");
    CHECK_EQ(next_process(), 0); // and the one after that knows it, too
    CHECK_STR_EQ(jobs_by_id(&successor, 8)->reason, "ended with execd");
}

TEST(of_many_the_last_are_remembered) {
    begin();
    for (uint32_t id = 1; id <= JOBS_MAX; id++) {
        (void)start(id);
    }
    CHECK_EQ(next_process(), JOBS_MAX);
    size_t count = 0;
    for (const struct job *job = jobs_from(&successor, 0); job != nullptr; job = jobs_from(&successor, job->id + 1)) {
        count++;
    }
    CHECK_EQ(count, JOBS_KEPT);
    CHECK_EQ(next_process(), 0);
}

// Whatever bit of a place is not as it was written: that job is not known, and the others are.
TEST(a_damaged_place_is_dropped) {
    begin();
    (void)start(7);
    (void)start(8);
    const struct kept_jobs whole = kept;
    for (size_t bit = 0; bit < sizeof(struct kept_job) * 8; bit += 13) {
        kept = whole;
        ((uint8_t *)&kept.places[0])[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK_EQ(next_process(), 1);
        CHECK(jobs_by_id(&successor, 7) == nullptr && jobs_by_id(&successor, 8) != nullptr);
    }
    memset(&kept, 0xff, sizeof(kept));
    CHECK_EQ(next_process(), 0);
}

TEST(what_never_ran_is_not_kept) {
    begin();
    struct job *job = start(7);
    jobs_remove(job);
    kept_put(&kept, &jobs, job);
    CHECK_EQ(next_process(), 0);
    CHECK(jobs_from(&successor, 0) == nullptr);
}
