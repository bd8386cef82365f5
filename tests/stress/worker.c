// The workers: code that runs in other processes (tests/abi/child.h says what that may use).
//
// What fails because the suite revoked, ended, cancelled or ran out is expected, and so not looked at. What succeeds
// must have the right effect.
#include "tests/stress/worker.h"

#include "abi/ring.h"

struct worker {
    struct child_page *page;
    uint64_t state;
};

CHILD static uint64_t any(struct worker *worker, uint64_t below) {
    worker->state ^= worker->state << 13;
    worker->state ^= worker->state >> 7;
    worker->state ^= worker->state << 17;
    return (worker->state * 0x2545'f491'4f6c'dd1d >> 32) % below;
}

CHILD static handle_t held(const struct worker *worker, enum worker_handle which) {
    return (handle_t){__atomic_load_n(&worker->page->handle[which].v, __ATOMIC_RELAXED)};
}

// A moment around now, past or future.
CHILD static uint64_t soon(struct worker *worker) {
    return __atomic_load_n(&worker->page->arg[1], __ATOMIC_RELAXED) + any(worker, 3'000'000);
}

CHILD static void wrong(struct worker *worker, enum worker_wrong what, uint64_t saw, uint64_t expected) {
    if (worker->page->result[0] == 0) {
        worker->page->result[1] = saw;
        worker->page->result[2] = expected;
        __atomic_store_n(&worker->page->result[0], what, __ATOMIC_RELEASE);
    }
}

// A method; its results are in `words`.
CHILD static bool invoke(handle_t object, uint32_t method, uint64_t words[8]) {
    return status_ok(raw_invoke(object, method, words));
}

CHILD static bool invoke3(handle_t object, uint32_t method, uint64_t word0, uint64_t word1, uint64_t word2) {
    uint64_t words[8] = {word0, word1, word2};
    return invoke(object, method, words);
}

// A new object of the worker's account; 0 when there is none.
CHILD static handle_t create(struct worker *worker, uint32_t method, uint64_t argument) {
    uint64_t words[8] = {argument};
    return (handle_t){invoke(held(worker, WORKER_ACCOUNT), method, words) ? (uint32_t)words[0] : 0};
}

CHILD static void close(struct worker *worker, uint64_t handle) {
    (void)invoke3(worker->page->process, PROCESS_HANDLE_CLOSE, (uint32_t)handle, 0, 0);
}

CHILD static uint64_t *map(struct worker *worker, handle_t vmo, uint64_t pages) {
    uint64_t words[8] = {vmo.v, 0, pages * PAGE_BYTES, 0, PROT_READ | PROT_WRITE};
    return invoke(held(worker, WORKER_VSPACE), VSPACE_MAP, words) ? (uint64_t *)words[0] : nullptr;
}

CHILD static void unmap(struct worker *worker, uint64_t *at, uint64_t pages) {
    if (!invoke3(held(worker, WORKER_VSPACE), VSPACE_UNMAP, (uint64_t)at, pages * PAGE_BYTES, 0)) {
        wrong(worker, WRONG_SETUP, (uint64_t)at, pages);
    }
}

// ---- calls -----------------------------------------------------------------------------------------

CHILD static uint64_t answer_to(uint64_t question) {
    return question * 0x9e37'79b9'7f4a'7c15 + 1;
}

CHILD static void close_all(struct worker *worker, const struct raw_message *message) {
    for (uint32_t i = 0; i < message_handle_count(message->info); i++) {
        close(worker, message_handle(message->words, message->info, i).v);
    }
}

CHILD static void call(struct worker *worker, uint64_t info, uint64_t handle, uint64_t deadline_ns) {
    struct raw_message message;
    message.info = info | 2ull << MESSAGE_ACCEPT_SHIFT;
    for (int i = 0; i < 8; i++) {
        message.words[i] = 0;
    }
    const uint64_t question = message.words[0] = any(worker, UINT32_MAX);
    message.words[6] = handle;
    if (status_ok(raw_syscall(SYS_CALL, held(worker, WORKER_ENDPOINT).v, &message, deadline_ns))) {
        if (message.words[0] != answer_to(question)) {
            wrong(worker, WRONG_ANSWER, message.words[0], answer_to(question));
        }
        close_all(worker, &message);
    }
}

CHILD static void call_plainly(struct worker *worker) {
    for (int i = 0; i < 20; i++) {
        call(worker, 0, 0, DEADLINE_NEVER);
    }
}

CHILD static void call_timed(struct worker *worker) {
    call(worker, any(worker, 2) * 100 << MESSAGE_PAGE_SHIFT, 0, soon(worker));
    struct raw_message message = {};
    (void)raw_syscall(SYS_SEND, held(worker, WORKER_ENDPOINT).v, &message, soon(worker)).code;
}

CHILD static void call_with_handle(struct worker *worker) {
    const handle_t handle = create(worker, ACCOUNT_CREATE_NOTIFICATION, 0);
    const uint64_t moves = any(worker, 2) << 48;
    call(worker, 1ull << MESSAGE_COUNT_SHIFT | moves, handle.v, any(worker, 2) != 0 ? DEADLINE_NEVER : soon(worker));
    close(worker, handle.v); // also if it was moved: then there is no such handle
}

// Answers late, through a reply handle.
CHILD static bool answer_late(struct worker *worker, struct raw_message *message, handle_t thread) {
    uint64_t words[8] = {};
    if (!invoke(thread, THREAD_SAVE_REPLY, words)) {
        return false;
    }
    struct raw_message nothing = {};
    (void)raw_syscall(SYS_YIELD, 0, &nothing, 0).code;
    if (!status_ok(raw_syscall(SYS_SEND, words[0], message, soon(worker)))) {
        close(worker, words[0]);
    }
    return true;
}

CHILD void worker_serve(struct child_page *page) {
    struct worker worker = {.page = page, .state = page->arg[0] | 1};
    struct raw_message message;
    bool answers = false;
    for (;;) {
        message.info = (answers ? message.info & UINT32_MAX : 0) | 4ull << MESSAGE_ACCEPT_SHIFT;
        status_t status = raw_syscall(answers ? SYS_REPLY_RECV : SYS_RECV, held(&worker, WORKER_ENDPOINT).v, &message,
                                      any(&worker, 8) == 0 ? soon(&worker) : DEADLINE_NEVER);
        answers = false;
        __atomic_fetch_add(&page->progress, 1, __ATOMIC_RELEASE);
        if (!status_ok(status)) {
            struct raw_message nothing = {};
            (void)raw_syscall(SYS_YIELD, 0, &nothing, 0).code;
            continue;
        }
        close_all(&worker, &message);
        message.words[0] = answer_to(message.words[0]);
        message.info = 0;
        if (any(&worker, 64) == 0) {
            message.info = 1ull << MESSAGE_COUNT_SHIFT; // goes with it
            message.words[6] = held(&worker, WORKER_NOTIFICATION).v;
        }
        const uint64_t how = any(&worker, 256);
        answers = how != 0 && !(how < 8 && answer_late(&worker, &message, held(&worker, WORKER_THREAD)));
        if (answers && message_handle_count(message.info) != 0) {
            (void)raw_syscall(SYS_REPLY_RECV, 0, &message, DEADLINE_NEVER).code;
            answers = false;
        }
    }
}

// ---- signals and timers ----------------------------------------------------------------------------

CHILD static void signal(struct worker *worker) {
    struct raw_message message = {};
    message.words[0] = 1ull << any(worker, 64);
    (void)raw_syscall(SYS_SIGNAL, held(worker, WORKER_NOTIFICATION).v, &message, 0).code;
}

CHILD static bool wait(handle_t notification, uint64_t deadline_ns) {
    struct raw_message message = {};
    return status_ok(raw_syscall(SYS_WAIT, notification.v, &message, deadline_ns));
}

CHILD static void wait_for_anything(struct worker *worker) {
    (void)wait(held(worker, WORKER_NOTIFICATION), soon(worker));
}

CHILD static void use_timer(struct worker *worker) {
    const handle_t timer = create(worker, ACCOUNT_CREATE_TIMER, 0);
    const handle_t notification = create(worker, ACCOUNT_CREATE_NOTIFICATION, 0);
    uint64_t words[8] = {soon(worker), any(worker, 2) * 100'000, any(worker, 2) * 500'000, notification.v, 1};
    if (invoke(timer, TIMER_SET, words)) {
        (void)wait(notification, soon(worker));
        if (any(worker, 4) != 0 && invoke3(timer, TIMER_CANCEL, 0, 0, 0)) {
            (void)wait(notification, DEADLINE_POLL);
            if (wait(notification, soon(worker))) {
                wrong(worker, WRONG_TIMER, 0, 0);
            }
        }
    }
    close(worker, timer.v);
    close(worker, notification.v);
}

CHILD static void yield(struct worker *) {
    struct raw_message message = {};
    (void)raw_syscall(SYS_YIELD, 0, &message, 0).code;
}

// ---- memory ----------------------------------------------------------------------------------------

constexpr uint64_t PAGE_WORDS = PAGE_BYTES / 8;

CHILD static void use_memory(struct worker *worker) {
    constexpr uint64_t PAGES = 12;
    const handle_t vmo = create(worker, ACCOUNT_CREATE_VMO, PAGES * PAGE_BYTES);
    uint64_t *at = vmo.v == 0 ? nullptr : map(worker, vmo, PAGES);
    if (at == nullptr) {
        close(worker, vmo.v);
        return;
    }
    const uint64_t tag = any(worker, UINT32_MAX) | 1;
    for (uint64_t i = 0; i < PAGES; i++) {
        if (at[i * PAGE_WORDS] != 0) {
            wrong(worker, WRONG_ZERO, at[i * PAGE_WORDS], i);
        }
        at[i * PAGE_WORDS] = tag + i;
    }
    uint64_t words[8] = {0, PAGES * PAGE_BYTES, held(worker, WORKER_ACCOUNT).v};
    if (invoke(vmo, VMO_CLONE, words)) {
        const handle_t clone = {(uint32_t)words[0]};
        uint64_t *copy = map(worker, clone, PAGES);
        for (uint64_t i = 0; copy != nullptr && i < PAGES; i++) {
            if (copy[i * PAGE_WORDS] != tag + i) {
                wrong(worker, WRONG_CLONE, copy[i * PAGE_WORDS], tag + i);
            }
            copy[i * PAGE_WORDS] = ~tag;
        }
        if (copy != nullptr) {
            unmap(worker, copy, PAGES);
        }
        close(worker, clone.v);
    }
    for (uint64_t i = 0; i < PAGES; i++) {
        if (at[i * PAGE_WORDS] != tag + i) {
            wrong(worker, WRONG_MEMORY, at[i * PAGE_WORDS], tag + i);
        }
    }
    close(worker, any(worker, 2) != 0 ? 0 : vmo.v); // the mapping keeps it
    unmap(worker, at, PAGES);
    close(worker, vmo.v);
}

CHILD static void share_memory(struct worker *worker) {
    const handle_t vmo = held(worker, WORKER_VMO), vspace = held(worker, WORKER_VSPACE);
    const uint64_t len = WORKER_VMO_PAGES * PAGE_BYTES;
    uint64_t *at = map(worker, vmo, WORKER_VMO_PAGES);
    if (at == nullptr) {
        return;
    }
    for (int i = 0; i < 10; i++) {
        volatile uint64_t *word = &at[any(worker, WORKER_VMO_PAGES * PAGE_WORDS)];
        *word = *word + 1;
    }
    const uint64_t from = any(worker, WORKER_VMO_PAGES) * PAGE_BYTES;
    switch (any(worker, 4)) {
    case 0: (void)invoke3(vmo, VMO_DECOMMIT, from, len - from, 0); break;
    case 1: (void)invoke3(vmo, VMO_COMMIT, from, len - from, 0); break;
    case 2:
        (void)invoke3(vspace, VSPACE_PROTECT, (uint64_t)at, len, PROT_READ);
        (void)*(volatile uint64_t *)&at[any(worker, WORKER_VMO_PAGES * PAGE_WORDS)];
        break;
    default: break;
    }
    unmap(worker, at, WORKER_VMO_PAGES);
}

// ---- threads ---------------------------------------------------------------------------------------

// Two threads of one process and their memory: page 0 is the one that comes and goes, page 1 this, the rest a stack.
constexpr uint64_t PAIR_PAGES = 4;
struct pair {
    uint64_t gone; // atomic: the last value that was written into page 0 and taken away with it
    uint64_t stop; // atomic
    uint64_t thread;
    uint64_t saw, expected; // when something stale was seen
};

CHILD static void watch_page(uint64_t *page) {
    struct pair *pair = (struct pair *)(page + PAGE_WORDS);
    while (__atomic_load_n(&pair->stop, __ATOMIC_ACQUIRE) == 0) {
        const uint64_t before = __atomic_load_n(&pair->gone, __ATOMIC_ACQUIRE);
        const uint64_t saw = __atomic_load_n(page, __ATOMIC_ACQUIRE);
        const uint64_t after = __atomic_load_n(&pair->gone, __ATOMIC_ACQUIRE);
        if (saw != 0 && (saw <= before || saw > after + 1)) {
            pair->saw = saw;
            pair->expected = after;
        }
    }
    for (;;) {
        uint64_t words[8] = {};
        (void)invoke((handle_t){(uint32_t)__atomic_load_n(&pair->thread, __ATOMIC_ACQUIRE)}, THREAD_EXIT, words);
    }
}

CHILD static void use_two_threads(struct worker *worker) {
    const handle_t vmo = create(worker, ACCOUNT_CREATE_VMO, PAIR_PAGES * PAGE_BYTES);
    uint64_t *page = vmo.v == 0 ? nullptr : map(worker, vmo, PAIR_PAGES);
    if (page == nullptr) {
        close(worker, vmo.v);
        return;
    }
    struct pair *pair = (struct pair *)(page + PAGE_WORDS);
    uint64_t words[8] = {worker->page->arg[2], (uint64_t)(page + PAIR_PAGES * PAGE_WORDS) - 8, (uint64_t)page, 0,
                         BAND_BACKGROUND};
    if (invoke(worker->page->process, PROCESS_CREATE_THREAD, words)) {
        const handle_t thread = {(uint32_t)words[0]};
        __atomic_store_n(&pair->thread, thread.v, __ATOMIC_RELEASE);
        const uint64_t last = any(worker, 40);
        for (uint64_t n = 1; n <= last; n++) {
            __atomic_store_n(page, n, __ATOMIC_RELEASE);
            (void)invoke3(vmo, VMO_DECOMMIT, 0, PAGE_BYTES, 0);
            __atomic_store_n(&pair->gone, n, __ATOMIC_RELEASE);
        }
        __atomic_store_n(&pair->stop, any(worker, 2), __ATOMIC_RELEASE);
        if (pair->stop == 0) {
            (void)invoke3(thread, THREAD_EXIT, 0, 0, 0);
        }
        for (uint64_t state = 0; state != 7;) { // ended
            uint64_t info[8] = {};
            if (!invoke(thread, THREAD_INFO, info)) {
                wrong(worker, WRONG_SETUP, 0, 0);
                break;
            }
            state = info[1];
            yield(worker);
        }
        if (pair->saw != 0) {
            wrong(worker, WRONG_STALE, pair->saw, pair->expected);
        }
        close(worker, thread.v);
    }
    unmap(worker, page, PAIR_PAGES);
    close(worker, vmo.v);
}

// ---- handles and the ring --------------------------------------------------------------------------

CHILD static void use_handles(struct worker *worker) {
    const handle_t process = worker->page->process;
    uint64_t words[8] = {held(worker, WORKER_NOTIFICATION + any(worker, 2)).v, RIGHTS_ALL_BITS};
    if (!invoke(process, PROCESS_HANDLE_COPY, words)) {
        return;
    }
    const uint64_t root = words[0];
    uint64_t last = root;
    for (int i = 0; i < 8; i++) {
        uint64_t again[8] = {any(worker, 2) != 0 ? root : last, RIGHTS_ALL_BITS};
        if (invoke(process, PROCESS_HANDLE_COPY, again)) {
            last = again[0];
        }
    }
    (void)invoke3(process, PROCESS_HANDLE_REVOKE, root, 0, 0);
    close(worker, root);
}

CHILD static void put(struct ring_header *ring, uint32_t index, uint8_t op, uint64_t target, uint64_t deadline_ns) {
    struct ring_entry *entry = (struct ring_entry *)((uint8_t *)ring + ring->entries_offset) + index;
    entry->op = op;
    entry->flags = 0;
    entry->target = (uint32_t)target;
    entry->user_data = index;
    entry->info = op == RING_CALL && index == 2 ? ACCOUNT_INFO : 0;
    entry->deadline_ns = deadline_ns;
    entry->words[0] = index;
}

CHILD static void use_ring(struct worker *worker) {
    uint64_t words[8] = {8, 8, 0, 0, held(worker, WORKER_VSPACE).v, 0};
    if (!invoke(held(worker, WORKER_ACCOUNT), ACCOUNT_CREATE_RING, words)) {
        return;
    }
    const uint64_t handle = words[0];
    struct ring_header *ring = (struct ring_header *)words[1];
    put(ring, 0, RING_CALL, held(worker, WORKER_ENDPOINT).v, DEADLINE_NEVER);
    put(ring, 1, RING_CALL, held(worker, WORKER_ENDPOINT).v, soon(worker));
    put(ring, 2, RING_CALL, held(worker, WORKER_ACCOUNT).v, DEADLINE_NEVER);
    put(ring, 3, RING_WAIT, held(worker, WORKER_NOTIFICATION).v, soon(worker));
    put(ring, 4, RING_TIMEOUT, 0, soon(worker));
    put(ring, 5, RING_NOP, 0, 0);
    put(ring, 6, RING_CANCEL, 0, 0);
    __atomic_store_n(&ring->submission_tail, 7, __ATOMIC_RELEASE);
    struct raw_message message = {.info = 7};
    message.words[0] = any(worker, 8);
    (void)raw_syscall(SYS_RING_ENTER, handle, &message, soon(worker)).code;
    const uint64_t bytes = (ring->buffers_offset + ring->entries * sizeof(struct ring_buffer) + PAGE_BYTES - 1) / PAGE_BYTES;
    close(worker, handle);
    unmap(worker, (uint64_t *)ring, bytes);
}

CHILD void worker_work(struct child_page *page) {
    struct worker worker = {.page = page, .state = page->arg[0] | 1};
    page->arg[2] = (uint64_t)&watch_page;
    for (;;) {
        const uint64_t kind = any(&worker, WORKER_KINDS);
        switch (kind) {
        case 0: call_plainly(&worker); break;
        case 1: call_timed(&worker); break;
        case 2: call_with_handle(&worker); break;
        case 3: signal(&worker); break;
        case 4: wait_for_anything(&worker); break;
        case 5: use_timer(&worker); break;
        case 6: use_memory(&worker); break;
        case 7: share_memory(&worker); break;
        case 8: use_two_threads(&worker); break;
        case 9: use_handles(&worker); break;
        case 10: use_ring(&worker); break;
        default: yield(&worker); break;
        }
        page->result[WORKER_DONE + kind]++;
        __atomic_fetch_add(&page->progress, 1, __ATOMIC_RELEASE);
    }
}
