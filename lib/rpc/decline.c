#include "lib/rpc/decline.h"

#include "abi/gen/abi.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/rpc/slots.h"

// Buffers, and completions, of declines have the numbers behind those of calls.
static uint8_t buffer_of(const struct rpc_ring *ring, uint32_t number) {
    return (uint8_t)(ring->calls + 1 + number);
}

// A message that came, if that is what completed.
static void take_message(struct rpc_ring *ring, struct rpc_decline *decline, uint8_t buffer, const struct ring_completion *completion) {
    const status_t status = {completion->status};
    decline->state = RPC_DECLINE_FREE;
    if (!status_ok(status) || (completion->info & MESSAGE_NOTIFICATION) != 0) {
        decline->wanted = decline->wanted && (status_ok(status) || status_is(status, STATUS_CANCELED)); // else it is no endpoint any more
        return;
    }
    struct tess_message message = {.info = completion->info};
    struct rpc_incoming incoming;
    memcpy(message.words, tess_ring_words(&ring->ring, buffer), sizeof message.words);
    rpc_incoming_adopt(&incoming, &message);
    rpc_incoming_end(&incoming);
    if (completion->token == 0) {
        decline->dropped++;
    } else {
        decline->state = RPC_DECLINE_HOLDS;
        decline->token = completion->token;
        decline->bare = false;
    }
}

// An answer that went, or for which nobody waited any more; or one that was too much for who waits for it.
static void take_outcome(struct rpc_decline *decline, status_t status) {
    const bool gone = status_is(status, STATUS_NO_CALLER);
    decline->refused += status_ok(status);
    decline->state = status_ok(status) || gone || decline->bare ? RPC_DECLINE_FREE : RPC_DECLINE_HOLDS;
    decline->bare = true;
}

static void complete(struct rpc_ring *ring, const struct ring_completion *completion) {
    const uint64_t number = completion->user_data - ring->calls - 1;
    if (number >= ring->decline_count) {
        return;
    }
    struct rpc_decline *decline = &ring->declines[number];
    if (decline->state == RPC_DECLINE_RECEIVING) {
        take_message(ring, decline, (uint8_t)completion->user_data, completion);
    } else if (decline->state == RPC_DECLINE_ANSWERING) {
        take_outcome(decline, (status_t){completion->status});
    }
}

static void submit(struct rpc_ring *ring) {
    const status_t ignored = tess_ring_submit(&ring->ring);
    (void)ignored; // a ring of the caller's own is not damaged
    rpc_slots_complete(ring);
}

status_t rpc_ring_create_declining(uint32_t calls, struct rpc_decline *declines, uint32_t count, struct rpc_ring *out) {
    uint32_t entries = RPC_RING_CALLS;
    while (entries < calls + count) {
        entries *= 2;
    }
    if (calls == 0 || calls > RPC_RING_CALLS || entries > RING_MAX_ENTRIES) {
        return STATUS_BAD_ARGUMENT;
    }
    memset(out, 0, sizeof *out);
    out->calls = calls;
    out->declines = declines;
    out->decline_count = count;
    out->declined = complete;
    return tess_ring_create(entries, calls + count, calls + count, &out->ring);
}

void rpc_decline_begin(struct rpc_ring *ring, uint32_t number, handle_t endpoint) {
    ring->declines[number].wanted = true;
    ring->declines[number].endpoint = endpoint;
}

void rpc_decline_end(struct rpc_ring *ring, uint32_t number) {
    struct rpc_decline *decline = &ring->declines[number];
    decline->wanted = false;
    if (decline->state == RPC_DECLINE_RECEIVING) {
        rpc_slots_put(ring, (struct ring_entry){.op = RING_CANCEL, .words = {buffer_of(ring, number)}});
        submit(ring);
    }
}

bool rpc_decline_in_hand(const struct rpc_ring *ring, uint32_t *number) {
    for (uint32_t i = 0; i < ring->decline_count; i++) {
        if (ring->declines[i].state == RPC_DECLINE_HOLDS) {
            *number = i;
            return true;
        }
    }
    return false;
}

void rpc_decline_answer(struct rpc_ring *ring, uint32_t number, const char *text) {
    struct rpc_decline *decline = &ring->declines[number];
    const uint8_t buffer = buffer_of(ring, number);
    const uint32_t len = decline->bare ? 0 : (uint32_t)strlen(text);
    memset(tess_ring_words(&ring->ring, buffer), 0, sizeof(struct ring_buffer));
    memcpy(tess_ring_page(&ring->ring, buffer), text, len);
    decline->state = RPC_DECLINE_ANSWERING;
    rpc_slots_put(ring, (struct ring_entry){.op = RING_RETURN,
                                            .buffer = buffer,
                                            .target = decline->token,
                                            .user_data = buffer,
                                            .info = message_info(RPC_DISCONNECTED, len, 0, 0)});
    submit(ring);
}

static bool idles(const struct rpc_decline *decline) {
    return decline->wanted && decline->state == RPC_DECLINE_FREE;
}

bool rpc_decline_idles(const struct rpc_ring *ring) {
    for (uint32_t i = 0; i < ring->decline_count; i++) {
        if (idles(&ring->declines[i])) {
            return true;
        }
    }
    return false;
}

void rpc_decline_receive(struct rpc_ring *ring) {
    for (uint32_t i = 0; i < ring->decline_count; i++) {
        struct rpc_decline *decline = &ring->declines[i];
        if (idles(decline)) {
            const uint8_t buffer = buffer_of(ring, i);
            struct ring_entry entry = tess_ring_receive(decline->endpoint, buffer, buffer);
            entry.info = tess_accept(MESSAGE_HANDLES);
            decline->state = RPC_DECLINE_RECEIVING;
            rpc_slots_put(ring, entry);
        }
    }
    submit(ring);
}
