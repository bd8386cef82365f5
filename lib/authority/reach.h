// What a process can ever come to hold: the least set that is closed under the rules of docs/concepts/authority.md.
//
// It holds what it holds now, and what may be handed to it by a message, through any chain of processes. Messages carry what their
// contract says: of the client's, what the method's parameters may have in them passes to the server, and of the server's what its results
// may have passes to the client. What nothing is known of lets everything pass both ways. So the sets are too large rather than too
// small: that something is not in one is a proof, that it is in one is none.
//
// Contracts are kept to by programs. Of those that are taken to be rogues nothing is assumed: what one of them may hold and hand on, all may.
// What one that keeps to its contracts holds beyond its set is something that a rogue could hand it, and no use to it.
#pragma once

#include "lib/authority/item.h"

enum authority_flow : uint8_t {
    AUTHORITY_FLOW_HELD,    // now, by itself
    AUTHORITY_FLOW_BROUGHT, // with a request, from a client
    AUTHORITY_FLOW_GIVEN,   // with an answer, from a server
    AUTHORITY_FLOW_SEIZED,  // from a process that it has a hold on, or that has one on it
    AUTHORITY_FLOW_MADE,    // it may make any: it mints device objects, or has memory reached past all protection
    AUTHORITY_FLOW_SHARED,  // among rogues
};

// How a process may come to an item.
struct authority_origin {
    enum authority_flow flow;
    uint32_t from;   // process
    uint32_t item;   // as that one has it: what is passed on may be less
    uint32_t method; // index, or AUTHORITY_NONE
};

struct authority_reach {
    uint32_t item_count, item_room, process_count;
    struct authority_item *items;
    bool *holds;                      // by item and process: [item * process_count + process]
    struct authority_origin *origins; // likewise, where it holds
};

// `rogues`: by process; null: at most one, whichever that is. False without memory; then there is nothing to free.
bool authority_reach(const struct authority *graph, const bool *rogues, struct authority_reach *out);
void authority_reach_free(struct authority_reach *reach);

// The same with more rogues than in what was found before, which stays. It ends early when the process comes to hold the target.
struct authority_target;
bool authority_reach_more(const struct authority *graph, const bool *rogues, const struct authority_reach *from, uint32_t process,
                          const struct authority_target *target, bool *found, struct authority_reach *out);

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

// Whether it is a type of object that every process can make by itself, so that there is nothing to prove.
bool authority_target_is_anybodys(const struct authority_target *target);

// Whether the item is one of those.
bool authority_is_target(const struct authority *graph, const struct authority_item *item, const struct authority_target *target);

// The first item of that kind that the process can come to hold; AUTHORITY_NONE: it never can.
uint32_t authority_reaches(const struct authority *graph, const struct authority_reach *reach, uint32_t process,
                           const struct authority_target *target);

// Whether the process can never reach the target, and then as many rogues beside it as leave that so (`rogues`, by process): the
// others are those that it takes to keep to their contracts. `out` is what can be reached with these rogues; when it is not proved, with
// none beside the process. False without memory; then there is nothing to free.
bool authority_prove(const struct authority *graph, uint32_t process, const struct authority_target *target, bool *rogues,
                     bool *is_proved, struct authority_reach *out);
