// The parts of policyd that see each other.
#pragma once

#include "idl/policy.capnp.h"
#include "lib/policy/audit.h"
#include "lib/policy/explain.h"
#include "lib/service/service.h"

struct ruleset *policyd_rules(void);

// Has a decision filed with the log; waits for nobody.
void policyd_file(const struct audit_entry *entry);

// ---- withhold.c: what the supervisor must know ----

void withhold_open(void);

// Tells the supervisor what is revoked, all of it. Not OK: it did not hear; withhold_due is when it is to be tried again.
status_t withhold_tell(const struct ruleset *set);

// DEADLINE_NEVER: it knows.
uint64_t withhold_due(void);

// Whether the handle to the supervisor was taken away: only another process of this service gets one again.
bool withhold_is_out_of_reach(void);

// ---- people.c: operations ----

void people_open(void);

// Its way to identityd was taken away: it can decide nothing about people any more, and another process of it could.
bool people_are_out_of_reach(void);
status_t people_perform(void *, struct rpc_request *request, struct policy_perform_params params, struct policy_perform_results_builder results);
status_t people_explain(void *, struct rpc_request *request, struct policy_explain_operation_params params,
                        struct policy_explain_operation_results_builder results);
status_t people_operations(void *, struct rpc_request *request, struct policy_operations_params params,
                           struct policy_operations_results_builder results);

// ---- put.c: what is put into answers ----

// A list that an answer has room for only in part: entries from number `first` on, as many as fit, of `total`.
struct piece {
    uint32_t first, count, total;
    size_t words_left;
};

// Room that is left beside results of this size.
struct piece piece_from(uint32_t first, size_t results_words);

// Counts one more entry of this size; whether it is one of this piece.
bool piece_takes(struct piece *piece, size_t words);

size_t text_words(const char *text);

size_t rule_words(const struct ruleset *set, const struct ruleset_rule *rule);
void put_rule(const struct ruleset *set, const struct ruleset_rule *rule, struct policy_rule_builder to);

struct change {
    struct ruleset_question question;
    bool allowed;
    bool in_use;
};
size_t change_words(const struct ruleset *set, const struct change *change);
void put_change(const struct ruleset *set, const struct change *change, struct policy_change_builder to);

// With as many holders as a denial shows.
void put_any_denial(const struct denial *denial, struct policy_denial_builder to);

// The names are those that were asked for.
void put_denial(const struct ruleset *set, struct ruleset_question question, const char *subject, const char *object,
                struct policy_denial_builder to);
