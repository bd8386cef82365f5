// Memory whose pages a program supplies: who is asked, what comes, what is written back, and what becomes of those who
// wait when nothing comes. Mostly the suite is the pager, and peers or a child use the memory.
#include "lib/tess/ring.h"
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

constexpr uint64_t RW = PROT_READ | PROT_WRITE;
constexpr uint64_t KEY = 0x6b6579;
constexpr uint64_t BADGE = 4711;
constexpr uint64_t CHILD_FILE = 0x5000'0000; // where children see the memory
constexpr uint64_t REFUSAL = 1;

struct file {
    handle_t endpoint, vmo;
    handle_t scratch; // what pages are supplied from
    volatile uint8_t *place;
    uint64_t pages;
};

static uint64_t address_of(const volatile void *pointer) {
    return (uint64_t)(uintptr_t)pointer;
}

// Page n of the file begins with this.
static uint64_t contents_of(uint64_t page) {
    return page * 0x1'0001 + 0x5a5a'0000'0000;
}

static uint64_t word_at(const struct file *file, uint64_t page) {
    return *(volatile uint64_t *)(uintptr_t)(address_of(file->place) + page * PAGE_BYTES);
}

static bool file_open(struct file *file, handle_t account, uint64_t pages) {
    uint64_t address = 0;
    *file = (struct file){.pages = pages};
    EXPECT_OK(tess_account_create_endpoint(suite.account, 0, &file->endpoint));
    EXPECT_OK(tess_account_create_vmo(suite.account, pages * PAGE_BYTES, &file->scratch));
    handle_t badged = suite_mint(file->endpoint, RIGHT_SEND_BIT, BADGE);
    EXPECT_OK(tess_account_create_pager_vmo(account, pages * PAGE_BYTES, badged, KEY, &file->vmo));
    suite_close(badged);
    EXPECT_OK(tess_vspace_map(suite.vspace, file->vmo, 0, pages * PAGE_BYTES, 0, RW, &address));
    file->place = (volatile uint8_t *)(uintptr_t)address;
    return address != 0;
}

static void file_close(struct file *file) {
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address_of(file->place), file->pages * PAGE_BYTES));
    suite_close(file->vmo);
    suite_close(file->scratch);
    if (file->endpoint.v != 0) {
        suite_close(file->endpoint);
    }
}

// Supplies pages [first, end) with their contents.
static void supply(const struct file *file, uint64_t first, uint64_t end) {
    for (uint64_t page = first; page < end; page++) {
        const uint64_t word = contents_of(page);
        EXPECT_OK(tess_vmo_write(file->scratch, page * PAGE_BYTES, address_of(&word), sizeof word, nullptr));
    }
    EXPECT_OK(tess_vmo_supply(file->vmo, first * PAGE_BYTES, (end - first) * PAGE_BYTES, file->scratch, first * PAGE_BYTES));
}

// Takes one request; UINT64_MAX and a failure when none comes.
static uint64_t request(const struct file *file) {
    struct tess_message message = {};
    if (!suite_check_status(tess_recv(file->endpoint, &message, suite_after_ms(2000)), STATUS_OK, "a page is asked for",
                            __FILE__, __LINE__)) {
        return UINT64_MAX;
    }
    EXPECT_EQ(message.badge, BADGE);
    EXPECT_EQ(message.info & MESSAGE_FAULT, MESSAGE_FAULT);
    EXPECT_EQ(message.info & UINT32_MAX, FAULT_ABSENT);
    EXPECT_EQ(message.words[PAGE_REQUEST_KIND], FAULT_NONE);
    EXPECT_EQ(message.words[PAGE_REQUEST_KEY], KEY);
    EXPECT_EQ(message.words[PAGE_REQUEST_LEN], PAGE_BYTES);
    EXPECT_EQ(message.words[PAGE_REQUEST_OFFSET] % PAGE_BYTES, 0);
    return message.words[PAGE_REQUEST_OFFSET] / PAGE_BYTES;
}

static void answer(uint64_t label) {
    EXPECT_OK(tess_reply(&(struct tess_message){.info = label}));
}

static bool nothing_is_asked(const struct file *file) {
    return status_is(tess_recv(file->endpoint, &(struct tess_message){}, DEADLINE_POLL), STATUS_TIMED_OUT);
}

