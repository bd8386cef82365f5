// The commands over a front end that is memory: what is typed comes from an array, what is printed goes into one. The test plays the
// kernel, the supervisor and execd, through the generated dispatch code; nobody else is there.
#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"

#include "abi/gen/abi.h"
#include "base/fmt.h"
#include "base/str.h"
#include "idl/exec.capnp.h"
#include "idl/identity.capnp.h"
#include "idl/manual.capnp.h"
#include "idl/policy.capnp.h"
#include "idl/supervisor.capnp.h"
#include "lib/commands/session.h"
#include "lib/commands/shell.h"
#include "lib/console/console.h"
#include "lib/rpc/serve.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/page.h"
#include "lib/tess/panic.h"
#include "lib/tess/syscall.h"

constexpr uint32_t EXEC = 5, SUPERVISOR = 6, IDENTITY = 7, POLICY = 8, MANUAL = 10; // policyd answers nothing

// ---- the services ----

static const char *const service_names[] = {"logd", "consoled", "execd"};
constexpr uint32_t SERVICE_COUNT = sizeof(service_names) / sizeof(service_names[0]);

static status_t list_services(void *, struct rpc_request *, struct supervisor_services_params params,
                              struct supervisor_services_results_builder results) {
    const uint32_t first = supervisor_services_params_get_first(params);
    const uint32_t count = first < SERVICE_COUNT ? SERVICE_COUNT - first : 0;
    const struct supervisor_service_list_builder list = supervisor_services_results_init_services(results, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct supervisor_service_builder to = supervisor_service_list_edit(list, i);
        supervisor_service_set_name(to, capnp_text(service_names[first + i]));
        supervisor_service_set_id(to, first + i + 1);
        supervisor_service_set_state(to, SUPERVISOR_RUN_STATE_RUNNING);
    }
    supervisor_services_results_set_total(results, SERVICE_COUNT);
    return STATUS_OK;
}

// Only policyd can be asked about.
static enum supervisor_run_state state_of_policyd = SUPERVISOR_RUN_STATE_RUNNING;

static status_t describe_service(void *, struct rpc_request *, struct supervisor_service_params params,
                                 struct supervisor_service_results_builder results) {
    const bool found = str_equal(supervisor_service_params_get_name(params).bytes, "policyd");
    supervisor_service_results_set_found(results, found);
    if (found) {
        const struct supervisor_service_builder to = supervisor_service_detail_init_service(supervisor_service_results_init_detail(results));
        supervisor_service_set_name(to, CAPNP_TEXT("policyd"));
        supervisor_service_set_state(to, state_of_policyd);
    }
    return STATUS_OK;
}

// No account, and nobody comes in: a machine without entropy.
static status_t describe_machine(void *, struct rpc_request *, struct identity_state_params, struct identity_state_results_builder) {
    return STATUS_OK;
}

static status_t let_nobody_in(void *, struct rpc_request *, struct identity_guest_params, struct identity_guest_results_builder) {
    return rpc_status(RPC_OVERLOADED);
}

// One program, which may not be started: there are too many already.
static status_t list_programs(void *, struct rpc_request *, struct exec_programs_params params,
                              struct exec_programs_results_builder results) {
    const uint32_t count = exec_programs_params_get_first(params) == 0 ? 1 : 0;
    const struct exec_program_list_builder list = exec_programs_results_init_programs(results, count);
    for (uint32_t i = 0; i < count; i++) {
        exec_program_set_name(exec_program_list_edit(list, i), CAPNP_TEXT("busy"));
    }
    exec_programs_results_set_total(results, 1);
    return STATUS_OK;
}

static status_t run_program(void *, struct rpc_request *, struct exec_control_run_params,
                            struct exec_control_run_results_builder results) {
    exec_control_run_results_set_outcome(results, EXEC_CONTROL_OUTCOME_BUSY);
    return STATUS_OK;
}

