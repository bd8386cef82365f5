#include "lib/launch/remains.h"

#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/tess/panic.h"
#include "lib/tess/thread.h"

// Reads the first thread's stack, and what lies above it; nothing else of the memory is looked at.
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

// Where a program was that ended itself because something cannot be. False: it did not say.
static bool find_last_words(const struct spawned *process, struct remains *out) {
    struct tess_thread_block block;
    if (read_stack(process, process->tls_base, &block, sizeof(block)) != sizeof(block) || block.stopped_ip == 0) {
        return false;
    }
    out->stopped_ip = block.stopped_ip;
    out->stopped_sp = block.stopped_sp;
    return true;
}

static bool is_crash(const struct spawned *process, const struct exit_record *record, struct remains *out) {
    if (record->kind == EXIT_NORMAL) {
        return (record->code == TESS_EXIT_PANIC || record->code == TESS_EXIT_STACK) && find_last_words(process, out);
    }
    return record->kind == EXIT_FAULT;
}

static void put_handles(const struct launch_capset *capset, struct remains *out) {
    for (size_t i = 0; i < capset->count && out->handle_count < REMAINS_HANDLES; i++) {
        const struct launch_capability *from = &capset->entries[i];
        struct remains_handle *to = &out->handles[out->handle_count++];
        *to = (struct remains_handle){.handle = from->handle,
                                      .type = from->type,
                                      .rights = from->rights.v,
                                      .badge = from->badge,
                                      .interface_id = from->interface_id};
        (void)str_copy(to->name, sizeof(to->name), from->name); // same bound
    }
    out->handles_left = (uint32_t)(capset->count - out->handle_count);
}

bool launch_remains(const struct spawned *process, const struct launch_capset *capset, const struct exit_record *record,
                    struct remains *out) {
    memset(out, 0, sizeof(*out));
    if (!is_crash(process, record, out)) {
        return false;
    }
    const uint64_t sp = record->kind == EXIT_FAULT ? record->sp : out->stopped_sp;
    out->record = *record;
    out->image_low = process->image_base;
    out->image_high = process->image_end;
    out->image_bias = process->image_bias;
    out->stack_low = process->stack_base;
    out->stack_high = process->stack_end;
    out->private_at = process->memory_stack_at;
    // From the stack's end, where the stack pointer is beyond that.
    out->stack_at = sp >= process->stack_base ? sp & ~(sizeof(uint64_t) - 1) : process->stack_base;
    out->stack_bytes = (uint32_t)read_stack(process, out->stack_at, out->stack, sizeof(out->stack));
    put_handles(capset, out);
    return true;
}
