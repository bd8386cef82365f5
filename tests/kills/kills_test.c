// Services are killed and replaced at random while clients use all of them, and killed while they are replaced: nothing that may be asked twice goes unanswered, no answer is
// wrong, nothing is left behind. The command line says how many kills ("kills="), and from which seed ("seed=").
#include "base/mem.h"
#include "base/str.h"
#include "idl/supervisor.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/heap.h"
#include "lib/tess/thread.h"
#include "tests/abi/suite.h"
#include "tests/kills/load.h"

constexpr uint32_t CLIENTS = CLIENT_NUMBERS - 1; // and the thread that kills
constexpr uint32_t VICTIMS_MAX = 32;
constexpr uint32_t LOADS_MAX = 64;
constexpr uint64_t PAUSE_MAX_US = 2'000; // between two kills
constexpr uint64_t RUNNING_MS = 60'000; // what has not come by then never does

struct asker {
    struct client client;
    struct tess_thread *thread;
    uint64_t answers[LOADS_MAX][ANSWER_KINDS];
    status_t last_lost;
};

static struct asker askers[CLIENTS];
static bool stop;
static struct supervisor_control supervisor;
static handle_t never; // a notification that nobody signals

static struct victim {
    char name[24];
    uint64_t kills, replacements;
    bool cannot_be_replaced; // it has a device
} victims[VICTIMS_MAX];
static uint32_t victim_count;
static bool replacing;
static uint64_t undone; // replacements: somebody was killed meanwhile

static uint64_t option(const char *name, uint64_t otherwise) {
    const char *at = suite.argument;
    for (; *at != '\0' && strncmp(at, name, strlen(name)) != 0; at++) {
    }
    uint64_t value = 0;
    size_t digits = 0;
    at += *at != '\0' ? strlen(name) : 0;
    while (at[digits] >= '0' && at[digits] <= '9') {
        digits++;
    }
    return digits > 0 && str_parse_u64(at, digits, &value) ? value : otherwise;
}

// ---- clients ----

static void ask(struct asker *asker, uint32_t load) {
    const enum answer answer = loads[load].ask(&asker->client);
    asker->answers[load][answer]++;
    asker->last_lost = answer == ANSWER_RIGHT ? asker->last_lost : asker->client.status;
}

static void keep_asking(void *argument) {
    struct asker *asker = argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        ask(asker, (uint32_t)any(&asker->client.state, load_count));
    }
}

static bool start_clients(uint64_t seed) {
    __atomic_store_n(&stop, false, __ATOMIC_RELEASE);
    const struct tess_thread_options options = {.band = BAND_NORMAL}; // below who kills, so that the time is the service's
    for (uint32_t i = 0; i < CLIENTS; i++) {
        askers[i] = (struct asker){.client.number = i, .client.state = (seed + i + 1) * 0x9e37'79b9'7f4a'7c15 | 1};
        if (!suite_check_status(tess_thread_create(keep_asking, &askers[i], &options, &askers[i].thread), STATUS_OK, "thread",
                                __FILE__, __LINE__)) {
            return false;
        }
    }
    return true;
}

static void stop_clients(void) {
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        EXPECT_OK(tess_thread_join(askers[i].thread, suite_after_ms(RUNNING_MS)));
    }
}

// The load and the message, as it came: chance does not bring the same again soon.
static void report_wrong(uint32_t number, const struct asker *asker) {
    const uint64_t *words = asker->client.wrong.words;
    for (uint32_t load = 0; load < load_count; load++) {
        if (asker->answers[load][ANSWER_WRONG] > 0) {
            report_line("note kills: client %u, %s: info %lx, words %lx %lx %lx %lx %lx %lx %lx %lx", number, loads[load].what,
                        asker->client.wrong.info, words[0], words[1], words[2], words[3], words[4], words[5], words[6], words[7]);
        }
    }
}

