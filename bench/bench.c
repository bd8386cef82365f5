// Measures the system's operations in time-stamp counter ticks, which under the deterministic emulator are
// guest instructions (docs/reference/benchmarks.md). One line a row: name, mean, minimum, median.
//
// Each row runs one warm-up batch and ten that count; a batch is `count` operations. `bench ROW...` runs these alone.
#include "abi/gen/stubs.h"
#include "abi/trace.h"
#include "base/str.h"
#include "bench/image.h"
#include "bench/adder.capnp.h"
#include "bench/node_rows.h"
#include "bench/peer.h"
#include "bench/ring_rows.h"
#include "bench/service_rows.h"
#include "idl/kernel.capnp.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/message.h"
#include "lib/tess/page.h"
#include "lib/tess/panic.h"
#include "lib/tess/park.h"
#include "lib/tess/spawn.h"
#include "lib/tess/syscall.h"
#include "lib/tess/thread.h"
#include "lib/console/console.h"
#include "marker.h"

constexpr uint32_t BATCHES = 10;
constexpr uint64_t PAGE = 4096;

static handle_t peer, adder, account, vspace, process, trace;

static void require(status_t status, const char *what) {
    if (!status_ok(status)) {
        tess_panic("bench: %s: status %u", what, status.code);
    }
}

// ---- rows. Each does `count` operations and returns the ticks that they took. ----

static uint64_t null_syscall(uint64_t count) {
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        tess_yield(); // nobody else is ready
    }
    return tess_arch_cycles() - start;
}

static uint64_t ipc_rtt_0w(uint64_t count) {
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        uint64_t info = PEER_ECHO;
        require(tess_call0(peer, &info, DEADLINE_NEVER), "call");
    }
    return tess_arch_cycles() - start;
}

static uint64_t ipc_rtt_8w(uint64_t count) {
    struct tess_message message = {.words = {1, 2, 3, 4, 5, 6, 7, 8}};
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        message.info = PEER_ECHO;
        require(tess_call(peer, &message, DEADLINE_NEVER), "call");
    }
    return tess_arch_cycles() - start;
}

// A generated call of two integers, and its generated service. What it costs more than ipc_rtt_8w is the stubs.
static uint64_t contract_rtt(uint64_t count) {
    RPC_CALL(call);
    struct adder_add_results results;
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        require(adder_call_add((struct adder){adder}, &call, i, 1, DEADLINE_NEVER, &results), "add");
        if (adder_add_results_get_sum(results) != i + 1) {
            tess_panic("bench: the sum is wrong");
        }
    }
    return tess_arch_cycles() - start;
}

// A method of a kernel object, through its contract and by the runtime's wrapper.
static struct timer new_timer(void) {
    struct timer timer;
    require(tess_account_create_timer(account, &timer.handle), "create_timer");
    return timer;
}

static uint64_t kernel_method(uint64_t count) {
    const struct timer timer = new_timer();
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        RPC_CALL(call);
        struct timer_info_results results;
        require(timer_call_info(timer, &call, DEADLINE_NEVER, &results), "timer.info");
        require((status_t){(uint32_t)timer_info_results_get_fired(results)}, "fired"); // never
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    tess_close(timer.handle);
    return ticks;
}

static uint64_t kernel_method_bare(uint64_t count) {
    const struct timer timer = new_timer();
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        uint64_t fired;
        require(tess_timer_info(timer.handle, nullptr, nullptr, &fired, nullptr), "timer.info");
        require((status_t){(uint32_t)fired}, "fired");
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    tess_close(timer.handle);
    return ticks;
}

// The same with a text, which travels in the message page, and back.
static uint64_t contract_text_rtt(uint64_t count) {
    RPC_CALL(call);
    struct adder_echo_results results;
    const struct capnp_text text = CAPNP_TEXT("a line such as programs report to the log");
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        require(adder_call_echo((struct adder){adder}, &call, text, DEADLINE_NEVER, &results), "echo");
        if (adder_echo_results_get_text(results).len != text.len) {
            tess_panic("bench: the text is another");
        }
    }
    return tess_arch_cycles() - start;
}

