#include "lib/manifest/manifest.h"

#include <stdio.h>
#include <stdlib.h>

#include "abi/message.h"
#include "base/test.h"

static struct manifest manifest;
static struct manifest_error error;

static bool parse(const char *text) {
    // An exact copy, so that ASan sees every byte read beyond the end.
    size_t len = strlen(text);
    char *copy = malloc(len == 0 ? 1 : len);
    memcpy(copy, text, len);
    error = (struct manifest_error){};
    bool good = manifest_parse(copy, len, &manifest, &error);
    free(copy);
    return good;
}

static const char GOOD[] = "# a system\n"
                           "system tessera\n"
                           "include spin other\n"
                           "\n"
                           "service samgrd {\n"
                           "    memory 512K\n"
                           "    provides registry\n"
                           "}\n"
                           "service logd {   # the journal\n"
                           "    program  logd\n"
                           "    memory   1M\n"
                           "    stack    32K\n"
                           "    band     interactive\n"
                           "    restart  on-failure\n"
                           "    essential\n"
                           "    args     \"a\" \"two \\\"words\\\" \\\\ # no comment\" cmdline\n"
                           "    provides log journal\n"
                           "    grant    registry = service registry\n"
                           "    grant    com1 = ioport 0x3f8 8\n"
                           "    grant    line = interrupt 4\n"
                           "    grant    look = inspector\n"
                           "    grant    events = trace\n"
                           "    grant    boss = supervisor control\n"
                           "    grant    power = resource power\n"
                           "    grant    more = account 64K\n"
                           "    grant    text = file manual\n"
                           "    grant    again = file manual\n"
                           "    resolve  registry\n"
                           "}\n"
                           "program hello {\n"
                           "    memory 256K\n"
                           "    grant log = service log control\n"
                           "}\n";

TEST(good_manifest_is_read_whole) {
    bool good = parse(GOOD);
    CHECK_STR_EQ(error.text, "");
    REQUIRE(good);
    CHECK_STR_EQ(manifest.system, "tessera");
    CHECK_EQ(manifest.unit_count, 3);
    const struct manifest_unit *logd = manifest_find(&manifest, MANIFEST_SERVICE, "logd");
    REQUIRE(logd != nullptr);
    CHECK_EQ(logd->line, 9);
    CHECK_EQ(logd->memory_bytes, 1 << 20);
    CHECK_EQ(logd->stack_bytes, 32 * 1024);
    CHECK_EQ(logd->band, BAND_INTERACTIVE);
    CHECK_EQ(logd->restart, MANIFEST_RESTART_ON_FAILURE);
    CHECK_EQ(logd->args.count, 3);
    CHECK_STR_EQ(manifest.words[logd->args.first + 1], "two \"words\" \\ # no comment");
    CHECK(manifest.words[logd->args.first + 2] == manifest_cmdline);
    CHECK_EQ(logd->grant_count, 10);
    const struct manifest_grant *grants = &manifest.grants[logd->grant_first];
    CHECK_EQ(grants[1].first, 0x3f8);
    CHECK_EQ(grants[1].second, 8);
    CHECK_EQ(grants[1].line, 19);
    CHECK(logd->essential);
    CHECK(grants[5].control);
    CHECK(manifest_provider(&manifest, "journal") == logd);
    CHECK(manifest_provider(&manifest, "nothing") == nullptr);
    const struct manifest_unit *hello = manifest_find(&manifest, MANIFEST_PROGRAM, "hello");
    REQUIRE(hello != nullptr);
    CHECK_EQ(hello->band, BAND_NORMAL);
    CHECK_EQ(hello->stack_bytes, 0);
    CHECK(manifest_find(&manifest, MANIFEST_PROGRAM, "logd") == nullptr);
}

TEST(sources_read_as_in_the_manifest) {
    REQUIRE(parse(GOOD));
    static const char *const expected[] = {
        "service registry",   "ioport 0x3f8 8", "interrupt 4", "inspector", "trace",
        "supervisor control", "resource power", "account 64K", "file manual",
        "file manual",        "service log control",
    };
    for (size_t i = 0; i < manifest.grant_count; i++) {
        char source[56];
        manifest_grant_source(&manifest.grants[i], source, sizeof source);
        CHECK_STR_EQ(source, expected[i]);
    }
}

TEST(program_files_are_listed_once) {
    REQUIRE(parse(GOOD));
    static const char *const expected[] = {"samgrd", "logd", "hello", "spin", "other"};
    for (size_t i = 0; i < 5; i++) {
        CHECK_STR_EQ(manifest_program_file(&manifest, i), expected[i]);
    }
    CHECK(manifest_program_file(&manifest, 5) == nullptr);
    CHECK_STR_EQ(manifest_data_file(&manifest, 0), "manual");
    CHECK(manifest_data_file(&manifest, 1) == nullptr);
}

