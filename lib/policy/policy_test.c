#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "lib/capnp/canonical.h"
#include "lib/policy/audit.h"
#include "lib/policy/explain.h"

constexpr size_t WORDS = 1 << 15;

static uint64_t memory[WORDS], canonical[WORDS];
static struct capnp_builder builder;
static struct manifest manifest;
static struct ruleset set;

// ---- A system: three services that are called, a shell, and two programs ----

static struct manifest_service_builder service(struct manifest_service_list_builder list, uint32_t index, const char *name,
                                               const char *provides) {
    const struct manifest_service_builder to = manifest_service_list_edit(list, index);
    manifest_service_set_name(to, capnp_text(name));
    manifest_service_set_memory_kib(to, 64);
    manifest_service_set_line(to, 10 * (index + 1));
    if (provides != nullptr) {
        capnp_text_list_set(manifest_service_init_provides(to, 1), 0, capnp_text(provides));
    }
    return to;
}

static struct manifest_grant_builder grant(struct manifest_grant_list_builder list, uint32_t index, const char *name) {
    const struct manifest_grant_builder to = manifest_grant_list_edit(list, index);
    manifest_grant_set_name(to, capnp_text(name));
    manifest_grant_set_line(to, 100 + index);
    return to;
}

static struct manifest_resolve_builder resolve(struct manifest_resolve_list_builder list, uint32_t index, const char *name) {
    const struct manifest_resolve_builder to = manifest_resolve_list_edit(list, index);
    manifest_resolve_set_name(to, capnp_text(name));
    manifest_resolve_set_line(to, 200 + index);
    return to;
}

static void rule(struct manifest_rule_list_builder list, uint32_t index, const char *subject, enum manifest_action action,
                 const char *object, enum manifest_effect effect) {
    const struct manifest_rule_builder to = manifest_rule_list_edit(list, index);
    manifest_rule_set_subject(to, capnp_text(subject));
    manifest_rule_set_action(to, action);
    manifest_rule_set_object(to, capnp_text(object));
    manifest_rule_set_effect(to, effect);
    manifest_rule_set_line(to, 300 + index);
}

static void open_policy(void) {
    memset(memory, 0, sizeof memory);
    capnp_builder_init(&builder, memory, WORDS);
    const struct manifest_system_builder system = manifest_system_init_root(&builder);
    manifest_system_set_name(system, CAPNP_TEXT("test"));
    manifest_system_set_policy_version(system, 7);
    capnp_text_list_set(manifest_system_init_sources(system, 1), 0, CAPNP_TEXT("t.capnp"));
    const struct manifest_service_list_builder services = manifest_system_init_services(system, 5);
    (void)service(services, 0, "samgrd", "registry");
    (void)service(services, 1, "logd", "log");
    (void)service(services, 2, "consoled", "console");
    const struct manifest_service_builder shell = service(services, 3, "shell", nullptr);
    const struct manifest_grant_list_builder grants = manifest_service_init_grants(shell, 3);
    manifest_grant_set_service(grant(grants, 0, "registry"), CAPNP_TEXT("registry"));
    manifest_grant_set_service(grant(grants, 1, "log"), CAPNP_TEXT("log"));
    manifest_grant_set_control(manifest_grant_list_edit(grants, 1), true);
    manifest_grant_set_supervisor(grant(grants, 2, "supervisor"));
    const struct manifest_service_builder policyd = service(services, 4, "policyd", "policy");
    manifest_grant_set_service(grant(manifest_service_init_grants(policyd, 1), 0, "registry"), CAPNP_TEXT("registry"));
    const struct manifest_resolve_list_builder resolves = manifest_service_init_resolve(shell, 2);
    manifest_resolve_set_share(resolve(resolves, 0, "console"), true);
    (void)resolve(resolves, 1, "registry"); // which it is granted, too
    const struct manifest_program_list_builder programs = manifest_system_init_programs(system, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct manifest_program_builder program = manifest_program_list_edit(programs, i);
        manifest_program_set_name(program, i == 0 ? CAPNP_TEXT("hello") : CAPNP_TEXT("hell"));
        manifest_program_set_memory_kib(program, 64);
        manifest_program_set_line(program, 80 + i);
    }
    const struct manifest_rule_list_builder rules = manifest_system_init_rules(system, 3);
    rule(rules, 0, "hell", MANIFEST_ACTION_USE, "*", MANIFEST_EFFECT_ALLOW);
    rule(rules, 1, "hell", MANIFEST_ACTION_USE, "log", MANIFEST_EFFECT_DENY);
    rule(rules, 2, "*", MANIFEST_ACTION_CONTROL, "console", MANIFEST_EFFECT_DENY);
    uint32_t used = 0;
    struct manifest_error error;
    CHECK(status_ok(capnp_canonicalise(manifest_system_read(system).s, canonical, WORDS, &used)));
    CHECK(manifest_open(canonical, used * sizeof *canonical, &manifest, &error));
    ruleset_init(&set, &manifest);
}

