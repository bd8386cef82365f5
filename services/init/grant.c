#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "base/align.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/interfaces.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/heap.h"
#include "services/init/init.h"

constexpr uint32_t PLAIN = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT;
constexpr uint64_t INTERRUPT_AS_FIRMWARE_SAYS = 4;

struct init_endpoint *endpoint_find(const char *name) {
    for (size_t i = 0; i < init.endpoint_count; i++) {
        if (str_equal(init.endpoints[i].name, name)) {
            return &init.endpoints[i];
        }
    }
    return nullptr;
}

static uint64_t badge_of(const struct init_unit *unit, bool control) {
    return unit->id | (control ? BADGE_CONTROL : 0);
}

// The client's end of an endpoint, with the badge of its holder.
static status_t make_client(const struct init_unit *unit, struct manifest_grant grant,
                            handle_t endpoint, uint64_t interface_id, struct spawn_grant *to) {
    to->type = OBJECT_ENDPOINT;
    to->interface_id = interface_id;
    to->rights.v = RIGHT_SEND_BIT | PLAIN;
    return tess_handle_mint(endpoint, to->rights, badge_of(unit, manifest_grant_get_control(grant)), interface_id, &to->handle);
}

static status_t make_resource(struct manifest_grant grant, struct spawn_grant *to) {
    static const uint32_t rights[] = {
        [MANIFEST_RESOURCE_POWER] = RIGHT_POWER_BIT,
        [MANIFEST_RESOURCE_MINT] = RIGHT_CREATE_BIT,
        [MANIFEST_RESOURCE_ALL] = RIGHT_POWER_BIT | RIGHT_CREATE_BIT,
    };
    to->type = OBJECT_RESOURCE;
    to->rights.v = rights[manifest_grant_get_resource(grant)] | PLAIN;
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

// A view of the pages that the file has in the package; behind its end they are zero.
static status_t make_file(enum boot_entry_kind kind, const char *name, handle_t account, struct spawn_grant *to) {
    struct package_entry file;
    if (!package_find(&init.package, kind, name, &file)) {
        return STATUS_NOT_FOUND;
    }
    TESS_OWNED handle_t view = {};
    TRY(tess_vmo_clone(init.package_vmo, file.offset_bytes, align_up(file.len_bytes, PAGE_BYTES), account, &view));
    to->type = OBJECT_VMO;
    to->rights.v = RIGHT_READ_BIT | RIGHT_MAP_BIT | PLAIN;
    return tess_handle_copy(view, to->rights, &to->handle);
}

// Every result is a fresh handle of init's own, closed again after the start.
static status_t make(const struct init_unit *unit, struct manifest_grant grant, handle_t account,
                     struct spawn_grant *to) {
    switch (manifest_grant_which(grant)) {
    case MANIFEST_GRANT_SERVICE: {
        const struct init_endpoint *endpoint = endpoint_find(manifest_grant_get_service(grant).bytes);
        return make_client(unit, grant, endpoint->endpoint, endpoint->interface_id, to);
    }
    case MANIFEST_GRANT_SUPERVISOR:
        return make_client(unit, grant, init.supervisor, SUPERVISOR_ID, to);
    case MANIFEST_GRANT_INSPECTOR:
        to->type = OBJECT_INSPECTOR;
        to->rights.v = PLAIN;
        return tess_handle_copy(init.inspector, to->rights, &to->handle);
    case MANIFEST_GRANT_TRACE:
        to->type = OBJECT_TRACE;
        to->rights.v = PLAIN | RIGHT_MANAGE_BIT;
        return tess_handle_copy(init.trace, to->rights, &to->handle);
    case MANIFEST_GRANT_NOTIFICATION:
        to->type = OBJECT_NOTIFICATION;
        to->rights.v = RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT | PLAIN;
        return tess_account_create_notification(account, &to->handle);
    case MANIFEST_GRANT_ENDPOINT:
        to->type = OBJECT_ENDPOINT;
        to->rights.v = RIGHT_SEND_BIT | RIGHT_RECEIVE_BIT | RIGHT_MINT_BIT | PLAIN;
        return tess_account_create_endpoint(account, 0, &to->handle);
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
    case MANIFEST_GRANT_RESOURCE: return make_resource(grant, to);
    case MANIFEST_GRANT_ACCOUNT_KIB:
        to->type = OBJECT_ACCOUNT;
        to->rights.v = RIGHT_CREATE_BIT | RIGHT_MANAGE_BIT | PLAIN;
        return tess_account_create_account(init.account, manifest_grant_get_account_kib(grant) * 1024, &to->handle);
    case MANIFEST_GRANT_BOOT_PACKAGE:
        to->type = OBJECT_VMO;
        to->rights.v = RIGHT_READ_BIT | RIGHT_MAP_BIT | RIGHT_EXECUTE_BIT | PLAIN;
        return tess_handle_copy(init.package_vmo, to->rights, &to->handle);
    case MANIFEST_GRANT_FILE:
        return make_file(BOOT_ENTRY_DATA, manifest_grant_get_file(grant).bytes, account, to);
    case MANIFEST_GRANT_ROSTER:
        to->type = OBJECT_VMO;
        to->rights.v = RIGHT_READ_BIT | RIGHT_MAP_BIT | PLAIN;
        return tess_handle_copy(init.roster_vmo, to->rights, &to->handle);
    case MANIFEST_GRANT_MANIFEST: return make_file(BOOT_ENTRY_MANIFEST, nullptr, account, to);
    default: return STATUS_UNSUPPORTED;
    }
}

status_t grant_make(const struct init_unit *unit, handle_t account, struct spawn_grant *grants,
                    bool *temporary, uint32_t *count, char *why, size_t why_bytes) {
    *count = 0;
    // As many as there are places for: the manifest's reader has counted them.
    for (uint32_t i = 0; i < capnp_text_list_count(unit->spec->provides); i++) {
        const struct init_endpoint *endpoint = endpoint_find(manifest_word(unit->spec->provides, i));
        struct spawn_grant *to = &grants[*count];
        *to = (struct spawn_grant){
            .handle = endpoint->endpoint,
            // Lent: it goes with the process. What the process mints of it has the rights of a client's, and stays.
            .rights = {RIGHT_RECEIVE_BIT | (unit->spec->mints ? RIGHT_MINT_BIT | RIGHT_SEND_BIT | PLAIN : RIGHT_INSPECT_BIT)},
            .type = OBJECT_ENDPOINT,
            .interface_id = endpoint->interface_id,
        };
        (void)str_copy(to->name, sizeof to->name, endpoint->name); // same bound on both sides
        temporary[(*count)++] = false;
    }
    for (uint32_t i = 0; i < manifest_grant_list_count(unit->spec->grants); i++) {
        const struct manifest_grant grant = manifest_grant_list_get(unit->spec->grants, i);
        struct spawn_grant *to = &grants[*count];
        *to = (struct spawn_grant){};
        (void)str_copy(to->name, sizeof to->name, manifest_grant_get_name(grant).bytes);
        status_t status = make(unit, grant, account, to);
        if (!status_ok(status)) {
            fmt_snprintf(why, why_bytes, "%s: grant `%s` (%s:%u): %s", unit->name, to->name,
                         manifest_source(&init.manifest, manifest_grant_get_source(grant)),
                         manifest_grant_get_line(grant), abi_status_text(status.code));
            return status;
        }
        if (to->interface_id == 0) { // an object of the kernel: of the interface that a service would have which stands in for it
            to->interface_id = idl_interface_by_name(abi_object_name(to->type));
        }
        temporary[(*count)++] = true;
    }
    return STATUS_OK;
}

void grant_release(const struct spawn_grant *grants, const bool *temporary, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (temporary[i]) {
            tess_close(grants[i].handle);
        }
    }
}

