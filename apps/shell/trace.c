// trace: has the kernel write down what happens, for tools/trace to read.
#include "abi/gen/stubs.h"
#include "abi/trace.h"
#include "apps/shell/shell.h"
#include "base/str.h"
#include "lib/tess/capset.h"

constexpr uint64_t MOST_BYTES = 128 * 1024; // of records for each processor: 4,096
constexpr uint64_t ALL_BYTES = 512 * 1024;  // for all of them together, as far as that goes: the shell has 1 MiB

// A fresh buffer for each processor. The trace keeps them without the handles.
static status_t make_buffers(void) {
    uint64_t processors, bytes = MOST_BYTES;
    TRY(tess_trace_info(shell.trace, 0, &processors, nullptr, nullptr, nullptr));
    while (processors * bytes > ALL_BYTES) {
        bytes /= 2;
    }
    for (uint64_t i = 0; i < processors; i++) {
        handle_t vmo;
        TRY(tess_trace_buffer(shell.trace, i, bytes, tess_self_account(), &vmo));
        TRY(tess_process_handle_close(tess_self_process(), vmo.v));
    }
    return STATUS_OK;
}

// All or nothing: processors without a buffer would leave holes in every request.
static status_t start(void) {
    const status_t status = make_buffers();
    if (!status_ok(status)) {
        status_t ignored = tess_trace_stop(shell.trace);
        (void)ignored; // why there are no buffers is what is said
        return status;
    }
    return tess_trace_start(shell.trace, (1 << TRACE_CLASSES) - 1);
}

static status_t show(void) {
    uint64_t processors = 1;
    for (uint64_t i = 0; i < processors; i++) {
        uint64_t classes, written, lost;
        TRY(tess_trace_info(shell.trace, i, &processors, &classes, &written, &lost));
        out("processor %llu: %llu events, %llu lost%s\n", (unsigned long long)i, (unsigned long long)written,
            (unsigned long long)lost, classes != 0 ? ", on" : "");
    }
    return STATUS_OK;
}

void command_trace(const struct arguments *arguments) {
    const char *what = arguments->count > 1 ? arguments->words[1] : "";
    status_t status;
    if (arguments->count == 1) {
        status = show();
    } else if (str_equal(what, "start")) {
        status = start();
    } else if (str_equal(what, "stop")) {
        status = tess_trace_start(shell.trace, 0);
    } else if (str_equal(what, "off")) {
        status = tess_trace_stop(shell.trace);
    } else {
        out("usage: trace [start|stop|off]\n");
        return;
    }
    if (!status_ok(status)) {
        out_problem("trace", status);
    }
}
