// What no lock is given back for, or what one look does not see whole: idle processors look at it in turn, a little each
// time.
#include "kernel/debug/invariants.h"
#include "kernel/object/handle.h"
#include "kernel/object/mapping.h"
#include "kernel/object/process.h"
#include "kernel/object/vspace.h"
#include "kernel/panic.h"
#include "kernel/percpu.h"

constexpr uint32_t SLOTS_PER_STEP = 64;
constexpr uint32_t MAPPINGS_MAX = 64; // of a space that is looked at: with its lock held

// How far each processor has come: all of this process, and so many handles of the next.
static struct {
    uint64_t koid;
    uint32_t index;
} places[CPU_MAX];

static void look_at_handle(const struct process *process, uint32_t index) {
    struct capability seen;
    if (!status_ok(handle_read_at(process, index, &seen))) {
        return;
    }
    struct spinlock *lock = derivation_lock(seen.object);
    spin_lock(lock);
    const struct handle_slot *slot = seen.slot;
    if (slot->handle == seen.handle &&
        (handle_index(slot->handle) != index || slot->object->type != slot_type(slot) || slot->object->references == 0 ||
         !derivation_check(slot))) {
        panic("handle %#x of %.16s does not hold together", slot->handle, process->name);
    }
    spin_unlock(lock);
}

static void look_at_space(struct vspace *vspace) {
    uint64_t bytes = 0, reached = 0, count = 0;
    spin_lock(&vspace->lock);
    const bool few = vspace->mapping_count <= MAPPINGS_MAX;
    for (const struct rb_node *node = few ? rb_first(&vspace->mappings) : nullptr; node != nullptr; node = rb_next(node)) {
        const struct mapping *mapping = RB_ENTRY(node, const struct mapping, node);
        if (mapping->kind == MAPPING_LAST) {
            continue;
        }
        if (!mapping_check(mapping) || mapping->start < reached) {
            panic("the mapping at %#lx overlaps, or may not be as it is", mapping->start);
        }
        bytes += mapping->end - mapping->start;
        reached = mapping->end;
        count++;
    }
    if (few && (bytes != vspace->mapped_bytes || count != vspace->mapping_count)) {
        panic("%lu bytes are mapped, not %lu", bytes, vspace->mapped_bytes);
    }
    spin_unlock(&vspace->lock);
}

void patrol_step(void) {
    typeof(&places[0]) place = &places[this_cpu()->id.v];
    struct object *object = object_list_after(&process_list, place->koid);
    if (object == nullptr) {
        place->koid = place->index = 0;
        return;
    }
    struct process *process = CONTAINER_OF(object, struct process, object);
    const uint32_t limit = process->slot_limit, end = place->index + SLOTS_PER_STEP;
    while (place->index < limit && place->index < end) {
        look_at_handle(process, place->index++);
    }
    if (place->index >= limit) {
        struct vspace *vspace = process->vspace;
        if (vspace != nullptr && object_try_get(&vspace->object)) { // it goes when the process ends
            look_at_space(vspace);
            object_put(&vspace->object);
        }
        place->koid = object->koid.v;
        place->index = 0;
    }
    object_put(object);
}
