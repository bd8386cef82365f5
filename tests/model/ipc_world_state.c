// What is in the small world, what must be true of it, and when two of its states are the same.
#include "tests/model/ipc_world_state.h"

#include "kernel/arch/host/invariants.h"
#include "kernel/arch/host/machine.h"
#include "kernel/arch/host/usage.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/notification.h"
#include "kernel/object/reaper.h"
#include "kernel/object/reply.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"
#include "kernel/percpu.h"

// ---- finding things --------------------------------------------------------------------------------

struct thread *world_thread(uint32_t index) {
    struct process *process = world.processes[index < world.plan.clients ? CLIENT : SERVER];
    struct thread *found = nullptr;
    spin_lock(&process->lock);
    LIST_FOR_EACH(node, &process->threads) {
        struct thread *thread = LIST_ENTRY(node, struct thread, process_link);
        if (thread->object.koid.v == world.thread_koids[index]) {
            found = thread;
        }
    }
    spin_unlock(&process->lock);
    return found;
}

int world_index_of(const struct thread *thread) {
    for (uint32_t i = 0; thread != nullptr && i < world.thread_count; i++) {
        if (thread == world.threads[i] && world_thread(i) == thread) {
            return (int)i;
        }
    }
    return -1;
}

// The next slot in use at *index or after it; null at the end.
static const struct handle_slot *next_slot(struct process *process, uint32_t *index) {
    for (; *index < process->slot_limit; ++*index) {
        if (*index % HANDLE_CHUNK_SLOTS == 0) {
            continue;
        }
        const struct handle_slot *slot =
            &process->chunks[*index / HANDLE_CHUNK_SLOTS][*index % HANDLE_CHUNK_SLOTS];
        if (slot->handle != 0) {
            ++*index;
            return slot;
        }
    }
    return nullptr;
}
#define FOR_EACH_SLOT(slot, process) \
    for (uint32_t slot##_index = 0, once_ = 1; once_ != 0; once_ = 0) \
        for (const struct handle_slot *slot; (slot = next_slot(process, &slot##_index)) != nullptr;)

const struct handle_slot *world_find(struct process *process, uint64_t koid, uint32_t rights) {
    FOR_EACH_SLOT(slot, process) {
        if (slot->object->koid.v == koid && (slot->type_rights & rights) == rights) {
            return slot;
        }
    }
    return nullptr;
}

const struct handle_slot *world_find_type(struct process *process, enum object_type type) {
    FOR_EACH_SLOT(slot, process) {
        if (slot_type(slot) == type) {
            return slot;
        }
    }
    return nullptr;
}

uint64_t world_saved_tag(uint64_t reply_koid) {
    for (uint32_t i = 0; i < world.saved_count; i++) {
        if (world.saved[i].koid == reply_koid) {
            return world.saved[i].tag;
        }
    }
    return 0;
}

uint64_t world_next_deadline_ns(void) {
    return timer_queue_next(&this_cpu()->timers);
}

// ---- counting --------------------------------------------------------------------------------------

static void count_reference(struct census *census, struct object *object) {
    for (uint32_t i = 0; i < census->count; i++) {
        if (census->found[i].object == object) {
            census->found[i].references++;
            return;
        }
    }
    if (census->count < CENSUS) {
        census->found[census->count].object = object;
        census->found[census->count++].references = 1;
        census->object_bytes += slab_charge(object_class((enum object_type)object->type)->cache);
    }
}

static void count_process(struct census *census, struct process *process) NO_THREAD_SAFETY_ANALYSIS {
    if (process->vspace != nullptr) {
        count_reference(census, &process->vspace->object);
    }
    if (process->exit_watch != nullptr) {
        count_reference(census, &process->exit_watch->object);
    }
    if (process->fault_endpoint != nullptr) {
        count_reference(census, &process->fault_endpoint->object);
    }
    if (process->state == PROCESS_ENDING) {
        count_reference(census, &process->object);
    }
    LIST_FOR_EACH(node, &process->threads) {
        count_reference(census, &LIST_ENTRY(node, struct thread, process_link)->object);
    }
    FOR_EACH_SLOT(slot, process) {
        count_reference(census, slot->object);
    }
}

// What an object refers to.
static void count_from(struct census *census, struct object *object) NO_THREAD_SAFETY_ANALYSIS {
    if (object->type == OBJECT_THREAD) {
        const struct thread *thread = CONTAINER_OF(object, struct thread, object);
        count_reference(census, &thread->process->object);
        if (thread->message_vmo != nullptr) {
            count_reference(census, &thread->message_vmo->object);
            census->object_bytes += PAGE_BYTES;
        }
    } else if (object->type == OBJECT_NOTIFICATION) {
        const struct notification *notification = CONTAINER_OF(object, struct notification, object);
        if (notification->bound != nullptr) {
            count_reference(census, &notification->bound->object);
        }
    }
}

void world_count(struct census *census) {
    *census = (struct census){};
    for (uint32_t i = 0; i < 2; i++) {
        count_reference(census, &world.processes[i]->object); // ours
        count_process(census, world.processes[i]);
    }
    for (uint32_t i = 0; i < census->count; i++) {
        count_from(census, census->found[i].object);
    }
}

// ---- what must be true -----------------------------------------------------------------------------

// In how many queues each thread is, by the lists themselves.
static const char *check_queues(const struct census *census) NO_THREAD_SAFETY_ANALYSIS {
    uint32_t ready[WORLD_THREADS] = {}, waiting[WORLD_THREADS] = {};
    const struct thread *next = this_cpu()->ready.next;
    if (next != nullptr && world_index_of(next) < 0) {
        return "the next thread to run has ended";
    }
    if (next != nullptr) {
        ready[world_index_of(next)]++;
    }
    for (uint32_t band = 0; band < BAND_COUNT; band++) {
        LIST_FOR_EACH(node, &this_cpu()->ready.bands[band]) {
            const int index = world_index_of(LIST_ENTRY(node, struct thread, link));
            if (index < 0) {
                return "a thread that ended is in the run queue";
            }
            ready[index]++;
        }
    }
    for (uint32_t i = 0; i < census->count; i++) {
        struct object *object = census->found[i].object;
        const struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);
        const struct notification *notification = CONTAINER_OF(object, struct notification, object);
        const struct list *list = object->type == OBJECT_ENDPOINT       ? &endpoint->senders
                                  : object->type == OBJECT_NOTIFICATION ? &notification->waiters
                                                                        : nullptr;
        if (list == nullptr) {
            continue;
        }
        LIST_FOR_EACH(node, list) {
            const int index = world_index_of(LIST_ENTRY(node, struct thread, link));
            if (index < 0) {
                return "a thread that ended is queued";
            }
            waiting[index]++;
        }
        for (const struct thread *thread = object->type == OBJECT_ENDPOINT ? endpoint->receivers : nullptr;
             thread != nullptr; thread = thread->next) {
            const int index = world_index_of(thread);
            if (index < 0) {
                return "a thread that ended is among the receivers";
            }
            waiting[index]++;
        }
    }
    for (uint32_t i = 0; i < world.thread_count; i++) {
        const struct thread *thread = world_thread(i);
        const uint8_t state = thread == nullptr ? THREAD_DEAD : thread->state;
        const bool waits = state == THREAD_SENDING || state == THREAD_RECEIVING || state == THREAD_WAITING;
        if (ready[i] != (state == THREAD_READY) || waiting[i] != waits) {
            return "a thread is not in the one queue that its state says";
        }
    }
    return nullptr;
}

static const char *check_threads(void) {
    uint32_t running = 0, ready = 0;
    for (uint32_t i = 0; i < world.thread_count; i++) {
        const struct thread *thread = world_thread(i);
        if (thread == nullptr) {
            continue;
        }
        running += thread->state == THREAD_RUNNING && (thread->flags & THREAD_ENDING) == 0;
        ready += thread->state == THREAD_READY && (thread->flags & THREAD_ENDING) == 0;
        if ((thread->flags & THREAD_ENDING) == 0 && (!thread_check(thread) || thread->state == THREAD_NEW || thread->state >= THREAD_WAKING)) {
            return "a thread's state does not hold together";
        }
        if (thread->state == THREAD_AWAITING_REPLY && thread->reply == nullptr &&
            world_index_of(thread->server) < 0) {
            return "a thread waits for the answer of one that ended";
        }
        // The deadline of one that is ending may have passed without effect.
        if ((thread->flags & THREAD_ENDING) == 0 &&
            ((thread->flags & THREAD_TIMED) != 0) != thread->timer.armed) {
            return "a thread's deadline is not armed as its flags say";
        }
        if (thread->caller != nullptr) {
            const int caller = world_index_of(thread->caller);
            if (caller < 0 || thread->caller->state != THREAD_AWAITING_REPLY ||
                thread->caller->server != thread) {
                return "a thread's caller does not wait for it";
            }
        }
    }
    const struct thread *owner = this_cpu()->slice_owner;
    if (owner != nullptr && world_index_of(owner) < 0) {
        return "the slice belongs to a thread that ended";
    }
    if (running != (host_user.thread != nullptr)) {
        return "not exactly the current thread is running";
    }
    if (host_user.thread == nullptr && ready != 0) {
        return "the processor idles although a thread is ready";
    }
    return nullptr;
}

static const char *check_objects(const struct census *census) NO_THREAD_SAFETY_ANALYSIS {
    for (uint32_t i = 0; i < census->count; i++) {
        struct object *object = census->found[i].object;
        if (object->type == OBJECT_ENDPOINT &&
            !endpoint_check(CONTAINER_OF(object, struct endpoint, object))) {
            return "an endpoint's queues do not hold together";
        }
        if (object->type == OBJECT_NOTIFICATION) {
            const struct notification *notification = CONTAINER_OF(object, struct notification, object);
            const struct endpoint *bound = notification->bound;
            if (notification->bits != 0 && !list_empty(&notification->waiters)) {
                return "a thread waits for bits that are there";
            }
            if (bound != nullptr && (bound->bound != notification || !list_empty(&notification->waiters))) {
                return "a binding is one-sided";
            }
            if (bound != nullptr && notification->bits != 0 &&
                (bound->receivers != nullptr || (bound->attention & ENDPOINT_NOTIFIED) == 0)) {
                return "bits of a bound notification reach no receiver";
            }
        }
        if (object->type == OBJECT_REPLY) {
            const struct thread *caller = CONTAINER_OF(object, struct reply, object)->caller;
            if (caller != nullptr && (world_index_of(caller) < 0 || &caller->reply->object != object)) {
                return "a reply object's caller does not wait for it";
            }
        }
        if (object->type != OBJECT_VMO && object->references != census->found[i].references) {
            return "an object is referred to more or less often than it counts";
        }
    }
    return nullptr;
}

static const char *check_charge(const struct census *census) {
    bool whole = true; // nothing of what was there at the beginning has been given back
    for (uint32_t i = 0; i < 2; i++) {
        whole = whole && world.processes[i]->state == PROCESS_RUNNING;
    }
    for (uint32_t i = 0; i < world.thread_count; i++) {
        whole = whole && (!world.plan.pages || world_thread(i) != nullptr);
    }
    const struct account_usage usage = account_usage(world.root);
    const uint64_t most = world.fixed_bytes + census->object_bytes;
    if (usage.objects != census->count || world.root->object.references != census->count + 1) {
        return "the account counts other objects than there are";
    }
    return (whole ? usage.used_bytes == most : usage.used_bytes <= most)
               ? nullptr
               : "the account paid another sum than things cost";
}

const char *world_complaint(void) {
    struct census census;
    const char *complaint = world.complaint;
    for (uint32_t i = 0; i < 2 && complaint == nullptr; i++) {
        complaint =
            handle_table_check(world.processes[i]) ? nullptr : "a handle table does not hold together";
    }
    if (complaint == nullptr && world_next_deadline_ns() < host_deadline_ns) {
        complaint = "the timer is not set for the next deadline";
    }
    if (complaint == nullptr) {
        complaint = check_threads();
    }
    world_count(&census);
    if (complaint == nullptr) {
        complaint = check_queues(&census);
    }
    if (complaint == nullptr && reaper_pending() == 0) { // else something is between being and not
        complaint = check_objects(&census);
    }
    if (complaint == nullptr && reaper_pending() == 0) {
        complaint = check_charge(&census);
    }
    return complaint;
}

// ---- states ----------------------------------------------------------------------------------------

static void mix(uint64_t *hash, uint64_t value) {
    *hash = (*hash ^ value) * 0x9e37'79b9'7f4a'7c15;
    *hash ^= *hash >> 29;
}

static uint64_t name_of(const struct object *object) {
    const uint64_t koid = object->koid.v;
    const uint64_t named[] = {world.endpoint, world.notification, world.token,
                              world.processes[CLIENT]->object.koid.v, world.processes[SERVER]->object.koid.v};
    for (uint32_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (koid == named[i]) {
            return i + 1;
        }
    }
    for (uint32_t i = 0; i < world.thread_count; i++) {
        if (koid == world.thread_koids[i]) {
            return 10 + i;
        }
    }
    if (object->type == OBJECT_REPLY) {
        return 21 + (uint64_t)world_index_of(CONTAINER_OF(object, const struct reply, object)->caller);
    }
    return 30 + object->type;
}

static void mix_thread(uint64_t *hash, uint32_t index) {
    const struct thread *thread = world_thread(index);
    if (thread == nullptr) {
        mix(hash, 1000);
        return;
    }
    uint64_t rank = 0;
    for (uint32_t i = 0; i < world.thread_count; i++) {
        const struct thread *other = world_thread(i);
        rank +=
            other != nullptr && other->timer.armed && other->timer.deadline_ns < thread->timer.deadline_ns;
    }
    const uint8_t state = thread->state == THREAD_RUNNING ? (uint8_t)THREAD_READY : thread->state;
    const bool waits = state != THREAD_READY && state != THREAD_NEW && state < THREAD_DEAD;
    mix(hash, state | (uint64_t)thread->flags << 8 | (uint64_t)thread->effective_band << 16 |
                  (waits ? (uint64_t)thread->wants_reply << 24 : 0) |
                  (thread->timer.armed ? rank + 1 : 0) << 32);
    mix(hash, (uint64_t)(world_index_of(thread->caller) + 1) |
                  (uint64_t)(world_index_of(thread->server) + 1) << 8 |
                  (uint64_t)(thread->reply != nullptr) << 16);
    mix(hash, waits ? thread->pending_info : 0);
}

static void mix_object(uint64_t *hash, struct object *object) NO_THREAD_SAFETY_ANALYSIS {
    if (object->type == OBJECT_ENDPOINT) {
        const struct endpoint *endpoint = CONTAINER_OF(object, struct endpoint, object);
        mix(hash, endpoint->attention | (uint64_t)endpoint->receive_handles << 8);
        LIST_FOR_EACH(node, &endpoint->senders) {
            mix(hash, 50 + (uint64_t)world_index_of(LIST_ENTRY(node, struct thread, link)));
        }
        for (const struct thread *thread = endpoint->receivers; thread != nullptr; thread = thread->next) {
            mix(hash, 60 + (uint64_t)world_index_of(thread));
        }
    } else if (object->type == OBJECT_NOTIFICATION) {
        const struct notification *notification = CONTAINER_OF(object, struct notification, object);
        mix(hash, notification->bits | (uint64_t)(notification->bound != nullptr) << 8);
        LIST_FOR_EACH(node, &notification->waiters) {
            mix(hash, 70 + (uint64_t)world_index_of(LIST_ENTRY(node, struct thread, link)));
        }
    }
}

uint64_t world_state(void) {
    uint64_t hash = 0x243f'6a88'85a3'08d3;
    struct census census;
    world_count(&census);
    for (uint32_t i = 0; i < 2; i++) {
        struct process *process = world.processes[i];
        spin_lock(&process->lock);
        mix(&hash, process->state | (uint64_t)process->reap_index << 8 |
                       (uint64_t)(process->exit_watch != nullptr) << 40 |
                       (uint64_t)(process->fault_endpoint != nullptr) << 41);
        spin_unlock(&process->lock);
        FOR_EACH_SLOT(slot, process) {
            mix(&hash, name_of(slot->object) | (uint64_t)slot_rights(slot).v << 8 | slot->badge << 32);
        }
    }
    for (uint32_t i = 0; i < world.thread_count; i++) {
        mix_thread(&hash, i);
    }
    for (uint32_t i = 0; i < census.count; i++) {
        mix_object(&hash, census.found[i].object);
    }
    mix(&hash, reaper_pending() | (uint64_t)world.backlog_steps << 32);
    return hash;
}
