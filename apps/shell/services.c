// services, service, restart.
#include "apps/shell/shell.h"
#include "lib/shell/suggest.h"
#include "lib/tess/clock.h"
#include "lib/wire/supervisor_client.h"

static struct supervisor_service services[32];

void command_services(const struct arguments *arguments) {
    (void)arguments;
    struct shell_table *table = &shell.table;
    uint64_t now = tess_now_ns();
    size_t total = 0;
    size_t count;
    table_begin(table, "NAME >ID STATE >UPTIME >RESTARTS >MEMORY >LIMIT", out_sink, nullptr);
    for (size_t index = 0; index == 0 || index < total; index += count) {
        status_t status = supervisor_services(shell.supervisor, index, services, 32, &count, &total);
        if (!status_ok(status)) {
            out_problem("services", status);
            return;
        }
        if (count == 0) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            const struct supervisor_service *service = &services[i];
            char number[SHELL_NUMBER_BYTES];
            uint64_t up = now > service->started_ns ? now - service->started_ns : 0;
            table_cell(table, "%s", service->name);
            table_cell(table, "%u", service->id);
            table_cell(table, "%s", supervisor_state_name(service->state));
            table_cell(table, "%s", service->started_ns != 0 ? shell_duration(number, up) : "-");
            table_cell(table, "%u", service->restarts);
            table_cell(table, "%s", shell_size(number, service->memory_used_bytes));
            table_cell(table, "%s", shell_size(number, service->memory_limit_bytes));
        }
    }
    table_end(table);
}

// Says that there is no such service, and which one may be meant.
static void no_service(const char *command, const char *name) {
    struct shell_suggestion suggestion = shell_suggest(name);
    size_t count = 0;
    size_t total;
    if (status_ok(supervisor_services(shell.supervisor, 0, services, 32, &count, &total))) {
        for (size_t i = 0; i < count; i++) {
            shell_suggest_add(&suggestion, services[i].name);
        }
    }
    if (suggestion.nearest != nullptr) {
        out("%s: there is no service `%s`; did you mean `%s`?\n", command, name, suggestion.nearest);
    } else {
        out("%s: there is no service `%s`; `services` lists them\n", command, name);
    }
}

void command_service(const struct arguments *arguments) {
    static const char *const policies[] = {"never", "on-failure", "always"};
    static const char *const bands[] = {"realtime", "interactive", "normal", "background"};
    struct supervisor_detail detail;
    const char *name = arguments->words[1];
    status_t status = supervisor_service(shell.supervisor, name, &detail);
    if (status_is(status, wire_status(WIRE_NOT_FOUND))) {
        no_service("service", name);
        return;
    }
    if (!status_ok(status)) {
        out_problem("service", status);
        return;
    }
    const struct supervisor_service *service = &detail.service;
    char first[SHELL_NUMBER_BYTES];
    char second[SHELL_NUMBER_BYTES];
    char third[SHELL_NUMBER_BYTES];
    uint64_t now = tess_now_ns();
    out("name       %s\n", service->name);
    out("id         %u\n", service->id);
    out("state      %s", supervisor_state_name(service->state));
    if (service->started_ns != 0 && now >= service->started_ns) {
        out(" for %s", shell_duration(first, now - service->started_ns));
    }
    out("\nrestarts   %u\n", service->restarts);
    out("memory     %s of %s, at most %s so far\n", shell_size(first, service->memory_used_bytes),
        shell_size(second, service->memory_limit_bytes), shell_size(third, detail.peak_bytes));
    if (service->process_koid != 0) {
        out("process    koid %llu\n", (unsigned long long)service->process_koid);
    }
    out("program    %s%s%s\n", detail.program, detail.args[0] != '\0' ? " " : "", detail.args);
    out("band       %s\n", service->band < 4 ? bands[service->band] : "?");
    out("restart    %s\n", detail.restart_policy < 3 ? policies[detail.restart_policy] : "?");
    out("provides   %s\n", detail.provides[0] != '\0' ? detail.provides : "-");
    out("manifest   line %u\n", detail.manifest_line);
    if (detail.ended_ns != 0) {
        out("last end   %s ago: %s\n", shell_duration(first, now > detail.ended_ns ? now - detail.ended_ns : 0),
            detail.last_end[0] != '\0' ? detail.last_end : "no reason known");
    }
}

void command_restart(const struct arguments *arguments) {
    const char *name = arguments->words[1];
    status_t status = supervisor_restart(shell.supervisor, name);
    if (status_is(status, wire_status(WIRE_NOT_FOUND))) {
        no_service("restart", name);
    } else if (!status_ok(status)) {
        out_problem("restart", status);
    }
}
