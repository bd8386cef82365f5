// grant NAME = WHAT
#include "base/fmt.h"
#include "base/str.h"
#include "lib/manifest/parse.h"

constexpr size_t WHAT_AT = 3; // grant NAME = WHAT

static const char *const kind_names[MANIFEST_GRANT_KIND_COUNT] = {
    [MANIFEST_GRANT_SERVICE] = "service",     [MANIFEST_GRANT_SUPERVISOR] = "supervisor",
    [MANIFEST_GRANT_INSPECTOR] = "inspector", [MANIFEST_GRANT_TRACE] = "trace",
    [MANIFEST_GRANT_NOTIFICATION] = "notification",
    [MANIFEST_GRANT_ENDPOINT] = "endpoint",   [MANIFEST_GRANT_IOPORT] = "ioport",
    [MANIFEST_GRANT_INTERRUPT] = "interrupt", [MANIFEST_GRANT_RESOURCE] = "resource",
    [MANIFEST_GRANT_ACCOUNT] = "account",     [MANIFEST_GRANT_BOOT_PACKAGE] = "boot_package",
    [MANIFEST_GRANT_SERIAL] = "serial",       [MANIFEST_GRANT_FILE] = "file",
};

static const char *const resource_names[] = {
    [MANIFEST_RESOURCE_POWER] = "power",
    [MANIFEST_RESOURCE_MINT] = "mint",
    [MANIFEST_RESOURCE_ALL] = "all",
};

static const char *const serial_names[] = {
    [MANIFEST_SERIAL_CONSOLE] = "console",
    [MANIFEST_SERIAL_SPARE] = "spare",
};

static const char *const serial_part_names[] = {
    [MANIFEST_SERIAL_REGISTERS] = "registers",
    [MANIFEST_SERIAL_INTERRUPT] = "interrupt",
};

static bool parse_number(struct parser *parser, const struct lex_word *word, const char *what, uint64_t max,
                         uint64_t *out) {
    if (word->quoted || !str_parse_u64(word->text, strlen(word->text), out) || *out > max) {
        return parse_fail(parser, "`%s` is no %s: a number from 0 to %lu is expected, decimal or with 0x",
                          word->text, what, max);
    }
    return true;
}

static bool parse_control(struct parser *parser, size_t at, struct manifest_grant *grant) {
    if (parser->words.count == at) {
        return true;
    }
    if (!str_equal(parser->words.words[at].text, "control")) {
        return parse_fail(parser, "`%s` is not expected here; only `control` may follow",
                          parser->words.words[at].text);
    }
    grant->control = true;
    return true;
}

static bool parse_resource(struct parser *parser, const struct lex_word *word, struct manifest_grant *grant) {
    for (uint64_t i = MANIFEST_RESOURCE_POWER; i <= MANIFEST_RESOURCE_ALL; i++) {
        if (str_equal(word->text, resource_names[i])) {
            grant->first = i;
            return true;
        }
    }
    return parse_fail(parser, "`%s` is no part of the machine's resource: power, mint or all is expected",
                      word->text);
}

static bool parse_serial(struct parser *parser, const struct lex_word words[2], struct manifest_grant *grant) {
    for (uint64_t i = 0; i < 4; i++) {
        if (str_equal(words[0].text, serial_names[i / 2]) && str_equal(words[1].text, serial_part_names[i % 2])) {
            grant->first = i / 2;
            grant->second = i % 2;
            return true;
        }
    }
    return parse_fail(parser, "`%s %s` is no part of a serial port: console or spare is expected, then registers or "
                              "interrupt", words[0].text, words[1].text);
}

// Words after the kind: fewest, most.
static const uint8_t argument_counts[MANIFEST_GRANT_KIND_COUNT][2] = {
    [MANIFEST_GRANT_SERVICE] = {1, 2},  [MANIFEST_GRANT_SUPERVISOR] = {0, 1},
    [MANIFEST_GRANT_IOPORT] = {2, 2},   [MANIFEST_GRANT_INTERRUPT] = {1, 1},
    [MANIFEST_GRANT_RESOURCE] = {1, 1}, [MANIFEST_GRANT_ACCOUNT] = {1, 1},
    [MANIFEST_GRANT_SERIAL] = {2, 2},   [MANIFEST_GRANT_FILE] = {1, 1},
};
static const char *const argument_texts[MANIFEST_GRANT_KIND_COUNT] = {
    [MANIFEST_GRANT_SERVICE] = " NAME [control]",  [MANIFEST_GRANT_SUPERVISOR] = " [control]",
    [MANIFEST_GRANT_IOPORT] = " BASE COUNT",       [MANIFEST_GRANT_INTERRUPT] = " LINE",
    [MANIFEST_GRANT_RESOURCE] = " power|mint|all", [MANIFEST_GRANT_ACCOUNT] = " SIZE",
    [MANIFEST_GRANT_SERIAL] = " console|spare registers|interrupt", [MANIFEST_GRANT_FILE] = " NAME",
};