// ---- Supplying ----

CHILD static void sum_the_pages(struct child_page *page) {
    for (uint64_t i = page->arg[0]; i < page->arg[1]; i++) {
        page->result[0] += *(volatile uint64_t *)(CHILD_FILE + i * PAGE_BYTES);
        page->progress++;
    }
    raw_exit(page->process, 3);
}

CASE(a_pager_serves_another_process) {
    constexpr uint64_t PAGES = 200; // more than one step supplies
    struct file file;
    struct child child;
    struct exit_record record = {};
    uint64_t at = 0, sum = 0;
    REQUIRE(file_open(&file, suite.account, PAGES));
    REQUIRE(child_create(&child, suite.account));
    REQUIRE_OK(tess_vspace_map(child.vspace, file.vmo, 0, PAGES * PAGE_BYTES, CHILD_FILE, RW, &at));
    child.page->arg[0] = 3;
    child.page->arg[1] = PAGES;
    REQUIRE(child_start(&child, sum_the_pages));
    EXPECT_EQ(request(&file), 3);
    supply(&file, 3, 4); // this one alone
    answer(0);
    EXPECT_EQ(request(&file), 4);
    supply(&file, 2, PAGES); // and all that will be wanted; what is there already stays
    answer(0);
    REQUIRE(child_await_exit(&child, 2000));
    REQUIRE(child_exit_record(&child, &record));
    EXPECT_EQ(record.kind, EXIT_NORMAL);
    for (uint64_t page = 3; page < PAGES; page++) {
        sum += contents_of(page);
    }
    EXPECT_EQ(child_result(&child, 0), sum);
    EXPECT(nothing_is_asked(&file));
    uint64_t committed = 0;
    EXPECT_OK(tess_vmo_info(file.vmo, nullptr, &committed));
    EXPECT_EQ(committed, (PAGES - 2) * PAGE_BYTES);
    EXPECT_OK(tess_vmo_info(file.scratch, nullptr, &committed)); // it lost them all
    EXPECT_EQ(committed, 0);
    // Clean pages can be taken away, and are asked for again.
    EXPECT_OK(tess_vmo_decommit(file.vmo, 0, PAGES * PAGE_BYTES));
    EXPECT_OK(tess_vmo_info(file.vmo, nullptr, &committed));
    EXPECT_EQ(committed, 0);
    child_destroy(&child);
    file_close(&file);
}

