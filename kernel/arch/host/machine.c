#include "kernel/arch/host/machine.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "kernel/arch/arch.h"
#include "kernel/arch/host/arena.h"
#include "kernel/arch/host/usage.h"
#include "kernel/arch/mmu.h"
#include "kernel/bootinfo.h"
#include "kernel/ipc/fault.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/reaper.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"
#include "kernel/panic.h"
#include "kernel/percpu.h"
#include "kernel/sched/sched.h"

struct host_user host_user;
void (*host_on_idle)(void), (*host_on_poll)(void);

constexpr uint64_t HOST_RESUME_RESTART = 2; // arch_regs.resume: makes the system call in its registers again

static jmp_buf idle_point; // where an entry goes on that ended in the idle loop
static uint64_t memory_at_boot;

// ---- the port --------------------------------------------------------------------------------------

const char arch_name[] = "host";

void arch_regs_restart(struct arch_regs *regs, uint64_t number, uint64_t handle, uint64_t info,
                       uint64_t deadline_ns) {
    regs->status = number;
    regs->badge = handle;
    regs->info = info;
    regs->rdx = deadline_ns;
    regs->resume = HOST_RESUME_RESTART;
}

void arch_regs_start(struct arch_regs *regs, uint64_t entry, uint64_t stack_pointer, uint64_t argument,
                     uint64_t tls_base) {
    regs->ip = entry;
    regs->sp = stack_pointer;
    regs->badge = argument;
    regs->tls_base = tls_base;
}

void arch_regs_record(const struct arch_regs *regs, struct exit_record *record) {
    record->ip = regs->ip;
    record->sp = regs->sp;
}

void arch_thread_destroy(struct thread *thread) {
    ASSERT(thread != current_thread()); // its registers will be saved yet
    ASSERT(!thread->timer.armed);
}

void arch_fpu_switch([[maybe_unused]] struct thread *from, [[maybe_unused]] struct thread *to) {
}

void arch_wait_for_interrupt(void) {
    if (host_on_idle != nullptr) {
        host_on_idle();
    } else {
        longjmp(idle_point, 1);
    }
}

void arch_poll_interrupts(void) {
    if (host_on_poll != nullptr) {
        host_on_poll();
    }
}

// ---- entries ---------------------------------------------------------------------------------------

// What is in use more than at another time, as far as it does not stay with the slab caches: of two the difference.
static uint64_t memory_in_use(void) {
    return -(frame_free_bytes() + slab_total_bytes());
}

void host_processor_reset(void) {
    boot_percpu = (struct percpu){.self = &boot_percpu, .frames = boot_percpu.frames};
    sched_init(&boot_percpu);
    arch_write_root(mmu_kernel_root().v);
    host_user = (struct host_user){};
    host_deadline_ns = UINT64_MAX;
}

static struct boot_info machine; // all addresses are devices'
const struct boot_info *const boot_machine = &machine;

void host_machine_init(uint64_t memory_bytes) {
    host_memory_init(memory_bytes);
    host_processor_reset();
    memory_at_boot = memory_in_use();
}

// What entry.S does with a struct kernel_exit.
static void resume(struct kernel_exit exit) {
    struct thread *thread = current_thread();
    ASSERT(thread->object.type == OBJECT_THREAD && thread->object.references > 0);
    ASSERT(thread->state == THREAD_RUNNING);
    ASSERT((thread->flags & THREAD_ENDING) == 0 || cpu_count() > 1); // another one ends it just now
    ASSERT(host_active_root == thread->regs.page_table);
    host_user.thread = thread;
    if (exit.frame == 0) {
        host_user.status = (uint32_t)exit.value;
        host_user.badge = host_user.info = 0;
        memcpy(host_user.words, thread->regs.words, sizeof(host_user.words));
        return;
    }
    ASSERT(exit.frame == (uint64_t)&thread->regs.status);
    uint64_t *words = exit.value != 0 ? (uint64_t *)exit.value : thread->regs.words;
    host_user.status = exit.value != 0 ? 0 : (uint32_t)thread->regs.status;
    host_user.badge = thread->regs.badge;
    host_user.info = thread->regs.info;
    memcpy(host_user.words, words, sizeof(host_user.words));
    thread->on_cpu = 1;
    struct thread *from = CONTAINER_OF((struct arch_regs *)words, struct thread, regs);
    if (from != thread) { // a direct switch: the sender's registers have been read
        __atomic_store_n(&from->on_cpu, 0, __ATOMIC_RELEASE);
    }
}

