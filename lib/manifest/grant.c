// A grant by itself.
#include "abi/message.h"
#include "base/fmt.h"
#include "base/str.h"
#include "lib/manifest/check.h"

constexpr uint32_t PORTS = 0x1'0000;
constexpr uint32_t LINES = 256;

// As the schema calls them.
static const char *const kind_names[] = {
    [MANIFEST_GRANT_NOTHING] = "nothing",           [MANIFEST_GRANT_SERVICE] = "service",
    [MANIFEST_GRANT_SUPERVISOR] = "supervisor",     [MANIFEST_GRANT_INSPECTOR] = "inspector",
    [MANIFEST_GRANT_TRACE] = "trace",               [MANIFEST_GRANT_NOTIFICATION] = "notification",
    [MANIFEST_GRANT_ENDPOINT] = "endpoint",         [MANIFEST_GRANT_IOPORT] = "ioport",
    [MANIFEST_GRANT_INTERRUPT] = "interrupt",       [MANIFEST_GRANT_SERIAL] = "serial",
    [MANIFEST_GRANT_RESOURCE] = "resource",         [MANIFEST_GRANT_ACCOUNT_KIB] = "account",
    [MANIFEST_GRANT_BOOT_PACKAGE] = "boot package", [MANIFEST_GRANT_FILE] = "file",
    [MANIFEST_GRANT_ROSTER] = "roster",           [MANIFEST_GRANT_MANIFEST] = "manifest",
    [MANIFEST_GRANT_PROGRAMS] = "programs",
    [MANIFEST_GRANT_REAL_TIME_CLOCK] = "real-time clock", [MANIFEST_GRANT_KEEP_KIB] = "keep",
    [MANIFEST_GRANT_CRASHES] = "crashes",
};
constexpr uint32_t KIND_COUNT = sizeof kind_names / sizeof kind_names[0];

static const char *const port_names[] = {
    [MANIFEST_SERIAL_PORT_CONSOLE] = "console",
    [MANIFEST_SERIAL_PORT_SPARE] = "spare",
};
static const char *const part_names[] = {
    [MANIFEST_SERIAL_PART_REGISTERS] = "registers",
    [MANIFEST_SERIAL_PART_INTERRUPT] = "interrupt",
};
static const char *const resource_names[] = {
    [MANIFEST_RESOURCE_POWER] = "power",
    [MANIFEST_RESOURCE_MINT] = "mint",
    [MANIFEST_RESOURCE_ALL] = "all",
};

static bool check_ioport(struct check *check, struct manifest_grant_ioport range) {
    const uint64_t base = manifest_grant_ioport_get_base(range), count = manifest_grant_ioport_get_count(range);
    return (count > 0 && base + count <= PORTS) ||
           check_fail(check, "ports %#lx to %#lx are no range of at least one port below %#x; write `(base = %#lx, count = %lu)` instead",
                      base, base + count, PORTS, base < PORTS ? base : PORTS - 1,
                      base >= PORTS || count == 0 ? 1 : PORTS - base);
}

static bool check_serial(struct check *check, struct manifest_grant_serial serial) {
    return (manifest_grant_serial_get_port(serial) <= MANIFEST_SERIAL_PORT_SPARE &&
            manifest_grant_serial_get_part(serial) <= MANIFEST_SERIAL_PART_INTERRUPT) ||
           check_fail(check, "there is no such part of a serial port");
}

// What is granted; the check is at the grant.
static bool check_what(struct check *check, struct manifest_grant grant) {
    switch (manifest_grant_which(grant)) {
    case MANIFEST_GRANT_NOTHING:
        return check_fail(check, "`%s` grants nothing; add `notification = void`, or what else it is to be",
                          manifest_grant_get_name(grant).bytes);
    case MANIFEST_GRANT_SERVICE:
        return check_name(check_at(check, "service", CHECK_NO_INDEX), manifest_grant_get_service(grant),
                          "what a service provides");
    case MANIFEST_GRANT_FILE:
        return check_name(check_at(check, "file", CHECK_NO_INDEX), manifest_grant_get_file(grant), "file");
    case MANIFEST_GRANT_IOPORT:
        return check_ioport(check_at(check, "ioport", CHECK_NO_INDEX), manifest_grant_get_ioport(grant));
    case MANIFEST_GRANT_SERIAL:
        return check_serial(check_at(check, "serial", CHECK_NO_INDEX), manifest_grant_get_serial(grant));
    case MANIFEST_GRANT_INTERRUPT:
        return manifest_grant_get_interrupt(grant) < LINES ||
               check_fail(check_at(check, "interrupt", CHECK_NO_INDEX),
                          "%u is no interrupt line: those are below %u; write `%u` instead", manifest_grant_get_interrupt(grant),
                          LINES, LINES - 1);
    case MANIFEST_GRANT_RESOURCE:
        return manifest_grant_get_resource(grant) <= MANIFEST_RESOURCE_ALL ||
               check_fail(check_at(check, "resource", CHECK_NO_INDEX), "there is no such part of the machine's resource");
    case MANIFEST_GRANT_ACCOUNT_KIB:
        return check_kib(check_at(check, "accountKib", CHECK_NO_INDEX), manifest_grant_get_account_kib(grant), PAGE_BYTES,
                         MANIFEST_MEMORY_MAX);
    case MANIFEST_GRANT_KEEP_KIB:
        return check_kib(check_at(check, "keepKib", CHECK_NO_INDEX), manifest_grant_get_keep_kib(grant), 2 * PAGE_BYTES,
                         MANIFEST_KEEP_MAX);
    case MANIFEST_GRANT_PROGRAMS:
        return capnp_text_equal(manifest_grant_get_name(grant), CAPNP_TEXT(MANIFEST_PROGRAMS)) ||
               check_fail(check_at(check, "name", CHECK_NO_INDEX), "`%s` is to be called `" MANIFEST_PROGRAMS "`",
                          manifest_grant_get_name(grant).bytes);
    case MANIFEST_GRANT_CRASHES:
        return capnp_text_equal(manifest_grant_get_name(grant), CAPNP_TEXT(MANIFEST_CRASHES)) ||
               check_fail(check_at(check, "name", CHECK_NO_INDEX), "`%s` is to be called `" MANIFEST_CRASHES "`",
                          manifest_grant_get_name(grant).bytes);
    default:
        return manifest_grant_which(grant) < KIND_COUNT ||
               check_fail(check, "it is of a kind that this system does not know (%u)", manifest_grant_which(grant));
    }
}