// `source` is the file, and `what` what it grants in the line.
static void remember(struct init_capset *capset, const char *name, uint32_t handle, uint64_t interface_id,
                     const char *source, uint32_t line, const char *what) {
    struct init_capability *entry = &capset->entries[capset->count++];
    *entry = (struct init_capability){
        .handle = handle, .manifest_line = line, .manifest_source = source, .interface_id = interface_id};
    (void)str_copy(entry->name, sizeof entry->name, name);
    (void)str_copy(entry->source, sizeof entry->source, what);
}

void grant_remember(struct init_unit *unit, const struct spawn_grant *grants, uint32_t count) {
    const struct manifest_unit *spec = unit->spec;
    const uint32_t provided = capnp_text_list_count(spec->provides);
    struct init_capset *capset = &unit->capset;
    capset->count = 0;
    capset->entries = malloc((count + 4) * sizeof *capset->entries);
    if (capset->entries == nullptr) {
        return;
    }
    const struct {
        const char *name;
        uint32_t handle;
    } own[] = {
        {"process", unit->process.own_process},
        {"thread", unit->process.own_thread},
        {"vspace", unit->process.own_vspace},
        {"account", unit->process.own_account},
    };
    for (size_t i = 0; i < 4; i++) {
        if (own[i].handle != 0) {
            remember(capset, own[i].name, own[i].handle, 0, "", 0, "its own");
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        char what[sizeof capset->entries->source];
        const char *source = spec->source;
        uint32_t line = spec->line;
        if (i < provided) {
            fmt_snprintf(what, sizeof what, "provides %s", manifest_word(spec->provides, i));
        } else {
            const struct manifest_grant grant = manifest_grant_list_get(spec->grants, i - provided);
            manifest_grant_text(grant, what, sizeof what);
            source = manifest_source(&init.manifest, manifest_grant_get_source(grant));
            line = manifest_grant_get_line(grant);
        }
        remember(capset, grants[i].name, grants[i].foreign, grants[i].interface_id, source, line, what);
    }
}
