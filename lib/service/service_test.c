// A daemon and its supervisor in one process; the kernel between them is played.
#include "lib/service/service.h"

#include <stdio.h>
#include <stdlib.h>

#include "abi/gen/abi.h"
#include "base/str.h"
#include "base/test.h"
#include "lib/keep/keep.h"
#include "lib/roster/roster.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/panic.h"
#include "lib/tess/thread.h"

// ---- The machine ----

constexpr uint64_t INTERFACE = 0xd1a6'70c3'5e2b'9401;
constexpr handle_t OWN = {5}, CLIENTS = {6}, EVENTS = {8};
constexpr uint32_t VMO = 7;

alignas(4096) static uint8_t page[MESSAGE_PAGE_BYTES];
static struct tess_thread_block thread_block = {.message_page = page};
static const struct bootstrap bootstrap = {.process = 1, .vspace = 2, .account = 3};
const struct bootstrap *tess_bootstrap = &bootstrap;

static uint32_t bound; // where the notification's bits come; 0: nowhere
static bool supervised, poor; // it has an endpoint of its own; nobody pays for a VMO
static struct {
    uint8_t *memory;
    uint64_t bytes;
    bool open, mapped;
} vmo;

// What comes, in this order, and what was answered.
struct step {
    handle_t at; // the endpoint where it comes
    uint64_t interface, badge;
    uint32_t ordinal;
    uint64_t bytes;  // parameter of begin
    bool with_state; // ... and there is a VMO
    uint64_t bits;   // not 0: no request, but these bits
};
static const struct step *next_step, *last_step;
static uint32_t labels[16]; // of the answers
static uint64_t words[16];  // the first result of each
static size_t answers;
static bool asked;

struct tess_thread_block *tess_arch_thread_block(void) {
    return &thread_block;
}
uint64_t tess_deadline_after_ms(uint64_t delay_ms) {
    return delay_ms;
}
uint64_t tess_now_ns(void) {
    return 0;
}
void tess_close(handle_t handle) {
    vmo.open &= handle.v != VMO;
}
constexpr handle_t LATER = {9};
static bool answered_later; // by LATER, with label and first result:
static uint32_t later_label;
static uint64_t later_word;
status_t tess_save_reply(handle_t *reply) {
    *reply = LATER;
    asked = false;
    return STATUS_OK;
}
status_t tess_cap(const char *name, uint64_t interface_id, handle_t *out) {
    *out = str_equal(name, "lifecycle") ? OWN : CLIENTS;
    return out->v == OWN.v && (!supervised || interface_id != LIFECYCLE_ID) ? STATUS_NOT_FOUND : STATUS_OK;
}
handle_t tess_cap_required(const char *name, uint64_t interface_id) {
    handle_t found = {};
    CHECK(str_equal(name, "test") && interface_id == INTERFACE && status_ok(tess_cap(name, interface_id, &found)));
    return found;
}

void tess_panic(const char *format, ...) {
    fprintf(stderr, "panic: %s\n", format);
    abort();
}

alignas(8) static uint8_t kept_memory[256];
void keep_open(const char *grant, size_t room_bytes, struct keep *out) {
    CHECK_STR_EQ(grant, "kept");
    CHECK_EQ(room_bytes, 8);
    keep_init(out, kept_memory, sizeof(kept_memory));
}

status_t tess_invoke(handle_t object, uint64_t header, uint64_t arguments[MESSAGE_WORDS]) {
    const uint32_t method = message_label(header);
    if (object.v == bootstrap.account && method == ACCOUNT_CREATE_VMO) {
        if (poor) {
            return STATUS_NO_MEMORY;
        }
        CHECK(!vmo.open);
        free(vmo.memory);
        vmo.bytes = arguments[0];
        vmo.memory = aligned_alloc(4096, vmo.bytes);
        vmo.open = true;
        arguments[6] = VMO;
        return STATUS_OK;
    }
    if (object.v == EVENTS.v) {
        CHECK_EQ(method, NOTIFICATION_BIND);
        CHECK(bound == 0 || arguments[0] == 0);
        bound = (uint32_t)arguments[0];
        return STATUS_OK;
    }
    if (object.v == VMO && method == VMO_INFO) {
        arguments[0] = vmo.bytes;
        return STATUS_OK;
    }
    CHECK(object.v == bootstrap.vspace);
    CHECK(vmo.mapped == (method == VSPACE_UNMAP));
    vmo.mapped = method == VSPACE_MAP;
    arguments[0] = (uint64_t)(uintptr_t)vmo.memory;
    return STATUS_OK;
}

