#include "lib/authority/effect.h"

#include "abi/gen/abi.h"
#include "lib/tess/heap.h"

// thread.state, as abi/inspect.h has it
enum : uint32_t { STATE_SENDING = 3, STATE_RECEIVING = 4, STATE_WAITING = 6 };

static bool start(const struct authority *graph, struct authority_effect *out) {
    *out = (struct authority_effect){
        .gone = calloc(graph->handles.count + 1, sizeof *out->gone),
        .ends = calloc(graph->processes.count + 1, sizeof *out->ends),
        .wait = calloc(graph->objects.count + 1, sizeof *out->wait),
    };
    if (out->gone == nullptr || out->ends == nullptr || out->wait == nullptr) {
        authority_effect_free(out);
        return false;
    }
    return true;
}

void authority_effect_free(struct authority_effect *effect) {
    free(effect->gone);
    free(effect->ends);
    free(effect->wait);
    *effect = (struct authority_effect){};
}

static void lose(struct authority_effect *effect, uint32_t handle) {
    effect->gone_count += !effect->gone[handle];
    effect->gone[handle] = true;
}

// ---- what goes ----

static void revoke(const struct authority *graph, struct authority_effect *effect, uint32_t revoked) {
    lose(effect, revoked);
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        uint32_t above = graph->handles.at[i].parent;
        // Parents were looked at one after the other: what looks like a circle is none, and ends here.
        for (uint32_t steps = 0; above != AUTHORITY_NONE && above != revoked && steps < graph->handles.count; steps++) {
            above = graph->handles.at[above].parent;
        }
        if (above == revoked) {
            lose(effect, i);
        }
    }
}

// What an account pays for, of these types, stays readable to who holds it.
static bool outlives_its_account(uint32_t type) {
    return type == OBJECT_THREAD || type == OBJECT_PROCESS || type == OBJECT_ACCOUNT;
}

static void end_process(const struct authority *graph, struct authority_effect *effect, uint32_t process) {
    const struct authority_process *of = &graph->processes.at[process];
    effect->ends_count += !effect->ends[process];
    effect->ends[process] = true;
    for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
        lose(effect, i);
    }
}

static void end_account(const struct authority *graph, struct authority_effect *effect, uint64_t account) {
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        if (authority_account_is_under(graph, graph->processes.at[i].account_koid, account)) {
            end_process(graph, effect, i);
        }
    }
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        const struct authority_handle *handle = &graph->handles.at[i];
        const struct inspect_object *object = handle->object == AUTHORITY_NONE ? nullptr : &graph->objects.at[handle->object];
        if (object == nullptr) {
            continue;
        }
        const bool paid = authority_account_is_under(graph, object->account_koid, account);
        const bool is_it = object->type == OBJECT_ACCOUNT && authority_account_is_under(graph, object->koid, account);
        // Who made a process closes what came with that when it has ended.
        if ((paid && !outlives_its_account(object->type)) || ((paid || is_it) && handle->seen.origin == ORIGIN_CREATED)) {
            lose(effect, i);
        }
    }
}

// A service or job ends with its account; any other process alone.
static void end_whole(const struct authority *graph, struct authority_effect *effect, uint32_t process) {
    end_process(graph, effect, process);
    if (graph->processes.at[process].unit != AUTHORITY_NONE) {
        end_account(graph, effect, graph->processes.at[process].account_koid);
    }
}

// ---- what that ends ----

static bool loses(const struct authority *graph, const struct authority_effect *effect, uint32_t process, uint64_t object_koid,
                  uint32_t right) {
    const struct authority_process *of = &graph->processes.at[process];
    for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
        const struct inspect_handle *seen = &graph->handles.at[i].seen;
        if (effect->gone[i] && seen->object_koid == object_koid && (seen->rights & right) != 0) {
            return true;
        }
    }
    return false;
}

