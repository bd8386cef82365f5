// Who may do what with what the services of a system provide: the rules of its manifest (idl/manifest.capnp), decisions by them,
// and their reasons.
//
// A rule allows or denies. What no rule allows is denied, and what any rule denies is denied: so the order of rules means
// nothing. A grant of a service is a rule, and so is a name to be resolved.
//
// Pure; fixed in size. Names lie in the manifest, which outlives the policy.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/manifest/manifest.h"

enum ruleset_action : uint8_t { RULESET_USE, RULESET_CONTROL, RULESET_SHARE, RULESET_ACTIONS };
enum ruleset_origin : uint8_t { RULESET_MANIFEST, RULESET_GRANT, RULESET_RESOLVE, RULESET_REVOKED };

constexpr size_t RULESET_REVOKED_MAX = 128; // at the same time
constexpr size_t RULESET_RULES_MAX = MANIFEST_GRANTS_MAX + MANIFEST_RESOLVES_MAX + MANIFEST_RULES_MAX + RULESET_REVOKED_MAX;
constexpr size_t RULESET_OBJECTS_MAX = MANIFEST_PROVIDED_MAX + 1; // and the supervisor
constexpr uint16_t RULESET_ANY = 0xffff;  // as a subject or an object
constexpr uint16_t RULESET_NONE = 0xfffe; // of this system

// Subjects are units of the manifest by their index, objects are what is provided by the index in set.objects.
struct ruleset_rule {
    uint16_t subject, object;
    uint8_t actions; // a set
    bool allows;
    enum ruleset_origin origin;
    uint16_t source; // manifest_source
    uint32_t line;
};

// For each action and subject a set of objects.
struct ruleset_matrix {
    uint64_t objects[RULESET_ACTIONS][MANIFEST_UNITS_MAX];
};
static_assert(RULESET_OBJECTS_MAX <= 64);

struct ruleset {
    const struct manifest *manifest;
    uint32_t version;
    uint16_t decider; // the unit that provides `policy`, which revocations for everybody do not mean. RULESET_NONE: there is none
    size_t object_count;
    const char *objects[RULESET_OBJECTS_MAX];
    size_t rule_count;
    struct ruleset_rule rules[RULESET_RULES_MAX]; // what was revoked comes last
    struct ruleset_matrix used;                  // was asked for, and allowed
    struct ruleset_matrix learned;               // the same, since learning began
    bool learning;
    bool claimed; // the machine has, or had, accounts
    uint64_t allowed, denied;
};

struct ruleset_question {
    uint16_t subject;
    enum ruleset_action action;
    uint16_t object;
};

struct ruleset_decision {
    bool allowed;
    const struct ruleset_rule *rule; // that says so; null: none, so it is denied
};

void ruleset_init(struct ruleset *set, const struct manifest *manifest);

// RULESET_ANY for `*`, RULESET_NONE for what this system does not have. A job goes by the name of its program: "hello" for "hello.12".
uint16_t ruleset_subject(const struct ruleset *set, const char *name);
uint16_t ruleset_object(const struct ruleset *set, const char *name);
const char *ruleset_subject_name(const struct ruleset *set, uint16_t subject);
const char *ruleset_object_name(const struct ruleset *set, uint16_t object);

// Subject and object may be RULESET_NONE, for which nothing is allowed; not RULESET_ANY.
struct ruleset_decision ruleset_decide(const struct ruleset *set, struct ruleset_question question);

// The same, and takes note of it.
struct ruleset_decision ruleset_check(struct ruleset *set, struct ruleset_question question);

// Denies it from now on; `*` is allowed, for everybody but the decider. True when it is denied by a rule of that origin now; false without
// room.
[[nodiscard]] bool ruleset_revoke(struct ruleset *set, struct ruleset_question question);

// Undoes it; false when there is nothing to undo.
bool ruleset_restore(struct ruleset *set, struct ruleset_question question);

// What a set of rules allows, of everything that the system has.
void ruleset_fill(const struct ruleset *set, const struct ruleset_rule *rules, size_t count, struct ruleset_matrix *out);

void ruleset_learn(struct ruleset *set, bool on);

// Whether ruleset_check of this adds to what was learned.
static inline bool ruleset_is_new(const struct ruleset *set, struct ruleset_question question) {
    return set->learning && ruleset_decide(set, question).allowed &&
           (set->learned.objects[question.action][question.subject] >> question.object & 1) == 0;
}

// ---- for another process of the service, in its place (lib/service) ----

// The length; with too little room 0, with none at most what it may be. 8-byte aligned.
size_t ruleset_save(const struct ruleset *set, void *to, size_t room);

// After ruleset_init with the same manifest. False: not understood, and nothing is changed.
[[nodiscard]] bool ruleset_adopt(struct ruleset *set, const void *from, size_t len);
