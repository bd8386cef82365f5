// Whether one process of a service can take the place of another, and if not, why.
#include "base/fmt.h"
#include "base/str.h"
#include "lib/tess/handle.h"
#include "services/init/init.h"

static const char *device_kind(struct manifest_grant grant) {
    switch (manifest_grant_which(grant)) {
    case MANIFEST_GRANT_IOPORT:
    case MANIFEST_GRANT_INTERRUPT:
    case MANIFEST_GRANT_SERIAL:
    case MANIFEST_GRANT_REAL_TIME_CLOCK: return manifest_grant_get_name(grant).bytes;
    default: return nullptr;
    }
}

// What two processes cannot have at the same time; false: there is no such thing.
static bool has_device(const struct init_unit *unit, char *why, size_t why_bytes) {
    for (uint32_t i = 0; i < manifest_grant_list_count(unit->spec->grants); i++) {
        const struct manifest_grant grant = manifest_grant_list_get(unit->spec->grants, i);
        const char *name = device_kind(grant);
        if (name != nullptr) {
            fmt_snprintf(why, why_bytes, "%s cannot be replaced: its grant `%s` (%s:%u) is a device, which one process at a time has; "
                                         "`restart %s` ends it first", unit->name, name,
                         manifest_source(&init.manifest, manifest_grant_get_source(grant)), manifest_grant_get_line(grant), unit->name);
            return true;
        }
    }
    return false;
}

status_t replace_check_unit(const struct init_unit *unit, const char *program, char *why, size_t why_bytes) {
    struct package_entry file;
    if (unit == nullptr) {
        fmt_snprintf(why, why_bytes, "there is no service of this name");
        return STATUS_NOT_FOUND;
    }
    if (unit->life.state != SUPERVISE_RUNNING || unit->life.killed || init.closing) {
        fmt_snprintf(why, why_bytes, "%s does not run now, or is being ended: there is nothing that could be replaced", unit->name);
        return STATUS_BAD_STATE;
    }
    if (!tess_handle_valid(unit->asked.endpoint)) {
        fmt_snprintf(why, why_bytes, "%s cannot be replaced: it provides nothing, or does not say when it is ready (%s:%u); `restart %s` ends it first",
                     unit->name, unit->spec->source, unit->spec->line, unit->name);
        return STATUS_BAD_STATE;
    }
    if (has_device(unit, why, why_bytes)) {
        return STATUS_BAD_STATE;
    }
    if (program[0] != '\0' && (strlen(program) >= NAME_BYTES || !package_find(&init.package, BOOT_ENTRY_PROGRAM, program, &file))) {
        fmt_snprintf(why, why_bytes, "the boot package has no program `%.40s`", program);
        return STATUS_BAD_STATE;
    }
    return STATUS_OK;
}