// What all of them were answered. Each load is right at least once, and only what may be is disconnected.
static void judge_answers(void) {
    for (uint32_t load = 0; load < load_count; load++) {
        uint64_t sum[ANSWER_KINDS] = {};
        for (uint32_t i = 0; i < CLIENTS; i++) {
            for (uint32_t kind = 0; kind < ANSWER_KINDS; kind++) {
                sum[kind] += askers[i].answers[load][kind];
            }
        }
        report_line("note kills: %s: %lu right, %lu wrong, %lu disconnected, %lu lost", loads[load].what, sum[ANSWER_RIGHT],
                    sum[ANSWER_WRONG], sum[ANSWER_DISCONNECTED], sum[ANSWER_LOST]);
        (void)suite_check(sum[ANSWER_RIGHT] > 0, loads[load].what, __FILE__, __LINE__);
        (void)suite_check_eq(sum[ANSWER_WRONG], 0, loads[load].what, __FILE__, __LINE__);
        (void)suite_check_eq(sum[ANSWER_LOST], 0, loads[load].what, __FILE__, __LINE__);
        (void)suite_check(sum[ANSWER_DISCONNECTED] == 0 || loads[load].once, loads[load].what, __FILE__, __LINE__);
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        if (!status_ok(askers[i].last_lost)) {
            report_line("note kills: the last call of client %u that failed: status %u", i, askers[i].last_lost.code);
        }
        report_wrong(i, &askers[i]);
    }
}

// ---- services ----

static bool has_load(const char *service) {
    for (uint32_t i = 0; i < load_count; i++) {
        if (str_equal(loads[i].service, service)) {
            return true;
        }
    }
    return suite_check(false, service, __FILE__, __LINE__); // nobody asks it: load.c lacks it
}

// Every service but this one. False when one of them does not run; `known` afterwards: it is no new one.
static bool look_at_services(bool known) {
    RPC_CALL(call);
    struct supervisor_services_results results;
    bool all = true;
    for (uint32_t first = 0, total = 1; first < total;) {
        if (!suite_check_status(supervisor_call_services((struct supervisor){supervisor.handle}, &call, first, rpc_patience(), &results),
                                STATUS_OK, "services", __FILE__, __LINE__)) {
            return false;
        }
        const struct supervisor_service_list list = supervisor_services_results_get_services(results);
        total = supervisor_services_results_get_total(results);
        for (uint32_t i = 0; i < supervisor_service_list_count(list); i++, first++) {
            const struct supervisor_service service = supervisor_service_list_get(list, i);
            const char *name = supervisor_service_get_name(service).bytes;
            all = all && supervisor_service_get_state(service) == SUPERVISOR_RUN_STATE_RUNNING;
            if (!known && !str_equal(name, "kill_suite") && victim_count < VICTIMS_MAX && has_load(name)) {
                struct victim *victim = &victims[victim_count++];
                *victim = (struct victim){};
                (void)str_copy(victim->name, sizeof victim->name, name);
            }
        }
    }
    return all;
}

static void pause_us(uint64_t us) {
    uint64_t bits;
    (void)tess_wait(never, &bits, tess_deadline_after_ns(us * 1000)).code;
}

// False when it was not running.
static bool kill(struct victim *victim) {
    RPC_CALL(call);
    struct supervisor_control_kill_results results;
    const status_t status = supervisor_control_call_kill(supervisor, &call, capnp_text(victim->name), rpc_patience(), &results);
    if (!suite_check_status(status, STATUS_OK, victim->name, __FILE__, __LINE__)) {
        return false;
    }
    const enum supervisor_control_outcome outcome = supervisor_control_kill_results_get_outcome(results);
    const bool done = outcome == SUPERVISOR_CONTROL_OUTCOME_DONE;
    (void)suite_check(done || outcome == SUPERVISOR_CONTROL_OUTCOME_BAD_STATE, victim->name, __FILE__, __LINE__);
    victim->kills += done;
    return done;
}

// ---- replacements ----

// What became of the one that was begun last; false: it goes on.
static bool is_over(const char **service, bool *done, bool *by_kill) {
    RPC_CALL(call);
    static char name[24];
    struct supervisor_replacement_results results;
    if (!suite_check_status(supervisor_call_replacement((struct supervisor){supervisor.handle}, &call, rpc_patience(), &results), STATUS_OK,
                            "replacement", __FILE__, __LINE__)) {
        return false;
    }
    const struct supervisor_replacement last = supervisor_replacement_results_get_replacement(results);
    const enum supervisor_replace_step step = supervisor_replacement_get_step(last);
    const struct capnp_text reason = supervisor_replacement_get_reason(last), who = supervisor_replacement_get_service(last);
    *done = step == SUPERVISOR_REPLACE_STEP_DONE;
    *by_kill = strncmp(reason.bytes, "the process that served ended meanwhile", 39) == 0;
    if (step == SUPERVISOR_REPLACE_STEP_FAILED && !*by_kill) {
        report_line("note kills: %s: %s", who.bytes, reason.bytes);
    }
    (void)str_copy_bytes(name, sizeof name, who.bytes, who.len);
    *service = name;
    return *done || step == SUPERVISOR_REPLACE_STEP_FAILED;
}