static status_t dispatch(uint32_t service, struct rpc_request *request) {
    static const struct supervisor_server supervisor = {.services = list_services, .service = describe_service};
    static const struct identity_server identity = {.state = describe_machine, .guest = let_nobody_in};
    static const struct exec_server exec = {.programs = list_programs};
    static const struct exec_control_server control = {.run = run_program};
    if (service == SUPERVISOR) {
        return supervisor_dispatch(&supervisor, nullptr, request);
    }
    if (service == IDENTITY) {
        return identity_dispatch(&identity, nullptr, request);
    }
    return request->interface_id == EXEC_CONTROL_ID ? exec_control_dispatch(&control, nullptr, request)
                                                    : exec_dispatch(&exec, nullptr, request);
}

// ---- the manual ----

static uint64_t manual[256];

// The text is what is said of each, one behind the other: parts are given by where they begin.
static void add_part(struct manual_part_builder part, const char *name, const char *summary, uint32_t begin, uint32_t end) {
    manual_part_set_name(part, capnp_text(name));
    manual_part_set_summary(part, capnp_text(summary));
    manual_part_set_begin(part, begin);
    manual_part_set_end(part, end);
    manual_part_set_comment(part, begin);
}

// Two contracts, each of which declares a `Key`.
static void write_manual(void) {
    struct capnp_builder builder;
    capnp_builder_init(&builder, manual, sizeof(manual) / sizeof(manual[0]));
    const struct manual_page_list_builder pages = manual_init_pages(manual_init_root(&builder), 2);
    const struct manual_page_builder config = manual_page_list_edit(pages, 0), keys = manual_page_list_edit(pages, 1);
    manual_page_set_name(config, CAPNP_TEXT("config"));
    manual_page_set_text(config, CAPNP_TEXT("A setting's.\n"));
    add_part(manual_part_list_edit(manual_page_init_parts(config, 1), 0), "Key", "Of a setting", 0, 13);
    manual_page_set_name(keys, CAPNP_TEXT("keys"));
    manual_page_set_text(keys, CAPNP_TEXT("Keeps.\nSigns.\nIts signature.\n"));
    const struct manual_part_list_builder parts = manual_page_init_parts(keys, 3);
    add_part(manual_part_list_edit(parts, 0), "Keys", "Keys", 0, 7);
    add_part(manual_part_list_edit(parts, 1), "Key", "One key", 7, 14);
    add_part(manual_part_list_edit(parts, 2), "Key.sign", "The signature", 14, 29);
    REQUIRE(status_ok(capnp_builder_status(&builder)));
}

// ---- the kernel ----

alignas(4096) static uint8_t page[MESSAGE_PAGE_BYTES];
static struct tess_thread_block thread_block = {.message_page = page};
static struct {
    struct bootstrap block;
    struct bootstrap_cap caps[5];
} granted = {
    .block = {.process = 1, .vspace = 2, .account = 3, .caps_offset = sizeof(struct bootstrap), .cap_count = 3},
    .caps = {{.name = "exec", .handle = EXEC, .interface_id = EXEC_ID},
             {.name = "supervisor", .handle = SUPERVISOR, .interface_id = SUPERVISOR_ID},
             {.name = "manual", .handle = MANUAL, .interface_id = VMO_ID},
             {.name = "identity", .handle = IDENTITY, .interface_id = IDENTITY_ID}, // the last two are there when a test says so
             {.name = "policy", .handle = POLICY, .interface_id = POLICY_ID}},
};
const struct bootstrap *tess_bootstrap = &granted.block;
static struct tess_message request, answer;
static uint64_t time_ns;

