// Taking things apart in bounded steps.
//
// What dies (an object's last reference, a process that ended) is queued here, and the way out of the
// kernel, the idle loop and the timer run a few steps each. So no entry into the kernel is long,
// whatever it ended, and everything is given back in the end. Each processor takes apart what died on it.
//
// Look-ups take no lock: another processor may hold a pointer to what has just died until it leaves the kernel.
// So memory that look-ups reach (objects, handle chunks) is freed only after a *grace period*, in which every
// processor has left the kernel, or slept, at least once. With one processor there is nobody to wait for.
#pragma once

#include <stdint.h>

struct reap_item {
    struct reap_item *next;
    // Does one bounded step; true when the item is finished (it may be freed by then). The item is
    // off the queue during the step, and goes to its end when the step says false.
    bool (*step)(struct reap_item *item);
};

// What a processor has to take apart (percpu.reaper). Only it touches this.
struct reaper {
    struct reap_item *first, *last;
    struct reap_item *closing;   // deferred; wait for the next grace period to begin
    struct reap_item *waiting;   // deferred; wait for the end of the one that has begun,
    uint64_t grace;              // which is this
    bool nudged;                 // the others have been told that it is waited for
    uint32_t count;              // items in all three lists
};

// Queues an item that is on no queue.
void reaper_add(struct reap_item *item);

// Calls the item's step, once, when no processor can have a pointer to it any more that it found in this entry into the
// kernel: at once when there is only one.
void reaper_defer(struct reap_item *item);

// Runs up to `steps` steps; none once the current thread is ending, which must be switched away from first.
// Returns whether there are more steps to run. What only waits for a grace period does not count.
bool reaper_run(uint32_t steps);

// Items still to be taken apart or freed, on all processors.
uint32_t reaper_pending(void);
