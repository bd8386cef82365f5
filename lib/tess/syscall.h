// The system calls, one function each. Statuses and rules: docs/reference/abi.md.
//
// Deadlines are absolute, in nanoseconds of tess_now_ns (lib/tess/clock.h): DEADLINE_POLL never waits,
// DEADLINE_NEVER waits for ever. The functions touch no memory except the message given, and all are
// safe in every thread. A message is updated only as documented; on a failure its words are undefined.
#pragma once

#include "abi/gen/abi.h"
#include "lib/tess/message.h"
#include "lib/tess/refusal.h"
#include "tess_arch.h"

// Sends `message` and waits for the answer, which replaces info and words. The status says whether the
// call went through; what the service answered is message_label(message->info). May block.
static inline status_t tess_call(handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    return tess_arch_exchange(SYS_CALL, handle, message, deadline_ns);
}

// A call that carries and brings back nothing but the info word: no word is loaded or stored.
static inline status_t tess_call0(handle_t handle, uint64_t *info, uint64_t deadline_ns) {
    return tess_arch_exchange0(SYS_CALL, handle, info, deadline_ns);
}

// Hands `message` to a receiver of the endpoint, or answers through a reply handle, which is consumed
// (with NO_HANDLES, NO_MEMORY and TOO_LARGE it stays). May block for an endpoint only.
static inline status_t tess_send(handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    return tess_arch_exchange(SYS_SEND, handle, message, deadline_ns);
}

// Takes the next message or the bound notification's bits. In: info with tess_accept(n). Out: info,
// badge, words. A caller not answered yet is dropped. May block.
static inline status_t tess_recv(handle_t endpoint, struct tess_message *message, uint64_t deadline_ns) {
    return tess_arch_receive(SYS_RECV, endpoint, message, deadline_ns);
}

// Answers the current caller with info and words, then receives like tess_recv. When the answer could
// not be delivered nothing was received and the caller still waits for another. May block.
static inline status_t tess_reply_recv(handle_t endpoint, struct tess_message *message,
                                       uint64_t deadline_ns) {
    return tess_arch_receive(SYS_REPLY_RECV, endpoint, message, deadline_ns);
}

// tess_reply_recv without words in either direction.
static inline status_t tess_reply_recv0(handle_t endpoint, uint64_t *info, uint64_t deadline_ns) {
    return tess_arch_exchange0(SYS_REPLY_RECV, endpoint, info, deadline_ns);
}

// Only answers the current caller. Does not block.
static inline status_t tess_reply(struct tess_message *message) {
    return tess_arch_exchange(SYS_REPLY_RECV, (handle_t){0}, message, DEADLINE_POLL);
}

// Sets bits in a notification. Does not block. (That it was refused is not noted: lib/tess/refusal.h.)
static inline status_t tess_signal(handle_t notification, uint64_t bits) {
    return tess_arch_word(SYS_SIGNAL, notification, &bits, DEADLINE_POLL);
}

// Waits until bits are set and takes them all; *bits is written on success. May block.
static inline status_t tess_wait(handle_t notification, uint64_t *bits, uint64_t deadline_ns) {
    uint64_t word = 0;
    status_t status = tess_arch_word(SYS_WAIT, notification, &word, deadline_ns);
    if (!status_ok(status)) {
        return tess_refused(status, SYS_WAIT, notification, 0, 0);
    }
    *bits = word;
    return status;
}

// Lets another ready thread of the same or a more urgent band run first.
static inline void tess_yield(void) {
    uint64_t word = 0;
    (void)tess_arch_word(SYS_YIELD, (handle_t){0}, &word, DEADLINE_POLL);
}

// Invokes the method that the header `request` names with eight argument words, which become the results. The object may be
// the kernel's or a service that stands in for it: its answer's label counts as the status. Handles that come back, as many as
// `request` accepts, are in word 6; 0 when there are none. Does not block on a kernel object. The generated wrappers
// (abi/gen/stubs.h) are written over this.
status_t tess_invoke(handle_t object, uint64_t request, uint64_t words[MESSAGE_WORDS]);
