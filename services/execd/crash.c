// Records of what crashed: jobs, whose remains execd takes itself when they have ended, and services, whose remains the supervisor
// lays into a box (lib/crash/remains.h).
#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/keep/keep.h"
#include "lib/launch/mappings.h"
#include "lib/launch/remains.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "services/execd/execd.h"
#include "tess_arch.h"

constexpr uint32_t REPORT_TRIES = 50;
constexpr uint64_t REPORT_PAUSE_MS = 100;

const struct crash_machine crash_machine = {
    .name = TESS_ARCH_MACHINE,
    .calls_push = TESS_ARCH_CALLS_PUSH,
    .registers = TESS_ARCH_REGISTER_NAMES,
    .frame_pointer = tess_arch_frame_pointer,
    .return_address = tess_arch_return_address,
};

static struct keep keep; // where the records are, which outlive this process
static const struct crashes *crashes;
static struct symbols symbols;
static bool has_symbols;
static const struct remains_box *box; // null: services have none
static struct remains remains;        // at work; large
static uint64_t next_try_ns;
static uint32_t tries_left;           // to tell the log; 0: there is nothing to be told

static status_t map_grant(const char *name, const void **bytes, uint64_t *len) {
    handle_t file;
    uint64_t address;
    TRY(tess_cap(name, 0, &file));
    TRY(tess_vmo_info(file, len, nullptr));
    TRY(tess_vspace_map(tess_self_vspace(), file, 0, *len, 0, PROT_READ, &address));
    *bytes = (const void *)address;
    return STATUS_OK;
}

// To change them: the next version, which takes effect whole with save.
static struct crashes *change(void) {
    struct crashes *next = keep_begin(&keep);
    if (crashes != nullptr) {
        memcpy(next, crashes, sizeof(*next));
    } else {
        memset(next, 0, sizeof(*next));
    }
    return next;
}

static void save(const struct crashes *next) {
    keep_commit(&keep, sizeof(*next));
    crashes = next;
}

// What the process before this one left, once this one serves in its place.
static void load(void) {
    const void *left;
    size_t len;
    const status_t status = keep_load(&keep, &left, &len);
    if (status_ok(status) && len == sizeof(*crashes) && crashes_check(left)) {
        crashes = left;
        tries_left = crashes->count > 0 ? REPORT_TRIES : 0;
        return;
    }
    if (!status_is(status, STATUS_NOT_FOUND)) {
        keep_forget(&keep); // it is damaged, and no record is better than a wrong one
    }
    save(change());
}

// The table that was packed with the programs: without it addresses have no names. And the box.
void crash_open(void *memory, size_t len_bytes) {
    const void *bytes;
    uint64_t len;
    keep_init(&keep, memory, len_bytes);
    memset(&remains, 0, sizeof(remains));
    has_symbols = status_ok(map_grant("symbols", &bytes, &len)) && symbols_open(bytes, len, &symbols);
    if (status_ok(map_grant(MANIFEST_CRASHES, &bytes, &len)) && len >= sizeof(struct remains_box)) {
        box = bytes;
    }
}

const struct crash *crash_find(uint32_t number) {
    return crashes_find(crashes, number);
}

uint32_t crash_count(void) {
    return (uint32_t)crashes->count;
}

static struct crash *add(struct crashes *to) {
    struct package_entry file;
    uint8_t build_id[SYMBOLS_BUILD_ID_BYTES];
    const bool found = package_find(&execd.package, BOOT_ENTRY_PROGRAM, remains.program, &file);
    const bool has_build_id = found && symbols_build_id(file.bytes, file.len_bytes, build_id);
    struct crash *crash = crashes_add(to, &remains, &crash_machine, has_symbols ? &symbols : nullptr, has_build_id ? build_id : nullptr);
    if (found) {
        launch_mappings(&remains, &file, crash);
    }
    return crash;
}

const struct crash *crash_of_job(const struct job *job, const struct exit_record *record) {
    const struct execd_process *process = process_of(job);
    if (!launch_remains(&process->process, &process->capset, record, &remains)) {
        return nullptr;
    }
    remains.holder = job->id;
    (void)str_copy(remains.name, sizeof(remains.name), job->name); // same bounds
    (void)str_copy(remains.program, sizeof(remains.program), process->spec->program);
    (void)str_copy(remains.reason, sizeof(remains.reason), job->reason);
    struct crashes *next = change();
    struct crash *crash = add(next);
    crash->reported = 1; // with its end
    save(next);
    return crash;
}

// ---- services ----

static void take_from_box(void) {
    struct crashes *next = change();
    const uint64_t count = remains_count(box), first = count > REMAINS_BOXED ? count - REMAINS_BOXED : 0;
    if (next->taken < first || next->taken > count) {
        next->taken = first; // older ones have no record; the log has their ends
    }
    while (next->taken < count) {
        next->taken++;
        if (remains_read(box, next->taken, &remains)) { // else a younger one has taken its place, which is still to come
            (void)add(next);
        }
    }
    save(next);
    tries_left = REPORT_TRIES;
}

static const struct crash *first_unreported(void) {
    const uint32_t count = crash_count();
    for (uint32_t number = count < CRASHES_MAX ? 1 : count - CRASHES_MAX + 1; number <= count; number++) {
        if (crash_find(number)->reported == 0) {
            return crash_find(number);
        }
    }
    return nullptr;
}

// The log may be the one that crashed. What it is not told within all tries is in `crashes` all the same.
static void report_all(void) {
    for (const struct crash *crash; (crash = first_unreported()) != nullptr && tries_left > 0;) {
        if (!status_ok(report_crash(crash))) {
            tries_left--;
            next_try_ns = tess_deadline_after_ms(REPORT_PAUSE_MS);
            return;
        }
        struct crashes *next = change();
        next->all[crash - crashes->all].reported = 1;
        save(next);
    }
    tries_left = 0;
}

uint64_t crash_due(void) {
    if (crashes == nullptr) {
        load();
    }
    if (box != nullptr && remains_count(box) != crashes->taken) {
        return 0;
    }
    return tries_left > 0 ? next_try_ns : DEADLINE_NEVER;
}

void crash_collect(void) {
    if (box != nullptr && remains_count(box) != crashes->taken) {
        take_from_box();
        next_try_ns = 0;
    }
    if (tries_left > 0 && tess_now_ns() >= next_try_ns) {
        report_all();
    }
}
