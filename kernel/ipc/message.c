#include "kernel/ipc/message.h"

#include "base/mem.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"

constexpr uint32_t FIRST_HANDLE_WORD = 6;

status_t message_check_load(const struct thread *thread, uint64_t info) {
    if (!message_sendable(info) || (message_page_bytes(info) != 0 && thread->message_page == nullptr)) {
        return STATUS_BAD_ARGUMENT;
    }
    return STATUS_OK;
}

static uint32_t handle_in_words(const uint64_t words[MESSAGE_WORDS], uint32_t i) {
    return (uint32_t)(words[FIRST_HANDLE_WORD + i / 2] >> i % 2 * 32);
}

// Finds the i-th handle that the message names, and whether it may travel that way.
static inline status_t find_handle(const struct thread *sender, uint32_t i, bool move, struct capability *from) {
    TRY(handle_look_up(sender->process, handle_in_words(sender->regs.words, i), from));
    return (from->type_rights & (move ? RIGHT_TRANSFER_BIT : RIGHT_COPY_BIT)) != 0 ? STATUS_OK : STATUS_NO_RIGHT;
}

static status_t copy_handle(const struct capability *from, struct process *to, uint64_t grant, uint64_t *out) {
    [[clang::always_inline]] return handle_duplicate(from, to, capability_rights(from), from->badge, from->interface_id,
                                                     grant, out);
}

// What is written down about the handles of a message: which method was called.
static uint64_t grant_of(const struct thread *receiver, uint64_t info) {
    const bool answer = receiver->server != nullptr || receiver->reply != nullptr;
    return answer ? grant_by_message(ORIGIN_ANSWER, message_label(receiver->pending_info))
                  : grant_by_message(ORIGIN_REQUEST, message_label(info));
}

static status_t move_handle(const struct capability *from, struct process *to, uint64_t grant, uint64_t *out) {
    [[clang::always_inline]] return handle_move(from, to, capability_rights(from), grant, out);
}

[[gnu::always_inline]] static inline status_t transfer_one(const struct thread *sender, struct process *to, uint64_t info,
                                                           uint64_t grant, uint64_t *there) {
    struct capability from;
    if (info >> MESSAGE_MOVE_SHIFT & 1) {
        TRY(find_handle(sender, 0, true, &from));
        return move_handle(&from, to, grant, there);
    }
    TRY(find_handle(sender, 0, false, &from));
    return copy_handle(&from, to, grant, there);
}

status_t message_carry_handle(const struct thread *sender, struct thread *receiver, uint64_t info, uint64_t grant) {
    const uint64_t *words = sender->regs.words;
    uint64_t there;
    TRY(transfer_one(sender, receiver->process, info, grant, &there));
    for (uint32_t i = 0; i < FIRST_HANDLE_WORD; i++) {
        receiver->regs.words[i] = words[i];
    }
    receiver->regs.words[FIRST_HANDLE_WORD] = there;
    receiver->regs.words[FIRST_HANDLE_WORD + 1] = 0;
    return STATUS_OK;
}

// Several are copied, and moved once the last is there: until then all can be taken back.
[[gnu::noinline]] static status_t transfer_handles(const struct thread *sender, struct process *to, uint64_t info,
                                                   uint64_t grant, uint64_t words[2]) {
    struct capability from[MESSAGE_HANDLES];
    uint64_t copies[MESSAGE_HANDLES];
    const uint32_t count = message_handle_count(info), move = message_move_mask(info);
    if (count == 1) {
        words[1] = 0;
        return transfer_one(sender, to, info, grant, &words[0]);
    }
    for (uint32_t i = 0; i < count; i++) {
        TRY(find_handle(sender, i, (move & 1u << i) != 0, &from[i]));
        for (uint32_t other = 0; other < i; other++) {
            if (from[other].slot == from[i].slot && (move & (1u << i | 1u << other)) != 0) {
                return STATUS_BAD_ARGUMENT; // moved, and named twice
            }
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        status_t status = copy_handle(&from[i], to, grant, &copies[i]);
        if (!status_ok(status)) {
            while (i-- > 0) {
                status_t ignored = handle_close(to, copies[i]);
                (void)ignored; // the receiver may have guessed and closed it
            }
            return status;
        }
    }
    words[0] = words[1] = 0;
    for (uint32_t i = 0; i < count; i++) {
        words[i / 2] |= copies[i] << i % 2 * 32;
        if ((move & 1u << i) != 0) {
            handle_retire(&from[i], to, copies[i]);
        }
    }
    return STATUS_OK;
}

// A page, handles, or a fault.
[[gnu::noinline]] static status_t transfer_load(struct thread *sender, struct thread *receiver, uint64_t info,
                                                uint64_t flags, uint32_t accept) {
    const uint32_t page_bytes = message_page_bytes(info), count = message_handle_count(info);
    if (count > accept || (page_bytes != 0 && receiver->message_page == nullptr)) {
        return STATUS_TOO_LARGE;
    }
    const uint64_t *words = (flags & MESSAGE_FAULT) != 0 ? sender->fault_words : sender->regs.words;
    uint64_t handle_words[2] = {words[FIRST_HANDLE_WORD], words[FIRST_HANDLE_WORD + 1]};
    if (count != 0) {
        TRY(transfer_handles(sender, receiver->process, info, grant_of(receiver, info), handle_words));
    }
    if (page_bytes != 0) {
        memcpy(receiver->message_page, sender->message_page, page_bytes);
    }
    for (uint32_t i = 0; i < FIRST_HANDLE_WORD; i++) {
        receiver->regs.words[i] = words[i];
    }
    receiver->regs.words[FIRST_HANDLE_WORD] = handle_words[0];
    receiver->regs.words[FIRST_HANDLE_WORD + 1] = handle_words[1];
    receiver->regs.info = message_info(message_label(info), page_bytes, count, 0) | flags;
    return STATUS_OK;
}

status_t message_transfer(struct thread *sender, struct thread *receiver, uint64_t info, uint64_t badge,
                          uint64_t flags, uint32_t accept) {
    if ((info & ~(MESSAGE_ACCEPT_MASK | UINT32_MAX)) != 0 || (flags & MESSAGE_FAULT) != 0) {
        TRY(transfer_load(sender, receiver, info, flags, accept));
    } else {
        for (uint32_t i = 0; i < MESSAGE_WORDS; i++) {
            receiver->regs.words[i] = sender->regs.words[i];
        }
        receiver->regs.info = message_label(info) | flags;
    }
    receiver->regs.status = 0;
    receiver->regs.badge = badge;
    return STATUS_OK;
}
