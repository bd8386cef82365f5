// trace: has the kernel write down what happens, for tools/trace to read.
#include "abi/trace.h"
#include "lib/commands/shell.h"
#include "base/str.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"

constexpr uint64_t MOST_BYTES = 128 * 1024; // of records for each processor: 4,096
constexpr uint64_t ALL_BYTES = 512 * 1024;  // for all of them together, as far as that goes: the shell has 1 MiB

// A fresh buffer for each processor. The trace keeps them without the handles.
static status_t make_buffers(void) {
    RPC_CALL(call); // has the buffers' handles, and closes them
    struct trace_info_results info;
    uint64_t bytes = MOST_BYTES;
    TRY(trace_call_info(shell.trace, &call, 0, rpc_patience(), &info));
    const uint64_t processors = trace_info_results_get_processors(info);
    while (processors * bytes > ALL_BYTES) {
        bytes /= 2;
    }
    for (uint64_t i = 0; i < processors; i++) {
        TRY(trace_call_buffer(shell.trace, &call, i, bytes, (struct account){tess_self_account()}, rpc_patience(), nullptr));
    }
    return STATUS_OK;
}

// All or nothing: processors without a buffer would leave holes in every request.
static status_t start(void) {
    RPC_CALL(call);
    const status_t status = make_buffers();
    if (!status_ok(status)) {
        status_t ignored = trace_call_stop(shell.trace, &call, rpc_patience(), nullptr);
        (void)ignored; // why there are no buffers is what is said
        return status;
    }
    return trace_call_start(shell.trace, &call, (1 << TRACE_CLASSES) - 1, rpc_patience(), nullptr);
}

static status_t show(void) {
    RPC_CALL(call);
    struct trace_info_results info;
    uint64_t i = 0;
    do {
        TRY(trace_call_info(shell.trace, &call, i, rpc_patience(), &info));
        out("processor %llu: %llu events, %llu lost%s\n", (unsigned long long)i,
            (unsigned long long)trace_info_results_get_written(info), (unsigned long long)trace_info_results_get_lost(info),
            trace_info_results_get_classes(info) != 0 ? ", on" : "");
    } while (++i < trace_info_results_get_processors(info));
    return STATUS_OK;
}

int command_trace(const struct arguments *arguments) {
    const char *what = arguments->count > 1 ? arguments->words[1] : "";
    RPC_CALL(call);
    status_t status;
    if (!tess_handle_valid(shell.trace.handle)) {
        return fail_ungranted("trace", "trace", TRACE_ID);
    }
    if (arguments->count == 1) {
        status = show();
    } else if (str_equal(what, "start")) {
        status = start();
    } else if (str_equal(what, "stop")) {
        status = trace_call_start(shell.trace, &call, 0, rpc_patience(), nullptr);
    } else if (str_equal(what, "off")) {
        status = trace_call_stop(shell.trace, &call, rpc_patience(), nullptr);
    } else {
        return misused("usage: trace [start|stop|off]\n");
    }
    return status_ok(status) ? COMMAND_OK : out_problem("trace", status);
}
