// Faults: every kind ends the process with a record that says what happened, or reaches the fault
// endpoint, whose holder decides.
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"
#include "fault.h"

// One function a way to fault, in child processes.
CHILD static void read_null(struct child_page *page) {
    page->result[0] = *(volatile uint64_t *)page->arg[0];
}
CHILD static void write_there(struct child_page *page) {
    *(volatile uint8_t *)page->arg[0] = 1;
}
CHILD static void jump_there(struct child_page *page) {
    ((void (*)(void))page->arg[0])();
}
CHILD static void overflow_the_stack(struct child_page *page) {
    // Walks down its own stack and off its end.
    for (volatile uint8_t *at = (volatile uint8_t *)(CHILD_STACK + CHILD_STACK_BYTES - 256);; at -= 64) {
        *at = 1;
        page->result[0]++;
    }
}
CHILD static void fault_illegal(struct child_page *page) {
    arch_fault_illegal();
    page->result[0] = 1;
}
CHILD static void fault_divide(struct child_page *page) {
    page->result[0] = arch_fault_divide(page->arg[1]);
}
CHILD static void fault_breakpoint(struct child_page *page) {
    arch_fault_breakpoint();
    page->result[0] = 1;
}
CHILD static void fault_privileged(struct child_page *page) {
    arch_fault_privileged((uint32_t)page->arg[0]);
    page->result[0] = 1;
}
CHILD static void fault_noncanonical(struct child_page *page) {
    page->result[0] = *(volatile uint8_t *)0x8000'0000'0000;
}

struct fault_row {
    const char *name;
    child_fn *run;
    uint64_t arg;
    uint32_t kind;    // FAULT_NONE: none on this processor
    uint64_t address; // UINT64_MAX: not looked at
    uint64_t access;  // as FAULT_WORD_ACCESS
};

constexpr uint64_t ANY = UINT64_MAX;
constexpr uint64_t READ = 1, WRITE = 2, EXECUTE = 4, MAPPED = 8;

static const struct fault_row rows[] = {
    {"null read", read_null, 0, FAULT_PAGE, 0, READ},
    {"null write", write_there, 8, FAULT_PAGE, 8, WRITE},
    {"unmapped read", read_null, 0x6666'0000'1234, FAULT_PAGE, 0x6666'0000'1234, READ},
    {"kernel read", read_null, 0xffff'8000'0000'0000, FAULT_PAGE, 0xffff'8000'0000'0000, READ},
    {"kernel text read", read_null, 0xffff'ffff'8010'0000, FAULT_PAGE, 0xffff'ffff'8010'0000, READ},
    {"kernel write", write_there, 0xffff'8000'0010'0000, FAULT_PAGE, 0xffff'8000'0010'0000, WRITE},
    {"text write", write_there, CHILD_CODE, FAULT_PAGE, CHILD_CODE, WRITE | MAPPED},
    {"data execution", jump_there, CHILD_PAGE, FAULT_PAGE, CHILD_PAGE, EXECUTE | MAPPED},
    {"stack execution", jump_there, CHILD_STACK + CHILD_STACK_BYTES - PAGE_BYTES, FAULT_PAGE, ANY,
     EXECUTE | MAPPED},
    {"kernel execution", jump_there, 0xffff'ffff'8010'0000, FAULT_PAGE, 0xffff'ffff'8010'0000, EXECUTE},
    {"null jump", jump_there, 0, FAULT_PAGE, 0, EXECUTE},
    {"stack overflow", overflow_the_stack, 0, FAULT_PAGE, ANY, WRITE},
    {"illegal instruction", fault_illegal, 0, FAULT_ILLEGAL, ANY, ANY},
    {"division by zero", fault_divide, 0, ARCH_DIVIDE_FAULT, ANY, ANY},
    {"breakpoint", fault_breakpoint, 0, FAULT_BREAKPOINT, ANY, ANY},
    {"non-canonical address", fault_noncanonical, 0, ARCH_NONCANONICAL_FAULT, ANY, ANY},
};

