#include "lib/authority/reach.h"

#include "abi/gen/abi.h"
#include "base/mem.h"
#include "lib/badge/badge.h"
#include "lib/tess/heap.h"

struct search {
    const struct authority *graph;
    const bool *rogues; // or null
    struct authority_reach *reach;
    bool *receives;    // by process: from the endpoint that is being looked at
    uint32_t *changed; // by process: the round in which it last came to something
    bool *done;        // by client, server and what is carried: in this round
    uint32_t round;
    uint32_t subject;  // the search ends when it comes to the target, if there is one
    const struct authority_target *target;
    bool grew, failed, found; // failed: there was no memory
};

// ---- items ----

static bool *holds_at(const struct authority_reach *reach, uint32_t process, uint32_t item) {
    return &reach->holds[(size_t)item * reach->process_count + process];
}

bool authority_may_hold(const struct authority_reach *reach, uint32_t process, uint32_t item) {
    return *holds_at(reach, process, item);
}

const struct authority_origin *authority_origin_of(const struct authority_reach *reach, uint32_t process, uint32_t item) {
    return &reach->origins[(size_t)item * reach->process_count + process];
}

static void *resized(void *at, size_t count, size_t bytes, bool *failed) {
    void *moved = realloc(at, count * bytes);
    *failed = *failed || moved == nullptr;
    return moved != nullptr ? moved : at;
}

static bool make_room(struct search *search) {
    struct authority_reach *reach = search->reach;
    const uint32_t room = reach->item_room == 0 ? 128 : 2 * reach->item_room;
    reach->items = resized(reach->items, room, sizeof *reach->items, &search->failed);
    reach->holds = resized(reach->holds, (size_t)room * reach->process_count, sizeof *reach->holds, &search->failed);
    reach->origins = resized(reach->origins, (size_t)room * reach->process_count, sizeof *reach->origins, &search->failed);
    if (!search->failed) {
        reach->item_room = room;
    }
    return !search->failed;
}

// The number of an item, which may be new; AUTHORITY_NONE without memory.
static uint32_t number_of(struct search *search, struct authority_item item) {
    struct authority_reach *reach = search->reach;
    for (uint32_t i = 0; i < reach->item_count; i++) {
        if (item_is_same(&reach->items[i], &item)) {
            return i;
        }
    }
    if (reach->item_count == reach->item_room && !make_room(search)) {
        return AUTHORITY_NONE;
    }
    const uint32_t number = reach->item_count++;
    reach->items[number] = item;
    memset(holds_at(reach, 0, number), 0, reach->process_count * sizeof *reach->holds);
    return number;
}

static bool is_rogue(const struct search *search, uint32_t process) {
    return search->rogues != nullptr && search->rogues[process] && !authority_is_supervisor(search->graph, process);
}

static void put(struct search *search, uint32_t to, uint32_t number, struct authority_origin origin) {
    if (number != AUTHORITY_NONE && !*holds_at(search->reach, to, number)) {
        *holds_at(search->reach, to, number) = search->grew = true;
        search->changed[to] = search->round;
        search->found = search->found || (search->target != nullptr && to == search->subject &&
                                          authority_is_target(search->graph, &search->reach->items[number], search->target));
        search->reach->origins[(size_t)number * search->reach->process_count + to] = origin;
    }
}

static void start(struct search *search) {
    const struct authority *graph = search->graph;
    const struct authority_origin held = {AUTHORITY_FLOW_HELD, AUTHORITY_NONE, AUTHORITY_NONE, AUTHORITY_NONE};
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        put(search, graph->handles.at[i].process, number_of(search, item_of_handle(&graph->handles.at[i].seen)), held);
    }
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        if (!graph->processes.at[i].ended && !authority_is_supervisor(graph, i)) {
            put(search, i, number_of(search, item_made_by(graph->processes.at[i].koid)), held);
        }
    }
}

void authority_reach_free(struct authority_reach *reach) {
    free(reach->items);
    free(reach->holds);
    free(reach->origins);
    *reach = (struct authority_reach){};
}

// ---- flows ----

