#define _GNU_SOURCE // MAP_ANONYMOUS
#include "base/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/journal/fields.h"
#include "lib/journal/filter.h"
#include "lib/journal/journal.h"

enum { UNITS = 64, SIZE = sizeof(struct journal) + UNITS * (JOURNAL_UNIT_BYTES + 2) };
alignas(8) static uint8_t memory[SIZE];
static struct journal *journal;

static void setup(void) {
    journal = journal_create(memory, SIZE);
    REQUIRE(journal_check(journal, SIZE));
}

static bool good(void) {
    return journal_check(journal, SIZE);
}

static uint64_t append(uint64_t holder, uint64_t time_ns, uint8_t level, const char *text) {
    const struct journal_content content = {.level = level, .text = text, .text_bytes = strlen(text)};
    return journal_append(journal, journal_source(journal, holder), time_ns, &content);
}

static void name(uint64_t holder, const char *text) {
    (void)snprintf(journal_source(journal, holder)->name, JOURNAL_NAME_BYTES, "%s", text);
}

static struct journal_run run(const char *text) {
    return (struct journal_run){text, strlen(text)};
}

static char body[JOURNAL_BODY_MAX + 1];

static const char *text_of(uint16_t at) {
    const struct journal_record *record = journal_at(journal, at);
    journal_body(journal, at, body);
    body[record->domain_bytes + record->text_bytes] = '\0';
    return body + record->domain_bytes;
}

static unsigned count(struct journal_filter filter) {
    unsigned found = 0;
    filter.to_ns = filter.to_ns == 0 ? UINT64_MAX : filter.to_ns;
    for (uint16_t at = journal->first; at != JOURNAL_NONE; at = journal_at(journal, at)->newer) {
        found += journal_matches(journal, at, &filter, body);
    }
    return found;
}

TEST(an_empty_journal) {
    setup();
    CHECK_EQ(journal->units, UNITS);
    CHECK_EQ(journal_first(journal), 0);
    CHECK_EQ(journal_last(journal), 0);
    CHECK_EQ(journal_after(journal, 0), JOURNAL_NONE);
    CHECK_EQ(journal_lost(journal, 0, 0), 0);
    CHECK_EQ(journal_used(journal), 0);
}

TEST(records_come_back_in_order) {
    setup();
    CHECK_EQ(append(1, 100, 1, "first"), 1);
    CHECK_EQ(append(2, 200, 3, "second"), 2);
    CHECK_EQ(append(1, 300, 2, ""), 3);
    uint16_t at = journal_after(journal, 0);
    CHECK_STR_EQ(text_of(at), "first");
    CHECK_EQ(journal_at(journal, at)->time_ns, 100);
    at = journal_after(journal, 1);
    CHECK_STR_EQ(text_of(at), "second");
    at = journal_at(journal, at)->newer;
    CHECK_STR_EQ(text_of(at), "");
    CHECK_EQ(journal_at(journal, at)->newer, JOURNAL_NONE);
    CHECK_EQ(journal_after(journal, 3), JOURNAL_NONE);
    CHECK(good());
}

