#include "kernel/init_process.h"

#include "abi/bootstrap.h"
#include "abi/message.h"
#include "base/align.h"
#include "base/mem.h"
#include "base/str.h"
#include "kernel/arch/arch.h"
#include "kernel/bootinfo.h"
#include "kernel/log.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/object/account.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"
#include "kernel/plat/clock.h"
#include "kernel/plat/power.h"

constexpr uint64_t STACK_BYTES = 64 * 1024;

// Where things are put. Behind the image and close to it, so that one page table serves all:
//   image | gap | bootstrap block | gap | stack | thread pointer page | message page
struct layout {
    uint64_t bootstrap, message_page, stack, tls_base;
};

struct start {
    struct account *account;
    struct process *process;
    struct thread *thread;
    struct vmo *package;
    struct layout layout;
    struct bootstrap *bootstrap; // the block's page, in the direct map
};

// Maps fresh memory at a fixed address. `*out` (may be null) is the VMO, which the mapping keeps alive.
static status_t map_new(struct start *s, uint64_t address, uint64_t len_bytes, uint32_t prot,
                        struct vmo **out) {
    struct vmo *vmo;
    TRY(vmo_create(s->account, len_bytes, &vmo));
    status_t status = vspace_map(s->process->vspace, vmo, 0, len_bytes, &address, prot, prot);
    object_put(&vmo->object);
    if (status_ok(status) && out != nullptr) {
        *out = vmo;
    }
    return status;
}

// What cannot change is mapped where it lies in the package; what can is copied.
static status_t map_segment(struct start *s, const struct boot_segment *segment) {
    if (!segment->writable) {
        uint64_t address = segment->address;
        const uint32_t prot = PROT_READ | (segment->executable ? PROT_EXECUTE : 0);
        return vspace_map(s->process->vspace, s->package, segment->package_offset, segment->len_bytes, &address, prot,
                          prot);
    }
    struct vmo *vmo;
    const uint8_t *file = phys_to_virt((paddr_t){boot_machine->package_phys + segment->package_offset});
    TRY(map_new(s, segment->address, segment->len_bytes, PROT_READ | PROT_WRITE, &vmo));
    for (uint64_t done = 0; done < segment->file_bytes; done += PAGE_BYTES) {
        uint64_t left = segment->file_bytes - done;
        paddr_t frame;
        TRY(vmo_commit(vmo, done / PAGE_BYTES, &frame, nullptr));
        memcpy(phys_to_virt(frame), file + done, left < PAGE_BYTES ? left : PAGE_BYTES);
    }
    return STATUS_OK;
}

static status_t make_memory(struct start *s) {
    uint64_t end = 0;
    for (uint32_t i = 0; i < boot_machine->init_segment_count; i++) {
        const struct boot_segment *segment = &boot_machine->init_segments[i];
        TRY(map_segment(s, segment));
        end = segment->address + segment->len_bytes;
    }
    struct layout *l = &s->layout;
    l->bootstrap = end + PAGE_BYTES;
    l->stack = l->bootstrap + 2 * PAGE_BYTES;
    l->tls_base = l->stack + STACK_BYTES + PAGE_BYTES / 2;
    l->message_page = l->stack + STACK_BYTES + PAGE_BYTES;
    static_assert(BOOTSTRAP_INIT_TLS_BYTES <= PAGE_BYTES / 2);
    TRY(map_new(s, l->stack, STACK_BYTES + 2 * PAGE_BYTES, PROT_READ | PROT_WRITE, nullptr));
    struct vmo *block;
    paddr_t frame;
    TRY(map_new(s, l->bootstrap, PAGE_BYTES, PROT_READ, &block));
    TRY(vmo_commit(block, 0, &frame, nullptr));
    s->bootstrap = phys_to_virt(frame);
    TRY(thread_create(s->process, BAND_REALTIME, &s->thread)); // no thread is more urgent than its creator
    return thread_set_message_page(s->thread, l->message_page);
}

// Gives init a handle with every right that anybody can have to it; the object's reference goes into it.
static status_t grant(struct start *s, struct object *object, uint32_t *out) {
    uint64_t handle;
    const rights_t rights = {object_class(object->type)->rights & ~(uint32_t)object->withheld};
    TRY(handle_insert(s->process, object, rights, 0, 0, ORIGIN_BOOT, &handle));
    *out = (uint32_t)handle;
    return STATUS_OK;
}

static status_t grant_named(struct start *s, const char *name, struct object *object) {
    struct bootstrap *b = s->bootstrap;
    struct bootstrap_cap *cap = (struct bootstrap_cap *)(b + 1) + b->cap_count++;
    str_copy(cap->name, sizeof cap->name, name);
    cap->type = object->type;
    return grant(s, object, &cap->handle);
}

