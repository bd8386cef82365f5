// Waiting on words, exhaustively in the small, on the real kernel: every sequence of steps of three threads and a
// driver over two words, against a model that is nothing but lists. After every step: who waits and who was woken and
// how, what the words say, in which band everybody runs, and the kernel's own invariants. Sequences are
// replayed from a fresh scene; those that lead to the same state of the model are followed once from there.
//
// Plain words to depth 6, inheriting ones to depth 7.
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "abi/gen/abi.h"
#include "abi/park.h"
#include "base/test.h"
#include "kernel/arch/host/machine.h"
#include "kernel/ipc/park.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"

constexpr uint32_t THREADS = 3, WORDS = 2;
constexpr uint32_t MAX_DEPTH = 8;
constexpr uint64_t TIMEOUT_NS = 1000;
constexpr uint64_t SLICE_NS = 1'000'000;
constexpr uint64_t ADDRESS[WORDS] = {0x10'0000, 0x10'0800};
constexpr uint32_t NOBODY = THREADS;

enum kind : uint8_t {
    PARK,        // thread, word
    PARK_TIMED,  // thread, word
    WAKE_ONE,    // word
    WAKE_ALL,    // word
    MOVE,        // word: wakes one, moves the others to the other word
    LOCK,        // thread, word: an inheriting one, as lib/tess/mutex.c does
    UNLOCK,      // thread
    RAISE,       // thread: into the most urgent band
    CANCEL,      // thread
    END,         // thread
    TIME_PASSES,
    KINDS,
};

struct step {
    uint8_t kind, thread, word;
};

// ---- the model -------------------------------------------------------------------------------------

struct model {
    uint8_t waits_on[THREADS]; // word, WORDS when it does not wait
    bool timed[THREADS], ended[THREADS];
    uint8_t band[THREADS];
    uint32_t outcome[THREADS];       // status of the last wait that ended
    uint8_t queue[WORDS][THREADS];   // in order of arrival
    uint8_t queued[WORDS];
    uint8_t holder[WORDS];           // inheriting words; NOBODY
    bool waited_for[WORDS];
};

static struct model model;

static void model_reset(void) {
    model = (struct model){.band = {BAND_BACKGROUND, BAND_NORMAL, BAND_INTERACTIVE}};
    memset(model.waits_on, WORDS, sizeof(model.waits_on));
    memset(model.holder, NOBODY, sizeof(model.holder));
    memset(model.outcome, 0, sizeof(model.outcome));
}

static void enqueue(uint32_t thread, uint32_t word) {
    model.queue[word][model.queued[word]++] = (uint8_t)thread;
    model.waits_on[thread] = (uint8_t)word;
}

static void dequeue(uint32_t thread) {
    const uint32_t word = model.waits_on[thread];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < model.queued[word]; i++) {
        if (model.queue[word][i] != thread) {
            model.queue[word][kept++] = model.queue[word][i];
        }
    }
    model.queued[word] = (uint8_t)kept;
    model.waits_on[thread] = WORDS;
    model.timed[thread] = false;
}

static void finish(uint32_t thread, status_t status) {
    dequeue(thread);
    model.outcome[thread] = status.code;
}

// The band that the thread must run in: its own, or that of anybody who waits for it, however far away.
static uint32_t band_of(uint32_t thread) {
    uint32_t band = model.band[thread];
    for (uint32_t word = 0; word < WORDS; word++) {
        for (uint32_t i = 0; model.holder[word] == thread && i < model.queued[word]; i++) {
            const uint32_t lent = band_of(model.queue[word][i]);
            band = lent < band ? lent : band;
        }
    }
    return band;
}

// Whether the thread waits, in the end, for the other: then the other must not wait for it.
static bool waits_for(uint32_t thread, uint32_t other) {
    while (thread != NOBODY && thread != other) {
        thread = model.waits_on[thread] == WORDS ? NOBODY : model.holder[model.waits_on[thread]];
    }
    return thread == other;
}

static uint32_t heir_of(uint32_t word) {
    uint32_t heir = NOBODY;
    for (uint32_t i = 0; i < model.queued[word]; i++) {
        const uint32_t thread = model.queue[word][i];
        heir = heir == NOBODY || band_of(thread) < band_of(heir) ? thread : heir;
    }
    return heir;
}