TEST(filters) {
    setup();
    name(1, "odd");
    name(2, "even");
    uint8_t fields[64];
    for (unsigned i = 0; i < 20; i++) {
        char text[16];
        size_t used = 0;
        const struct journal_field field = {.name = "number", .name_bytes = 6, .integer = i};
        CHECK(journal_fields_add(fields, sizeof(fields), &used, &field));
        const int len = snprintf(text, sizeof(text), "text %u.", i);
        const struct journal_content content = {.level = (uint8_t)(i % 4), .kind = i == 7, .cause = i / 10, .domain = "net.tcp",
                                                .domain_bytes = i < 5 ? 7 : 3, .text = text, .text_bytes = (size_t)len,
                                                .fields = fields, .fields_bytes = i % 3 == 0 ? used : 0};
        (void)journal_append(journal, journal_source(journal, i % 2 ? 1 : 2), 100 + i, &content);
    }
    CHECK(good());
    CHECK_EQ(count((struct journal_filter){.level = 255}), 20);
    CHECK_EQ(count((struct journal_filter){.level = 0}), 5);
    CHECK_EQ(count((struct journal_filter){.level = 255, .source = run("odd")}), 10);
    CHECK_EQ(count((struct journal_filter){.level = 1, .source = run("odd")}), 5);
    CHECK_EQ(count((struct journal_filter){.level = 255, .source = run("nobody")}), 0);
    CHECK_EQ(count((struct journal_filter){.level = 255, .domain = run("net")}), 15);
    CHECK_EQ(count((struct journal_filter){.level = 255, .domain = run("net.tcp")}), 5);
    CHECK_EQ(count((struct journal_filter){.level = 255, .cause = 1}), 10);
    CHECK_EQ(count((struct journal_filter){.level = 255, .from_ns = 105, .to_ns = 106}), 2);
    CHECK_EQ(count((struct journal_filter){.level = 255, .contains = run("t 1")}), 11);
    CHECK_EQ(count((struct journal_filter){.level = 255, .contains = run("9.")}), 2);
    CHECK_EQ(count((struct journal_filter){.level = 255, .contains = run("text 19. and more")}), 0);
    CHECK_EQ(count((struct journal_filter){.level = 255, .field = run("number")}), 7);
    CHECK_EQ(count((struct journal_filter){.level = 255, .field = run("number=12")}), 1);
    CHECK_EQ(count((struct journal_filter){.level = 255, .kinds = 1u << 1}), 1);
    CHECK_EQ(count((struct journal_filter){.level = 255, .kinds = 1u << 1 | 1u << 3}), 1);
    CHECK_EQ(count((struct journal_filter){.level = 255, .kinds = 1u << 3}), 0);
    CHECK_EQ(count((struct journal_filter){.level = 255, .source = run("even"), .contains = run("1"), .field = run("number")}), 2);
}

TEST(the_oldest_make_room_and_are_counted) {
    setup();
    char text[64];
    for (unsigned i = 1; i <= 1000; i++) {
        snprintf(text, sizeof(text), "record %u%.*s", i, (int)(i % 17), "ppppppppppppppppp");
        CHECK_EQ(append(1, i, 0, text), i);
        REQUIRE(good());
    }
    CHECK_EQ(journal->dropped + journal->records, 1000);
    CHECK_EQ(journal_last(journal), 1000);
    CHECK_EQ(journal_first(journal), journal->dropped + 1);
    CHECK_STR_EQ(text_of(journal->last), text);
    CHECK_EQ(journal_lost(journal, 0, 1000), journal->dropped);
    CHECK_EQ(journal_lost(journal, journal->dropped, 1000), 0);
    CHECK_EQ(journal_lost(journal, journal->dropped - 3, 1000), 3);
    CHECK_EQ(journal_lost(journal, 10, 20), 10);
}

TEST(a_flood_pushes_out_itself) {
    setup();
    for (unsigned i = 0; i < 20; i++) {
        (void)append(1, i, 0, "what matters");
        (void)append(2, i, 0, "and this");
    }
    for (unsigned i = 0; i < 5000; i++) {
        (void)append(3, i, 3, "one of very many");
        REQUIRE(good());
    }
    CHECK_EQ(journal_source(journal, 1)->records, 20);
    CHECK_EQ(journal_source(journal, 2)->records, 20);
    CHECK_EQ(journal_source(journal, 3)->records, UNITS - 40);
    CHECK_EQ(journal_source(journal, 3)->dropped, 5000 - (UNITS - 40));
    CHECK_EQ(journal_lost(journal, 0, UINT64_MAX) > 0, true);
    CHECK_EQ(journal_lost(journal, 0, journal->appended), journal->dropped);
}

