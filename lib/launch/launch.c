#include "lib/launch/launch.h"

#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "abi/limits.h"
#include "abi/message.h"
#include "base/align.h"
#include "base/fmt.h"
#include "base/str.h"
#include "base/xxh64.h"
#include "idl/interfaces.h"
#include "idl/policy.capnp.h"
#include "lib/denial/refusal.h"
#include "lib/tess/handle.h"
#include "lib/tess/capset.h"
#include "lib/tess/heap.h"

constexpr size_t ARGUMENTS_MAX = 64; // as many as the start code of a program takes

struct launch_grants {
    uint32_t count;
    struct spawn_grant entries[BOOTSTRAP_MAX_CAPS];
    struct launch_capability shown[BOOTSTRAP_MAX_CAPS];
    bool temporary[BOOTSTRAP_MAX_CAPS]; // made for this start, and closed after it
    const struct launch *launch;
    struct manifest_grant current; // being made
    uint8_t withheld;              // of that
};

rights_t launch_plain(uint32_t rights) {
    return (rights_t){rights | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT};
}

uint64_t launch_interface_id(const char *provided) {
    const uint64_t id = idl_interface_by_name(provided);
    return id != 0 ? id : xxh64(provided, strlen(provided), 0); // an interface that only its users know
}

// ---- grants ----

static bool is_withheld(const struct launch_grants *all, enum policy_action action) {
    return (all->withheld >> action & 1) != 0;
}

bool launch_controls(const struct launch_grants *all, struct manifest_grant grant) {
    return manifest_grant_get_control(grant) && !is_withheld(all, POLICY_ACTION_CONTROL);
}

static struct spawn_grant *add(struct launch_grants *all, const char *name, const char *source, uint32_t line, bool temporary) {
    if (all->count == BOOTSTRAP_MAX_CAPS) {
        return nullptr;
    }
    struct launch_capability *shown = &all->shown[all->count];
    struct spawn_grant *to = &all->entries[all->count];
    all->temporary[all->count++] = temporary;
    *shown = (struct launch_capability){.manifest_line = line, .manifest_source = source};
    *to = (struct spawn_grant){.file = source[0] != '\0' ? source : nullptr, .line = line};
    (void)str_copy(shown->name, sizeof(shown->name), name); // same bound on all sides
    (void)str_copy(to->name, sizeof(to->name), name);
    return to;
}

static struct spawn_grant *add_granted(struct launch_grants *all, const char *name, struct manifest_grant shown) {
    struct spawn_grant *to = add(all, name, manifest_source(all->launch->manifest, manifest_grant_get_source(all->current)),
                                 manifest_grant_get_line(all->current), true);
    if (to != nullptr) {
        struct launch_capability *entry = &all->shown[all->count - 1];
        const enum manifest_grant_which kind = manifest_grant_which(all->current);
        manifest_grant_text(shown, entry->source, sizeof(entry->source));
        if (kind == MANIFEST_GRANT_SERVICE || kind == MANIFEST_GRANT_SUPERVISOR) {
            entry->badge = all->launch->holder | (launch_controls(all, all->current) ? BADGE_CONTROL : 0);
        }
    }
    return to;
}

struct spawn_grant *launch_add(struct launch_grants *all, const char *name, struct manifest_grant shown) {
    return add_granted(all, name, shown);
}

// A view of the pages that the file has in the package; behind its end they are zero.
static status_t make_file(const struct launch *launch, enum boot_entry_kind kind, const char *name, struct spawn_grant *to) {
    struct package_entry file;
    if (!package_find(launch->package, kind, name, &file)) {
        return STATUS_NOT_FOUND;
    }
    TESS_OWNED handle_t view = {};
    TRY(tess_vmo_clone(launch->package_vmo, file.offset_bytes, align_up(file.len_bytes, PAGE_BYTES), launch->account, &view));
    to->type = OBJECT_VMO;
    to->rights = launch_plain(RIGHT_READ_BIT | RIGHT_MAP_BIT);
    return tess_handle_copy(view, to->rights, &to->handle);
}