static uint64_t page_round_trip(uint64_t count, uint32_t bytes) {
    uint64_t info = message_info(PEER_ECHO, bytes, 0, 0);
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        info = message_info(PEER_ECHO, bytes, 0, 0);
        require(tess_call0(peer, &info, DEADLINE_NEVER), "call");
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    if (message_page_bytes(info) != bytes) {
        tess_panic("bench: the echo has %u bytes", message_page_bytes(info));
    }
    return ticks;
}

static uint64_t ipc_rtt_960b(uint64_t count) {
    return page_round_trip(count, 960);
}

static uint64_t ipc_rtt_4k(uint64_t count) {
    return page_round_trip(count, 4096);
}

static uint64_t ipc_rtt_handle(uint64_t count) {
    handle_t notification;
    require(tess_account_create_notification(account, &notification), "create_notification");
    struct tess_message message = {};
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        message.info = message_info(PEER_CLOSE, 0, 1, 0);
        tess_message_set_handle(&message, 0, notification);
        require(tess_call(peer, &message, DEADLINE_NEVER), "call");
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    tess_close(notification);
    return ticks;
}

static uint64_t notify_pingpong(uint64_t count) {
    handle_t to_peer, to_us;
    require(tess_account_create_notification(account, &to_peer), "create_notification");
    require(tess_account_create_notification(account, &to_us), "create_notification");
    struct tess_message message = {.info = message_info(PEER_PINGPONG, 0, 2, 0), .words = {count + 1}};
    tess_message_set_handle(&message, 0, to_peer);
    tess_message_set_handle(&message, 1, to_us);
    require(tess_call(peer, &message, DEADLINE_NEVER), "call");
    uint64_t bits, start = 0;
    for (uint64_t i = 0; i <= count; i++) {
        if (i == 1) { // after the first round the peer waits
            start = tess_arch_cycles();
        }
        require(tess_signal(to_peer, 1), "signal");
        require(tess_wait(to_us, &bits, DEADLINE_NEVER), "wait");
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    tess_close(to_peer);
    tess_close(to_us);
    return ticks;
}

// Two processes take turns over a word of shared memory.
static uint64_t park_pingpong(uint64_t count) {
    handle_t vmo;
    uint64_t address;
    require(tess_account_create_vmo(account, PAGE, &vmo), "create_vmo");
    require(tess_vspace_map(vspace, vmo, 0, PAGE, 0, PROT_READ | PROT_WRITE, &address), "map");
    _Atomic uint32_t *turn = (_Atomic uint32_t *)address;
    atomic_store(turn, 0);
    struct tess_message message = {.info = message_info(PEER_PARK, 0, 1, 0), .words = {count + 1}};
    tess_message_set_handle(&message, 0, vmo);
    require(tess_call(peer, &message, DEADLINE_NEVER), "call");
    uint64_t start = 0;
    for (uint64_t i = 0; i <= count; i++) {
        if (i == 1) { // after the first round the peer waits
            start = tess_arch_cycles();
        }
        atomic_store(turn, 1);
        require(tess_unpark(turn, 1), "unpark");
        while (atomic_load(turn) == 1) {
            (void)tess_park(turn, 1, DEADLINE_NEVER);
        }
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    require(tess_vspace_unmap(vspace, address, PAGE), "unmap");
    tess_close(vmo);
    return ticks;
}

static uint64_t signal_nowait(uint64_t count) {
    handle_t notification;
    require(tess_account_create_notification(account, &notification), "create_notification");
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        require(tess_signal(notification, 1), "signal");
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    tess_close(notification);
    return ticks;
}

static uint64_t poll_empty(uint64_t count) {
    handle_t notification;
    require(tess_account_create_notification(account, &notification), "create_notification");
    uint64_t bits, empty = 0;
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        empty += !status_ok(tess_wait(notification, &bits, DEADLINE_POLL));
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    if (empty != count) {
        tess_panic("bench: a poll found bits");
    }
    tess_close(notification);
    return ticks;
}

// Both processes yield in turn: a pair of yields is two operations.
static uint64_t yield_switch(uint64_t count) {
    struct tess_message message = {.info = PEER_YIELD, .words = {count}};
    require(tess_call(peer, &message, DEADLINE_NEVER), "call");
    tess_yield(); // from here on the two alternate
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count / 2; i++) {
        tess_yield();
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    uint64_t info = PEER_ECHO;
    require(tess_call0(peer, &info, DEADLINE_NEVER), "call");
    return ticks;
}

// A VMO of `pages` pages, mapped; the caller unmaps and closes.
static uint64_t map_new(uint64_t pages, handle_t *vmo) {
    uint64_t address;
    require(tess_account_create_vmo(account, pages * PAGE, vmo), "create_vmo");
    require(tess_vspace_map(vspace, *vmo, 0, pages * PAGE, 0, PROT_READ | PROT_WRITE, &address), "map");
    return address;
}

static void touch_all(uint64_t address, uint64_t pages) {
    for (uint64_t i = 0; i < pages; i++) {
        *(volatile uint64_t *)(address + i * PAGE) = i;
    }
}

static uint64_t fault_anon(uint64_t count) {
    handle_t vmo;
    const uint64_t address = map_new(count, &vmo);
    const uint64_t start = tess_arch_cycles();
    touch_all(address, count);
    const uint64_t ticks = tess_arch_cycles() - start;
    require(tess_vspace_unmap(vspace, address, count * PAGE), "unmap");
    tess_close(vmo);
    return ticks;
}

// The peer is the pager, and has the pages.
static uint64_t fault_pager(uint64_t count) {
    handle_t vmo, source;
    uint64_t address;
    require(tess_account_create_pager_vmo(account, count * PAGE, peer, 0, &vmo), "create_pager_vmo");
    require(tess_account_create_vmo(account, count * PAGE, &source), "create_vmo");
    require(tess_vmo_commit(source, 0, count * PAGE), "commit");
    require(tess_vspace_map(vspace, vmo, 0, count * PAGE, 0, PROT_READ | PROT_WRITE, &address), "map");
    struct tess_message message = {.info = message_info(PEER_PAGE, 0, 2, 0)};
    tess_message_set_handle(&message, 0, vmo);
    tess_message_set_handle(&message, 1, source);
    require(tess_call(peer, &message, DEADLINE_NEVER), "call");
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        (void)*(volatile uint64_t *)(address + i * PAGE);
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    require(tess_vspace_unmap(vspace, address, count * PAGE), "unmap");
    tess_close(vmo);
    tess_close(source);
    return ticks;
}

static uint64_t map_resident(uint64_t count, bool measure_unmap) {
    handle_t vmo;
    uint64_t address = map_new(count, &vmo);
    touch_all(address, count);
    require(tess_vspace_unmap(vspace, address, count * PAGE), "unmap");
    uint64_t start = tess_arch_cycles();
    require(tess_vspace_map(vspace, vmo, 0, count * PAGE, 0, PROT_READ | PROT_WRITE, &address), "map");
    touch_all(address, count);
    uint64_t ticks = tess_arch_cycles() - start;
    start = tess_arch_cycles();
    require(tess_vspace_unmap(vspace, address, count * PAGE), "unmap");
    if (measure_unmap) {
        ticks = tess_arch_cycles() - start;
    }
    tess_close(vmo);
    return ticks;
}

static uint64_t map_page(uint64_t count) {
    return map_resident(count, false);
}

static uint64_t unmap_page(uint64_t count) {
    return map_resident(count, true);
}

// Both sides map the memory, touch it and unmap it.
static void pass_vmo(handle_t vmo) {
    uint64_t address;
    require(tess_vspace_map(vspace, vmo, 0, PAGE, 0, PROT_READ | PROT_WRITE, &address), "map");
    *(volatile uint64_t *)address += 1;
    require(tess_vspace_unmap(vspace, address, PAGE), "unmap");
    struct tess_message message = {.info = message_info(PEER_TOUCH, 0, 1, 0)};
    tess_message_set_handle(&message, 0, vmo);
    require(tess_call(peer, &message, DEADLINE_NEVER), "call");
}

static uint64_t vmo_pass_rtt(uint64_t count) {
    handle_t vmo;
    require(tess_account_create_vmo(account, PAGE, &vmo), "create_vmo");
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        pass_vmo(vmo);
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    tess_close(vmo);
    return ticks;
}

static uint64_t vmo_pass_create_rtt(uint64_t count) {
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        handle_t vmo;
        require(tess_account_create_vmo(account, PAGE, &vmo), "create_vmo");
        pass_vmo(vmo);
        tess_close(vmo);
    }
    return tess_arch_cycles() - start;
}

// 1 MiB, all of it resident, goes to the peer and comes back: the handle moves, the memory does not.
static uint64_t handoff_1m(uint64_t count) {
    constexpr uint64_t PAGES = 256;
    handle_t vmo;
    const uint64_t address = map_new(PAGES, &vmo);
    touch_all(address, PAGES);
    struct tess_message message = {};
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        message.info = message_info(PEER_RETURN, 0, 1, 1) | tess_accept(1);
        tess_message_set_handle(&message, 0, vmo);
        require(tess_call(peer, &message, DEADLINE_NEVER), "call");
        vmo = tess_message_handle(&message, 0);
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    require(tess_vspace_unmap(vspace, address, PAGES * PAGE), "unmap");
    tess_close(vmo);
    return ticks;
}

// What a call and its answer, two events, cost more while they are written down, each; with the test whether they are,
// which is there in any case.
static uint64_t trace_event_on(uint64_t count) {
    constexpr uint64_t BUFFER_BYTES = 64 * 1024, TEST = 2;
    handle_t vmo;
    require(tess_trace_buffer(trace, 0, BUFFER_BYTES, account, &vmo), "trace.buffer");
    const uint64_t off = ipc_rtt_0w(count);
    require(tess_trace_start(trace, 1 << TRACE_IPC), "trace.start");
    const uint64_t on = ipc_rtt_0w(count);
    require(tess_trace_stop(trace), "trace.stop");
    require(tess_trace_start(trace, 0), "trace.start");
    tess_close(vmo);
    return (on - off) / 2 + TEST * count;
}

static void thread_nothing(void *argument) {
    (void)argument;
}

// One revoke of all that was derived from a handle, `count` handles, per handle.
static uint64_t revoke_each(uint64_t count) {
    handle_t endpoint;
    uint64_t copy;
    require(tess_account_create_endpoint(account, 0, &endpoint), "create_endpoint");
    for (uint64_t i = 0; i < count; i++) {
        require(tess_process_handle_copy(process, endpoint.v, RIGHTS_ALL_BITS, &copy), "handle_copy");
    }
    const uint64_t start = tess_arch_cycles();
    require(tess_process_handle_revoke(process, endpoint.v, false), "handle_revoke");
    const uint64_t ticks = tess_arch_cycles() - start;
    tess_close(endpoint);
    return ticks;
}

static uint64_t thread_lifecycle(uint64_t count) {
    const struct tess_thread_options options = {.stack_bytes = 2 * PAGE, .band = BAND_NORMAL};
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        struct tess_thread *thread;
        require(tess_thread_create(thread_nothing, nullptr, &options, &thread), "thread_create");
        require(tess_thread_join(thread, DEADLINE_NEVER), "thread_join");
    }
    return tess_arch_cycles() - start;
}

