// The ABI suite: runs every case, one after another, and reports each on the port that only it holds.
//
// Lines: "plan COUNT", then for each case any number of "note TEXT" and one of "pass NAME" or
// "fail NAME"; at the end "done PASSED FAILED". Then the machine is switched off.
#include "machine.h"
#include "abi/gen/decode.h"
#include "base/fmt.h"
#include "base/str.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/page.h"
#include "lib/tess/syscall.h"
#include "tests/abi/child.h"
#include "tests/abi/report.h"
#include "tests/abi/suite.h"

struct suite suite;

extern const struct suite_case *const __start_suite_cases[];
extern const struct suite_case *const __stop_suite_cases[];

static const char *current_name = "start";
static uint32_t current_failures;
static uint32_t seen[OP_COUNT];        // by operation: bit n = the error with status code n was seen
constexpr uint32_t SHOWN_FAILURES = 8; // of one case

static void fail_line(const char *what, const char *expression, const char *file, int line) {
    if (current_failures++ < SHOWN_FAILURES) {
        report_line("note %s: %s:%d: %s: %s", current_name, file, line, expression, what);
    }
}

bool suite_check(bool held, const char *expression, const char *file, int line) {
    if (!held) {
        fail_line("does not hold", expression, file, line);
    }
    return held;
}

bool suite_check_eq(uint64_t saw, uint64_t expected, const char *expression, const char *file, int line) {
    if (saw == expected) {
        return true;
    }
    char what[96];
    fmt_snprintf(what, sizeof what, "expected %lu (0x%lx), saw %lu (0x%lx)", expected, expected, saw, saw);
    fail_line(what, expression, file, line);
    return false;
}

bool suite_check_status(status_t saw, status_t expected, const char *expression, const char *file, int line) {
    if (status_is(saw, expected)) {
        return true;
    }
    char what[96];
    fmt_snprintf(what, sizeof what, "expected %s, saw %s", abi_status_name(expected.code),
                 abi_status_name(saw.code));
    fail_line(what, expression, file, line);
    return false;
}

void suite_note(enum op op, status_t status) {
    if (status.code < 32) {
        seen[op] |= 1u << status.code;
    }
}

bool suite_check_refused(enum op op, status_t saw, status_t expected, const char *expression,
                         const char *file, int line) {
    if (!suite_check_status(saw, expected, expression, file, line)) {
        return false;
    }
    suite_note(op, saw);
    return true;
}

void suite_close(handle_t handle) {
    EXPECT_OK(tess_process_handle_close(suite.process, handle.v));
}

handle_t suite_copy(handle_t handle, uint32_t right_bits) {
    uint64_t copy = 0;
    EXPECT_OK(tess_process_handle_copy(suite.process, handle.v, right_bits, &copy));
    return (handle_t){(uint32_t)copy};
}

handle_t suite_mint(handle_t endpoint, uint32_t right_bits, uint64_t badge) {
    uint64_t minted = 0;
    EXPECT_OK(tess_process_handle_mint(suite.process, endpoint.v, right_bits, badge, 0, &minted));
    return (handle_t){(uint32_t)minted};
}

uint8_t *suite_page(void) {
    return tess_message_page();
}

uint64_t suite_now_ns(void) {
    return tess_now_ns();
}

uint64_t suite_after_ms(uint64_t ms) {
    return tess_deadline_after_ms(ms);
}

