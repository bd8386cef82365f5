// How a pointer is followed: what the parts of the library share, and nobody else uses.
#pragma once

#include "lib/capnp/read.h"

// Where the object of a pointer lies.
struct capnp_object {
    uint64_t word;         // what describes it: a struct or list pointer whose offset is of no interest any more
    const uint64_t *start; // its first word
    uint64_t room;         // words from there to the end of its segment
    uint64_t place;        // of the pointers in it
};

// Once: a pointer that changes under us is one or the other.
static inline uint64_t capnp_load(const uint64_t *at) {
    return __atomic_load_n(at, __ATOMIC_RELAXED);
}

// Counts what is read. False, with the error kept, when it is too much.
static inline bool capnp_spend(struct capnp_message *message, uint64_t words) {
    if (message != nullptr) {
        if (words > message->traversal_words) {
            capnp_fail(message, CAPNP_TRAVERSAL_LIMIT);
            return false;
        }
        message->traversal_words -= words;
    }
    return true;
}

// Follows the pointer `word`, which is not null, from where it is. The object begins in its segment; whether it
// ends there is for capnp_claim. False, with the error kept, when it leads nowhere.
[[nodiscard]] bool capnp_follow(struct capnp_message *message, const uint64_t *at, uint64_t word, uint64_t place,
                                struct capnp_object *out);

// Whether so many words of the object are there and may be read.
[[nodiscard]] bool capnp_claim(struct capnp_message *message, const struct capnp_object *object, uint64_t words);

// The object, claimed, as what it is. False, with the error kept, when it is something else or malformed.
[[nodiscard]] bool capnp_object_struct(struct capnp_message *message, const struct capnp_object *object,
                                       struct capnp_struct *out);
[[nodiscard]] bool capnp_object_list(struct capnp_message *message, const struct capnp_object *object,
                                     struct capnp_list *out);