// Counts what became of it, once.
static void settle_replacement(void) {
    static const char *service;
    bool done, by_kill;
    if (!replacing || !is_over(&service, &done, &by_kill)) {
        return;
    }
    replacing = false;
    undone += !done;
    EXPECT(done || by_kill); // nothing else keeps it from being done
    for (uint32_t i = 0; done && i < victim_count; i++) {
        victims[i].replacements += str_equal(victims[i].name, service);
    }
}

// Begins it; nobody waits for that, so that either process may be in the way of what comes next.
static void begin_to_replace(struct victim *victim) {
    RPC_CALL(call);
    struct supervisor_control_replace_results results;
    settle_replacement();
    if (replacing || victim->cannot_be_replaced ||
        !suite_check_status(supervisor_control_call_replace(supervisor, &call, capnp_text(victim->name), CAPNP_TEXT(""), true, (struct notification){}, 0,
                                                            rpc_patience(), &results),
                            STATUS_OK, victim->name, __FILE__, __LINE__)) {
        return;
    }
    const enum supervisor_control_outcome outcome = supervisor_control_replace_results_get_outcome(results);
    replacing = outcome == SUPERVISOR_CONTROL_OUTCOME_DONE;
    const char *after = supervisor_control_replace_results_get_reason(results).bytes;
    after += strncmp(after, victim->name, strlen(victim->name)) == 0 ? strlen(victim->name) : 0;
    victim->cannot_be_replaced = strncmp(after, " cannot be replaced", 19) == 0; // it has a device
    (void)suite_check(replacing || outcome == SUPERVISOR_CONTROL_OUTCOME_BAD_STATE, victim->name, __FILE__, __LINE__);
}