CASE(every_fault_ends_the_process_with_a_record) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct child child;
        struct exit_record record = {};
        if (rows[i].kind == FAULT_NONE) {
            continue;
        }
        REQUIRE(child_create(&child, suite.account));
        child.page->arg[0] = rows[i].arg;
        REQUIRE(child_start(&child, rows[i].run));
        if (suite_check_status(tess_wait(child.exit_watch, &(uint64_t){0}, suite_after_ms(2000)), STATUS_OK,
                               rows[i].name, __FILE__, (int)i) &&
            child_exit_record(&child, &record)) {
            suite_check_eq(record.kind, EXIT_FAULT, rows[i].name, __FILE__, __LINE__);
            suite_check_eq(record.fault_kind, rows[i].kind, rows[i].name, __FILE__, __LINE__);
            if (rows[i].address != ANY) {
                suite_check_eq(record.fault_address, rows[i].address, rows[i].name, __FILE__, __LINE__);
            }
            if (rows[i].access != ANY) {
                suite_check_eq(record.fault_access, rows[i].access, rows[i].name, __FILE__, __LINE__);
            }
            EXPECT(record.thread_koid != 0);
            EXPECT(rows[i].run == jump_there || (record.ip >= CHILD_CODE && record.ip < CHILD_PAGE));
        }
        child_destroy(&child);
    }
}

CASE(privileged_instructions_are_illegal) {
    for (uint32_t which = 0; which < ARCH_PRIVILEGED_COUNT; which++) {
        struct child child;
        struct exit_record record = {};
        REQUIRE(child_create(&child, suite.account));
        child.page->arg[0] = which;
        REQUIRE(child_start(&child, fault_privileged));
        REQUIRE(child_await_exit(&child, 2000));
        if (child_exit_record(&child, &record)) {
            suite_check_eq(record.kind, EXIT_FAULT, "a privileged instruction", __FILE__, (int)which);
            suite_check(record.fault_kind == FAULT_ILLEGAL || record.fault_kind == FAULT_PROTECTION,
                        "a privileged instruction is refused as such", __FILE__, (int)which);
        }
        child_destroy(&child);
    }
}

// A page that the account cannot pay for is a fault of its own kind.
CHILD static void touch_pages(struct child_page *page) {
    for (uint64_t at = page->arg[0];; at += PAGE_BYTES) {
        *(volatile uint8_t *)at = 1;
        page->result[0]++;
    }
}

CASE(touching_more_than_the_account_pays_for_is_a_fault) {
    struct child child;
    struct exit_record record = {};
    handle_t account, big;
    uint64_t at = 0;
    REQUIRE_OK(tess_account_create_account(suite.account, 160 * 1024, &account));
    REQUIRE(child_create(&child, account));
    REQUIRE_OK(tess_account_create_vmo(account, 1024 * PAGE_BYTES, &big));
    REQUIRE_OK(
        tess_vspace_map(child.vspace, big, 0, 1024 * PAGE_BYTES, 0x5000'0000, PROT_READ | PROT_WRITE, &at));
    suite_close(big);
    child.page->arg[0] = at;
    REQUIRE(child_start(&child, touch_pages));
    REQUIRE(child_await_exit(&child, 2000));
    REQUIRE(child_exit_record(&child, &record));
    EXPECT_EQ(record.kind, EXIT_FAULT);
    EXPECT_EQ(record.fault_kind, FAULT_NO_MEMORY);
    EXPECT(child_result(&child, 0) > 4);
    EXPECT_EQ(record.fault_address, at + child_result(&child, 0) * PAGE_BYTES);
    child_destroy(&child);
    suite_close(account);
}

CHILD static void touch_and_report(struct child_page *page) {
    *(volatile uint8_t *)page->arg[0] = 77;
    page->result[0] = *(volatile uint8_t *)page->arg[0];
    raw_exit(page->process, 3);
}

// The supervisor maps what is missing and lets the thread go on.
CASE(a_fault_endpoint_can_mend_and_resume) {
    constexpr uint64_t MISSING = 0x5555'0000;
    struct child child;
    struct exit_record record = {};
    handle_t endpoint, vmo;
    uint64_t at = 0, koid = 0;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    handle_t badged = suite_mint(endpoint, RIGHT_SEND_BIT, 606);
    REQUIRE(child_create(&child, suite.account));
    EXPECT_OK(tess_process_info(child.process, &koid, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                nullptr));
    EXPECT_OK(tess_process_set_fault_endpoint(child.process, badged));
    child.page->arg[0] = MISSING + 100;
    REQUIRE(child_start(&child, touch_and_report));
    struct tess_message message = {};
    REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(2000)));
    EXPECT_EQ(message.badge, 606);
    EXPECT_EQ(message.info & MESSAGE_FAULT, MESSAGE_FAULT);
    EXPECT_EQ(message.words[FAULT_WORD_KIND], FAULT_PAGE);
    EXPECT_EQ(message.words[FAULT_WORD_ADDRESS], MISSING + 100);
    EXPECT_EQ(message.words[FAULT_WORD_ACCESS], WRITE);
    EXPECT_EQ(message.words[FAULT_WORD_PROCESS_KOID], koid);
    EXPECT(message.words[FAULT_WORD_IP] >= CHILD_CODE && message.words[FAULT_WORD_IP] < CHILD_PAGE);
    EXPECT_OK(tess_vspace_map(child.vspace, vmo, 0, PAGE_BYTES, MISSING, PROT_READ | PROT_WRITE, &at));
    struct tess_message resume = {};
    EXPECT_OK(tess_reply(&resume));
    REQUIRE(child_await_exit(&child, 2000));
    REQUIRE(child_exit_record(&child, &record));
    EXPECT_EQ(record.kind, EXIT_NORMAL);
    EXPECT_EQ(record.code, 3);
    EXPECT_EQ(child_result(&child, 0), 77);
    child_destroy(&child);
    suite_close(badged);
    suite_close(vmo);
    suite_close(endpoint);
}

