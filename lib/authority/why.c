#include "lib/authority/why.h"

#include "abi/gen/abi.h"
#include "base/fmt.h"
#include "base/str.h"

constexpr uint32_t LABEL_ORDINAL = 0xffff; // of what the kernel keeps of a request's label (lib/rpc/method.h)

static const char *name_of(const struct authority *graph, uint32_t process) {
    return process == AUTHORITY_NONE ? "a process that is gone" : graph->processes.at[process].name;
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

// Which methods the message may have been: the server's interfaces have them with this number, and they carry capabilities that way.
static void name_message(const struct authority *graph, const struct inspect_handle *seen, uint32_t server, struct authority_step *out) {
    const bool answer = seen->origin == ORIGIN_ANSWER;
    for (uint32_t i = 0; server != AUTHORITY_NONE && i < graph->methods.count; i++) {
        const struct authority_method *method = &graph->methods.at[i];
        const struct authority_interface *interface = authority_interface_by_id(graph, method->interface_id);
        if (method->ordinal == (seen->method & LABEL_ORDINAL) && (answer ? method->gives : method->brings) &&
            out->method_count < AUTHORITY_METHODS_MAX && interface != nullptr && serves(graph, server, interface)) {
            out->methods[out->method_count++] = method;
        }
    }
}

static struct authority_step step_of(const struct authority *graph, uint32_t handle) {
    const struct authority_handle *of = &graph->handles.at[handle];
    struct authority_step step = {
        .handle = handle,
        .holder = of->process,
        .granter = authority_process_by_koid(graph, of->seen.granter_koid),
    };
    if (of->seen.origin == ORIGIN_REQUEST) {
        name_message(graph, &of->seen, of->process, &step);
    } else if (of->seen.origin == ORIGIN_ANSWER) {
        name_message(graph, &of->seen, step.granter, &step);
    }
    return step;
}

static bool is_derived(const struct inspect_handle *seen) {
    return seen->origin != ORIGIN_BOOT && seen->origin != ORIGIN_CREATED;
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
        return step->holder == AUTHORITY_NONE ? "who had it before is gone" : nullptr;
    }
    const struct inspect_handle *seen = &graph->handles.at[step->handle].seen;
    if (seen->parent_handle == INSPECT_PARENT_FAR) {
        return "what it is derived from was not looked for among its many siblings";
    }
    if (is_derived(seen) && step->granter == AUTHORITY_NONE) {
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
    const struct inspect_handle *oldest = &graph->handles.at[handle].seen;
    for (uint32_t i = handle; i != AUTHORITY_NONE && out->count < AUTHORITY_STEPS_MAX - 1; i = graph->handles.at[i].parent) {
        out->steps[out->count++] = step_of(graph, i);
        oldest = &graph->handles.at[i].seen;
        if (graph->handles.at[i].parent != AUTHORITY_NONE && out->count == AUTHORITY_STEPS_MAX - 1) {
            out->gap = "the chain is longer than what is shown";
        }
    }
    if (is_derived(oldest)) { // from a handle that has been given up since
        const uint32_t granter = authority_process_by_koid(graph, oldest->granter_koid);
        out->steps[out->count++] =
            (struct authority_step){.handle = AUTHORITY_NONE, .holder = granter, .granter = AUTHORITY_NONE};
    }
    reverse(out);
    for (uint32_t i = 0; i < out->count && out->gap == nullptr; i++) {
        out->gap = gap_of_step(graph, &out->steps[i]);
    }
}

// ---- words ----

static void how_granted(const struct authority *graph, const struct authority_handle *of, const struct authority_step *step,
                        char out[AUTHORITY_HOW_BYTES]) {
    const struct authority_grant *grant = of->grant == AUTHORITY_NONE ? nullptr : &graph->grants.at[of->grant];
    const uint32_t unit = graph->processes.at[of->process].unit;
    const char *by = name_of(graph, step->granter);
    if (grant != nullptr && grant->manifest_line != 0) {
        fmt_snprintf(out, AUTHORITY_HOW_BYTES, "granted by %s: %s:%u, %s", by, grant->manifest_file, grant->manifest_line, grant->source);
    } else if (grant != nullptr && unit != AUTHORITY_NONE && graph->units.at[unit].manifest_line != 0) {
        fmt_snprintf(out, AUTHORITY_HOW_BYTES, "granted by %s: %s:%u, %s's own", by, graph->units.at[unit].manifest_file,
                     graph->units.at[unit].manifest_line, graph->units.at[unit].name);
    } else {
        fmt_snprintf(out, AUTHORITY_HOW_BYTES, "granted by %s", by);
    }
}

static void how_sent(const struct authority *graph, const struct authority_step *step, const char *what, char out[AUTHORITY_HOW_BYTES]) {
    const size_t used = fmt_snprintf(out, AUTHORITY_HOW_BYTES, "%s of %s: ", what, name_of(graph, step->granter));
    size_t at = used < AUTHORITY_HOW_BYTES ? used : AUTHORITY_HOW_BYTES - 1;
    for (uint32_t i = 0; i < step->method_count && at < AUTHORITY_HOW_BYTES; i++) {
        at += fmt_snprintf(out + at, AUTHORITY_HOW_BYTES - at, "%s%s", i == 0 ? "" : " or ", step->methods[i]->name);
    }
    if (step->method_count == 0 && at < AUTHORITY_HOW_BYTES) {
        fmt_snprintf(out + at, AUTHORITY_HOW_BYTES - at, "a method that no contract has");
    }
}

const char *authority_how(const struct authority *graph, const struct authority_step *step, char out[AUTHORITY_HOW_BYTES]) {
    if (step->handle == AUTHORITY_NONE) {
        fmt_snprintf(out, AUTHORITY_HOW_BYTES, "given up since");
        return out;
    }
    const struct authority_handle *of = &graph->handles.at[step->handle];
    switch (of->seen.origin) {
    case ORIGIN_BOOT: fmt_snprintf(out, AUTHORITY_HOW_BYTES, "made by the kernel at boot"); break;
    case ORIGIN_CREATED: fmt_snprintf(out, AUTHORITY_HOW_BYTES, "came with its object"); break;
    case ORIGIN_COPIED: fmt_snprintf(out, AUTHORITY_HOW_BYTES, "copied by %s", name_of(graph, step->granter)); break;
    case ORIGIN_GRANTED: how_granted(graph, of, step, out); break;
    case ORIGIN_REQUEST: how_sent(graph, step, "came with a request", out); break;
    case ORIGIN_ANSWER: how_sent(graph, step, "came with the answer", out); break;
    default: fmt_snprintf(out, AUTHORITY_HOW_BYTES, "unknown"); break;
    }
    return out;
}