static struct package_entry child;
static handle_t boot_package;

static uint64_t process_lifecycle(uint64_t count) {
    handle_t ended;
    require(tess_account_create_notification(account, &ended), "create_notification");
    static const char *const argv[] = {"bench_child"};
    const struct spawn_request request = {
        .name = "bench_child",
        .account = account,
        .image = boot_package,
        .image_offset = child.offset_bytes,
        .image_bytes = child.len_bytes,
        .mapped = child.bytes,
        .band = BAND_NORMAL,
        .argv = argv,
        .argc = 1,
        .watch = ended,
        .watch_bits = 1,
    };
    char why[128];
    const uint64_t start = tess_arch_cycles();
    for (uint64_t i = 0; i < count; i++) {
        struct spawned spawned;
        uint64_t bits;
        if (!status_ok(tess_spawn(&request, &spawned, why, sizeof(why)))) {
            tess_panic("bench: %s", why);
        }
        require(tess_wait(ended, &bits, DEADLINE_NEVER), "wait");
        tess_close(spawned.thread);
        tess_close(spawned.process);
    }
    const uint64_t ticks = tess_arch_cycles() - start;
    tess_close(ended);
    return ticks;
}

// ---- the table -------------------------------------------------------------------------------------

static const struct {
    const char *name;
    uint64_t (*run)(uint64_t count);
    uint64_t count;
} rows[] = {
    {"null_syscall", null_syscall, 1000},
    {"ipc_rtt_0w", ipc_rtt_0w, 1000},
    {"ipc_rtt_8w", ipc_rtt_8w, 1000},
    {"contract_rtt", contract_rtt, 1000},
    {"contract_text_rtt", contract_text_rtt, 1000},
    {"kernel_method", kernel_method, 1000},
    {"kernel_method_bare", kernel_method_bare, 1000},
    {"ipc_rtt_960b", ipc_rtt_960b, 1000},
    {"ipc_rtt_4k", ipc_rtt_4k, 1000},
    {"ipc_rtt_handle", ipc_rtt_handle, 500},
    {"notify_pingpong", notify_pingpong, 500},
    {"park_pingpong", park_pingpong, 500},
    {"signal_nowait", signal_nowait, 1000},
    {"poll_empty", poll_empty, 1000},
    {"yield_switch", yield_switch, 1000},
    {"fault_anon", fault_anon, 128},
    {"fault_pager", fault_pager, 128},
    {"map_page", map_page, 128},
    {"unmap_page", unmap_page, 128},
    {"vmo_pass_rtt", vmo_pass_rtt, 200},
    {"vmo_pass_create_rtt", vmo_pass_create_rtt, 100},
    {"handoff_1m", handoff_1m, 200},
    {"revoke_each", revoke_each, 1000},
    {"trace_event_on", trace_event_on, 1000},
    {"thread_lifecycle", thread_lifecycle, 50},
    {"samgr_resolve", samgr_resolve, 200},
    {"policy_check", policy_check, 200},
    {"log_append", log_append, 600},
    {"rng_32b", rng_32b, 600},
    {"config_get", config_get, 600},
    {"spawn_to_main", spawn_to_main, 20},
    {"ring_nop_1", ring_nop_1, 1000},
    {"ring_nop_64", ring_nop_64, 6400},
    {"ring_call_64", ring_call_64, 640},
    {"plain_3", plain_3, 100},
    {"ring_linked_3", ring_linked_3, 100},
    {"typed_2", typed_2, 200},
    {"typed_3", typed_3, 200},
    {"ring_pipeline_3", ring_pipeline_3, 200},
    {"process_lifecycle", process_lifecycle, 10},
    {"restart_service", restart_service, 10},
};

