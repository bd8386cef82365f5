// policy: who may do what with which service, and why.
#include "idl/policy.capnp.h"
#include "lib/commands/denials.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/str.h"
#include "lib/denial/denial.h"
#include "lib/tess/capset.h"

static const char *const action_names[] = {"use", "control", "share"};
static const char *const role_names[] = {"guest", "user", "administrator"};
constexpr uint16_t ROLES = sizeof role_names / sizeof role_names[0];
constexpr uint16_t ACTIONS = sizeof action_names / sizeof action_names[0];

// "SUBJECT ACTION OBJECT" of a command line.
struct question {
    struct capnp_text subject, object;
    enum policy_action action;
};

struct policy the_policy(void) {
    return (struct policy){tess_cap_required("policy", POLICY_ID)};
}

static struct policy_control the_policy_control(void) {
    return (struct policy_control){the_policy().handle};
}

static bool take(const char *const *words, struct question *out) {
    for (uint16_t i = 0; i < ACTIONS; i++) {
        if (str_equal(words[1], action_names[i])) {
            *out = (struct question){capnp_text(words[0]), capnp_text(words[2]), (enum policy_action)i};
            return true;
        }
    }
    (void)misused("policy: there is no action `%s`; there are use, control and share\n", words[1]);
    return false;
}

static int problem(const struct rpc_call *call, status_t status) {
    char why[RPC_TEXT_BYTES];
    (void)rpc_exception_text(call, why);
    return fail("policy: %s\n", why[0] != '\0' ? why : status_text(status));
}

// ---- policy ----

static void print_rule(struct policy_rule rule) {
    static const char *const origins[] = {"rule", "grant", "resolve", "revoked"};
    char text[SHOWN_TEXT_BYTES];
    const uint8_t actions = policy_rule_get_actions(rule);
    const uint16_t origin = policy_rule_get_origin(rule);
    table_cell(&shell.table, "%s", shown(text, sizeof text, policy_rule_get_subject(rule)));
    table_cell(&shell.table, "%s", policy_rule_get_allows(rule) ? "may" : "may not");
    table_cell(&shell.table, "%s%s%s", (actions & 1) != 0 ? "use " : "", (actions & 2) != 0 ? "control " : "",
               (actions & 4) != 0 ? "share" : "");
    table_cell(&shell.table, "%s", shown(text, sizeof text, policy_rule_get_object(rule)));
    table_cell(&shell.table, "%s", origin < 4 ? origins[origin] : "?");
    if (policy_rule_get_line(rule) != 0) {
        table_cell(&shell.table, "%s:%u", shown(text, sizeof text, policy_rule_get_file(rule)), policy_rule_get_line(rule));
    } else {
        table_cell(&shell.table, "-");
    }
}

static int list_rules(void) {
    uint32_t first = 0, count, total;
    table_begin(&shell.table, "SUBJECT RULE ACTIONS OBJECT KIND FROM", out_sink, nullptr);
    do {
        RPC_CALL(call);
        struct policy_list_results results;
        const status_t status = policy_call_list(the_policy(), &call, first, rpc_patience(), &results);
        if (!status_ok(status)) {
            return problem(&call, status);
        }
        rpc_hold(&call, held_results, &results.s);
        const struct policy_rule_list rules = policy_list_results_get_rules(results);
        count = policy_rule_list_count(rules);
        total = policy_list_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            print_rule(policy_rule_list_get(rules, i));
        }
        first += count;
    } while (count > 0 && first < total);
    table_end(&shell.table);
    return COMMAND_OK;
}

// ---- policy SUBJECT ACTION OBJECT ----

static int deny(struct policy_denial why) {
    char text[DENIAL_TEXT_BYTES];
    struct denial denial;
    denial_read(why, &denial);
    out_wrapped(0, 0, denial_sentence(&denial, text));
    return COMMAND_FAILED;
}

// "ROLE perform OPERATION".
static int explain_operation(const char *const *words) {
    RPC_CALL(call);
    struct policy_explain_operation_results results;
    uint16_t role = 0;
    while (role < ROLES && !str_equal(words[0], role_names[role])) {
        role++;
    }
    if (role == ROLES) {
        return misused("policy: there is no role `%s`; there are guest, user and administrator\n", words[0]);
    }
    const status_t status =
        policy_call_explain_operation(the_policy(), &call, (enum role)role, capnp_text(words[2]), rpc_patience(), &results);
    if (!status_ok(status)) {
        return problem(&call, status);
    }
    rpc_hold(&call, held_results, &results.s);
    if (!policy_explain_operation_results_get_allowed(results)) {
        return deny(policy_explain_operation_results_get_denial(results));
    }
    char file[SHOWN_TEXT_BYTES];
    const struct policy_operation operation = policy_explain_operation_results_get_operation(results);
    out("%s may perform %s: %s:%u\n", words[0], words[2], shown(file, sizeof file, policy_operation_get_file(operation)),
        policy_operation_get_line(operation));
    return COMMAND_OK;
}

