#include "lib/manifest/check.h"

#include "base/mem.h"
#include "base/str.h"
#include "lib/capnp/canonical.h"

const char manifest_boot_command_line[] = "(the boot command line)";

const char *manifest_source(const struct manifest *manifest, uint16_t source) {
    const struct capnp_text_list sources = manifest_system_get_sources(manifest->system);
    return source < capnp_text_list_count(sources) ? manifest_word(sources, source) : "";
}

// As a string. One with a NUL inside becomes empty, which is no name.
static const char *string_of(struct capnp_text text) {
    return strnlen(text.bytes, text.len) == text.len ? text.bytes : "";
}

// As bits; those that this system does not know all in the bit beyond.
static uint32_t read_modes(struct manifest_mode_list list) {
    const uint32_t count = manifest_mode_list_count(list);
    uint32_t modes = count == 0 ? (1u << MANIFEST_MODES) - 1 : 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t mode = manifest_mode_list_get(list, i);
        modes |= 1u << (mode < MANIFEST_MODES ? mode : MANIFEST_MODES);
    }
    return modes;
}

static void read_service(const struct manifest *manifest, struct manifest_service from, struct manifest_unit *to) {
    const struct capnp_text program = manifest_service_get_program(from);
    *to = (struct manifest_unit){
        .name = string_of(manifest_service_get_name(from)),
        .source = manifest_source(manifest, manifest_service_get_source(from)),
        .line = manifest_service_get_line(from),
        .kind = MANIFEST_SERVICE,
        .essential = manifest_service_get_essential(from),
        .mints = manifest_service_get_mints(from),
        .secret = manifest_service_get_secret(from),
        .band = manifest_service_get_band(from),
        .restart = manifest_service_get_restart(from),
        .memory_bytes = manifest_service_get_memory_kib(from) * 1024ull,
        .stack_bytes = manifest_service_get_stack_kib(from) * 1024ull,
        .ready_ms = manifest_service_get_ready_ms(from),
        .probe_ms = manifest_service_get_probe_ms(from),
        .answer_ms = manifest_service_get_answer_ms(from),
        .stop_ms = manifest_service_get_stop_ms(from),
        .budget = manifest_service_get_budget(from),
        .modes = read_modes(manifest_service_get_modes(from)),
        .args = manifest_service_get_args(from),
        .grants = manifest_service_get_grants(from),
        .provides = manifest_service_get_provides(from),
        .resolves = manifest_service_get_resolve(from),
    };
    to->program = program.len != 0 ? string_of(program) : to->name;
}

static void read_program(const struct manifest *manifest, struct manifest_program from, struct manifest_unit *to) {
    const struct capnp_text program = manifest_program_get_program(from);
    *to = (struct manifest_unit){
        .name = string_of(manifest_program_get_name(from)),
        .source = manifest_source(manifest, manifest_program_get_source(from)),
        .line = manifest_program_get_line(from),
        .kind = MANIFEST_PROGRAM,
        .band = manifest_program_get_band(from),
        .restart = MANIFEST_RESTART_NEVER,
        .memory_bytes = manifest_program_get_memory_kib(from) * 1024ull,
        .stack_bytes = manifest_program_get_stack_kib(from) * 1024ull,
        .args = manifest_program_get_args(from),
        .grants = manifest_program_get_grants(from),
        .resolves = manifest_program_get_resolve(from),
    };
    to->program = program.len != 0 ? string_of(program) : to->name;
}

static bool read_units(struct check *check, struct manifest *out) {
    const struct manifest_service_list services = manifest_system_get_services(out->system);
    const struct manifest_program_list programs = manifest_system_get_programs(out->system);
    const uint32_t service_count = manifest_service_list_count(services);
    const uint32_t program_count = manifest_program_list_count(programs);
    if (service_count > MANIFEST_UNITS_MAX || program_count > MANIFEST_UNITS_MAX - service_count) {
        return check_fail(check_at(check, service_count > MANIFEST_UNITS_MAX ? "services" : "programs", CHECK_NO_INDEX),
                          "there are more than %zu services and programs", MANIFEST_UNITS_MAX);
    }
    for (uint32_t i = 0; i < service_count; i++) {
        read_service(out, manifest_service_list_get(services, i), &out->units[out->unit_count++]);
    }
    for (uint32_t i = 0; i < program_count; i++) {
        read_program(out, manifest_program_list_get(programs, i), &out->units[out->unit_count++]);
    }
    return true;
}

bool manifest_open(const void *words, size_t len_bytes, struct manifest *out, struct manifest_error *error) {
    struct check check = {.manifest = out, .error = error, .grant = CHECK_NO_INDEX, .resolve = CHECK_NO_INDEX, .rule = CHECK_NO_INDEX,
                          .operation = CHECK_NO_INDEX};
    *error = (struct manifest_error){};
    out->unit_count = 0;
    out->name = "";
    out->system = (struct manifest_system){};
    if (len_bytes == 0 || len_bytes % CAPNP_WORD_BYTES != 0 || len_bytes / CAPNP_WORD_BYTES > UINT32_MAX ||
        !status_ok(capnp_check_canonical(words, (uint32_t)(len_bytes / CAPNP_WORD_BYTES)))) {
        return check_fail(&check, "it is no message in canonical form");
    }
    // Each object of a canonical message is referred to once. So whoever reads all of it does not read more than there is,
    // and it may be read again and again.
    capnp_message_init(&out->message, words, (uint32_t)(len_bytes / CAPNP_WORD_BYTES));
    out->message.traversal_words = UINT64_MAX;
    out->system = manifest_system_root(&out->message);
    out->name = manifest_system_get_name(out->system).bytes;
    if (!read_units(&check, out) || !check_system(&check)) {
        return false;
    }
    check = (struct check){.manifest = out, .error = error, .grant = CHECK_NO_INDEX, .resolve = CHECK_NO_INDEX, .rule = CHECK_NO_INDEX,
                           .operation = CHECK_NO_INDEX};
    return status_ok(capnp_status(&out->message)) || check_fail(&check, "a pointer in the message is malformed");
}

