// What a process can ever come to hold: the least set that is closed under the rules of docs/concepts/authority.md.
//
// It holds what it holds now, and what may be handed to it by a message, through any chain of processes. Messages carry what their
// contract says: a method whose parameters may have capabilities lets all of a client's pass to the server, one whose results
// may lets all of the server's pass to the client. What nothing is known of lets everything pass both ways. So the sets are too large
// rather than too small: that something is not in one is a proof, that it is in one is none.
#pragma once

#include "lib/authority/authority.h"

enum authority_flow : uint8_t {
    AUTHORITY_FLOW_HELD,    // now, by itself
    AUTHORITY_FLOW_BROUGHT, // with a request, from a client
    AUTHORITY_FLOW_GIVEN,   // with an answer, from a server
    AUTHORITY_FLOW_SEIZED,  // from a process that it has a hold on, or that has one on it
    AUTHORITY_FLOW_MADE,    // it may make any: it mints device objects, or has memory reached past all protection
};

// A capability, as far as the rules care.
struct authority_item {
    uint64_t object_koid;
    uint64_t interface_id;
    uint32_t type;
    uint32_t rights;
    bool control;
};

// How a process may come to an item.
struct authority_origin {
    enum authority_flow flow;
    uint32_t from;   // process
    uint32_t item;   // as that one has it: the supervisor lends less than it has
    uint32_t method; // index, or AUTHORITY_NONE
};

struct authority_reach {
    uint32_t item_count, process_count;
    struct authority_item *items;
    bool *holds;                      // by process and item: [process * item_count + item]
    struct authority_origin *origins; // likewise, where it holds
};

// False without memory; then there is nothing to free.
bool authority_reach(const struct authority *graph, struct authority_reach *out);
void authority_reach_free(struct authority_reach *reach);

// Whether the process can come to hold the item, and how it then may.
bool authority_may_hold(const struct authority_reach *reach, uint32_t process, uint32_t item);
const struct authority_origin *authority_origin_of(const struct authority_reach *reach, uint32_t process, uint32_t item);

// What is not to be reached: of an interface (with control or not), of a type, or of a service.
struct authority_target {
    uint32_t type;         // of a kernel object; 0: what is below
    uint64_t interface_id; // the right to send there
    bool control;          // only with that
    uint32_t process;      // it, its threads, or the right to send to it; AUTHORITY_NONE: what is above
};

// What a word means: "inspector", "log", "log.control", or the name of a service. False: nothing.
bool authority_target_called(const struct authority *graph, const char *word, struct authority_target *out);

// Whether the item is one of those.
bool authority_is_target(const struct authority *graph, const struct authority_item *item, const struct authority_target *target);

// The first item of that kind that the process can come to hold; AUTHORITY_NONE: it never can.
uint32_t authority_reaches(const struct authority *graph, const struct authority_reach *reach, uint32_t process,
                           const struct authority_target *target);
