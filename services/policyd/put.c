#include "services/policyd/policyd.h"

#include "abi/message.h"
#include "base/str.h"

static_assert((int)RULESET_USE == (int)POLICY_ACTION_USE && (int)RULESET_CONTROL == (int)POLICY_ACTION_CONTROL &&
              (int)RULESET_SHARE == (int)POLICY_ACTION_SHARE);
static_assert((int)RULESET_MANIFEST == (int)POLICY_ORIGIN_MANIFEST && (int)RULESET_GRANT == (int)POLICY_ORIGIN_GRANT &&
              (int)RULESET_RESOLVE == (int)POLICY_ORIGIN_RESOLVE && (int)RULESET_REVOKED == (int)POLICY_ORIGIN_REVOKED);

// Beside the results there are the root pointer and the list's tag.
struct piece piece_from(uint32_t first, size_t results_words) {
    return (struct piece){.first = first, .words_left = MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES - 2 - results_words};
}

bool piece_takes(struct piece *piece, size_t words) {
    if (piece->total++ < piece->first || words > piece->words_left) {
        piece->words_left = piece->total <= piece->first ? piece->words_left : 0;
        return false;
    }
    piece->words_left -= words;
    piece->count++;
    return true;
}

size_t text_words(const char *text) {
    return strlen(text) / CAPNP_WORD_BYTES + 1;
}

static const char *file_of(const struct ruleset *set, const struct ruleset_rule *rule) {
    return rule->origin == RULESET_REVOKED ? "" : manifest_source(set->manifest, rule->source);
}

size_t rule_words(const struct ruleset *set, const struct ruleset_rule *rule) {
    return POLICY_RULE_DATA_WORDS + POLICY_RULE_POINTERS + text_words(ruleset_subject_name(set, rule->subject)) +
           text_words(ruleset_object_name(set, rule->object)) + text_words(file_of(set, rule));
}

void put_rule(const struct ruleset *set, const struct ruleset_rule *rule, struct policy_rule_builder to) {
    policy_rule_set_subject(to, capnp_text(ruleset_subject_name(set, rule->subject)));
    policy_rule_set_actions(to, rule->actions);
    policy_rule_set_object(to, capnp_text(ruleset_object_name(set, rule->object)));
    policy_rule_set_allows(to, rule->allows);
    policy_rule_set_origin(to, (enum policy_origin)rule->origin);
    policy_rule_set_file(to, capnp_text(file_of(set, rule)));
    policy_rule_set_line(to, rule->line);
}

size_t change_words(const struct ruleset *set, const struct change *change) {
    return POLICY_CHANGE_DATA_WORDS + POLICY_CHANGE_POINTERS + text_words(ruleset_subject_name(set, change->question.subject)) +
           text_words(ruleset_object_name(set, change->question.object));
}

void put_change(const struct ruleset *set, const struct change *change, struct policy_change_builder to) {
    policy_change_set_subject(to, capnp_text(ruleset_subject_name(set, change->question.subject)));
    policy_change_set_action(to, (enum policy_action)change->question.action);
    policy_change_set_object(to, capnp_text(ruleset_object_name(set, change->question.object)));
    policy_change_set_allowed(to, change->allowed);
    policy_change_set_in_use(to, change->in_use);
}

void put_any_denial(const struct denial *denial, struct policy_denial_builder to) {
    policy_denial_set_subject(to, capnp_text(denial->subject));
    policy_denial_set_attempted(to, capnp_text(denial->attempted));
    policy_denial_set_object(to, capnp_text(denial->object));
    policy_denial_set_reason(to, capnp_text(denial->reason));
    const struct capnp_text_list_builder holders = policy_denial_init_holders(to, denial->holder_count);
    for (uint32_t i = 0; i < denial->holder_count; i++) {
        capnp_text_list_set(holders, i, capnp_text(denial->holders[i]));
    }
    policy_denial_set_holder_count(to, denial->holder_count);
    policy_denial_set_file(to, capnp_text(denial->file != nullptr ? denial->file : ""));
    policy_denial_set_line(to, denial->line);
    policy_denial_set_advice(to, capnp_text(denial->advice));
    policy_denial_set_missing(to, capnp_text(denial->missing));
}

void put_denial(const struct ruleset *set, struct ruleset_question question, const char *subject, const char *object,
                struct policy_denial_builder to) {
    struct ruleset_denial denial;
    ruleset_explain(set, question, subject, object, &denial);
    policy_denial_set_subject(to, capnp_text(subject));
    policy_denial_set_attempted(to, capnp_text(ruleset_action_name(question.action)));
    policy_denial_set_object(to, capnp_text(object));
    policy_denial_set_missing(to, capnp_text(denial.missing));
    policy_denial_set_reason(to, capnp_text(denial.reason));
    const uint32_t shown = denial.holder_count < RULESET_HOLDERS_SHOWN ? denial.holder_count : RULESET_HOLDERS_SHOWN;
    const struct capnp_text_list_builder holders = policy_denial_init_holders(to, shown);
    for (uint32_t i = 0; i < shown; i++) {
        capnp_text_list_set(holders, i, capnp_text(ruleset_subject_name(set, denial.holders[i])));
    }
    policy_denial_set_holder_count(to, denial.holder_count);
    policy_denial_set_file(to, capnp_text(denial.file));
    policy_denial_set_line(to, denial.line);
    policy_denial_set_advice(to, capnp_text(denial.advice));
}
