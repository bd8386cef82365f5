// Mistakes that can be written down are in tools/manifest/manifest_test.py, which also knows the line of each. Here is what
// only a damaged or hostile message says.
#include "lib/manifest/manifest.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "lib/capnp/canonical.h"

constexpr size_t WORDS = 1 << 16;

static struct manifest manifest;
static struct manifest_error error;
static struct capnp_builder builder;
static uint64_t memory[WORDS], canonical[WORDS];

static struct manifest_system_builder begin(void) {
    memset(memory, 0, sizeof memory);
    capnp_builder_init(&builder, memory, WORDS);
    struct manifest_system_builder system = manifest_system_init_root(&builder);
    manifest_system_set_name(system, CAPNP_TEXT("tessera"));
    struct capnp_text_list_builder sources = manifest_system_init_sources(system, 2);
    capnp_text_list_set(sources, 0, CAPNP_TEXT("system/tessera.capnp"));
    capnp_text_list_set(sources, 1, CAPNP_TEXT("system/common.capnp"));
    return system;
}

// Of an exact copy, so that the sanitizer sees every byte read beyond the end. It stays as long as the manifest is looked at.
static bool open_words(const uint64_t *words, size_t count) {
    static uint64_t *copy;
    free(copy);
    copy = malloc(count == 0 ? 1 : count * sizeof *copy);
    memcpy(copy, words, count * sizeof *copy);
    return manifest_open(copy, count * sizeof *copy, &manifest, &error);
}

static bool open_system(struct manifest_system_builder system) {
    uint32_t used = 0;
    CHECK(status_ok(capnp_canonicalise(manifest_system_read(system).s, canonical, WORDS, &used)));
    CHECK(status_ok(capnp_builder_status(&builder)));
    return open_words(canonical, used);
}

static void put_names(struct capnp_text_list_builder list, const char *const *names) {
    for (uint32_t i = 0; i < capnp_text_list_builder_count(list); i++) {
        capnp_text_list_set(list, i, capnp_text(names[i]));
    }
}

static struct manifest_grant_builder put_grant(struct manifest_grant_list_builder list, uint32_t index, const char *name) {
    const struct manifest_grant_builder grant = manifest_grant_list_edit(list, index);
    manifest_grant_set_name(grant, capnp_text(name));
    manifest_grant_set_line(grant, 100 + index);
    return grant;
}

static void put_logd(struct manifest_service_builder service) {
    manifest_service_set_name(service, CAPNP_TEXT("logd"));
    manifest_service_set_line(service, 9);
    manifest_service_set_source(service, 1);
    manifest_service_set_memory_kib(service, 1024);
    manifest_service_set_stack_kib(service, 32);
    manifest_service_set_band(service, MANIFEST_BAND_INTERACTIVE);
    manifest_service_set_restart(service, MANIFEST_RESTART_ON_FAILURE);
    manifest_service_set_essential(service, true);
    manifest_service_set_mints(service, true);
    put_names(manifest_service_init_provides(service, 2), (const char *[]){"log", "journal"});
    manifest_resolve_set_name(manifest_resolve_list_edit(manifest_service_init_resolve(service, 1), 0), CAPNP_TEXT("registry"));
    const struct manifest_argument_list_builder args = manifest_service_init_args(service, 2);
    manifest_argument_set_text(manifest_argument_list_edit(args, 0), CAPNP_TEXT("two \"words\""));
    manifest_argument_set_boot_command_line(manifest_argument_list_edit(args, 1));
    const struct manifest_grant_list_builder grants = manifest_service_init_grants(service, 17);
    manifest_grant_set_service(put_grant(grants, 0, "registry"), CAPNP_TEXT("registry"));
    const struct manifest_grant_ioport_builder ports = manifest_grant_init_ioport(put_grant(grants, 1, "com1"));
    manifest_grant_ioport_set_base(ports, 0x3f8);
    manifest_grant_ioport_set_count(ports, 8);
    manifest_grant_set_interrupt(put_grant(grants, 2, "line"), 4);
    manifest_grant_set_inspector(put_grant(grants, 3, "look"));
    manifest_grant_set_trace(put_grant(grants, 4, "events"));
    manifest_grant_set_supervisor(put_grant(grants, 5, "boss"));
    manifest_grant_set_control(manifest_grant_list_edit(grants, 5), true);
    manifest_grant_set_resource(put_grant(grants, 6, "power"), MANIFEST_RESOURCE_POWER);
    manifest_grant_set_account_kib(put_grant(grants, 7, "more"), 64);
    manifest_grant_set_file(put_grant(grants, 8, "text"), CAPNP_TEXT("manual"));
    manifest_grant_set_file(put_grant(grants, 9, "again"), CAPNP_TEXT("manual"));
    manifest_grant_set_notification(put_grant(grants, 10, "bell"));
    manifest_grant_set_boot_package(put_grant(grants, 11, "package"));
    manifest_grant_set_roster(put_grant(grants, 13, "names"));
    const struct manifest_grant_serial_builder serial = manifest_grant_init_serial(put_grant(grants, 12, "uart"));
    manifest_grant_serial_set_port(serial, MANIFEST_SERIAL_PORT_SPARE);
    manifest_grant_serial_set_part(serial, MANIFEST_SERIAL_PART_INTERRUPT);
    manifest_grant_set_programs(put_grant(grants, 14, "programs"));
    manifest_grant_set_keep_kib(put_grant(grants, 15, "state"), 16);
    manifest_grant_set_crashes(put_grant(grants, 16, "crashes"));
}