static void take_answer(const struct tess_message *message) {
    if (asked) {
        labels[answers] = message_label(message->info);
        words[answers++] = message->words[1];
        asked = false;
    }
}

static status_t receive(handle_t endpoint, struct tess_message *message) {
    if (next_step == last_step) {
        return STATUS_OBJECT_DEAD;
    }
    const struct step *step = next_step++;
    CHECK_EQ(endpoint.v, step->at.v);
    *message = (struct tess_message){};
    if (step->bits != 0) {
        CHECK_EQ(bound, endpoint.v);
        message->info = MESSAGE_NOTIFICATION;
        message->words[0] = step->bits;
        return STATUS_OK;
    }
    asked = true;
    const bool begins = step->interface == LIFECYCLE_ID && step->ordinal == LIFECYCLE_BEGIN;
    const bool saves = step->interface == LIFECYCLE_ID && step->ordinal == LIFECYCLE_SAVE && step->bytes != 0;
    const uint32_t form = begins || saves ? 1u << 16 | (step->with_state ? 1u << 20 : 0) : 0;
    message->info = message_info(RPC_CONTRACT | form | step->ordinal, 0, step->with_state ? 1 : 0, 0) | MESSAGE_WANTS_REPLY;
    message->badge = step->badge;
    message->words[0] = step->interface;
    message->words[1] = step->bytes;
    message->words[6] = step->with_state ? VMO : 0;
    vmo.open |= step->with_state;
    return STATUS_OK;
}

// ---- Those who are told ----

static struct roster roster;
static unsigned filed;
static bool log_listens;
static char sentence[MESSAGE_PAGE_BYTES];

const struct roster *roster_open(const char *) {
    return &roster;
}

// Whatever is sent goes to the log.
static status_t take_record(void) {
    if (!log_listens) {
        return STATUS_TIMED_OUT;
    }
    CHECK(!asked); // whoever was denied has been told before
    filed++;
    memset(sentence, 0, sizeof(sentence));
    for (size_t i = 0; i + 1 < sizeof(page); i++) {
        if (memcmp(page + i, "client may", 10) == 0) {
            snprintf(sentence, sizeof(sentence), "%.*s", (int)(sizeof(page) - i), (const char *)page + i);
            break;
        }
    }
    return STATUS_OK;
}

status_t tess_host_syscall(uint32_t number, handle_t handle, struct tess_message *message, uint64_t) {
    if (number == SYS_SEND && handle.v == LATER.v) {
        answered_later = true;
        later_label = message_label(message->info);
        later_word = message->words[1];
        return STATUS_OK;
    }
    if (number == SYS_SEND) {
        return take_record();
    }
    if (number == SYS_REPLY_RECV) {
        take_answer(message);
        if (handle.v == 0) {
            return STATUS_OK; // only an answer
        }
    }
    return receive(handle, message);
}

// ---- The daemon ----

constexpr uint32_t DENIED = 7; // a method that only some may call
static struct rpc_server server;
static uint64_t signalled, served;
static unsigned waits, stops;
static char state[8], adopted[8];

static bool keeps_each; // each request changes what is kept, as the next line does

static status_t dispatch(struct rpc_request *request) {
    static const struct rpc_method plain = {INTERFACE, 0, true, {0, 0, true}, {1, 0, true}, false};
    if (request->interface_id != INTERFACE) {
        return rpc_unimplemented(request);
    }
    if (rpc_ordinal(request) == DENIED) {
        return rpc_denied(request, "TestControl");
    }
    capnp_put_u64(rpc_results(request, &plain), 0, ++served);
    if (keeps_each) {
        state[0]++;
        service_keep();
    }
    return STATUS_OK;
}