// In each: the text, the line of the mistake, and a part of what is said about it.
static const struct {
    const char *text;
    uint32_t line;
    const char *says;
} mistakes[] = {
    {"", 0, "the manifest is empty"},
    {"system a\n", 1, "there is no service"},
    {"service a {\n", 1, "`system NAME` is expected first"},
    {"system a\nsystem b\n", 2, "`system` stands twice"},
    {"system\n", 1, "`system NAME` is expected"},
    {"system A\n", 1, "is no name for a system"},
    {"system abcdefghijklmnopqrstuvwxyz\n", 1, "is too long for a name for a system"},
    {"system a\nfrob\n", 2, "unknown word `frob`"},
    {"system a\ninclude\n", 2, "at least one program"},
    {"system a\ninclude b b\n", 2, "`b` stands here twice"},
    {"system a\ninclude b\ninclude c\n", 3, "`include` stands twice"},
    {"system a\nservice b\n", 2, "`service NAME {` is expected"},
    {"system a\nservice b { memory 1M }\n", 2, "`service NAME {` is expected"},
    {"system a\nservice b {\n", 2, "the file ends inside `b`, begun in line 2"},
    {"system a\nservice b {\n}\n", 3, "`b` has no `memory` line"},
    {"system a\nservice b {\nmemory 1M\n} x\n", 4, "nothing is expected after `}`"},
    {"system a\nservice b {\nmemory 1M\n}\nprogram b {\n", 5, "the name `b` is taken by line 2"},
    {"system a\nservice b {\ncolour red\n", 3, "unknown field `colour`"},
    {"system a\nservice b {\nmemory 1M\nmemory 2M\n", 4, "`memory` stands twice in `b`"},
    {"system a\nservice b {\nmemory\n", 3, "exactly one word is expected after `memory`"},
    {"system a\nservice b {\nmemory much\n", 3, "`much` is no size"},
    {"system a\nservice b {\nmemory 1000\n", 3, "`1000` is no size"},
    {"system a\nservice b {\nmemory 99999999999G\n", 3, "is no size"},
    {"system a\nservice b {\nmemory M\n", 3, "`M` is no size"},
    {"system a\nservice b {\nmemory 4K\n", 3, "outside 64K"},
    {"system a\nservice b {\nstack 1M\n", 3, "outside 8K to 512K for `stack`"},
    {"system a\nservice b {\nband fast\n", 3, "`fast` is no band"},
    {"system a\nservice b {\nrestart maybe\n", 3, "`maybe` is no restart"},
    {"system a\nservice b {\nessential yes\n", 3, "nothing is expected after `essential`"},
    {"system a\nprogram b {\nessential\n", 3, "for services only"},
    {"system a\nprogram b {\nrestart always\n", 3, "for services only"},
    {"system a\nprogram b {\nprovides log\n", 3, "for services only"},
    {"system a\nservice b {\nargs plain\n", 3, "arguments are quoted texts"},
    {"system a\nservice b {\nargs \"open\n", 3, "no closing quote"},
    {"system a\nservice b {\nargs \"a\\n\"\n", 3, "after a backslash"},
    {"system a\nservice b {\nargs \"a\"\"b\" \"c\"d\n", 3, "after a quoted text white space is expected"},
    {"system a\nservice b {\nargs \"a\tb\"\n", 3, "a control character"},
    {"system a\nservice \xc3\xa4 {\n", 2, "neither printable ASCII nor white space"},
    {"system a\nservice b {\ngrant x\n", 3, "`grant NAME = WHAT` is expected"},
    {"system a\nservice b {\ngrant x y z\n", 3, "`grant NAME = WHAT` is expected"},
    {"system a\nservice b {\ngrant x = magic\n", 3, "`magic` cannot be granted"},
    {"system a\nservice b {\ngrant 9 = inspector\n", 3, "`9` is no name for a capability"},
    {"system a\nservice b {\ngrant x = inspector\ngrant x = inspector\n", 4,
     "granted twice, first in line 3"},
    {"system a\nservice b {\ngrant x = inspector now\n", 3, "`inspector` is expected"},
    {"system a\nservice b {\ngrant x = service\n", 3, "`service NAME [control]` is expected"},
    {"system a\nservice b {\ngrant x = service c all\n", 3, "only `control` may follow"},
    {"system a\nservice b {\ngrant x = file\n", 3, "`file NAME` is expected"},
    {"system a\nservice b {\ngrant x = file ../etc\n", 3, "`../etc` is no file"},
    {"system a\nservice b {\ngrant x = ioport 0x3f8\n", 3, "`ioport BASE COUNT` is expected"},
    {"system a\nservice b {\ngrant x = ioport 0x10000 1\n", 3, "`0x10000` is no port"},
    {"system a\nservice b {\ngrant x = ioport 0xffff 2\n", 3, "below 0x10000"},
    {"system a\nservice b {\ngrant x = ioport 1 0\n", 3, "at least one port"},
    {"system a\nservice b {\ngrant x = serial console\n", 3, "`serial console|spare registers|interrupt` is expected"},
    {"system a\nservice b {\ngrant x = serial second registers\n", 3, "`second registers` is no part"},
    {"system a\nservice b {\nmemory 1M\ngrant x = serial spare registers\ngrant y = serial spare registers\n}\n", 5,
     "the same part of a serial port"},
    {"system a\nservice b {\ngrant x = interrupt -4\n", 3, "`-4` is no interrupt line"},
    {"system a\nservice b {\ngrant x = resource sun\n", 3, "power, mint or all"},
    {"system a\nservice b {\ngrant x = account lots\n", 3, "`lots` is no size"},
    {"system a\nservice b {\nmemory 1M\ngrant x = service nobody\n}\n", 4, "no service provides `nobody`"},
    {"system a\nservice b {\nmemory 1M\nprovides c\ngrant x = service c\n}\n", 5, "what it provides itself"},
    {"system a\nservice b {\nmemory 1M\nprovides c\ngrant c = inspector\n}\n", 5,
     "receives what it provides"},
    {"system a\nservice b {\nmemory 1M\nprovides c c\n}\n", 4, "`c` stands here twice"},
    {"system a\nservice b {\nmemory 1M\nprovides c\n}\nservice d {\nmemory 1M\nprovides c\n}\n", 8,
     "`c` is provided by `b` already (line 2)"},
    {"system a\nservice b {\nmemory 1M\nprovides supervisor\n}\n", 4, "provided by init itself"},
    {"system a\nservice b {\nmemory 1M\nresolve nobody\n}\n", 4, "no service provides `nobody`"},
    {"system a\nservice b {\nmemory 1M\nprovides c\nresolve c\n}\n", 5, "is not granted the registry"},
    {"system a\nservice b {\nmemory 1M\ngrant x = ioport 1 8\ngrant y = ioport 8 1\n}\n", 5,
     "the same port is granted in line 4"},
    {"system a\nservice b {\nmemory 1M\ngrant x = interrupt 4\ngrant y = interrupt 4\n}\n", 5,
     "the same interrupt line is granted in line 4"},
};