// Two services, of which the second uses everything, and a program.
static struct manifest_system_builder good(void) {
    const struct manifest_system_builder system = begin();
    put_names(manifest_system_init_include(system, 2), (const char *[]){"spin", "other"});
    const struct manifest_service_list_builder services = manifest_system_init_services(system, 2);
    const struct manifest_service_builder samgrd = manifest_service_list_edit(services, 0);
    manifest_service_set_name(samgrd, CAPNP_TEXT("samgrd"));
    manifest_service_set_memory_kib(samgrd, 512);
    put_names(manifest_service_init_provides(samgrd, 1), (const char *[]){"registry"});
    put_logd(manifest_service_list_edit(services, 1));
    const struct manifest_program_builder hello =
        manifest_program_list_edit(manifest_system_init_programs(system, 1), 0);
    manifest_program_set_name(hello, CAPNP_TEXT("hello"));
    manifest_program_set_program(hello, CAPNP_TEXT("greet"));
    manifest_program_set_memory_kib(hello, 256);
    manifest_grant_set_service(put_grant(manifest_program_init_grants(hello, 1), 0, "log"), CAPNP_TEXT("log"));
    manifest_grant_set_control(manifest_grant_list_edit(manifest_program_edit_grants(hello), 0), true);
    return system;
}

TEST(a_good_one_is_read_whole) {
    bool opened = open_system(good());
    CHECK_STR_EQ(error.text, "");
    REQUIRE(opened);
    CHECK_STR_EQ(manifest.name, "tessera");
    CHECK_EQ(manifest.unit_count, 3);
    const struct manifest_unit *logd = manifest_find(&manifest, MANIFEST_SERVICE, "logd");
    REQUIRE(logd != nullptr);
    CHECK_EQ(logd->line, 9);
    CHECK_STR_EQ(logd->source, "system/common.capnp");
    CHECK_STR_EQ(logd->program, "logd");
    CHECK_EQ(logd->memory_bytes, 1 << 20);
    CHECK_EQ(logd->stack_bytes, 32 * 1024);
    CHECK_EQ(logd->band, MANIFEST_BAND_INTERACTIVE);
    CHECK_EQ(logd->restart, MANIFEST_RESTART_ON_FAILURE);
    CHECK(logd->essential && logd->mints);
    REQUIRE(manifest_argument_list_count(logd->args) == 2);
    CHECK_STR_EQ(manifest_argument_word(logd, 0), "two \"words\"");
    CHECK(manifest_argument_word(logd, 1) == manifest_boot_command_line);
    CHECK(manifest_provider(&manifest, "journal") == logd);
    CHECK(manifest_provider(&manifest, "nothing") == nullptr);
    const struct manifest_unit *hello = manifest_find(&manifest, MANIFEST_PROGRAM, "hello");
    REQUIRE(hello != nullptr);
    CHECK_STR_EQ(hello->program, "greet");
    CHECK_EQ(hello->band, MANIFEST_BAND_NORMAL);
    CHECK_EQ(hello->stack_bytes, 0);
    CHECK(manifest_find(&manifest, MANIFEST_PROGRAM, "logd") == nullptr);
    CHECK_EQ(manifest_find(&manifest, MANIFEST_SERVICE, "samgrd")->restart, MANIFEST_RESTART_ALWAYS);
}