static uint64_t before_wait(void) {
    waits++;
    return DEADLINE_NEVER;
}

// One that has something to do after each request, for which it asks others.
static unsigned done;
static uint64_t soon(void) {
    return done < served ? 0 : DEADLINE_NEVER;
}
static void ask_others(void) {
    CHECK(!asked); // their answers come into the page
    memset(page, 0xee, sizeof(page));
    done++;
}
static void take_signal(uint64_t bits) {
    signalled |= bits;
}
static void stop(void) {
    stops++;
}
static size_t save(void *to, size_t room) {
    if (room >= sizeof(state)) {
        memcpy(to, state, sizeof(state));
    }
    return sizeof(state);
}
static bool adopt(const void *from, size_t len_bytes) {
    if (len_bytes != sizeof(adopted)) {
        return false;
    }
    memcpy(adopted, from, sizeof(adopted));
    return true;
}

static const handle_t events = EVENTS;
static const struct service whole = {.provides = "test", .interface_id = INTERFACE, .before_wait = before_wait, .events = &events,
                                     .signalled = take_signal, .stop = stop, .save = save, .adopt = adopt};
static size_t owed;
static size_t owes(void) {
    return owed;
}
static void settle(uint64_t bits) {
    owed -= bits;
}
static const char *lost;
static const char *loses(void) {
    return lost;
}
static const struct service debtor = {.provides = "test", .interface_id = INTERFACE, .events = &events, .signalled = settle, .stop = stop,
                                      .save = save, .adopt = adopt, .owes = owes, .loses = loses};
static const struct service keeper = {.provides = "test", .interface_id = INTERFACE, .save = save, .adopt = adopt, .keeps = "kept"};
static const struct service plain = {.provides = "test", .interface_id = INTERFACE};
static const struct service busy = {.provides = "test", .interface_id = INTERFACE, .before_wait = soon, .when_due = ask_others};

#define FROM_SUPERVISOR(where, method) {.at = where, .interface = LIFECYCLE_ID, .badge = BADGE_SUPERVISOR, .ordinal = method}
#define FROM_CLIENT {.at = CLIENTS, .interface = INTERFACE, .badge = 9}

static int run_steps(const struct service *service, const struct step *steps, size_t count) {
    supervised = true;
    poor = false;
    next_step = steps;
    last_step = steps + count;
    answers = 0;
    bound = 0;
    answered_later = false;
    served = signalled = waits = stops = 0;
    asked = false;
    const int code = service_run(service, &server, dispatch);
    CHECK(!vmo.mapped);
    return code;
}
#define RUN(service, ...) \
    run_steps(service, (const struct step[]){__VA_ARGS__}, sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

TEST(it_begins_serves_and_ends) {
    CHECK_EQ(RUN(&whole, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_CLIENT, FROM_SUPERVISOR(CLIENTS, LIFECYCLE_PROBE),
                 {.at = CLIENTS, .bits = 6}, FROM_CLIENT, FROM_SUPERVISOR(CLIENTS, LIFECYCLE_STOP)),
             0);
    CHECK_EQ(answers, 5);
    for (size_t i = 0; i < answers; i++) {
        CHECK_EQ(labels[i], 0);
    }
    CHECK_EQ(words[3], 2);
    CHECK_EQ(signalled, 6);
    CHECK_EQ(waits, 5); // not before it begins
    CHECK_EQ(stops, 1);
}

TEST(whoever_waits_is_answered_before_others_are_asked) {
    done = 0;
    CHECK_EQ(RUN(&busy, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_CLIENT, FROM_CLIENT, FROM_SUPERVISOR(CLIENTS, LIFECYCLE_STOP)), 0);
    CHECK_EQ(answers, 4);
    CHECK_EQ(done, 2);
}

TEST(without_a_supervisor_that_asks_it_serves_at_once) {
    static const struct step steps[] = {FROM_CLIENT};
    supervised = false;
    next_step = steps;
    last_step = steps + 1;
    answers = served = 0;
    CHECK_EQ(service_run(&plain, &server, dispatch), 1); // the endpoint died
    CHECK_EQ(answers, 1);
}

TEST(clients_cannot_ask_what_the_supervisor_does) {
    const struct step hostile[] = {
        FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN),
        {.at = CLIENTS, .interface = LIFECYCLE_ID, .badge = 9, .ordinal = LIFECYCLE_STOP},
        {.at = CLIENTS, .interface = LIFECYCLE_ID, .badge = BADGE_CONTROL | 9, .ordinal = LIFECYCLE_SAVE},
        {.at = CLIENTS, .interface = LIFECYCLE_ID, .badge = 1, .ordinal = LIFECYCLE_STOP},
        FROM_CLIENT,
    };
    CHECK_EQ(run_steps(&whole, hostile, 5), 1);
    CHECK_EQ(answers, 5);
    for (size_t i = 1; i < 4; i++) {
        CHECK_EQ(labels[i], (uint32_t)RPC_UNIMPLEMENTED);
    }
    CHECK_EQ(labels[4], 0);
}

