// mem, ps, uptime: what inspector knows.
#include "abi/gen/decode.h"
#include "abi/inspect.h"
#include "lib/commands/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/tess/page.h"
#include "lib/badge/badge.h"

constexpr size_t PROCESSES_PER_PAGE = MESSAGE_PAGE_BYTES / sizeof(struct inspect_process);

static status_t fetch_system(struct inspect_system *system) {
    RPC_CALL(call);
    TRY(inspector_call_system(shell.inspector, &call, rpc_patience(), nullptr));
    memcpy(system, tess_message_page(), sizeof(*system));
    return STATUS_OK;
}

// The next processes after one; `count` is 0 at the end.
static status_t fetch_processes(uint64_t after, struct inspect_process *processes, size_t *count) {
    RPC_CALL(call);
    struct inspector_processes_results results;
    TRY(inspector_call_processes(shell.inspector, &call, after, rpc_patience(), &results));
    const uint64_t found = inspector_processes_results_get_count(results);
    *count = found <= PROCESSES_PER_PAGE ? (size_t)found : 0;
    memcpy(processes, tess_message_page(), *count * sizeof(*processes));
    return STATUS_OK;
}

static void printable_name(const struct inspect_process *process, char out[24]) {
    shell_printable(out, 24, process->name, strnlen(process->name, sizeof(process->name)));
}

const char *process_name(uint64_t koid, char out[24]) {
    static struct inspect_process process[PROCESSES_PER_PAGE];
    size_t count = 0;
    if (koid > 0 && status_ok(fetch_processes(koid - 1, process, &count)) && count > 0 &&
        process[0].koid == koid) {
        printable_name(&process[0], out);
    } else {
        fmt_snprintf(out, 24, "koid %llu", (unsigned long long)koid);
    }
    return out;
}

static void memory_row(const char *what, uint64_t bytes) {
    char number[SHELL_NUMBER_BYTES];
    table_cell(&shell.table, "%s", what);
    table_cell(&shell.table, "%llu", (unsigned long long)bytes / 1024);
    table_cell(&shell.table, "%s", shell_size(number, bytes));
}

constexpr size_t ACCOUNTS_MOST = 200;
static struct inspect_account accounts[ACCOUNTS_MOST];

static status_t fetch_accounts(size_t *count) {
    constexpr uint64_t PER_PAGE = MESSAGE_PAGE_BYTES / sizeof(struct inspect_account);
    RPC_CALL(call);
    struct inspector_accounts_results results;
    uint64_t after = 0, found = 0;
    *count = 0;
    do {
        TRY(inspector_call_accounts(shell.inspector, &call, after, rpc_patience(), &results));
        found = inspector_accounts_results_get_count(results);
        for (uint64_t i = 0; i < found && i < PER_PAGE && *count < ACCOUNTS_MOST; i++) {
            accounts[*count] = ((const struct inspect_account *)tess_message_page())[i];
            after = accounts[(*count)++].koid;
        }
    } while (found > 0 && *count < ACCOUNTS_MOST);
    return STATUS_OK;
}

// The names of the first programs that the account pays for.
static void account_programs(uint64_t koid, char *out, size_t size) {
    static struct inspect_process processes[PROCESSES_PER_PAGE];
    uint64_t after = 0;
    size_t count = 0, len = 0;
    out[0] = '\0';
    while (status_ok(fetch_processes(after, processes, &count)) && count > 0) {
        for (size_t i = 0; i < count; i++) {
            char name[24];
            printable_name(&processes[i], name);
            if (processes[i].account_koid == koid && len + strlen(name) + 2 < size) {
                len += (size_t)fmt_snprintf(out + len, size - len, "%s%s", len > 0 ? " " : "", name);
            }
        }
        after = processes[count - 1].koid;
    }
}

static void print_account(const struct inspect_account *account, uint32_t depth) {
    struct shell_table *table = &shell.table;
    char number[SHELL_NUMBER_BYTES];
    char programs[64];
    uint64_t objects = 0;
    for (uint32_t type = 0; type < sizeof(account->objects) / sizeof(account->objects[0]); type++) {
        objects += account->objects[type];
    }
    account_programs(account->koid, programs, sizeof(programs));
    table_cell(table, "%s%llu%s", &"                "[16 - (depth < 8 ? 2 * depth : 16)],
               (unsigned long long)account->koid, account->ended != 0 ? " (ended)" : "");
    table_cell(table, "%s", shell_size(number, account->limit_bytes));
    table_cell(table, "%s", shell_size(number, account->reserved_bytes));
    table_cell(table, "%s", shell_size(number, account->used_bytes));
    table_cell(table, "%s", shell_size(number, account->peak_bytes));
    table_cell(table, "%s", shell_duration(number, account->cpu_ns));
    table_cell(table, "%llu", (unsigned long long)objects);
    table_cell(table, "%s", programs[0] != '\0' ? programs : "-");
}

// An account and those below it: parents are older than their children.
static void print_accounts(size_t count, uint64_t parent_koid, uint32_t depth) {
    for (size_t i = 0; i < count && depth <= 32; i++) {
        if (accounts[i].parent_koid == parent_koid) {
            print_account(&accounts[i], depth);
            print_accounts(count, accounts[i].koid, depth + 1);
        }
    }
}

