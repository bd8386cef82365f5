// The trace: what is written down, in which order, and what is not.
#include "abi/trace.h"

#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

constexpr uint64_t BUFFER_BYTES = 64 * 1024;
constexpr uint32_t PROCESSORS_MOST = 64;
constexpr uint32_t KEPT_MOST = 4096;
constexpr uint64_t EVENT_MASK = 0xffull << 56;

static struct peer peer;
static handle_t buffers[PROCESSORS_MOST];
static const struct trace_header *headers[PROCESSORS_MOST];
static uint64_t processors;
static struct trace_record kept[KEPT_MOST];
static uint32_t kept_count;

static bool open_buffers(uint64_t len_bytes) {
    if (!suite_check_status(tess_trace_info(suite.trace, 0, &processors, nullptr, nullptr, nullptr), STATUS_OK,
                            "trace.info", __FILE__, __LINE__)) {
        return false;
    }
    for (uint32_t i = 0; i < processors; i++) {
        uint64_t address = 0;
        if (!suite_check_status(tess_trace_buffer(suite.trace, i, len_bytes, suite.account, &buffers[i]), STATUS_OK,
                                "trace.buffer", __FILE__, __LINE__) ||
            !suite_check_status(tess_vspace_map(suite.vspace, buffers[i], 0, PAGE_BYTES + len_bytes, 0, PROT_READ,
                                                &address),
                                STATUS_OK, "vspace.map", __FILE__, __LINE__)) {
            return false;
        }
        headers[i] = (const void *)address;
    }
    return true;
}

static void close_buffers(uint64_t len_bytes) {
    EXPECT_OK(tess_trace_start(suite.trace, 0));
    EXPECT_OK(tess_trace_stop(suite.trace));
    for (uint32_t i = 0; i < processors; i++) {
        EXPECT_OK(tess_vspace_unmap(suite.vspace, (uint64_t)headers[i], PAGE_BYTES + len_bytes));
        suite_close(buffers[i]);
    }
}

static uint64_t written_bytes(const struct trace_header *header) {
    return header->head_bytes - header->first_bytes;
}

static uint64_t event_of(const struct trace_record *record) {
    return record->event_thread & EVENT_MASK;
}

static uint64_t thread_of(const struct trace_record *record) {
    return record->event_thread & ~EVENT_MASK;
}

// Keeps what all processors wrote, in the order of time: the clocks of all are the same.
static void keep_records(void) {
    uint64_t next[PROCESSORS_MOST];
    kept_count = 0;
    for (uint32_t i = 0; i < processors; i++) {
        next[i] = headers[i]->first_bytes;
    }
    while (kept_count < KEPT_MOST) {
        const struct trace_record *first = nullptr;
        uint32_t from = 0;
        for (uint32_t i = 0; i < processors; i++) {
            const struct trace_header *header = headers[i];
            const uint64_t head = __atomic_load_n(&header->head_bytes, __ATOMIC_ACQUIRE);
            if (head - next[i] > header->mask_bytes + 1) {
                next[i] = head - header->mask_bytes - 1;
            }
            const struct trace_record *record =
                (const void *)((const uint8_t *)header + PAGE_BYTES + (next[i] & header->mask_bytes));
            if (next[i] < head && (first == nullptr || record->counter < first->counter)) {
                first = record;
                from = i;
            }
        }
        if (first == nullptr) {
            return;
        }
        kept[kept_count++] = *first;
        next[from] += sizeof *first;
    }
}

// The first record from `*at` on with this event and, unless 0, thread and argument; null when there is none.
static const struct trace_record *find(uint32_t *at, enum trace_event event, uint64_t thread, uint64_t argument) {
    for (; *at < kept_count; ++*at) {
        const struct trace_record *record = &kept[*at];
        if (event_of(record) == event && (thread == 0 || thread_of(record) == thread) &&
            (argument == 0 || record->argument == argument)) {
            return &kept[(*at)++];
        }
    }
    return nullptr;
}