TEST(state_goes_from_one_to_the_next) {
    memcpy(state, "in hand", 8);
    memset(adopted, 0, sizeof(adopted));
    CHECK_EQ(RUN(&whole, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_SUPERVISOR(CLIENTS, LIFECYCLE_SAVE),
                 FROM_SUPERVISOR(OWN, LIFECYCLE_STOP)),
             0);
    CHECK_EQ(answers, 3);
    CHECK_EQ(labels[1], 0);
    CHECK_EQ(words[1], 8);
    CHECK_EQ(stops, 1);
    CHECK(vmo.open);
    CHECK_EQ(RUN(&whole, {.at = OWN, .interface = LIFECYCLE_ID, .badge = BADGE_SUPERVISOR, .bytes = 8, .with_state = true},
                 FROM_CLIENT),
             1);
    CHECK_EQ(labels[0], 0);
    CHECK_STR_EQ(adopted, "in hand");
    CHECK(!vmo.open);
}

TEST(what_cannot_be_taken_over_is_refused) {
    vmo.memory = realloc(vmo.memory, 4096);
    vmo.bytes = 4096;
    static const uint64_t lengths[] = {0, 7, 4097, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        const struct step steps[] = {
            {.at = OWN, .interface = LIFECYCLE_ID, .badge = BADGE_SUPERVISOR, .bytes = lengths[i], .with_state = true},
            FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), // without it
            FROM_CLIENT,
        };
        CHECK_EQ(run_steps(&whole, steps, 3), 1);
        CHECK(labels[0] != 0);
        CHECK_EQ(labels[1], 0);
        CHECK(!vmo.open);
    }
    CHECK_EQ(RUN(&whole, {.at = OWN, .interface = LIFECYCLE_ID, .badge = BADGE_SUPERVISOR, .bytes = 8}), 1); // no capability
    CHECK(labels[0] != 0);
    CHECK_EQ(RUN(&plain, {.at = OWN, .interface = LIFECYCLE_ID, .badge = BADGE_SUPERVISOR, .bytes = 8, .with_state = true}), 1);
    CHECK(labels[0] != 0);
}

TEST(a_hand_over_that_comes_to_nothing_is_taken_back) {
    CHECK_EQ(RUN(&whole, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_SUPERVISOR(CLIENTS, LIFECYCLE_RESUME),
                 FROM_SUPERVISOR(CLIENTS, LIFECYCLE_SAVE), FROM_SUPERVISOR(OWN, LIFECYCLE_SAVE),
                 FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_SUPERVISOR(OWN, LIFECYCLE_RESUME), FROM_CLIENT,
                 FROM_SUPERVISOR(CLIENTS, LIFECYCLE_BEGIN)),
             1);
    static const bool good[] = {true, false, true, false, false, true, true, false};
    CHECK_EQ(answers, 8);
    for (size_t i = 0; i < answers; i++) {
        CHECK_EQ(labels[i] == 0, good[i]);
    }
    tess_close((handle_t){VMO});
}