static bool is_dead(const struct authority *graph, const struct authority_effect *effect, uint64_t endpoint_koid) {
    bool received = false;
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        const struct inspect_handle *seen = &graph->handles.at[i].seen;
        if (seen->object_koid == endpoint_koid && (seen->rights & RIGHT_RECEIVE_BIT) != 0) {
            received = true;
            if (!effect->gone[i]) {
                return false;
            }
        }
    }
    return received; // else nobody could before
}

static enum authority_wait_end wait_end(const struct authority *graph, const struct authority_effect *effect, uint32_t process,
                                        const struct inspect_object *thread) {
    static const uint32_t rights[] = {
        [STATE_SENDING] = RIGHT_SEND_BIT, [STATE_RECEIVING] = RIGHT_RECEIVE_BIT, [STATE_WAITING] = RIGHT_WAIT_BIT};
    const uint32_t right = thread->state < sizeof rights / sizeof rights[0] ? rights[thread->state] : 0;
    if (right == 0 || thread->numbers[0] == 0) {
        return AUTHORITY_WAIT_STAYS;
    }
    if (loses(graph, effect, process, thread->numbers[0], right)) {
        return AUTHORITY_WAIT_REVOKED;
    }
    return right != RIGHT_WAIT_BIT && is_dead(graph, effect, thread->numbers[0]) ? AUTHORITY_WAIT_DEAD : AUTHORITY_WAIT_STAYS;
}

// Sets the waits that end; ends who waits for requests that cannot come any more. True when somebody did.
static bool follow(const struct authority *graph, struct authority_effect *effect) {
    bool more = false;
    effect->wait_count = 0;
    for (uint32_t i = 0; i < graph->objects.count; i++) {
        const struct inspect_object *thread = &graph->objects.at[i];
        const uint32_t process =
            thread->type == OBJECT_THREAD ? authority_process_by_koid(graph, thread->numbers[3]) : AUTHORITY_NONE;
        effect->wait[i] = AUTHORITY_WAIT_STAYS;
        if (process == AUTHORITY_NONE || effect->ends[process]) {
            continue;
        }
        effect->wait[i] = wait_end(graph, effect, process, thread);
        effect->wait_count += effect->wait[i] != AUTHORITY_WAIT_STAYS;
        if (effect->wait[i] != AUTHORITY_WAIT_STAYS && thread->state == STATE_RECEIVING) {
            end_whole(graph, effect, process);
            more = true;
        }
    }
    return more;
}

bool authority_if_revoked(const struct authority *graph, uint32_t handle, struct authority_effect *out) {
    if (!start(graph, out)) {
        return false;
    }
    revoke(graph, out, handle);
    while (follow(graph, out)) {
    }
    return true;
}

bool authority_if_ended(const struct authority *graph, uint32_t process, struct authority_effect *out) {
    if (!start(graph, out)) {
        return false;
    }
    end_whole(graph, out, process);
    while (follow(graph, out)) {
    }
    return true;
}

// ---- and what came of it ----

bool authority_is_there(const struct authority *later, uint64_t process_koid, uint32_t handle) {
    const uint32_t process = authority_process_by_koid(later, process_koid);
    return process != AUTHORITY_NONE && authority_handle_of(later, process, handle) != AUTHORITY_NONE;
}

struct authority_difference authority_compare(const struct authority *before, const struct authority_effect *effect,
                                              const struct authority *later) {
    struct authority_difference difference = {};
    for (uint32_t i = 0; i < before->handles.count; i++) {
        const struct authority_handle *handle = &before->handles.at[i];
        const bool there = authority_is_there(later, before->processes.at[handle->process].koid, handle->seen.handle);
        difference.still_there += effect->gone[i] && there;
        if (!effect->gone[i] && !there) {
            const bool ended = authority_process_by_koid(later, before->processes.at[handle->process].koid) == AUTHORITY_NONE;
            difference.also_gone += ended;
            difference.closed += !ended;
        }
    }
    return difference;
}
