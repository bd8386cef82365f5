#include "lib/exec/jobs.h"

#include "base/test.h"

static struct jobs jobs;

static void run(uint32_t first, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        REQUIRE(jobs_add(&jobs, first + i, "hello", 1) != nullptr);
    }
}

TEST(words_mean_jobs) {
    jobs = (struct jobs){};
    const struct job *job = jobs_add(&jobs, 107, "hello", 5);
    REQUIRE(job != nullptr);
    CHECK_STR_EQ(job->name, "hello.107");
    CHECK(jobs_by_name(&jobs, "hello.107", 9) == job);
    CHECK(jobs_by_name(&jobs, "107", 3) == job);
    CHECK(jobs_by_name(&jobs, "hello", 5) == nullptr);
    CHECK(jobs_by_name(&jobs, "hello.1071", 9) == job); // only what it is told of
    CHECK(jobs_by_name(&jobs, "hello.10", 8) == nullptr);
    CHECK(jobs_by_name(&jobs, "", 0) == nullptr);
    CHECK(jobs_by_name(&jobs, "4294967403", 10) == nullptr); // 107 and 2^32
    const struct job *longest = jobs_add(&jobs, UINT32_MAX, "abcdefghijklmnopqrstuvw", 5);
    REQUIRE(longest != nullptr);
    CHECK_STR_EQ(longest->name, "abcdefghijkl.4294967295");
    CHECK_STR_EQ(longest->program, "abcdefghijklmnopqrstuvw");
}

TEST(as_many_run_as_there_are_places) {
    jobs = (struct jobs){};
    run(1, JOBS_MAX);
    CHECK(!jobs_have_room(&jobs));
    CHECK(jobs_add(&jobs, 1000, "hello", 1) == nullptr);
    jobs_ended(&jobs, jobs_by_id(&jobs, 7), 2);
    CHECK(jobs_have_room(&jobs)); // what ended makes room
    CHECK(jobs_by_id(&jobs, 7) != nullptr);
    REQUIRE(jobs_add(&jobs, 1000, "hello", 3) != nullptr);
    CHECK(jobs_by_id(&jobs, 7) == nullptr);
    CHECK(jobs_check(&jobs));
}

TEST(the_last_ones_are_remembered) {
    jobs = (struct jobs){};
    for (uint32_t id = 1; id <= 100; id++) {
        struct job *job = jobs_add(&jobs, id, "hello", id);
        REQUIRE(job != nullptr);
        jobs_ended(&jobs, job, id);
        REQUIRE(jobs_check(&jobs));
    }
    uint32_t seen = 0;
    for (const struct job *job = jobs_from(&jobs, 0); job != nullptr; job = jobs_from(&jobs, job->id + 1)) {
        CHECK_EQ(job->id, 100 - JOBS_KEPT + 1 + seen);
        seen++;
    }
    CHECK_EQ(seen, JOBS_KEPT);
}

TEST(places_are_taken_in_any_order) {
    uint64_t state = 1;
    uint32_t next = 1;
    jobs = (struct jobs){};
    for (uint32_t step = 0; step < 20'000; step++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        struct job *job = &jobs.all[(state >> 33) % JOBS_MAX];
        if (job->state == JOB_RUNNING && (state >> 60) < 9) {
            jobs_ended(&jobs, job, step);
        } else if (job->state == JOB_RUNNING && (state >> 60) == 9) {
            jobs_remove(job);
        } else {
            const bool room = jobs_have_room(&jobs);
            CHECK((jobs_add(&jobs, next++, "hello", step) != nullptr) == room);
        }
        REQUIRE(jobs_check(&jobs));
    }
}
