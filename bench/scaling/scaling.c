// Gives a fixed amount of work to four workers, each a process of its own, and marks for the emulator's counting
// plugin where it begins and ends (bench/scaling/measure.py). The work is the same however many processors there
// are: with one they take turns.
#include "abi/gen/stubs.h"
#include "marker.h"
#include "bench/image.h"
#include "bench/scaling/work.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"
#include "lib/tess/spawn.h"
#include "lib/tess/syscall.h"
#include "lib/console/console.h"

static handle_t account, boot_package, progress;
static handle_t settled; // never signalled
static struct package_entry worker_image;

// One worker: what it is started with, and what ends it.
static struct worker {
    handle_t account, start, endpoint;
    struct spawned process, server;
} workers[SCALING_WORKERS];

static void require(status_t status, const char *what) {
    if (!status_ok(status)) {
        tess_panic("scaling: %s: status %u", what, status.code);
    }
}

static void grant(struct spawn_request *request, const char *name, handle_t handle, enum object_type type) {
    struct spawn_grant *to = &request->grants[request->grant_count++];
    *to = (struct spawn_grant){.handle = handle, .rights = {RIGHTS_ALL_BITS}, .type = type};
    for (uint32_t i = 0; name[i] != '\0'; i++) {
        to->name[i] = name[i];
    }
}

static void start_process(struct worker *worker, uint8_t work, struct spawned *out) {
    static struct spawn_grant grants[8];
    const char letters[] = {(char)('0' + work), '\0'}, who[] = {(char)('0' + (worker - workers)), '\0'};
    const char *const argv[] = {"scaling_worker", letters, who};
    struct spawn_request request = {
        .name = "scaling_worker",
        .account = worker->account,
        .image = boot_package,
        .image_offset = worker_image.offset_bytes,
        .image_bytes = worker_image.len_bytes,
        .mapped = worker_image.bytes,
        .band = BAND_NORMAL,
        .argv = argv,
        .argc = 3,
        .grants = grants,
        .watch = work == WORK_SERVE ? (handle_t){} : progress,
        .watch_bits = 1ull << (SCALING_ENDED_SHIFT + (worker - workers)),
    };
    grant(&request, "progress", progress, OBJECT_NOTIFICATION);
    grant(&request, "start", worker->start, OBJECT_NOTIFICATION);
    grant(&request, "peer", worker->endpoint, OBJECT_ENDPOINT);
    grant(&request, "boot_package", boot_package, OBJECT_VMO);
    char why[128];
    if (!status_ok(tess_spawn(&request, out, why, sizeof(why)))) {
        tess_panic("scaling: %s", why);
    }
}

static void worker_start(struct worker *worker, uint8_t work) {
    require(tess_account_create_account(account, 4 << 20, &worker->account), "create_account");
    require(tess_account_create_notification(worker->account, &worker->start), "create_notification");
    require(tess_account_create_endpoint(worker->account, 0, &worker->endpoint), "create_endpoint");
    if (work == WORK_IPC) {
        start_process(worker, WORK_SERVE, &worker->server);
    }
    start_process(worker, work, &worker->process);
}

static void worker_end(struct worker *worker, uint8_t work) {
    if (work == WORK_IPC) {
        require(tess_process_exit(worker->server.process, 0), "kill");
        tess_close(worker->server.thread);
        tess_close(worker->server.process);
    }
    tess_close(worker->process.thread);
    tess_close(worker->process.process);
    tess_close(worker->endpoint);
    tess_close(worker->start);
    require(tess_account_end(worker->account), "account_end");
    tess_close(worker->account);
}

// Waits until all workers have signalled their bit.
static void await_all(uint32_t shift) {
    constexpr uint64_t ALL = (1ull << SCALING_WORKERS) - 1;
    static uint64_t seen;
    while ((seen >> shift & ALL) != ALL) {
        uint64_t bits;
        require(tess_wait(progress, &bits, DEADLINE_NEVER), "wait");
        seen |= bits;
    }
    seen &= ~(ALL << shift);
}

static void start_all(uint8_t work) {
    for (uint32_t i = 0; i < SCALING_WORKERS; i++) {
        worker_start(&workers[i], work);
    }
    await_all(SCALING_READY_SHIFT);
    // Until every processor has nothing to do: what else starts with the system, or ends, would decide who goes where.
    uint64_t bits;
    const status_t status = tess_wait(settled, &bits, tess_deadline_after_ms(20));
    require(status_is(status, STATUS_TIMED_OUT) ? STATUS_OK : status, "wait");
}

static void run(void) {
    for (uint32_t i = 0; i < SCALING_WORKERS; i++) {
        require(tess_signal(workers[i].start, 1), "signal");
    }
    await_all(SCALING_DONE_SHIFT);
}

static void end_all(uint8_t work) {
    await_all(SCALING_ENDED_SHIFT);
    for (uint32_t i = 0; i < SCALING_WORKERS; i++) {
        worker_end(&workers[i], work);
    }
}

// The marker's number is part of its instruction, so each window has its own.
#define MEASURE(WORK) \
    do { \
        start_all(WORK); \
        MARKER_START(WORK); \
        run(); \
        MARKER_STOP(WORK); \
        end_all(WORK); \
    } while (0)

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    const handle_t console = tess_cap_required("console", 0);
    account = tess_cap_required("account", 0);
    boot_package = tess_cap_required("boot_package", 0);
    require(tess_account_create_notification(account, &progress), "create_notification");
    require(tess_account_create_notification(account, &settled), "create_notification");
    worker_image = image_find(boot_package, "scaling_worker");
    MEASURE(WORK_COMPUTE);
    MEASURE(WORK_IPC);
    MEASURE(WORK_SPAWN);
    MEASURE(WORK_FAULT);
    require(console_print(console, "scaling done\n"), "print");
    return 0;
}