static int list_operations(void) {
    uint32_t first = 0, count, total;
    table_begin(&shell.table, "OPERATION LEAST FROM", out_sink, nullptr);
    do {
        RPC_CALL(call);
        struct policy_operations_results results;
        const status_t status = policy_call_operations(the_policy(), &call, first, rpc_patience(), &results);
        if (!status_ok(status)) {
            return problem(&call, status);
        }
        rpc_hold(&call, held_results, &results.s);
        const struct policy_operation_list list = policy_operations_results_get_operations(results);
        count = policy_operation_list_count(list);
        total = policy_operations_results_get_total(results);
        for (uint32_t i = 0; i < count; i++) {
            const struct policy_operation operation = policy_operation_list_get(list, i);
            const uint16_t role = policy_operation_get_role(operation);
            char text[SHOWN_TEXT_BYTES];
            table_cell(&shell.table, "%s", shown(text, sizeof text, policy_operation_get_name(operation)));
            table_cell(&shell.table, "%s%s", role < ROLES ? role_names[role] : "?",
                       policy_operation_get_without_login(operation) ? ", or nobody can log in" : "");
            table_cell(&shell.table, "%s:%u", shown(text, sizeof text, policy_operation_get_file(operation)), policy_operation_get_line(operation));
        }
        first += count;
    } while (count > 0 && first < total);
    table_end(&shell.table);
    return COMMAND_OK;
}

static int explain(const char *const *words) {
    if (str_equal(words[1], "perform")) {
        return explain_operation(words);
    }
    struct question question;
    if (!take(words, &question)) {
        return COMMAND_MISUSED;
    }
    RPC_CALL(call);
    struct policy_explain_results results;
    const status_t status = policy_call_explain(the_policy(), &call, question.subject, question.action, question.object,
                                                rpc_patience(), &results);
    if (!status_ok(status)) {
        return problem(&call, status);
    }
    rpc_hold(&call, held_results, &results.s);
    if (!policy_explain_results_get_allowed(results)) {
        return deny(policy_explain_results_get_denial(results));
    }
    char file[SHOWN_TEXT_BYTES];
    const struct policy_rule rule = policy_explain_results_get_rule(results);
    out("%s may %s %s: %s:%u\n", words[0], words[1], words[2], shown(file, sizeof file, policy_rule_get_file(rule)),
        policy_rule_get_line(rule));
    return COMMAND_OK;
}

bool denial_explained(const char *who, const char *action, const char *object, char text[DENIAL_TEXT_BYTES]) {
    RPC_CALL(call);
    struct policy_explain_results results;
    struct denial denial;
    struct policy policy;
    uint16_t number = 0;
    while (number < ACTIONS && !str_equal(action, action_names[number])) {
        number++;
    }
    if (number == ACTIONS || !status_ok(tess_cap("policy", POLICY_ID, &policy.handle)) ||
        !status_ok(policy_call_explain(policy, &call, capnp_text(who), (enum policy_action)number, capnp_text(object), rpc_patience(), &results))) {
        return false;
    }
    rpc_hold(&call, held_results, &results.s);
    denial_read(policy_explain_results_get_denial(results), &denial);
    if (policy_explain_results_get_allowed(results) || denial.line == 0) {
        return false; // it is called something else there, or was allowed meanwhile
    }
    (void)denial_sentence(&denial, text);
    return true;
}

int fail_denied(const char *what, const char *object, const char *why) {
    char text[DENIAL_TEXT_BYTES];
    const bool explained = denial_explained(bootstrap_args(tess_bootstrap), action_names[POLICY_ACTION_CONTROL], object, text) ||
                           denial_uncontrolled(object, text);
    return fail("%s: %s\n", what, explained ? text : why);
}

// ---- policy try ----

static void print_change(struct policy_change change) {
    char subject[SHOWN_TEXT_BYTES], object[SHOWN_TEXT_BYTES];
    const uint16_t action = policy_change_get_action(change);
    out("%s %s %s %s%s\n", shown(subject, sizeof subject, policy_change_get_subject(change)),
        policy_change_get_allowed(change) ? "could" : "could no longer", action < ACTIONS ? action_names[action] : "?",
        shown(object, sizeof object, policy_change_get_object(change)), policy_change_get_in_use(change) ? ", which it does" : "");
}