static struct ruleset_question ask(const char *subject, enum ruleset_action action, const char *object) {
    return (struct ruleset_question){ruleset_subject(&set, subject), action, ruleset_object(&set, object)};
}

static bool allowed(const char *subject, enum ruleset_action action, const char *object) {
    return ruleset_decide(&set, ask(subject, action, object)).allowed;
}

// ---- Decisions ----

TEST(what_is_granted_or_resolved_is_allowed) {
    open_policy();
    CHECK_EQ(set.version, 7);
    CHECK(allowed("shell", RULESET_USE, "log"));
    CHECK(allowed("shell", RULESET_CONTROL, "log"));
    CHECK(allowed("shell", RULESET_SHARE, "log"));
    CHECK(allowed("shell", RULESET_USE, "supervisor"));
    CHECK(!allowed("shell", RULESET_CONTROL, "supervisor"));
    CHECK(allowed("shell", RULESET_USE, "console"));
    CHECK(allowed("shell", RULESET_SHARE, "console"));
    CHECK(!allowed("shell", RULESET_CONTROL, "console"));
    CHECK(!allowed("shell", RULESET_CONTROL, "registry"));
}

TEST(everything_else_is_denied) {
    open_policy();
    CHECK(!allowed("hello", RULESET_USE, "log"));
    CHECK(!allowed("nobody", RULESET_USE, "log"));
    CHECK(!allowed("shell", RULESET_USE, "nothing"));
    CHECK(!allowed("", RULESET_USE, ""));
    CHECK(!allowed("*", RULESET_USE, "console"));
    CHECK(!allowed("hell", RULESET_USE, "*"));
    CHECK(ruleset_decide(&set, ask("hello", RULESET_USE, "log")).rule == nullptr);
}

TEST(one_rule_that_denies_is_enough) {
    open_policy();
    CHECK(allowed("hell", RULESET_USE, "console"));
    CHECK(allowed("hell", RULESET_USE, "supervisor"));
    CHECK(!allowed("hell", RULESET_USE, "log"));
    CHECK_EQ(ruleset_decide(&set, ask("hell", RULESET_USE, "log")).rule->line, 301);
    CHECK_EQ(ruleset_decide(&set, ask("shell", RULESET_CONTROL, "console")).rule->line, 302);
}

TEST(a_job_is_its_program) {
    open_policy();
    CHECK_EQ(ruleset_subject(&set, "hell.12"), ruleset_subject(&set, "hell"));
    CHECK_EQ(ruleset_subject(&set, "hello.3"), ruleset_subject(&set, "hello"));
    CHECK(ruleset_subject(&set, "hello") != ruleset_subject(&set, "hell"));
    CHECK_EQ(ruleset_subject(&set, "hel.1"), RULESET_NONE);
    CHECK_EQ(ruleset_subject(&set, ".1"), RULESET_NONE);
    CHECK_EQ(ruleset_subject(&set, "*"), RULESET_ANY);
}

TEST(the_matrix_says_what_decisions_say) {
    open_policy();
    struct ruleset_matrix matrix;
    CHECK(ruleset_revoke(&set, ask("*", RULESET_SHARE, "log")));
    ruleset_fill(&set, set.rules, set.rule_count, &matrix);
    for (uint16_t subject = 0; subject < manifest.unit_count; subject++) {
        for (uint8_t action = 0; action < RULESET_ACTIONS; action++) {
            for (uint16_t object = 0; object < set.object_count; object++) {
                const struct ruleset_question question = {subject, (enum ruleset_action)action, object};
                CHECK_EQ(ruleset_decide(&set, question).allowed, matrix.objects[action][subject] >> object & 1);
            }
            CHECK_EQ(matrix.objects[action][subject] >> set.object_count, 0);
        }
    }
}

