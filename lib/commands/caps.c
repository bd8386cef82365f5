// caps: every handle of a process, from what the kernel knows (inspector) and what the supervisor granted.
#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "abi/inspect.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/tess/page.h"

constexpr size_t GRANTS_MAX = 128;
static struct grant {
    uint32_t handle;
    uint32_t manifest_line; // 0: every process is given it
    char name[NAME_BYTES];
    char source[56];
    char manifest_file[64];
} grants[GRANTS_MAX];
static size_t grant_count;

static void take_grant(void *, uint64_t, struct supervisor_granted_capability from) {
    if (grant_count == GRANTS_MAX) {
        return;
    }
    struct grant *grant = &grants[grant_count++];
    grant->handle = supervisor_granted_capability_get_handle(from);
    grant->manifest_line = supervisor_granted_capability_get_manifest_line(from);
    shown(grant->name, sizeof(grant->name), supervisor_granted_capability_get_name(from));
    shown(grant->source, sizeof(grant->source), supervisor_granted_capability_get_source(from));
    shown(grant->manifest_file, sizeof(grant->manifest_file), supervisor_granted_capability_get_manifest_file(from));
}

// What a service or job was granted, as far as there is room; *koid is its process, 0 when it is not running.
static status_t fetch_grants(const char *name, bool *found, uint64_t *koid) {
    grant_count = 0;
    return each_granted(name, take_grant, nullptr, found, koid);
}

static const struct grant *find_grant(uint32_t handle) {
    for (size_t i = 0; i < grant_count; i++) {
        if (grants[i].handle == handle) {
            return &grants[i];
        }
    }
    return nullptr;
}

static void origin_text(const struct inspect_handle *handle, char *to, size_t size) {
    char name[24];
    switch (handle->origin) {
    case ORIGIN_BOOT: fmt_snprintf(to, size, "made by the kernel at boot"); break;
    case ORIGIN_CREATED: fmt_snprintf(to, size, "came with the creation of its object"); break;
    case ORIGIN_COPIED:
        fmt_snprintf(to, size, "copied in %s", process_name(handle->granter_koid, name));
        break;
    case ORIGIN_GRANTED:
        fmt_snprintf(to, size, "granted by %s", process_name(handle->granter_koid, name));
        break;
    case ORIGIN_REQUEST:
        fmt_snprintf(to, size, "came with a request (method %u) from %s", handle->method,
                     process_name(handle->granter_koid, name));
        break;
    case ORIGIN_ANSWER:
        fmt_snprintf(to, size, "came with the answer of %s to a request (method %u)",
                     process_name(handle->granter_koid, name), handle->method);
        break;
    default: fmt_snprintf(to, size, "?"); break;
    }
}

// The handle that this one is derived from: what a revoke of that one takes away.
static void print_parent(const struct inspect_handle *handle) {
    char name[24];
    if (handle->parent_handle == 0) {
        table_cell(&shell.table, "-");
    } else if (handle->parent_handle == INSPECT_PARENT_FAR) {
        table_cell(&shell.table, "one of many");
    } else {
        table_cell(&shell.table, "0x%x of %s", handle->parent_handle,
                   process_name(handle->parent_process_koid, name));
    }
}

static void print_handle(const struct inspect_handle *handle) {
    struct shell_table *table = &shell.table;
    const struct grant *grant = find_grant(handle->handle);
    char rights[128];
    char from[96];
    abi_rights_text(handle->rights, rights, sizeof(rights));
    table_cell(table, "0x%x", handle->handle);
    table_cell(table, "%s", grant != nullptr && grant->name[0] != '\0' ? grant->name : "-");
    table_cell(table, "%s", abi_object_name(handle->type));
    table_cell(table, "%s", rights);
    if (handle->type == OBJECT_ENDPOINT) {
        table_cell(table, "%llu%s", (unsigned long long)badge_holder(handle->badge),
                   badge_controls(handle->badge) ? " control" : "");
    } else {
        table_cell(table, "-");
    }
    print_parent(handle);
    if (grant != nullptr && grant->manifest_line != 0) {
        table_cell(table, "%s:%u: %s", grant->manifest_file, grant->manifest_line, grant->source);
    } else if (grant != nullptr) {
        table_cell(table, "every process: %s", grant->source);
    } else {
        origin_text(handle, from, sizeof(from));
        table_cell(table, "%s", from);
    }
}

// Nobody granted the supervisor anything: it is the first process that there ever was, which the kernel started.
static status_t find_supervisor(const char *name, bool *found, uint64_t *koid) {
    RPC_CALL(call);
    struct inspector_processes_results results;
    struct inspect_process first;
    TRY(inspector_call_processes(shell.inspector, &call, 0, rpc_patience(), &results));
    if (inspector_processes_results_get_count(results) > 0) {
        memcpy(&first, tess_message_page(), sizeof first);
        *found = strnlen(first.name, sizeof first.name) == strlen(name) && memcmp(first.name, name, strlen(name)) == 0;
        *koid = first.koid;
    }
    return STATUS_OK;
}

int command_caps(const struct arguments *arguments) {
    // A page of entries is copied before they are printed: looking up names uses the page, too.
    static struct inspect_handle handles[MESSAGE_PAGE_BYTES / sizeof(struct inspect_handle)];
    const char *name = arguments->words[1];
    bool found = false;
    uint64_t koid = 0;
    status_t status = fetch_grants(name, &found, &koid);
    if (status_ok(status) && !found) {
        status = find_supervisor(name, &found, &koid);
    }
    if (!status_ok(status)) {
        return fail("caps: %s\n", status_text(status));
    }
    if (!found) {
        return fail("caps: there is no service or job `%s`; `services` and `jobs` list them\n", name);
    }
    if (koid == 0) {
        return fail("caps: %s is not running, and so holds nothing\n", name);
    }
    table_begin(&shell.table, "HANDLE NAME TYPE RIGHTS BADGE PARENT FROM", out_sink, nullptr);
    uint64_t index = 0;
    do {
        RPC_CALL(call);
        struct inspector_handles_results found_handles;
        status = inspector_call_handles(shell.inspector, &call, koid, index, rpc_patience(), &found_handles);
        if (!status_ok(status)) {
            return out_problem("caps", status);
        }
        const uint64_t count = inspector_handles_results_get_count(found_handles);
        index = inspector_handles_results_get_next_index(found_handles);
        if (count > sizeof(handles) / sizeof(handles[0])) {
            break;
        }
        memcpy(handles, tess_message_page(), (size_t)count * sizeof(handles[0]));
        for (uint64_t i = 0; i < count; i++) {
            print_handle(&handles[i]);
        }
    } while (index != 0);
    table_end(&shell.table);
    return COMMAND_OK;
}
