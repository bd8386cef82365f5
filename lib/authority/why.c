#include "lib/authority/why.h"

#include "abi/gen/abi.h"
#include "base/fmt.h"
#include "base/str.h"
#include "lib/authority/item.h"

constexpr uint32_t LABEL_ORDINAL = 0xffff; // of what the kernel keeps of a request's label (lib/rpc/method.h)

// Whose process it is, or was.
static const char *name_of(const struct authority *graph, const struct authority_step *step, uint32_t process) {
    if (process != AUTHORITY_NONE) {
        return graph->processes.at[process].name;
    }
    return step->former == AUTHORITY_NONE ? "a process that is gone" : graph->units.at[step->former].name;
}

// "(ended)" behind the name of one that is not there any more.
static const char *ended(uint32_t process) {
    return process == AUTHORITY_NONE ? " (ended)" : "";
}

// Whether the process receives requests of the interface, or of the one that it extends.
static bool serves(const struct authority *graph, uint32_t process, const struct authority_interface *interface) {
    const struct authority_process *of = &graph->processes.at[process];
    for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
        const struct authority_handle *handle = &graph->handles.at[i];
        if (authority_receives(graph, handle) && handle->seen.interface_id != 0 &&
            (handle->seen.interface_id == interface->id || handle->seen.interface_id == interface->extends_id)) {
            return true;
        }
    }
    return false;
}

// Whether the method has a field that such a handle is for.
static bool carries(const struct authority *graph, const struct authority_method *method, const struct inspect_handle *seen) {
    const struct authority_item item = item_of_handle(seen);
    const struct authority_interface *of = authority_interface_by_id(graph, method->interface_id);
    struct authority_item passed;
    for (uint32_t i = method->first_carried; i < method->first_carried + method->carried_count; i++) {
        const struct authority_carried *carried = &graph->carried.at[i];
        const struct authority_interface *wanted = authority_interface_by_id(graph, carried->interface_id);
        if (carried->is_given == (seen->origin == ORIGIN_ANSWER) &&
            item_passes(graph, &item, wanted, of != nullptr && of->object_type != 0, &passed)) {
            return true;
        }
    }
    return false;
}

// Which methods the message may have been: the server's interfaces have them with this number, and they carry such capabilities that way.
// Where none does, whoever sent it did not keep to the contract, and it was any of those that carry some (`any`).
static void name_message(const struct authority *graph, const struct inspect_handle *seen, uint32_t server, bool any,
                         struct authority_step *out) {
    const bool answer = seen->origin == ORIGIN_ANSWER;
    for (uint32_t i = 0; server != AUTHORITY_NONE && i < graph->methods.count; i++) {
        const struct authority_method *method = &graph->methods.at[i];
        const struct authority_interface *interface = authority_interface_by_id(graph, method->interface_id);
        if (method->ordinal == (seen->method & LABEL_ORDINAL) && (answer ? method->gives : method->brings) &&
            (any || carries(graph, method, seen)) && out->method_count < AUTHORITY_METHODS_MAX && interface != nullptr &&
            serves(graph, server, interface)) {
            out->methods[out->method_count++] = method;
        }
    }
    if (out->method_count == 0 && !any) {
        name_message(graph, seen, server, true, out);
    }
}

static uint32_t process_of_unit(const struct authority *graph, uint32_t unit) {
    return unit == AUTHORITY_NONE ? AUTHORITY_NONE : authority_process_by_koid(graph, graph->units.at[unit].process_koid);
}

static struct authority_step step_of(const struct authority *graph, uint32_t handle) {
    const struct authority_handle *of = &graph->handles.at[handle];
    struct authority_step step = {
        .handle = handle,
        .holder = of->process,
        .granter = authority_process_by_koid(graph, of->seen.granter_koid),
        .former = authority_former_unit(graph, of->seen.granter_koid),
        .successor = AUTHORITY_NONE,
    };
    if (of->seen.origin == ORIGIN_REQUEST) {
        name_message(graph, &of->seen, of->process, false, &step);
    } else if (of->seen.origin == ORIGIN_ANSWER) { // of one that has ended as its successor would give it
        name_message(graph, &of->seen, step.granter != AUTHORITY_NONE ? step.granter : process_of_unit(graph, step.former), false, &step);
    }
    return step;
}

static bool is_derived(const struct inspect_handle *seen) {
    return seen->origin != ORIGIN_BOOT && seen->origin != ORIGIN_CREATED;
}

