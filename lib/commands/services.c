// services, service, restart.
#include "lib/commands/mode.h"
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/tess/clock.h"

static const char *state_name(struct supervisor_service service) {
    if (supervisor_service_get_left_out(service)) {
        return "left-out";
    }
    return supervisor_service_get_without(service).len > 0 ? "degraded" : run_state_name(supervisor_service_get_state(service));
}

static void print_service(void *context, struct supervisor_service service) {
    struct shell_table *table = &shell.table;
    const uint64_t now = *(const uint64_t *)context, started = supervisor_service_get_started_ns(service);
    const struct supervisor_memory memory = supervisor_service_get_memory(service);
    char name[NAME_BYTES];
    char number[SHELL_NUMBER_BYTES];
    table_cell(table, "%s", shown(name, sizeof(name), supervisor_service_get_name(service)));
    table_cell(table, "%u", supervisor_service_get_id(service));
    table_cell(table, "%s", state_name(service));
    table_cell(table, "%s", started != 0 ? shell_duration(number, now > started ? now - started : 0) : "-");
    table_cell(table, "%u", supervisor_service_get_restarts(service));
    table_cell(table, "%s", shell_size(number, supervisor_memory_get_used_bytes(memory)));
    table_cell(table, "%s", shell_size(number, supervisor_memory_get_limit_bytes(memory)));
}

int command_services(const struct arguments *arguments) {
    (void)arguments;
    uint64_t now = tess_now_ns();
    table_begin(&shell.table, "NAME >ID STATE >UPTIME >RESTARTS >MEMORY >LIMIT", out_sink, nullptr);
    const status_t status = each_service(print_service, &now);
    if (!status_ok(status)) {
        return out_problem("services", status);
    }
    table_end(&shell.table);
    return COMMAND_OK;
}

static void guess_service(void *context, struct supervisor_service service) {
    guess_add(context, supervisor_service_get_name(service));
}

// Says that there is no such service, and which one may be meant.
int no_service(const char *command, const char *name) {
    struct guess guess = {.suggestion = suggestion_of(name)};
    (void)each_service(guess_service, &guess); // without an answer there is just nothing to suggest
    if (guess.suggestion.nearest != nullptr) {
        return fail("%s: there is no service `%s`; did you mean `%s`?\n", command, name, guess.suggestion.nearest);
    }
    return fail("%s: there is no service `%s`; `services` lists them\n", command, name);
}

// Words with spaces between them, and "..." where there are more than fit.
static const char *joined(char out[SHOWN_TEXT_BYTES], struct capnp_text_list words, bool more) {
    const uint32_t count = capnp_text_list_count(words);
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < count && !more; i++) {
        const struct capnp_text word = capnp_text_list_get(words, i);
        more = !str_append(out, SHOWN_TEXT_BYTES, i > 0 ? " " : "");
        used = strlen(out);
        more = more || word.len >= SHOWN_TEXT_BYTES - used;
        shell_printable(out + used, SHOWN_TEXT_BYTES - used, word.bytes, word.len);
    }
    if (more) {
        used = strlen(out);
        memcpy(out + (used < SHOWN_TEXT_BYTES - 4 ? used : SHOWN_TEXT_BYTES - 4), "...", 4);
    }
    return out;
}