CASE(a_pager_is_created_and_used_as_documented) {
    struct file file;
    handle_t vmo, other;
    REQUIRE(file_open(&file, suite.account, 8));
    handle_t no_send = suite_copy(file.endpoint, RIGHTS_ALL_BITS & ~RIGHT_SEND_BIT);
    handle_t no_write = suite_copy(file.scratch, RIGHT_READ_BIT | RIGHT_MAP_BIT);
    REFUSED(ACCOUNT_CREATE_PAGER_VMO, BAD_HANDLE,
            tess_account_create_pager_vmo(suite.account, PAGE_BYTES, (handle_t){0}, 0, &vmo));
    REFUSED(ACCOUNT_CREATE_PAGER_VMO, WRONG_TYPE,
            tess_account_create_pager_vmo(suite.account, PAGE_BYTES, suite.account, 0, &vmo));
    REFUSED(ACCOUNT_CREATE_PAGER_VMO, NO_RIGHT,
            tess_account_create_pager_vmo(suite.account, PAGE_BYTES, no_send, 0, &vmo));
    REFUSED(ACCOUNT_CREATE_PAGER_VMO, BAD_ARGUMENT,
            tess_account_create_pager_vmo(suite.account, 0, file.endpoint, 0, &vmo));
    REFUSED(VMO_COMMIT, BAD_STATE, tess_vmo_commit(file.vmo, 0, PAGE_BYTES));
    // Supply.
    EXPECT_STATUS(NO_RIGHT, tess_vmo_supply(file.scratch, 0, PAGE_BYTES, file.scratch, 0)); // it has no pager
    REFUSED(VMO_SUPPLY, BAD_HANDLE, tess_vmo_supply(file.vmo, 0, PAGE_BYTES, (handle_t){0}, 0));
    REFUSED(VMO_SUPPLY, WRONG_TYPE, tess_vmo_supply(file.vmo, 0, PAGE_BYTES, suite.account, 0));
    REFUSED(VMO_SUPPLY, NO_RIGHT, tess_vmo_supply(file.vmo, 0, PAGE_BYTES, no_write, 0));
    REFUSED(VMO_SUPPLY, BAD_ARGUMENT, tess_vmo_supply(file.vmo, 1, PAGE_BYTES, file.scratch, 0));
    REFUSED(VMO_SUPPLY, BAD_ARGUMENT, tess_vmo_supply(file.vmo, 0, 9 * PAGE_BYTES, file.scratch, 0));
    REFUSED(VMO_SUPPLY, BAD_ARGUMENT, tess_vmo_supply(file.vmo, 0, 2 * PAGE_BYTES, file.scratch, 7 * PAGE_BYTES));
    REFUSED(VMO_SUPPLY, BAD_ARGUMENT, tess_vmo_supply(file.vmo, 0, PAGE_BYTES, file.vmo, 0));
    REQUIRE_OK(tess_account_create_contiguous_vmo(suite.account, PAGE_BYTES, &other));
    REFUSED(VMO_SUPPLY, BAD_ARGUMENT, tess_vmo_supply(file.vmo, 0, PAGE_BYTES, other, 0));
    suite_close(other);
    // A page that was never written is zero; one that is shared keeps what it is for the others.
    uint64_t word = 99;
    EXPECT_OK(tess_vmo_write(file.scratch, PAGE_BYTES, address_of(&word), sizeof word, nullptr));
    REQUIRE_OK(tess_vmo_clone(file.scratch, 0, 2 * PAGE_BYTES, suite.account, &other));
    EXPECT_OK(tess_vmo_supply(file.vmo, 0, 2 * PAGE_BYTES, file.scratch, 0));
    EXPECT_EQ(word_at(&file, 0), 0);
    EXPECT_EQ(word_at(&file, 1), 99);
    file.place[PAGE_BYTES] = 1;
    EXPECT_OK(tess_vmo_read(other, PAGE_BYTES, address_of(&word), sizeof word, nullptr));
    EXPECT_EQ(word, 99);
    EXPECT_OK(tess_vmo_read(file.scratch, PAGE_BYTES, address_of(&word), sizeof word, nullptr));
    EXPECT_EQ(word, 0);
    suite_close(other);
    // The other methods of the pager.
    uint64_t at, len;
    REFUSED(VMO_NEXT_DIRTY, BAD_ARGUMENT, tess_vmo_next_dirty(file.vmo, 1, &at, &len));
    EXPECT_OK(tess_vmo_next_dirty(file.vmo, UINT64_MAX - 4095, &at, &len));
    EXPECT_EQ(len, 0);
    REFUSED(VMO_WRITE_BACK, BAD_ARGUMENT, tess_vmo_write_back(file.vmo, PAGE_BYTES, 8 * PAGE_BYTES));
    handle_t client = suite_copy(file.vmo, RIGHTS_ALL_BITS & ~RIGHT_MANAGE_BIT);
    EXPECT_STATUS(NO_RIGHT, tess_vmo_supply(client, 0, PAGE_BYTES, file.scratch, 0));
    EXPECT_STATUS(NO_RIGHT, tess_vmo_detach(client));
    suite_close(client);
    suite_close(no_send);
    suite_close(no_write);
    file_close(&file);
}

CASE(a_supply_that_cannot_be_paid_for) {
    struct file file;
    handle_t account;
    REQUIRE_OK(tess_account_create_account(suite.account, 128 * 1024, &account));
    REQUIRE(file_open(&file, account, 64));
    REFUSED(VMO_SUPPLY, NO_MEMORY, tess_vmo_supply(file.vmo, 0, 64 * PAGE_BYTES, file.scratch, 0));
    EXPECT_EQ(word_at(&file, 0), 0); // what came first stays
    file_close(&file);
    suite_close(account);
}

static void read_words(struct peer *self) {
    const struct file *file = (const struct file *)(uintptr_t)self->arg[0];
    for (uint64_t page = 0; page < file->pages; page++) {
        self->result[0] += word_at(file, page);
    }
}