// Without `loseState` it keeps what it has, and goes on.
#define MAY_LOSE(where) {.at = where, .interface = LIFECYCLE_ID, .badge = BADGE_SUPERVISOR, .ordinal = LIFECYCLE_SAVE, .bytes = 1}

TEST(what_would_be_lost_is_not_handed_over_unasked) {
    CHECK_EQ(RUN(&plain, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_SUPERVISOR(CLIENTS, LIFECYCLE_SAVE), FROM_CLIENT, MAY_LOSE(CLIENTS),
                 FROM_SUPERVISOR(OWN, LIFECYCLE_STOP)),
             0);
    CHECK_EQ(labels[1], (uint32_t)RPC_FAILED);
    CHECK_EQ(labels[2], 0);
    CHECK_EQ(labels[3], 0);
    static const struct service nothing = {.provides = "test", .interface_id = INTERFACE, .loses = service_keeps_nothing};
    CHECK_EQ(RUN(&nothing, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_SUPERVISOR(CLIENTS, LIFECYCLE_SAVE), FROM_SUPERVISOR(OWN, LIFECYCLE_STOP)), 0);
    CHECK_EQ(labels[1], 0);
    lost = "one thing";
    CHECK_EQ(RUN(&debtor, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_SUPERVISOR(CLIENTS, LIFECYCLE_SAVE), FROM_CLIENT), 1);
    CHECK_EQ(labels[1], (uint32_t)RPC_FAILED);
    CHECK_EQ(labels[2], 0);
    lost = nullptr;
}

TEST(what_it_owes_it_answers_before_it_hands_over) {
    owed = 3;
    CHECK_EQ(RUN(&debtor, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), {.at = CLIENTS, .bits = 1}, FROM_SUPERVISOR(CLIENTS, LIFECYCLE_SAVE),
                 {.at = OWN, .bits = 1}, FROM_SUPERVISOR(OWN, LIFECYCLE_PROBE), {.at = OWN, .bits = 1}, FROM_SUPERVISOR(OWN, LIFECYCLE_STOP)),
             0);
    CHECK(answered_later);
    CHECK_EQ(later_label, 0);
    CHECK_EQ(later_word, 8);
    CHECK_EQ(bound, 0);
    CHECK_EQ(stops, 1);
    CHECK(vmo.open);
    tess_close((handle_t){VMO});
    owed = 2; // nobody waits for that long
    CHECK_EQ(RUN(&debtor, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_SUPERVISOR(CLIENTS, LIFECYCLE_SAVE), {.at = OWN, .bits = 1},
                 FROM_SUPERVISOR(OWN, LIFECYCLE_RESUME), FROM_CLIENT, {.at = CLIENTS, .bits = 1}, FROM_CLIENT),
             1);
    CHECK(answered_later);
    CHECK_EQ(later_label, (uint32_t)RPC_FAILED);
    CHECK_EQ(served, 2);
}

TEST(its_bits_come_where_it_serves) {
    owed = 0;
    CHECK_EQ(RUN(&debtor, FROM_SUPERVISOR(OWN, LIFECYCLE_PROBE)), 1); // another one may serve yet
    CHECK_EQ(bound, 0);
    CHECK_EQ(RUN(&debtor, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_SUPERVISOR(CLIENTS, LIFECYCLE_SAVE)), 1);
    CHECK_EQ(bound, 0);
    tess_close((handle_t){VMO});
    CHECK_EQ(RUN(&debtor, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_SUPERVISOR(CLIENTS, LIFECYCLE_SAVE), FROM_SUPERVISOR(OWN, LIFECYCLE_RESUME), FROM_CLIENT),
             1);
    CHECK_EQ(bound, CLIENTS.v);
    tess_close((handle_t){VMO});
}

TEST(without_state_or_memory) {
    CHECK_EQ(RUN(&plain, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), MAY_LOSE(CLIENTS), FROM_SUPERVISOR(OWN, LIFECYCLE_STOP)), 0);
    CHECK_EQ(labels[1], 0);
    CHECK_EQ(words[1], 0);
    static const struct step steps[] = {FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_SUPERVISOR(CLIENTS, LIFECYCLE_SAVE), FROM_CLIENT};
    next_step = steps;
    last_step = steps + 3;
    answers = 0;
    poor = true;
    CHECK_EQ(service_run(&whole, &server, dispatch), 1);
    CHECK(labels[1] != 0);
    CHECK_EQ(labels[2], 0); // it goes on
    poor = false;
}