TEST(floods_share_equally) {
    setup();
    for (unsigned i = 0; i < 4000; i++) {
        (void)append(1 + i % 4, i, 0, "a record of one unit");
    }
    for (uint64_t holder = 1; holder <= 4; holder++) {
        const uint64_t records = journal_source(journal, holder)->records;
        CHECK(records >= UNITS / 4 - 1 && records <= UNITS / 4 + 1);
    }
    CHECK(good());
}

TEST(overlong_things_are_cut) {
    setup();
    static char text[JOURNAL_TEXT_MAX * 2];
    static uint8_t fields[JOURNAL_FIELDS_MAX + 1];
    memset(text, 't', sizeof(text));
    const struct journal_content content = {.domain = text, .domain_bytes = sizeof(text), .text = text, .text_bytes = sizeof(text),
                                            .fields = fields, .fields_bytes = sizeof(fields)};
    for (unsigned i = 0; i < 50; i++) {
        (void)journal_append(journal, journal_source(journal, 1), 0, &content);
        REQUIRE(good());
    }
    const struct journal_record *record = journal_at(journal, journal->last);
    CHECK_EQ(record->text_bytes, JOURNAL_TEXT_MAX);
    CHECK_EQ(record->domain_bytes, JOURNAL_DOMAIN_MAX);
    CHECK_EQ(record->fields_bytes, 0);
    CHECK_EQ(strlen(text_of(journal->last)), JOURNAL_TEXT_MAX);
}

TEST(the_source_silent_for_longest_makes_room) {
    setup();
    for (uint64_t holder = 1; holder <= 20; holder++) {
        char text[JOURNAL_NAME_BYTES];
        (void)snprintf(text, sizeof(text), "holder-%u", (unsigned)holder);
        name(holder, text);
        (void)append(holder, 0, 0, "x");
    }
    for (uint64_t holder = 1001; holder <= 1000 + JOURNAL_SOURCES * 3; holder++) {
        (void)journal_source(journal, holder); // says nothing: goes before those that did
    }
    CHECK_EQ(journal->records, 20);
    CHECK_EQ(count((struct journal_filter){.level = 255, .source = run("holder-1")}), 1);
    for (uint64_t holder = 2001; holder <= 2000 + JOURNAL_SOURCES - 19; holder++) {
        (void)append(holder, 0, 0, "y");
        REQUIRE(good());
    }
    CHECK_EQ(journal_source(journal, 2)->records > 0 && journal_source(journal, 20)->records > 0, true);
    CHECK_EQ(count((struct journal_filter){.level = 255, .source = run("holder-1")}), 0);
}

// The block lies elsewhere, and goes on.
TEST(it_can_be_moved) {
    setup();
    for (unsigned i = 0; i < 300; i++) {
        (void)append(1 + i % 3, i, 0, "some text that is longer than one unit has room for");
    }
    void *elsewhere = aligned_alloc(64, (SIZE + 63) / 64 * 64);
    memcpy(elsewhere, memory, SIZE);
    memset(memory, 0xdb, SIZE);
    CHECK(journal_adopt(elsewhere, SIZE - JOURNAL_UNIT_BYTES) == nullptr);
    journal = journal_adopt(elsewhere, SIZE);
    REQUIRE(journal != nullptr);
    CHECK_EQ(append(2, 300, 0, "and on"), 301);
    CHECK_STR_EQ(text_of(journal->last), "and on");
    CHECK(good());
    free(elsewhere);
}

