// What is not to be reached, and whether it can be.
#include "abi/gen/abi.h"
#include "abi/gen/decode.h"
#include "base/str.h"
#include "lib/authority/item.h"
#include "lib/authority/reach.h"

static uint64_t interface_called(const struct authority *graph, const char *word, size_t len) {
    for (uint32_t i = 0; i < graph->interfaces.count; i++) {
        const char *name = graph->interfaces.at[i].name;
        // As the contract is called, or as the interface is.
        if (strlen(name) == len && (strncmp(name + 1, word + 1, len - 1) == 0) && (name[0] == word[0] || name[0] == word[0] - 'a' + 'A')) {
            return graph->interfaces.at[i].id;
        }
    }
    return 0;
}

bool authority_target_is_anybodys(const struct authority_target *target) {
    static const uint8_t minted[] = {OBJECT_INTERRUPT, OBJECT_IOPORT, OBJECT_RESOURCE, OBJECT_INSPECTOR, OBJECT_IOSPACE, OBJECT_TRACE};
    bool is_minted = target->type == 0;
    for (size_t i = 0; i < sizeof minted; i++) {
        is_minted = is_minted || target->type == minted[i];
    }
    return !is_minted;
}

bool authority_target_called(const struct authority *graph, const char *word, struct authority_target *out) {
    const char *dot = strchr(word, '.');
    *out = (struct authority_target){.process = AUTHORITY_NONE};
    for (uint32_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
        if (str_equal(abi_object_name(type), word)) {
            out->type = type;
            return true;
        }
    }
    out->process = authority_process_by_name(graph, word);
    if (out->process != AUTHORITY_NONE) {
        return true;
    }
    if (word[0] == '\0' || (dot != nullptr && !str_equal(dot, ".control"))) {
        return false;
    }
    out->control = dot != nullptr;
    out->interface_id = interface_called(graph, word, dot != nullptr ? (size_t)(dot - word) : strlen(word));
    return out->interface_id != 0;
}

// Whether the process receives from the endpoint now, or would from one that it makes.
static bool serves_now(const struct authority *graph, uint32_t process, uint64_t endpoint_koid) {
    const struct authority_process *of = &graph->processes.at[process];
    if (endpoint_koid == of->koid) {
        return true;
    }
    for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
        const struct authority_handle *handle = &graph->handles.at[i];
        if (handle->seen.object_koid == endpoint_koid && (handle->seen.rights & RIGHT_RECEIVE_BIT) != 0 &&
            (!authority_is_supervisor(graph, process) || authority_receives(graph, handle))) {
            return true;
        }
    }
    return false;
}

bool authority_is_target(const struct authority *graph, const struct authority_item *item, const struct authority_target *target) {
    if (item_makes_anything(graph, item)) {
        return true; // also what nobody has yet
    }
    if (target->type != 0) {
        return item->type == target->type;
    }
    if (target->process != AUTHORITY_NONE) {
        return (item_sends(item) && serves_now(graph, target->process, item->object_koid)) || item_is_hold(graph, item, target->process);
    }
    const struct authority_interface *own = authority_interface_by_id(graph, item->interface_id);
    const bool unknown = own == nullptr; // it may be any
    return item_sends(item) && !item_is_made(graph, item) && (!target->control || item_controls(item)) &&
           (unknown || own->id == target->interface_id || own->extends_id == target->interface_id);
}

uint32_t authority_reaches(const struct authority *graph, const struct authority_reach *reach, uint32_t process,
                           const struct authority_target *target) {
    for (uint32_t i = 0; i < reach->item_count; i++) {
        if (authority_may_hold(reach, process, i) && authority_is_target(graph, &reach->items[i], target)) {
            return i;
        }
    }
    return AUTHORITY_NONE;
}

bool authority_prove(const struct authority *graph, uint32_t process, const struct authority_target *target, bool *rogues,
                     bool *is_proved, struct authority_reach *out) {
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        rogues[i] = i == process;
    }
    if (!authority_reach(graph, rogues, out)) {
        return false;
    }
    *is_proved = authority_reaches(graph, out, process, target) == AUTHORITY_NONE;
    for (uint32_t i = 0; *is_proved && i < graph->processes.count; i++) {
        struct authority_reach wider;
        bool is_found;
        if (i == process || graph->processes.at[i].ended || authority_is_supervisor(graph, i)) {
            continue;
        }
        rogues[i] = true;
        if (!authority_reach_more(graph, rogues, out, process, target, &is_found, &wider)) {
            authority_reach_free(out);
            return false;
        }
        rogues[i] = !is_found;
        authority_reach_free(rogues[i] ? out : &wider);
        *out = rogues[i] ? wider : *out;
    }
    return true;
}
