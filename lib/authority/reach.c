#include "lib/authority/reach.h"

#include "abi/gen/abi.h"
#include "abi/gen/decode.h"
#include "base/str.h"
#include "lib/badge/badge.h"
#include "lib/tess/heap.h"

// A handle that allows no more than these is no hold on what it is for.
constexpr uint32_t HARMLESS = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT;

struct search {
    const struct authority *graph;
    struct authority_reach *reach;
    bool grew;
};

static bool *holds_at(const struct authority_reach *reach, uint32_t process, uint32_t item) {
    return &reach->holds[(size_t)process * reach->item_count + item];
}

// ---- items ----

static bool same(const struct authority_item *a, const struct authority_item *b) {
    return a->object_koid == b->object_koid && a->interface_id == b->interface_id && a->type == b->type && a->rights == b->rights &&
           a->control == b->control;
}

static uint32_t item_of(struct authority_reach *reach, struct authority_item item) {
    for (uint32_t i = 0; i < reach->item_count; i++) {
        if (same(&reach->items[i], &item)) {
            return i;
        }
    }
    reach->items[reach->item_count] = item;
    return reach->item_count++;
}

static struct authority_item item_from(const struct inspect_handle *seen) {
    return (struct authority_item){
        .object_koid = seen->object_koid,
        .interface_id = seen->type == OBJECT_ENDPOINT ? seen->interface_id : 0,
        .type = seen->type,
        .rights = seen->rights,
        .control = seen->type == OBJECT_ENDPOINT && badge_controls(seen->badge),
    };
}

// What the supervisor passes on of an endpoint by itself: the right to send, and to say who sends.
static struct authority_item lent(struct authority_item item) {
    item.rights &= ~(uint32_t)RIGHT_RECEIVE_BIT;
    return item;
}

static bool is_supervisor(const struct authority *graph, uint32_t process) {
    const uint32_t unit = graph->processes.at[process].unit;
    return unit != AUTHORITY_NONE && graph->units.at[unit].kind == AUTHORITY_SUPERVISOR;
}

static bool start(const struct authority *graph, struct authority_reach *out) {
    const uint32_t processes = graph->processes.count, most = 2 * graph->handles.count + 1;
    *out = (struct authority_reach){.process_count = processes, .items = calloc(most, sizeof *out->items)};
    for (uint32_t i = 0; out->items != nullptr && i < graph->handles.count; i++) {
        const struct authority_item item = item_from(&graph->handles.at[i].seen);
        (void)item_of(out, item);
        (void)item_of(out, is_supervisor(graph, graph->handles.at[i].process) ? lent(item) : item);
    }
    const size_t cells = (size_t)processes * out->item_count + 1;
    out->holds = calloc(cells, sizeof *out->holds);
    out->origins = calloc(cells, sizeof *out->origins);
    if (out->items == nullptr || out->holds == nullptr || out->origins == nullptr) {
        authority_reach_free(out);
        return false;
    }
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        const struct authority_handle *handle = &graph->handles.at[i];
        *holds_at(out, handle->process, item_of(out, item_from(&handle->seen))) = true;
    }
    return true;
}

void authority_reach_free(struct authority_reach *reach) {
    free(reach->items);
    free(reach->holds);
    free(reach->origins);
    *reach = (struct authority_reach){};
}

bool authority_may_hold(const struct authority_reach *reach, uint32_t process, uint32_t item) {
    return *holds_at(reach, process, item);
}

const struct authority_origin *authority_origin_of(const struct authority_reach *reach, uint32_t process, uint32_t item) {
    return &reach->origins[(size_t)process * reach->item_count + item];
}

// ---- flows ----

static void put(struct search *search, uint32_t to, uint32_t item, struct authority_origin origin) {
    bool *there = holds_at(search->reach, to, item);
    if (!*there) {
        *there = search->grew = true;
        search->reach->origins[(size_t)to * search->reach->item_count + item] = origin;
    }
}

static bool is_of(const struct authority *graph, const struct authority_item *item, uint32_t process);

