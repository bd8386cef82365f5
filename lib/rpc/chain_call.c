#include "lib/rpc/chain_call.h"

#include "base/align.h"
#include "base/mem.h"

// ---- Which calls go together ----

static const struct rpc_slot *slot_at(const struct rpc_ring *ring, uint8_t number) {
    return &ring->slots[number - 1];
}

static uint32_t params_bytes(const struct rpc_slot *slot) {
    const uint32_t page_bytes = message_page_bytes(slot->message.info);
    return page_bytes != 0 ? page_bytes : rpc_chain_register_words(slot->label) * (uint32_t)sizeof(uint64_t);
}

static bool can_be_in_one(const struct rpc_slot *slot) {
    return slot->method != nullptr && !slot->alone && message_handle_count(slot->message.info) == 0;
}

// The only call on the results of this one, if it goes out, too; 0: there is none, or there are several.
static uint8_t only_dependent(const struct rpc_ring *ring, uint8_t number) {
    const struct rpc_slot *slot = slot_at(ring, number);
    if (slot->dependents != 1) {
        return 0;
    }
    const struct rpc_slot *child = slot_at(ring, slot->child);
    return child->parent == number && child->state == RPC_SLOT_QUEUED && child->flushed && child->target.index < MESSAGE_HANDLES
               ? slot->child
               : 0;
}

// What all results together take of an answer has to fit there. Results that are not in registers may fill its page, so they are
// the last, or nobody wants them; and nobody wants any before.
uint32_t rpc_chain_gather(const struct rpc_ring *ring, uint8_t first, uint8_t slots[RPC_CHAIN_CALLS]) {
    uint32_t count = 0, bytes = 0, handles = 0;
    bool wanted = false, may_follow = true; // of the calls before
    for (uint8_t number = first; number != 0 && count < RPC_CHAIN_CALLS; number = only_dependent(ring, number)) {
        const struct rpc_slot *slot = slot_at(ring, number);
        const bool joins = can_be_in_one(slot), small = !joins || slot->method->results.in_registers;
        if (count > 0 && (!joins || !may_follow)) {
            break;
        }
        bytes += params_bytes(slot) + (uint32_t)sizeof(struct rpc_chain_call);
        handles += joins && small ? slot->method->results.pointers : 0;
        if (count > 0 && (bytes > RPC_CHAIN_BYTES || handles > MESSAGE_HANDLES || (wanted && !small))) {
            break;
        }
        slots[count++] = number;
        wanted = wanted || !slot->dropped;
        may_follow = joins && (small || !wanted);
    }
    return count;
}

// ---- The request ----

uint64_t rpc_chain_compose(struct rpc_ring *ring, const uint8_t slots[], uint32_t count, void *page) {
    struct rpc_chain_call calls[RPC_CHAIN_CALLS];
    uint64_t *to = page;
    for (uint32_t i = 0; i < count; i++) {
        struct rpc_slot *slot = &ring->slots[slots[i] - 1];
        const uint32_t words = params_bytes(slot) / (uint32_t)sizeof(uint64_t);
        const uint64_t *params = message_page_bytes(slot->message.info) != 0
                                     ? (const uint64_t *)(const void *)tess_ring_page(&ring->ring, slots[i])
                                     : &slot->message.words[1];
        slot->keep = !slot->dropped;
        calls[i] = (struct rpc_chain_call){
            .interface_id = slot->method->interface_id,
            .label = slot->label,
            .params_at = (uint8_t)(to - (uint64_t *)page),
            .params_words = (uint8_t)words,
            .through = i > 0 ? slot->target.index : 0,
            .keep = slot->keep,
        };
        for (uint32_t j = 0; j < words; j++) { // where the first one's already are, if this is its page
            *to++ = params[j];
        }
    }
    memcpy(to, calls, count * sizeof(calls[0]));
    const uint32_t bytes = (uint32_t)((uint8_t *)to - (uint8_t *)page) + count * (uint32_t)sizeof(calls[0]);
    const uint32_t extension = ring->slots[slots[0] - 1].label & RPC_EXTENSION; // the others go to other objects
    return message_info(RPC_CONTRACT | RPC_CHAIN | extension | count, bytes, 0, 0);
}

