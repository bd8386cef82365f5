// What is kept of a job that crashed: made when it has ended, of its exit record and its memory, which is still there.
#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/tess/capset.h"
#include "lib/tess/panic.h"
#include "lib/tess/thread.h"
#include "services/execd/execd.h"
#include "tess_arch.h"

static struct crashes crashes;
static struct symbols symbols;
static bool has_symbols;

// The table that was packed with the programs; without it addresses have no names.
void crash_open(void) {
    handle_t file;
    uint64_t len = 0, address = 0;
    memset(&crashes, 0, sizeof(crashes)); // committed now: a crash takes no memory
    has_symbols = status_ok(tess_cap("symbols", 0, &file)) && status_ok(tess_vmo_info(file, &len, nullptr)) &&
                  status_ok(tess_vspace_map(tess_self_vspace(), file, 0, len, 0, PROT_READ, &address)) &&
                  symbols_open((const void *)address, len, &symbols);
}

const struct crash *crash_find(uint32_t number) {
    return crashes_find(&crashes, number);
}

uint32_t crash_count(void) {
    return crashes.count;
}

// Reads the dead process's first stack, and what lies above it; nothing else of its memory is looked at.
static size_t read_stack(const struct spawned *process, uint64_t address, void *to, size_t len) {
    uint64_t done = 0;
    if (address < process->stack_base || address >= process->stack_end) {
        return 0;
    }
    const uint64_t left = process->stack_end - address;
    const status_t status = tess_vmo_read(process->memory, process->memory_stack_at + (address - process->stack_base), (uint64_t)to,
                                          len < left ? len : left, &done);
    return status_ok(status) ? done : 0;
}

static bool read_word(void *context, uint64_t address, uint64_t *word) {
    return address % sizeof(*word) == 0 && read_stack(context, address, word, sizeof(*word)) == sizeof(*word);
}

// Where a program was that ended itself because something cannot be (lib/tess/panic.h). False: it did not say.
static bool find_last_words(const struct spawned *process, struct backtrace *from) {
    struct tess_thread_block block;
    if (read_stack(process, process->tls_base, &block, sizeof(block)) != sizeof(block) || block.stopped_ip == 0) {
        return false;
    }
    from->ip = block.stopped_ip;
    from->sp = block.stopped_sp;
    from->ip_returns = true;
    return true;
}

static bool find_place(const struct spawned *process, const struct exit_record *record, struct backtrace *from) {
    if (record->kind == EXIT_NORMAL) {
        return (record->code == TESS_EXIT_PANIC || record->code == TESS_EXIT_STACK) && find_last_words(process, from);
    }
    from->ip = record->ip;
    from->sp = record->sp;
    from->fp = tess_arch_frame_pointer(record->gpr);
    from->ra = tess_arch_return_address(record->gpr);
    return record->kind == EXIT_FAULT;
}

const struct crash *crash_take(const struct job *job, const struct exit_record *record) {
    struct execd_process *ended = process_of(job);
    const struct spawned *process = &ended->process;
    struct symbols_program program;
    struct package_entry file;
    struct backtrace from = {
        .bias = process->image_bias,
        .low = process->image_base,
        .high = process->image_end,
        .calls_push = TESS_ARCH_CALLS_PUSH,
        .read = read_word,
        .context = &ended->process,
    };
    if (!find_place(process, record, &from)) {
        return nullptr;
    }
    struct crash *crash = crashes_add(&crashes);
    (void)str_copy(crash->name, sizeof(crash->name), job->name);
    (void)str_copy(crash->program, sizeof(crash->program), ended->spec->program);
    (void)str_copy(crash->reason, sizeof(crash->reason), job->reason);
    crash->record = *record;
    crash->record.ip = from.ip;
    crash->record.sp = from.sp;
    crash->image_low = process->image_base;
    crash->image_high = process->image_end;
    crash->stack_low = process->stack_base;
    crash->stack_high = process->stack_end;
    crash->has_build_id = package_find(&execd.package, BOOT_ENTRY_PROGRAM, ended->spec->program, &file) &&
                          symbols_build_id(file.bytes, file.len_bytes, crash->build_id);
    if (crash->has_build_id && has_symbols && symbols_find(&symbols, crash->build_id, &program)) {
        from.program = &program;
    }
    crash->frame_count = backtrace_walk(&from, crash->frames, CRASH_FRAMES);
    // From the stack's end, where the stack pointer is beyond that.
    crash->stack_at = from.sp >= process->stack_base ? from.sp & ~(sizeof(uint64_t) - 1) : process->stack_base;
    crash->stack_bytes = read_stack(process, crash->stack_at, crash->stack, sizeof(crash->stack));
    return crash;
}
