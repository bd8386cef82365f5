#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "base/fmt.h"
#include "base/str.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "services/init/init.h"

constexpr uint64_t INTERRUPT_AS_FIRMWARE_SAYS = 4;

struct init_endpoint *endpoint_find(const char *name) {
    for (size_t i = 0; i < init.endpoint_count; i++) {
        if (str_equal(init.endpoints[i].name, name)) {
            return &init.endpoints[i];
        }
    }
    return nullptr;
}

// The client's end of an endpoint, with the badge of its holder.
static status_t make_client(const struct init_unit *unit, bool control, handle_t endpoint, uint64_t interface_id, struct spawn_grant *to) {
    to->type = OBJECT_ENDPOINT;
    to->interface_id = interface_id;
    to->rights = launch_plain(RIGHT_SEND_BIT);
    return tess_handle_mint(endpoint, to->rights, unit->id | (control ? BADGE_CONTROL : 0), interface_id, &to->handle);
}

static status_t make_resource(struct manifest_grant grant, struct spawn_grant *to) {
    static const uint32_t rights[] = {
        [MANIFEST_RESOURCE_POWER] = RIGHT_POWER_BIT,
        [MANIFEST_RESOURCE_MINT] = RIGHT_CREATE_BIT,
        [MANIFEST_RESOURCE_ALL] = RIGHT_POWER_BIT | RIGHT_CREATE_BIT,
    };
    to->type = OBJECT_RESOURCE;
    to->rights = launch_plain(rights[manifest_grant_get_resource(grant)]);
    return tess_handle_copy(init.resource, to->rights, &to->handle);
}

status_t serial_mint(const struct bootstrap_serial *serial, handle_t account, uint32_t *type, handle_t *out) {
    if (serial->kind == SERIAL_PORTS) {
        *type = OBJECT_IOPORT;
        return tess_resource_mint_ioport(init.resource, serial->base, serial->len, account, out);
    }
    // Registers side by side, at the beginning of a page: all that uart_device.c knows.
    if (serial->kind != SERIAL_MEMORY || serial->register_shift != 0 || serial->base % PAGE_BYTES != 0) {
        return STATUS_UNSUPPORTED;
    }
    *type = OBJECT_VMO;
    return tess_resource_mint_vmo(init.resource, serial->base, PAGE_BYTES, account, out);
}

// `spare` is a port that is not the console's; the only one where there is no other.
static status_t make_serial(struct manifest_grant grant, handle_t account, struct spawn_grant *to) {
    const struct manifest_grant_serial which = manifest_grant_get_serial(grant);
    const bool spare = manifest_grant_serial_get_port(which) == MANIFEST_SERIAL_PORT_SPARE && tess_bootstrap->serial[1].kind != SERIAL_NONE;
    const struct bootstrap_serial *serial = &tess_bootstrap->serial[spare ? 1 : 0];
    if (manifest_grant_serial_get_part(which) == MANIFEST_SERIAL_PART_INTERRUPT) {
        to->type = OBJECT_INTERRUPT;
        to->rights.v = RIGHT_WAIT_BIT | RIGHT_INSPECT_BIT;
        return tess_resource_mint_interrupt(init.resource, serial->line, INTERRUPT_AS_FIRMWARE_SAYS, account,
                                            &to->handle);
    }
    TRY(serial_mint(serial, account, &to->type, &to->handle));
    to->rights.v = RIGHT_READ_BIT | RIGHT_WRITE_BIT | RIGHT_INSPECT_BIT;
    to->rights.v |= to->type == OBJECT_VMO ? RIGHT_MAP_BIT : 0;
    return STATUS_OK;
}