bool check_grant(struct check *check, struct manifest_grant grant) {
    const enum manifest_grant_which kind = manifest_grant_which(grant);
    if (!check_name(check_at(check, "name", CHECK_NO_INDEX), manifest_grant_get_name(grant), "name for a capability") ||
        !check_what(check_at(check, nullptr, CHECK_NO_INDEX), grant)) {
        return false;
    }
    if (manifest_grant_get_weak(grant) && kind != MANIFEST_GRANT_SERVICE) {
        return check_fail(check_at(check, "weak", CHECK_NO_INDEX), "`weak` is for a service, not for `%s`", kind_names[kind]);
    }
    if (manifest_grant_get_unshared(grant) && (kind == MANIFEST_GRANT_PROGRAMS || kind == MANIFEST_GRANT_CRASHES)) {
        return check_fail(check_at(check, "unshared", CHECK_NO_INDEX), "`unshared` is not for `%s`, which is several capabilities; leave it out",
                          kind_names[kind]);
    }
    if (manifest_grant_get_unshared(grant) && kind == MANIFEST_GRANT_SERVICE) {
        return check_fail(check_at(check, "unshared", CHECK_NO_INDEX), "`unshared` is not for a service, which the registry gives, too; leave it out");
    }
    return !manifest_grant_get_control(grant) || kind == MANIFEST_GRANT_SERVICE || kind == MANIFEST_GRANT_SUPERVISOR ||
           check_fail(check_at(check, "control", CHECK_NO_INDEX),
                      "`control` is for a service or the supervisor, not for `%s`; leave it out", kind_names[kind]);
}

void manifest_grant_text(struct manifest_grant grant, char *to, size_t size) {
    const char *kind = kind_names[manifest_grant_which(grant)];
    const char *control = manifest_grant_get_control(grant) ? " control" : "";
    switch (manifest_grant_which(grant)) {
    case MANIFEST_GRANT_SERVICE:
        fmt_snprintf(to, size, "%s %s%s", kind, manifest_grant_get_service(grant).bytes, control);
        break;
    case MANIFEST_GRANT_SUPERVISOR: fmt_snprintf(to, size, "%s%s", kind, control); break;
    case MANIFEST_GRANT_FILE: fmt_snprintf(to, size, "%s %s", kind, manifest_grant_get_file(grant).bytes); break;
    case MANIFEST_GRANT_IOPORT: {
        const struct manifest_grant_ioport range = manifest_grant_get_ioport(grant);
        fmt_snprintf(to, size, "%s %#x %u", kind, manifest_grant_ioport_get_base(range),
                     manifest_grant_ioport_get_count(range));
        break;
    }
    case MANIFEST_GRANT_INTERRUPT: fmt_snprintf(to, size, "%s %u", kind, manifest_grant_get_interrupt(grant)); break;
    case MANIFEST_GRANT_SERIAL: {
        const struct manifest_grant_serial serial = manifest_grant_get_serial(grant);
        fmt_snprintf(to, size, "%s %s %s", kind, port_names[manifest_grant_serial_get_port(serial)],
                     part_names[manifest_grant_serial_get_part(serial)]);
        break;
    }
    case MANIFEST_GRANT_RESOURCE:
        fmt_snprintf(to, size, "%s %s", kind, resource_names[manifest_grant_get_resource(grant)]);
        break;
    case MANIFEST_GRANT_ACCOUNT_KIB:
        fmt_snprintf(to, size, "%s %lu KiB", kind, manifest_grant_get_account_kib(grant));
        break;
    case MANIFEST_GRANT_KEEP_KIB:
        fmt_snprintf(to, size, "%s %lu KiB", kind, manifest_grant_get_keep_kib(grant));
        break;
    default: fmt_snprintf(to, size, "%s", kind); break;
    }
}
