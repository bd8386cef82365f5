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

constexpr uint32_t RIGHTS_VMO = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT | RIGHT_READ_BIT |
                                RIGHT_WRITE_BIT | RIGHT_EXECUTE_BIT | RIGHT_MAP_BIT;

// What `read` sees of a page that was never touched.
static const uint8_t zero_page[PAGE_BYTES];

// ---- Creation ----

// Gives the caller a handle to a VMO just made; takes its only reference in any case.
static status_t hand_over(struct invocation *invocation, struct vmo *vmo, uint32_t rights, uint64_t *out) {
    uint64_t handle;
    status_t status = handle_insert(invocation->caller->process, &vmo->object, (rights_t){rights}, 0, 0,
                                    ORIGIN_CREATED, &handle);
    if (!status_ok(status)) {
        object_put(&vmo->object);
        return status;
    }
    *out = handle;
    return STATUS_OK;
}

status_t method_account_create_resizable_vmo(struct invocation *invocation) {
    struct vmo *vmo;
    TRY(vmo_create_resizable(account_of(invocation->object), invocation->words[0], &vmo));
    return hand_over(invocation, vmo, RIGHTS_VMO, &invocation->words[0]);
}

status_t method_account_create_contiguous_vmo(struct invocation *invocation) {
    struct vmo *vmo;
    TRY(vmo_create_contiguous(account_of(invocation->object), invocation->words[0], &vmo));
    return hand_over(invocation, vmo, RIGHTS_VMO, &invocation->words[0]);
}

status_t method_account_create_pager_vmo(struct invocation *invocation) {
    uint64_t *words = invocation->words;
    struct capability pager;
    struct vmo *vmo;
    TRY(handle_read_as(invocation->caller->process, words[1], OBJECT_ENDPOINT, RIGHT_SEND, &pager));
    TRY(vmo_create_paged(account_of(invocation->object), words[0], CONTAINER_OF(pager.object, struct endpoint, object),
                         pager.badge, words[2], &vmo));
    return hand_over(invocation, vmo, RIGHTS_VMO | RIGHT_MANAGE_BIT, &words[0]);
}

// ---- Ranges ----

// Pages [first, end) from offset and length in two words. BAD_ARGUMENT: not aligned, or not within the VMO.
static status_t page_range(const struct vmo *vmo, const uint64_t words[2], uint64_t *first, uint64_t *end) {
    const uint64_t size = vmo_len_bytes(vmo);
    if (!is_aligned(words[0] | words[1], PAGE_BYTES) || words[0] > size || words[1] > size - words[0]) {
        return STATUS_BAD_ARGUMENT;
    }
    *first = words[0] / PAGE_BYTES;
    *end = *first + words[1] / PAGE_BYTES;
    return STATUS_OK;
}

static status_t range_left(struct invocation *invocation, uint64_t first, uint64_t end) {
    invocation->words[0] = first * PAGE_BYTES;
    invocation->words[1] = (end - first) * PAGE_BYTES;
    invocation->again = first != end;
    return STATUS_OK;
}

status_t method_vmo_commit(struct invocation *invocation) {
    struct vmo *vmo = vmo_of(invocation->object);
    uint64_t first, end;
    TRY(page_range(vmo, invocation->words, &first, &end));
    TRY(vmo_commit_some(vmo, &first, &end));
    return range_left(invocation, first, end);
}

status_t method_vmo_decommit(struct invocation *invocation) {
    struct vmo *vmo = vmo_of(invocation->object);
    uint64_t first, end;
    TRY(page_range(vmo, invocation->words, &first, &end));
    TRY(vmo_decommit_some(vmo, &first, &end));
    return range_left(invocation, first, end);
}

status_t method_vmo_resize(struct invocation *invocation) {
    const uint64_t len = invocation->words[0];
    bool done;
    if (len == 0 || len > VMO_MAX_BYTES) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(vmo_resize_some(vmo_of(invocation->object), align_up(len, PAGE_BYTES) / PAGE_BYTES, &done));
    invocation->again = !done;
    return STATUS_OK;
}

status_t method_vmo_seal(struct invocation *invocation) {
    return vmo_seal(vmo_of(invocation->object));
}

// Words: offset, length, account, then how it stands while the call goes on: the child, and that it is this call's own.
// A program that sets those itself continues into a VMO that it may write to, and loses its own handle when that fails.
constexpr uint64_t CLONE_GOES_ON = 1;

static status_t clone_begin(struct invocation *invocation, struct vmo *from, uint64_t first, uint64_t page_count) {
    uint64_t *words = invocation->words;
    struct object *account;
    struct vmo *child;
    TRY(handle_object(invocation->caller->process, words[2], OBJECT_ACCOUNT, RIGHT_CREATE, &account));
    TRY(vmo_create_child(account_of(account), page_count * PAGE_BYTES, from, first, &child));
    TRY(hand_over(invocation, child, RIGHTS_VMO, &words[3]));
    words[4] = CLONE_GOES_ON;
    return STATUS_OK;
}

