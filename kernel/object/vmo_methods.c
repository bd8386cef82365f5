// What programs call on VMOs, and how they make them.
//
// Methods that take a range go on by themselves (invocation.again) with what is left of it in their words.
#include "abi/gen/methods.h"
#include "abi/message.h"
#include "base/align.h"
#include "kernel/ipc/invoke.h"
#include "kernel/mm/copy.h"
#include "kernel/mm/direct_map.h"
#include "kernel/object/account.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"

// What `read` sees of a page that was never touched.
static const uint8_t zero_page[PAGE_BYTES];

// ---- Creation ----

status_t method_account_create_resizable_vmo(struct invocation *, struct account *account, uint64_t len_bytes,
                                             struct vmo **out) {
    return vmo_create_resizable(account, len_bytes, out);
}

status_t method_account_create_contiguous_vmo(struct invocation *, struct account *account, uint64_t len_bytes,
                                              struct vmo **out) {
    return vmo_create_contiguous(account, len_bytes, out);
}

status_t method_account_create_pager_vmo(struct invocation *invocation, struct account *account, uint64_t len_bytes,
                                         struct endpoint *pager, uint64_t key, struct vmo **out) {
    return vmo_create_paged(account, len_bytes, pager, invocation->argument.badge, key, out);
}

// ---- Ranges ----

// Pages [first, end) from offset and length. BAD_ARGUMENT: not aligned, or not within the VMO.
static status_t page_range(const struct vmo *vmo, uint64_t offset, uint64_t len, uint64_t *first, uint64_t *end) {
    const uint64_t size = vmo_len_bytes(vmo);
    if (!is_aligned(offset | len, PAGE_BYTES) || offset > size || len > size - offset) {
        return STATUS_BAD_ARGUMENT;
    }
    *first = offset / PAGE_BYTES;
    *end = *first + len / PAGE_BYTES;
    return STATUS_OK;
}

static status_t range_left(struct invocation *invocation, uint64_t first, uint64_t end) {
    invocation->words[0] = first * PAGE_BYTES;
    invocation->words[1] = (end - first) * PAGE_BYTES;
    invocation->again = first != end;
    return STATUS_OK;
}

static status_t range_step(struct invocation *invocation, struct vmo *vmo, uint64_t offset, uint64_t len,
                           status_t (*step)(struct vmo *vmo, uint64_t *first, uint64_t *end)) {
    uint64_t first, end;
    TRY(page_range(vmo, offset, len, &first, &end));
    TRY(step(vmo, &first, &end));
    return range_left(invocation, first, end);
}

status_t method_vmo_commit(struct invocation *invocation, struct vmo *vmo, uint64_t offset, uint64_t len) {
    return range_step(invocation, vmo, offset, len, vmo_commit_some);
}

status_t method_vmo_decommit(struct invocation *invocation, struct vmo *vmo, uint64_t offset, uint64_t len) {
    return range_step(invocation, vmo, offset, len, vmo_decommit_some);
}

status_t method_vmo_resize(struct invocation *invocation, struct vmo *vmo, uint64_t len) {
    bool done;
    if (len == 0 || len > VMO_MAX_BYTES) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(vmo_resize_some(vmo, align_up(len, PAGE_BYTES) / PAGE_BYTES, &done));
    invocation->again = !done;
    return STATUS_OK;
}

status_t method_vmo_seal(struct invocation *, struct vmo *vmo) {
    return vmo_seal(vmo);
}

// Words: offset, length, account, then how it stands while the call goes on: the child, and that it is this call's own.
// A program that sets those itself continues into a VMO that it may write to, and loses its own handle when that fails.
constexpr uint64_t CLONE_GOES_ON = 1;

static status_t clone_step(struct vmo *from, struct vmo *child, uint64_t *first, uint64_t *end) {
    const uint64_t pages = vmo_len_bytes(child) / PAGE_BYTES;
    if (child == from || child->kind != VMO_ANONYMOUS || vmo_has(child, VMO_PINNED | VMO_SEALED | VMO_TRACKED) ||
        pages < *end - *first) {
        return STATUS_BAD_ARGUMENT;
    }
    return vmo_clone_some(from, first, end, child, pages - (*end - *first));
}

// Of the boot package, to which nobody can write: the same frames, seen through another object.
static status_t clone_view(struct process *process, const struct vmo *from, uint64_t first, uint64_t end,
                           struct account *account, uint64_t *out) {
    const paddr_t base = {from->base.v + first * PAGE_BYTES};
    struct vmo *view;
    TRY(vmo_create_physical(account, base, (end - first) * PAGE_BYTES, &view));
    view->object.withheld |= RIGHT_WRITE_BIT;
    return handle_to_new(process, &view->object, 0, out);
}

status_t method_vmo_clone(struct invocation *invocation, struct vmo *from, uint64_t offset, uint64_t len,
                          struct account *account, uint64_t *out) {
    struct process *process = invocation->caller->process;
    uint64_t *words = invocation->words;
    uint64_t first, end;
    struct object *child;
    TRY(page_range(from, offset, len, &first, &end));
    if (first == end) {
        return STATUS_BAD_ARGUMENT;
    }
    if (from->kind == VMO_PHYSICAL && !from->device) {
        return clone_view(process, from, first, end, account, out);
    }
    if (vmo_has(from, VMO_PINNED)) {
        return STATUS_BAD_STATE;
    }
    if (words[4] != CLONE_GOES_ON) {
        struct vmo *made;
        TRY(vmo_create_child(account, len, from, first, &made));
        TRY(handle_to_new(process, &made->object, 0, &words[3]));
        words[4] = CLONE_GOES_ON;
    }
    const uint64_t handle = words[3];
    TRY(handle_hold(process, handle, OBJECT_VMO, RIGHT_WRITE, &child));
    status_t status = clone_step(from, vmo_of(child), &first, &end);
    object_put(child);
    if (!status_ok(status)) {
        status_t ignored = handle_close(process, handle); // another thread may have been faster
        (void)ignored;
        return status;
    }
    TRY(range_left(invocation, first, end));
    if (!invocation->again) {
        *out = handle;
    }
    return STATUS_OK;
}