// ---- Changes ----

TEST(what_is_revoked_can_be_restored) {
    open_policy();
    const size_t before = set.rule_count;
    const struct ruleset_question one = ask("shell", RULESET_USE, "console"), all = ask("*", RULESET_USE, "*");
    CHECK(ruleset_revoke(&set, one));
    CHECK(ruleset_revoke(&set, one)); // the same again is one
    CHECK_EQ(set.rule_count, before + 1);
    CHECK(!allowed("shell", RULESET_USE, "console"));
    CHECK(allowed("shell", RULESET_USE, "log"));
    CHECK(ruleset_revoke(&set, all));
    CHECK(!allowed("shell", RULESET_USE, "log"));
    CHECK(!allowed("shell", RULESET_USE, "registry"));
    CHECK(allowed("policyd", RULESET_USE, "registry")); // who decides is not among everybody
    CHECK(ruleset_restore(&set, one));
    CHECK(!ruleset_restore(&set, one));
    CHECK(!allowed("shell", RULESET_USE, "console"));
    CHECK(ruleset_restore(&set, all));
    CHECK(allowed("shell", RULESET_USE, "console"));
    CHECK_EQ(set.rule_count, before);
    CHECK(!ruleset_restore(&set, ask("hell", RULESET_USE, "log"))); // that one the manifest denies
}

// ---- Another process of the service ----

alignas(8) static uint8_t kept[4096];

TEST(what_was_decided_goes_to_the_next_process) {
    open_policy();
    const size_t before = set.rule_count, most = ruleset_save(&set, nullptr, 0);
    const struct ruleset_question all = ask("*", RULESET_USE, "*"), learned = ask("shell", RULESET_USE, "log");
    REQUIRE(most <= sizeof(kept));
    CHECK(ruleset_revoke(&set, ask("shell", RULESET_SHARE, "console")));
    CHECK(ruleset_revoke(&set, all));
    CHECK(ruleset_restore(&set, all));
    CHECK(ruleset_revoke(&set, ask("*", RULESET_CONTROL, "log")));
    ruleset_learn(&set, true);
    CHECK(ruleset_is_new(&set, learned));
    (void)ruleset_check(&set, learned);
    CHECK(!ruleset_is_new(&set, learned));
    set.claimed = true;
    const size_t len = ruleset_save(&set, kept, sizeof(kept));
    CHECK(len > 0 && len <= most);
    CHECK_EQ(ruleset_save(&set, kept, len - 1), 0);
    open_policy();
    CHECK(!ruleset_adopt(&set, kept, len - 1));
    CHECK_EQ(set.rule_count, before);
    REQUIRE(ruleset_adopt(&set, kept, len));
    CHECK_EQ(set.rule_count, before + 2);
    CHECK(!allowed("shell", RULESET_SHARE, "console"));
    CHECK(!allowed("shell", RULESET_CONTROL, "log"));
    CHECK(allowed("shell", RULESET_USE, "console"));
    CHECK(set.learning && set.claimed && !ruleset_is_new(&set, learned));
}