// What the unit's process has to the object now, and was granted or handed.
static uint32_t find_successor(const struct authority *graph, uint32_t unit, uint64_t object_koid) {
    const uint32_t process = process_of_unit(graph, unit);
    uint32_t found = AUTHORITY_NONE;
    for (uint32_t i = 0; process != AUTHORITY_NONE && i < graph->processes.at[process].handle_count; i++) {
        const uint32_t handle = graph->processes.at[process].first_handle + i;
        const struct authority_handle *of = &graph->handles.at[handle];
        if (of->seen.object_koid == object_koid && is_derived(&of->seen) && (found == AUTHORITY_NONE || of->grant != AUTHORITY_NONE)) {
            found = handle;
        }
    }
    return found;
}

// Whether the process may have made the object itself: it pays for it, or has the account that does. The supervisor makes what nobody pays for.
static bool may_have_made(const struct authority *graph, uint32_t process, uint32_t payer, const struct authority_handle *of) {
    const uint64_t account = of->object == AUTHORITY_NONE ? 0 : graph->objects.at[of->object].account_koid;
    const struct authority_process *maker = &graph->processes.at[process];
    for (uint32_t i = maker->first_handle; account != 0 && i < maker->first_handle + maker->handle_count; i++) {
        const struct inspect_handle *seen = &graph->handles.at[i].seen;
        if (seen->object_koid == account && (seen->rights & RIGHT_CREATE_BIT) != 0) {
            return true;
        }
    }
    return process == payer || authority_is_supervisor(graph, process);
}

// What the granter had, when that is not the step above. It is explained when the granter may have made the object; when the starter of a
// program says from where it was granted; and when a successor has it likewise.
static struct authority_step given_up(const struct authority *graph, const struct authority_chain *chain, const struct authority_handle *of) {
    struct authority_step step = {
        .handle = AUTHORITY_NONE,
        .holder = authority_process_by_koid(graph, of->seen.granter_koid),
        .granter = AUTHORITY_NONE,
        .former = authority_former_unit(graph, of->seen.granter_koid),
    };
    step.successor = step.holder == AUTHORITY_NONE ? find_successor(graph, step.former, of->seen.object_koid) : AUTHORITY_NONE;
    const bool is_made = of->parent == AUTHORITY_NONE && step.holder != AUTHORITY_NONE && may_have_made(graph, step.holder, chain->payer, of);
    step.unexplained = !is_made && of->grant == AUTHORITY_NONE && step.successor == AUTHORITY_NONE;
    return step;
}

static bool is_from_above(const struct authority *graph, const struct authority_handle *of) {
    return of->parent != AUTHORITY_NONE && graph->processes.at[graph->handles.at[of->parent].process].koid == of->seen.granter_koid;
}

static void reverse(struct authority_chain *chain) {
    for (uint32_t i = 0; i < chain->count / 2; i++) {
        const struct authority_step kept = chain->steps[i];
        chain->steps[i] = chain->steps[chain->count - 1 - i];
        chain->steps[chain->count - 1 - i] = kept;
    }
}

static const char *gap_of_step(const struct authority *graph, const struct authority_step *step) {
    if (step->handle == AUTHORITY_NONE) {
        return step->holder == AUTHORITY_NONE && step->former == AUTHORITY_NONE ? "who granted it is gone"
               : step->unexplained ? "how it had come to who gave it up since is not known"
                                   : nullptr;
    }
    const struct inspect_handle *seen = &graph->handles.at[step->handle].seen;
    if (seen->parent_handle == INSPECT_PARENT_FAR) {
        return "what it is derived from was not looked for among its many siblings";
    }
    if (is_derived(seen) && step->granter == AUTHORITY_NONE && step->former == AUTHORITY_NONE) {
        return "who granted it is gone";
    }
    const bool message = seen->origin == ORIGIN_REQUEST || seen->origin == ORIGIN_ANSWER;
    return message && step->method_count == 0 ? "no contract has the method that it came with" : nullptr;
}

// Whose manifest line is why the object is there at all: the payer's, unless that is the supervisor.
static void find_reason(const struct authority *graph, struct authority_chain *chain, const struct authority_handle *handle) {
    const struct inspect_object *object = handle->object == AUTHORITY_NONE ? nullptr : &graph->objects.at[handle->object];
    chain->payer = object == nullptr ? AUTHORITY_NONE : authority_payer(graph, object->account_koid);
    chain->reason = chain->payer == AUTHORITY_NONE ? AUTHORITY_NONE : graph->processes.at[chain->payer].unit;
    if (object == nullptr) {
        chain->gap = "its object was not there any more when it was looked at";
    } else if (object->account_koid != 0 && chain->payer == AUTHORITY_NONE) {
        chain->gap = "the account that pays for it is nobody's";
    } else if (chain->payer != AUTHORITY_NONE && chain->reason == AUTHORITY_NONE) {
        chain->gap = "who pays for it is no service or job";
    }
}

