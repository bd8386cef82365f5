// What the schema cannot say: what a name is, which sizes there are, and how the parts fit together.
#include "lib/manifest/check.h"

#include <stdarg.h>

#include "abi/bootstrap.h"
#include "abi/message.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/suggest.h"

struct check *check_at(struct check *check, const char *member, uint32_t index) {
    check->member = member;
    check->index = index;
    return check;
}

// ".member", or "member" at the beginning, and "[index]".
static size_t put_step(char *to, size_t size, size_t len, const char *member, uint32_t index) {
    len += fmt_snprintf(to + len, size - len, "%s%s", len == 0 ? "" : ".", member);
    return index == CHECK_NO_INDEX ? len : len + fmt_snprintf(to + len, size - len, "[%u]", index);
}

bool check_fail(struct check *check, const char *format, ...) {
    struct manifest_error *error = check->error;
    const struct manifest *manifest = check->manifest;
    const struct manifest_unit *unit = check->unit;
    size_t len = 0;
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    if (unit != nullptr) {
        const bool program = unit->kind == MANIFEST_PROGRAM;
        const size_t services = manifest_service_list_count(manifest_system_get_services(manifest->system));
        const size_t index = (size_t)(unit - manifest->units) - (program ? services : 0);
        len = put_step(error->where, sizeof error->where, len, program ? "programs" : "services", (uint32_t)index);
        error->source = unit->source;
        error->line = unit->line;
    }
    if (check->grant != CHECK_NO_INDEX) {
        const struct manifest_grant grant = manifest_grant_list_get(unit->grants, check->grant);
        len = put_step(error->where, sizeof error->where, len, "grants", check->grant);
        error->source = manifest_source(manifest, manifest_grant_get_source(grant));
        error->line = manifest_grant_get_line(grant);
    }
    if (check->resolve != CHECK_NO_INDEX) {
        const struct manifest_resolve resolve = manifest_resolve_list_get(unit->resolves, check->resolve);
        len = put_step(error->where, sizeof error->where, len, "resolve", check->resolve);
        error->source = manifest_source(manifest, manifest_resolve_get_source(resolve));
        error->line = manifest_resolve_get_line(resolve);
    }
    if (check->rule != CHECK_NO_INDEX) {
        const struct manifest_rule rule =
            manifest_rule_list_get(manifest_system_get_rules(manifest->system), check->rule);
        len = put_step(error->where, sizeof error->where, len, "rules", check->rule);
        error->source = manifest_source(manifest, manifest_rule_get_source(rule));
        error->line = manifest_rule_get_line(rule);
    }
    if (check->operation != CHECK_NO_INDEX) {
        const struct manifest_operation operation =
            manifest_operation_list_get(manifest_system_get_operations(manifest->system), check->operation);
        len = put_step(error->where, sizeof error->where, len, "operations", check->operation);
        error->source = manifest_source(manifest, manifest_operation_get_source(operation));
        error->line = manifest_operation_get_line(operation);
    }
    if (check->member != nullptr) {
        (void)put_step(error->where, sizeof error->where, len, check->member, check->index);
    }
    return false;
}

// ---- Words and numbers ----

static bool is_printable(struct capnp_text text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!char_is_print(text.bytes[i])) {
            return false;
        }
    }
    return true;
}

// What may have been meant: a name as like it as names are.
static void likely_name(struct capnp_text text, char to[MANIFEST_NAME_BYTES]) {
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < MANIFEST_NAME_BYTES - 2; i++) {
        const char c = text.bytes[i], lower = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (len == 0 && (lower < 'a' || lower > 'z')) {
            to[len++] = 'x';
        }
        to[len++] = (lower >= 'a' && lower <= 'z') || char_is_digit(c) || c == '-' ? lower : '_';
    }
    to[len] = '\0';
    if (len == 0) {
        (void)str_copy(to, MANIFEST_NAME_BYTES, "unnamed");
    }
}