enum entry_kind { ENTRY_SYSCALL, ENTRY_FAULT, ENTRY_TIMER, ENTRY_IPI, ENTRY_WAKE };

struct entry {
    enum entry_kind kind;
    uint32_t number;
    uint64_t handle, info, deadline_ns;
};

static struct kernel_exit handle_entry(const struct entry *entry) {
    switch (entry->kind) {
    case ENTRY_SYSCALL: {
        syscall_fn *call = entry->number < SYSCALL_COUNT ? syscall_table[entry->number] : syscall_refuse;
        return call(entry->handle, entry->info, entry->deadline_ns);
    }
    case ENTRY_FAULT:
        return fault_raise(current_thread(), FAULT_PAGE, entry->handle, PROT_READ, 14);
    case ENTRY_TIMER:
        host_deadline_ns = UINT64_MAX; // it fires once
        sched_timer();
        break;
    case ENTRY_IPI: cpu_ipi(); break;
    case ENTRY_WAKE: break;
    }
    if (current_thread() == this_cpu()->idle) {
        return kernel_block();
    }
    if (this_cpu()->work == 0) {
        return (struct kernel_exit){(uint64_t)&current_thread()->regs.status, 0};
    }
    return kernel_leave();
}

static void enter(const struct entry *entry) {
    struct thread *thread = host_user.thread;
    if (thread != nullptr && entry->kind != ENTRY_SYSCALL) { // a trap saves them all
        thread->regs.status = host_user.status;
        thread->regs.badge = host_user.badge;
        thread->regs.info = host_user.info;
        memcpy(thread->regs.words, host_user.words, sizeof(host_user.words));
    }
    if (host_on_idle != nullptr || setjmp(idle_point) == 0) {
        resume(handle_entry(entry));
        while (host_user.thread->regs.resume == HOST_RESUME_RESTART) {
            struct arch_regs *regs = &host_user.thread->regs;
            regs->resume = ARCH_RESUME_SYSCALL;
            resume(handle_entry(&(struct entry){ENTRY_SYSCALL, (uint32_t)regs->status, regs->badge, regs->info,
                                                regs->rdx}));
        }
        return;
    }
    ASSERT(current_thread() == this_cpu()->idle);
    host_user = (struct host_user){};
}

void host_syscall(uint32_t number, uint64_t handle, uint64_t info, uint64_t deadline_ns,
                  const uint64_t words[MESSAGE_WORDS]) {
    ASSERT(host_user.thread != nullptr);
    memcpy(host_user.thread->regs.words, words, sizeof(host_user.words));
    enter(&(struct entry){ENTRY_SYSCALL, number, handle, info, deadline_ns});
}

status_t host_method(uint64_t handle, uint32_t method, const uint64_t words[MESSAGE_WORDS]) {
    host_syscall(SYS_CALL, handle, method, DEADLINE_NEVER, words);
    return (status_t){host_user.status};
}

void host_fault(uint64_t address) {
    enter(&(struct entry){.kind = ENTRY_FAULT, .handle = address});
}

void host_timer(void) {
    enter(&(struct entry){.kind = ENTRY_TIMER});
}

void host_ipi(void) {
    enter(&(struct entry){.kind = ENTRY_IPI});
}

bool host_wait_for_timer(void) {
    if (host_deadline_ns == UINT64_MAX) {
        return false;
    }
    if (host_cycles < host_deadline_ns) {
        host_cycles = host_deadline_ns;
    }
    host_timer();
    return true;
}

void host_slice_ends(void) {
    this_cpu()->work |= WORK_SLICE_END;
    enter(&(struct entry){.kind = ENTRY_WAKE});
}

void host_wake(void) {
    enter(&(struct entry){.kind = ENTRY_WAKE});
}

bool host_run(struct thread *thread) {
    constexpr uint32_t PATIENCE = 300;
    if (host_user.thread == nullptr) {
        host_wake();
    }
    for (uint32_t i = 0; i < PATIENCE && host_user.thread != nullptr; i++) {
        if (host_user.thread == thread) {
            return true;
        }
        if (thread->state != THREAD_READY) {
            return false;
        }
        host_slice_ends();
    }
    return false;
}