// What one hands another in a field of this interface. Nobody who keeps to contracts hands on a hold on itself. The supervisor follows the
// manifest, and what that grants is there already: beyond that it hands on endpoints where an endpoint is asked for, the right to send and
// to say who sends; and what comes to it stays with it.
static void pass(struct search *search, uint32_t from, uint32_t to, struct authority_origin origin, uint64_t interface_id, bool by_object) {
    const struct authority_interface *wanted = authority_interface_by_id(search->graph, interface_id);
    const bool is_lent = authority_is_supervisor(search->graph, from);
    if (from == to || authority_is_supervisor(search->graph, to) || (is_lent && (wanted == nullptr || wanted->object_type != OBJECT_ENDPOINT))) {
        return;
    }
    for (uint32_t i = 0; i < search->reach->item_count; i++) {
        const struct authority_item item = search->reach->items[i];
        struct authority_item passed;
        if (!*holds_at(search->reach, from, i) || !item_travels(&item) || item_is_of(search->graph, &item, from) ||
            !item_passes(search->graph, &item, wanted, by_object, &passed) || (is_lent && !item_sends(&passed))) {
            continue;
        }
        passed.rights &= is_lent ? ~(uint32_t)RIGHT_RECEIVE_BIT : ~0u;
        origin.from = from;
        origin.item = i;
        put(search, to, item_is_same(&passed, &item) ? i : number_of(search, passed), origin);
    }
}

// Everything: of a process that another has a hold on, or that it shares all with.
static void share(struct search *search, uint32_t from, uint32_t to, enum authority_flow flow) {
    for (uint32_t i = 0; i < search->reach->item_count; i++) {
        if (*holds_at(search->reach, from, i) && (flow == AUTHORITY_FLOW_SEIZED || item_travels(&search->reach->items[i]))) {
            put(search, to, i, (struct authority_origin){flow, from, i, AUTHORITY_NONE});
        }
    }
}

// Whether who holds the item may call methods of the interface.
static bool may_use(const struct authority *graph, const struct authority_item *item, uint64_t interface_id) {
    const struct inspect_handle handle = {.interface_id = item->interface_id, .badge = item_controls(item) ? BADGE_CONTROL : 0};
    return authority_may_use(graph, &handle, interface_id);
}

// What a client and a server carry to each other is the same, through whichever of its handles the client calls. One more is for what
// nothing is known of.
static size_t done_count(const struct authority *graph) {
    return (size_t)graph->processes.count * graph->processes.count * (graph->carried.count + 1);
}

static bool is_done(struct search *search, uint32_t client, uint32_t server, uint32_t carried) {
    const struct authority *graph = search->graph;
    bool *done = &search->done[((size_t)client * graph->processes.count + server) * (graph->carried.count + 1) + carried];
    const bool was = *done;
    *done = true;
    return was;
}

static void call(struct search *search, uint32_t client, uint32_t index, uint32_t server) {
    const struct authority_method *method = &search->graph->methods.at[index];
    const struct authority_interface *of = authority_interface_by_id(search->graph, method->interface_id);
    for (uint32_t i = method->first_carried; i < method->first_carried + method->carried_count; i++) {
        const struct authority_carried *carried = &search->graph->carried.at[i];
        if (is_done(search, client, server, i)) {
            continue;
        }
        const struct authority_origin origin = {.flow = carried->is_given ? AUTHORITY_FLOW_GIVEN : AUTHORITY_FLOW_BROUGHT, .method = index};
        pass(search, carried->is_given ? server : client, carried->is_given ? client : server, origin, carried->interface_id,
             of != nullptr && of->object_type != 0);
    }
}

