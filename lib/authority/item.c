#include "lib/authority/item.h"

#include "abi/gen/abi.h"
#include "lib/badge/badge.h"

// A handle that allows no more than these is no hold on what it is for.
constexpr uint32_t HARMLESS = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT;

bool item_is_same(const struct authority_item *a, const struct authority_item *b) {
    return a->object_koid == b->object_koid && a->interface_id == b->interface_id && a->type == b->type && a->rights == b->rights &&
           a->control == b->control;
}

struct authority_item item_of_handle(const struct inspect_handle *seen) {
    const bool is_endpoint = seen->type == OBJECT_ENDPOINT;
    return (struct authority_item){
        .object_koid = seen->object_koid,
        .interface_id = is_endpoint ? seen->interface_id : 0,
        .type = seen->type,
        .rights = seen->rights,
        .control = is_endpoint && badge_controls(seen->badge),
    };
}

struct authority_item item_made_by(uint64_t process_koid) {
    return (struct authority_item){.object_koid = process_koid,
                                   .type = OBJECT_ENDPOINT,
                                   .rights = HARMLESS | RIGHT_SEND_BIT | RIGHT_RECEIVE_BIT | RIGHT_MINT_BIT};
}

bool item_is_made(const struct authority *graph, const struct authority_item *item) {
    return item->type == OBJECT_ENDPOINT && authority_process_by_koid(graph, item->object_koid) != AUTHORITY_NONE;
}

bool item_sends(const struct authority_item *item) {
    return item->type == OBJECT_ENDPOINT && (item->rights & RIGHT_SEND_BIT) != 0;
}

bool item_controls(const struct authority_item *item) {
    return item->control || (item->rights & RIGHT_MINT_BIT) != 0;
}

bool item_travels(const struct authority_item *item) {
    return (item->rights & (RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT)) != 0;
}

// In doubt it is: a thread that nobody described may be anybody's, and so may an address space be of a process whose own is not known.
bool item_is_of(const struct authority *graph, const struct authority_item *item, uint32_t process) {
    const struct authority_process *of = &graph->processes.at[process];
    uint32_t object;
    switch (item->type) {
    case OBJECT_PROCESS: return item->object_koid == of->koid;
    case OBJECT_THREAD:
        object = authority_object_by_koid(graph, item->object_koid);
        return object == AUTHORITY_NONE || graph->objects.at[object].numbers[3] == of->koid;
    case OBJECT_VSPACE: return of->vspace_koid == 0 ? !of->ended : item->object_koid == of->vspace_koid;
    default: return false;
    }
}

bool item_is_hold(const struct authority *graph, const struct authority_item *item, uint32_t process) {
    return (item->rights & ~HARMLESS) != 0 && item_is_of(graph, item, process);
}

bool item_makes_anything(const struct authority *graph, const struct authority_item *item) {
    if (item->type != OBJECT_IOSPACE) {
        return item->type == OBJECT_RESOURCE && (item->rights & RIGHT_CREATE_BIT) != 0;
    }
    const uint32_t object = authority_object_by_koid(graph, item->object_koid);
    return object == AUTHORITY_NONE || graph->objects.at[object].state != 0;
}

// The right to send of it, as one of this interface.
static bool passes_as(const struct authority *graph, const struct authority_item *item, uint64_t interface_id, struct authority_item *out) {
    const bool mints = (item->rights & RIGHT_MINT_BIT) != 0;
    if (!item_sends(item)) {
        return false;
    }
    if (!mints && item->interface_id != interface_id) {
        const struct authority_interface *own = authority_interface_by_id(graph, item->interface_id);
        if (own != nullptr && own->extends_id != interface_id) {
            return false;
        }
    }
    *out = *item;
    out->rights &= HARMLESS | RIGHT_SEND_BIT;
    if (mints) {
        out->interface_id = interface_id;
        out->control = true;
    }
    return true;
}

bool item_passes(const struct authority *graph, const struct authority_item *item, const struct authority_interface *wanted, bool by_object,
                 struct authority_item *out) {
    if (wanted == nullptr || item->type == wanted->object_type) {
        *out = *item;
        return true;
    }
    return (wanted->object_type == 0 || by_object) && passes_as(graph, item, wanted->id, out);
}