static uint32_t held_by(uint32_t thread) {
    for (uint32_t word = 0; word < WORDS; word++) {
        if (model.holder[word] == thread) {
            return word;
        }
    }
    return WORDS;
}

static bool possible(struct step step) {
    const uint32_t t = step.thread;
    const bool free = !model.ended[t] && model.waits_on[t] == WORDS;
    switch ((enum kind)step.kind) {
    case PARK:
    case PARK_TIMED: return free;
    case LOCK:
        return free && model.holder[step.word] != t &&
               (model.holder[step.word] == NOBODY ||
                (!model.ended[model.holder[step.word]] && !waits_for(model.holder[step.word], t)));
    case UNLOCK: return free && held_by(t) != WORDS;
    case RAISE: return !model.ended[t] && model.band[t] != BAND_INTERACTIVE;
    case CANCEL: return model.waits_on[t] != WORDS;
    case END: return !model.ended[t];
    default: return true;
    }
}

// ---- the kernel ------------------------------------------------------------------------------------

static struct {
    struct account *root;
    struct process *process;
    struct thread *driver, *threads[THREADS];
    uint64_t handles[THREADS];
    uint32_t ids[THREADS];
    _Atomic uint32_t *words[WORDS];
} scene;

#define NO_WORDS ((const uint64_t[MESSAGE_WORDS]){})

static void set_scene(bool ids) {
    host_processor_reset();
    scene.root = account_create_root(4 << 20);
    scene.process = host_process(scene.root, "p");
    struct vmo *vmo;
    uint64_t address = ADDRESS[0];
    paddr_t frame;
    CHECK(status_ok(vmo_create(scene.root, PAGE_BYTES, &vmo)));
    CHECK(status_ok(vmo_commit(vmo, 0, &frame, nullptr)));
    CHECK(status_ok(vspace_map(scene.process->vspace, vmo, 0, PAGE_BYTES, &address, PROT_READ | PROT_WRITE,
                               PROT_READ | PROT_WRITE)));
    object_put(&vmo->object);
    for (uint32_t i = 0; i < WORDS; i++) {
        scene.words[i] = (_Atomic uint32_t *)((char *)phys_to_virt(frame) + (ADDRESS[i] - ADDRESS[0]));
        *scene.words[i] = 0;
    }
    scene.driver = host_thread(scene.process, BAND_INTERACTIVE, 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        scene.threads[i] = host_thread(scene.process, BAND_BACKGROUND - i, 0);
        object_get(&scene.threads[i]->object);
        scene.handles[i] = host_give(scene.process, &scene.threads[i]->object, RIGHT_MANAGE_BIT | RIGHT_INSPECT_BIT, 0);
        scene.ids[i] = ids ? park_lock_id(scene.threads[i]) : 0;
    }
}

static void clear_scene(void) {
    for (uint32_t i = 0; i < THREADS; i++) {
        object_put(&scene.threads[i]->object);
    }
    CHECK(host_finish(scene.root, &scene.process, 1));
}

// As host_run, with slices that take more and more time, so that every band has its turn. Deadlines pass only when the
// timer is looked at.
static bool run(struct thread *thread) {
    if (host_user.thread == nullptr) {
        host_wake();
    }
    for (uint32_t i = 0; i < 300 && host_user.thread != thread; i++) {
        host_cycles += SLICE_NS << (i < 20 ? i : 20);
        host_slice_ends();
    }
    return host_user.thread == thread;
}

static void call(struct thread *thread, uint32_t number, uint64_t address, uint64_t second, uint64_t deadline_ns,
                 const uint64_t words[MESSAGE_WORDS]) {
    REQUIRE(run(thread));
    host_syscall(number, address, second, deadline_ns, words);
}

static void check_woken(uint32_t woken, uint32_t moved) {
    CHECK_EQ(host_user.status, STATUS_OK.code);
    CHECK_EQ(host_user.words[2], woken);
    CHECK_EQ(host_user.words[3], moved);
}

static void wake(uint32_t word, uint32_t count, bool move) {
    const uint64_t words[MESSAGE_WORDS] = {move ? ADDRESS[1 - word] : 0, move ? UNPARK_ALL : 0};
    call(scene.driver, SYS_UNPARK, ADDRESS[word], count, 0, words);
    uint32_t woken = 0, moved = 0;
    for (; model.queued[word] > 0 && woken < count; woken++) {
        finish(model.queue[word][0], STATUS_OK);
    }
    for (; move && model.queued[word] > 0; moved++) {
        const uint32_t thread = model.queue[word][0];
        const bool timed = model.timed[thread];
        dequeue(thread);
        enqueue(thread, 1 - word);
        model.timed[thread] = timed;
    }
    check_woken(woken, moved);
}