// All processors want the same pages at the same time.
CASE(a_page_that_many_wait_for_comes_to_all) {
    constexpr uint64_t PAGES = 24;
    struct file file;
    struct peer peers[PEER_COUNT] = {};
    uint64_t sum = 0;
    REQUIRE(file_open(&file, suite.account, PAGES));
    for (uint32_t i = 0; i < PEER_COUNT; i++) {
        peers[i].arg[0] = address_of(&file);
        REQUIRE(peer_start(&peers[i], i, PEER_WITHOUT_PAGE, read_words));
    }
    for (uint64_t next = 0; next < PAGES;) {
        const uint64_t wanted = request(&file);
        REQUIRE(wanted < PAGES);
        if (wanted == next) { // else a late one: it is there
            supply(&file, next, next + 1);
            sum += contents_of(next++);
        }
        answer(0);
    }
    uint64_t end = suite_after_ms(2000);
    for (uint32_t i = 0; i < PEER_COUNT; i++) {
        while (__atomic_load_n(&peers[i].done, __ATOMIC_ACQUIRE) == 0 && suite_now_ns() < end) {
            if (status_ok(tess_recv(file.endpoint, &(struct tess_message){}, suite_after_ms(1)))) {
                answer(0);
            }
        }
        REQUIRE(peer_join(&peers[i]));
        EXPECT_EQ(peers[i].result[0], sum);
    }
    file_close(&file);
}

// ---- System calls that need a page ----

static void read_it(struct peer *self) {
    struct tess_message message = {.info = VMO_READ, .words = {self->arg[0], address_of(&self->result[0]), 8}};
    self->status = tess_call(self->handle[0], &message, self->arg[1]);
    self->result[1] = message.words[0];
}

static bool reader_start(struct peer *peer, const struct file *file, uint64_t page, uint64_t deadline_ns) {
    *peer = (struct peer){.handle = {file->vmo}, .arg = {page * PAGE_BYTES, deadline_ns}};
    return peer_start(peer, 0, PEER_WITHOUT_PAGE, read_it);
}

CASE(read_and_write_wait_for_pages) {
    struct file file;
    struct peer peer;
    REQUIRE(file_open(&file, suite.account, 8));
    REQUIRE(reader_start(&peer, &file, 5, suite_after_ms(5000)));
    EXPECT_EQ(request(&file), 5);
    supply(&file, 5, 6);
    answer(0);
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    EXPECT_EQ(peer.result[0], contents_of(5));
    EXPECT_EQ(peer.result[1], 8);
    // A request that is refused, too late, taken back, or dropped.
    uint64_t word = 1234;
    handle_t plain;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &plain));
    for (uint32_t i = 0; i < 3; i++) {
        static const status_t ends[] = {STATUS_PEER_DIED, STATUS_TIMED_OUT, STATUS_CANCELED};
        REQUIRE(reader_start(&peer, &file, 6, i == 1 ? suite_after_ms(20) : DEADLINE_NEVER));
        EXPECT_EQ(request(&file), 6);
        if (i == 0) {
            answer(REFUSAL);
        } else if (i == 2) {
            EXPECT_OK(tess_thread_cancel(peer.thread));
        }
        REQUIRE(peer_join(&peer));
        EXPECT_EQ(peer.status.code, ends[i].code);
        suite_note(OP_VMO_READ, peer.status);
    }
    REQUIRE(reader_start(&peer, &file, 6, DEADLINE_NEVER));
    EXPECT_EQ(request(&file), 6);
    EXPECT_EQ(request(&file), 6); // receiving again drops it, and it is asked for again
    supply(&file, 6, 7);
    answer(0);
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    // A call that must not wait at all.
    struct tess_message message = {.info = VMO_WRITE, .words = {7 * PAGE_BYTES, address_of(&word), 8}};
    REFUSED(VMO_WRITE, TIMED_OUT, tess_call(file.vmo, &message, DEADLINE_POLL));
    EXPECT_OK(tess_vmo_detach(file.vmo));
    REFUSED(VMO_WRITE, PEER_DIED, tess_vmo_write(file.vmo, 7 * PAGE_BYTES, address_of(&word), 8, nullptr));
    REFUSED(VMO_READ, PEER_DIED, tess_vmo_read(plain, 0, address_of(file.place) + 7 * PAGE_BYTES, 8, nullptr));
    EXPECT_OK(tess_vmo_write(file.vmo, 6 * PAGE_BYTES, address_of(&word), 8, nullptr));
    EXPECT_EQ(word_at(&file, 6), 1234);
    suite_close(plain);
    file_close(&file);
}

