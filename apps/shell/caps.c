// caps: every handle of a process, from what the kernel knows (inspector) and what the supervisor granted.
#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "abi/inspect.h"
#include "apps/shell/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "lib/tess/page.h"
#include "lib/wire/supervisor_client.h"

constexpr size_t GRANTS_MAX = 128;
static struct supervisor_capability grants[GRANTS_MAX];
static size_t grant_count;

static status_t fetch_grants(const char *name, uint64_t *koid) {
    size_t total = 1;
    grant_count = 0;
    while (grant_count < total && grant_count < GRANTS_MAX) {
        size_t count;
        TRY(supervisor_capset(shell.supervisor, name, grant_count, grants + grant_count,
                              GRANTS_MAX - grant_count, &count, &total, koid));
        if (count == 0) {
            break;
        }
        grant_count += count;
    }
    return STATUS_OK;
}

static const struct supervisor_capability *find_grant(uint32_t handle) {
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
    const struct supervisor_capability *grant = find_grant(handle->handle);
    char rights[128];
    char from[96];
    abi_rights_text(handle->rights, rights, sizeof(rights));
    table_cell(table, "0x%x", handle->handle);
    table_cell(table, "%s", grant != nullptr && grant->name[0] != '\0' ? grant->name : "-");
    table_cell(table, "%s", abi_object_name(handle->type));
    table_cell(table, "%s", rights);
    if (handle->type == OBJECT_ENDPOINT) {
        table_cell(table, "%llu%s", (unsigned long long)wire_badge_holder(handle->badge),
                   wire_badge_controls(handle->badge) ? " control" : "");
    } else {
        table_cell(table, "-");
    }
    print_parent(handle);
    if (grant != nullptr && grant->manifest_line != 0) {
        table_cell(table, "manifest line %u: %s", grant->manifest_line, grant->source);
    } else if (grant != nullptr) {
        table_cell(table, "every process: %s", grant->source);
    } else {
        origin_text(handle, from, sizeof(from));
        table_cell(table, "%s", from);
    }
}

void command_caps(const struct arguments *arguments) {
    // A page of entries is copied before they are printed: looking up names uses the page, too.
    static struct inspect_handle handles[MESSAGE_PAGE_BYTES / sizeof(struct inspect_handle)];
    const char *name = arguments->words[1];
    uint64_t koid = 0;
    status_t status = fetch_grants(name, &koid);
    if (status_is(status, wire_status(WIRE_NOT_FOUND))) {
        out("caps: there is no service or job `%s`; `services` and `jobs` list them\n", name);
        return;
    }
    if (!status_ok(status)) {
        out_problem("caps", status);
        return;
    }
    if (koid == 0) {
        out("caps: %s is not running, and so holds nothing\n", name);
        return;
    }
    table_begin(&shell.table, "HANDLE NAME TYPE RIGHTS BADGE PARENT FROM", out_sink, nullptr);
    uint64_t index = 0;
    do {
        uint64_t count = 0;
        status = tess_inspector_handles(shell.inspector, koid, index, &count, &index);
        if (!status_ok(status)) {
            out_problem("caps", status);
            return;
        }
        if (count > sizeof(handles) / sizeof(handles[0])) {
            break;
        }
        memcpy(handles, tess_message_page(), (size_t)count * sizeof(handles[0]));
        for (uint64_t i = 0; i < count; i++) {
            print_handle(&handles[i]);
        }
    } while (index != 0);
    table_end(&shell.table);
}
