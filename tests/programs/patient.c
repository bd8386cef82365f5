// patient HOW: a service with one illness, for what its supervisor does about it (system/sick.capnp).
//
//   well     none; says on the console that it was stopped in order
//   unready  never becomes ready
//   hangs    begins, and then answers nothing
//   crashes  begins, and ends
//   faults   begins, and reads where there is nothing
//   panics   begins, and finds that something is not true
//   refuses  begins, writes down what no process of it understands, and ends; none of them begins after that
//   slow     thinks 20 ms about each request
//   wavers   begins, and ends, four times; then it is well, unless the machine's command line says `wavers=always`
//
// CapSet: `patient` under its own name (RECEIVE), `console` where it has something to say, `state` where it writes something down.
#include "base/str.h"
#include "idl/console.capnp.h"
#include "lib/console/console.h"
#include "lib/keep/keep.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"
#include "raw.h"

static struct rpc_server server;
static const char *how, *command_line;

static status_t dispatch(struct rpc_request *request) {
    const uint64_t until_ns = tess_deadline_after_ms(20);
    while (str_equal(how, "slow") && tess_now_ns() < until_ns) {
        raw_relax();
    }
    return rpc_unimplemented(request);
}

[[gnu::noinline]] static int stumble(const volatile int *over) {
    return *over + 1;
}

// Counts its processes in the memory that they share.
static bool is_to_end(void) {
    const bool always = command_line != nullptr && str_find_word(command_line, "wavers=always") != nullptr;
    size_t len = 0;
    uint32_t *count = keep_map("state", &len);
    return always || ++*count <= 4;
}

static uint64_t fall_ill(void) {
    static const volatile int *nothing = (const volatile int *)8;
    if (str_equal(how, "faults")) {
        return (uint64_t)stumble(nothing);
    }
    TESS_ASSERT(!str_equal(how, "panics"));
    if (str_equal(how, "refuses")) {
        service_keep();
    }
    if (str_equal(how, "crashes") || (str_equal(how, "wavers") && is_to_end()) || str_equal(how, "refuses")) {
        tess_exit(3);
    }
    while (str_equal(how, "hangs")) {
        raw_relax();
    }
    return DEADLINE_NEVER;
}

static void stopped(void) {
    handle_t console;
    if (status_ok(tess_cap("console", CONSOLE_ID, &console))) {
        (void)console_print(console, "%s was stopped in order\n", tess_bootstrap->program);
    }
}

static size_t write_nothing(void *to, size_t room) {
    if (room > 0) {
        *(char *)to = '?';
    }
    return 1;
}

static bool understand(const void *, size_t) {
    return false;
}

int main(int argc, char **argv) {
    how = argc > 1 ? argv[1] : "well";
    command_line = argc > 2 ? argv[2] : nullptr;
    while (str_equal(how, "unready")) {
        raw_relax();
    }
    const struct service service = {.provides = argv[0],
                                    .before_wait = fall_ill,
                                    .stop = stopped,
                                    .save = write_nothing,
                                    .adopt = understand,
                                    .keeps = str_equal(how, "refuses") ? "state" : nullptr};
    return service_run(&service, &server, dispatch);
}