TEST(what_it_takes_over_is_checked) {
    open_policy();
    CHECK(ruleset_revoke(&set, ask("shell", RULESET_USE, "log")));
    ruleset_learn(&set, true);
    (void)ruleset_check(&set, ask("shell", RULESET_USE, "console"));
    const size_t len = ruleset_save(&set, kept, sizeof(kept)), before = set.rule_count - 1;
    size_t refused = 0;
    for (size_t bit = 0; bit < len * 8; bit++) {
        kept[bit / 8] ^= (uint8_t)(1u << bit % 8);
        open_policy();
        if (ruleset_adopt(&set, kept, len)) {
            CHECK_EQ(set.rule_count, before + 1);
            struct ruleset_matrix matrix; // whatever it has taken over can be worked with
            ruleset_fill(&set, set.rules, set.rule_count, &matrix);
        } else {
            CHECK_EQ(set.rule_count, before);
            refused++;
        }
        kept[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CHECK(refused > 64 && refused < len * 8);
}

TEST(there_is_room_for_so_many) {
    open_policy();
    size_t revoked = 0;
    for (uint16_t subject = 0; subject < manifest.unit_count; subject++) {
        for (uint8_t action = 0; action < RULESET_ACTIONS; action++) {
            for (uint16_t object = 0; object < 8; object++) { // more than there are: only their number counts
                revoked += ruleset_revoke(&set, (struct ruleset_question){subject, (enum ruleset_action)action, object});
            }
        }
    }
    CHECK_EQ(revoked, RULESET_REVOKED_MAX);
    CHECK(ruleset_save(&set, kept, sizeof(kept)) > RULESET_REVOKED_MAX * 8);
}

TEST(what_is_learned_is_proposed) {
    open_policy();
    char text[200];
    const uint16_t shell = ruleset_subject(&set, "shell");
    (void)ruleset_check(&set, ask("shell", RULESET_USE, "log"));
    ruleset_learn(&set, true);
    CHECK_EQ(ruleset_propose(&set, shell, text, sizeof text), 0);
    (void)ruleset_check(&set, ask("shell", RULESET_USE, "console"));
    (void)ruleset_check(&set, ask("shell", RULESET_USE, "log"));
    (void)ruleset_check(&set, ask("shell", RULESET_CONTROL, "log"));
    (void)ruleset_check(&set, ask("shell", RULESET_CONTROL, "console")); // denied
    const size_t len = ruleset_propose(&set, shell, text, sizeof text);
    CHECK_STR_EQ(text, "resolve = [(name = \"console\")], grants = [(name = \"log\", service = \"log\", control = true)],");
    CHECK_EQ(len, strlen(text));
    CHECK_EQ(ruleset_propose(&set, shell, text, 20), len);
    CHECK_EQ(strlen(text), 19);
    ruleset_learn(&set, true);
    for (uint8_t action = 0; action < RULESET_ACTIONS; action++) { // as who resolves it is allowed all of it, by the grant
        (void)ruleset_check(&set, ask("shell", (enum ruleset_action)action, "registry"));
    }
    (void)ruleset_propose(&set, shell, text, sizeof text);
    CHECK_STR_EQ(text, "resolve = [(name = \"registry\")],"); // which is the entry; it does not share
    ruleset_learn(&set, false);
    (void)ruleset_check(&set, ask("hell", RULESET_USE, "console"));
    CHECK_EQ(ruleset_propose(&set, ruleset_subject(&set, "hell"), text, sizeof text), 0);
    CHECK_EQ(set.allowed, 7);
    CHECK_EQ(set.denied, 2);
}

// ---- Reasons ----

static struct ruleset_denial denial;

static void explain(const char *subject, enum ruleset_action action, const char *object) {
    ruleset_explain(&set, ask(subject, action, object), subject, object, &denial);
}

TEST(a_denial_says_who_may_and_what_to_write_where) {
    open_policy();
    explain("hello", RULESET_CONTROL, "log");
    CHECK_STR_EQ(denial.reason, "no grant, `resolve` or rule allows it");
    CHECK_EQ(denial.holder_count, 1);
    CHECK_STR_EQ(ruleset_subject_name(&set, denial.holders[0]), "shell");
    CHECK_STR_EQ(denial.file, "t.capnp");
    CHECK_EQ(denial.line, 80);
    CHECK_STR_EQ(denial.advice, "add `(name = \"log\", service = \"log\", control = true)` to `grants` of hello");
    explain("shell", RULESET_CONTROL, "registry");
    CHECK_EQ(denial.line, 100); // the grant, and not what may be looked up
    CHECK_STR_EQ(denial.advice, "add `control = true` to the entry");
    explain("hell", RULESET_SHARE, "console");
    CHECK_STR_EQ(denial.advice, "add `(name = \"console\", share = true)` to `resolve` of hell");
    explain("hello", RULESET_CONTROL, "supervisor");
    CHECK_STR_EQ(denial.advice, "add `(name = \"supervisor\", supervisor = void, control = true)` to `grants` of hello");
    CHECK_EQ(denial.holder_count, 0);
}

TEST(a_rule_that_denies_is_named) {
    open_policy();
    explain("hell", RULESET_USE, "log");
    CHECK_STR_EQ(denial.reason, "a rule denies it to hell for log");
    CHECK_EQ(denial.line, 301);
    CHECK(ruleset_revoke(&set, ask("shell", RULESET_USE, "*")));
    explain("shell", RULESET_USE, "console");
    CHECK_STR_EQ(denial.reason, "it was revoked for shell and * since the system started");
    CHECK_STR_EQ(denial.file, "");
    explain("nobody", RULESET_USE, "console");
    CHECK_STR_EQ(denial.reason, "no service or program of this system is called `nobody`");
    explain("hello", RULESET_USE, "nothing");
    CHECK_STR_EQ(denial.advice, "add `\"nothing\"` to `provides` of a service");
}

// ---- The audit ----

static void note(struct audit *audit, const char *subject, const char *object) {
    struct audit_entry entry = {.question = ask(subject, RULESET_USE, object)};
    const struct ruleset_decision decision = ruleset_decide(&set, entry.question);
    entry.allowed = decision.allowed;
    entry.by_rule = decision.rule != nullptr;
    entry.rule = decision.rule != nullptr ? *decision.rule : (struct ruleset_rule){};
    snprintf(entry.subject, sizeof entry.subject, "%s", subject);
    snprintf(entry.object, sizeof entry.object, "%s", object);
    audit_note(audit, &entry);
}

static const char *text_of(const struct logger_record *record, const char *name) {
    for (uint32_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return record->fields[i].text;
        }
    }
    return "";
}

static int64_t times_of(const struct logger_record *record) {
    for (uint32_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, "times") == 0) {
            return record->fields[i].integer;
        }
    }
    return 1;
}