void authority_why(const struct authority *graph, uint32_t handle, struct authority_chain *out) {
    *out = (struct authority_chain){};
    find_reason(graph, out, &graph->handles.at[handle]);
    uint32_t i = handle;
    while (i != AUTHORITY_NONE && out->count < AUTHORITY_STEPS_MAX - 1) { // there is room for two
        const struct authority_handle *of = &graph->handles.at[i];
        out->steps[out->count++] = step_of(graph, i);
        if (is_derived(&of->seen) && !is_from_above(graph, of)) {
            out->steps[out->count++] = given_up(graph, out, of);
        }
        i = of->parent;
    }
    if (i != AUTHORITY_NONE) {
        out->gap = "the chain is longer than what is shown";
    }
    reverse(out);
    for (uint32_t step = 0; step < out->count && out->gap == nullptr; step++) {
        out->gap = gap_of_step(graph, &out->steps[step]);
    }
}

// ---- words ----

static void how_granted(const struct authority *graph, const struct authority_handle *of, const struct authority_step *step,
                        char out[AUTHORITY_HOW_BYTES]) {
    const struct authority_grant *grant = of->grant == AUTHORITY_NONE ? nullptr : &graph->grants.at[of->grant];
    const uint32_t unit = graph->processes.at[of->process].unit;
    const char *by = name_of(graph, step, step->granter);
    if (grant != nullptr && grant->manifest_line != 0) {
        fmt_snprintf(out, AUTHORITY_HOW_BYTES, "granted by %s: %s:%u, %s", by, grant->manifest_file, grant->manifest_line, grant->source);
    } else if (grant != nullptr && unit != AUTHORITY_NONE && graph->units.at[unit].manifest_line != 0) {
        fmt_snprintf(out, AUTHORITY_HOW_BYTES, "granted by %s: %s:%u, %s's own", by, graph->units.at[unit].manifest_file,
                     graph->units.at[unit].manifest_line, graph->units.at[unit].name);
    } else {
        const bool is_said = grant != nullptr && grant->source[0] != '\0';
        fmt_snprintf(out, AUTHORITY_HOW_BYTES, "granted by %s%s%s", by, is_said ? ": " : "", is_said ? grant->source : "");
    }
}

static void how_sent(const struct authority *graph, const struct authority_step *step, const char *what, char out[AUTHORITY_HOW_BYTES]) {
    const size_t used = fmt_snprintf(out, AUTHORITY_HOW_BYTES, "%s of %s%s: ", what, name_of(graph, step, step->granter),
                                     ended(step->granter));
    size_t at = used < AUTHORITY_HOW_BYTES ? used : AUTHORITY_HOW_BYTES - 1;
    for (uint32_t i = 0; i < step->method_count && at < AUTHORITY_HOW_BYTES; i++) {
        at += fmt_snprintf(out + at, AUTHORITY_HOW_BYTES - at, "%s%s", i == 0 ? "" : " or ", step->methods[i]->name);
    }
    if (step->method_count == 0 && at < AUTHORITY_HOW_BYTES) {
        fmt_snprintf(out + at, AUTHORITY_HOW_BYTES - at, "a method that no contract has");
    }
}

static const char *how_held(const struct authority *graph, const struct authority_step *step, char out[AUTHORITY_HOW_BYTES]) {
    const struct authority_handle *of = &graph->handles.at[step->handle];
    switch (of->seen.origin) {
    case ORIGIN_BOOT: fmt_snprintf(out, AUTHORITY_HOW_BYTES, "made by the kernel at boot"); break;
    case ORIGIN_CREATED: fmt_snprintf(out, AUTHORITY_HOW_BYTES, "came with its object"); break;
    case ORIGIN_COPIED: fmt_snprintf(out, AUTHORITY_HOW_BYTES, "copied by %s", name_of(graph, step, step->granter)); break;
    case ORIGIN_GRANTED: how_granted(graph, of, step, out); break;
    case ORIGIN_REQUEST: how_sent(graph, step, "came with a request", out); break;
    case ORIGIN_ANSWER: how_sent(graph, step, "came with the answer", out); break;
    default: fmt_snprintf(out, AUTHORITY_HOW_BYTES, "unknown"); break;
    }
    return out;
}

const char *authority_how(const struct authority *graph, const struct authority_step *step, char out[AUTHORITY_HOW_BYTES]) {
    if (step->handle != AUTHORITY_NONE) {
        return how_held(graph, step, out);
    }
    fmt_snprintf(out, AUTHORITY_HOW_BYTES, "given up since");
    if (step->successor != AUTHORITY_NONE) {
        char now[AUTHORITY_HOW_BYTES];
        const struct authority_step of = step_of(graph, step->successor);
        fmt_snprintf(out, AUTHORITY_HOW_BYTES, "ended; its successor's: %s", how_held(graph, &of, now));
    }
    return out;
}