// Whatever is handed over: the checker ends, and looks nowhere else.
TEST(damage_is_found) {
    uint8_t *copy = malloc(SIZE); // of its own, so that the sanitizer sees a step beyond
    uint64_t random = 11;
    unsigned refused = 0;
    for (unsigned round = 0; round < 20'000; round++) {
        setup();
        for (unsigned i = 0; i < 80; i++) {
            (void)append(1 + i % 3, i, 0, i % 5 == 0 ? "some text that is longer than one unit has room for" : "short");
        }
        memcpy(copy, memory, SIZE);
        for (unsigned i = 0; i <= round % 4; i++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            copy[(random >> 20) % SIZE] = (uint8_t)(random >> 56);
        }
        const bool sound = journal_check((struct journal *)copy, SIZE);
        const bool adopted = journal_adopt(copy, SIZE) != nullptr;
        CHECK(adopted || !sound);
        CHECK(!adopted || journal_check((struct journal *)copy, SIZE)); // what could be mended was
        refused += !adopted;
    }
    CHECK(refused > 500);
    free(copy);
}

TEST(random_appends_keep_the_invariants) {
    setup();
    static char text[JOURNAL_TEXT_MAX + 1];
    uint64_t random = 7;
    for (unsigned i = 0; i < 20000; i++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        const size_t len = (random >> 33) % ((random >> 50) % 8 == 0 ? JOURNAL_TEXT_MAX : 100);
        memset(text, (int)('a' + i % 26), len);
        text[len] = '\0';
        (void)append((random >> 25) % ((random >> 55) % 8 == 0 ? 200 : 5), i, 0, text);
        REQUIRE(good());
        CHECK_STR_EQ(text_of(journal->last), text);
    }
}

// ---- killed at every instruction ----

// What a successor finds: all that was answered for, in order, and perhaps the one record that was just coming. Those that had to go for
// it may have gone.
static void check_successor(const uint8_t *left, uint64_t answered, uint32_t records, const char *text) {
    alignas(8) static uint8_t copy[SIZE];
    memcpy(copy, left, SIZE);
    const struct journal *found = journal_adopt(copy, SIZE);
    REQUIRE(found != nullptr);
    CHECK(journal_check(found, SIZE));
    CHECK(journal_last(found) == answered || journal_last(found) == answered + 1);
    CHECK_EQ(journal_last(found), found->appended); // no number is passed over
    CHECK(found->records <= records + 1 && found->records + 3 >= records);
    journal = (struct journal *)copy;
    if (journal_last(found) > answered) {
        CHECK_STR_EQ(text_of(found->last), text); // all of it
    }
    CHECK_EQ(append(2, 1000, 0, "and on"), found->appended);
    CHECK(journal_check(found, SIZE));
}

static void step_through(uint8_t *shared, unsigned long holder, const char *text) {
    static uint8_t seen[SIZE];
    const uint64_t answered = journal_last((struct journal *)shared);
    const uint32_t records = ((struct journal *)shared)->records;
    size_t changes = 0;
    int status;
    memcpy(seen, shared, SIZE);
    const pid_t child = fork();
    if (child == 0) {
        journal = (struct journal *)shared;
        (void)ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        (void)raise(SIGSTOP);
        (void)append(holder, 7, 0, text);
        _exit(0);
    }
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    while (WIFSTOPPED(status)) {
        REQUIRE(ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) == 0);
        REQUIRE(waitpid(child, &status, 0) == child);
        if (memcmp(seen, shared, SIZE) != 0) {
            memcpy(seen, shared, SIZE);
            check_successor(seen, answered, records, text);
            changes++;
        }
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_EQ(journal_last((struct journal *)shared), answered + 1);
    CHECK(changes > 10);
}

TEST(killed_at_any_instruction_it_loses_nothing_that_was_answered_for) {
    uint8_t *shared = mmap(nullptr, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(shared != MAP_FAILED);
    journal = journal_create(shared, SIZE);
    step_through(shared, 1, "the first");
    step_through(shared, 2, "of another, and longer than one unit has room for, so that it takes several of them");
    for (unsigned i = 0; i < 300; i++) {
        (void)append(1 + i % 3, i, 0, "some text that is longer than one unit has room for");
    }
    step_through(shared, 1, "what makes others go, for it is longer than each of them, and so it goes on and on and on and on and on and on");
    step_through(shared, 9, "a new source");
    (void)munmap(shared, SIZE);
    setup();
}