static status_t clone_step(struct vmo *from, struct vmo *child, uint64_t *first, uint64_t *end) {
    const uint64_t pages = vmo_len_bytes(child) / PAGE_BYTES;
    if (child == from || child->kind != VMO_ANONYMOUS || vmo_has(child, VMO_PINNED | VMO_SEALED | VMO_TRACKED) ||
        pages < *end - *first) {
        return STATUS_BAD_ARGUMENT;
    }
    return vmo_clone_some(from, first, end, child, pages - (*end - *first));
}

status_t method_vmo_clone(struct invocation *invocation) {
    struct vmo *from = vmo_of(invocation->object);
    struct process *process = invocation->caller->process;
    uint64_t *words = invocation->words;
    uint64_t first, end;
    struct object *child;
    TRY(page_range(from, words, &first, &end));
    if (first == end) {
        return STATUS_BAD_ARGUMENT;
    }
    if (vmo_has(from, VMO_PINNED)) {
        return STATUS_BAD_STATE;
    }
    if (words[4] != CLONE_GOES_ON) {
        TRY(clone_begin(invocation, from, first, end - first));
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
        words[0] = handle;
    }
    return STATUS_OK;
}

// ---- The pager's: only handles of a VMO that has one have MANAGE ----

status_t method_vmo_supply(struct invocation *invocation) {
    struct vmo *vmo = vmo_of(invocation->object);
    uint64_t *words = invocation->words;
    uint64_t first, end, from_first, from_end;
    struct object *object;
    TRY(handle_object(invocation->caller->process, words[2], OBJECT_VMO, RIGHT_WRITE, &object));
    struct vmo *from = vmo_of(object);
    TRY(page_range(vmo, words, &first, &end));
    TRY(page_range(from, (const uint64_t[]){words[3], words[1]}, &from_first, &from_end));
    if (from->kind != VMO_ANONYMOUS || vmo_has(from, VMO_PINNED | VMO_SEALED | VMO_PAGED)) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(vmo_supply_some(vmo, &first, &end, from, &from_first));
    words[3] = from_first * PAGE_BYTES;
    return range_left(invocation, first, end);
}

status_t method_vmo_next_dirty(struct invocation *invocation) {
    struct vmo *vmo = vmo_of(invocation->object);
    uint64_t *words = invocation->words;
    uint64_t first = words[0] / PAGE_BYTES, end;
    if (!is_aligned(words[0], PAGE_BYTES)) {
        return STATUS_BAD_ARGUMENT;
    }
    vmo_dirty_some(vmo, &first, &end);
    invocation->again = first == end && first * PAGE_BYTES < vmo_len_bytes(vmo);
    words[0] = first * PAGE_BYTES;
    words[1] = (end - first) * PAGE_BYTES;
    return STATUS_OK;
}

status_t method_vmo_write_back(struct invocation *invocation) {
    struct vmo *vmo = vmo_of(invocation->object);
    uint64_t first, end;
    TRY(page_range(vmo, invocation->words, &first, &end));
    vmo_clean_some(vmo, &first, &end);
    return range_left(invocation, first, end);
}

status_t method_vmo_detach(struct invocation *invocation) {
    vmo_detach_pager(vmo_of(invocation->object));
    return STATUS_OK;
}

// ---- Contents ----

status_t method_vmo_info(struct invocation *invocation) {
    struct vmo *vmo = vmo_of(invocation->object);
    invocation->words[0] = vmo_len_bytes(vmo);
    invocation->words[1] = vmo_committed_bytes(vmo);
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
        TRY(vmo_fetch(vmo, page));
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
static status_t copy_method(struct invocation *invocation, bool write) {
    struct vmo *vmo = vmo_of(invocation->object);
    uint64_t offset = invocation->words[0];
    uint64_t user = invocation->words[1];
    uint64_t len = invocation->words[2];
    uint64_t size = vmo_len_bytes(vmo);
    if (vmo->device) {
        return STATUS_UNSUPPORTED; // the kernel has no translation for it
    }
    if (len > VMO_COPY_BYTES || offset > size || len > size - offset) {
        return STATUS_BAD_ARGUMENT;
    }
    uint64_t done = 0;
    while (done < len) {
        uint64_t piece = PAGE_BYTES - (offset + done) % PAGE_BYTES;
        if (piece > len - done) {
            piece = len - done;
        }
        status_t status = copy_piece(vmo, offset + done, (uaddr_t){user + done}, piece, write);
        if (!status_ok(status)) {
            if (done == 0) {
                return status;
            }
            break;
        }
        done += piece;
    }
    invocation->words[0] = done;
    return STATUS_OK;
}

status_t method_vmo_read(struct invocation *invocation) {
    return copy_method(invocation, false);
}

status_t method_vmo_write(struct invocation *invocation) {
    return copy_method(invocation, true);
}