static void print_detail(struct supervisor_service_detail detail) {
    static const char *const policies[] = {"never", "on-failure", "always"};
    static const char *const bands[] = {"realtime", "interactive", "normal", "background"};
    const struct supervisor_service service = supervisor_service_detail_get_service(detail);
    const struct supervisor_memory memory = supervisor_service_get_memory(service);
    const uint64_t now = tess_now_ns(), started = supervisor_service_get_started_ns(service);
    char text[SHOWN_TEXT_BYTES];
    char name[NAME_BYTES];
    char first[SHELL_NUMBER_BYTES];
    char second[SHELL_NUMBER_BYTES];
    char third[SHELL_NUMBER_BYTES];
    out("name       %s\n", shown(name, sizeof(name), supervisor_service_get_name(service)));
    out("id         %u\n", supervisor_service_get_id(service));
    out("state      %s", run_state_name(supervisor_service_get_state(service)));
    if (started != 0 && now >= started) {
        out(" for %s", shell_duration(first, now - started));
    }
    if (supervisor_service_get_took_ns(service) != 0) {
        out(", ready %lu us after its start", supervisor_service_get_took_ns(service) / 1000);
    }
    if (supervisor_service_get_without(service).len > 0) {
        out(", degraded: without `%s`", shown(name, sizeof(name), supervisor_service_get_without(service)));
    }
    if (supervisor_service_get_left_out(service)) {
        out(", left out in mode %s", mode_name(mode_now()));
    }
    out("\nrestarts   %u\n", supervisor_service_get_restarts(service));
    if (supervisor_service_detail_get_replacements(detail) > 0) {
        out("replaced   %u time%s\n", supervisor_service_detail_get_replacements(detail), supervisor_service_detail_get_replacements(detail) == 1 ? "" : "s");
    }
    out("memory     %s of %s, at most %s so far\n", shell_size(first, supervisor_memory_get_used_bytes(memory)),
        shell_size(second, supervisor_memory_get_limit_bytes(memory)),
        shell_size(third, supervisor_memory_get_peak_bytes(memory)));
    const struct supervisor_work work = supervisor_service_get_work(service);
    if (supervisor_work_get_requests(work) > 0) {
        out("requests   %lu, %lu of them refused, %lu because of who made them\n", supervisor_work_get_requests(work),
            supervisor_work_get_refused(work), supervisor_work_get_denied(work));
    }
    const uint64_t refused = supervisor_service_detail_get_refused_in_place(detail);
    const uint64_t dropped = supervisor_service_detail_get_dropped_in_place(detail);
    if (refused > 0 || dropped > 0) {
        out("unserved   %lu call%s refused in its place", refused, refused == 1 ? " was" : "s were");
        out(dropped > 0 ? ", and %lu message%s\n" : "\n", dropped, dropped == 1 ? " dropped" : "s dropped");
    }
    if (supervisor_service_get_process_koid(service) != 0) {
        out("process    koid %llu\n", (unsigned long long)supervisor_service_get_process_koid(service));
    }
    joined(text, supervisor_service_detail_get_arguments(detail), supervisor_service_detail_get_arguments_left(detail) > 0);
    out("program    %s%s%s\n", shown(name, sizeof(name), supervisor_service_detail_get_program(detail)),
        text[0] != '\0' ? " " : "", text);
    const uint32_t band = supervisor_service_get_band(service);
    const enum supervisor_restart policy = supervisor_service_detail_get_restart(detail);
    out("band       %s\n", band < 4 ? bands[band] : "?");
    out("restart    %s\n", policy < 3 ? policies[policy] : "?");
    joined(text, supervisor_service_detail_get_provides(detail), false);
    out("provides   %s\n", text[0] != '\0' ? text : "-");
    out("manifest   %s:%u\n", shown(text, sizeof(text), supervisor_service_detail_get_manifest_file(detail)),
        supervisor_service_detail_get_manifest_line(detail));
    const uint64_t ended = supervisor_service_detail_get_ended_ns(detail);
    if (ended != 0) {
        shown(text, sizeof(text), supervisor_service_detail_get_last_end(detail));
        out("last end   %s ago: %s\n", shell_duration(first, now > ended ? now - ended : 0),
            text[0] != '\0' ? text : "no reason known");
    }
}

int command_service(const struct arguments *arguments) {
    RPC_CALL(call);
    struct supervisor_service_results results;
    const char *name = arguments->words[1];
    const status_t status =
        supervisor_call_service(the_supervisor(), &call, capnp_text(name), rpc_patience(), &results);
    if (!status_ok(status)) {
        return out_problem("service", status);
    }
    rpc_hold(&call, held_results, &results.s);
    if (!supervisor_service_results_get_found(results)) {
        return no_service("service", name);
    }
    print_detail(supervisor_service_results_get_detail(results));
    return COMMAND_OK;
}

int command_restart(const struct arguments *arguments) {
    RPC_CALL(call);
    struct supervisor_control_restart_results results;
    const char *name = arguments->words[1];
    const status_t status =
        supervisor_control_call_restart(the_supervisor_control(), &call, capnp_text(name), rpc_patience(), &results);
    if (!status_ok(status)) {
        return out_problem("restart", status);
    }
    const enum supervisor_control_outcome outcome = supervisor_control_restart_results_get_outcome(results);
    if (outcome == SUPERVISOR_CONTROL_OUTCOME_NOT_FOUND) {
        return no_service("restart", name);
    }
    if (outcome == SUPERVISOR_CONTROL_OUTCOME_LEFT_OUT) {
        return fail("restart: %s does not run in mode %s\n", name, mode_name(mode_now()));
    }
    return outcome == SUPERVISOR_CONTROL_OUTCOME_DONE ? COMMAND_OK : fail("restart: it is not in a state in which that can be done\n");
}