static uint32_t count_of(enum trace_event event) {
    uint32_t at = 0, count = 0;
    while (find(&at, event, 0, 0) != nullptr) {
        count++;
    }
    return count;
}

static uint64_t thread_koid(handle_t thread) {
    uint64_t koid = 0;
    EXPECT_OK(tess_thread_info(thread, &koid, nullptr, nullptr, nullptr));
    return koid;
}

CASE(trace_buffers_are_for_reading_and_charged) {
    handle_t vmo, notification;
    uint64_t address = 0, before = 0, with = 0, after = 0, zero = 0, done = 0;
    handle_t no_create = suite_copy(suite.account, RIGHTS_ALL_BITS & ~RIGHT_CREATE_BIT);
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    REQUIRE_OK(tess_trace_info(suite.trace, 0, &processors, nullptr, nullptr, nullptr));
    REFUSED(TRACE_INFO, BAD_ARGUMENT, tess_trace_info(suite.trace, processors, nullptr, nullptr, nullptr, nullptr));
    static const uint64_t bad_lengths[] = {0, 1, 2048, 4097, 12'288, 4ull << 20, 1ull << 63};
    for (size_t i = 0; i < sizeof bad_lengths / sizeof bad_lengths[0]; i++) {
        REFUSED(TRACE_BUFFER, BAD_ARGUMENT,
                tess_trace_buffer(suite.trace, 0, bad_lengths[i], suite.account, &vmo));
    }
    REFUSED(TRACE_BUFFER, BAD_ARGUMENT, tess_trace_buffer(suite.trace, processors, 4096, suite.account, &vmo));
    REFUSED(TRACE_BUFFER, BAD_ARGUMENT, tess_trace_buffer(suite.trace, 1ull << 32, 4096, suite.account, &vmo));
    REFUSED(TRACE_BUFFER, BAD_HANDLE, tess_trace_buffer(suite.trace, 0, 4096, (handle_t){0}, &vmo));
    REFUSED(TRACE_BUFFER, WRONG_TYPE, tess_trace_buffer(suite.trace, 0, 4096, notification, &vmo));
    REFUSED(TRACE_BUFFER, NO_RIGHT, tess_trace_buffer(suite.trace, 0, 4096, no_create, &vmo));
    REFUSED(TRACE_START, BAD_ARGUMENT, tess_trace_start(suite.trace, 1ull << TRACE_CLASSES));
    REFUSED(TRACE_START, BAD_ARGUMENT, tess_trace_start(suite.trace, UINT64_MAX));
    handle_t poor;
    REQUIRE_OK(tess_account_create_account(suite.account, 16 * PAGE_BYTES, &poor));
    REFUSED(TRACE_BUFFER, NO_MEMORY, tess_trace_buffer(suite.trace, 0, 1 << 20, poor, &vmo));
    REQUIRE_OK(tess_account_info(poor, nullptr, &before, nullptr, nullptr));
    REQUIRE_OK(tess_trace_buffer(suite.trace, 0, 4096, poor, &vmo));
    REQUIRE_OK(tess_account_info(poor, nullptr, &with, nullptr, nullptr));
    EXPECT(with >= before + 2 * PAGE_BYTES);
    // Nobody but the kernel writes to it, by any way.
    EXPECT_STATUS(NO_RIGHT, tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &address));
    EXPECT_STATUS(NO_RIGHT, tess_vmo_write(vmo, 0, (uint64_t)&zero, sizeof zero, &done));
    // The trace keeps it without a handle, and lets go of it when told.
    suite_close(vmo);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    REQUIRE_OK(tess_account_info(poor, nullptr, &after, nullptr, nullptr));
    EXPECT_EQ(after, with);
    REQUIRE_OK(tess_trace_buffer(suite.trace, 0, 4096, suite.account, &vmo)); // in its place
    suite_close(vmo);
    REQUIRE(suite_settled(&system));
    REQUIRE_OK(tess_account_info(poor, nullptr, &after, nullptr, nullptr));
    EXPECT_EQ(after, before);
    EXPECT_OK(tess_trace_stop(suite.trace));
    suite_close(poor);
    suite_close(notification);
    suite_close(no_create);
}