// All that one may hold and hand on may come to another. Of the supervisor it is only the right to send: it follows the manifest,
// and what that grants is there already. Who has a hold on another process acts as that, so there it is all, handed on or not. Nobody
// hands on a hold on itself.
static void flow(struct search *search, uint32_t from, uint32_t to, enum authority_flow how, uint32_t method) {
    struct authority_reach *reach = search->reach;
    for (uint32_t i = 0; i < reach->item_count && from != to; i++) {
        const struct authority_item item = reach->items[i];
        const bool handed_on = (item.rights & (RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT)) != 0 && !is_of(search->graph, &item, from);
        const bool travels = handed_on || how == AUTHORITY_FLOW_SEIZED;
        if (!*holds_at(reach, from, i) || !travels) {
            continue;
        }
        if (!is_supervisor(search->graph, from)) {
            put(search, to, i, (struct authority_origin){how, from, i, method});
        } else if (item.type == OBJECT_ENDPOINT && (item.rights & RIGHT_SEND_BIT) != 0) {
            put(search, to, item_of(reach, lent(item)), (struct authority_origin){how, from, i, method});
        }
    }
}

// Whether who holds the item may call methods of the interface. Who may mint badges makes itself one with control.
static bool may_use(const struct authority *graph, const struct authority_item *item, uint64_t interface_id) {
    const bool control = item->control || (item->rights & RIGHT_MINT_BIT) != 0;
    const struct inspect_handle handle = {.interface_id = item->interface_id, .badge = control ? BADGE_CONTROL : 0};
    return authority_may_use(graph, &handle, interface_id);
}

// A client and a server of the endpoint have met.
static void meet(struct search *search, uint32_t client, const struct authority_item *item, uint32_t server) {
    const struct authority *graph = search->graph;
    if (authority_interface_by_id(graph, item->interface_id) == nullptr) {
        flow(search, client, server, AUTHORITY_FLOW_BROUGHT, AUTHORITY_NONE);
        flow(search, server, client, AUTHORITY_FLOW_GIVEN, AUTHORITY_NONE);
        return;
    }
    for (uint32_t i = 0; i < graph->methods.count; i++) {
        const struct authority_method *method = &graph->methods.at[i];
        if ((method->brings || method->gives) && may_use(graph, item, method->interface_id)) {
            if (method->brings) {
                flow(search, client, server, AUTHORITY_FLOW_BROUGHT, i);
            }
            if (method->gives) {
                flow(search, server, client, AUTHORITY_FLOW_GIVEN, i);
            }
        }
    }
}

// The supervisor may receive for every service, and does for itself only.
static bool supervisor_serves(const struct authority *graph, uint32_t process, uint64_t endpoint_koid) {
    const struct authority_process *of = &graph->processes.at[process];
    for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
        const struct authority_handle *handle = &graph->handles.at[i];
        if (handle->seen.object_koid == endpoint_koid && authority_receives(graph, handle)) {
            return true;
        }
    }
    return false;
}

static bool may_receive(const struct search *search, uint32_t process, uint64_t endpoint_koid) {
    const struct authority_reach *reach = search->reach;
    for (uint32_t i = 0; i < reach->item_count; i++) {
        const struct authority_item *item = &reach->items[i];
        if (item->object_koid == endpoint_koid && (item->rights & RIGHT_RECEIVE_BIT) != 0 && *holds_at(reach, process, i)) {
            return !is_supervisor(search->graph, process) || supervisor_serves(search->graph, process, endpoint_koid);
        }
    }
    return false;
}

// Whose process, thread or address space it is; AUTHORITY_NONE for anything else. Of an address space nobody says whose it is:
// who holds it now.
static bool is_of(const struct authority *graph, const struct authority_item *item, uint32_t process) {
    const struct authority_process *of = &graph->processes.at[process];
    const uint32_t object = authority_object_by_koid(graph, item->object_koid);
    switch (item->type) {
    case OBJECT_PROCESS: return item->object_koid == of->koid;
    case OBJECT_THREAD: return object == AUTHORITY_NONE || graph->objects.at[object].numbers[3] == of->koid;
    case OBJECT_VSPACE:
        for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
            if (graph->handles.at[i].seen.object_koid == item->object_koid) {
                return true;
            }
        }
        return false;
    default: return false;
    }
}

