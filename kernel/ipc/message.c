#include "kernel/ipc/message.h"

#include "base/mem.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"

constexpr uint32_t FIRST_HANDLE_WORD = 6;

status_t message_check(const struct thread *thread, uint64_t info) {
    if (!message_sendable(info) || (message_page_bytes(info) != 0 && thread->message_page == nullptr)) {
        return STATUS_BAD_ARGUMENT;
    }
    return STATUS_OK;
}

static uint32_t handle_in_words(const uint64_t words[MESSAGE_WORDS], uint32_t i) {
    return (uint32_t)(words[FIRST_HANDLE_WORD + i / 2] >> i % 2 * 32);
}

// Finds the handles that the message names, and whether they may travel that way.
static status_t find_handles(struct thread *sender, uint64_t info, struct capability from[MESSAGE_HANDLES]) {
    const uint32_t count = message_handle_count(info), move = message_move_mask(info);
    for (uint32_t i = 0; i < count; i++) {
        TRY(handle_read(sender->process, handle_in_words(sender->regs.words, i), &from[i]));
        const uint32_t need = (move & 1u << i) != 0 ? RIGHT_TRANSFER_BIT : RIGHT_COPY_BIT;
        if ((from[i].type_rights & need) == 0) {
            return STATUS_NO_RIGHT;
        }
        for (uint32_t other = 0; other < i; other++) {
            if (from[other].slot == from[i].slot && (move & (1u << i | 1u << other)) != 0) {
                return STATUS_BAD_ARGUMENT; // moved, and named twice
            }
        }
    }
    return STATUS_OK;
}

// Puts copies of all the handles into the receiver's table; takes those back that were put when one fails.
static status_t copy_handles(const struct capability from[], uint32_t count, struct process *to,
                             handle_t out[]) {
    for (uint32_t i = 0; i < count; i++) {
        status_t status = handle_duplicate(&from[i], to, capability_rights(&from[i]), from[i].badge,
                                           from[i].interface_id, ORIGIN_MESSAGE, &out[i]);
        if (!status_ok(status)) {
            while (i-- > 0) {
                status_t ignored = handle_close(to, out[i].v);
                (void)ignored; // the receiver may have guessed and closed it
            }
            return status;
        }
    }
    return STATUS_OK;
}

static status_t transfer_handles(struct thread *sender, struct thread *receiver, uint64_t info,
                                 uint64_t words[2]) {
    struct capability from[MESSAGE_HANDLES];
    handle_t copies[MESSAGE_HANDLES] = {};
    const uint32_t count = message_handle_count(info);
    TRY(find_handles(sender, info, from));
    if (count == 1 && message_move_mask(info) == 1) {
        words[1] = 0;
        TRY(handle_move(&from[0], receiver->process, capability_rights(&from[0]), ORIGIN_MESSAGE,
                        &copies[0]));
        words[0] = copies[0].v;
        return STATUS_OK;
    }
    // Several can be taken back until the last is there.
    TRY(copy_handles(from, count, receiver->process, copies));
    words[0] = words[1] = 0;
    for (uint32_t i = 0; i < count; i++) {
        words[i / 2] |= (uint64_t)copies[i].v << i % 2 * 32;
        if ((message_move_mask(info) & 1u << i) != 0) {
            handle_retire(&from[i], receiver->process, copies[i]);
        }
    }
    return STATUS_OK;
}

status_t message_transfer(struct thread *sender, struct thread *receiver, uint64_t info, uint64_t badge,
                          uint64_t flags, uint32_t accept) {
    const uint32_t page_bytes = message_page_bytes(info), count = message_handle_count(info);
    if (count > accept || (page_bytes != 0 && receiver->message_page == nullptr)) {
        return STATUS_TOO_LARGE;
    }
    const uint64_t *words = (flags & MESSAGE_FAULT) != 0 ? sender->fault_words : sender->regs.words;
    uint64_t handle_words[2] = {words[FIRST_HANDLE_WORD], words[FIRST_HANDLE_WORD + 1]};
    if (count != 0) {
        TRY(transfer_handles(sender, receiver, info, handle_words));
    }
    if (page_bytes != 0) {
        memcpy(receiver->message_page, sender->message_page, page_bytes);
    }
    for (uint32_t i = 0; i < FIRST_HANDLE_WORD; i++) {
        receiver->regs.words[i] = words[i];
    }
    receiver->regs.words[FIRST_HANDLE_WORD] = handle_words[0];
    receiver->regs.words[FIRST_HANDLE_WORD + 1] = handle_words[1];
    receiver->regs.status = 0;
    receiver->regs.badge = badge;
    receiver->regs.info = message_info(message_label(info), page_bytes, count, 0) | flags;
    return STATUS_OK;
}