static bool parse_arguments(struct parser *parser, struct manifest_grant *grant) {
    const struct lex_word *words = &parser->words.words[WHAT_AT + 1];
    size_t count = parser->words.count - WHAT_AT - 1;
    if (count < argument_counts[grant->kind][0] || count > argument_counts[grant->kind][1]) {
        const char *arguments = argument_texts[grant->kind];
        return parse_fail(parser, "`%s%s` is expected", kind_names[grant->kind],
                          arguments != nullptr ? arguments : "");
    }
    switch (grant->kind) {
    case MANIFEST_GRANT_SERVICE:
        return parse_name(parser, &words[0], "what a service provides", grant->target) &&
               parse_control(parser, WHAT_AT + 2, grant);
    case MANIFEST_GRANT_FILE: return parse_name(parser, &words[0], "file", grant->target);
    case MANIFEST_GRANT_SUPERVISOR: return parse_control(parser, WHAT_AT + 1, grant);
    case MANIFEST_GRANT_IOPORT:
        if (!parse_number(parser, &words[0], "port", 0xffff, &grant->first) ||
            !parse_number(parser, &words[1], "number of ports", 0x1'0000, &grant->second)) {
            return false;
        }
        return (grant->second > 0 && grant->first + grant->second <= 0x1'0000) ||
               parse_fail(parser,
                          "ports %#lx to %#lx: a range of at least one port below 0x10000 is expected",
                          grant->first, grant->first + grant->second);
    case MANIFEST_GRANT_INTERRUPT:
        return parse_number(parser, &words[0], "interrupt line", 255, &grant->first);
    case MANIFEST_GRANT_SERIAL: return parse_serial(parser, words, grant);
    case MANIFEST_GRANT_RESOURCE: return parse_resource(parser, &words[0], grant);
    case MANIFEST_GRANT_ACCOUNT: return parse_size(parser, &words[0], &grant->first);
    default: return true;
    }
}

bool parse_grant(struct parser *parser) {
    const struct lex_line *line = &parser->words;
    if (line->count <= WHAT_AT || !str_equal(line->words[2].text, "=")) {
        return parse_fail(parser, "`grant NAME = WHAT` is expected");
    }
    if (parser->out->grant_count == MANIFEST_GRANTS_MAX) {
        return parse_fail(parser, "there are more than %zu grants", MANIFEST_GRANTS_MAX);
    }
    struct manifest_grant grant = {.line = parser->line};
    if (!parse_name(parser, &line->words[1], "name for a capability", grant.name)) {
        return false;
    }
    for (size_t i = 0; i < parser->unit->grant_count; i++) {
        const struct manifest_grant *other = &parser->out->grants[parser->unit->grant_first + i];
        if (str_equal(other->name, grant.name)) {
            return parse_fail(parser, "`%s` is granted twice, first in line %u", grant.name, other->line);
        }
    }
    const char *kind = line->words[WHAT_AT].text;
    for (uint32_t i = 0; i < MANIFEST_GRANT_KIND_COUNT; i++) {
        if (!str_equal(kind, kind_names[i])) {
            continue;
        }
        grant.kind = (enum manifest_grant_kind)i;
        if (!parse_arguments(parser, &grant)) {
            return false;
        }
        parser->out->grants[parser->out->grant_count++] = grant;
        parser->unit->grant_count++;
        return true;
    }
    return parse_fail(
        parser,
        "`%s` cannot be granted: service, supervisor, inspector, trace, notification, endpoint, ioport, "
        "interrupt, serial, resource, account, boot_package or file is expected",
        kind);
}

void manifest_grant_source(const struct manifest_grant *grant, char *to, size_t size) {
    const char *kind = kind_names[grant->kind];
    const char *control = grant->control ? " control" : "";
    switch (grant->kind) {
    case MANIFEST_GRANT_SERVICE: fmt_snprintf(to, size, "%s %s%s", kind, grant->target, control); break;
    case MANIFEST_GRANT_FILE: fmt_snprintf(to, size, "%s %s", kind, grant->target); break;
    case MANIFEST_GRANT_SUPERVISOR: fmt_snprintf(to, size, "%s%s", kind, control); break;
    case MANIFEST_GRANT_IOPORT:
        fmt_snprintf(to, size, "%s %#lx %lu", kind, grant->first, grant->second);
        break;
    case MANIFEST_GRANT_INTERRUPT: fmt_snprintf(to, size, "%s %lu", kind, grant->first); break;
    case MANIFEST_GRANT_SERIAL:
        fmt_snprintf(to, size, "%s %s %s", kind, serial_names[grant->first], serial_part_names[grant->second]);
        break;
    case MANIFEST_GRANT_RESOURCE: fmt_snprintf(to, size, "%s %s", kind, resource_names[grant->first]); break;
    case MANIFEST_GRANT_ACCOUNT: fmt_snprintf(to, size, "%s %luK", kind, grant->first / 1024); break;
    default: fmt_snprintf(to, size, "%s", kind); break;
    }
}