// ---- The answer ----

// Where what is left of it is.
struct rest {
    const struct tess_message *answer;
    const uint64_t *words, *end;
    uint32_t handle;
};

static void take_handles(struct rest *rest, struct tess_message *out, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        tess_message_set_handle(out, i, tess_message_handle(rest->answer, rest->handle++));
    }
}

// Results in registers, as they stand in the page.
static bool take_kept(struct rest *rest, struct tess_message *out) {
    if (rest->words == rest->end) {
        return false;
    }
    const uint64_t form = *rest->words++;
    const uint32_t words = rpc_chain_register_words((uint32_t)form);
    const uint32_t handles = (uint32_t)__builtin_popcount((uint32_t)form >> RPC_CAPABILITIES_SHIFT & 15);
    if ((form & ~(uint64_t)(RPC_FORM & ~RPC_OUT_OF_BAND)) != 0 || words > RPC_REGISTER_WORDS ||
        words > (size_t)(rest->end - rest->words) || handles > message_handle_count(rest->answer->info) - rest->handle) {
        return false;
    }
    out->info = message_info(0, 0, handles, 0);
    out->words[0] = form;
    memcpy(&out->words[1], rest->words, words * sizeof(uint64_t));
    rest->words += words;
    take_handles(rest, out, handles);
    return true;
}

bool rpc_chain_take_apart(const struct rpc_ring *ring, const uint8_t slots[], uint32_t count, const struct tess_message *answer,
                          const uint64_t *page, struct tess_message answers[RPC_CHAIN_CALLS], uint32_t *made) {
    const uint64_t said = answer->words[0];
    const uint32_t page_bytes = message_page_bytes(answer->info), last_bytes = said >> RPC_CHAIN_PAGE_SHIFT & 0x1fff;
    const uint32_t handles = said >> RPC_CHAIN_HANDLES_SHIFT & 7;
    const uint32_t kept_at = last_bytes == page_bytes ? page_bytes : (uint32_t)align_up(last_bytes, sizeof(uint64_t));
    *made = said >> RPC_CHAIN_MADE_SHIFT & 15;
    const uint64_t known = (uint32_t)said | (uint64_t)*made << RPC_CHAIN_MADE_SHIFT | (uint64_t)handles << RPC_CHAIN_HANDLES_SHIFT |
                           (uint64_t)last_bytes << RPC_CHAIN_PAGE_SHIFT | RPC_CHAIN_ANSWERED;
    if (said != known || *made > count || handles > message_handle_count(answer->info) || kept_at > page_bytes ||
        (page_bytes - kept_at) % sizeof(uint64_t) != 0) {
        return false;
    }
    if (*made == 0) {
        // A page would lie over the parameters of the first.
        return page_bytes == 0 && message_label(answer->info) == 0 && message_handle_count(answer->info) == 0;
    }
    struct rest rest = {answer, page + kept_at / sizeof(uint64_t), page + page_bytes / sizeof(uint64_t), 0};
    struct tess_message *last = &answers[*made - 1];
    *last = (struct tess_message){.info = message_info(message_label(answer->info), last_bytes, handles, 0)};
    memcpy(last->words, answer->words, 6 * sizeof(uint64_t));
    last->words[0] = (uint32_t)said;
    take_handles(&rest, last, handles);
    for (uint32_t i = 0; i + 1 < *made; i++) {
        if (slot_at(ring, slots[i])->keep) {
            answers[i] = (struct tess_message){};
            if (!take_kept(&rest, &answers[i])) {
                return false;
            }
        }
    }
    return rest.words == rest.end && rest.handle == message_handle_count(answer->info);
}