// No thread can wait on an entry's behalf: it completes TIMED_OUT, and asks nobody.
CASE(a_ring_does_not_wait_for_pages) {
    struct file file;
    struct tess_ring ring;
    struct ring_completion completion = {};
    uint64_t word = 0;
    REQUIRE(file_open(&file, suite.account, 1));
    REQUIRE_OK(tess_ring_create(4, 2, 0, &ring));
    for (uint64_t there = 0; there < 2; there++) {
        struct ring_entry read = tess_ring_call(file.vmo, VMO_READ, there);
        read.words[1] = address_of(&word);
        read.words[2] = sizeof word;
        (void)tess_ring_put(&ring, read);
        EXPECT_OK(tess_ring_enter(&ring, 1, suite_after_ms(2000)));
        EXPECT(tess_ring_next(&ring, &completion));
        EXPECT_EQ(completion.user_data, there);
        EXPECT_EQ(completion.status, there == 0 ? STATUS_TIMED_OUT.code : STATUS_OK.code);
        EXPECT(nothing_is_asked(&file));
        if (there == 0) {
            supply(&file, 0, 1);
        }
    }
    EXPECT_EQ(word, contents_of(0));
    tess_ring_destroy(&ring);
    file_close(&file);
}

static void write_it(struct peer *self) {
    struct tess_message message = {.info = VMO_WRITE, .words = {self->arg[0], self->arg[1], 8}};
    self->status = tess_call(self->handle[0], &message, DEADLINE_NEVER);
}

CASE(write_can_be_taken_back_and_its_source_may_be_absent) {
    struct file file;
    handle_t plain;
    struct peer peer = {};
    uint64_t word = 0;
    REQUIRE(file_open(&file, suite.account, 8));
    peer = (struct peer){.handle = {file.vmo}, .arg = {0, address_of(&word)}};
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, write_it));
    EXPECT_EQ(request(&file), 0);
    EXPECT_OK(tess_thread_cancel(peer.thread));
    REQUIRE(peer_join(&peer));
    REFUSED(VMO_WRITE, CANCELED, peer.status);
    // What is written comes from memory that is waited for, too.
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &plain));
    peer = (struct peer){.handle = {plain}, .arg = {0, address_of(file.place) + PAGE_BYTES}};
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, write_it));
    EXPECT_EQ(request(&file), 1);
    supply(&file, 1, 2);
    answer(0);
    REQUIRE(peer_join(&peer));
    EXPECT_OK(peer.status);
    EXPECT_OK(tess_vmo_read(plain, 0, address_of(&word), 8, nullptr));
    EXPECT_EQ(word, contents_of(1));
    suite_close(plain);
    file_close(&file);
}

// ---- Pages that do not come ----

enum ending { REFUSED_BY_PAGER, DETACHED, ENDPOINT_CLOSED_BEFORE, ENDPOINT_CLOSED_AFTER, CANCELED, ENDINGS };

CASE(a_page_that_does_not_come_is_a_fault_of_its_own) {
    for (uint32_t how = 0; how < ENDINGS; how++) {
        struct file file;
        struct child child;
        struct exit_record record = {};
        uint64_t at = 0;
        REQUIRE(file_open(&file, suite.account, 8));
        REQUIRE(child_create(&child, suite.account));
        REQUIRE_OK(tess_vspace_map(child.vspace, file.vmo, 0, 8 * PAGE_BYTES, CHILD_FILE, RW, &at));
        child.page->arg[0] = 2;
        child.page->arg[1] = 8;
        if (how == ENDPOINT_CLOSED_BEFORE) {
            suite_close(file.endpoint);
            file.endpoint = (handle_t){};
        } else if (how == DETACHED) {
            EXPECT_OK(tess_vmo_detach(file.vmo));
        }
        REQUIRE(child_start(&child, sum_the_pages));
        if (how == REFUSED_BY_PAGER || how == CANCELED || how == ENDPOINT_CLOSED_AFTER) {
            EXPECT_EQ(request(&file), 2);
        }
        if (how == REFUSED_BY_PAGER) {
            answer(REFUSAL);
        } else if (how == CANCELED) {
            EXPECT_OK(tess_thread_cancel(child.thread));
        } else if (how == ENDPOINT_CLOSED_AFTER) {
            suite_close(file.endpoint);
            file.endpoint = (handle_t){};
            handle_t reply;
            REQUIRE_OK(tess_thread_save_reply(suite.thread, &reply)); // nobody can answer any more
            suite_close(reply);
        }
        REQUIRE(child_await_exit(&child, 2000));
        REQUIRE(child_exit_record(&child, &record));
        suite_check_eq(record.kind, EXIT_FAULT, "the end", __FILE__, (int)how);
        suite_check_eq(record.fault_kind, FAULT_ABSENT, "the fault", __FILE__, (int)how);
        suite_check_eq(record.fault_address, CHILD_FILE + 2 * PAGE_BYTES, "the address", __FILE__, (int)how);
        child_destroy(&child);
        file_close(&file);
    }
}

