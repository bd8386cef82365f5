// Who can call a method as the graph is: each handle through which its holder may.
//
// Of a kernel object that is any handle to one of the type, with the right that the method needs. Of a service it is the right to send to
// an endpoint of the interface; with control, or with the right to mint such a handle, for the methods of the interface that extends it.
// What may be resolved at the registry is not in the graph: whoever asks adds it.
#pragma once

#include "lib/authority/authority.h"

constexpr uint32_t AUTHORITY_CALLS_MAX = 8; // methods that one word may mean

// What a word means: "inspector.processes", "log.append", "log.control.watch", "logd.append".
struct authority_call {
    uint32_t process; // only what this one serves; AUTHORITY_NONE: whoever serves it
    uint32_t method_count;
    const struct authority_method *methods[AUTHORITY_CALLS_MAX];
};

enum authority_called : uint8_t {
    AUTHORITY_CALL_FOUND,
    AUTHORITY_CALL_MALFORMED,  // no word, a dot and another word
    AUTHORITY_CALL_NO_SUBJECT, // what is before the dot is no interface, no type of object and no process
    AUTHORITY_CALL_NO_METHOD,  // it has no such method, or serves none
};

enum authority_called authority_call_named(const struct authority *graph, const char *word, struct authority_call *out);

// Whether who holds the handle can call one of the methods through it. The kernel tells the server which handle it was, and the server may
// refuse all the same.
bool authority_can_call(const struct authority *graph, const struct authority_call *call, uint32_t handle);

// Who serves the method, of those that the word means. AUTHORITY_NONE: nobody does now.
uint32_t authority_who_serves(const struct authority *graph, const struct authority_call *call, const struct authority_method *method);