static void sort(uint64_t *values, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t j = i; j > 0 && values[j - 1] > values[j]; j--) {
            const uint64_t swap = values[j];
            values[j] = values[j - 1];
            values[j - 1] = swap;
        }
    }
}

static bool wanted(const char *name, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (str_equal(argv[i], name)) {
            return true;
        }
    }
    return argc <= 1;
}

int main(int argc, char **argv) {
    const handle_t console = tess_cap_required("console", 0);
    peer = tess_cap_required("peer", 0);
    adder = tess_cap_required("adder", 0);
    account = tess_cap_required("account", 0);
    trace = tess_cap_required("trace", 0);
    vspace = tess_self_vspace();
    process = tess_self_process();
    boot_package = tess_cap_required("boot_package", 0);
    child = image_find(boot_package, "bench_child");
    ring_rows_begin(peer);
    node_rows_begin(adder);
    service_rows_begin();
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        if (!wanted(rows[row].name, argc, argv)) {
            continue;
        }
        uint64_t batches[BATCHES], sum = 0;
        (void)rows[row].run(rows[row].count); // warm-up
        MARKER_START(0);
        for (uint32_t batch = 0; batch < BATCHES; batch++) {
            batches[batch] = rows[row].run(rows[row].count) / rows[row].count;
            sum += batches[batch];
        }
        MARKER_STOP(0);
        sort(batches, BATCHES);
        require(console_print(console, "bench %s %lu %lu %lu\n", rows[row].name, sum / BATCHES, batches[0],
                              (batches[BATCHES / 2 - 1] + batches[BATCHES / 2]) / 2),
                "print");
    }
    require(console_print(console, "bench done\n"), "print");
    return 0;
}
