#include "kernel/object/iospace.h"

#include "abi/gen/methods.h"
#include "abi/inspect.h"
#include "abi/message.h"
#include "base/align.h"
#include "base/checked.h"
#include "kernel/object/account.h"
#include "kernel/object/handle.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"

constexpr uint32_t IOSPACES_MAX = 64, LEAVE_AT_ONCE = 16;
constexpr uint64_t FLAG_TRUSTED = 1;

// A mapping. Its place among its like is its device address where there is an IOMMU.
struct dma_slot {
    struct vmo *vmo; // referenced and pinned; null: free
    uint64_t page : 52, prot : 2, page_count : 10;
};
static_assert(sizeof(struct dma_slot) == 16);
constexpr size_t SLOTS_BYTES = DMA_SLOTS * sizeof(struct dma_slot);

SLAB_CACHE(iospace_cache, struct iospace);

static struct spinlock all_lock = SPINLOCK(LOCK_MACHINE);
static struct iospace *all[IOSPACES_MAX] GUARDED_BY(all_lock); // by domain id less 1

static struct iospace *iospace_of(struct object *object) {
    return CONTAINER_OF(object, struct iospace, object);
}

// ---- Creation and destruction ----

// Gives the domain an id, unless its device has another one, or there are too many.
static status_t enlist(struct iospace *iospace) {
    uint32_t id = 0;
    bool taken = false;
    spin_lock(&all_lock);
    for (uint32_t i = 0; i < IOSPACES_MAX; i++) {
        if (all[i] == nullptr) {
            id = i + 1;
        } else {
            taken |= all[i]->domain.requester == iospace->domain.requester;
        }
    }
    if (id != 0 && !taken) {
        all[id - 1] = iospace;
        iospace->domain.id = id;
    }
    spin_unlock(&all_lock);
    return iospace->domain.id != 0 ? STATUS_OK : STATUS_IN_USE;
}

// What an iospace costs beside the object, and a mapping.
static uint64_t fixed_charge(void) {
    return kalloc_charge(SLOTS_BYTES) + (plat_iommu() == nullptr ? 0 : DMA_FIXED_TABLES * PAGE_BYTES);
}
static uint64_t slot_charge(void) {
    return plat_iommu() == nullptr ? 0 : PAGE_BYTES;
}

static status_t prepare(struct iospace *iospace) {
    TRY(enlist(iospace));
    TRY(account_charge(iospace->object.account, fixed_charge()));
    iospace->slots = kalloc(SLOTS_BYTES);
    if (iospace->slots == nullptr) {
        account_uncharge(iospace->object.account, fixed_charge());
        return STATUS_NO_MEMORY;
    }
    return plat_iommu() == nullptr ? STATUS_OK : plat_iommu()->attach(&iospace->domain);
}

status_t method_resource_mint_iospace(struct invocation *, uint64_t requester, uint64_t flags, struct account *account,
                                      struct iospace **out) {
    struct object *object;
    if (requester > UINT16_MAX || flags > FLAG_TRUSTED) {
        return STATUS_BAD_ARGUMENT;
    }
    if (plat_iommu() == nullptr && flags != FLAG_TRUSTED) {
        return STATUS_UNSUPPORTED;
    }
    TRY(object_create(OBJECT_IOSPACE, account, &object));
    struct iospace *iospace = iospace_of(object);
    spin_init(&iospace->lock, LOCK_IOSPACE);
    iospace->domain.requester = (uint32_t)requester;
    status_t status = prepare(iospace);
    if (!status_ok(status)) {
        object_put(object);
        return status;
    }
    *out = iospace;
    return STATUS_OK;
}

// Takes a mapping away from the device, and then from the slot; what was mapped comes back to be let go.
static struct dma_slot leave(struct iospace *iospace, uint32_t index) REQUIRES(iospace->lock) {
    struct dma_slot *slot = &iospace->slots[index];
    const struct dma_slot left = *slot;
    if (plat_iommu() != nullptr) {
        plat_iommu()->leave(&iospace->domain, index * DMA_SLOT_BYTES);
    }
    account_uncharge(iospace->object.account, slot_charge());
    iospace->mapped_pages -= slot->page_count;
    *slot = (struct dma_slot){};
    return left;
}

static void let_go(struct vmo *vmo, uint64_t prot) {
    vmo_unpin(vmo, (prot & PROT_WRITE) != 0);
    object_put(&vmo->object);
}

static void delist(struct iospace *iospace) {
    spin_lock(&all_lock);
    all[iospace->domain.id - 1] = nullptr;
    spin_unlock(&all_lock);
}

// Nobody refers to it any more: no lock.
bool iospace_destroy_step(struct object *object) NO_THREAD_SAFETY_ANALYSIS {
    struct iospace *iospace = iospace_of(object);
    uint32_t left_now = 0;
    for (; iospace->slots != nullptr && iospace->sweep < DMA_SLOTS; iospace->sweep++) {
        if (iospace->slots[iospace->sweep].vmo == nullptr) {
            continue;
        }
        if (left_now++ == LEAVE_AT_ONCE) {
            return false;
        }
        const struct dma_slot left = leave(iospace, iospace->sweep);
        let_go(left.vmo, left.prot);
    }
    if (iospace->slots != nullptr) {
        if (plat_iommu() != nullptr) {
            plat_iommu()->detach(&iospace->domain);
        }
        kfree(iospace->slots, SLOTS_BYTES);
        account_uncharge(object->account, fixed_charge());
    }
    if (iospace->domain.id != 0) {
        delist(iospace);
    }
    return true;
}

// ---- Mapping ----