static status_t make(struct launch_grants *all, struct manifest_grant grant, struct spawn_grant *to) {
    const struct launch *launch = all->launch;
    switch (manifest_grant_which(grant)) {
    case MANIFEST_GRANT_NOTIFICATION:
        to->type = OBJECT_NOTIFICATION;
        to->rights = launch_plain(RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT);
        return tess_account_create_notification(launch->account, &to->handle);
    case MANIFEST_GRANT_ENDPOINT:
        to->type = OBJECT_ENDPOINT;
        to->rights = launch_plain(RIGHT_SEND_BIT | RIGHT_RECEIVE_BIT | RIGHT_MINT_BIT);
        return tess_account_create_endpoint(launch->account, 0, &to->handle);
    case MANIFEST_GRANT_ACCOUNT_KIB:
        to->type = OBJECT_ACCOUNT;
        to->rights = launch_plain(RIGHT_CREATE_BIT | RIGHT_MANAGE_BIT);
        return tess_account_create_account(launch->accounts, manifest_grant_get_account_kib(grant) * 1024, &to->handle);
    case MANIFEST_GRANT_BOOT_PACKAGE:
        to->type = OBJECT_VMO;
        to->rights = launch_plain(RIGHT_READ_BIT | RIGHT_MAP_BIT | RIGHT_EXECUTE_BIT);
        return tess_handle_copy(launch->package_vmo, to->rights, &to->handle);
    case MANIFEST_GRANT_FILE:
        return make_file(launch, BOOT_ENTRY_DATA, manifest_grant_get_file(grant).bytes, to);
    case MANIFEST_GRANT_MANIFEST: return make_file(launch, BOOT_ENTRY_MANIFEST, nullptr, to);
    default: return launch->make(launch->context, grant, all, to);
    }
}

static bool is_handed(const struct launch *launch, const char *name) {
    for (size_t i = 0; i < launch->handed_count; i++) {
        if (str_equal(launch->handed[i].name, name)) {
            return true;
        }
    }
    return false;
}

// As many as there are places for: the manifest's reader has counted them.
static void put_provided(struct launch_grants *all) {
    const struct launch *launch = all->launch;
    const struct manifest_unit *spec = launch->spec;
    for (uint32_t i = 0; i < capnp_text_list_count(spec->provides); i++) {
        const char *name = manifest_word(spec->provides, i);
        struct spawn_grant *to = add(all, name, spec->source, spec->line, false);
        launch->provide(launch->context, name, to);
        struct launch_capability *shown = &all->shown[all->count - 1];
        fmt_snprintf(shown->source, sizeof(shown->source), "provides %s", name);
    }
}

// What the unit may not use.
static status_t put_withheld(struct launch_grants *all, struct manifest_grant grant, struct spawn_grant *to, char *why, size_t why_bytes) {
    const bool service = manifest_grant_which(grant) == MANIFEST_GRANT_SERVICE;
    const char *object = service ? manifest_grant_get_service(grant).bytes : "supervisor";
    if (all->launch->refuses_withheld) {
        fmt_snprintf(why, why_bytes, "%s may not use %s: it was revoked while the system runs; `policy restore` gives it back (`%s`, %s:%u)",
                     all->launch->spec->name, object, manifest_grant_get_name(grant).bytes,
                     manifest_source(all->launch->manifest, manifest_grant_get_source(grant)), manifest_grant_get_line(grant));
        return STATUS_NO_RIGHT;
    }
    to->withheld = true;
    to->type = OBJECT_ENDPOINT;
    to->interface_id = launch_interface_id(object);
    return STATUS_OK;
}

static status_t put_granted(struct launch_grants *all, char *why, size_t why_bytes) {
    const struct launch *launch = all->launch;
    char denied[DENIAL_TEXT_BYTES];
    for (uint32_t i = 0; i < manifest_grant_list_count(launch->spec->grants); i++) {
        const struct manifest_grant grant = all->current = manifest_grant_list_get(launch->spec->grants, i);
        const char *name = manifest_grant_get_name(grant).bytes;
        if (is_handed(launch, name)) {
            continue;
        }
        all->withheld = launch->withheld != nullptr ? launch->withheld[i] : 0;
        struct spawn_grant *to = add_granted(all, name, grant);
        if (to != nullptr && is_withheld(all, POLICY_ACTION_USE)) {
            TRY(put_withheld(all, grant, to, why, why_bytes));
            continue;
        }
        const status_t status = to != nullptr ? make(all, grant, to) : STATUS_TOO_LARGE;
        if (status_is(status, STATUS_NOT_FOUND) && manifest_grant_which(grant) == MANIFEST_GRANT_REAL_TIME_CLOCK) {
            all->count--; // the machine has none; the service says what it cannot know
            continue;
        }
        if (!status_ok(status)) {
            fmt_snprintf(why, why_bytes, "%s: grant `%s` (%s:%u): %s", launch->name, name,
                         manifest_source(launch->manifest, manifest_grant_get_source(grant)), manifest_grant_get_line(grant),
                         denial_status_text(status, denied));
            return status;
        }
        if (manifest_grant_get_unshared(grant)) {
            to->rights.v &= ~(uint32_t)(RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT);
        }
        if (is_withheld(all, POLICY_ACTION_SHARE)) {
            to->rights.v &= ~(uint32_t)RIGHT_COPY_BIT; // as of what is resolved
        }
    }
    return STATUS_OK;
}