CHILD static void receive_and_die(struct child_page *page) {
    struct raw_message message = {};
    page->result[0] = raw_syscall(SYS_RECV, page->handle[0].v, &message, DEADLINE_NEVER).code;
    page->result[1] = message.words[PAGE_REQUEST_OFFSET];
    raw_exit(page->process, 9);
}

// The pager's process ends while threads wait for it: with it goes the last right to receive.
CASE(a_pager_that_dies_leaves_nobody_waiting) {
    struct file file;
    struct child pager, clients[3];
    struct exit_record record = {};
    uint64_t at = 0;
    REQUIRE(file_open(&file, suite.account, 8));
    REQUIRE(child_create(&pager, suite.account));
    REQUIRE(child_grant(&pager, file.endpoint, RIGHT_RECEIVE_BIT));
    suite_close(file.endpoint);
    file.endpoint = (handle_t){};
    for (uint32_t i = 0; i < 3; i++) {
        REQUIRE(child_create(&clients[i], suite.account));
        REQUIRE_OK(tess_vspace_map(clients[i].vspace, file.vmo, 0, 8 * PAGE_BYTES, CHILD_FILE, RW, &at));
        clients[i].page->arg[0] = i;
        clients[i].page->arg[1] = 8;
        REQUIRE(child_start(&clients[i], sum_the_pages));
    }
    REQUIRE(child_start(&pager, receive_and_die));
    for (uint32_t i = 0; i < 3; i++) {
        REQUIRE(child_await_exit(&clients[i], 2000));
        REQUIRE(child_exit_record(&clients[i], &record));
        EXPECT_EQ(record.kind, EXIT_FAULT);
        EXPECT_EQ(record.fault_kind, FAULT_ABSENT);
        EXPECT_EQ(record.fault_address, CHILD_FILE + i * PAGE_BYTES);
        child_destroy(&clients[i]);
    }
    child_destroy(&pager);
    file_close(&file);
}

// Where somebody else keeps the endpoint, the request waits for the next pager.
CASE(a_pager_that_dies_can_be_replaced) {
    struct file file;
    struct child pager, client;
    struct exit_record record = {};
    uint64_t at = 0;
    REQUIRE(file_open(&file, suite.account, 8));
    REQUIRE(child_create(&pager, suite.account));
    REQUIRE(child_grant(&pager, file.endpoint, RIGHT_RECEIVE_BIT));
    REQUIRE(child_create(&client, suite.account));
    REQUIRE_OK(tess_vspace_map(client.vspace, file.vmo, 0, 8 * PAGE_BYTES, CHILD_FILE, RW, &at));
    client.page->arg[0] = 7;
    client.page->arg[1] = 8;
    REQUIRE(child_start(&client, sum_the_pages));
    REQUIRE(child_start(&pager, receive_and_die));
    REQUIRE(child_await_exit(&pager, 2000));
    EXPECT_EQ(child_result(&pager, 1), 7 * PAGE_BYTES);
    EXPECT_EQ(request(&file), 7);
    supply(&file, 7, 8);
    answer(0);
    REQUIRE(child_await_exit(&client, 2000));
    REQUIRE(child_exit_record(&client, &record));
    EXPECT_EQ(record.kind, EXIT_NORMAL);
    EXPECT_EQ(child_result(&client, 0), contents_of(7));
    child_destroy(&client);
    child_destroy(&pager);
    file_close(&file);
}