// NOT_FOUND: the machine has none that drivers here know.
static status_t make_rtc(handle_t account, struct spawn_grant *to) {
    const struct bootstrap_rtc *rtc = &tess_bootstrap->rtc;
    to->rights.v = RIGHT_READ_BIT | RIGHT_WRITE_BIT | RIGHT_INSPECT_BIT;
    if (rtc->kind == RTC_CMOS) {
        to->type = OBJECT_IOPORT;
        return tess_resource_mint_ioport(init.resource, rtc->base, rtc->len, account, &to->handle);
    }
    if (rtc->kind != RTC_GOLDFISH || rtc->base % PAGE_BYTES != 0) {
        return STATUS_NOT_FOUND;
    }
    to->type = OBJECT_VMO;
    to->rights.v |= RIGHT_MAP_BIT;
    return tess_resource_mint_vmo(init.resource, rtc->base, PAGE_BYTES, account, &to->handle);
}

// Made when the service is first started, on the account of all, for its own goes with the process. All pages are there from then on:
// that a service writes down what it has decided cannot fail.
static status_t make_kept(uint64_t len_bytes, handle_t *out) {
    TESS_OWNED handle_t vmo = {};
    TRY(tess_account_create_vmo(init.services, len_bytes, &vmo));
    TRY(tess_vmo_commit(vmo, 0, len_bytes));
    *out = tess_handle_take(&vmo);
    return STATUS_OK;
}

// It cannot be passed on: one process at a time writes there.
static status_t lend_kept(struct init_unit *unit, struct manifest_grant grant, struct spawn_grant *to) {
    if (!tess_handle_valid(unit->kept)) {
        TRY(make_kept(manifest_grant_get_keep_kib(grant) * 1024, &unit->kept));
    }
    to->type = OBJECT_VMO;
    to->rights.v = RIGHT_READ_BIT | RIGHT_WRITE_BIT | RIGHT_MAP_BIT | RIGHT_INSPECT_BIT;
    return tess_handle_copy(unit->kept, launch_plain(to->rights.v), &to->handle);
}

// Every result is a fresh handle of init's own, closed again after the start.
static status_t make(const struct init_unit *unit, struct manifest_grant grant, bool control, handle_t account,
                     struct spawn_grant *to) {
    switch (manifest_grant_which(grant)) {
    case MANIFEST_GRANT_SERVICE: {
        const struct init_endpoint *endpoint = endpoint_find(manifest_grant_get_service(grant).bytes);
        return make_client(unit, control, endpoint->endpoint, endpoint->interface_id, to);
    }
    case MANIFEST_GRANT_SUPERVISOR:
        return make_client(unit, control, init.supervisor, SUPERVISOR_ID, to);
    case MANIFEST_GRANT_INSPECTOR:
        to->type = OBJECT_INSPECTOR;
        to->rights = launch_plain(0);
        return tess_handle_copy(init.inspector, to->rights, &to->handle);
    case MANIFEST_GRANT_TRACE:
        to->type = OBJECT_TRACE;
        to->rights = launch_plain(RIGHT_MANAGE_BIT);
        return tess_handle_copy(init.trace, to->rights, &to->handle);
    case MANIFEST_GRANT_IOPORT:
        to->type = OBJECT_IOPORT;
        to->rights.v = RIGHT_READ_BIT | RIGHT_WRITE_BIT | RIGHT_INSPECT_BIT;
        return tess_resource_mint_ioport(init.resource, manifest_grant_ioport_get_base(manifest_grant_get_ioport(grant)),
                                         manifest_grant_ioport_get_count(manifest_grant_get_ioport(grant)), account,
                                         &to->handle);
    case MANIFEST_GRANT_INTERRUPT:
        to->type = OBJECT_INTERRUPT;
        to->rights.v = RIGHT_WAIT_BIT | RIGHT_INSPECT_BIT;
        return tess_resource_mint_interrupt(init.resource, manifest_grant_get_interrupt(grant),
                                            INTERRUPT_AS_FIRMWARE_SAYS, account, &to->handle);
    case MANIFEST_GRANT_SERIAL: return make_serial(grant, account, to);
    case MANIFEST_GRANT_REAL_TIME_CLOCK: return make_rtc(account, to);
    case MANIFEST_GRANT_RESOURCE: return make_resource(grant, to);
    case MANIFEST_GRANT_ROSTER:
        to->type = OBJECT_VMO;
        to->rights = launch_plain(RIGHT_READ_BIT | RIGHT_MAP_BIT);
        return tess_handle_copy(init.roster_vmo, to->rights, &to->handle);
    default: return STATUS_UNSUPPORTED;
    }
}

