#include "lib/crash/remains.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/test.h"

static struct remains_box box;
static struct remains in, out;

static void fill(uint64_t seed) {
    memset(&in, (int)(seed & 0x7f), sizeof in);
    in.holder = seed;
    in.handle_count = in.stack_bytes = 0;
}

TEST(the_last_ones_lie_there) {
    box = (struct remains_box){};
    CHECK(!remains_read(&box, 0, &out) && !remains_read(&box, 1, &out));
    for (uint64_t i = 1; i <= 3 * REMAINS_BOXED; i++) {
        fill(i);
        remains_put(&box, &in);
        CHECK_EQ(remains_count(&box), i);
        CHECK(!remains_read(&box, i + 1, &out));
        for (uint64_t j = 1; j <= i; j++) {
            const bool there = remains_read(&box, j, &out);
            CHECK_EQ(there, i - j < REMAINS_BOXED);
            CHECK(!there || out.holder == j);
        }
    }
}

TEST(nothing_in_it_is_believed) {
    box = (struct remains_box){};
    memset(&in, 0xff, sizeof in);
    remains_put(&box, &in);
    REQUIRE(remains_read(&box, 1, &out));
    CHECK_EQ(out.handle_count, REMAINS_HANDLES);
    CHECK_EQ(out.stack_bytes, REMAINS_STACK_BYTES);
    CHECK(memchr(out.name, 0, sizeof out.name) != nullptr && memchr(out.program, 0, sizeof out.program) != nullptr &&
          memchr(out.reason, 0, sizeof out.reason) != nullptr && memchr(out.handles[3].name, 0, NAME_BYTES) != nullptr);
}

static atomic_bool over;

static void *write_many(void *) {
    for (uint64_t i = 1; i <= 20'000; i++) {
        fill(i);
        remains_put(&box, &in);
    }
    atomic_store(&over, true);
    return nullptr;
}

// What is read while it is overwritten is one entry whole, or none.
TEST(nobody_reads_half_of_one) {
    static struct remains seen;
    pthread_t writer;
    uint64_t reads = 0, torn = 0;
    box = (struct remains_box){};
    atomic_store(&over, false);
    REQUIRE(pthread_create(&writer, nullptr, write_many, nullptr) == 0);
    do {
        const uint64_t number = remains_count(&box);
        if (remains_read(&box, number, &seen)) {
            reads++;
            torn += seen.holder != number || seen.stack[0] != (number & 0x7f) || memcmp(seen.stack, seen.stack + 1, REMAINS_STACK_BYTES - 1) != 0;
        }
    } while (!atomic_load(&over));
    pthread_join(writer, nullptr);
    CHECK_EQ(torn, 0);
    REQUIRE(remains_read(&box, remains_count(&box), &seen)); // at rest the last one is there
    CHECK_EQ(seen.holder, 20'000);
    CHECK(reads > 0 || remains_count(&box) == 20'000);
}