static void answer_calls(struct peer *self) {
    struct tess_message message = {};
    self->status = tess_recv(self->handle[0], &message, DEADLINE_NEVER);
    while (status_ok(self->status) && message_label(message.info) != 0) {
        if (self->handle[1].v != 0) { // asks another before it answers
            struct tess_message onward = {.info = message.info & 0xff};
            self->status = tess_call(self->handle[1], &onward, DEADLINE_NEVER);
        }
        message = (struct tess_message){};
        self->status = tess_reply_recv(self->handle[0], &message, DEADLINE_NEVER);
    }
    message = (struct tess_message){};
    self->status = tess_reply(&message);
}

static void stop_peer(struct peer *each) {
    struct tess_message stop = {};
    EXPECT_OK(tess_call(each->handle[0], &stop, suite_after_ms(1000)));
    EXPECT(peer_join(each));
}

CASE(trace_follows_a_request_from_thread_to_thread) {
    static struct peer front, back;
    handle_t endpoint, behind;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &behind));
    back = (struct peer){.handle = {behind}};
    front = (struct peer){.handle = {endpoint, behind}};
    REQUIRE(peer_start(&back, 0, PEER_WITHOUT_PAGE, answer_calls));
    REQUIRE(peer_start(&front, 1, PEER_WITHOUT_PAGE, answer_calls));
    REQUIRE(peer_await_blocked(&back) && peer_await_blocked(&front));
    const uint64_t self = thread_koid(suite.thread), first = thread_koid(front.thread), last = thread_koid(back.thread);
    REQUIRE(open_buffers(BUFFER_BYTES));
    EXPECT_OK(tess_trace_start(suite.trace, 1 << TRACE_IPC));
    // Each in both ways: straight to a server that waits, and the general way, which a deadline takes.
    for (uint32_t round = 0; round < 4; round++) {
        struct tess_message message = {.info = 1};
        EXPECT_OK(tess_call(endpoint, &message, round % 2 == 0 ? DEADLINE_NEVER : suite_after_ms(1000)));
    }
    EXPECT_OK(tess_trace_start(suite.trace, 0));
    keep_records();
    uint32_t at = 0;
    uint64_t before = 0;
    for (uint32_t round = 0; round < 4; round++) {
        const struct trace_record *call = nullptr, *onward = nullptr, *answer = nullptr, *end = nullptr;
        for (; at < kept_count && end == nullptr; at++) {
            const struct trace_record *record = &kept[at];
            const uint64_t event = event_of(record), thread = thread_of(record);
            if ((event == TRACE_CALL || event == TRACE_CALL_DIRECT) && thread == self && call == nullptr) {
                call = record;
            } else if ((event == TRACE_CALL || event == TRACE_CALL_DIRECT) && thread == first) {
                onward = record;
            } else if ((event == TRACE_REPLY || event == TRACE_REPLY_DIRECT) && thread == last) {
                answer = record;
            } else if ((event == TRACE_REPLY || event == TRACE_REPLY_DIRECT) && thread == first) {
                end = record;
            }
        }
        REQUIRE(call != nullptr && onward != nullptr && answer != nullptr && end != nullptr);
        EXPECT(call->causal != before); // a request of its own
        EXPECT_EQ(call->causal & 1, 0);
        EXPECT_EQ(onward->causal, call->causal | 1);
        EXPECT_EQ(answer->causal, call->causal | 1);
        EXPECT_EQ(end->causal, call->causal | 1);
        EXPECT_EQ(answer->argument, first);
        EXPECT_EQ(end->argument, self);
        before = call->causal;
    }
    close_buffers(BUFFER_BYTES);
    stop_peer(&front);
    stop_peer(&back);
    suite_close(behind);
    suite_close(endpoint);
}

