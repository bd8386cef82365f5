// policyd: decides who may do what with which service. Wiring only: rules, decisions and reasons are lib/policy, the contract
// idl/policy.capnp.
//
// CapSet: `policy` (RECEIVE), `manifest`, `roster`, `identity`, `log`, `state`, `supervisor`. Each decision is filed with the log, which is never waited for. What was
// revoked is kept in `state` before anybody hears that it was.
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/badge/badge.h"
#include "lib/capnp/canonical.h"
#include "lib/log/logger.h"
#include "lib/policy/audit.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"
#include "services/policyd/policyd.h"

constexpr uint64_t AUDIT_DELAY_MS = 5;      // decisions that are alike within it make one record
constexpr uint64_t AUDIT_LAST_MS = 300;     // for all that waits when it ends; init gives it 500 at least
constexpr uint64_t AUDIT_PAUSE_MAX_MS = 500; // between two tries with a log that takes nothing
constexpr uint64_t AUDIT_WINDOW_NS = 1'000'000'000, AUDIT_WINDOW_RECORDS = 48;
constexpr size_t PROPOSALS_MAX = 64;        // the contract's limit
constexpr size_t PROPOSAL_TEXT_BYTES = 3072; // of an answer of one page

static struct manifest manifest;
static struct ruleset rules;
static struct audit audit;
static uint64_t audit_ns, audit_pause_ms = AUDIT_DELAY_MS; // when to file what waits, and how long after that again
static uint64_t window_ns, window_count; // what was filed since when
static struct logger logger;
static struct rpc_server server;
static uint64_t epoch;
static handle_t watcher; // owned; 0: none
static uint64_t watcher_bits;

// ---- The manifest ----

static void read_manifest(void) {
    struct manifest_error error;
    uint64_t len_bytes = 0, address = 0;
    uint32_t words = 0;
    const handle_t vmo = tess_cap_required("manifest", 0);
    if (!status_ok(tess_vmo_info(vmo, &len_bytes, nullptr)) ||
        !status_ok(tess_vspace_map(tess_self_vspace(), vmo, 0, len_bytes, 0, PROT_READ, &address)) ||
        !status_ok(capnp_measure_canonical((const void *)address, (uint32_t)(len_bytes / CAPNP_WORD_BYTES), &words)) ||
        !manifest_open((const void *)address, (size_t)words * CAPNP_WORD_BYTES, &manifest, &error)) {
        tess_panic("policyd: the manifest cannot be read");
    }
    ruleset_init(&rules, &manifest);
}

// ---- What is asked ----

struct asked {
    struct ruleset_question question;
    char subject[NAME_BYTES], object[NAME_BYTES];
};

// Names that are nobody's are an answer's business; what is no name at all is refused.
static status_t take(struct rpc_request *request, struct capnp_text subject, uint16_t action, struct capnp_text object,
                     struct asked *out) {
    if (!name_put(out->subject, subject.bytes, subject.len) || !name_put(out->object, object.bytes, object.len)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "a name has 1 to %zu printable characters and no space", NAME_BYTES - 1);
    }
    if (action >= RULESET_ACTIONS) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "there is no action %u", action);
    }
    out->question = (struct ruleset_question){ruleset_subject(&rules, out->subject), (enum ruleset_action)action,
                                              ruleset_object(&rules, out->object)};
    return rpc_well_formed(request);
}

void policyd_file(const struct audit_entry *entry) {
    if (audit_next(&audit) == nullptr) {
        audit_ns = tess_deadline_after_ms(AUDIT_DELAY_MS);
    }
    audit_note(&audit, entry);
}

struct ruleset *policyd_rules(void) {
    return &rules;
}

static struct ruleset_decision decide(const struct asked *asked) {
    const bool is_new = ruleset_is_new(&rules, asked->question);
    const struct ruleset_decision decision = ruleset_check(&rules, asked->question);
    if (is_new) {
        service_keep();
    }
    struct audit_entry entry = {.question = asked->question, .allowed = decision.allowed, .by_rule = decision.rule != nullptr,
                                .cause = rpc_cause(&server.request)};
    memcpy(entry.subject, asked->subject, sizeof entry.subject);
    memcpy(entry.object, asked->object, sizeof entry.object);
    if (decision.rule != nullptr) {
        entry.rule = *decision.rule;
    }
    policyd_file(&entry);
    return decision;
}