bool suite_settled(struct inspect_system *out) {
    uint64_t end = suite_after_ms(5'000);
    do {
        if (!suite_check_status(tess_inspector_system(suite.inspector), STATUS_OK, "inspector.system",
                                __FILE__, __LINE__)) {
            return false;
        }
        __builtin_memcpy(out, suite_page(), sizeof *out);
        if (out->reap_pending == 0) {
            return true;
        }
        tess_yield();
    } while (suite_now_ns() < end);
    return suite_check(false, "the reaper comes to an end", __FILE__, __LINE__);
}

static uint64_t own_handles(void) {
    uint64_t handles = 0;
    EXPECT_OK(tess_process_info(suite.process, nullptr, nullptr, nullptr, &handles, nullptr, nullptr, nullptr,
                                nullptr));
    return handles;
}

// ---- what a failed case leaves behind ---------------------------------------------------------------

constexpr uint32_t KEPT_MOST = 128;
static uint32_t kept[KEPT_MOST]; // the suite's handles before the case
static uint32_t kept_count;

static uint64_t own_koid(void) {
    uint64_t koid = 0;
    (void)tess_process_info(suite.process, &koid, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                            nullptr)
        .code;
    return koid;
}

static bool is_kept(uint32_t handle) {
    for (uint32_t i = 0; i < kept_count; i++) {
        if (kept[i] == handle) {
            return true;
        }
    }
    return false;
}

// Calls `each` with every handle of the suite's, `batch` at a time as the inspector shows them.
static void each_own_handle(void (*each)(const struct inspect_handle *)) {
    static struct inspect_handle batch[MESSAGE_PAGE_BYTES / sizeof(struct inspect_handle)];
    uint64_t koid = own_koid(), index = 0, count = 0;
    while (status_ok(tess_inspector_handles(suite.inspector, koid, index, &count, &index))) {
        __builtin_memcpy(batch, suite_page(), count * sizeof batch[0]);
        for (uint64_t i = 0; i < count; i++) {
            each(&batch[i]);
        }
        if (index == 0) {
            return;
        }
    }
}

static void keep(const struct inspect_handle *handle) {
    if (kept_count < KEPT_MOST) {
        kept[kept_count++] = handle->handle;
    }
}

// Ends what can be ended and closes the handle, so that the next case finds what this one should have left.
static void clear_away(const struct inspect_handle *handle) {
    if (is_kept(handle->handle)) {
        return;
    }
    if (handle->type == OBJECT_PROCESS) {
        (void)tess_process_exit((handle_t){handle->handle}, 0).code;
    }
    if (handle->type == OBJECT_THREAD) {
        (void)tess_thread_exit((handle_t){handle->handle}).code;
    }
    (void)tess_process_handle_close(suite.process, handle->handle).code;
}

[[gnu::weak]] void suite_before_all(void) {
}

[[gnu::weak]] uint32_t suite_may_leave(uint32_t) {
    return 0;
}

// What the suite holds must be the same before and after each case.
static void run_case(const struct suite_case *test) {
    struct inspect_system before = {}, after = {};
    current_name = test->name;
    current_failures = 0;
    suite_settled(&before);
    uint64_t handles_before = own_handles();
    kept_count = 0;
    each_own_handle(keep);
    test->run();
    uint64_t handles_after = own_handles();
    suite_check_eq(handles_after, handles_before, "handles of the suite after the case", test->name, 0);
    if (suite_settled(&after)) {
        for (uint32_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
            char what[64];
            const uint64_t was = before.live_objects[type], is = after.live_objects[type];
            fmt_snprintf(what, sizeof what, "live %s objects after the case", abi_object_name(type));
            suite_check_eq(is, is > was && is - was <= suite_may_leave(type) ? is : was, what, test->name, 0);
        }
    }
    if (current_failures != 0) {
        each_own_handle(clear_away);
        suite_settled(&after);
    }
}

// Errors that no case can provoke on this machine, each with the reason.
static const struct excuse {
    enum op op;
    uint32_t code;
    const char *reason;
} excuses[] = {
    {OP_RESOURCE_POWER, STATUS_CODE_UNSUPPORTED, "the machine of the suite can be switched off and reset"},
    {OP_RESOURCE_MINT_IOPORT, STATUS_CODE_UNSUPPORTED, "the machine has I/O ports, or refuses them (ports_are_minted_once_and_given_back)"},
    {OP_NOTIFICATION_BIND, STATUS_CODE_OBJECT_DEAD,
     "the handle with RECEIVE that bind needs keeps the endpoint alive, but for a race between processors"},
};

// Operations on I/O ports, where there are none.
static bool needs_ports(enum op op, uint32_t code) {
    return op == OP_IOPORT_READ || op == OP_IOPORT_WRITE || op == OP_IOPORT_WRITE_BYTES ||
           (op == OP_RESOURCE_MINT_IOPORT && code != STATUS_CODE_UNSUPPORTED && code != STATUS_CODE_NO_RIGHT);
}

// What can only be refused where devices reach all memory.
static bool needs_no_iommu(enum op op, uint32_t code) {
    return (op == OP_RESOURCE_MINT_IOSPACE && code == STATUS_CODE_UNSUPPORTED) ||
           (op == OP_IOSPACE_MAP && code == STATUS_CODE_BAD_STATE);
}

static bool excused(enum op op, uint32_t code) {
    if (suite.has_iommu && needs_no_iommu(op, code)) {
        return true;
    }
    if (!MACHINE_HAS_PORTS && needs_ports(op, code)) {
        return true;
    }
    if (!MACHINE_HAS_PORTS && op == OP_RESOURCE_MINT_IOPORT) {
        return false;
    }
    for (size_t i = 0; i < sizeof excuses / sizeof excuses[0]; i++) {
        if (excuses[i].op == op && excuses[i].code == code) {
            return true;
        }
    }
    return false;
}

static void complain(enum op op, uint32_t code, const char *what) {
    report_line("note %s: %s: %s %s", current_name, op_rows[op].name, abi_status_name(code), what);
    current_failures++;
}

// The last case: every documented error of every operation was seen, or is excused; never both.
static void every_documented_error_was_seen(void) {
    for (uint32_t op = 0; op < OP_COUNT; op++) {
        for (uint32_t code = 1; code < STATUS_COUNT; code++) {
            const bool documented = (op_rows[op].errors >> code & 1) != 0, saw = (seen[op] >> code & 1) != 0;
            if (documented && !saw && !excused(op, code)) {
                complain(op, code, "was provoked by no case");
            }
            if (saw && !documented) {
                complain(op, code, "was seen, and is not documented");
            }
            if (saw && excused(op, code)) {
                complain(op, code, "is excused, and was seen");
            }
        }
    }
}
static const struct suite_case coverage_case = {"every_documented_error_was_seen",
                                                every_documented_error_was_seen, false};

// Without the port there is nobody to tell; all else that is missing is told there.
static bool take_capabilities(void) {
    const struct {
        const char *name;
        handle_t *out;
    } wanted[] = {{"inspector", &suite.inspector}, {"resource", &suite.resource}, {"trace", &suite.trace}};
    handle_t port = {};
    suite.process = tess_self_process();
    suite.thread = tess_self_thread();
    suite.vspace = tess_self_vspace();
    suite.account = tess_self_account();
    bool complete = status_ok(tess_cap("reporter", 0, &port)) && report_open(port, tess_cap_type("reporter"));
    for (size_t i = 0; complete && i < sizeof wanted / sizeof wanted[0]; i++) {
        complete = status_ok(tess_cap(wanted[i].name, 0, wanted[i].out));
        if (!complete) {
            report_line("note start: the manifest does not grant '%s'", wanted[i].name);
        }
    }
    return complete;
}

// Commits the stack that the cases will use: some of them run while the account has nothing left.
static void touch_stack(void) {
    volatile uint8_t stack[48 * 1024];
    for (size_t i = 0; i < sizeof stack; i += PAGE_BYTES) {
        stack[i] = 0;
    }
}

// The command line is "timed", for the cases that compare amounts of time, or how the names begin of the cases to run.
static bool selected(const struct suite_case *test, int argc, char **argv) {
    const bool timed = argc > 1 && strcmp(argv[1], "timed") == 0;
    for (int i = 1; i < argc && !timed; i++) {
        if (strncmp(test->name, argv[i], strlen(argv[i])) == 0) {
            return true;
        }
    }
    return test->timed == timed && (timed || argc <= 1);
}

int main(int argc, char **argv) {
    if (!take_capabilities()) {
        return 1;
    }
    handle_t iospace;
    suite.has_iommu = status_ok(tess_resource_mint_iospace(suite.resource, 0, 0, suite.account, &iospace));
    if (suite.has_iommu) {
        suite_close(iospace);
    }
    touch_stack();
    if (!child_init()) {
        report_line("note start: no child process can be prepared");
        return 1;
    }
    suite.argument = argv[argc - 1];
    suite_before_all();
    uint32_t passed = 0, failed = 0;
    size_t count = (size_t)(__stop_suite_cases - __start_suite_cases);
    report_line("plan %zu", count + 1);
    for (size_t i = 0; i <= count; i++) {
        const struct suite_case *test = i < count ? __start_suite_cases[i] : &coverage_case;
        if (!selected(test, argc, argv)) {
            continue;
        }
        report_line("start %s", test->name);
        run_case(test);
        report_line("%s %s", current_failures == 0 ? "pass" : "fail", test->name);
        passed += current_failures == 0;
        failed += current_failures != 0;
    }
    report_line("done %u %u", passed, failed);
    (void)tess_resource_power(suite.resource, 0).code;
    return failed == 0 ? 0 : 1;
}
