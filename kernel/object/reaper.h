// Taking things apart in bounded steps.
//
// What dies (an object's last reference, a process that ended) is queued here, and the way out of the
// kernel, the idle loop and the timer run a few steps each. So no entry into the kernel is long,
// whatever it ended, and everything is given back in the end.
#pragma once

#include <stdint.h>

struct reap_item {
    struct reap_item *next;
    // Does one bounded step; true when the item is finished (it may be freed by then). The item is
    // off the queue during the step, and goes to its end when the step says false.
    bool (*step)(struct reap_item *item);
};

// Queues an item that is on no queue.
void reaper_add(struct reap_item *item);

// Runs up to `steps` steps; none once the current thread is ending, which must be switched away from first.
// Returns whether anything is left.
bool reaper_run(uint32_t steps);

// Items still to be taken apart.
uint32_t reaper_pending(void);