static status_t check(void *, struct rpc_request *request, struct policy_check_params params,
                      struct policy_check_results_builder results) {
    struct asked asked;
    TRY(take(request, policy_check_params_get_subject(params), policy_check_params_get_action(params),
             policy_check_params_get_object(params), &asked));
    const struct ruleset_decision decision = decide(&asked);
    policy_check_results_set_allowed(results, decision.allowed);
    policy_check_results_set_rule(results, decision.rule != nullptr ? (uint32_t)(decision.rule - rules.rules) : POLICY_NO_RULE);
    policy_check_results_set_epoch(results, epoch);
    return STATUS_OK;
}

static status_t facets(void *, struct rpc_request *request, struct policy_facets_params params,
                       struct policy_facets_results_builder results) {
    struct asked asked;
    uint8_t actions = 0;
    TRY(take(request, policy_facets_params_get_subject(params), RULESET_USE, policy_facets_params_get_object(params), &asked));
    for (uint8_t action = 0; action < RULESET_ACTIONS; action++) {
        asked.question.action = (enum ruleset_action)action;
        if (action == RULESET_USE || ruleset_decide(&rules, asked.question).allowed) {
            actions |= (uint8_t)(decide(&asked).allowed << action);
        }
    }
    policy_facets_results_set_actions(results, actions);
    policy_facets_results_set_epoch(results, epoch);
    return STATUS_OK;
}

static status_t permitted(void *, struct rpc_request *request, struct policy_permitted_params params,
                          struct policy_permitted_results_builder results) {
    struct asked asked;
    uint16_t objects[RULESET_OBJECTS_MAX];
    uint32_t count = 0;
    const struct capnp_text subject = policy_permitted_params_get_subject(params);
    TRY(take(request, subject, RULESET_USE, CAPNP_TEXT("*"), &asked));
    for (uint16_t i = 0; i < rules.object_count; i++) {
        asked.question.object = i;
        if (ruleset_decide(&rules, asked.question).allowed) {
            objects[count++] = i;
        }
    }
    const struct capnp_text_list_builder names = policy_permitted_results_init_names(results, count);
    for (uint32_t i = 0; i < count; i++) {
        capnp_text_list_set(names, i, capnp_text(ruleset_object_name(&rules, objects[i])));
    }
    return STATUS_OK;
}

static status_t explain(void *, struct rpc_request *request, struct policy_explain_params params,
                        struct policy_explain_results_builder results) {
    struct asked asked;
    TRY(take(request, policy_explain_params_get_subject(params), policy_explain_params_get_action(params),
             policy_explain_params_get_object(params), &asked));
    const struct ruleset_decision decision = ruleset_decide(&rules, asked.question); // nothing is done by it: not audited
    policy_explain_results_set_allowed(results, decision.allowed);
    if (decision.rule != nullptr) {
        put_rule(&rules, decision.rule, policy_explain_results_init_rule(results));
    }
    if (!decision.allowed) {
        put_denial(&rules, asked.question, asked.subject, asked.object, policy_explain_results_init_denial(results));
    }
    return STATUS_OK;
}

static status_t list(void *, struct rpc_request *, struct policy_list_params params, struct policy_list_results_builder results) {
    struct piece piece = piece_from(policy_list_params_get_first(params),
                                    POLICY_LIST_RESULTS_DATA_WORDS + POLICY_LIST_RESULTS_POINTERS);
    for (size_t i = 0; i < rules.rule_count; i++) {
        (void)piece_takes(&piece, rule_words(&rules, &rules.rules[i]));
    }
    const struct policy_rule_list_builder to = policy_list_results_init_rules(results, piece.count);
    for (uint32_t i = 0; i < piece.count; i++) {
        put_rule(&rules, &rules.rules[piece.first + i], policy_rule_list_edit(to, i));
    }
    policy_list_results_set_total(results, piece.total);
    return STATUS_OK;
}

static status_t stats(void *, struct rpc_request *, struct policy_stats_params, struct policy_stats_results_builder results) {
    const struct policy_stats_builder stats = policy_stats_results_init_stats(results);
    policy_stats_set_version(stats, rules.version);
    policy_stats_set_epoch(stats, epoch);
    policy_stats_set_rules(stats, (uint32_t)rules.rule_count);
    policy_stats_set_allowed(stats, rules.allowed);
    policy_stats_set_denied(stats, rules.denied);
    policy_stats_set_learning(stats, rules.learning);
    policy_stats_set_audit_dropped(stats, audit.dropped);
    return STATUS_OK;
}

// ---- Dry run ----