static bool makes_anything(const struct authority *graph, const struct authority_item *item) {
    const uint32_t object = authority_object_by_koid(graph, item->object_koid);
    return (item->type == OBJECT_RESOURCE && (item->rights & RIGHT_CREATE_BIT) != 0) ||
           (item->type == OBJECT_IOSPACE && (object == AUTHORITY_NONE || graph->objects.at[object].state != 0));
}

// What it lets happen that this process may hold this item.
static void use(struct search *search, uint32_t process, uint32_t index) {
    const struct authority *graph = search->graph;
    const struct authority_item item = search->reach->items[index];
    if (is_supervisor(graph, process) && item.type != OBJECT_ENDPOINT) {
        return; // it is trusted with what it started
    }
    for (uint32_t i = 0; makes_anything(graph, &item) && i < search->reach->item_count; i++) {
        put(search, process, i, (struct authority_origin){AUTHORITY_FLOW_MADE, process, index, AUTHORITY_NONE});
    }
    for (uint32_t other = 0; other < graph->processes.count; other++) {
        if (other == process) {
            continue;
        }
        if (item.type == OBJECT_ENDPOINT && (item.rights & RIGHT_SEND_BIT) != 0 && may_receive(search, other, item.object_koid)) {
            meet(search, process, &item, other);
        } else if ((item.rights & ~HARMLESS) != 0 && is_of(graph, &item, other) && !is_supervisor(graph, other)) {
            flow(search, process, other, AUTHORITY_FLOW_SEIZED, AUTHORITY_NONE);
            flow(search, other, process, AUTHORITY_FLOW_SEIZED, AUTHORITY_NONE);
        }
    }
}

bool authority_reach(const struct authority *graph, struct authority_reach *out) {
    if (!start(graph, out)) {
        return false;
    }
    struct search search = {.graph = graph, .reach = out, .grew = true};
    while (search.grew) {
        search.grew = false;
        for (uint32_t process = 0; process < graph->processes.count; process++) {
            for (uint32_t i = 0; i < out->item_count; i++) {
                if (*holds_at(out, process, i)) {
                    use(&search, process, i);
                }
            }
        }
    }
    return true;
}

// ---- targets ----

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

// Whether the process receives from the endpoint now.
static bool serves_now(const struct authority *graph, uint32_t process, uint64_t endpoint_koid) {
    const struct authority_process *of = &graph->processes.at[process];
    for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
        const struct authority_handle *handle = &graph->handles.at[i];
        if (handle->seen.object_koid == endpoint_koid && (handle->seen.rights & RIGHT_RECEIVE_BIT) != 0 &&
            (!is_supervisor(graph, process) || authority_receives(graph, handle))) {
            return true;
        }
    }
    return false;
}

bool authority_is_target(const struct authority *graph, const struct authority_item *item, const struct authority_target *target) {
    const bool sends = item->type == OBJECT_ENDPOINT && (item->rights & RIGHT_SEND_BIT) != 0;
    const bool control = item->control || (item->rights & RIGHT_MINT_BIT) != 0;
    if (target->type != 0) {
        return item->type == target->type;
    }
    if (target->process != AUTHORITY_NONE) {
        return (sends && serves_now(graph, target->process, item->object_koid)) ||
               ((item->rights & ~HARMLESS) != 0 && is_of(graph, item, target->process));
    }
    const struct authority_interface *own = authority_interface_by_id(graph, item->interface_id);
    const bool unknown = own == nullptr; // it may be any
    return sends && (!target->control || control) &&
           (unknown || own->id == target->interface_id || own->extends_id == target->interface_id);
}

uint32_t authority_reaches(const struct authority *graph, const struct authority_reach *reach, uint32_t process,
                           const struct authority_target *target) {
    for (uint32_t i = 0; i < reach->item_count; i++) {
        if (*holds_at(reach, process, i) && authority_is_target(graph, &reach->items[i], target)) {
            return i;
        }
    }
    return AUTHORITY_NONE;
}