#define FROM_DENIED {.at = CLIENTS, .interface = INTERFACE, .badge = 9, .ordinal = DENIED}

TEST(what_is_denied_is_told_and_does_not_hold_up) {
    CHECK(roster_put(&roster, 9, "client"));
    log_listens = true;
    CHECK_EQ(RUN(&plain, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_DENIED, FROM_CLIENT), 1);
    CHECK_EQ(answers, 3);
    CHECK_EQ(labels[1], (uint32_t)RPC_DENIED);
    CHECK_EQ(labels[2], 0);
    CHECK_EQ(filed, 1);
    CHECK_STR_EQ(sentence, "client may not control test: `TestControl` takes a capability that was granted with `control = true`");
    log_listens = false;
    CHECK_EQ(RUN(&plain, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_DENIED, FROM_CLIENT), 1);
    CHECK_EQ(labels[2], 0);
    struct step steps[13] = {FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN)};
    for (size_t i = 1; i < 13; i++) {
        steps[i] = (struct step)FROM_DENIED;
    }
    log_listens = true;
    CHECK_EQ(run_steps(&plain, steps, 13), 1);
    CHECK_EQ(filed, 7); // with that which the log did not take, as many as it is told of in a second
}

static unsigned hooked;
static void hook(const struct denial *denial) {
    hooked++;
    CHECK_STR_EQ(denial->subject, "client");
    CHECK_STR_EQ(denial->missing, "control of test");
}

TEST(a_service_may_tell_it_itself) {
    static const struct service itself = {.provides = "test", .interface_id = INTERFACE, .denied = hook};
    CHECK_EQ(RUN(&itself, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_DENIED), 1);
    CHECK_EQ(hooked, 1);
    CHECK_EQ(filed, 7);
}

TEST(what_is_kept_is_there_for_the_next_process) {
    memset(kept_memory, 0, sizeof(kept_memory));
    memset(adopted, 0, sizeof(adopted));
    memcpy(state, "0 times", 8);
    keeps_each = true;
    CHECK_EQ(RUN(&keeper, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_CLIENT, FROM_CLIENT), 1); // then it is killed
    CHECK_EQ(labels[0], 0);
    CHECK_EQ(adopted[0], 0); // there was nothing at first
    CHECK_EQ(RUN(&keeper, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_CLIENT), 1);
    CHECK_STR_EQ(adopted, "2 times");
    keeps_each = false;
    memcpy(state, "the end", 8); // of which nobody was told
    CHECK_EQ(RUN(&keeper, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN), FROM_SUPERVISOR(CLIENTS, LIFECYCLE_SAVE)), 1);
    CHECK_STR_EQ(adopted, "3 times");
    CHECK_EQ(words[1], 0); // it is handed over where it is
    CHECK_EQ(RUN(&keeper, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN)), 1);
    CHECK_STR_EQ(adopted, "the end");
}

TEST(what_was_damaged_is_not_served) {
    CHECK_EQ(RUN(&keeper, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN)), 1);
    for (size_t i = 0; i < sizeof(kept_memory); i++) {
        kept_memory[i] ^= 4;
    }
    memset(adopted, 0, sizeof(adopted));
    CHECK_EQ(RUN(&keeper, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN)), 1);
    CHECK_EQ(labels[0], (uint32_t)RPC_FAILED);
    CHECK_EQ(adopted[0], 0);
    struct keep other;
    keep_init(&other, kept_memory, sizeof(kept_memory));
    keep_forget(&other);
    memset(keep_begin(&other), 0, 7); // whole, and not what `adopt` takes
    keep_commit(&other, 7);
    CHECK_EQ(RUN(&keeper, FROM_SUPERVISOR(OWN, LIFECYCLE_BEGIN)), 1);
    CHECK_EQ(labels[0], (uint32_t)RPC_FAILED);
}