// What may be passed on to a program: the thing itself, or the right to make clients of a service.
static status_t lend(const struct init_unit *unit, struct manifest_grant grant, struct spawn_grant *to) {
    const struct init_endpoint *endpoint;
    to->rights = launch_plain(RIGHT_SEND_BIT | RIGHT_MINT_BIT);
    to->type = OBJECT_ENDPOINT;
    switch (manifest_grant_which(grant)) {
    case MANIFEST_GRANT_SERVICE:
        endpoint = endpoint_find(manifest_grant_get_service(grant).bytes);
        to->interface_id = endpoint->interface_id;
        return tess_handle_copy(endpoint->endpoint, to->rights, &to->handle);
    case MANIFEST_GRANT_SUPERVISOR:
        to->interface_id = SUPERVISOR_ID;
        return tess_handle_copy(init.supervisor, to->rights, &to->handle);
    default: return make(unit, grant, false, init.account, to);
    }
}

// All that it takes to run programs: the package, an account for them, and what they are granted.
static status_t make_programs(struct init_unit *unit, struct manifest_grant grant, struct launch_grants *all,
                              struct spawn_grant *to) {
    struct manifest_grant lent;
    to->type = OBJECT_VMO;
    to->rights = launch_plain(RIGHT_READ_BIT | RIGHT_MAP_BIT | RIGHT_EXECUTE_BIT);
    TRY(tess_handle_copy(init.package_vmo, to->rights, &to->handle));
    to = launch_add(all, MANIFEST_PROGRAMS_ACCOUNT, grant);
    if (to == nullptr) {
        return STATUS_TOO_LARGE;
    }
    to->type = OBJECT_ACCOUNT;
    to->rights = launch_plain(RIGHT_CREATE_BIT | RIGHT_MANAGE_BIT);
    TRY(tess_handle_copy(unit->lent, to->rights, &to->handle));
    for (uint32_t i = 0; manifest_lent(&init.manifest, i, &lent); i++) {
        char name[NAME_BYTES];
        fmt_snprintf(name, sizeof name, MANIFEST_PROGRAMS_PREFIX "%u", i);
        to = launch_add(all, name, lent);
        if (to == nullptr) {
            return STATUS_TOO_LARGE;
        }
        TRY(lend(unit, lent, to));
    }
    return STATUS_OK;
}

status_t grant_make(void *context, struct manifest_grant grant, struct launch_grants *all, struct spawn_grant *to) {
    struct init_unit *unit = context;
    switch (manifest_grant_which(grant)) {
    case MANIFEST_GRANT_PROGRAMS: return make_programs(unit, grant, all, to);
    case MANIFEST_GRANT_KEEP_KIB: return lend_kept(unit, grant, to);
    case MANIFEST_GRANT_CRASHES: return crash_grant(unit, all, grant, to);
    default: return make(unit, grant, launch_controls(all, grant), unit->account, to);
    }
}

void grant_provide(void *context, const char *name, struct spawn_grant *to) {
    const struct init_unit *unit = context;
    const struct init_endpoint *endpoint = endpoint_find(name);
    to->handle = endpoint->endpoint;
    // Lent: it goes with the process. What the process mints of it has the rights of a client's, and stays.
    to->rights = unit->spec->mints ? launch_plain(RIGHT_RECEIVE_BIT | RIGHT_MINT_BIT | RIGHT_SEND_BIT)
                                   : (rights_t){RIGHT_RECEIVE_BIT | RIGHT_INSPECT_BIT};
    to->type = OBJECT_ENDPOINT;
    to->interface_id = endpoint->interface_id;
}