status_t tess_host_syscall(uint32_t number, handle_t handle, struct tess_message *message, uint64_t) {
    static struct rpc_server server;
    switch (number) {
    case SYS_WAIT: time_ns += TESS_NS_PER_MS; return STATUS_TIMED_OUT;
    case SYS_CALL:
        if (handle.v != EXEC && handle.v != SUPERVISOR && handle.v != IDENTITY) {
            return STATUS_BAD_HANDLE;
        }
        request = *message;
        request.info = (request.info & ~MESSAGE_ACCEPT_MASK) | MESSAGE_WANTS_REPLY;
        rpc_server_init(&server, (handle_t){9}, 0);
        CHECK_EQ(rpc_server_next(&server, 0), RPC_REQUEST);
        rpc_server_done(&server, dispatch(handle.v, &server.request));
        (void)rpc_server_next(&server, 0);
        *message = answer;
        return STATUS_OK;
    case SYS_RECV: *message = request; return STATUS_OK;
    default: answer = *message; return STATUS_TIMED_OUT;
    }
}

status_t tess_invoke(handle_t handle, uint64_t label, uint64_t words[MESSAGE_WORDS]) {
    if (handle.v == MANUAL && message_label(label) == VMO_INFO) {
        words[0] = sizeof(manual);
        return STATUS_OK;
    }
    if (handle.v == granted.block.vspace && message_label(label) == VSPACE_MAP) {
        words[0] = (uintptr_t)manual;
        return STATUS_OK;
    }
    words[6] = 77; // what is made gets this handle
    return STATUS_OK;
}

struct tess_thread_block *tess_arch_thread_block(void) {
    return &thread_block;
}

uint64_t tess_now_ns(void) {
    return time_ns;
}

uint64_t tess_deadline_after_ms(uint64_t delay_ms) {
    return time_ns + delay_ms * TESS_NS_PER_MS;
}

void tess_panic(const char *format, ...) {
    (void)fprintf(stderr, "%s\n", format);
    abort();
}

// ---- the front end ----