// The rules as they would be; returns how many proposals were left out.
static uint32_t propose_rules(struct policy_proposal_list proposals, bool replace, struct ruleset_rule *to, size_t *count) {
    uint32_t rejected = 0;
    *count = replace ? 0 : rules.rule_count;
    memcpy(to, rules.rules, *count * sizeof *to);
    for (uint32_t i = 0; i < policy_proposal_list_count(proposals); i++) {
        const struct policy_proposal proposal = policy_proposal_list_get(proposals, i);
        const uint16_t subject = ruleset_subject(&rules, policy_proposal_get_subject(proposal).bytes);
        const uint16_t object = ruleset_object(&rules, policy_proposal_get_object(proposal).bytes);
        const uint16_t action = policy_proposal_get_action(proposal);
        if (subject == RULESET_NONE || object == RULESET_NONE || action >= RULESET_ACTIONS) {
            rejected++;
            continue;
        }
        to[(*count)++] = (struct ruleset_rule){.subject = subject, .object = object, .actions = (uint8_t)(1u << action),
                                               .allows = policy_proposal_get_allows(proposal)};
    }
    return rejected;
}

// Calls `each` for every decision that is another in `then`: those in use first.
typedef void change_fn(void *context, const struct change *change);

static void each_change(const struct ruleset_matrix *now, const struct ruleset_matrix *then, change_fn *each, void *context) {
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t subject = 0; subject < manifest.unit_count; subject++) {
            for (size_t action = 0; action < RULESET_ACTIONS; action++) {
                const uint64_t used = rules.used.objects[action][subject];
                uint64_t left = (now->objects[action][subject] ^ then->objects[action][subject]) & (pass == 0 ? used : ~used);
                for (; left != 0; left &= left - 1) {
                    const struct change change = {
                        .question = {(uint16_t)subject, (enum ruleset_action)action, (uint16_t)__builtin_ctzll(left)},
                        .allowed = (then->objects[action][subject] & left & -left) != 0,
                        .in_use = pass == 0,
                    };
                    each(context, &change);
                }
            }
        }
    }
}

static void count_change(void *context, const struct change *change) {
    (void)piece_takes(context, change_words(&rules, change));
}

struct filling {
    struct policy_change_list_builder list;
    uint32_t at, count;
};

static void fill_change(void *context, const struct change *change) {
    struct filling *filling = context;
    if (filling->at < filling->count) {
        put_change(&rules, change, policy_change_list_edit(filling->list, filling->at++));
    }
}

static status_t dry_run(void *, struct rpc_request *request, struct policy_dry_run_params params,
                        struct policy_dry_run_results_builder results) {
    static struct ruleset_rule proposed[RULESET_RULES_MAX + PROPOSALS_MAX]; // large
    static struct ruleset_matrix now, then;
    size_t count;
    const uint32_t rejected = propose_rules(policy_dry_run_params_get_rules(params), policy_dry_run_params_get_replace(params),
                                            proposed, &count);
    TRY(rpc_well_formed(request));
    ruleset_fill(&rules, rules.rules, rules.rule_count, &now);
    ruleset_fill(&rules, proposed, count, &then);
    struct piece piece = piece_from(0, POLICY_DRY_RUN_RESULTS_DATA_WORDS + POLICY_DRY_RUN_RESULTS_POINTERS);
    each_change(&now, &then, count_change, &piece);
    struct filling filling = {.list = policy_dry_run_results_init_changes(results, piece.count), .count = piece.count};
    each_change(&now, &then, fill_change, &filling);
    policy_dry_run_results_set_total(results, piece.total);
    policy_dry_run_results_set_rejected(results, rejected);
    return STATUS_OK;
}

// ---- Changes ----

// Decisions may be others from now on.
static void next_epoch(void) {
    epoch++;
    if (tess_handle_valid(watcher) && !status_ok(tess_signal(watcher, watcher_bits))) {
        tess_close(tess_handle_take(&watcher)); // the notification is gone
    }
}

// What is revoked is another: it is kept, and told to who keeps decisions and to who grants.
static status_t changed(struct rpc_request *request) {
    service_keep();
    const status_t told = withhold_tell(&rules);
    next_epoch();
    return status_ok(told) ? STATUS_OK
                           : rpc_refuse(request, RPC_DISCONNECTED, "it is decided, but the supervisor has not heard of it yet, and grants as before: %s",
                                        rpc_status_text(told));
}

