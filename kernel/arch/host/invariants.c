#include "kernel/arch/host/invariants.h"

#include "base/align.h"
#include "kernel/debug/invariants.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/derivation.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/mapping.h"
#include "kernel/object/page_table.h"
#include "kernel/object/process.h"
#include "kernel/object/ring.h"
#include "kernel/object/vspace.h"

static struct handle_slot *slot_at(const struct process *process, uint32_t index) {
    return &process->chunks[handle_chunk(index)][handle_slot_in_chunk(index)];
}

bool handle_table_check(struct process *process) {
    uint32_t used = 0, free_slots = 0;
    for (uint32_t index = 0; index < process->slot_limit; index++) {
        if (index % HANDLE_CHUNK_SLOTS == 0) {
            continue;
        }
        const struct handle_slot *slot = slot_at(process, index);
        if (slot->handle == 0) {
            free_slots += slot->next_handle != 0; // else it never was in use, nor in the list
            continue;
        }
        used++;
        if (handle_index(slot->handle) != index || handle_generation(slot->handle) == 0 ||
            slot->object->type != slot_type(slot) || slot->object->references == 0 ||
            !derivation_check(slot)) {
            return false;
        }
    }
    spin_lock(&process->lock);
    uint32_t listed = 0;
    for (const struct handle_slot *slot = process->free_first; slot != nullptr && listed <= free_slots;
         slot = slot->next_free) {
        listed++;
    }
    bool good = used == process->handles_made - process->handles_gone && listed == free_slots;
    spin_unlock(&process->lock);
    return good;
}

bool endpoint_check(struct endpoint *endpoint) {
    spin_lock(&endpoint->lock);
    const bool dead = (endpoint->attention & ENDPOINT_DEAD) != 0 && endpoint->dying.step == nullptr;
    bool good = invariants_broken(&endpoint->lock) == nullptr &&
                !(dead && (!list_empty(&endpoint->senders) || endpoint->doomed != nullptr));
    for (struct thread *thread = endpoint->receivers; good && thread != nullptr; thread = thread->next) {
        good = thread->state == THREAD_RECEIVING && thread->waiting_on == &endpoint->object && *thread->prev == thread;
    }
    LIST_FOR_EACH(node, &endpoint->senders) {
        const struct thread *thread = LIST_ENTRY(node, struct thread, link);
        good = good && thread->state == THREAD_SENDING && thread->waiting_on == &endpoint->object;
    }
    spin_unlock(&endpoint->lock);
    return good;
}

static bool list_has_only(const struct list *list, enum ring_phase phase, uint32_t *seen) {
    LIST_FOR_EACH(node, list) {
        const struct ring_request *request = ring_request_of(LIST_ENTRY(node, struct thread, link));
        if (request->phase != phase || (phase == REQUEST_HELD) != (request->thread.state == THREAD_WAITING)) {
            return false;
        }
        ++*seen;
    }
    return true;
}

bool ring_check(struct ring *ring) {
    uint32_t free = 0, listed = 0, counts[REQUEST_UNANSWERED + 1] = {};
    spin_lock(&ring->lock);
    for (const struct ring_request *request = ring->free; request != nullptr; request = request->next_free) {
        free += request->phase == REQUEST_FREE;
    }
    bool good = list_has_only(&ring->held, REQUEST_HELD, &listed) &&
                list_has_only(&ring->startable, REQUEST_STARTABLE, &listed) &&
                list_has_only(&ring->local, REQUEST_STARTABLE, &listed);
    for (uint32_t i = 0; i < ring->request_count; i++) {
        const struct ring_request *request = &ring->requests[i];
        counts[request->phase]++;
        good = good && (request->phase == REQUEST_UNANSWERED || request->thread.caller == nullptr) &&
               ((request->thread.flags & THREAD_TIMED) == 0 || request->phase != REQUEST_FREE);
    }
    const uint32_t listed_phases = counts[REQUEST_HELD] + counts[REQUEST_STARTABLE];
    good = good && free == counts[REQUEST_FREE] && listed == listed_phases &&
           ring->pending == listed_phases + counts[REQUEST_ACTIVE] && !ring_has(ring, RING_BUSY);
    spin_unlock(&ring->lock);
    return good;
}

// ---- memory ----

static bool mapping_less(const struct rb_node *a, const struct rb_node *b) {
    return CONTAINER_OF(a, const struct mapping, node)->start < CONTAINER_OF(b, const struct mapping, node)->start;
}

bool vspace_check(struct vspace *vspace) {
    uint64_t count = 0, bytes = 0, reached = 0;
    bool good = true;
    spin_lock(&vspace->lock);
    for (struct rb_node *node = rb_first(&vspace->mappings); node != nullptr; node = rb_next(node)) {
        const struct mapping *mapping = CONTAINER_OF(node, const struct mapping, node);
        good = good && mapping->start >= reached;
        if (mapping->kind == MAPPING_LAST) {
            good = good && mapping == vspace->last_unmapped;
            continue;
        }
        good = good && mapping_check(mapping);
        count++;
        bytes += mapping->end - mapping->start;
        reached = mapping->end;
    }
    good = good && count == vspace->mapping_count && bytes == vspace->mapped_bytes &&
           rb_check(&vspace->mappings, mapping_less);
    spin_unlock(&vspace->lock);
    return good;
}

bool page_tables_query(const struct page_tables *space, uint64_t address, paddr_t *frame, uint32_t *prot) {
    uint64_t entry = space->root.v | PTE_PRESENT;
    unsigned shift = 48;
    do {
        const uint64_t *table = phys_to_virt((paddr_t){entry & PTE_FRAME_MASK});
        shift -= PTE_INDEX_BITS;
        entry = table[address >> shift & (PTE_PER_TABLE - 1)];
    } while (shift > 12 && (entry & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT);
    if ((entry & PTE_PRESENT) == 0) {
        return false;
    }
    *frame = (paddr_t){(entry & PTE_FRAME_MASK) + align_down(address & ((1ull << shift) - 1), PAGE_BYTES)};
    *prot = PROT_READ | (entry & PTE_WRITE ? PROT_WRITE : 0) | (entry & PTE_NO_EXECUTE ? 0 : PROT_EXECUTE);
    return true;
}
