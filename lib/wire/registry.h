// The contract of the registry (samgrd): from a name to a handle, for those who were allowed it.
//
// REGISTRY_REGISTER control. words[0] interface id; page: name; one handle: the endpoint, with SEND and
//                   MINT. Replaces what was registered under the name.
// REGISTRY_ALLOW    control. words[0] holder number; page: up to REGISTRY_ALLOW_MAX names (none: nothing
//                   any more) that this holder may resolve. Replaces what was allowed before.
// REGISTRY_RESOLVE  words[0] interface id, 0: any; page: name. Answer: words[0] the interface id; one
//                   handle, SEND only, whose badge is the caller's own holder number, so that a client is
//                   the same holder to every service.
// REGISTRY_LIST     words[0] index to begin at. Answer: words[0] entries in the page, words[1] entries in
//                   all; page: struct registry_entry, sorted by name; only names the caller may resolve
//                   (control: all).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/wire.h"

enum registry_method : uint32_t {
    REGISTRY_REGISTER = 1,
    REGISTRY_ALLOW = 2,
    REGISTRY_RESOLVE = 3,
    REGISTRY_LIST = 4,
};

constexpr size_t REGISTRY_ALLOW_MAX = 64;

struct registry_entry {
    char name[WIRE_NAME_BYTES];
    uint64_t interface_id;
};
static_assert(sizeof(struct registry_entry) == 32);
constexpr size_t REGISTRY_LIST_MAX = 4096 / sizeof(struct registry_entry);

// A request that is a list of names, one field after the other.
struct registry_allow {
    uint64_t holder;
    size_t count;
    const char (*names)[WIRE_NAME_BYTES]; // in the request's page
};

// --- the server's side: false when the request is malformed ---
[[nodiscard]] bool registry_allow_decode(const struct wire_request *request, struct registry_allow *out);

// --- the client's side ---
[[nodiscard]] bool registry_allow_encode(uint8_t *page, uint64_t holder, const char *const *names, size_t count,
                                         struct wire_body *out);
