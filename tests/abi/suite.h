// The frame of the ABI suite: cases, checks, and what every case can use.
//
//   CASE(vmo_starts_zeroed) {
//       handle_t vmo;
//       REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
//       REFUSED(VMO_READ, BAD_ADDRESS, tess_vmo_read(vmo, 0, 0x10, 8, nullptr));
//       suite_close(vmo);
//   }
//
// A case leaves nothing behind: the runner compares the number of live objects of each type, and of
// the suite's own handles, before and after it, and fails the case when they differ.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/gen/abi.h"
#include "abi/inspect.h"
#include "abi/message.h"
#include "abi/types.h"
#include "lib/tess/syscall.h"
#include "abi/gen/stubs.h" // written over lib/tess/syscall.h
#include "pairs.h"

// What the manifest granted (system/abi.capnp) and the runtime passed on.
struct suite {
    handle_t process, thread, vspace, account; // the suite's own
    handle_t inspector;
    handle_t resource; // CREATE, POWER
    const char *argument; // the last one: of a case that takes any
    bool has_iommu;       // devices reach only what they are given
    handle_t trace;
};
extern struct suite suite;

struct suite_case {
    const char *name;
    void (*run)(void);
    bool timed;
};

#define CASE(case_name) SUITE_CASE(case_name, false)
// A case that compares amounts of time. Its boot is one whose clock counts instructions (suite.py): on a clock that runs
// on while the host does something else, whoever has the processor is charged for that.
#define TIMED_CASE(case_name) SUITE_CASE(case_name, true)

#define SUITE_CASE(case_name, is_timed) \
    static void case_run_##case_name(void); \
    static const struct suite_case case_##case_name = {#case_name, case_run_##case_name, is_timed}; \
    [[gnu::used, gnu::retain, \
      gnu::section("suite_cases")]] static const struct suite_case *const case_ref_##case_name = \
        &case_##case_name; \
    static void case_run_##case_name(void)

// Each reports at most one failure, and says whether the check held.
bool suite_check(bool held, const char *expression, const char *file, int line);
bool suite_check_eq(uint64_t saw, uint64_t expected, const char *expression, const char *file, int line);
bool suite_check_status(status_t saw, status_t expected, const char *expression, const char *file, int line);
// As suite_check_status, and notes that this documented error was seen.
bool suite_check_refused(enum op op, status_t saw, status_t expected, const char *expression,
                         const char *file, int line);

#define EXPECT(expression) ((void)suite_check((expression), #expression, __FILE__, __LINE__))
#define EXPECT_EQ(saw, expected) ((void)suite_check_eq((saw), (expected), #saw, __FILE__, __LINE__))
#define EXPECT_OK(expression) \
    ((void)suite_check_status((expression), STATUS_OK, #expression, __FILE__, __LINE__))
#define EXPECT_STATUS(name, expression) \
    ((void)suite_check_status((expression), STATUS_##name, #expression, __FILE__, __LINE__))
#define REFUSED(op, name, expression) \
    ((void)suite_check_refused(OP_##op, (expression), STATUS_##name, #expression, __FILE__, __LINE__))
// Leave the case when the check does not hold.
#define REQUIRE(expression) \
    do { \
        if (!suite_check((expression), #expression, __FILE__, __LINE__)) \
            return; \
    } while (0)
#define REQUIRE_OK(expression) \
    do { \
        if (!suite_check_status((expression), STATUS_OK, #expression, __FILE__, __LINE__)) \
            return; \
    } while (0)

// Notes an error that was seen where REFUSED cannot be written (in a loop, in another process).
void suite_note(enum op op, status_t status);

// Closes one of the suite's own handles; a failure to is a failure of the case.
void suite_close(handle_t handle);

// A copy of a handle with at most these rights; handle 0 and a failure when there is none to be had.
handle_t suite_copy(handle_t handle, uint32_t right_bits);
// A minted copy of an endpoint handle.
handle_t suite_mint(handle_t endpoint, uint32_t right_bits, uint64_t badge);

// The suite's own message page, 4096 bytes.
uint8_t *suite_page(void);

// Monotonic time, and an absolute deadline so many milliseconds from now.
uint64_t suite_now_ns(void);
uint64_t suite_after_ms(uint64_t ms);

// Ports and an interrupt line that no service and no device of the test machine uses.
constexpr uint64_t SPARE_PORT = 0x2e8; // the fourth serial port's
constexpr uint64_t SPARE_LINE = 5;

// What there is to wait for before the first case: nothing, but for a suite that has services around it (tests/contracts).
void suite_before_all(void);

// How many more objects of the type there may be after a case than before: none, but for a suite that has services around it.
uint32_t suite_may_leave(uint32_t type);

// Reads the inspector's counts into `out`, after the reaper has nothing left to do.
bool suite_settled(struct inspect_system *out);

// Text for the reporter (tests/abi/report.c).
[[gnu::format(printf, 1, 2)]] void report_line(const char *format, ...);