static int try_rule(bool allows, const char *const *words) {
    struct question question;
    if (!take(words, &question)) {
        return COMMAND_MISUSED;
    }
    RPC_CALL(call);
    struct policy_dry_run_results results;
    const struct policy_dry_run_params_builder params = policy_begin_dry_run(the_policy(), &call);
    const struct policy_proposal_builder rule = policy_proposal_list_edit(policy_dry_run_params_init_rules(params, 1), 0);
    policy_proposal_set_subject(rule, question.subject);
    policy_proposal_set_action(rule, question.action);
    policy_proposal_set_object(rule, question.object);
    policy_proposal_set_allows(rule, allows);
    const status_t status = policy_finish_dry_run(&call, rpc_patience(), &results);
    if (!status_ok(status)) {
        return problem(&call, status);
    }
    rpc_hold(&call, held_results, &results.s);
    if (policy_dry_run_results_get_rejected(results) > 0) {
        return fail("policy: this system has no `%s` or no `%s`\n", words[0], words[2]);
    }
    const struct policy_change_list changes = policy_dry_run_results_get_changes(results);
    const uint32_t count = policy_change_list_count(changes), total = policy_dry_run_results_get_total(results);
    for (uint32_t i = 0; i < count; i++) {
        print_change(policy_change_list_get(changes, i));
    }
    if (total != count) {
        out("and %u more\n", total - count);
    }
    out("%u decision%s would change\n", total, total == 1 ? "" : "s");
    return COMMAND_OK;
}

// ---- policy revoke, restore, learn, propose ----

static int revoke(const char *const *words) {
    RPC_CALL(call);
    struct question question;
    if (!take(words, &question)) {
        return COMMAND_MISUSED;
    }
    const status_t status = policy_control_call_revoke(the_policy_control(), &call, question.subject, question.action,
                                                       question.object, rpc_patience(), nullptr);
    if (!status_ok(status)) {
        return problem(&call, status);
    }
    out("It is not granted or resolved any more. Who was granted it when it was started keeps it until it ends; `revoke` takes that away.\n");
    return COMMAND_OK;
}

static int restore(const char *const *words) {
    RPC_CALL(call);
    struct question question;
    struct policy_control_restore_results results;
    if (!take(words, &question)) {
        return COMMAND_MISUSED;
    }
    const status_t status = policy_control_call_restore(the_policy_control(), &call, question.subject, question.action,
                                                        question.object, rpc_patience(), &results);
    if (!status_ok(status)) {
        return problem(&call, status);
    }
    return policy_control_restore_results_get_found(results) ? COMMAND_OK : fail("policy: this was not revoked\n");
}

static int learn(const char *word) {
    RPC_CALL(call);
    if (!str_equal(word, "on") && !str_equal(word, "off")) {
        return misused("policy: learn on, or learn off\n");
    }
    const status_t status = policy_control_call_learn(the_policy_control(), &call, str_equal(word, "on"), rpc_patience(), nullptr);
    return status_ok(status) ? COMMAND_OK : problem(&call, status);
}

static int propose(void) {
    RPC_CALL(call);
    struct policy_control_propose_results results;
    const status_t status = policy_control_call_propose(the_policy_control(), &call, rpc_patience(), &results);
    if (!status_ok(status)) {
        return problem(&call, status);
    }
    rpc_hold(&call, held_results, &results.s);
    const struct capnp_text text = policy_control_propose_results_get_text(results);
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.bytes[i];
        out("%c", c == '\n' || char_is_print(c) ? c : '?');
    }
    if (policy_control_propose_results_get_cut(results)) {
        return fail("policy: there is more than one answer has room for\n");
    }
    return policy_control_propose_results_get_units(results) > 0 ? COMMAND_OK : fail("policy: nothing was resolved while it learned; what a service used of its grants `least` tells\n");
}

int command_policy(const struct arguments *arguments) {
    const char *const *words = arguments->words + 1;
    const size_t count = arguments->count - 1;
    if (count == 0) {
        return list_rules();
    }
    if (count == 1 && str_equal(words[0], "propose")) {
        return propose();
    }
    if (count == 1 && str_equal(words[0], "operations")) {
        return list_operations();
    }
    const bool changes = str_equal(words[0], "learn") || str_equal(words[0], "revoke") || str_equal(words[0], "restore");
    if (changes && identity_check("policy", "policy", nullptr) != COMMAND_OK) {
        return COMMAND_FAILED;
    }
    if (count == 2 && str_equal(words[0], "learn")) {
        return learn(words[1]);
    }
    if (count == 3) {
        return explain(words);
    }
    if (count == 4 && str_equal(words[0], "revoke")) {
        return revoke(words + 1);
    }
    if (count == 4 && str_equal(words[0], "restore")) {
        return restore(words + 1);
    }
    if (count == 5 && str_equal(words[0], "try") && (str_equal(words[1], "allow") || str_equal(words[1], "deny"))) {
        return try_rule(str_equal(words[1], "allow"), words + 2);
    }
    return misused("policy: this is no way to use it; see `help policy`\n");
}