CASE(a_fault_endpoint_can_end_the_process) {
    for (int how = 0; how < 3; how++) {
        struct child child;
        struct exit_record record = {};
        handle_t endpoint, reply;
        REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
        REQUIRE(child_create(&child, suite.account));
        EXPECT_OK(tess_process_set_fault_endpoint(child.process, endpoint));
        REQUIRE(child_start(&child, read_null));
        struct tess_message message = {};
        REQUIRE_OK(tess_recv(endpoint, &message, suite_after_ms(2000)));
        EXPECT_STATUS(BAD_STATE, tess_thread_cancel(child.thread)); // its supervisor decides, nobody else
        if (how == 0) {                                             // says so
            message = (struct tess_message){.info = 1};
            EXPECT_OK(tess_reply(&message));
        } else if (how == 1) { // drops the fault
            message = (struct tess_message){};
            EXPECT_STATUS(TIMED_OUT, tess_recv(endpoint, &message, DEADLINE_POLL));
        } else { // keeps it, and lets go of it later
            REQUIRE_OK(tess_thread_save_reply(suite.thread, &reply));
            suite_close(reply);
        }
        REQUIRE(child_await_exit(&child, 2000));
        REQUIRE(child_exit_record(&child, &record));
        EXPECT_EQ(record.kind, EXIT_FAULT);
        EXPECT_EQ(record.fault_kind, FAULT_PAGE);
        child_destroy(&child);
        suite_close(endpoint);
    }
}

CASE(fault_endpoint_arguments_are_checked) {
    struct child child;
    handle_t endpoint;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    handle_t no_send = suite_copy(endpoint, RIGHTS_ALL_BITS & ~RIGHT_SEND_BIT);
    REQUIRE(child_create(&child, suite.account));
    REFUSED(PROCESS_SET_FAULT_ENDPOINT, BAD_HANDLE,
            tess_process_set_fault_endpoint(child.process, (handle_t){0x9999'9999}));
    REFUSED(PROCESS_SET_FAULT_ENDPOINT, WRONG_TYPE,
            tess_process_set_fault_endpoint(child.process, suite.account));
    REFUSED(PROCESS_SET_FAULT_ENDPOINT, NO_RIGHT, tess_process_set_fault_endpoint(child.process, no_send));
    EXPECT_OK(tess_process_set_fault_endpoint(child.process, endpoint));
    EXPECT_OK(tess_process_set_fault_endpoint(child.process, (handle_t){0}));
    // Removed: the fault ends the process at once.
    struct exit_record record = {};
    REQUIRE(child_start(&child, read_null));
    REQUIRE(child_await_exit(&child, 2000));
    REQUIRE(child_exit_record(&child, &record));
    EXPECT_EQ(record.kind, EXIT_FAULT);
    child_destroy(&child);
    suite_close(no_send);
    suite_close(endpoint);
}

// A fault endpoint that nobody serves any more ends the process instead of holding it for ever.
CASE(a_dead_fault_endpoint_ends_the_process) {
    struct child child;
    struct exit_record record = {};
    handle_t endpoint;
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE(child_create(&child, suite.account));
    EXPECT_OK(tess_process_set_fault_endpoint(child.process, endpoint));
    suite_close(endpoint);
    REQUIRE(child_start(&child, read_null));
    REQUIRE(child_await_exit(&child, 2000));
    REQUIRE(child_exit_record(&child, &record));
    EXPECT_EQ(record.kind, EXIT_FAULT);
    child_destroy(&child);
}

// Registers are the thread's own: nothing of the kernel's, nothing lost over system calls and switches.
CASE(a_new_thread_starts_with_clean_registers) {
    struct child child;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE(child_start(&child, arch_child_report_registers));
    REQUIRE(child_await_exit(&child, 2000));
    for (uint32_t i = 0; i < ARCH_REPORTED_REGISTERS; i++) {
        suite_check_eq(child_result(&child, i), 0, "register at entry", __FILE__, (int)i);
    }
    child_destroy(&child);
}