void host_settle(void) {
    while (reaper_pending() != 0) {
        host_timer();
    }
}

// ---- the scene -------------------------------------------------------------------------------------

struct process *host_process(struct account *account, const char *name) {
    char bytes[PROCESS_NAME_BYTES] = {};
    snprintf(bytes, sizeof(bytes), "%s", name);
    struct process *process;
    return status_ok(process_create(account, bytes, &process)) ? process : nullptr;
}

bool host_message_page(struct thread *thread, uint64_t address) {
    constexpr uint32_t PROT = PROT_READ | PROT_WRITE;
    struct vmo *vmo;
    if (!status_ok(vmo_create(thread->process->object.account, MESSAGE_PAGE_BYTES, &vmo))) {
        return false;
    }
    const bool mapped =
        status_ok(vspace_map(thread->process->vspace, vmo, 0, MESSAGE_PAGE_BYTES, &address, PROT, PROT));
    object_put(&vmo->object);
    return mapped && status_ok(thread_set_message_page(thread, address));
}

struct thread *host_thread(struct process *process, uint32_t band, uint64_t message_page) {
    struct thread *thread;
    if (!status_ok(thread_create(process, band, &thread))) {
        return nullptr;
    }
    if (message_page != 0 && !host_message_page(thread, message_page)) {
        thread_withdraw(thread);
        object_put(&thread->object);
        return nullptr;
    }
    thread_start(thread, USER_LOWEST, 0, 0, 0);
    object_put(&thread->object);
    return thread;
}

uint64_t host_give(struct process *process, struct object *object, uint32_t rights, uint64_t badge) {
    uint64_t handle;
    object_get(object);
    if (!status_ok(
            handle_insert(process, object, (rights_t){rights}, badge, 0, ORIGIN_BOOT, &handle))) {
        object_put(object);
        return 0;
    }
    return handle;
}

struct endpoint *host_endpoint(struct process *process, uint32_t rights, uint64_t *handle) {
    struct object *object;
    if (!status_ok(object_create(OBJECT_ENDPOINT, process->object.account, &object))) {
        return nullptr;
    }
    *handle = host_give(process, object, rights, 0);
    object_put(object);
    return CONTAINER_OF(object, struct endpoint, object);
}

struct notification *host_notification(struct process *process, uint64_t *handle) {
    constexpr uint32_t RIGHTS = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT;
    struct object *object;
    if (!status_ok(object_create(OBJECT_NOTIFICATION, process->object.account, &object))) {
        return nullptr;
    }
    *handle = host_give(process, object, RIGHTS, 0);
    object_put(object);
    return CONTAINER_OF(object, struct notification, object);
}

static bool is_nothing(const char *what, uint64_t left) {
    if (left != 0) {
        fprintf(stderr, "left over: %s %llu\n", what, (unsigned long long)left);
    }
    return left == 0;
}

bool host_finish(struct account *root, struct process *const processes[], uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        process_end(processes[i], &(struct exit_record){.kind = EXIT_KILLED});
        object_put(&processes[i]->object);
    }
    if (host_user.thread == nullptr) {
        host_wake();
    } else {
        host_timer();
    }
    host_settle();
    bool good = is_nothing("bytes charged", account_usage(root).used_bytes);
    good &= is_nothing("objects charged", account_usage(root).objects);
    object_put(&root->object);
    host_wake();
    host_settle();
    return host_nothing_left() && good;
}

bool host_nothing_left(void) {
    bool good = true;
    for (uint32_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
        good &=
            is_nothing(object_class((enum object_type)type)->name, object_live_count((enum object_type)type));
    }
    good &= is_nothing("handles", handle_total_count());
    good &= is_nothing("current thread", host_user.thread != nullptr);
    for (uint32_t i = 0; i < cpu_count(); i++) {
        struct percpu *cpu = percpus[i];
        good &= is_nothing("deadlines", timer_queue_next(&cpu->timers) != UINT64_MAX);
        good &= is_nothing("ready threads", !run_queue_empty(&cpu->ready));
        good &= is_nothing("slice owner", cpu->slice_owner != nullptr);
    }
    good &= is_nothing("bytes of memory", memory_in_use() - memory_at_boot);
    return good;
}