static void finish_replacing(void) {
    for (const uint64_t end_ns = suite_after_ms(RUNNING_MS); replacing && suite_now_ns() < end_ns;) {
        pause_us(1'000);
        settle_replacement();
    }
    EXPECT(!replacing);
}

// Asks a service what may be asked twice, as long as it takes.
static void ask_service(struct asker *asker, const char *service) {
    for (uint32_t i = 0; i < load_count; i++) {
        if (str_equal(loads[i].service, service) && !loads[i].once) {
            ask(asker, i);
            (void)suite_check(asker->answers[i][ANSWER_RIGHT] == 1, loads[i].what, __FILE__, __LINE__);
            asker->answers[i][ANSWER_RIGHT] = 0;
            return;
        }
    }
}

// Each service once, and until it answers: whatever it keeps is as it is after a start.
static void renew_all(struct asker *asker) {
    kept_reset();
    for (uint32_t i = 0; i < victim_count; i++) {
        EXPECT(kill(&victims[i]));
        ask_service(asker, victims[i].name);
        victims[i].kills = 0;
    }
    const uint64_t end_ns = suite_after_ms(RUNNING_MS);
    while (!look_at_services(true) && suite_now_ns() < end_ns) {
        pause_us(1'000);
    }
    EXPECT(look_at_services(true));
    pause_us(20'000); // init tells them what they must know
}

// ---- the campaign ----

static void sift(uint64_t *times, uint64_t at, uint64_t count) {
    for (;;) {
        uint64_t child = 2 * at + 1;
        if (child >= count) {
            return;
        }
        child += child + 1 < count && times[child + 1] > times[child];
        if (times[at] >= times[child]) {
            return;
        }
        const uint64_t swapped = times[at];
        times[at] = times[child];
        times[child] = swapped;
        at = child;
    }
}

static void sort(uint64_t *times, uint64_t count) {
    for (uint64_t i = count / 2; i-- > 0;) {
        sift(times, i, count);
    }
    for (uint64_t end = count; end-- > 1;) {
        const uint64_t largest = times[0];
        times[0] = times[end];
        times[end] = largest;
        sift(times, 0, end);
    }
}

// From the kill to the first answer of the successor, in ns; so many of them, sorted.
static void campaign(uint64_t seed, uint64_t kills, uint64_t *times) {
    static struct asker asker;
    asker = (struct asker){.client.number = CLIENTS, .client.state = seed * 0x9e37'79b9'7f4a'7c15 | 1};
    for (uint64_t done = 0; done < kills;) {
        struct victim *victim = &victims[any(&asker.client.state, victim_count)], *replaced = &victims[any(&asker.client.state, victim_count)];
        begin_to_replace(replaced);
        victim = replacing && any(&asker.client.state, 4) == 0 ? replaced : victim; // at any step of that
        pause_us(any(&asker.client.state, PAUSE_MAX_US));
        const uint64_t start_ns = suite_now_ns();
        if (kill(victim)) {
            ask_service(&asker, victim->name);
            times[done++] = suite_now_ns() - start_ns;
        }
        if (done % 256 == 0) {
            report_line("start services_are_killed_at_random"); // still alive
        }
    }
    finish_replacing();
    sort(times, kills);
}

static void report(const uint64_t *times, uint64_t kills) {
    uint64_t replaced = 0;
    report_line("note kills: %lu kills of %u services, under %u clients", kills, victim_count, CLIENTS);
    for (uint32_t i = 0; i < victim_count; i++) {
        report_line("note kills: %s: %lu kills, %lu replacements", victims[i].name, victims[i].kills, victims[i].replacements);
        EXPECT(victims[i].kills > 0);
        EXPECT(victims[i].replacements > 0 || victims[i].cannot_be_replaced);
        replaced += victims[i].replacements;
    }
    report_line("note kills: %lu services replaced, and %lu killed while they were", replaced, undone);
    EXPECT(undone > 0);
    report_line("note kills: restart in us: half within %lu, 90%% %lu, 99%% %lu, all %lu", times[kills / 2] / 1000,
                times[kills * 9 / 10] / 1000, times[kills * 99 / 100] / 1000, times[kills - 1] / 1000);
}

// What is in use, when it does not change any more: whoever counts has its page of metricsd's again. With `wanted`, when as many handles
// are open as there.
static bool settled(struct asker *asker, const struct inspect_system *wanted, struct inspect_system *out) {
    const uint64_t end_ns = suite_after_ms(RUNNING_MS);
    struct inspect_system last = {};
    for (uint32_t same = 0; same < 3 && suite_now_ns() < end_ns;) {
        for (uint32_t i = 0; i < load_count; i++) {
            (void)loads[i].ask(&asker->client);
        }
        pause_us(500'000);
        if (!suite_settled(out)) {
            return false;
        }
        const bool comes_back = wanted == nullptr || out->handles == wanted->handles;
        same = comes_back && out->handles == last.handles && out->user_bytes == last.user_bytes ? same + 1 : 0;
        last = *out;
    }
    return true;
}

// Who pays for how much, for a message that says whose fault it is.
struct usage {
    struct inspect_account accounts[2 * VICTIMS_MAX];
    char names[2 * VICTIMS_MAX][16]; // of processes that they pay for
    size_t count;
};

static void name_accounts(struct usage *usage) {
    uint64_t after = 0, found = 0;
    do {
        if (!status_ok(tess_inspector_processes(suite.inspector, after, &found))) {
            return;
        }
        const struct inspect_process *page = (const void *)suite_page();
        for (uint64_t i = 0; i < found; i++) {
            after = page[i].koid;
            for (size_t k = 0; k < usage->count; k++) {
                if (usage->accounts[k].koid == page[i].account_koid) {
                    memcpy(usage->names[k], page[i].name, sizeof(usage->names[k]));
                }
            }
        }
    } while (found > 0);
}

static void note_usage(struct usage *usage) {
    constexpr size_t MOST = sizeof(usage->accounts) / sizeof(usage->accounts[0]);
    uint64_t after = 0, found = 0;
    *usage = (struct usage){};
    do {
        if (!status_ok(tess_inspector_accounts(suite.inspector, after, &found))) {
            return;
        }
        const struct inspect_account *page = (const void *)suite_page();
        for (uint64_t i = 0; i < found && usage->count < MOST; i++) {
            after = page[i].koid;
            usage->accounts[usage->count++] = page[i];
        }
    } while (found > 0 && usage->count < MOST);
    name_accounts(usage);
}

static void report_usage(const char *when, const struct usage *usage) {
    for (size_t i = 0; i < usage->count; i++) {
        const struct inspect_account *account = &usage->accounts[i];
        report_line("note kills: %s: account %lu of `%s` below %lu: %lu bytes, %u VMOs", when, account->koid, usage->names[i],
                    account->parent_koid, account->used_bytes, account->objects[OBJECT_VMO]);
    }
}

static uint64_t *times;
static uint64_t kills;

// What stays of the suite's own, such as its heap and what threads leave behind, is made here.
void suite_before_all(void) {
    static struct asker asker = {.client.number = CLIENTS, .client.state = 1};
    kills = option("kills=", 300);
    times = malloc((kills + 1) * sizeof times[0]);
    memset(times, 0xff, (kills + 1) * sizeof times[0]); // so that all of it is there
    supervisor = (struct supervisor_control){tess_cap_required("supervisor", SUPERVISOR_ID)};
    loads_init();
    EXPECT_OK(tess_account_create_notification(suite.account, &never));
    if (start_clients(1)) {
        pause_us(1'000);
    }
    stop_clients();
    for (uint32_t i = 0; i < load_count; i++) {
        (void)loads[i].ask(&asker.client);
    }
    kept_reset();
}

static void kill_under_load(uint64_t seed, uint64_t count) {
    for (uint32_t i = 0; i < victim_count; i++) {
        victims[i].kills = victims[i].replacements = 0;
    }
    undone = 0;
    if (start_clients(seed)) {
        campaign(seed, count, times);
    }
    stop_clients();
}

// Init's heap takes a second region when what restarts free and want does not fit into the first, once and at no moment that a
// test could choose; and its queues are touched as far as they were ever full. It is the same after 6,000 kills as after 20,000.
constexpr uint64_t INIT_MORE_BYTES = 32 * 1024, INIT_MORE_VMOS = 1;

uint32_t suite_may_leave(uint32_t type) {
    return type == OBJECT_VMO ? INIT_MORE_VMOS : 0;
}

// How much more the accounts have that were not there before: of the processes of services that were started since. One that lives
// ten seconds has been asked whether it is well, which touches a page of some; that is no leak, for it goes with its process.
static uint64_t renewed_bytes(const struct usage usage[2]) {
    uint64_t used[2] = {};
    for (int i = 0; i < 2; i++) {
        for (size_t at = 0; at < usage[i].count; at++) {
            const struct usage *other = &usage[1 - i];
            size_t there = 0;
            while (there < other->count && other->accounts[there].koid != usage[i].accounts[at].koid) {
                there++;
            }
            used[i] += there == other->count ? usage[i].accounts[at].used_bytes : 0;
        }
    }
    EXPECT(used[1] <= used[0] + victim_count * PAGE_BYTES);
    return used[1] > used[0] ? used[1] - used[0] : 0;
}

// The first account is the root, which pays for what init has.
static void judge_usage(const struct inspect_system *before, const struct inspect_system *after, const struct usage usage[2]) {
    const struct inspect_account *then = &usage[0].accounts[0], *now = &usage[1].accounts[0];
    const uint64_t vmos = now->objects[OBJECT_VMO] - then->objects[OBJECT_VMO];
    if (after->user_bytes != before->user_bytes || after->handles != before->handles) {
        report_usage("before", &usage[0]);
        report_usage("after", &usage[1]);
    }
    EXPECT(now->used_bytes <= then->used_bytes + INIT_MORE_BYTES);
    EXPECT(vmos <= INIT_MORE_VMOS);
    EXPECT(after->user_bytes <= before->user_bytes + (now->used_bytes - then->used_bytes) + renewed_bytes(usage));
    EXPECT_EQ(after->handles, before->handles);
    for (uint32_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
        EXPECT_EQ(after->live_objects[type], before->live_objects[type] + (type == OBJECT_VMO ? vmos : 0));
    }
}

CASE(services_are_killed_at_random) {
    struct inspect_system before = {}, after = {};
    static struct asker asker;
    static struct usage usage[2]; // touched before memory is counted
    const uint64_t seed = option("seed=", 1), within_us = option("within_us=", UINT64_MAX);
    REQUIRE(times != nullptr && kills > 0 && load_count <= LOADS_MAX);
    asker = (struct asker){.client.number = CLIENTS, .client.state = 1};
    EXPECT(look_at_services(false));
    kill_under_load(seed + 1, kills / 3 + 1); // what is committed on first use, such as init's queue for the log, is there then
    renew_all(&asker);
    note_usage(&usage[1]);
    note_usage(&usage[0]);
    EXPECT(settled(&asker, nullptr, &before));
    note_usage(&usage[0]);
    kill_under_load(seed, kills);
    report(times, kills);
    judge_answers();
    EXPECT(times[kills * 99 / 100] / 1000 <= within_us);
    renew_all(&asker);
    EXPECT(settled(&asker, &before, &after));
    note_usage(&usage[1]);
    judge_usage(&before, &after, usage);
}