// A thread that waits for a page can be ended.
CASE(who_waits_for_a_page_can_be_killed) {
    struct file file;
    struct child client;
    uint64_t at = 0;
    REQUIRE(file_open(&file, suite.account, 8));
    for (uint32_t taken = 0; taken < 2; taken++) {
        REQUIRE(child_create(&client, suite.account));
        REQUIRE_OK(tess_vspace_map(client.vspace, file.vmo, 0, 8 * PAGE_BYTES, CHILD_FILE, RW, &at));
        client.page->arg[1] = 8;
        REQUIRE(child_start(&client, sum_the_pages));
        if (taken != 0) {
            EXPECT_EQ(request(&file), 0);
        }
        child_destroy(&client);
    }
    file_close(&file);
}

// ---- Writing back ----

static uint64_t next_dirty(const struct file *file, uint64_t page, uint64_t *count) {
    uint64_t at = 0, len = 0;
    EXPECT_OK(tess_vmo_next_dirty(file->vmo, page * PAGE_BYTES, &at, &len));
    *count = len / PAGE_BYTES;
    return at / PAGE_BYTES;
}

CASE(written_pages_are_known_and_kept) {
    constexpr uint64_t PAGES = 2500; // more than one step looks at
    struct file file;
    uint64_t count;
    REQUIRE(file_open(&file, suite.account, PAGES));
    supply(&file, 0, 10);
    supply(&file, PAGES - 10, PAGES);
    (void)next_dirty(&file, 0, &count);
    EXPECT_EQ(count, 0);
    file.place[3 * PAGE_BYTES] = 1;
    file.place[4 * PAGE_BYTES] = 2;
    uint8_t byte = 7;
    EXPECT_OK(tess_vmo_write(file.vmo, (PAGES - 1) * PAGE_BYTES, address_of(&byte), 1, nullptr));
    EXPECT_EQ(word_at(&file, 6), contents_of(6)); // reading is no writing
    EXPECT_EQ(next_dirty(&file, 0, &count), 3);
    EXPECT_EQ(count, 2);
    EXPECT_EQ(next_dirty(&file, 5, &count), PAGES - 1);
    EXPECT_EQ(count, 1);
    EXPECT_OK(tess_vmo_decommit(file.vmo, 0, PAGES * PAGE_BYTES)); // not these
    EXPECT_EQ(file.place[3 * PAGE_BYTES], 1);
    EXPECT_EQ(file.place[4 * PAGE_BYTES], 2);
    EXPECT_OK(tess_vmo_write_back(file.vmo, 0, PAGES * PAGE_BYTES));
    (void)next_dirty(&file, 0, &count);
    EXPECT_EQ(count, 0);
    EXPECT_EQ(file.place[4 * PAGE_BYTES], 2);
    (void)next_dirty(&file, 0, &count);
    EXPECT_EQ(count, 0);
    file.place[4 * PAGE_BYTES] = 3; // the same mapping sees the next write again
    EXPECT_EQ(next_dirty(&file, 0, &count), 4);
    EXPECT_OK(tess_vmo_write_back(file.vmo, 0, PAGES * PAGE_BYTES));
    EXPECT_OK(tess_vmo_decommit(file.vmo, 0, PAGES * PAGE_BYTES));
    EXPECT_OK(tess_vmo_info(file.vmo, nullptr, &count));
    EXPECT_EQ(count, 0);
    file_close(&file);
}

// Counts up in a word until it is told to stop; result[0] is what it wrote last.
static void write_and_write(struct peer *self) {
    volatile uint64_t *word = (volatile uint64_t *)(uintptr_t)self->arg[0];
    const uint64_t *stop = (const uint64_t *)(uintptr_t)self->arg[2];
    for (uint64_t i = 1; __atomic_load_n(stop, __ATOMIC_ACQUIRE) == 0; i++) {
        self->result[0] = i;
        if (self->arg[1] != 0 && i % 16 == 0) { // the kernel's copies, too
            uint64_t words[8] = {self->arg[1], address_of(&i), sizeof i};
            self->status = tess_invoke(self->handle[0], VMO_WRITE, words);
        } else {
            *word = i;
        }
    }
}