static void check_next(struct audit *audit, enum log_kind kind, const char *expected, const char *line) {
    static struct audit_record record;
    const struct audit_entry *entry = audit_next(audit);
    REQUIRE(entry != nullptr);
    audit_record(&set, entry, &record);
    CHECK_EQ(record.record->kind, kind);
    CHECK_STR_EQ(record.record->text, expected);
    CHECK_STR_EQ(text_of(record.record, "who"), entry->subject);
    CHECK_STR_EQ(text_of(record.record, "attempted"), "use");
    CHECK_STR_EQ(text_of(record.record, "object"), entry->object);
    CHECK_STR_EQ(text_of(record.record, "line"), line);
    CHECK_EQ(times_of(record.record), (int64_t)entry->count);
    audit_done(audit);
}

TEST(the_audit_touches_no_more_memory_than_what_waited) {
    static struct audit audit;
    for (uint32_t i = 0; i < 3 * AUDIT_ENTRIES_MAX; i++) {
        note(&audit, "shell", "log");
        note(&audit, "hello", "log");
        audit_done(&audit);
        audit_done(&audit);
    }
    CHECK(audit.entries[1].count != 0);
    CHECK_EQ(audit.entries[2].count, 0);
    CHECK_EQ(audit.dropped, 0);
}

TEST(the_audit_keeps_order_and_counts_what_is_alike) {
    open_policy();
    static struct audit audit;
    note(&audit, "shell", "log");
    note(&audit, "hello.4", "log");
    note(&audit, "shell", "log");
    note(&audit, "hell", "log");
    CHECK(ruleset_revoke(&set, ask("shell", RULESET_USE, "log")));
    note(&audit, "shell", "log");
    check_next(&audit, LOG_KIND_REPORT, "shell may use log, by t.capnp:101", "t.capnp:101");
    check_next(&audit, LOG_KIND_DENIAL,
               "hello.4 may not use log: no grant, `resolve` or rule allows it; nobody may. To allow it, add "
               "`(name = \"log\", service = \"log\")` to `grants` of hello (t.capnp:80)",
               "t.capnp:80");
    check_next(&audit, LOG_KIND_DENIAL,
               "hell may not use log: a rule denies it to hell for log; nobody may. To allow it, take this rule away, or make it "
               "narrower (t.capnp:301)",
               "t.capnp:301");
    CHECK(ruleset_restore(&set, ask("shell", RULESET_USE, "log")));
    check_next(&audit, LOG_KIND_DENIAL, "shell may not use log: a revocation denied it, which it does no more; shell may", "");
    CHECK(audit_next(&audit) == nullptr);
    char name[24];
    for (size_t i = 0; i < AUDIT_ENTRIES_MAX + 5; i++) {
        snprintf(name, sizeof name, "x%zu", i);
        note(&audit, name, "log");
    }
    CHECK_EQ(audit.count, AUDIT_ENTRIES_MAX);
    CHECK_EQ(audit.dropped, 5);
    check_next(&audit, LOG_KIND_DENIAL,
               "x0 may not use log: no service or program of this system is called `x0`; shell may. To allow it, write a service or "
               "program `x0`",
               "");
}
