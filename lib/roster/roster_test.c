#include "lib/roster/roster.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/fmt.h"
#include "base/str.h"
#include "base/test.h"

static struct roster roster;
static char name[NAME_BYTES];

static void setup(void) {
    memset(&roster, 0, sizeof(roster));
}

TEST(holders_have_names) {
    setup();
    CHECK_STR_EQ(roster_name(&roster, 7, name), "holder-7");
    CHECK_STR_EQ(roster_name(&roster, 0, name), "holder-0");
    CHECK(strnlen(roster_name(&roster, ROSTER_LEFT, name), NAME_BYTES) < NAME_BYTES);
    CHECK(roster_put(&roster, 7, "shell"));
    CHECK(roster_put(&roster, 7 + ROSTER_ENTRIES, "other"));
    CHECK_STR_EQ(roster_name(&roster, 7, name), "shell");
    CHECK(roster_has(&roster, 7) && !roster_has(&roster, 8) && !roster_has(&roster, 0) && !roster_has(&roster, ROSTER_LEFT));
    CHECK_MEM_EQ(name, "shell\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NAME_BYTES);
    CHECK(roster_put(&roster, 7, "twenty-four-bytes-longer"));
    CHECK_STR_EQ(roster_name(&roster, 7, name), "twenty-four-bytes-longe");
    roster_remove(&roster, 7);
    roster_remove(&roster, 8);
    CHECK(!roster_has(&roster, 7) && roster_has(&roster, 7 + ROSTER_ENTRIES));
    CHECK_STR_EQ(roster_name(&roster, 7, name), "holder-7");
    CHECK_STR_EQ(roster_name(&roster, 7 + ROSTER_ENTRIES, name), "other"); // found behind the gap
    CHECK(roster_put(&roster, 7 + ROSTER_ENTRIES, "renamed"));             // in its place, not in the gap
    roster_remove(&roster, 7 + ROSTER_ENTRIES);
    CHECK_STR_EQ(roster_name(&roster, 7 + ROSTER_ENTRIES, name), "holder-263");
}

TEST(a_full_roster_refuses_and_places_come_free) {
    setup();
    for (uint64_t i = 1; i <= ROSTER_ENTRIES; i++) {
        CHECK(roster_put(&roster, i * 3, "some"));
    }
    CHECK(!roster_put(&roster, 1, "one too many"));
    CHECK(roster_put(&roster, 3, "again"));
    CHECK_STR_EQ(roster_name(&roster, 1, name), "holder-1");
    for (uint64_t next = 10'000; next < 12'000; next++) { // as jobs come and go
        roster_remove(&roster, next < 10'000 + ROSTER_ENTRIES ? (next - 9'999) * 3 : next - ROSTER_ENTRIES);
        char expected[NAME_BYTES];
        fmt_snprintf(expected, sizeof(expected), "job.%lu", next);
        REQUIRE(roster_put(&roster, next, expected));
        CHECK_STR_EQ(roster_name(&roster, next, name), expected);
    }
}

TEST(whatever_the_pages_hold_is_bounded) {
    memset(&roster, 'x', sizeof(roster));
    uint64_t holder;
    memset(&holder, 'x', sizeof(holder));
    CHECK_EQ(strnlen(roster_name(&roster, holder, name), NAME_BYTES), NAME_BYTES - 1);
}

// ---- readers at the same time ----

constexpr uint64_t HOLDERS = 64, ROUNDS = 20'000;
static atomic_bool over;

// Each holder's name is its number, three times: what is put together from two names is none.
static void spell(uint64_t holder, char text[NAME_BYTES]) {
    memset(text, 0, NAME_BYTES);
    for (size_t i = 0; i < 3; i++) {
        fmt_snprintf(text + 7 * i, NAME_BYTES - 7 * i, "%07lu", holder);
    }
}

static void *read_names(void *wrong) {
    for (uint64_t holder = 1; !atomic_load(&over); holder = holder % (ROUNDS + HOLDERS) + 1) {
        char found[NAME_BYTES], expected[NAME_BYTES], missing[NAME_BYTES] = {};
        spell(holder, expected);
        fmt_snprintf(missing, sizeof(missing), "holder-%lu", holder);
        roster_name(&roster, holder, found);
        if (!str_equal(found, expected) && !str_equal(found, missing)) {
            atomic_fetch_add((atomic_uint *)wrong, 1);
        }
    }
    return nullptr;
}

TEST(a_reader_never_sees_half_a_name) {
    setup();
    atomic_uint wrong = 0;
    pthread_t reader;
    REQUIRE(pthread_create(&reader, nullptr, read_names, &wrong) == 0);
    for (uint64_t holder = 1; holder <= ROUNDS; holder++) {
        char text[NAME_BYTES];
        spell(holder, text);
        REQUIRE(roster_put(&roster, holder, text));
        if (holder > HOLDERS) {
            roster_remove(&roster, holder - HOLDERS);
        }
    }
    atomic_store(&over, true);
    pthread_join(reader, nullptr);
    CHECK_EQ(atomic_load(&wrong), 0);
}
