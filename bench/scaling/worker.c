// One of the processes that bench/scaling/scaling.c gives work to: scaling_worker WORK NUMBER.
#include "abi/gen/stubs.h"
#include "bench/image.h"
#include "bench/scaling/work.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/message.h"
#include "lib/tess/panic.h"
#include "lib/tess/spawn.h"
#include "lib/tess/syscall.h"

constexpr uint64_t PAGE = 4096;

// A worker's part of each kind of work: about two million instructions, and eight of starting programs. There whoever is
// free goes on with what is ready, so a processor does as much as the host lets it: the longer it takes the more even.
constexpr uint32_t COMPUTE_ROUNDS = 60, COMPUTE_WORDS = 4096;
constexpr uint32_t IPC_CALLS = 8000;
constexpr uint32_t SPAWNS = 240;
constexpr uint32_t FAULT_ROUNDS = 12, FAULT_PAGES = 128;

static handle_t peer, start, boot_package;
static struct package_entry child;

static void require(status_t status, const char *what) {
    if (!status_ok(status)) {
        tess_panic("scaling_worker: %s: status %u", what, status.code);
    }
}

static void compute(void) {
    static uint64_t words[COMPUTE_WORDS];
    for (uint32_t round = 0; round < COMPUTE_ROUNDS; round++) {
        uint64_t state = round;
        for (uint32_t i = 0; i < COMPUTE_WORDS; i++) {
            state = state * 0x5851'f42d'4c95'7f2d + words[i];
            words[i] = state >> 7;
        }
        uint64_t bits;
        (void)tess_wait(start, &bits, DEADLINE_POLL).code; // there are none: a system call is all that is wanted
    }
}

static void ipc(void) {
    for (uint32_t i = 0; i < IPC_CALLS; i++) {
        struct tess_message message = {.words = {i}};
        require(tess_call(peer, &message, DEADLINE_NEVER), "call");
    }
}

[[noreturn]] static void serve(void) {
    struct tess_message message = {};
    require(tess_recv(peer, &message, DEADLINE_NEVER), "recv");
    for (;;) {
        message.info = 0;
        require(tess_reply_recv(peer, &message, DEADLINE_NEVER), "reply_recv");
    }
}

static void spawn(void) {
    static const char *const argv[] = {"bench_child"};
    handle_t ended;
    require(tess_account_create_notification(tess_self_account(), &ended), "create_notification");
    const struct spawn_request request = {
        .name = "bench_child",
        .account = tess_self_account(),
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
    for (uint32_t i = 0; i < SPAWNS; i++) {
        struct spawned spawned;
        uint64_t bits;
        char why[128];
        if (!status_ok(tess_spawn(&request, &spawned, why, sizeof(why)))) {
            tess_panic("scaling_worker: %s", why);
        }
        require(tess_wait(ended, &bits, DEADLINE_NEVER), "wait");
        tess_close(spawned.thread);
        tess_close(spawned.process);
    }
}

static void fault(void) {
    const handle_t vspace = tess_self_vspace();
    for (uint32_t round = 0; round < FAULT_ROUNDS; round++) {
        handle_t vmo;
        uint64_t address;
        require(tess_account_create_vmo(tess_self_account(), FAULT_PAGES * PAGE, &vmo), "create_vmo");
        require(tess_vspace_map(vspace, vmo, 0, FAULT_PAGES * PAGE, 0, PROT_READ | PROT_WRITE, &address), "map");
        for (uint32_t i = 0; i < FAULT_PAGES; i++) {
            *(volatile uint64_t *)(address + i * PAGE) = i;
        }
        require(tess_vspace_unmap(vspace, address, FAULT_PAGES * PAGE), "unmap");
        tess_close(vmo);
    }
}

static void (*const works[WORK_COUNT])(void) = {
    [WORK_COMPUTE] = compute, [WORK_IPC] = ipc, [WORK_SPAWN] = spawn, [WORK_FAULT] = fault};

int main(int argc, char **argv) {
    if (argc != 3) {
        return 2;
    }
    const uint8_t work = (uint8_t)(argv[1][0] - '0');
    const uint32_t number = (uint32_t)(argv[2][0] - '0');
    const handle_t progress = tess_cap_required("progress", 0);
    start = tess_cap_required("start", 0);
    peer = tess_cap_required("peer", 0);
    boot_package = tess_cap_required("boot_package", 0);
    if (work == WORK_SERVE) {
        serve();
    }
    if (work == WORK_SPAWN) {
        child = image_find(boot_package, "bench_child");
    }
    uint64_t bits;
    require(tess_signal(progress, 1ull << (SCALING_READY_SHIFT + number)), "signal");
    require(tess_wait(start, &bits, DEADLINE_NEVER), "wait");
    works[work]();
    require(tess_signal(progress, 1ull << (SCALING_DONE_SHIFT + number)), "signal");
    return 0;
}