TEST(it_is_read_as_often_as_one_likes) {
    REQUIRE(open_system(good()));
    for (size_t i = 0; i < 10'000; i++) {
        CHECK(manifest_provider(&manifest, "journal") != nullptr);
    }
    CHECK(status_ok(capnp_status(&manifest.message)));
}

TEST(grants_are_told_in_words) {
    REQUIRE(open_system(good()));
    static const char *const expected[] = {
        "service registry", "ioport 0x3f8 8", "interrupt 4",    "inspector",   "trace",
        "supervisor control", "resource power", "account 64 KiB", "file manual", "file manual",
        "notification",     "boot package",   "serial spare interrupt", "roster", "programs",
        "keep 16 KiB",
        "crashes",
    };
    const struct manifest_grant_list grants = manifest.units[1].grants;
    REQUIRE(manifest_grant_list_count(grants) == sizeof expected / sizeof expected[0]);
    for (uint32_t i = 0; i < manifest_grant_list_count(grants); i++) {
        char text[56];
        manifest_grant_text(manifest_grant_list_get(grants, i), text, sizeof text);
        CHECK_STR_EQ(text, expected[i]);
        CHECK_EQ(manifest_grant_get_line(manifest_grant_list_get(grants, i)), 100 + i);
    }
}

TEST(what_is_packed_is_listed_once) {
    REQUIRE(open_system(good()));
    static const char *const expected[] = {"samgrd", "logd", "greet", "spin", "other"};
    for (size_t i = 0; i < 5; i++) {
        CHECK_STR_EQ(manifest_packed_program(&manifest, i), expected[i]);
    }
    CHECK(manifest_packed_program(&manifest, 5) == nullptr);
    CHECK_STR_EQ(manifest_packed_file(&manifest, 0), "manual");
    CHECK(manifest_packed_file(&manifest, 1) == nullptr);
}

static void check_refused(bool opened, const char *where, const char *says) {
    CHECK(!opened);
    CHECK_STR_EQ(error.where, where);
    CHECK(strstr(error.text, says) != nullptr);
    if (strstr(error.text, says) == nullptr) {
        printf("manifest: said: %s\n", error.text);
    }
}

TEST(a_mistake_is_told_with_the_line_around_it) {
    const struct manifest_system_builder system = good();
    const struct manifest_service_builder logd = manifest_service_list_edit(manifest_system_edit_services(system), 1);
    const struct manifest_grant_builder grant = manifest_grant_list_edit(manifest_service_edit_grants(logd), 8);
    manifest_grant_set_service(grant, CAPNP_TEXT("nobody"));
    check_refused(open_system(system), "services[1].grants[8].service", "no service provides `nobody`");
    CHECK_EQ(error.line, 108);
    CHECK_STR_EQ(error.source, "system/tessera.capnp");
    manifest_service_set_stack_kib(logd, 3);
    check_refused(open_system(system), "services[1].stackKib", "3 KiB is outside 8 to 512");
    CHECK_EQ(error.line, 9);
    CHECK_STR_EQ(error.source, "system/common.capnp");
}

TEST(what_a_later_schema_may_say_is_refused) {
    struct manifest_system_builder system = good();
    struct manifest_service_builder logd = manifest_service_list_edit(manifest_system_edit_services(system), 1);
    manifest_service_set_band(logd, (enum manifest_band)4);
    check_refused(open_system(system), "services[1].band", "no such band");
    manifest_service_set_band(logd, MANIFEST_BAND_NORMAL);
    manifest_service_set_restart(logd, (enum manifest_restart)3);
    check_refused(open_system(system), "services[1].restart", "no such restart policy");
    manifest_service_set_restart(logd, MANIFEST_RESTART_NEVER);
    capnp_put_u16(manifest_argument_list_edit(manifest_service_edit_args(logd), 0).s, 0, 2);
    check_refused(open_system(system), "services[1].args[0]", "no such argument");
    system = good();
    logd = manifest_service_list_edit(manifest_system_edit_services(system), 1);
    const struct manifest_grant_list_builder grants = manifest_service_edit_grants(logd);
    manifest_grant_set_resource(manifest_grant_list_edit(grants, 6), (enum manifest_resource)3);
    check_refused(open_system(system), "services[1].grants[6].resource", "no such part");
    capnp_put_u16(manifest_grant_list_edit(grants, 3).s, 8, 99);
    check_refused(open_system(system), "services[1].grants[3]", "of a kind that this system does not know (99)");
    manifest_grant_serial_set_part(manifest_grant_init_serial(manifest_grant_list_edit(grants, 2)),
                                   (enum manifest_serial_part)2);
    check_refused(open_system(system), "services[1].grants[2].serial", "no such part of a serial port");
}

