// The arithmetic of the message header word; abi/message.h says what its parts mean.
//
// C11, and proved (docs/concepts/proofs.md). Written with / and % by powers of two, which are the same shifts and
// masks to a compiler, and which a prover understands.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { MESSAGE_WORDS = 8, MESSAGE_PAGE_BYTES = 4096, MESSAGE_HANDLES = 4 };

// What one more means in each part of the header, and how many values the part has.
#define MESSAGE_LABEL_END 0x100000000ull
#define MESSAGE_PAGE_UNIT 0x100000000ull
#define MESSAGE_PAGE_END 0x2000u
#define MESSAGE_COUNT_UNIT 0x200000000000ull
#define MESSAGE_COUNT_END 8u
#define MESSAGE_MOVE_UNIT 0x1000000000000ull
#define MESSAGE_MOVE_END 16u
#define MESSAGE_FLAGS_UNIT 0x10000000000000ull
#define MESSAGE_FLAGS_END 16u
#define MESSAGE_ACCEPT_UNIT 0x100000000000000ull
#define MESSAGE_ACCEPT_END 8u
#define MESSAGE_ABOVE_UNIT 0x800000000000000ull

/*@ logic integer label_of(integer info) = info % MESSAGE_LABEL_END;
    logic integer page_of(integer info) = info / MESSAGE_PAGE_UNIT % MESSAGE_PAGE_END;
    logic integer count_of(integer info) = info / MESSAGE_COUNT_UNIT % MESSAGE_COUNT_END;
    logic integer move_of(integer info) = info / MESSAGE_MOVE_UNIT % MESSAGE_MOVE_END;
    logic integer flags_of(integer info) = info / MESSAGE_FLAGS_UNIT % MESSAGE_FLAGS_END;
    logic integer accept_of(integer info) = info / MESSAGE_ACCEPT_UNIT % MESSAGE_ACCEPT_END;
    logic integer above_of(integer info) = info / MESSAGE_ABOVE_UNIT;
*/

// Every part can be had back from the header, and nothing else is set in it.
/*@ requires page_bytes < MESSAGE_PAGE_END;
    requires handles < MESSAGE_COUNT_END;
    requires move_mask < MESSAGE_MOVE_END;
    ensures label_of(\result) == label;
    ensures page_of(\result) == page_bytes;
    ensures count_of(\result) == handles;
    ensures move_of(\result) == move_mask;
    ensures \result < MESSAGE_FLAGS_UNIT;
    assigns \nothing;
*/
static inline uint64_t message_info(uint32_t label, uint32_t page_bytes, uint32_t handles, uint32_t move_mask) {
    return label + page_bytes * MESSAGE_PAGE_UNIT + handles * MESSAGE_COUNT_UNIT + move_mask * MESSAGE_MOVE_UNIT;
}

/*@ ensures \result == label_of(info);
    assigns \nothing;
*/
static inline uint32_t message_label(uint64_t info) {
    return (uint32_t)(info % MESSAGE_LABEL_END);
}

/*@ ensures \result == page_of(info);
    ensures \result < MESSAGE_PAGE_END;
    assigns \nothing;
*/
static inline uint32_t message_page_bytes(uint64_t info) {
    return (uint32_t)(info / MESSAGE_PAGE_UNIT % MESSAGE_PAGE_END);
}

/*@ ensures \result == count_of(info);
    assigns \nothing;
*/
static inline uint32_t message_handle_count(uint64_t info) {
    return (uint32_t)(info / MESSAGE_COUNT_UNIT % MESSAGE_COUNT_END);
}

/*@ ensures \result == move_of(info);
    assigns \nothing;
*/
static inline uint32_t message_move_mask(uint64_t info) {
    return (uint32_t)(info / MESSAGE_MOVE_UNIT % MESSAGE_MOVE_END);
}

/*@ ensures \result == accept_of(info);
    assigns \nothing;
*/
static inline uint32_t message_accept(uint64_t info) {
    return (uint32_t)(info / MESSAGE_ACCEPT_UNIT % MESSAGE_ACCEPT_END);
}

// Whether a sender may use this header: no bit set that it may not set, no part beyond its limit, and no handle
// moved that does not travel.
/*@ ensures \result <==> (flags_of(info) == 0 && info / MESSAGE_ACCEPT_UNIT < MESSAGE_ACCEPT_END &&
                          page_of(info) <= MESSAGE_PAGE_BYTES && count_of(info) <= MESSAGE_HANDLES &&
                          accept_of(info) <= MESSAGE_HANDLES &&
                          (count_of(info) == 0 ==> move_of(info) == 0) &&
                          (count_of(info) == 1 ==> move_of(info) < 2) &&
                          (count_of(info) == 2 ==> move_of(info) < 4) &&
                          (count_of(info) == 3 ==> move_of(info) < 8));
    assigns \nothing;
*/
static inline bool message_sendable(uint64_t info) {
    const uint32_t count = message_handle_count(info);
    // Handles that may be named in the move mask, by how many travel: 1 << count.
    const uint32_t move_end = count == 0 ? 1 : count == 1 ? 2 : count == 2 ? 4 : count == 3 ? 8 : 16;
    return info / MESSAGE_ACCEPT_UNIT <= MESSAGE_HANDLES && info / MESSAGE_FLAGS_UNIT % MESSAGE_FLAGS_END == 0 &&
           message_page_bytes(info) <= MESSAGE_PAGE_BYTES && count <= MESSAGE_HANDLES &&
           message_move_mask(info) < move_end;
}