static status_t grant_all(struct start *s) {
    struct bootstrap *b = s->bootstrap;
    struct object *resource, *inspector, *trace;
    object_get(&s->process->object);
    TRY(grant(s, &s->process->object, &b->process));
    object_get(&s->thread->object);
    TRY(grant(s, &s->thread->object, &b->thread));
    b->thread_check = ~b->thread;
    object_get(&s->process->vspace->object);
    TRY(grant(s, &s->process->vspace->object, &b->vspace));
    TRY(grant(s, &s->account->object, &b->account));
    TRY(object_create(OBJECT_RESOURCE, s->account, &resource));
    TRY(grant_named(s, BOOTSTRAP_CAP_RESOURCE, resource));
    TRY(object_create(OBJECT_INSPECTOR, s->account, &inspector));
    TRY(grant_named(s, BOOTSTRAP_CAP_INSPECTOR, inspector));
    TRY(object_create(OBJECT_TRACE, s->account, &trace));
    TRY(grant_named(s, BOOTSTRAP_CAP_TRACE, trace));
    return grant_named(s, BOOTSTRAP_CAP_BOOT_PACKAGE, &s->package->object);
}

// Header and capset are there; behind them come the arguments.
static void fill_bootstrap(struct start *s) {
    const struct boot_info *boot = boot_machine;
    struct bootstrap *b = s->bootstrap;
    b->magic = BOOTSTRAP_MAGIC;
    b->version = BOOTSTRAP_VERSION;
    str_copy(b->program, sizeof b->program, "init");
    b->image_base = boot->init_base;
    b->message_page = s->layout.message_page;
    b->stack_base = s->layout.stack;
    b->stack_bytes = STACK_BYTES;
    b->tls_base = s->layout.tls_base;
    memcpy(b->seed, boot->init_seed, sizeof b->seed);
    b->seed_source = boot->seed_source;
    b->clock = (struct bootstrap_clock){kernel_clock.base, kernel_clock.mult};
    b->entry_counter = boot->entry_tsc;
    b->user_end = arch_user_end();
    memcpy(b->serial, boot->serial, sizeof b->serial);
    b->rtc = boot->rtc;
    b->caps_offset = sizeof *b;
    b->args_offset = b->caps_offset + b->cap_count * (uint32_t)sizeof(struct bootstrap_cap);
    char *args = (char *)b + b->args_offset;
    memcpy(args, "init", 5);
    b->args_bytes = 5;
    b->argc = 1;
    if (boot->cmdline[0] != 0) {
        size_t len = strlen(boot->cmdline) + 1;
        memcpy(args + b->args_bytes, boot->cmdline, len);
        b->args_bytes += (uint32_t)len;
        b->argc = 2;
    }
    b->size_bytes = b->args_offset + b->args_bytes;
    static_assert(sizeof(struct bootstrap) + 4 * sizeof(struct bootstrap_cap) + 5 + BOOT_INFO_CMDLINE_BYTES <=
                  PAGE_BYTES);
}

// Nobody is left who could mend anything or say why: the kernel says it, and the machine is switched off.
static void init_ended(const struct exit_record *record) {
    log_init();
    if (record->kind == EXIT_FAULT) {
        klog("\ntessera: init ended: fault %u (processor exception %lu) at ip %#lx, address %#lx\n",
             record->fault_kind, record->vector, record->ip, record->fault_address);
    } else {
        klog("\ntessera: init ended with code %lu\n", record->code);
    }
    power_stop();
}

static status_t build(struct start *s) {
    const uint64_t package_bytes = align_up(boot_machine->package_bytes, PAGE_BYTES);
    static const char name[PROCESS_NAME_BYTES] = "init";
    s->account = account_create_root(frame_free_bytes());
    TRY(process_create(s->account, name, &s->process));
    TRY(vmo_create_physical(s->account, (paddr_t){boot_machine->package_phys}, package_bytes, &s->package));
    s->package->object.withheld |= RIGHT_WRITE_BIT;
    TRY(make_memory(s));
    TRY(grant_all(s));
    fill_bootstrap(s);
    process_set_essential(s->process, init_ended);
    thread_start(s->thread, boot_machine->init_entry, s->layout.stack + STACK_BYTES, s->layout.bootstrap,
                 s->layout.tls_base);
    // From here on the process lives by its thread, and the thread by running.
    object_put(&s->thread->object);
    object_put(&s->process->object);
    return STATUS_OK;
}

const char *init_process_start(void) {
    struct start start = {};
    return status_ok(build(&start)) ? nullptr : "there is too little memory for it";
}