// ---- Look-ups ----

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

bool unit_provides(const struct manifest_unit *unit, const char *name) {
    for (uint32_t i = 0; i < capnp_text_list_count(unit->provides); i++) {
        if (str_equal(manifest_word(unit->provides, i), name)) {
            return true;
        }
    }
    return false;
}

const struct manifest_unit *manifest_provider(const struct manifest *manifest, const char *name) {
    for (size_t i = 0; i < manifest->unit_count; i++) {
        if (unit_provides(&manifest->units[i], name)) {
            return &manifest->units[i];
        }
    }
    return nullptr;
}

static bool is_lent(struct manifest_grant grant) {
    switch (manifest_grant_which(grant)) {
    case MANIFEST_GRANT_NOTIFICATION:
    case MANIFEST_GRANT_ENDPOINT:
    case MANIFEST_GRANT_ACCOUNT_KIB:
    case MANIFEST_GRANT_BOOT_PACKAGE:
    case MANIFEST_GRANT_FILE:
    case MANIFEST_GRANT_MANIFEST: return false; // made for whoever is granted them, of what is in the package
    default: return true;
    }
}

bool manifest_same_lent(struct manifest_grant one, struct manifest_grant other) {
    if (manifest_grant_which(one) != manifest_grant_which(other)) {
        return false;
    }
    switch (manifest_grant_which(one)) {
    case MANIFEST_GRANT_SERVICE: return capnp_text_equal(manifest_grant_get_service(one), manifest_grant_get_service(other));
    case MANIFEST_GRANT_RESOURCE: return manifest_grant_get_resource(one) == manifest_grant_get_resource(other);
    default: return true;
    }
}

// Whether a program before this grant, or this one in a grant before it, is granted the same.
static bool is_lent_before(const struct manifest *manifest, size_t unit, uint32_t index, struct manifest_grant grant) {
    for (size_t i = 0; i <= unit; i++) {
        const struct manifest_unit *other = &manifest->units[i];
        const uint32_t end = i == unit ? index : manifest_grant_list_count(other->grants);
        for (uint32_t j = 0; other->kind == MANIFEST_PROGRAM && j < end; j++) {
            if (manifest_same_lent(manifest_grant_list_get(other->grants, j), grant)) {
                return true;
            }
        }
    }
    return false;
}

bool manifest_lent(const struct manifest *manifest, size_t index, struct manifest_grant *out) {
    for (size_t i = 0, found = 0; i < manifest->unit_count; i++) {
        const struct manifest_unit *unit = &manifest->units[i];
        for (uint32_t j = 0; unit->kind == MANIFEST_PROGRAM && j < manifest_grant_list_count(unit->grants); j++) {
            const struct manifest_grant grant = manifest_grant_list_get(unit->grants, j);
            if (is_lent(grant) && !is_lent_before(manifest, i, j, grant) && found++ == index) {
                *out = grant;
                return true;
            }
        }
    }
    return false;
}

const char *manifest_argument_word(const struct manifest_unit *unit, uint32_t index) {
    const struct manifest_argument argument = manifest_argument_list_get(unit->args, index);
    return manifest_argument_which(argument) == MANIFEST_ARGUMENT_TEXT ? manifest_argument_get_text(argument).bytes
                                                                       : manifest_boot_command_line;
}

// Programs in the order of first mention: those of the units, then the included ones.
static const char *mention(const struct manifest *manifest, size_t index) {
    const struct capnp_text_list include = manifest_system_get_include(manifest->system);
    if (index < manifest->unit_count) {
        return manifest->units[index].program;
    }
    index -= manifest->unit_count;
    return index < capnp_text_list_count(include) ? manifest_word(include, (uint32_t)index) : nullptr;
}

const char *manifest_packed_program(const struct manifest *manifest, size_t index) {
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

// The file that a grant is for, null when it is for something else.
static const char *file_of(const struct manifest_unit *unit, uint32_t index) {
    const struct manifest_grant grant = manifest_grant_list_get(unit->grants, index);
    return manifest_grant_which(grant) == MANIFEST_GRANT_FILE ? manifest_grant_get_file(grant).bytes : nullptr;
}

// Whether a grant before this one is for the same file.
static bool file_is_repeated(const struct manifest *manifest, size_t unit, uint32_t index, const char *file) {
    for (size_t i = 0; i <= unit; i++) {
        const uint32_t end = i == unit ? index : manifest_grant_list_count(manifest->units[i].grants);
        for (uint32_t j = 0; j < end; j++) {
            const char *other = file_of(&manifest->units[i], j);
            if (other != nullptr && str_equal(other, file)) {
                return true;
            }
        }
    }
    return false;
}

const char *manifest_packed_file(const struct manifest *manifest, size_t index) {
    for (size_t i = 0, found = 0; i < manifest->unit_count; i++) {
        const uint32_t count = manifest_grant_list_count(manifest->units[i].grants);
        for (uint32_t j = 0; j < count; j++) {
            const char *file = file_of(&manifest->units[i], j);
            if (file != nullptr && !file_is_repeated(manifest, i, j, file) && found++ == index) {
                return file;
            }
        }
    }
    return nullptr;
}