TEST(each_mistake_is_told_with_its_line) {
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        bool good = parse(mistakes[i].text);
        if (good || error.line != mistakes[i].line || strstr(error.text, mistakes[i].says) == nullptr) {
            printf("manifest: %s\nsaid: %u: %s\n", mistakes[i].text, error.line, error.text);
        }
        CHECK(!good);
        CHECK_EQ(error.line, mistakes[i].line);
        CHECK(strstr(error.text, mistakes[i].says) != nullptr);
    }
}

static void add_line(char *text, const char *line) {
    strcat(text, line);
}

TEST(bounds_are_kept) {
    static char text[200'000];
    strcpy(text, "system a\n");
    for (size_t i = 0; i < MANIFEST_UNITS_MAX + 1; i++) {
        char line[64];
        snprintf(line, sizeof line, "service s%zu {\nmemory 1M\n}\n", i);
        add_line(text, line);
    }
    CHECK(!parse(text));
    CHECK(strstr(error.text, "more than 96 services") != nullptr);

    strcpy(text, "system a\nservice b {\nmemory 1M\n");
    for (size_t i = 0; i < MANIFEST_GRANTS_MAX + 1; i++) {
        char line[64];
        snprintf(line, sizeof line, "grant g%zu = inspector\n", i);
        add_line(text, line);
    }
    CHECK(!parse(text));
    CHECK(strstr(error.text, "more than 768 grants") != nullptr);

    strcpy(text, "system a\n");
    for (size_t i = 0; i < 600; i++) {
        add_line(text, "x");
    }
    CHECK(!parse(text));
    CHECK(strstr(error.text, "the line is too long") != nullptr);
    strcpy(text, "system a\nservice b {\nargs");
    for (size_t i = 0; i < 60; i++) {
        add_line(text, " \"x\"");
    }
    CHECK(!parse(text));
    CHECK(strstr(error.text, "the line is too long") != nullptr);
}

TEST(random_changes_are_survived) {
    uint64_t random = 0x2545'f491'4f6c'dd1d;
    for (size_t round = 0; round < 20'000; round++) {
        char text[sizeof GOOD];
        memcpy(text, GOOD, sizeof GOOD);
        for (size_t i = 0; i < 1 + round % 3; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            text[random % (sizeof GOOD - 1)] = (char)(1 + (random >> 32) % 255);
        }
        if (!parse(text)) {
            CHECK(error.text[0] != '\0');
            CHECK(strlen(error.text) < sizeof error.text);
        }
    }
}
