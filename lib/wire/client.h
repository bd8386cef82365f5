// How client stubs call a service, in one place: message page, status, retries.
//
// A stub returns the kernel's status when the call itself did not go through, else the service's
// (lib/wire/wire.h); wire_status_text explains both. A call that may be repeated is repeated when the
// service died under it, within the same deadline: its endpoint outlives it, and the successor answers.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"
#include "lib/wire/wire.h"

// Long enough for a service that has just been started again, short enough for a person to wait.
constexpr uint64_t WIRE_PATIENCE_MS = 5000;

struct wire_call {
    uint32_t method;
    uint32_t handles;   // that travel with the request, already in the body's words
    uint32_t move_mask; // of those
    uint32_t accept;    // handles that the answer may bring
    bool repeatable;    // doing it twice is the same as doing it once
};

// Sends the request whose page part lies in the calling thread's message page, and waits. On success
// `body` holds the answer's words and page size; its page is the message page, good until the next
// call. *handles (may be null) is how many handles came. May block until the deadline.
status_t wire_call(handle_t service, const struct wire_call *call, struct wire_body *body, uint32_t *handles,
                   uint64_t deadline_ns);

// The calling thread's message page as bytes.
uint8_t *wire_page(void);

// The usual deadline: WIRE_PATIENCE_MS from now.
uint64_t wire_deadline(void);