static status_t put_handed(struct launch_grants *all, char *why, size_t why_bytes) {
    const struct launch *launch = all->launch;
    for (size_t i = 0; i < launch->handed_count; i++) {
        const struct launch_handed *handed = &launch->handed[i];
        struct spawn_grant *to = add(all, handed->name, "", 0, false);
        uint64_t type = 0, rights = 0;
        if (to == nullptr ||
            !status_ok(tess_process_handle_info(tess_self_process(), handed->handle.v, &type, &rights, nullptr, &to->interface_id, nullptr))) {
            fmt_snprintf(why, why_bytes, "%s: what it was handed as `%s` cannot be granted", launch->name, handed->name);
            return STATUS_BAD_ARGUMENT;
        }
        if ((rights & RIGHT_COPY_BIT) == 0) {
            fmt_snprintf(why, why_bytes, "%s: it is to be handed `%s`, which may not be copied: that %s was granted without COPY to who runs it",
                         launch->name, handed->name, abi_object_name((uint32_t)type));
            return STATUS_NO_RIGHT;
        }
        to->handle = handed->handle;
        to->type = (uint32_t)type;
        to->rights.v = handed->rights.v != 0 ? handed->rights.v & (uint32_t)rights : (uint32_t)rights;
        (void)str_copy(all->shown[all->count - 1].source, sizeof(all->shown[0].source), "handed by who ran it");
    }
    return STATUS_OK;
}

// An object of the kernel is of the interface that a service would have which stands in for it.
static void name_interfaces(struct launch_grants *all) {
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->entries[i].interface_id == 0) {
            all->entries[i].interface_id = idl_interface_by_name(abi_object_name(all->entries[i].type));
        }
    }
}

static void release(const struct launch_grants *all) {
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->temporary[i]) {
            tess_close(all->entries[i].handle);
        }
    }
}

// ---- what was given ----

static void remember(const struct launch_grants *all, const struct spawned *process, struct launch_capset *capset) {
    const struct {
        const char *name;
        uint32_t handle, type, rights;
    } own[] = {
        {"process", process->own_process, OBJECT_PROCESS, SPAWN_OWN_PROCESS_RIGHTS},
        {"thread", process->own_thread, OBJECT_THREAD, SPAWN_OWN_THREAD_RIGHTS},
        {"vspace", process->own_vspace, OBJECT_VSPACE, SPAWN_OWN_VSPACE_RIGHTS},
        {"account", process->own_account, OBJECT_ACCOUNT, SPAWN_OWN_ACCOUNT_RIGHTS},
    };
    *capset = (struct launch_capset){.entries = malloc((all->count + 4) * sizeof(*capset->entries))};
    if (capset->entries == nullptr) {
        return; // there is just nothing to show
    }
    for (size_t i = 0; i < 4; i++) {
        if (own[i].handle != 0) {
            struct launch_capability *entry = &capset->entries[capset->count++];
            *entry = (struct launch_capability){
                .handle = own[i].handle, .type = own[i].type, .rights = {own[i].rights}, .manifest_source = ""};
            (void)str_copy(entry->name, sizeof(entry->name), own[i].name);
            (void)str_copy(entry->source, sizeof(entry->source), "its own");
        }
    }
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->entries[i].withheld) {
            continue;
        }
        struct launch_capability *entry = &capset->entries[capset->count++];
        *entry = all->shown[i];
        entry->handle = all->entries[i].foreign;
        entry->type = all->entries[i].type;
        entry->rights = all->entries[i].rights;
        entry->interface_id = all->entries[i].interface_id;
    }
}

void launch_forget(struct launch_capset *capset) {
    free(capset->entries);
    *capset = (struct launch_capset){};
}

void launch_count(const struct launch_capset *capset, struct rpc_piece *piece) {
    for (size_t i = 0; i < capset->count; i++) {
        const struct launch_capability *entry = &capset->entries[i];
        (void)rpc_piece_takes(piece, SUPERVISOR_GRANTED_CAPABILITY_DATA_WORDS + SUPERVISOR_GRANTED_CAPABILITY_POINTERS +
                                         rpc_text_words(strlen(entry->name)) + rpc_text_words(strlen(entry->source)) +
                                         rpc_text_words(strlen(entry->manifest_source)));
    }
}

void launch_put(const struct launch_capset *capset, const struct rpc_piece *piece,
                struct supervisor_granted_capability_list_builder list) {
    for (uint32_t i = 0; i < piece->count; i++) {
        const struct launch_capability *entry = &capset->entries[piece->first + i];
        const struct supervisor_granted_capability_builder to = supervisor_granted_capability_list_edit(list, i);
        supervisor_granted_capability_set_handle(to, entry->handle);
        supervisor_granted_capability_set_manifest_file(to, capnp_text(entry->manifest_source));
        supervisor_granted_capability_set_manifest_line(to, entry->manifest_line);
        supervisor_granted_capability_set_interface_id(to, entry->interface_id);
        supervisor_granted_capability_set_name(to, capnp_text(entry->name));
        supervisor_granted_capability_set_source(to, capnp_text(entry->source));
    }
}