TEST(names_with_a_nul_are_none) {
    static const struct capnp_text hidden = {"log\0d", 5};
    struct manifest_system_builder system = good();
    struct manifest_service_builder logd = manifest_service_list_edit(manifest_system_edit_services(system), 1);
    manifest_service_set_name(logd, hidden);
    check_refused(open_system(system), "services[1].name", "the name is missing");
    manifest_service_set_name(logd, CAPNP_TEXT("logd"));
    manifest_service_set_program(logd, hidden);
    check_refused(open_system(system), "services[1].program", "the program is missing");
    manifest_service_set_program(logd, CAPNP_TEXT("\x1b[2J"));
    check_refused(open_system(system), "services[1].program", "`?` is no program");
    manifest_service_set_program(logd, CAPNP_TEXT(""));
    manifest_argument_set_text(manifest_argument_list_edit(manifest_service_edit_args(logd), 0), hidden);
    check_refused(open_system(system), "services[1].args[0]", "a control character");
    system = good();
    capnp_text_list_set(manifest_system_edit_sources(system), 1, hidden);
    check_refused(open_system(system), "sources[1]", "no name of a file");
    // A line of a file that is not listed is one of no file.
    system = good();
    manifest_service_set_source(manifest_service_list_edit(manifest_system_edit_services(system), 1), 2);
    REQUIRE(open_system(system));
    CHECK_STR_EQ(manifest.units[1].source, "");
}

TEST(bounds_are_kept) {
    struct manifest_system_builder system = begin();
    char name[24];
    struct manifest_service_list_builder services = manifest_system_init_services(system, MANIFEST_UNITS_MAX);
    for (uint32_t i = 0; i < MANIFEST_UNITS_MAX; i++) {
        snprintf(name, sizeof name, "s%u", i);
        manifest_service_set_name(manifest_service_list_edit(services, i), capnp_text(name));
        manifest_service_set_memory_kib(manifest_service_list_edit(services, i), 64);
    }
    CHECK(open_system(system));
    (void)manifest_system_init_programs(system, 1);
    check_refused(open_system(system), "programs", "more than 96 services");
    manifest_system_clear_programs(system);
    for (uint32_t i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "p%u", i);
        put_names(manifest_service_init_provides(manifest_service_list_edit(services, i), 1), (const char *[]){name});
    }
    check_refused(open_system(system), "services[63].provides", "more than 63 names");
    manifest_service_clear_provides(manifest_service_list_edit(services, 63));
    CHECK(open_system(system));
    for (uint32_t i = 0; i < 13; i++) {
        const struct manifest_grant_list_builder grants =
            manifest_service_init_grants(manifest_service_list_edit(services, i), 60);
        for (uint32_t j = 0; j < 60; j++) {
            snprintf(name, sizeof name, "g%u", j);
            manifest_grant_set_inspector(put_grant(grants, j, name));
        }
    }
    check_refused(open_system(system), "services[12].grants", "more than 768 grants");

    system = good();
    const struct manifest_service_builder logd = manifest_service_list_edit(manifest_system_edit_services(system), 1);
    (void)manifest_service_init_args(logd, MANIFEST_ARGUMENTS_MAX + 1);
    check_refused(open_system(system), "services[1].args", "more than 31 arguments");
    manifest_service_clear_args(logd);
    (void)manifest_service_init_grants(logd, 126);
    check_refused(open_system(system), "services[1].grants", "more than 127 capabilities");
}

TEST(what_is_no_message_is_refused) {
    static const uint64_t lonely[2] = {0, 0};
    CHECK(!open_words(lonely, 0));
    CHECK(!open_words(lonely, 1));
    CHECK(!open_words(lonely, 2));
    check_refused(manifest_open(lonely, 7, &manifest, &error), "", "no message in canonical form");
    REQUIRE(open_system(good()));
    const size_t count = manifest.message.single.count;
    for (size_t i = 0; i < count; i++) {
        CHECK(!open_words(canonical, i));
    }
}

// Whatever a list says of its length: what is counted is there, or takes no longer to refuse.
TEST(lists_of_nothing_are_refused_at_once) {
    for (size_t list = 1; list < 4; list++) {
        const struct manifest_system_builder system = good();
        capnp_clear(capnp_edit_pointer(system.s, (uint32_t)list));
        (void)capnp_init_struct_list(capnp_edit_pointer(system.s, (uint32_t)list), 0, 0, (1 << 29) - 1);
        CHECK(!open_system(system));
    }
}