CASE(trace_gives_each_request_a_number_of_its_own) {
    constexpr uint32_t ROUNDS = 3;
    uint64_t numbers[ROUNDS * PROCESSORS_MOST];
    uint32_t count = 0;
    handle_t endpoint;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    peer = (struct peer){.handle = {endpoint}};
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, answer_calls));
    REQUIRE(open_buffers(BUFFER_BYTES));
    EXPECT_OK(tess_trace_start(suite.trace, 1 << TRACE_IPC));
    for (uint32_t i = 0; i < processors * ROUNDS; i++) { // from each processor
        EXPECT_OK(tess_thread_set_affinity(suite.thread, 1ull << i % processors));
        tess_yield(); // it is there now
        struct tess_message message = {.info = 1};
        EXPECT_OK(tess_call(endpoint, &message, suite_after_ms(1000)));
    }
    EXPECT_OK(tess_trace_start(suite.trace, 0));
    EXPECT_OK(tess_thread_set_affinity(suite.thread, UINT64_MAX));
    keep_records();
    const uint64_t self = thread_koid(suite.thread);
    for (uint32_t at = 0; find(&at, TRACE_CALL, self, 0) != nullptr && count < processors * ROUNDS;) {
        numbers[count] = kept[at - 1].causal;
        for (uint32_t i = 0; i < count; i++) {
            EXPECT(numbers[i] != numbers[count]);
        }
        count++;
    }
    EXPECT_EQ(count, processors * ROUNDS);
    close_buffers(BUFFER_BYTES);
    stop_peer(&peer);
    suite_close(endpoint);
}

static void wait_for_bits(struct peer *self) {
    self->status = tess_wait(self->handle[0], &self->result[0], DEADLINE_NEVER);
}

CASE(trace_has_waits_switches_faults_and_ends) {
    struct child child;
    handle_t notification, copy = {};
    uint64_t address = 0, own = 0, grandchild = 0, timed = 0, word = 0;
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    REQUIRE_OK(tess_process_info(suite.process, &own, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
    REQUIRE(open_buffers(BUFFER_BYTES));
    EXPECT_OK(tess_trace_start(suite.trace, (1 << TRACE_CLASSES) - 1));
    // A thread that waits, and is woken.
    peer = (struct peer){.handle = {notification}};
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, wait_for_bits));
    REQUIRE(peer_await_blocked(&peer));
    const uint64_t waiter = thread_koid(peer.thread), self = thread_koid(suite.thread);
    EXPECT_OK(tess_signal(notification, 4));
    REQUIRE(peer_join(&peer));
    EXPECT_STATUS(TIMED_OUT, tess_wait(notification, &timed, suite_after_ms(2))); // an interrupt ends it
    // A page that comes when it is touched.
    handle_t vmo;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &address));
    *(volatile uint8_t *)address = 1;
    // A handle that goes to another process, comes to nothing there, and the end of that process.
    REQUIRE(child_create(&child, suite.account));
    REQUIRE_OK(tess_process_info(child.process, &grandchild, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
    copy = suite_copy(notification, RIGHTS_ALL_BITS);
    REQUIRE_OK(tess_process_grant(child.process, copy, RIGHTS_ALL_BITS, 0, &word));
    EXPECT_OK(tess_process_handle_revoke(suite.process, copy.v, false));
    child_destroy(&child);
    EXPECT_OK(tess_trace_start(suite.trace, 0));
    keep_records();

    uint32_t at = 0;
    EXPECT(find(&at, TRACE_THREAD_START, waiter, own) != nullptr);
    EXPECT(find(&at, TRACE_SWITCH, waiter, 0) != nullptr);
    EXPECT(find(&at, TRACE_SIGNAL, waiter, 0) != nullptr);
    EXPECT(find(&at, TRACE_WAKE, waiter, 0) != nullptr || processors > 1); // 0 is a processor, too
    EXPECT(find(&at, TRACE_SWITCH, waiter, 0) != nullptr);
    at = 0;
    EXPECT(find(&at, TRACE_THREAD_EXIT, waiter, own) != nullptr);
    at = 0;
    EXPECT(find(&at, TRACE_FAIL, self, STATUS_CODE_TIMED_OUT) != nullptr);
    EXPECT(count_of(TRACE_INTERRUPT_IN) > 0);
    at = 0;
    EXPECT(find(&at, TRACE_FAULT_IN, self, address) != nullptr);
    const struct trace_record *out = find(&at, TRACE_FAULT_OUT, self, 0);
    EXPECT(out != nullptr && out->argument == 0);
    uint64_t next = 0;
    const struct trace_record *record = nullptr;
    for (at = 0; next != (own << 32 | grandchild) && find(&at, TRACE_HANDLE_COPY, self, 0) != nullptr;) {
        record = &kept[at - 1];
        next = at < kept_count && event_of(&kept[at]) == TRACE_HANDLE_WAY ? kept[at].argument : 0;
    }
    EXPECT_EQ(next, own << 32 | grandchild);
    EXPECT(record != nullptr && find(&at, TRACE_REVOKE_IN, self, record->argument) != nullptr);
    EXPECT(find(&at, TRACE_REVOKE_OUT, self, 1) != nullptr);
    for (uint32_t i = 0; i < processors; i++) {
        uint64_t counter = 0;
        bool inside = false, first = true; // of an interrupt; tracing may begin and end in another processor's
        for (uint64_t n = 0; n < written_bytes(headers[i]); n += sizeof(struct trace_record)) {
            const struct trace_record *each = (const void *)((const uint8_t *)headers[i] + PAGE_BYTES + n);
            EXPECT(each->counter >= counter);
            counter = each->counter;
            const uint64_t event = event_of(each);
            if (event == TRACE_INTERRUPT_IN || event == TRACE_INTERRUPT_OUT) {
                EXPECT(first || inside == (event == TRACE_INTERRUPT_OUT));
                inside = event == TRACE_INTERRUPT_IN;
                first = false;
            }
        }
    }
    close_buffers(BUFFER_BYTES);
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address, PAGE_BYTES));
    suite_close(vmo);
    suite_close(copy);
    suite_close(notification);
}