static status_t take_pattern(struct rpc_request *request, struct capnp_text subject, uint16_t action, struct capnp_text object,
                             struct asked *out) {
    TRY(take(request, subject, action, object, out));
    if (out->question.subject == RULESET_NONE) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "no service or program is called `%s`", out->subject);
    }
    return out->question.object != RULESET_NONE
               ? STATUS_OK
               : rpc_refuse(request, RPC_INVALID_ARGUMENT, "no service provides `%s`", out->object);
}

static status_t revoke(void *, struct rpc_request *request, struct policy_control_revoke_params params,
                       struct policy_control_revoke_results_builder results) {
    struct asked asked;
    TRY(take_pattern(request, policy_control_revoke_params_get_subject(params), policy_control_revoke_params_get_action(params),
                     policy_control_revoke_params_get_object(params), &asked));
    if (asked.question.subject == rules.decider) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "%s decides, by what it is granted itself: that is not revoked here", asked.subject);
    }
    if (!ruleset_revoke(&rules, asked.question)) {
        return rpc_refuse(request, RPC_OVERLOADED, "%zu things are revoked already", RULESET_REVOKED_MAX);
    }
    TRY(changed(request));
    policy_control_revoke_results_set_epoch(results, epoch);
    return STATUS_OK;
}

static status_t restore(void *, struct rpc_request *request, struct policy_control_restore_params params,
                        struct policy_control_restore_results_builder results) {
    struct asked asked;
    TRY(take_pattern(request, policy_control_restore_params_get_subject(params),
                     policy_control_restore_params_get_action(params), policy_control_restore_params_get_object(params), &asked));
    const bool found = ruleset_restore(&rules, asked.question);
    if (found) {
        TRY(changed(request));
    }
    policy_control_restore_results_set_found(results, found);
    policy_control_restore_results_set_epoch(results, epoch);
    return STATUS_OK;
}

static status_t watch(void *, struct rpc_request *request, struct policy_control_watch_params params,
                      struct policy_control_watch_results_builder) {
    const handle_t given = policy_control_watch_params_get_watcher(params).handle;
    const uint64_t bits = policy_control_watch_params_get_bits(params);
    TRY(rpc_well_formed(request));
    if (!tess_handle_valid(given) || !status_ok(tess_signal(given, 0))) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "the watcher cannot be signalled");
    }
    tess_close(watcher);
    watcher = rpc_request_keep(request, given);
    watcher_bits = bits;
    return STATUS_OK;
}

// What watchers keep of earlier decisions would not be recorded: so it holds no more.
static status_t learn(void *, struct rpc_request *request, struct policy_control_learn_params params,
                      struct policy_control_learn_results_builder) {
    const bool on = policy_control_learn_params_get_on(params);
    TRY(rpc_well_formed(request));
    ruleset_learn(&rules, on);
    service_keep();
    if (on) {
        next_epoch();
    }
    return STATUS_OK;
}

static status_t propose(void *, struct rpc_request *, struct policy_control_propose_params,
                        struct policy_control_propose_results_builder results) {
    static char text[PROPOSAL_TEXT_BYTES];
    size_t len = 0;
    uint32_t units = 0;
    bool cut = false;
    text[0] = '\0';
    for (uint16_t i = 0; i < manifest.unit_count && !cut; i++) {
        const struct manifest_unit *unit = &manifest.units[i];
        const size_t head = len + fmt_snprintf(text + len, sizeof text - len, "# %s (%s:%u)\n", unit->name, unit->source, unit->line);
        const size_t room = head < sizeof text ? sizeof text - head : 0;
        const size_t more = ruleset_propose(&rules, i, text + sizeof text - room, room);
        cut = more != 0 && more + 1 >= room; // with its end of line
        if (more == 0 || cut) {
            text[len] = '\0';
            continue;
        }
        text[head + more] = '\n';
        text[head + more + 1] = '\0';
        len = head + more + 1;
        units++;
    }
    policy_control_propose_results_set_text(results, capnp_text(text));
    policy_control_propose_results_set_units(results, units);
    policy_control_propose_results_set_cut(results, cut);
    return STATUS_OK;
}

// ---- The audit ----

// So that the log takes all of it whatever is asked: it takes twice as much of one program at once, and as much a second.
static bool is_early(uint64_t now_ns) {
    if (now_ns - window_ns >= AUDIT_WINDOW_NS) {
        window_ns = now_ns;
        window_count = 0;
    }
    return window_count >= AUDIT_WINDOW_RECORDS;
}

