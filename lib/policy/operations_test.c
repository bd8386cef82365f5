#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "lib/capnp/canonical.h"
#include "lib/policy/audit.h"
#include "lib/policy/operations.h"

constexpr size_t WORDS = 1 << 12;

static uint64_t memory[WORDS], canonical[WORDS];
static struct manifest manifest;

// "run" for users, "look" for guests, "power" for administrators and whoever is there when nobody can log in.
static void open_manifest(void) {
    static const struct {
        const char *name;
        enum manifest_role role;
        bool without_login;
    } named[] = {{"run", MANIFEST_ROLE_USER, false}, {"look", MANIFEST_ROLE_GUEST, false}, {"power", MANIFEST_ROLE_ADMINISTRATOR, true}};
    struct capnp_builder builder;
    capnp_builder_init(&builder, memory, WORDS);
    const struct manifest_system_builder system = manifest_system_init_root(&builder);
    manifest_system_set_name(system, CAPNP_TEXT("test"));
    capnp_text_list_set(manifest_system_init_sources(system, 1), 0, CAPNP_TEXT("t.capnp"));
    const struct manifest_service_builder service = manifest_service_list_edit(manifest_system_init_services(system, 1), 0);
    manifest_service_set_name(service, CAPNP_TEXT("shell"));
    manifest_service_set_memory_kib(service, 64);
    const struct manifest_operation_list_builder operations = manifest_system_init_operations(system, 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct manifest_operation_builder to = manifest_operation_list_edit(operations, i);
        manifest_operation_set_name(to, capnp_text(named[i].name));
        manifest_operation_set_role(to, named[i].role);
        manifest_operation_set_without_login(to, named[i].without_login);
        manifest_operation_set_line(to, 10 + i);
    }
    uint32_t used = 0;
    struct manifest_error error;
    REQUIRE(status_ok(capnp_canonicalise(manifest_system_read(system).s, canonical, WORDS, &used)));
    REQUIRE(manifest_open(canonical, used * sizeof *canonical, &manifest, &error));
}

static struct operations_person person(enum manifest_role role) {
    struct operations_person who = {.answered = true, .is_there = true, .role = role};
    snprintf(who.name, sizeof who.name, "bert");
    return who;
}

static bool may(const char *operation, struct operations_person who) {
    return operations_decide(&manifest, operation, &who).allowed;
}

TEST(a_role_is_enough_or_it_is_not) {
    static const char *const operations[] = {"look", "run", "power"};
    open_manifest();
    for (uint32_t role = MANIFEST_ROLE_GUEST; role <= MANIFEST_ROLE_ADMINISTRATOR; role++) {
        for (uint32_t least = 0; least < 3; least++) {
            CHECK_EQ(may(operations[least], person((enum manifest_role)role)), role >= least);
        }
    }
}

// All that may be known of somebody: what is not named nobody may, and nothing is allowed because something is not known.
TEST(every_case_is_denied_or_has_its_reason) {
    open_manifest();
    for (uint32_t bits = 0; bits < 32; bits++) {
        for (uint32_t role = 0; role < 3; role++) {
            const struct operations_person who = {.is_there = (bits & 1) != 0, .locked = (bits & 2) != 0, .answered = (bits & 4) != 0,
                                                  .unclaimed = (bits & 8) != 0, .lost = (bits & 16) != 0, .role = (enum manifest_role)role};
            const bool nobody_can_log_in = !who.answered || who.lost;
            CHECK(!may("fly", who));
            CHECK(!may("", who));
            CHECK(!may("run", who) || (who.answered && (who.unclaimed || (who.is_there && role >= MANIFEST_ROLE_USER))));
            CHECK(!nobody_can_log_in || may("power", who));
            CHECK(nobody_can_log_in || who.unclaimed || may("power", who) == (who.is_there && role == MANIFEST_ROLE_ADMINISTRATOR));
        }
    }
}

static void check_denial(const char *operation, struct operations_person who, const char *expected) {
    char reason[OPERATIONS_REASON_BYTES], text[DENIAL_TEXT_BYTES];
    struct denial denial;
    const struct operations_decision decision = operations_decide(&manifest, operation, &who);
    CHECK(!decision.allowed);
    operations_as_denial(&manifest, &decision, operation, &who, reason, &denial);
    CHECK_STR_EQ(denial_sentence(&denial, text), expected);
}

TEST(a_denial_names_the_line) {
    open_manifest();
    check_denial("power", person(MANIFEST_ROLE_USER),
                 "bert may not perform power: the role is user (`su NAME` becomes somebody else); an administrator may. To allow it, lower "
                 "the `role` of the operation (t.capnp:12)");
    check_denial("run", (struct operations_person){.answered = true},
                 "who is there may not perform run: nobody is logged in; somebody with an account may. To allow it, log in "
                 "(t.capnp:10)");
    check_denial("run", (struct operations_person){},
                 "who is there may not perform run: identityd does not say who is there; somebody with an account may "
                 "(t.capnp:10)");
    check_denial("fly", person(MANIFEST_ROLE_ADMINISTRATOR),
                 "bert may not perform fly: the manifest has no operation of that name; nobody may. To allow it, name it among the "
                 "`operations` of the system");
}

static const char *field_of(const struct logger_record *record, const char *name) {
    for (uint32_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return record->fields[i].text;
        }
    }
    return "(none)";
}

TEST(both_answers_are_audited) {
    static struct ruleset set;
    static struct audit audit;
    static struct audit_record record;
    open_manifest();
    ruleset_init(&set, &manifest);
    for (uint32_t i = 0; i < 2; i++) {
        struct audit_entry entry = {.is_operation = true, .subject = "shell", .object = "run",
                                    .person = person(i == 0 ? MANIFEST_ROLE_GUEST : MANIFEST_ROLE_USER)};
        entry.allowed = operations_decide(&manifest, "run", &entry.person).allowed;
        audit_note(&audit, &entry);
        audit_note(&audit, &entry);
        CHECK_EQ(audit_next(&audit)->count, 2);
        audit_record(&set, audit_next(&audit), &record);
        CHECK_EQ(record.record->kind, i == 0 ? LOG_KIND_DENIAL : LOG_KIND_REPORT);
        CHECK_EQ(strncmp(record.record->text, i == 0 ? "bert may not perform run: the role is guest" : "bert may perform run, by t.capnp:10", 32), 0);
        CHECK_STR_EQ(field_of(record.record, "who"), "bert");
        CHECK_STR_EQ(field_of(record.record, "line"), "t.capnp:10");
        CHECK_STR_EQ(field_of(record.record, "through"), "shell");
        CHECK_EQ(record.record->count, 7); // as many as a record has
        audit_done(&audit);
    }
    // Of what nobody may there is no role, and still somebody asked.
    struct audit_entry entry = {.is_operation = true, .subject = "shell", .object = "fly", .person = person(MANIFEST_ROLE_ADMINISTRATOR)};
    audit_note(&audit, &entry);
    audit_record(&set, audit_next(&audit), &record);
    CHECK_EQ(record.record->kind, LOG_KIND_DENIAL);
    CHECK_STR_EQ(field_of(record.record, "through"), "shell");
}
