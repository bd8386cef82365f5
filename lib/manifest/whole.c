// What only the whole manifest can show, and look-ups in it.
#include "abi/message.h"
#include "base/str.h"
#include "lib/manifest/parse.h"

const struct manifest_unit *manifest_find(const struct manifest *manifest, enum manifest_unit_kind kind,
                                          const char *name) {
    for (size_t i = 0; i < manifest->unit_count; i++) {
        const struct manifest_unit *unit = &manifest->units[i];
        if (unit->kind == kind && str_equal(unit->name, name)) {
            return unit;
        }
    }
    return nullptr;
}

static const char *word_of(const struct manifest *manifest, struct manifest_list list, size_t index) {
    return manifest->words[list.first + index];
}

static bool provides(const struct manifest *manifest, const struct manifest_unit *unit, const char *name) {
    for (size_t i = 0; i < unit->provides.count; i++) {
        if (str_equal(word_of(manifest, unit->provides, i), name)) {
            return true;
        }
    }
    return false;
}

const struct manifest_unit *manifest_provider(const struct manifest *manifest, const char *name) {
    for (size_t i = 0; i < manifest->unit_count; i++) {
        if (provides(manifest, &manifest->units[i], name)) {
            return &manifest->units[i];
        }
    }
    return nullptr;
}

// Program files in the order of first mention: those of the blocks, then the included ones.
static const char *mention(const struct manifest *manifest, size_t index) {
    if (index < manifest->unit_count) {
        return manifest->units[index].program;
    }
    index -= manifest->unit_count;
    return index < manifest->includes.count ? word_of(manifest, manifest->includes, index) : nullptr;
}

const char *manifest_program_file(const struct manifest *manifest, size_t index) {
    const char *name;
    for (size_t i = 0, found = 0; (name = mention(manifest, i)) != nullptr; i++) {
        bool repeated = false;
        for (size_t j = 0; j < i && !repeated; j++) {
            repeated = str_equal(mention(manifest, j), name);
        }
        if (!repeated && found++ == index) {
            return name;
        }
    }
    return nullptr;
}

const char *manifest_data_file(const struct manifest *manifest, size_t index) {
    for (size_t i = 0, found = 0; i < manifest->grant_count; i++) {
        const struct manifest_grant *grant = &manifest->grants[i];
        bool repeated = grant->kind != MANIFEST_GRANT_FILE;
        for (size_t j = 0; j < i && !repeated; j++) {
            repeated = manifest->grants[j].kind == MANIFEST_GRANT_FILE &&
                       str_equal(manifest->grants[j].target, grant->target);
        }
        if (!repeated && found++ == index) {
            return grant->target;
        }
    }
    return nullptr;
}

static bool check_provides(struct parser *parser, const struct manifest_unit *unit) {
    for (size_t i = 0; i < unit->provides.count; i++) {
        const char *name = word_of(parser->out, unit->provides, i);
        const struct manifest_unit *first = manifest_provider(parser->out, name);
        if (first != unit) {
            return parse_fail_at(parser, parser->out->word_lines[unit->provides.first + i],
                                 "`%s` is provided by `%s` already (line %u)", name, first->name,
                                 first->line);
        }
        if (str_equal(name, "supervisor")) {
            return parse_fail_at(parser, parser->out->word_lines[unit->provides.first + i],
                                 "`supervisor` is provided by init itself");
        }
    }
    return true;
}

static bool check_grants(struct parser *parser, const struct manifest_unit *unit) {
    for (size_t i = 0; i < unit->grant_count; i++) {
        const struct manifest_grant *grant = &parser->out->grants[unit->grant_first + i];
        if (provides(parser->out, unit, grant->name)) {
            return parse_fail_at(parser, grant->line,
                                 "`%s` is the name under which `%s` receives what it provides", grant->name,
                                 unit->name);
        }
        if (grant->kind != MANIFEST_GRANT_SERVICE) {
            continue;
        }
        const struct manifest_unit *provider = manifest_provider(parser->out, grant->target);
        if (provider == nullptr) {
            return parse_fail_at(parser, grant->line,
                                 "no service provides `%s`; a `provides %s` line is expected in one",
                                 grant->target, grant->target);
        }
        if (provider == unit) {
            return parse_fail_at(parser, grant->line,
                                 "`%s` is granted what it provides itself; calling it would wait for ever",
                                 unit->name);
        }
    }
    return true;
}

// Device ranges are exclusive: a second holder of the same one could never start.
static bool check_exclusive(struct parser *parser) {
    const struct manifest *manifest = parser->out;
    for (size_t i = 0; i < manifest->grant_count; i++) {
        const struct manifest_grant *one = &manifest->grants[i];
        for (size_t j = 0; j < i; j++) {
            const struct manifest_grant *other = &manifest->grants[j];
            if (one->kind != other->kind) {
                continue;
            }
            bool ports = one->kind == MANIFEST_GRANT_IOPORT && one->first < other->first + other->second &&
                         other->first < one->first + one->second;
            bool line = one->kind == MANIFEST_GRANT_INTERRUPT && one->first == other->first;
            bool serial = one->kind == MANIFEST_GRANT_SERIAL && one->first == other->first &&
                          one->second == other->second;
            if (ports || line || serial) {
                return parse_fail_at(parser, one->line,
                                     "the same %s is granted in line %u; it can have one holder only",
                                     ports ? "port" : line ? "interrupt line" : "part of a serial port", other->line);
            }
        }
    }
    return true;
}

static bool check_resolves(struct parser *parser, const struct manifest_unit *unit) {
    for (size_t i = 0; i < unit->resolves.count; i++) {
        const char *name = word_of(parser->out, unit->resolves, i);
        uint32_t line = parser->out->word_lines[unit->resolves.first + i];
        if (manifest_provider(parser->out, name) == nullptr) {
            return parse_fail_at(parser, line, "no service provides `%s`", name);
        }
    }
    if (unit->resolves.count == 0) {
        return true;
    }
    for (size_t i = 0; i < unit->grant_count; i++) {
        const struct manifest_grant *grant = &parser->out->grants[unit->grant_first + i];
        if (grant->kind == MANIFEST_GRANT_SERVICE && str_equal(grant->target, "registry")) {
            return true;
        }
    }
    return parse_fail_at(parser, parser->out->word_lines[unit->resolves.first],
                         "`%s` resolves names but is not granted the registry; `grant registry = service "
                         "registry` is expected",
                         unit->name);
}

bool manifest_check_whole(struct parser *parser) {
    const struct manifest *manifest = parser->out;
    if (manifest->system[0] == '\0') {
        return parse_fail(parser, "the manifest is empty; `system NAME` is expected");
    }
    bool any_service = false;
    for (size_t i = 0; i < manifest->unit_count; i++) {
        const struct manifest_unit *unit = &manifest->units[i];
        any_service = any_service || unit->kind == MANIFEST_SERVICE;
        if (!check_provides(parser, unit) || !check_grants(parser, unit) || !check_resolves(parser, unit)) {
            return false;
        }
    }
    return (any_service || parse_fail(parser, "there is no service; at least one is expected")) &&
           check_exclusive(parser);
}