CASE(trace_says_what_it_lost_and_writes_nothing_when_off) {
    uint64_t classes = 0, written = 0, lost = 0, again = 0;
    REQUIRE(open_buffers(PAGE_BYTES));
    EXPECT_EQ(headers[0]->magic, TRACE_MAGIC);
    EXPECT_EQ(headers[0]->record_bytes, sizeof(struct trace_record));
    EXPECT_EQ(headers[0]->mask_bytes, PAGE_BYTES - 1);
    EXPECT_OK(tess_trace_start(suite.trace, 1 << TRACE_HANDLE));
    for (uint32_t i = 0; i < 100; i++) { // two records each
        handle_t copy = suite_copy(suite.trace, RIGHTS_ALL_BITS);
        EXPECT_OK(tess_process_handle_revoke(suite.process, copy.v, false));
        suite_close(copy);
    }
    EXPECT_OK(tess_trace_start(suite.trace, 0));
    constexpr uint64_t ROOM = PAGE_BYTES / sizeof(struct trace_record);
    for (uint64_t i = 0; i < processors; i++) {
        uint64_t here = 0;
        EXPECT_OK(tess_trace_info(suite.trace, i, nullptr, &classes, &here, &lost));
        EXPECT_EQ(here, written_bytes(headers[i]) / sizeof(struct trace_record));
        EXPECT_EQ(lost, here < ROOM ? 0 : here - ROOM);
        written += here;
    }
    EXPECT(written >= 200);
    handle_t copy = suite_copy(suite.trace, RIGHTS_ALL_BITS);
    EXPECT_OK(tess_process_handle_revoke(suite.process, copy.v, false));
    suite_close(copy);
    for (uint64_t i = 0; i < processors; i++) {
        again += written_bytes(headers[i]) / sizeof(struct trace_record);
    }
    EXPECT_EQ(classes, 0);
    EXPECT_EQ(again, written);
    close_buffers(PAGE_BYTES);
}