bool check_name(struct check *check, struct capnp_text text, const char *what) {
    char likely[MANIFEST_NAME_BYTES];
    bool good = text.len > 0 && text.bytes[0] >= 'a' && text.bytes[0] <= 'z';
    for (size_t i = 0; good && i < text.len; i++) {
        const char c = text.bytes[i];
        good = (c >= 'a' && c <= 'z') || char_is_digit(c) || c == '-' || c == '_';
    }
    likely_name(text, likely);
    if (text.len == 0 && check->index == CHECK_NO_INDEX && check->member != nullptr) {
        return check_fail(check, "the %s is missing; add `%s = \"%s\"`", what, check->member, likely);
    }
    if (!good) {
        return check_fail(check, "`%.40s` is no %s: a lower-case letter, then lower-case letters, digits, - and _; write `\"%s\"` instead",
                          is_printable(text) ? text.bytes : "?", what, likely);
    }
    return text.len < MANIFEST_NAME_BYTES ||
           check_fail(check, "`%.40s` is too long for a %s: at most %zu characters; write `\"%s\"` instead", text.bytes, what,
                      MANIFEST_NAME_BYTES - 1, likely);
}

bool check_kib(struct check *check, uint64_t kib, uint64_t min, uint64_t max) {
    if (kib < min / 1024 || kib > max / 1024) {
        return check_fail(check, "%lu KiB is outside %lu to %lu; write `%lu` instead", kib, min / 1024, max / 1024,
                          (kib < min / 1024 ? min : max) / 1024);
    }
    const uint64_t page_kib = PAGE_BYTES / 1024;
    return kib % page_kib == 0 || check_fail(check, "%lu KiB is no multiple of %lu, the size of a page; write `%lu` instead", kib,
                                             page_kib, kib - kib % page_kib + page_kib);
}

// A list of names, each of them once.
static bool check_names(struct check *check, const char *member, struct capnp_text_list list, const char *what) {
    const uint32_t count = capnp_text_list_count(list);
    for (uint32_t i = 0; i < count; i++) {
        if (!check_name(check_at(check, member, i), capnp_text_list_get(list, i), what)) {
            return false;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (str_equal(manifest_word(list, j), manifest_word(list, i))) {
                return check_fail(check, "`%s` stands here twice; leave it out", manifest_word(list, i));
            }
        }
    }
    return true;
}

// ---- One unit ----

