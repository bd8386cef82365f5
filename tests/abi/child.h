// Other processes, made by hand: an empty process into which the suite maps a copy of its own
// functions marked CHILD, one page that both sides see, and a stack. No loader takes part, so a failure
// is the kernel's, and a process costs little enough to make a thousand of them.
//
// A CHILD function may use nothing but its page, the raw calls (tests/arch) and other CHILD functions:
// no constant strings, no statics (so no stack guard), nothing of the runtime.
#pragma once

#include "abi/types.h"
#include "abi/message.h"
#include "raw.h"

constexpr uint64_t CHILD_CODE = 0x1000'0000;
constexpr uint64_t CHILD_PAGE = 0x2000'0000;
constexpr uint64_t CHILD_STACK = 0x3000'0000; // lowest address
constexpr uint64_t CHILD_STACK_BYTES = 4 * PAGE_BYTES;
constexpr uint64_t CHILD_MESSAGE_PAGE = CHILD_STACK + CHILD_STACK_BYTES; // of the same memory

// What parent and child share; mapped at CHILD_PAGE there.
struct child_page {
    handle_t process;   // the child's own, once child_start ran (MANAGE, INSPECT, KILL)
    handle_t handle[6]; // what child_grant put there, in order
    uint64_t arg[8];
    uint64_t result[16]; // volatile in spirit: read after the child has ended, or through child_result
    uint64_t progress;
};

typedef void child_fn(struct child_page *page);
#define CHILD [[gnu::section("child_text"), gnu::used, gnu::retain, gnu::noinline, gnu::no_stack_protector]]

struct child {
    handle_t process, vspace, thread;
    handle_t exit_watch; // notification: bit 0 when it ended
    struct child_page *page;
    handle_t page_vmo;
    uint32_t granted;
};

// An empty process that `account` pays for. On failure nothing is left behind; false and a failure of
// the case. The caller ends it with child_destroy.
bool child_create(struct child *child, handle_t account);

// As above, and says why it could not; no failure of the case.
status_t child_try_create(struct child *child, handle_t account);

// Puts a copy of one of the suite's handles into page->handle[next].
bool child_grant(struct child *child, handle_t handle, uint32_t right_bits);

// Starts the first thread. `child_start_fn` is a CHILD function.
bool child_start(struct child *child, child_fn *fn);
status_t child_try_start(struct child *child, child_fn *fn);

// The address that a CHILD function has in children.
uint64_t child_address(child_fn *fn);

// Waits until it has ended; false and a failure when it does not within `ms`.
bool child_await_exit(struct child *child, uint64_t ms);
// Waits until page->progress is at least `value`.
bool child_await_progress(struct child *child, uint64_t value, uint64_t ms);
uint64_t child_result(const struct child *child, uint32_t index);

// Its exit record; false and a failure when it has not ended.
bool child_exit_record(struct child *child, struct exit_record *out);

// Ends it if need be, and gives everything back.
void child_destroy(struct child *child);

// Called once by the runner: copies the CHILD functions into a VMO.
bool child_init(void);