static bool file_next(const struct audit_entry *entry, uint64_t deadline_ns) {
    static struct audit_record record; // large
    audit_record(&rules, entry, &record);
    logger.cause = entry->cause;
    if (!logger_try(&logger, record.record, deadline_ns)) {
        return false;
    }
    window_count++;
    audit_done(&audit);
    return true;
}

static bool tell_dropped(uint64_t deadline_ns) {
    const uint64_t dropped = audit.dropped - audit.dropped_told;
    logger.cause = 0;
    const struct logger_field field = logger_integer("dropped", (int64_t)dropped);
    const struct logger_record record = {
        .level = LOG_LEVEL_WARNING, .text = "decisions were not filed: there were too many, or the log was away", .fields = &field, .count = 1};
    if (dropped > 0 && logger_try(&logger, &record, deadline_ns)) {
        audit.dropped_told += dropped;
    }
    return audit.dropped == audit.dropped_told;
}

// Hands over what the log takes now.
static void pump_audit(void) {
    const uint64_t now_ns = tess_now_ns();
    bool taken = true;
    const struct audit_entry *entry;
    while (taken && !is_early(now_ns) && (entry = audit_next(&audit)) != nullptr) {
        taken = file_next(entry, DEADLINE_POLL);
    }
    taken = taken && tell_dropped(DEADLINE_POLL);
    audit_pause_ms = taken ? AUDIT_DELAY_MS : audit_pause_ms * 2 < AUDIT_PAUSE_MAX_MS ? audit_pause_ms * 2 : AUDIT_PAUSE_MAX_MS;
    audit_ns = taken && is_early(now_ns) ? window_ns + AUDIT_WINDOW_NS : tess_deadline_after_ms(audit_pause_ms);
}

// It ends: now the log is waited for a little, and whatever it keeps out it counts.
static void file_rest(void) {
    const uint64_t deadline_ns = tess_deadline_after_ms(AUDIT_LAST_MS);
    const struct audit_entry *entry;
    while ((entry = audit_next(&audit)) != nullptr && file_next(entry, deadline_ns)) {
    }
    (void)tell_dropped(deadline_ns);
}

static const struct policy_control_server methods = {
    .policy = {.check = check, .explain = explain, .list = list, .stats = stats, .dry_run = dry_run, .facets = facets, .permitted = permitted,
               .perform = people_perform, .explain_operation = people_explain, .operations = people_operations},
    .revoke = revoke,
    .restore = restore,
    .watch = watch,
    .learn = learn,
    .propose = propose,
};

static status_t dispatch(struct rpc_request *request) {
    return badge_controls(request->badge) ? policy_control_dispatch(&methods, nullptr, request)
                                          : policy_dispatch(&methods.policy, nullptr, request);
}

static uint64_t before_wait(void) {
    if (people_are_out_of_reach() || withhold_is_out_of_reach()) {
        return 0; // when whoever asked has been answered
    }
    const uint64_t pump_ns = audit_next(&audit) == nullptr ? DEADLINE_NEVER : audit_ns;
    return withhold_due() < pump_ns ? withhold_due() : pump_ns;
}

static void when_due(void) {
    if (people_are_out_of_reach()) {
        file_rest();
        tess_panic("policyd: `identity` was taken away, without which nobody may do anything any more; another process of it has it again");
    }
    if (withhold_is_out_of_reach()) {
        file_rest();
        tess_panic("policyd: `supervisor` was taken away, which grants by what is revoked; another process of it has it again");
    }
    if (tess_now_ns() >= withhold_due()) {
        (void)!status_ok(withhold_tell(&rules)); // it is due again
    }
    if (audit_next(&audit) != nullptr && tess_now_ns() >= audit_ns) {
        pump_audit();
    }
}

static size_t save(void *to, size_t room) {
    return ruleset_save(&rules, to, room);
}

static bool adopt(const void *state, size_t len_bytes) {
    return ruleset_adopt(&rules, state, len_bytes);
}

static const struct service service = {.provides = "policy",
                                       .interface_id = POLICY_ID,
                                       .accept = 2, // a watcher, or rules that are longer than a page
                                       .before_wait = before_wait,
                                       .when_due = when_due,
                                       .stop = file_rest,
                                       .save = save,
                                       .adopt = adopt,
                                       .keeps = "state"};

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    read_manifest();
    people_open();
    withhold_open();
    epoch = tess_now_ns(); // it counts up more slowly than the clock, so no successor begins below what this one reaches
    logger_init(&logger, "audit");
    return service_run(&service, &server, dispatch);
}