static void lock(uint32_t t, uint32_t word) {
    uint32_t seen = 0;
    if (atomic_compare_exchange_strong(scene.words[word], &seen, scene.ids[t])) {
        model.holder[word] = (uint8_t)t;
        return;
    }
    atomic_fetch_or(scene.words[word], PARK_WAITED_FOR);
    model.waited_for[word] = true;
    call(scene.threads[t], SYS_PARK, ADDRESS[word], PARK_INHERIT | *scene.words[word], DEADLINE_NEVER, NO_WORDS);
    enqueue(t, word);
}

static void unlock(uint32_t t) {
    const uint32_t word = held_by(t);
    uint32_t seen = scene.ids[t];
    if (!atomic_compare_exchange_strong(scene.words[word], &seen, 0)) {
        call(scene.threads[t], SYS_UNPARK, ADDRESS[word], PARK_INHERIT, 0, NO_WORDS);
        model.outcome[t] = STATUS_OK.code; // of its last system call, by now
    }
    const uint32_t heir = heir_of(word);
    model.holder[word] = (uint8_t)heir;
    if (heir != NOBODY) {
        finish(heir, STATUS_OK);
    }
    model.waited_for[word] = model.queued[word] > 0;
}

// The first waiter of each word that the thread held is told; the others wait on.
static void end(uint32_t t) {
    if (model.waits_on[t] != WORDS) {
        dequeue(t);
    }
    for (uint32_t word = 0; word < WORDS; word++) {
        if (model.holder[word] == t && heir_of(word) != NOBODY) {
            finish(heir_of(word), STATUS_PEER_DIED);
        }
    }
    REQUIRE(run(scene.driver));
    CHECK(status_ok(HOST_METHOD(scene.handles[t], THREAD_EXIT, 0)));
    model.ended[t] = true;
}

static void take(struct step step) {
    const uint32_t t = step.thread;
    switch ((enum kind)step.kind) {
    case PARK:
    case PARK_TIMED:
        call(scene.threads[t], SYS_PARK, ADDRESS[step.word], 0,
             step.kind == PARK ? DEADLINE_NEVER : host_cycles + TIMEOUT_NS, NO_WORDS);
        enqueue(t, step.word);
        model.timed[t] = step.kind == PARK_TIMED;
        break;
    case WAKE_ONE: wake(step.word, 1, false); break;
    case WAKE_ALL: wake(step.word, THREADS, false); break;
    case MOVE: wake(step.word, 1, true); break;
    case LOCK: lock(t, step.word); break;
    case UNLOCK: unlock(t); break;
    case RAISE:
        REQUIRE(run(scene.driver));
        CHECK(status_ok(HOST_METHOD(scene.handles[t], THREAD_SET_BAND, BAND_INTERACTIVE)));
        model.band[t] = BAND_INTERACTIVE;
        break;
    case CANCEL:
        REQUIRE(run(scene.driver));
        CHECK(status_ok(HOST_METHOD(scene.handles[t], THREAD_CANCEL, 0)));
        finish(t, STATUS_CANCELED);
        break;
    case END: end(t); break;
    case TIME_PASSES:
        host_cycles += 2 * TIMEOUT_NS;
        host_timer();
        for (uint32_t i = 0; i < THREADS; i++) {
            if (model.timed[i]) {
                finish(i, STATUS_TIMED_OUT);
            }
        }
        break;
    case KINDS: break;
    }
}

// A parked thread is in no list, and lends to the holder of its word only if it is the first of those that wait for it.
static bool parked_is_right(uint32_t i) {
    const struct thread *thread = scene.threads[i];
    const uint32_t word = model.waits_on[i];
    const uint32_t holder = model.holder[word];
    const bool lends = holder != NOBODY && !model.ended[holder] && heir_of(word) == i;
    return thread->waiting_on == nullptr && !list_linked(&thread->link) &&
           thread->park.lends_to == (lends ? scene.threads[holder] : nullptr);
}