static int show_accounts(void) {
    size_t count;
    status_t status = fetch_accounts(&count);
    if (!status_ok(status)) {
        return out_problem("mem", status);
    }
    table_begin(&shell.table, "ACCOUNT >LIMIT >RESERVED >USED >PEAK >CPU >OBJECTS PROGRAMS", out_sink,
                nullptr);
    print_accounts(count, 0, 0);
    table_end(&shell.table);
    return COMMAND_OK;
}

int command_mem(const struct arguments *arguments) {
    struct inspect_system system;
    if (arguments->count > 1) {
        if (str_equal(arguments->words[1], "-a")) {
            return show_accounts();
        }
        return misused("mem: `%s` is no option; `help mem` lists them\n", arguments->words[1]);
    }
    status_t status = fetch_system(&system);
    if (!status_ok(status)) {
        return out_problem("mem", status);
    }
    uint64_t named = system.kernel_image_bytes + system.package_bytes + system.slab_bytes +
                     system.page_table_bytes + system.user_bytes;
    table_begin(&shell.table, "MEMORY >KIB >SIZE", out_sink, nullptr);
    memory_row("total", system.ram_bytes);
    memory_row("used", system.used_bytes);
    memory_row("  programs", system.user_bytes);
    memory_row("  page tables", system.page_table_bytes);
    memory_row("  kernel objects", system.slab_bytes);
    memory_row("  kernel image", system.kernel_image_bytes);
    memory_row("  boot package", system.package_bytes);
    memory_row("  other", system.used_bytes > named ? system.used_bytes - named : 0);
    memory_row("free", system.free_bytes);
    table_end(&shell.table);
    out("objects:");
    for (uint32_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
        if (system.live_objects[type] != 0) {
            out(" %s %llu", abi_object_name(type), (unsigned long long)system.live_objects[type]);
        }
    }
    char used[SHELL_NUMBER_BYTES];
    char total[SHELL_NUMBER_BYTES];
    out(", handles %llu\n", (unsigned long long)system.handles);
    if (system.reap_pending != 0) {
        out("still being taken apart: %u objects\n", system.reap_pending);
    }
    out("in use: %s (%llu bytes) of %s\n", shell_size(used, system.used_bytes),
        (unsigned long long)system.used_bytes, shell_size(total, system.ram_bytes));
    return COMMAND_OK;
}

int command_ps(const struct arguments *arguments) {
    (void)arguments;
    static struct inspect_process processes[PROCESSES_PER_PAGE];
    static const char *const states[] = {"new", "running", "ended"};
    static const char *const bands[] = {"realtime", "interactive", "normal", "background"};
    struct shell_table *table = &shell.table;
    uint64_t after = 0;
    size_t account_count;
    const status_t listed = fetch_accounts(&account_count);
    if (!status_ok(listed)) {
        return out_problem("ps", listed);
    }
    table_begin(table, ">KOID NAME STATE BAND >THREADS >HANDLES >MEMORY >LIMIT >CPU", out_sink, nullptr);
    for (;;) {
        size_t count = 0;
        status_t status = fetch_processes(after, processes, &count);
        if (!status_ok(status)) {
            return out_problem("ps", status);
        }
        if (count == 0) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            const struct inspect_process *process = &processes[i];
            char name[24];
            char number[SHELL_NUMBER_BYTES];
            printable_name(process, name);
            table_cell(table, "%llu", (unsigned long long)process->koid);
            table_cell(table, "%s", name);
            table_cell(table, "%s", process->state < 3 ? states[process->state] : "?");
            table_cell(table, "%s", process->band < 4 ? bands[process->band] : "-");
            table_cell(table, "%u", process->threads);
            table_cell(table, "%llu", (unsigned long long)process->handles);
            table_cell(table, "%s", shell_size(number, inspect_own_bytes(accounts, account_count, process->account_koid)));
            table_cell(table, "%s", shell_size(number, process->account_limit_bytes));
            table_cell(table, "%s", shell_duration(number, process->cpu_ns));
        }
        after = processes[count - 1].koid;
    }
    table_end(table);
    return COMMAND_OK;
}

static uint32_t busy_percent(uint64_t whole_ns, uint64_t idle_ns) {
    return whole_ns / 100 == 0 || idle_ns > whole_ns ? 0
                                                     : (uint32_t)((whole_ns - idle_ns) / (whole_ns / 100));
}

int command_uptime(const struct arguments *arguments) {
    (void)arguments;
    struct inspect_system system;
    status_t status = fetch_system(&system);
    if (!status_ok(status)) {
        return out_problem("uptime", status);
    }
    char up[SHELL_NUMBER_BYTES];
    out("up %s, %u processor%s, %u%% busy since boot", shell_duration(up, system.uptime_ns),
        system.processors, system.processors == 1 ? "" : "s",
        busy_percent(system.uptime_ns * system.processors, system.idle_ns));
    constexpr uint32_t MOST = sizeof(system.processor_idle_ns) / sizeof(system.processor_idle_ns[0]);
    for (uint32_t i = 0; system.processors > 1 && i < system.processors && i < MOST; i++) {
        out("%s%u%%", i == 0 ? " (" : " ", busy_percent(system.uptime_ns, system.processor_idle_ns[i]));
    }
    out(system.processors > 1 ? ")\n" : "\n");
    return COMMAND_OK;
}
