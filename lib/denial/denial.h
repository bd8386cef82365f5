// A denial: what somebody attempted, why it was not allowed, who may do it, and the line of the manifest that would have to say
// what. One form for all of them, whoever denied: the policy (idl/policy.capnp), the kernel (refusal.h), a service, the loader; one
// sentence for a person, and one record for the log (LOG_KIND_DENIAL).
#pragma once

#include <stddef.h>

#include "idl/policy.capnp.h"
#include "lib/log/logger.h"

constexpr size_t DENIAL_TEXT_BYTES = 640;
constexpr size_t DENIAL_HOLDERS_SHOWN = 8;

// Texts are the maker's, and null or empty where there is nothing to say.
struct denial {
    const char *subject, *attempted, *object;
    const char *missing; // the right or the grant
    const char *reason;
    uint64_t koid; // of the object of the kernel, for who looks who holds it; 0: of none
    const char *holders[DENIAL_HOLDERS_SHOWN];
    uint32_t holder_count;  // of all that may, also of those not shown
    bool holders_are_known; // by whoever made the denial
    const char *file;       // of the line to change
    uint32_t line;          // 0: none would help
    const char *advice;
};

// Of what an answer says. Good as long as the answer is.
void denial_read(struct policy_denial from, struct denial *to);

// "hello may not control log: no grant, `resolve` or rule allows it; shell may. To allow it, add ... (system/tessera.capnp:73)".
// Control characters become `?`. Returns `to`.
const char *denial_sentence(const struct denial *denial, char to[DENIAL_TEXT_BYTES]);

// The record that the log is to have of it.
struct denial_record {
    char text[DENIAL_TEXT_BYTES];
    char holders[96], line[64];
    struct logger_field fields[LOGGER_FIELDS_MAX];
    struct logger_record record;
};

// `times`: how often, if that is more than once. Good as long as the denial is.
void denial_record(const struct denial *denial, uint64_t times, struct denial_record *to);

// Files it with the log (lib/log). Returns whether it got there.
bool denial_file(struct logger *logger, const struct denial *denial);