// A client and a server of the endpoint have met.
static void meet(struct search *search, uint32_t client, const struct authority_item *item, uint32_t server) {
    const struct authority *graph = search->graph;
    if (authority_interface_by_id(graph, item->interface_id) == nullptr) {
        if (is_done(search, client, server, graph->carried.count)) {
            return;
        }
        const struct authority_origin brought = {.flow = AUTHORITY_FLOW_BROUGHT, .method = AUTHORITY_NONE};
        const struct authority_origin given = {.flow = AUTHORITY_FLOW_GIVEN, .method = AUTHORITY_NONE};
        pass(search, client, server, brought, AUTHORITY_ANYTHING, false);
        pass(search, server, client, given, AUTHORITY_ANYTHING, false);
        return;
    }
    for (uint32_t i = 0; i < graph->methods.count; i++) {
        if (graph->methods.at[i].carried_count > 0 && may_use(graph, item, graph->methods.at[i].interface_id)) {
            call(search, client, i, server);
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

// Who may be the one who answers, by process: whoever may hold the right to receive.
static void find_receivers(struct search *search, uint64_t endpoint_koid) {
    const struct authority_reach *reach = search->reach;
    memset(search->receives, 0, reach->process_count * sizeof *search->receives);
    for (uint32_t i = 0; i < reach->item_count; i++) {
        const struct authority_item *item = &reach->items[i];
        const bool is_right = item->object_koid == endpoint_koid && item->type == OBJECT_ENDPOINT && (item->rights & RIGHT_RECEIVE_BIT) != 0;
        for (uint32_t process = 0; is_right && process < reach->process_count; process++) {
            search->receives[process] = search->receives[process] || *holds_at(reach, process, i);
        }
    }
    for (uint32_t process = 0; process < reach->process_count; process++) {
        if (search->receives[process] && authority_is_supervisor(search->graph, process)) {
            search->receives[process] = supervisor_serves(search->graph, process, endpoint_koid);
        }
    }
}

// Whether the process came to something in this round, or in the one before.
static bool is_new(const struct search *search, uint32_t process) {
    return search->changed[process] + 1 >= search->round;
}

// What it lets happen that this process may hold this item.
static void use(struct search *search, uint32_t process, uint32_t index) {
    const struct authority *graph = search->graph;
    const struct authority_item item = search->reach->items[index];
    if (authority_is_supervisor(graph, process) && item.type != OBJECT_ENDPOINT) {
        return; // it is trusted with what it started
    }
    for (uint32_t i = 0; item_makes_anything(graph, &item) && i < search->reach->item_count; i++) {
        put(search, process, i, (struct authority_origin){AUTHORITY_FLOW_MADE, process, index, AUTHORITY_NONE});
    }
    for (uint32_t other = 0; other < graph->processes.count; other++) {
        if (other == process || (!is_new(search, process) && !is_new(search, other))) {
            continue; // nothing that was not there before
        }
        const bool share_all = is_rogue(search, process) && is_rogue(search, other);
        if (item_sends(&item) && search->receives[other] && !share_all) {
            meet(search, process, &item, other);
        } else if (item_is_hold(graph, &item, other) && !authority_is_supervisor(graph, other)) {
            share(search, process, other, AUTHORITY_FLOW_SEIZED);
            share(search, other, process, AUTHORITY_FLOW_SEIZED);
        }
    }
}

static void use_all(struct search *search) {
    const uint32_t processes = search->reach->process_count;
    memset(search->done, 0, done_count(search->graph) * sizeof *search->done);
    for (uint32_t process = 0; process < processes; process++) {
        for (uint32_t other = 0; is_rogue(search, process) && other < processes; other++) {
            if (other != process && is_rogue(search, other)) {
                share(search, process, other, AUTHORITY_FLOW_SHARED);
            }
        }
    }
    for (uint32_t i = 0; i < search->reach->item_count && !search->found; i++) {
        if (item_sends(&search->reach->items[i])) {
            find_receivers(search, search->reach->items[i].object_koid);
        }
        for (uint32_t process = 0; process < processes; process++) {
            if (*holds_at(search->reach, process, i)) {
                use(search, process, i);
            }
        }
    }
}

static bool begin(struct search *search) {
    const uint32_t count = search->reach->process_count + 1;
    search->receives = calloc(count, sizeof *search->receives);
    search->changed = calloc(count, sizeof *search->changed);
    search->done = calloc(done_count(search->graph) + 1, sizeof *search->done);
    search->failed = search->receives == nullptr || search->changed == nullptr || search->done == nullptr;
    return !search->failed;
}

// Goes on from what was put in until nothing is new. Without memory false, and nothing is left.
static bool close_under_rules(struct search *search) {
    do {
        search->grew = false;
        search->round++;
        if (!search->failed) {
            use_all(search);
        }
    } while (search->grew && !search->failed && !search->found);
    free(search->receives);
    free(search->changed);
    free(search->done);
    if (search->failed) {
        authority_reach_free(search->reach);
    }
    return !search->failed;
}

bool authority_reach(const struct authority *graph, const bool *rogues, struct authority_reach *out) {
    *out = (struct authority_reach){.process_count = graph->processes.count};
    struct search search = {.graph = graph, .rogues = rogues, .reach = out};
    if (begin(&search)) {
        start(&search);
    }
    return close_under_rules(&search);
}

bool authority_reach_more(const struct authority *graph, const bool *rogues, const struct authority_reach *from, uint32_t process,
                          const struct authority_target *target, bool *found, struct authority_reach *out) {
    *out = (struct authority_reach){.process_count = from->process_count};
    struct search search = {.graph = graph, .rogues = rogues, .reach = out, .subject = process, .target = target, .round = 1};
    (void)begin(&search); // what there is no memory for shows in `failed`
    while (!search.failed && out->item_room < from->item_count) {
        (void)make_room(&search); // likewise
    }
    if (!search.failed) {
        const size_t cells = (size_t)from->item_count * from->process_count;
        out->item_count = from->item_count;
        memcpy(out->items, from->items, from->item_count * sizeof *out->items);
        memcpy(out->holds, from->holds, cells * sizeof *out->holds);
        memcpy(out->origins, from->origins, cells * sizeof *out->origins);
    }
    const bool is_done = close_under_rules(&search);
    *found = search.found;
    return is_done;
}
