// What the workers of the stress suite do, and how the suite tells them.
//
// A worker is a CHILD (tests/abi/child.h). Its page: arg[0] seed; arg[1] about now, in nanoseconds; result[0] what it
// found wrong (enum worker_wrong); result[1], [2] what it saw; result[4 + n] how often work n was done.
#pragma once

#include "tests/abi/child.h"

// page->handle[]. The suite may change the endpoint's at any time.
enum worker_handle {
    WORKER_ACCOUNT = 0,
    WORKER_VSPACE = 1,
    WORKER_ENDPOINT = 2,
    WORKER_NOTIFICATION = 3,
    WORKER_VMO = 4,
    WORKER_THREAD = 5, // its own
};

constexpr uint32_t WORKER_VMO_PAGES = 64; // of the memory that all workers share
constexpr uint32_t WORKER_KINDS = 12;     // of work
constexpr uint32_t WORKER_DONE = 4;

enum worker_wrong {
    WRONG_ANSWER = 1,   // a server's answer is not the one to what was asked
    WRONG_MEMORY = 2,   // private memory does not hold what was written to it
    WRONG_CLONE = 3,    // writing to a clone changed the original
    WRONG_ZERO = 4,     // memory that was given back and touched anew is not zero
    WRONG_STALE = 5,    // a page was seen after it was taken away
    WRONG_TIMER = 6,    // a timer signalled after it was cancelled
    WRONG_SETUP = 7,
};

// Answers for ever; does something, chosen at random, for ever.
void worker_serve(struct child_page *page);
void worker_work(struct child_page *page);