static char printed[16'384];
static size_t printed_bytes;
static const char *const *typed; // up to a null pointer
static size_t remembered;
static unsigned ends;

static void print(const char *bytes, size_t len) {
    REQUIRE(len < sizeof(printed) - printed_bytes);
    memcpy(printed + printed_bytes, bytes, len);
    printed_bytes += len;
    printed[printed_bytes] = '\0';
}

static enum front_event ask(struct front_question question, struct shell_text *line) {
    print(question.prompt, strlen(question.prompt));
    if (*typed == nullptr) {
        ends++;
        return FRONT_INTERRUPTED;
    }
    *line = (struct shell_text){*typed, strlen(*typed)};
    typed++;
    return FRONT_LINE;
}

static char offered[4096]; // with a comma between each

static void offer(uint32_t, uint32_t count, const char *candidates) {
    offered[0] = '\0';
    for (; count > 0; count--) {
        (void)str_append(offered, sizeof(offered), candidates);
        (void)str_append(offered, sizeof(offered), count > 1 ? "," : "");
        candidates += strlen(candidates) + 1;
    }
}

static void remember(const char *, size_t) {
    remembered++;
}

static status_t clear(void) {
    printed_bytes = 0;
    return STATUS_OK;
}

static void size(size_t *rows, size_t *columns) {
    *rows = FRONT_ROWS;
    *columns = FRONT_COLUMNS;
}

static void watch_interrupts(void) {}

static const struct front memory = {.write = print, .read = ask, .offer = offer, .remember = remember, .clear = clear, .size = size,
                                    .watch_interrupts = watch_interrupts};

// What the shell prints when these lines are typed, prompts and all.
static const char *type(const char *const lines[]) {
    static bool open;
    if (!open) {
        write_manual();
        shell_open(&memory);
        open = true;
    }
    typed = lines;
    printed_bytes = 0;
    printed[0] = '\0';
    for (ends = 0; ends == 0;) {
        shell_attend();
    }
    return printed;
}

#define TYPE(...) type((const char *const[]){__VA_ARGS__, nullptr})

// ---- the tests ----

TEST(lines_are_carried_out) {
    CHECK_STR_EQ(TYPE("echo one; x=two", "echo $x"), "tessera$ one\ntessera$ two\ntessera$ ");
    CHECK_EQ(remembered, 2);
}

TEST(what_is_not_whole_goes_on) {
    CHECK_STR_EQ(TYPE("for i in 1 2; do", "echo $i", "done"), "tessera$ > > 1\n2\ntessera$ ");
}

TEST(commands_ask_their_services) {
    CHECK_STR_EQ(TYPE("services | field 1 | sort | tail -n 3"), "tessera$ consoled\nexecd\nlogd\ntessera$ ");
    CHECK_STR_EQ(TYPE("services | grep -v NAME | wc -l > n; cat n; rm n; cat n; echo $?"),
                 "tessera$ 3\ncat: there is no file `n`; `files` lists them\n1\ntessera$ ");
}

TEST(services_that_are_not_there_are_said_to_be) {
    const char *said = TYPE("keys; echo $?");
    CHECK(strstr(said, "keys: ") != nullptr);
    CHECK(strstr(said, "\n1\n") != nullptr);
}

TEST(programs_that_cannot_be_started_have_their_status) {
    CHECK_STR_EQ(TYPE("nosuch; echo $?"), "tessera$ nosuch: unknown command; `help` lists the commands, `run NAME` runs a program\n127\ntessera$ ");
    const char *said = TYPE("busy; echo $?; busy | wc -l; echo $?");
    const char *first = strstr(said, "\n126\n");
    REQUIRE(first != nullptr);
    CHECK(strstr(first + 1, "\n126\n") != nullptr); // and nothing is left of the pipe:
    CHECK_STR_EQ(TYPE("echo good | wc -w"), "tessera$ 1\ntessera$ ");
}

TEST(what_several_contracts_declare_is_told_apart) {
    const char *said = TYPE("man Key");
    CHECK(strstr(said, "config.Key") != nullptr && strstr(said, "Of a setting\n") != nullptr);
    CHECK(strstr(said, "keys.Key") != nullptr && strstr(said, "One key\n") != nullptr);
    CHECK(strstr(said, "Signs.") == nullptr && strstr(said, "A setting's.") == nullptr);
    CHECK_STR_EQ(TYPE("man keys.Key"), "tessera$ Signs.\ntessera$ ");
    CHECK_STR_EQ(TYPE("man config.key"), "tessera$ A setting's.\ntessera$ ");
    CHECK_STR_EQ(TYPE("man Key.sign"), "tessera$ Its signature.\ntessera$ ");
    said = TYPE("apropos key setting");
    CHECK(strstr(said, "config.Key (contracts) - Of a setting\n") != nullptr);
}

TEST(an_interface_is_described_by_its_own_words) {
    const char *said = TYPE("describe Key");
    CHECK(strstr(said, "\nSigns.\n") != nullptr);
    CHECK(strstr(said, "A setting's.") == nullptr);
    CHECK(strstr(said, "\nreturned by  Keys.generate\n             Keys.open\n             Key.restrict\n") != nullptr);
    CHECK(strstr(said, "no service") == nullptr);
    CHECK(strstr(said, "\n      The signature\n") != nullptr);
    CHECK(strstr(TYPE("describe keys.Key.sign"), "method       Key.sign @1\n") != nullptr);
    CHECK(strstr(TYPE("describe keys.Key"), "\nSigns.\n") != nullptr);
    CHECK(strstr(TYPE("describe Metrics"), "provided by  no service of the manifest\n") != nullptr);
}

TEST(kernel_objects_have_the_methods_that_can_be_called) {
    CHECK(strstr(TYPE("describe vmo"), "\nnone ") == nullptr);
    CHECK(strstr(printed, "\ninfo ()") != nullptr);
    CHECK(strstr(TYPE("call manual"), "none") == nullptr);
    CHECK(strstr(printed, "  info ()") != nullptr);
    CHECK(strstr(TYPE("call | grep manual | field 3"), "tessera$ info\n") != nullptr);
    CHECK(strstr(TYPE("describe vmo.nome"), "did you mean") == nullptr);
}

TEST(structs_and_enums_are_described) {
    const char *said = TYPE("describe LogRecord");
    CHECK(strstr(said, "struct       LogRecord\n") != nullptr);
    CHECK(strstr(said, "\ntimeNs    UInt64") != nullptr);
    said = TYPE("describe LogLevel");
    CHECK(strstr(said, "enum         LogLevel\n") != nullptr);
    CHECK(strstr(said, "\nvalues       error warning info debug\n") != nullptr);
    said = TYPE("describe Keys.Stats");
    CHECK(strstr(said, "struct       Keys.Stats\n") != nullptr);
    CHECK(strstr(said, "\nrefused") != nullptr);
    said = TYPE("describe config.Key");
    CHECK(strstr(said, "struct       Key\n") != nullptr && strstr(said, "\nOf a setting\n") != nullptr);
}

TEST(names_that_are_none_have_suggestions_whatever_their_case) {
    CHECK(strstr(TYPE("describe LOG"), "did you mean `log`?") != nullptr);
    CHECK(strstr(TYPE("describe lOGcontrol"), "did you mean `LogControl`?") != nullptr);
    CHECK(strstr(TYPE("describe exec."), "describe: which method? `describe exec` lists them\n") != nullptr);
    CHECK(strstr(TYPE("call exec."), "call: which method? `describe Exec` lists them\n") != nullptr);
}

TEST(pages_of_commands_fit_the_screen) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != nullptr; i++) {
        char line[32];
        fmt_snprintf(line, sizeof(line), "man %s", command->name);
        const char *said = TYPE(line) + strlen("tessera$ ");
        for (const char *end; (end = strchr(said, '\n')) != nullptr; said = end + 1) {
            CHECK(end - said <= 80);
        }
    }
}