// Commits the pages and shows them to the device at `address`; without an IOMMU finds out where they are.
static status_t enter(struct iospace *iospace, struct vmo *vmo, uint64_t first_page, struct dma_slot *slot)
    REQUIRES(iospace->lock) {
    const struct iommu_ops *iommu = plat_iommu();
    status_t status = STATUS_OK;
    spin_lock(&vmo->lock);
    for (uint64_t i = 0; i < slot->page_count && status_ok(status); i++) {
        const struct vmo_page page = vmo_page_get(vmo, first_page + i, true);
        status = page.status;
        if (!status_ok(status)) {
            break;
        }
        if (iommu != nullptr) {
            status = iommu->enter(&iospace->domain, (slot->page + i) * PAGE_BYTES, page.frame, slot->prot);
        } else if (i == 0) {
            slot->page = page.frame.v / PAGE_BYTES;
        } else if (page.frame.v / PAGE_BYTES != slot->page + i) {
            status = STATUS_BAD_STATE;
        }
    }
    spin_unlock(&vmo->lock);
    if (iommu != nullptr) {
        iommu->flush(&iospace->domain);
    }
    return status;
}

// For a VMO that is pinned, so that its length stays; *address is what the device calls its `offset`.
static status_t map_pinned(struct iospace *iospace, struct vmo *vmo, uint64_t offset, uint64_t len, uint64_t prot,
                           uint64_t *address) {
    if (!range_within(offset, len, vmo_len_bytes(vmo))) {
        return STATUS_BAD_ARGUMENT;
    }
    uint32_t index = 1; // an address of 0 is most likely a mistake
    status_t status = STATUS_NO_MEMORY;
    spin_lock(&iospace->lock);
    while (index < DMA_SLOTS && iospace->slots[index].vmo != nullptr) {
        index++;
    }
    if (index < DMA_SLOTS && status_ok(status = account_charge(iospace->object.account, slot_charge()))) {
        struct dma_slot *slot = &iospace->slots[index];
        *slot = (struct dma_slot){vmo, index * DMA_SLOT_BYTES / PAGE_BYTES, prot & 3, len / PAGE_BYTES & 0x3ff};
        iospace->mapped_pages += slot->page_count;
        status = enter(iospace, vmo, offset / PAGE_BYTES, slot);
        if (status_ok(status)) {
            *address = slot->page * PAGE_BYTES; // from the unlock on another thread may unmap it
        } else {
            (void)leave(iospace, index);
        }
    }
    spin_unlock(&iospace->lock);
    return status;
}

status_t method_iospace_map(struct invocation *invocation, struct iospace *iospace, struct vmo *vmo, uint64_t offset,
                            uint64_t len, uint64_t prot, uint64_t *address) {
    const uint32_t rights = ((prot & PROT_READ) != 0 ? RIGHT_READ_BIT : 0) | ((prot & PROT_WRITE) != 0 ? RIGHT_WRITE_BIT : 0);
    if (!rights_cover(invocation->argument.type_rights, rights)) {
        return STATUS_NO_RIGHT;
    }
    if (!is_aligned(offset | len, PAGE_BYTES) || len == 0 || len > DMA_SLOT_BYTES || prot == 0 ||
        prot > (PROT_READ | PROT_WRITE)) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(vmo_pin(vmo, (prot & PROT_WRITE) != 0));
    object_get(&vmo->object);
    status_t status = map_pinned(iospace, vmo, offset, len, prot, address);
    if (!status_ok(status)) {
        let_go(vmo, prot);
    }
    return status;
}

status_t method_iospace_unmap(struct invocation *, struct iospace *iospace, uint64_t address) {
    struct dma_slot left = {};
    spin_lock(&iospace->lock);
    for (uint32_t i = 1; i < DMA_SLOTS && left.vmo == nullptr; i++) {
        if (iospace->slots[i].vmo != nullptr && iospace->slots[i].page * PAGE_BYTES == address) {
            left = leave(iospace, i);
        }
    }
    spin_unlock(&iospace->lock);
    if (left.vmo == nullptr) {
        return STATUS_NOT_FOUND;
    }
    let_go(left.vmo, left.prot);
    return STATUS_OK;
}

// ---- Looking at it ----

// Gives what the hardware has noted since the last time to those whose it is.
static void collect_faults(void) {
    constexpr uint32_t AT_ONCE = 64;
    const struct iommu_ops *iommu = plat_iommu();
    uint32_t requester;
    uint64_t address;
    spin_lock(&all_lock); // also so that no two take the same one
    for (uint32_t n = 0; iommu != nullptr && n < AT_ONCE && iommu->next_fault(&requester, &address); n++) {
        for (uint32_t i = 0; i < IOSPACES_MAX; i++) {
            if (all[i] != nullptr && all[i]->domain.requester == requester) {
                all[i]->faults++;
                all[i]->fault_address = address;
            }
        }
    }
    spin_unlock(&all_lock);
}

void iospace_describe(struct iospace *iospace, struct inspect_object *out) {
    collect_faults();
    out->state = plat_iommu() == nullptr;
    out->numbers[0] = iospace->domain.requester;
    spin_lock(&iospace->lock);
    out->numbers[1] = iospace->mapped_pages * PAGE_BYTES;
    spin_unlock(&iospace->lock);
    out->numbers[2] = iospace->faults;
    out->numbers[3] = iospace->fault_address;
}

status_t method_iospace_info(struct invocation *, struct iospace *iospace, struct iospace_info_out *out) {
    struct inspect_object of;
    iospace_describe(iospace, &of);
    *out = (struct iospace_info_out){of.state == 0, of.numbers[1], of.numbers[2], of.numbers[3]};
    return STATUS_OK;
}