static bool thread_is_right(uint32_t i) {
    const struct thread *thread = scene.threads[i];
    const bool waits = model.waits_on[i] != WORDS;
    return model.ended[i] ||
           (thread_check(thread) && (thread->state == THREAD_WAITING) == waits && (!waits || parked_is_right(i)) && thread->effective_band == band_of(i) &&
            (waits || thread == host_user.thread || thread->regs.status == model.outcome[i]));
}

static bool is_right(bool inherits) {
    bool good = true;
    for (uint32_t i = 0; i < THREADS; i++) {
        good = good && thread_is_right(i);
    }
    for (uint32_t word = 0; inherits && word < WORDS; word++) {
        const uint32_t id = model.holder[word] == NOBODY ? 0 : scene.ids[model.holder[word]];
        good = good && *scene.words[word] == (id | (model.waited_for[word] ? PARK_WAITED_FOR : 0));
    }
    return good;
}

// ---- all sequences ---------------------------------------------------------------------------------

constexpr size_t SEEN = 1 << 20;
static uint64_t seen[SEEN];
static size_t seen_count;

static bool is_new(uint32_t depth_left) {
    uint64_t hash = 14695981039346656037u + depth_left;
    for (size_t i = 0; i < sizeof(model); i++) {
        hash = (hash ^ ((const uint8_t *)&model)[i]) * 1099511628211u;
    }
    hash |= hash == 0;
    size_t at = hash % SEEN;
    for (; seen[at] != 0; at = (at + 1) % SEEN) {
        if (seen[at] == hash) {
            return false;
        }
    }
    CHECK(seen_count < SEEN / 2);
    seen_count++;
    seen[at] = hash;
    return true;
}

static struct step path[MAX_DEPTH];
static uint64_t replays;

static void say_where(uint32_t len) {
    for (uint32_t i = 0; i < len; i++) {
        fprintf(stderr, " %u(%u,%u)", path[i].kind, path[i].thread, path[i].word);
    }
    fputc('\n', stderr);
}

static void replay(uint32_t len, bool inherits) {
    model_reset();
    set_scene(inherits);
    for (uint32_t i = 0; i < len; i++) {
        take(path[i]);
        if (!is_right(inherits)) {
            say_where(i + 1);
            CHECK(false);
            break;
        }
    }
    clear_scene();
    replays++;
}

static void explore(uint32_t len, uint32_t depth, const struct step *steps, uint32_t count, bool inherits) {
    replay(len, inherits);
    if (len == depth || !is_new(depth - len)) {
        return;
    }
    const struct model here = model;
    for (uint32_t i = 0; i < count; i++) {
        model = here;
        if (possible(steps[i])) {
            path[len] = steps[i];
            explore(len + 1, depth, steps, count, inherits);
        }
    }
}

// Every step of the kinds given, of all threads and words.
static uint32_t list_steps(const enum kind kinds[], uint32_t count, struct step out[]) {
    uint32_t steps = 0;
    for (uint32_t i = 0; i < count; i++) {
        const bool of_thread = kinds[i] != WAKE_ONE && kinds[i] != WAKE_ALL && kinds[i] != MOVE && kinds[i] != TIME_PASSES;
        const bool of_word = kinds[i] <= LOCK;
        for (uint32_t t = 0; t < (of_thread ? THREADS : 1); t++) {
            for (uint32_t word = 0; word < (of_word ? WORDS : 1); word++) {
                out[steps++] = (struct step){(uint8_t)kinds[i], (uint8_t)t, (uint8_t)word};
            }
        }
    }
    return steps;
}

[[gnu::constructor]] static void begin(void) {
    host_machine_init(16 << 20);
}

static void explore_all(const enum kind kinds[], uint32_t count, uint32_t depth, bool inherits) {
    struct step steps[64];
    memset(seen, 0, sizeof(seen));
    seen_count = replays = 0;
    explore(0, depth, steps, list_steps(kinds, count, steps), inherits);
    printf("%llu sequences replayed to depth %u, %zu states\n", (unsigned long long)replays, depth, seen_count);
}

TEST(plain_words) {
    static const enum kind kinds[] = {PARK, PARK_TIMED, WAKE_ONE, WAKE_ALL, MOVE, CANCEL, END, TIME_PASSES};
    explore_all(kinds, sizeof(kinds) / sizeof(kinds[0]), 6, false);
}

TEST(inheriting_words) {
    static const enum kind kinds[] = {LOCK, UNLOCK, RAISE, CANCEL, END};
    explore_all(kinds, sizeof(kinds) / sizeof(kinds[0]), 7, true);
}