// ---- The pager's: only handles of a VMO that has one have MANAGE ----

status_t method_vmo_supply(struct invocation *invocation, struct vmo *vmo, uint64_t offset, uint64_t len,
                           struct vmo *from, uint64_t from_offset) {
    uint64_t first, end, from_first, from_end;
    TRY(page_range(vmo, offset, len, &first, &end));
    TRY(page_range(from, from_offset, len, &from_first, &from_end));
    if (from->kind != VMO_ANONYMOUS || vmo_has(from, VMO_PINNED | VMO_SEALED | VMO_PAGED)) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(vmo_supply_some(vmo, &first, &end, from, &from_first));
    invocation->words[3] = from_first * PAGE_BYTES;
    return range_left(invocation, first, end);
}

status_t method_vmo_next_dirty(struct invocation *invocation, struct vmo *vmo, uint64_t offset,
                               struct vmo_next_dirty_out *out) {
    uint64_t first = offset / PAGE_BYTES, end;
    if (!is_aligned(offset, PAGE_BYTES)) {
        return STATUS_BAD_ARGUMENT;
    }
    vmo_dirty_some(vmo, &first, &end);
    invocation->again = first == end && first * PAGE_BYTES < vmo_len_bytes(vmo);
    *out = (struct vmo_next_dirty_out){first * PAGE_BYTES, (end - first) * PAGE_BYTES};
    return STATUS_OK;
}

status_t method_vmo_write_back(struct invocation *invocation, struct vmo *vmo, uint64_t offset, uint64_t len) {
    return range_step(invocation, vmo, offset, len, vmo_clean_some);
}

status_t method_vmo_detach(struct invocation *, struct vmo *vmo) {
    vmo_detach_pager(vmo);
    return STATUS_OK;
}

// ---- Contents ----

status_t method_vmo_info(struct invocation *, struct vmo *vmo, struct vmo_info_out *out) {
    *out = (struct vmo_info_out){vmo_len_bytes(vmo), vmo_committed_bytes(vmo)};
    return STATUS_OK;
}

// Moves one piece that lies in one page. No lock is held over a user copy: it may fault, and commit a page of
// this very VMO.
static status_t copy_piece(struct vmo *vmo, uint64_t offset, uaddr_t user, size_t len, bool write) {
    paddr_t frame;
    const uint64_t page = offset / PAGE_BYTES;
    const size_t in_page = offset % PAGE_BYTES;
    status_t status;
    while (status_is(status = vmo_page_hold(vmo, page, write, &frame), STATUS_TIMED_OUT)) {
        status = vmo_fetch(vmo, page);
        TRY(status_is(status, STATUS_NOT_FOUND) ? STATUS_BAD_ARGUMENT : status); // what it is a clone of has been cut
    }
    TRY(status);
    const bool there = frame.v != 0 || vmo->kind == VMO_PHYSICAL;
    status = write   ? copy_in((char *)phys_to_virt(frame) + in_page, user, len)
             : there ? copy_out(user, (const char *)phys_to_virt(frame) + in_page, len)
                     : copy_out(user, zero_page, len);
    vmo_page_drop(vmo, page, write, frame);
    return status_is(status, STATUS_NOT_FOUND) || status_is(status, STATUS_NOT_ALLOWED) ? STATUS_BAD_ADDRESS : status;
}

// What was done before an error counts: the error is returned only when nothing was.
static status_t copy_range(struct vmo *vmo, uint64_t offset, uint64_t user, uint64_t len, bool write, uint64_t *out) {
    const uint64_t size = vmo_len_bytes(vmo);
    if (vmo->device) {
        return STATUS_UNSUPPORTED; // the kernel has no translation for it
    }
    if (len > VMO_COPY_BYTES || offset > size || len > size - offset) {
        return STATUS_BAD_ARGUMENT;
    }
    uint64_t done = 0;
    status_t status = STATUS_OK;
    while (done < len && status_ok(status)) {
        const uint64_t piece = min_u64(PAGE_BYTES - (offset + done) % PAGE_BYTES, len - done);
        status = copy_piece(vmo, offset + done, (uaddr_t){user + done}, piece, write);
        done += status_ok(status) ? piece : 0;
    }
    if (done == 0) {
        TRY(status);
    }
    *out = done;
    return STATUS_OK;
}

status_t method_vmo_read(struct invocation *, struct vmo *vmo, uint64_t offset, uint64_t buffer, uint64_t len,
                         uint64_t *out) {
    return copy_range(vmo, offset, buffer, len, false, out);
}

status_t method_vmo_write(struct invocation *, struct vmo *vmo, uint64_t offset, uint64_t buffer, uint64_t len,
                          uint64_t *out) {
    return copy_range(vmo, offset, buffer, len, true, out);
}
