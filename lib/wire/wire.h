// What all service contracts share: interface ids, the meaning of an answer, and how fixed
// little-endian structures are laid into the eight words and the message page.
//
// A request: the label is the method, small arguments are in words[0..5], everything longer is in the
// message page, handles are where abi/message.h puts them (words 6 and 7). An answer: the label is
// 0 or a service status below, results likewise. A layout that is not exactly as its header says is
// refused with WIRE_BAD_REQUEST; a client that sees a bad answer gets WIRE_BAD_ANSWER.
//
// Badges: whoever owns an endpoint (the supervisor) mints one handle per client. The badge names
// the holder, the same number at every service. Bit 63 marks the *control* facet of an interface:
// its holder may use the methods that are marked "control" in the contract's header. The supervisor
// itself calls with WIRE_BADGE_SUPERVISOR.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"

// The bit of a badge that opens the control methods, and the number of the holder beside it.
constexpr uint64_t WIRE_BADGE_CONTROL = 1ull << 63;
constexpr uint64_t WIRE_BADGE_SUPERVISOR = WIRE_BADGE_CONTROL | 1;

static inline bool wire_badge_controls(uint64_t badge) {
    return (badge & WIRE_BADGE_CONTROL) != 0;
}
static inline uint64_t wire_badge_holder(uint64_t badge) {
    return badge & ~WIRE_BADGE_CONTROL;
}

constexpr uint64_t WIRE_INTERFACE_SUPERVISOR = 0xc62b'0f95'a8d4'1704;

// Names of services, programs and capabilities: NUL-terminated and NUL-padded in a fixed field.
constexpr size_t WIRE_NAME_BYTES = 24;

// What a service says about a request: the label of its answer, and the code of the status_t that
// client stubs return. Below 256 are the kernel's codes (abi/abi.toml).
enum wire_status : uint32_t {
    WIRE_OK = 0,
    WIRE_BAD_METHOD = 256,  // the interface has no such method
    WIRE_BAD_REQUEST = 257, // the request is not laid out as the contract says
    WIRE_BAD_ANSWER = 258,  // the service's answer is not (made by client stubs only)
    WIRE_NOT_ALLOWED = 259, // the method needs a facet that this handle is not
    WIRE_NOT_FOUND = 260,   // no service, program, job or name is called so
    WIRE_WRONG_INTERFACE = 261, // the name is there, under another interface
    WIRE_TOO_LARGE = 262,   // longer than the contract allows
    WIRE_BUSY = 263,        // all of a bounded resource is in use; try again
    WIRE_NO_MEMORY = 264,   // the service, or the account it would use, has no memory left
    WIRE_BAD_STATE = 265,   // not in the state in which this can be done
    WIRE_IN_USE = 266,      // the name is taken
    WIRE_BAD_PROGRAM = 267, // the program's file is no good
    WIRE_FAILED = 268,      // it was tried and did not work; the service's log says why
};

constexpr uint32_t WIRE_STATUS_END = 269;

static inline status_t wire_status(enum wire_status code) {
    return (status_t){code};
}

// One short sentence without a full stop, for a person: for service codes and the kernel codes that
// a call may end in. Never nullptr.
const char *wire_status_text(status_t status);

// A request as its server sees it. `page` and `words` are the caller's and only borrowed.
struct wire_request {
    uint32_t method;
    uint32_t page_bytes;
    uint32_t handle_count;
    uint64_t badge;
    const uint64_t *words;
    const uint8_t *page;
};

// Takes the info word, badge, words and message page that recv delivered.
struct wire_request wire_request(uint64_t info, uint64_t badge, const uint64_t words[8], const void *page);

// An answer or a request under construction: what goes into words and page.
struct wire_body {
    uint64_t words[8];
    uint32_t page_bytes;
};

// Copies a name of at most WIRE_NAME_BYTES - 1 bytes into its field, padded with NULs; false when it
// is empty, longer, or holds what is no printable ASCII or is a space.
[[nodiscard]] bool wire_name_put(char field[WIRE_NAME_BYTES], const char *name);

// Whether a received field is a proper name in that sense: terminated, padded, printable.
[[nodiscard]] bool wire_name_valid(const char field[WIRE_NAME_BYTES]);

// A request whose page is exactly one name. Copies it out; false when it is not.
[[nodiscard]] bool wire_name_request(const struct wire_request *request, char out[WIRE_NAME_BYTES]);

// The i-th handle of a message (abi/message.h): halves of words 6 and 7.
static inline handle_t wire_handle(const uint64_t words[8], uint32_t index) {
    return (handle_t){(uint32_t)(words[6 + index / 2] >> (index % 2 * 32))};
}
static inline void wire_handle_put(uint64_t words[8], uint32_t index, handle_t handle) {
    words[6 + index / 2] |= (uint64_t)handle.v << (index % 2 * 32);
}
