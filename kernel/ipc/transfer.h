// The general way through an endpoint: whatever the fast path (syscall.c) does not do.
//
// None of these switch threads. They leave the current thread RUNNING or put it into its wait, and hand
// the other thread to the caller, who makes it ready or switches to it.
#pragma once

#include <stdint.h>

#include "kernel/ipc/message.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"

struct thread;

// Sends `sender`'s message to the endpoint. On OK it was taken, and *receiver is the thread that has it (in no
// queue, not yet ready), or it is queued and *receiver is null. With `wants_reply` the sender then waits
// for the answer. The receiver may be the current thread, on its way to receive (percpu.receives). On any other status nothing has changed: OBJECT_DEAD, TIMED_OUT (deadline DEADLINE_POLL
// and nobody there), and what the transfer itself refuses.
status_t transfer_send(struct thread *sender, struct endpoint *endpoint, uint64_t info, uint64_t badge,
                       uint64_t deadline_ns, bool wants_reply, struct thread **receiver);

// The same through what was found to be a handle to an endpoint. NO_RIGHT; and BAD_ARGUMENT, as message_check.
static inline status_t transfer_send_through(const struct capability *target, struct thread *sender, uint64_t info,
                                             uint64_t deadline_ns, bool wants_reply, struct thread **receiver) {
    struct endpoint *endpoint = CONTAINER_OF(target->object, struct endpoint, object);
    if ((target->type_rights & RIGHT_SEND_BIT) == 0) {
        return STATUS_NO_RIGHT;
    }
    TRY(message_check(sender, info));
    TRY(transfer_send(sender, endpoint, info, target->badge, deadline_ns, wants_reply, receiver));
    handle_note(target, info & SLOT_NEVER_MARKED);
    return STATUS_OK;
}

// The receiver, WAKING and the caller's, gets no message after all: it goes on waiting. What came meanwhile, it takes.
void transfer_resume_receiving(struct endpoint *endpoint, struct thread *receiver);

enum transfer_progress {
    TRANSFER_DONE,  // with OK: the receiver has a message
    TRANSFER_WAITS, // the receiver is in its wait
    TRANSFER_AGAIN, // many senders were passed by: call again, after whatever else wants the processor
};

// Takes the next message (bound notification first) into `receiver`'s registers, or queues it. The receiver is
// the current thread, or WAKING and the caller's. Senders whose message could not be carried over get the
// reason and are passed by. OBJECT_DEAD, TIMED_OUT (DEADLINE_POLL).
status_t transfer_receive(struct thread *receiver, struct endpoint *endpoint, uint32_t accept,
                          uint64_t deadline_ns, enum transfer_progress *progress);

// Carries the answer in `server`'s registers to `caller`, who has just been taken from the place that
// referred to it. On OK *resumed is the caller (not yet ready), or null when it needs no making ready. On
// failure (the answer cannot be carried) the caller still waits, and the place must refer to it again.
status_t transfer_reply(struct thread *server, struct thread *caller, uint64_t info, struct thread **resumed);

// Answers the caller that *place refers to, with what is in `from`'s registers (syscall.c). On OK *resumed is who must be
// made ready, or null. NO_CALLER, or what message_check and the transfer refuse: then the caller still waits.
status_t answer_caller(struct thread *from, struct thread **place, uint64_t info, struct thread **resumed);