static const char *tab(const char *line) {
    complete(line, strlen(line));
    return offered;
}

TEST(calls_are_completed_wherever_a_command_stands) {
    static const char *const before[] = {"", "services; ", "true && ", "! ", "{ ", "echo $(", "x=1 ", "services | wc; ", "if ", "(",
                                         "call exec.programs '()' | ", "echo ';' ; "};
    (void)TYPE("true");
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        char line[128];
        fmt_snprintf(line, sizeof(line), "%scall exec.prog", before[i]);
        CHECK_STR_EQ(tab(line), "programs '(");
        fmt_snprintf(line, sizeof(line), "%scall exec.programs '(fi", before[i]);
        CHECK_STR_EQ(tab(line), "first = ");
    }
    CHECK_STR_EQ(tab("call exec.programs '"), "(");
    CHECK_STR_EQ(tab("echo call exec.prog"), "");
    CHECK_STR_EQ(tab("true # call exec.prog"), "");
    CHECK_STR_EQ(tab("call x; \"exec.prog"), "");
    CHECK_STR_EQ(tab("call manual.clone '(lenBytes = 4096)' .inf"), "info '(");
    CHECK_STR_EQ(tab("call manual.clone '(lenBytes = 4096)' .vmo.inf"), "info '(");
    CHECK_STR_EQ(tab("call manual.clone '()' .clone '(le"), "lenBytes = ");
    CHECK_STR_EQ(tab("call manual.info '()' .inf"), "");
}

TEST(pages_are_completed_in_their_section_and_whatever_their_case) {
    (void)TYPE("true");
    CHECK_STR_EQ(tab("man contracts "), "config,Key,keys,Keys");
    CHECK_STR_EQ(tab("man howto "), "");
    CHECK_STR_EQ(tab("man key.s"), "Key.sign ");
    CHECK_STR_EQ(tab("man keys.Key"), "keys.Keys,keys.Key");
    CHECK_STR_EQ(tab("apropos kEY"), "keys,Key,Keys");
    CHECK_STR_EQ(tab("apropos setting concept"), "concepts ");
}

TEST(calls_say_what_cannot_be_done) {
    CHECK(strstr(TYPE("call manual.info .resize"), "call: `info` returns no capability that could be called\n") != nullptr);
    CHECK(strstr(TYPE("call manual.clone .reed"), "call: `vmo` has no method `reed`; did you mean `read`?\n") != nullptr);
    CHECK(strstr(TYPE("call manual.clone .vmu.read"), "call: `clone` returns no capability `vmu`; it returns `vmo`\n") != nullptr);
    CHECK(strstr(TYPE("call manual.info '()' '()'"), "call: what follows the parameters is a method of what is returned") != nullptr);
    CHECK(strstr(TYPE("call manual.read '(buffer = 4096, lenBytes = 8)'"), "takes an address in the memory of who calls") != nullptr);
}

