#include "kernel/object/reaper.h"

#include "kernel/lock.h"
#include "kernel/percpu.h"

static struct {
    struct spinlock lock;
    struct reap_item *first GUARDED_BY(lock);
    struct reap_item **last GUARDED_BY(lock);
    uint32_t count GUARDED_BY(lock);
} reaper = {.last = &reaper.first};

void reaper_add(struct reap_item *item) {
    spin_lock(&reaper.lock);
    item->next = nullptr;
    *reaper.last = item;
    reaper.last = &item->next;
    reaper.count++;
    spin_unlock(&reaper.lock);
    this_cpu()->work |= WORK_REAP;
}

static struct reap_item *take_first(void) {
    spin_lock(&reaper.lock);
    struct reap_item *item = reaper.first;
    if (item != nullptr) {
        reaper.first = item->next;
        if (reaper.first == nullptr) {
            reaper.last = &reaper.first;
        }
        reaper.count--;
    }
    spin_unlock(&reaper.lock);
    return item;
}

bool reaper_run(uint32_t steps) {
    // A step may end the current thread; a later one would free it under the processor's feet.
    while (steps-- > 0 && (current_thread()->flags & THREAD_ENDING) == 0) {
        struct reap_item *item = take_first();
        if (item == nullptr) {
            break;
        }
        if (!item->step(item)) {
            reaper_add(item);
        }
    }
    return reaper_pending() != 0;
}

uint32_t reaper_pending(void) {
    return __atomic_load_n(&reaper.count, __ATOMIC_RELAXED);
}