TEST(random_changes_are_survived) {
    uint64_t random = 0x2545'f491'4f6c'dd1d;
    REQUIRE(open_system(good()));
    const size_t count = manifest.message.single.count;
    size_t opened = 0;
    for (size_t round = 0; round < 20'000; round++) {
        uint64_t words[512];
        REQUIRE(count <= 512);
        memcpy(words, canonical, count * sizeof *words);
        for (size_t i = 0; i < 1 + round % 3; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            words[random % count] ^= 1ull << (random >> 32) % 64;
        }
        if (open_words(words, count)) {
            opened++;
            for (size_t i = 0; manifest_packed_program(&manifest, i) != nullptr; i++) {
            }
        } else {
            CHECK(error.text[0] != '\0');
            CHECK(strlen(error.text) < sizeof error.text);
        }
    }
    CHECK(opened > 0 && opened < 20'000);
}

static struct manifest_program_builder put_program(struct manifest_system_builder system, uint32_t index, const char *name) {
    const struct manifest_program_builder program = manifest_program_list_edit(manifest_system_edit_programs(system), index);
    manifest_program_set_name(program, capnp_text(name));
    manifest_program_set_memory_kib(program, 256);
    return program;
}

TEST(what_programs_are_lent_is_named_once) {
    const struct manifest_system_builder system = good();
    (void)manifest_system_init_programs(system, 2);
    const struct manifest_grant_list_builder first = manifest_program_init_grants(put_program(system, 0, "one"), 5);
    manifest_grant_set_service(put_grant(first, 0, "log"), CAPNP_TEXT("log"));
    manifest_grant_set_service(put_grant(first, 1, "same"), CAPNP_TEXT("log"));
    manifest_grant_set_notification(put_grant(first, 2, "bell")); // made anew
    manifest_grant_set_account_kib(put_grant(first, 3, "more"), 64);
    manifest_grant_set_inspector(put_grant(first, 4, "look"));
    const struct manifest_grant_list_builder second = manifest_program_init_grants(put_program(system, 1, "two"), 4);
    manifest_grant_set_inspector(put_grant(second, 0, "eye"));
    manifest_grant_set_service(put_grant(second, 1, "log"), CAPNP_TEXT("log"));
    manifest_grant_set_control(manifest_grant_list_edit(second, 1), true);
    manifest_grant_set_service(put_grant(second, 2, "names"), CAPNP_TEXT("registry"));
    manifest_grant_set_resource(put_grant(second, 3, "power"), MANIFEST_RESOURCE_POWER);
    REQUIRE(open_system(system));
    static const char *const expected[] = {"service log", "inspector", "service registry", "resource power"};
    struct manifest_grant lent;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char text[56];
        REQUIRE(manifest_lent(&manifest, i, &lent));
        manifest_grant_text(lent, text, sizeof text);
        CHECK_STR_EQ(text, expected[i]);
    }
    CHECK(!manifest_lent(&manifest, sizeof expected / sizeof expected[0], &lent));
}

TEST(one_service_runs_programs) {
    struct manifest_system_builder system = good();
    const struct manifest_service_builder samgrd = manifest_service_list_edit(manifest_system_edit_services(system), 0);
    const struct manifest_grant_list_builder grants = manifest_service_init_grants(samgrd, 1);
    manifest_grant_set_programs(put_grant(grants, 0, "programs"));
    check_refused(open_system(system), "services[1].grants[14]", "`samgrd` runs the programs already");
    manifest_grant_set_programs(put_grant(grants, 0, "other"));
    check_refused(open_system(system), "services[0].grants[0].name", "`other` is to be called `programs`");
    manifest_grant_set_inspector(put_grant(grants, 0, "other"));
    CHECK(open_system(system));
    (void)manifest_system_init_programs(system, 1);
    const struct manifest_grant_list_builder of_program = manifest_program_init_grants(put_program(system, 0, "one"), 1);
    manifest_grant_set_programs(put_grant(of_program, 0, "programs"));
    check_refused(open_system(system), "programs[0].grants[0]", "only a service runs programs");
    manifest_grant_set_interrupt(put_grant(of_program, 0, "line"), 9);
    check_refused(open_system(system), "programs[0].grants[0]", "grant it to a service");
}