static bool check_args(struct check *check, struct manifest_argument_list args) {
    const uint32_t count = manifest_argument_list_count(args);
    if (count > MANIFEST_ARGUMENTS_MAX) {
        return check_fail(check_at(check, "args", CHECK_NO_INDEX), "there are more than %zu arguments; leave out %zu of them",
                          MANIFEST_ARGUMENTS_MAX, count - MANIFEST_ARGUMENTS_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct manifest_argument argument = manifest_argument_list_get(args, i);
        const struct capnp_text text = manifest_argument_get_text(argument);
        check_at(check, "args", i);
        switch (manifest_argument_which(argument)) {
        case MANIFEST_ARGUMENT_BOOT_COMMAND_LINE: continue;
        case MANIFEST_ARGUMENT_TEXT: break;
        default: return check_fail(check, "there is no such argument");
        }
        for (size_t at = 0; at < text.len; at++) {
            if ((unsigned char)text.bytes[at] < ' ' || text.bytes[at] == 0x7f) {
                return check_fail(check, "a control character stands in an argument; leave it out");
            }
        }
    }
    return true;
}

static bool check_unit_names(struct check *check, const struct manifest_unit *unit) {
    if (!check_name(check_at(check, "name", CHECK_NO_INDEX), capnp_text(unit->name), "name") ||
        !check_name(check_at(check, "program", CHECK_NO_INDEX), capnp_text(unit->program), "program")) {
        return false;
    }
    for (const struct manifest_unit *other = check->manifest->units; other < unit; other++) {
        if (str_equal(other->name, unit->name)) {
            return check_fail(check_at(check, "name", CHECK_NO_INDEX), "the name `%s` is taken by %s:%u; write `\"%.21s_2\"` instead",
                              unit->name, other->source, other->line, unit->name);
        }
    }
    return true;
}

static bool check_unit(struct check *check, const struct manifest_unit *unit) {
    if (!check_unit_names(check, unit)) {
        return false;
    }
    if (unit->memory_bytes == 0) {
        return check_fail(check_at(check, nullptr, CHECK_NO_INDEX), "`%s` has no memoryKib, which is required; add `memoryKib = 256`", unit->name);
    }
    if (!check_kib(check_at(check, "memoryKib", CHECK_NO_INDEX), unit->memory_bytes / 1024, MANIFEST_MEMORY_MIN,
                   MANIFEST_MEMORY_MAX) ||
        (unit->stack_bytes != 0 && !check_kib(check_at(check, "stackKib", CHECK_NO_INDEX), unit->stack_bytes / 1024,
                                              MANIFEST_STACK_MIN, MANIFEST_STACK_MAX))) {
        return false;
    }
    if (unit->band > MANIFEST_BAND_BACKGROUND) {
        return check_fail(check_at(check, "band", CHECK_NO_INDEX), "there is no such band");
    }
    if (unit->restart > MANIFEST_RESTART_ALWAYS) {
        return check_fail(check_at(check, "restart", CHECK_NO_INDEX), "there is no such restart policy");
    }
    return check_supervision(check, unit) && check_args(check, unit->args) &&
           check_names(check, "provides", unit->provides, "name of an interface");
}

// The first unit that is granted `programs`, null when none is.
static const struct manifest_unit *runner_of(const struct manifest *manifest) {
    for (size_t i = 0; i < manifest->unit_count; i++) {
        const struct manifest_unit *unit = &manifest->units[i];
        for (uint32_t j = 0; j < manifest_grant_list_count(unit->grants); j++) {
            if (manifest_grant_which(manifest_grant_list_get(unit->grants, j)) == MANIFEST_GRANT_PROGRAMS) {
                return unit;
            }
        }
    }
    return nullptr;
}

// How many capabilities what the unit is granted comes to, as far as they may be too many.
static size_t capability_count(const struct manifest *manifest, const struct manifest_unit *unit) {
    size_t total = manifest_grant_list_count(unit->grants) + capnp_text_list_count(unit->provides) + 1; // with what comes with `crashes`
    if (unit == runner_of(manifest)) {
        struct manifest_grant lent;
        total++; // the account
        for (size_t i = 0; total <= BOOTSTRAP_MAX_CAPS && manifest_lent(manifest, i, &lent); i++) {
            total++;
        }
    }
    return total;
}

// What is kept is kept for a service, which has one process at a time that writes there, and in one piece.
static bool check_keeper(struct check *check, const struct manifest_unit *unit) {
    if (unit->kind != MANIFEST_SERVICE) {
        return check_fail(check_at(check, nullptr, CHECK_NO_INDEX),
                          "`%s` is a program, of which nothing is kept when it ends; leave it out", unit->name);
    }
    for (uint32_t i = 0; i < check->grant; i++) {
        const struct manifest_grant other = manifest_grant_list_get(unit->grants, i);
        if (manifest_grant_which(other) == MANIFEST_GRANT_KEEP_KIB) {
            return check_fail(check_at(check, nullptr, CHECK_NO_INDEX), "`%s` is granted memory to keep already (%s:%u); leave it out",
                              unit->name, manifest_source(check->manifest, manifest_grant_get_source(other)),
                              manifest_grant_get_line(other));
        }
    }
    return true;
}

// What a program cannot be granted, for it may run several times, and a second service.
static bool check_grantee(struct check *check, const struct manifest_unit *unit, struct manifest_grant grant) {
    const struct manifest_unit *runner;
    switch (manifest_grant_which(grant)) {
    case MANIFEST_GRANT_IOPORT:
    case MANIFEST_GRANT_INTERRUPT:
    case MANIFEST_GRANT_SERIAL:
        return unit->kind == MANIFEST_SERVICE ||
               check_fail(check_at(check, nullptr, CHECK_NO_INDEX),
                          "`%s` is a program, which may run several times, but a device has one holder; leave it out, or grant it to a service",
                          unit->name);
    case MANIFEST_GRANT_PROGRAMS:
        runner = runner_of(check->manifest);
        if (unit->kind != MANIFEST_SERVICE) {
            return check_fail(check_at(check, nullptr, CHECK_NO_INDEX), "`%s` is a program; only a service runs programs; leave it out",
                              unit->name);
        }
        return unit == runner || check_fail(check_at(check, nullptr, CHECK_NO_INDEX),
                                            "`%s` runs the programs already (%s:%u); leave one of the two out",
                                            runner->name, runner->source, runner->line);
    case MANIFEST_GRANT_KEEP_KIB: return check_keeper(check, unit);
    case MANIFEST_GRANT_CRASHES:
        return unit->kind == MANIFEST_SERVICE ||
               check_fail(check_at(check, nullptr, CHECK_NO_INDEX), "`%s` is a program; only a service is told of crashes; leave it out",
                          unit->name);
    default: return true;
    }
}

static bool check_unit_grants(struct check *check, const struct manifest_unit *unit) {
    const uint32_t count = manifest_grant_list_count(unit->grants);
    if (capability_count(check->manifest, unit) >= BOOTSTRAP_MAX_CAPS) {
        return check_fail(check_at(check, "grants", CHECK_NO_INDEX), "`%s` would hold more than %u capabilities; leave some of them out", unit->name,
                          BOOTSTRAP_MAX_CAPS - 1); // one place is its supervisor's
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct manifest_grant grant = manifest_grant_list_get(unit->grants, i);
        const char *name = manifest_grant_get_name(grant).bytes;
        check->grant = i;
        if (!check_grant(check, grant) || !check_grantee(check, unit, grant)) {
            return false;
        }
        check_at(check, "name", CHECK_NO_INDEX);
        if (unit_provides(unit, name)) {
            return check_fail(check, "`%s` is the name under which `%s` receives what it provides; write `\"%.19s_for\"` instead", name,
                              unit->name, name);
        }
        for (uint32_t j = 0; j < i; j++) {
            const struct manifest_grant other = manifest_grant_list_get(unit->grants, j);
            if (str_equal(manifest_grant_get_name(other).bytes, name)) {
                return check_fail(check, "`%s` is granted twice, first in %s:%u; write `\"%.21s_2\"` instead", name,
                                  manifest_source(check->manifest, manifest_grant_get_source(other)),
                                  manifest_grant_get_line(other), name);
            }
        }
    }
    check->grant = CHECK_NO_INDEX;
    return true;
}

// ---- How they fit together ----

static bool check_provides(struct check *check, const struct manifest_unit *unit, size_t *total) {
    const uint32_t count = capnp_text_list_count(unit->provides);
    *total += count;
    if (*total > MANIFEST_PROVIDED_MAX) {
        return check_fail(check_at(check, "provides", CHECK_NO_INDEX), "more than %zu names are provided",
                          MANIFEST_PROVIDED_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *name = manifest_word(unit->provides, i);
        const struct manifest_unit *first = manifest_provider(check->manifest, name);
        check_at(check, "provides", i);
        if (first != unit) {
            return check_fail(check, "`%s` is provided by `%s` already (%s:%u); leave it out", name, first->name,
                              first->source, first->line);
        }
        if (str_equal(name, "supervisor")) {
            return check_fail(check, "`supervisor` is provided by init itself; leave it out");
        }
    }
    return true;
}

bool check_provided(struct check *check, const char *name) {
    const struct manifest *manifest = check->manifest;
    struct suggestion suggestion = suggestion_of(name);
    if (manifest_provider(manifest, name) != nullptr) {
        return true;
    }
    for (size_t i = 0; i < manifest->unit_count; i++) {
        for (uint32_t j = 0; j < capnp_text_list_count(manifest->units[i].provides); j++) {
            suggestion_add(&suggestion, manifest_word(manifest->units[i].provides, j));
        }
    }
    return suggestion.nearest != nullptr
               ? check_fail(check, "no service provides `%s`; write `\"%s\"` instead", name, suggestion.nearest)
               : check_fail(check, "no service provides `%s`; add `\"%s\"` to what one `provides`", name, name);
}

static bool check_targets(struct check *check, const struct manifest_unit *unit) {
    const uint32_t count = manifest_grant_list_count(unit->grants);
    for (uint32_t i = 0; i < count; i++) {
        const struct manifest_grant grant = manifest_grant_list_get(unit->grants, i);
        if (manifest_grant_which(grant) != MANIFEST_GRANT_SERVICE) {
            continue;
        }
        const char *target = manifest_grant_get_service(grant).bytes;
        check->grant = i;
        if (!check_provided(check_at(check, "service", CHECK_NO_INDEX), target)) {
            return false;
        }
        if (manifest_provider(check->manifest, target) == unit) {
            return check_fail(check_at(check, nullptr, CHECK_NO_INDEX),
                              "`%s` is granted what it provides itself, and would wait for itself for ever; leave it out", unit->name);
        }
    }
    check->grant = CHECK_NO_INDEX;
    return true;
}

static bool same_device(struct manifest_grant one, struct manifest_grant other) {
    switch (manifest_grant_which(one)) {
    case MANIFEST_GRANT_IOPORT: {
        const struct manifest_grant_ioport a = manifest_grant_get_ioport(one), b = manifest_grant_get_ioport(other);
        return manifest_grant_ioport_get_base(a) <
                   manifest_grant_ioport_get_base(b) + manifest_grant_ioport_get_count(b) &&
               manifest_grant_ioport_get_base(b) < manifest_grant_ioport_get_base(a) + manifest_grant_ioport_get_count(a);
    }
    case MANIFEST_GRANT_INTERRUPT: return manifest_grant_get_interrupt(one) == manifest_grant_get_interrupt(other);
    case MANIFEST_GRANT_SERIAL: {
        const struct manifest_grant_serial a = manifest_grant_get_serial(one), b = manifest_grant_get_serial(other);
        return manifest_grant_serial_get_port(a) == manifest_grant_serial_get_port(b) &&
               manifest_grant_serial_get_part(a) == manifest_grant_serial_get_part(b);
    }
    case MANIFEST_GRANT_REAL_TIME_CLOCK: return true;
    default: return false;
    }
}

// Device ranges are exclusive: a second holder of the same one could never start.
static bool check_exclusive(struct check *check, const struct manifest_unit *unit, uint32_t index) {
    const struct manifest_grant one = manifest_grant_list_get(unit->grants, index);
    const enum manifest_grant_which kind = manifest_grant_which(one);
    if (kind != MANIFEST_GRANT_IOPORT && kind != MANIFEST_GRANT_INTERRUPT && kind != MANIFEST_GRANT_SERIAL &&
        kind != MANIFEST_GRANT_REAL_TIME_CLOCK) {
        return true;
    }
    for (const struct manifest_unit *holder = check->manifest->units; holder <= unit; holder++) {
        const uint32_t end = holder == unit ? index : manifest_grant_list_count(holder->grants);
        for (uint32_t i = 0; i < end; i++) {
            const struct manifest_grant other = manifest_grant_list_get(holder->grants, i);
            if (manifest_grant_which(other) == kind && same_device(one, other)) {
                check->grant = index;
                return check_fail(check_at(check, nullptr, CHECK_NO_INDEX),
                                  "the same %s is granted in %s:%u, and can have one holder only; leave it out",
                                  kind == MANIFEST_GRANT_IOPORT      ? "port"
                                  : kind == MANIFEST_GRANT_INTERRUPT ? "interrupt line"
                                  : kind == MANIFEST_GRANT_SERIAL    ? "part of a serial port"
                                                                     : "real-time clock",
                                  manifest_source(check->manifest, manifest_grant_get_source(other)),
                                  manifest_grant_get_line(other));
            }
        }
    }
    return true;
}

static bool check_whole(struct check *check) {
    const struct manifest *manifest = check->manifest;
    size_t provided = 0;
    for (size_t i = 0; i < manifest->unit_count; i++) {
        const struct manifest_unit *unit = check->unit = &manifest->units[i];
        if (!check_provides(check, unit, &provided) || !check_targets(check, unit)) {
            return false;
        }
        for (uint32_t j = 0; j < manifest_grant_list_count(unit->grants); j++) {
            if (!check_exclusive(check, unit, j)) {
                return false;
            }
        }
    }
    return check_dependencies(check);
}

static bool check_sources(struct check *check) {
    const struct capnp_text_list sources = manifest_system_get_sources(check->manifest->system);
    const uint32_t count = capnp_text_list_count(sources);
    for (uint32_t i = 0; i < count; i++) {
        const struct capnp_text source = capnp_text_list_get(sources, i);
        if (source.len == 0 || source.len >= MANIFEST_SOURCE_BYTES || !is_printable(source)) {
            return check_fail(check_at(check, "sources", i), "it is no name of a file");
        }
    }
    return true;
}

bool check_system(struct check *check) {
    const struct manifest *manifest = check->manifest;
    size_t grants = 0;
    if (!check_sources(check) ||
        !check_name(check_at(check, "name", CHECK_NO_INDEX), manifest_system_get_name(manifest->system),
                    "name for a system") ||
        !check_names(check, "include", manifest_system_get_include(manifest->system), "program")) {
        return false;
    }
    if (manifest->unit_count == 0 || manifest->units[0].kind != MANIFEST_SERVICE) {
        return check_fail(check_at(check, nullptr, CHECK_NO_INDEX), "there is no service; add `services = [(name = \"shell\", memoryKib = 1024)]`");
    }
    for (size_t i = 0; i < manifest->unit_count; i++) {
        const struct manifest_unit *unit = check->unit = &manifest->units[i];
        grants += manifest_grant_list_count(unit->grants);
        if (grants > MANIFEST_GRANTS_MAX) {
            return check_fail(check_at(check, "grants", CHECK_NO_INDEX), "there are more than %zu grants in all",
                              MANIFEST_GRANTS_MAX);
        }
        if (!check_unit(check, unit) || !check_unit_grants(check, unit)) {
            return false;
        }
    }
    return check_whole(check) && check_authority(check);
}