TEST(help_has_each_command_in_one_line) {
    const char *said = TYPE("help");
    size_t lines = 0;
    for (const char *line = said; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        if (end == nullptr) {
            break;
        }
        CHECK(end - line <= 80);
        if (line[0] == ' ') {
            lines++;
            CHECK(end - line > 16 && line[15] == ' ' && line[16] != ' ');
        }
    }
    const struct command *command;
    size_t count = 0;
    for (; (command = command_at(count)) != nullptr; count++) {
        CHECK(command_find(command->name, strlen(command->name)) == command); // no two have one name
        CHECK(command->internal || command->run != nullptr || command->filter != nullptr);
    }
    CHECK_EQ(lines, count);
}

// ---- somebody reads a screen at a time ----

static constexpr char NOTICE[] = "a job has ended, and why takes a line of its own\n";
constexpr size_t NOTICES = 60; // most of the buffer

// While the person reads, something is said of its own accord.
static enum front_event read_screen(struct front_question question, struct shell_text *line) {
    print(question.prompt, strlen(question.prompt));
    const bool before = pager_aside(true);
    for (size_t i = 0; i < NOTICES; i++) {
        (void)fail("%s", NOTICE);
    }
    (void)pager_aside(before);
    *line = (struct shell_text){"", 0};
    return FRONT_LINE;
}

TEST(what_is_said_while_a_screen_waits_has_room) {
    struct front paged = memory;
    static char line[1500]; // less than a screen
    (void)TYPE("true");
    static_assert(sizeof(line) + NOTICES * (sizeof(NOTICE) - 1) > CONSOLE_PIECE_BYTES);
    paged.interactive = true;
    paged.read = read_screen;
    shell.front = &paged;
    (void)clear();
    pager_begin();
    for (size_t i = 0; i + 1 < FRONT_ROWS; i++) {
        out("\n");
    }
    out_flush();
    memset(line, 'x', sizeof(line));
    (void)fail("%.*s", (int)sizeof(line), line); // a screen is full: it waits
    pager_end();
    out_flush();
    shell.front = &memory;
    size_t shown = 0, notices = 0;
    for (const char *at = printed; *at != '\0'; at++) {
        shown += *at == 'x';
        notices += strncmp(at, NOTICE, sizeof(NOTICE) - 1) == 0;
    }
    CHECK_EQ(shown, sizeof(line));
    CHECK_EQ(notices, NOTICES);
}

// ---- policyd decides; from here on the shell asks ----

TEST(a_machine_whose_policy_is_given_up_can_be_switched_off_or_have_it_started_again) {
    (void)TYPE("true");
    granted.block.cap_count = 5;
    identity_begin();
    for (enum supervisor_run_state state = SUPERVISOR_RUN_STATE_STOPPED; state <= SUPERVISOR_RUN_STATE_ENDED; state++) {
        state_of_policyd = state;
        const bool given_up = state == SUPERVISOR_RUN_STATE_FAILED || state == SUPERVISOR_RUN_STATE_ENDED;
        CHECK_EQ(identity_check("poweroff", "power", nullptr), given_up ? COMMAND_OK : COMMAND_FAILED);
        CHECK_EQ(identity_check("restart", "restart", "policyd"), given_up ? COMMAND_OK : COMMAND_FAILED);
        // These alone: nobody decides about anything else.
        CHECK_EQ(identity_check("restart", "restart", "logd"), COMMAND_FAILED);
        CHECK_EQ(identity_check("restart", "restart", nullptr), COMMAND_FAILED);
        CHECK_EQ(identity_check("kill", "end", "policyd"), COMMAND_FAILED);
    }
}