// ---- all together ----

static bool is_granted_accounts(const struct manifest_unit *spec) {
    for (uint32_t i = 0; i < manifest_grant_list_count(spec->grants); i++) {
        const enum manifest_grant_which kind = manifest_grant_which(manifest_grant_list_get(spec->grants, i));
        if (kind == MANIFEST_GRANT_ACCOUNT_KIB || kind == MANIFEST_GRANT_PROGRAMS) {
            return true;
        }
    }
    return false;
}

// Next to nothing is set aside for it: the accounts below have their own limits, and come out of the parent's.
status_t launch_lend_account(const struct manifest_unit *spec, handle_t parent, handle_t *out) {
    uint64_t limit_bytes = 0;
    handle_t account = {};
    if (is_granted_accounts(spec)) {
        TRY(tess_account_info(parent, &limit_bytes, nullptr, nullptr, nullptr));
        TRY(tess_account_create_account(parent, PAGE_BYTES, &account));
        const status_t status = tess_account_set_limit(parent, account, LIMIT_BYTES, limit_bytes, PAGE_BYTES);
        if (!status_ok(status)) {
            tess_close(account);
            return status;
        }
    }
    *out = account;
    return STATUS_OK;
}

// The program's name, what the manifest says, what the caller says.
static status_t make_arguments(const struct launch *launch, const char **argv, uint32_t *argc) {
    const struct manifest_unit *spec = launch->spec;
    static_assert(1 + MANIFEST_ARGUMENTS_MAX <= ARGUMENTS_MAX);
    *argc = 0;
    argv[(*argc)++] = spec->name;
    for (uint32_t i = 0; i < manifest_argument_list_count(spec->args); i++) {
        const char *word = manifest_argument_word(spec, i);
        word = word == manifest_boot_command_line ? launch->command_line : word;
        if (word != nullptr) {
            argv[(*argc)++] = word;
        }
    }
    if (launch->argument_count > ARGUMENTS_MAX - *argc) {
        return STATUS_TOO_LARGE;
    }
    for (size_t i = 0; i < launch->argument_count; i++) {
        argv[(*argc)++] = launch->arguments[i];
    }
    return STATUS_OK;
}

static status_t spawn(const struct launch *launch, struct launch_grants *all, const struct package_entry *file,
                      struct spawned *process, char *why, size_t why_bytes) {
    const char *argv[ARGUMENTS_MAX];
    struct spawn_request request = {
        .name = launch->name,
        .file = launch->spec->source,
        .line = launch->spec->line,
        .account = launch->account,
        .image = launch->package_vmo,
        .image_offset = file->offset_bytes,
        .image_bytes = file->len_bytes,
        .mapped = file->bytes,
        .band = launch->band,
        .stack_bytes = launch->spec->stack_bytes,
        .argv = argv,
        .grants = all->entries,
        .watch = launch->watch,
        .watch_bits = launch->watch_bits,
        .keep_memory = launch->keep_memory,
    };
    TRY(make_arguments(launch, argv, &request.argc));
    put_provided(all);
    TRY(put_granted(all, why, why_bytes));
    TRY(put_handed(all, why, why_bytes));
    name_interfaces(all);
    request.grant_count = all->count;
    const status_t status = tess_spawn(&request, process, why, why_bytes);
    struct refusal_text text;
    struct denial denial;
    if (!status_ok(status) && refusal_denial(status, &text, &denial)) { // which step it was is part of it
        char sentence[DENIAL_TEXT_BYTES];
        fmt_snprintf(why, why_bytes, "%s: %s", launch->name, denial_sentence(&denial, sentence));
    }
    return status;
}

status_t launch_start(const struct launch *launch, struct spawned *process, struct launch_capset *capset, char *why,
                      size_t why_bytes) {
    static struct launch_grants all; // large
    const struct manifest_unit *spec = launch->spec;
    const char *program = launch->program != nullptr ? launch->program : spec->program;
    struct package_entry file;
    if (!package_find(launch->package, BOOT_ENTRY_PROGRAM, program, &file)) {
        fmt_snprintf(why, why_bytes, "%s: the boot package has no program `%s`, which %s:%u asks for", launch->name, program,
                     spec->source, spec->line);
        return STATUS_NOT_FOUND;
    }
    all.count = 0;
    all.withheld = 0;
    all.launch = launch;
    const status_t status = spawn(launch, &all, &file, process, why, why_bytes);
    if (status_ok(status)) {
        remember(&all, process, capset);
    }
    release(&all);
    return status;
}