// Two threads write on and on while the pager takes pages for writing back and reads them. When there is nothing dirty
// any more, what it read last is all that was written.
CASE(no_write_is_lost_that_races_with_writing_back) {
    struct file file;
    struct peer peers[2] = {};
    uint64_t seen[2] = {}, stop = 0, count, taken = 0;
    const uint64_t end = suite_after_ms(5000);
    REQUIRE(file_open(&file, suite.account, 2));
    supply(&file, 0, 2);
    for (uint32_t i = 0; i < 2; i++) {
        peers[i].arg[0] = address_of(file.place) + i * PAGE_BYTES + 64;
        peers[i].arg[1] = i == 0 ? 0 : PAGE_BYTES + 64;
        peers[i].arg[2] = address_of(&stop);
        peers[i].handle[0] = file.vmo;
        REQUIRE(peer_start(&peers[i], i, PEER_WITHOUT_PAGE, write_and_write));
    }
    for (bool ended = false; !ended;) {
        if (taken >= 20 || suite_now_ns() >= end) {
            __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
            REQUIRE(peer_join(&peers[0]));
            REQUIRE(peer_join(&peers[1]));
            ended = true; // one more round
        }
        for (uint64_t page = next_dirty(&file, 0, &count); count != 0; page = next_dirty(&file, page + 1, &count)) {
            EXPECT_OK(tess_vmo_write_back(file.vmo, page * PAGE_BYTES, PAGE_BYTES));
            EXPECT_OK(tess_vmo_read(file.vmo, page * PAGE_BYTES + 64, address_of(&seen[page]), 8, nullptr));
            taken++;
        }
        tess_yield();
    }
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT_OK(peers[i].status);
        EXPECT_EQ(seen[i], peers[i].result[0]);
    }
    EXPECT(taken >= 20);
    file_close(&file);
}

// ---- Clones ----

static void read_clone(struct peer *self) {
    const volatile uint64_t *word = (const volatile uint64_t *)(uintptr_t)self->arg[0];
    self->result[0] = *word;
}

CASE(a_clone_gets_its_pages_from_its_origin) {
    struct file file;
    struct peer peer = {};
    handle_t clone, second;
    uint64_t place = 0, word = 0, count;
    REQUIRE(file_open(&file, suite.account, 16));
    supply(&file, 4, 6);
    REQUIRE_OK(tess_vmo_clone(file.vmo, 4 * PAGE_BYTES, 8 * PAGE_BYTES, suite.account, &clone));
    REQUIRE_OK(tess_vmo_clone(clone, PAGE_BYTES, 7 * PAGE_BYTES, suite.account, &second));
    REQUIRE_OK(tess_vspace_map(suite.vspace, clone, 0, 8 * PAGE_BYTES, 0, RW, &place));
    volatile uint64_t *words = (volatile uint64_t *)(uintptr_t)place;
    EXPECT_EQ(words[0], contents_of(4));
    words[0] = 1; // its own
    EXPECT_EQ(word_at(&file, 4), contents_of(4));
    supply(&file, 6, 7); // comes to the file, and from there to the clones
    EXPECT_EQ(words[2 * PAGE_BYTES / 8], contents_of(6));
    EXPECT_OK(tess_vmo_read(second, PAGE_BYTES, address_of(&word), 8, nullptr));
    EXPECT_EQ(word, contents_of(6));
    peer.arg[0] = place + 3 * PAGE_BYTES;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, read_clone));
    EXPECT_EQ(request(&file), 7); // in terms of the file
    supply(&file, 7, 8);
    answer(0);
    REQUIRE(peer_join(&peer));
    EXPECT_EQ(peer.result[0], contents_of(7));
    (void)next_dirty(&file, 0, &count); // what is written to a clone is nothing to the pager
    EXPECT_EQ(count, 0);
    EXPECT_STATUS(NO_RIGHT, tess_vmo_next_dirty(clone, 0, &count, &count));
    EXPECT_OK(tess_vmo_resize(file.vmo, 8 * PAGE_BYTES)); // what the file has no more, no clone gets
    EXPECT_STATUS(BAD_ADDRESS, tess_vmo_write(file.scratch, 0, place + 5 * PAGE_BYTES, 8, nullptr));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, place, 8 * PAGE_BYTES));
    file_close(&file);
    EXPECT_OK(tess_vmo_read(second, PAGE_BYTES, address_of(&word), 8, nullptr)); // keeps its origin
    EXPECT_EQ(word, contents_of(6));
    suite_close(clone);
    suite_close(second);
}
