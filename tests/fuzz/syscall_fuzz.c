// System calls from the fuzzer's bytes, into the real kernel core on the host port's machine.
//
// Two processes with a few threads hold everything that a process can make and pass on; the input says who calls
// what with which arguments, who faults, and when time passes. The generated method table shapes the arguments:
// where a method takes a handle it mostly gets one, where it takes a length mostly a plausible one. Whatever
// happens, the kernel must not panic, the tables must keep their invariants, and when both processes are ended
// every byte, object and handle must have come back.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/gen/decode.h"
#include "abi/ring.h"
#include "kernel/arch/host/arena.h"
#include "kernel/arch/host/copy.h"
#include "kernel/arch/host/invariants.h"
#include "kernel/arch/host/machine.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/ring.h"
#include "kernel/object/vmo.h"
#include "kernel/object/vspace.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

constexpr uint32_t PROCESSES = 2, THREADS = 2; // of each process
constexpr uint32_t STEPS_MAX = 200;
constexpr uint64_t MEMORY_BYTES = 16 << 20, ROOT_BYTES = 4 << 20, SHARE_BYTES = 1 << 20;

// ---- the input -------------------------------------------------------------------------------------

static struct {
    const uint8_t *next, *end;
} input;

static uint8_t take(void) {
    return input.next == input.end ? 0 : *input.next++;
}

static uint64_t take_u64(void) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < 8; i++) {
        value = value << 8 | take();
    }
    return value;
}

// ---- arguments -------------------------------------------------------------------------------------

// Where user pointers may point: everywhere else is no memory of the program's.
alignas(4096) static uint8_t user_memory[16 * 4096];
constexpr size_t FILLED_BYTES = 2 * 4096;

// The n-th handle of a process, counted round; 0 when it has none.
static uint64_t handle_of(const struct process *process, uint32_t n) {
    uint32_t count = 0;
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t index = 0; index < process->slot_limit; index++) {
            const struct handle_slot *slot = &process->chunks[handle_chunk(index)][handle_slot_in_chunk(index)];
            if (handle_slot_in_chunk(index) == 0 || slot->handle == 0) {
                continue;
            }
            if (round == 1 && n-- == 0) {
                return slot->handle;
            }
            count++;
        }
        if (count == 0) {
            return 0;
        }
        n %= count;
    }
    return 0;
}

static uint64_t handle_of_type(const struct process *process, enum object_type type) {
    for (uint32_t index = 0; index < process->slot_limit; index++) {
        const struct handle_slot *slot = &process->chunks[handle_chunk(index)][handle_slot_in_chunk(index)];
        if (handle_slot_in_chunk(index) != 0 && slot->handle != 0 && slot_type(slot) == type) {
            return slot->handle;
        }
    }
    return 0;
}

static uint64_t take_handle(const struct process *process) {
    const uint8_t how = take();
    return how < 240 ? handle_of(process, how) : how < 248 ? take() : take_u64();
}

static uint64_t take_number(void) {
    const uint8_t how = take();
    switch (how % 8) {
    case 0: return 0;
    case 1: return how >> 3;
    case 2: return (uint64_t)take() * PAGE_BYTES;
    case 3: return 1ull << (how >> 3) * 2;
    case 4: return (uint64_t)user_memory + take() * 256ull;
    case 5: return USER_LOWEST + take() * PAGE_BYTES;
    case 6: return take();
    default: return take_u64();
    }
}

static uint64_t take_deadline(void) {
    const uint8_t how = take();
    return how < 160 ? DEADLINE_POLL : how < 200 ? host_cycles + how : how < 250 ? DEADLINE_NEVER : take_u64();
}

// ---- steps -----------------------------------------------------------------------------------------

static void call_method(const struct process *process) {
    const uint64_t handle = take_handle(process);
    const struct handle_slot *slot = process_slot(process, handle);
    const uint32_t number = take() % 24;
    const struct abi_method *method = slot == nullptr ? nullptr : abi_method_find(slot_type(slot), number);
    uint64_t words[MESSAGE_WORDS] = {};
    for (uint32_t i = 0; i < (method == nullptr ? 2 : method->argument_count); i++) {
        const struct abi_field *field = method == nullptr ? nullptr : &method->arguments[i];
        // `target`: a handle of the table that the method is about, which may be another process's
        const bool is_handle = field != nullptr && (field->is_handle || strcmp(field->name, "target") == 0);
        words[i] = is_handle ? take_handle(process) : take_number();
    }
    const bool plain = take() < 248;
    host_syscall(SYS_CALL, handle, plain ? number : number | take_u64() << 32, DEADLINE_NEVER, words);
}

static void exchange(const struct process *process) {
    static const uint32_t calls[] = {SYS_CALL,   SYS_SEND, SYS_RECV,       SYS_REPLY_RECV,
                                     SYS_SIGNAL, SYS_WAIT, SYS_RING_ENTER, SYS_REPLY_RECV};
    const uint32_t number = calls[take() % (sizeof(calls) / sizeof(calls[0]))];
    const uint64_t handle = take_handle(process);
    const uint8_t shape = take();
    const uint32_t count = (shape & 7) % 5;
    uint64_t info = message_info(shape >> 6, (shape & 8) != 0 ? take() * 16u : 0, count, take() & ((1u << count) - 1));
    info |= (uint64_t)(take() % 5) << MESSAGE_ACCEPT_SHIFT;
    if (take() >= 248) {
        info = take_u64();
    }
    uint64_t words[MESSAGE_WORDS] = {take()};
    for (uint32_t i = 0; i < count; i++) {
        words[6 + i / 2] |= (take_handle(process) & UINT32_MAX) << i % 2 * 32;
    }
    host_syscall(number, handle, info, take_deadline(), words);
}

// Entries for the ring of the current thread, most of them of the right form, and ring_enter.
static void use_ring(const struct process *process) {
    const uint64_t handle = handle_of_type(process, OBJECT_RING);
    const struct handle_slot *slot = process_slot(process, handle);
    if (slot == nullptr) {
        return;
    }
    const struct ring *ring = ring_of(slot->object);
    struct ring_header *header = ring->header;
    const uint32_t count = take() % 5;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t shape = take();
        const bool earlier = (shape & 0x30) == 0x30;
        struct ring_entry entry = {
            .op = shape % (RING_OP_COUNT + 1),
            .flags = (uint8_t)((shape >= 0xc0 ? RING_LINK : 0) | (earlier ? RING_EARLIER : 0)),
            .index = take() & 3,
            .buffer = take() % 10,
            .target = earlier ? header->submission_tail - take() % 9 : (uint32_t)take_handle(process),
            .user_data = take() & 7,
            .info = message_info(take() & 15, 0, take() % 3, 0) | (uint64_t)(take() % 5) << MESSAGE_ACCEPT_SHIFT,
            .deadline_ns = take_deadline(),
            .words = {take_number(), take_number()},
        };
        ring->entries[header->submission_tail++ & ring->mask] = entry;
    }
    const uint8_t how = take();
    if (how < 16) { // and now and then anything anywhere
        const uint64_t at = (take() << 16 | take() << 8 | take()) % vmo_len_bytes(ring->memory);
        ((char *)header)[at] = (char)take();
    } else if (how < 224) {
        header->completion_head = header->completion_tail;
    }
    const uint64_t words[MESSAGE_WORDS] = {how & 1};
    host_syscall(SYS_RING_ENTER, handle, count, take_deadline(), words);
}

static void call_wildly(void) {
    uint64_t words[MESSAGE_WORDS];
    for (uint32_t i = 0; i < MESSAGE_WORDS; i++) {
        words[i] = take_number();
    }
    const uint32_t number = take() % (SYSCALL_COUNT + 2);
    const uint64_t handle = take_number(), info = take_number();
    host_syscall(number, handle, info, take_deadline(), words);
}

// One thing that happens. False when nothing can happen any more.
static bool step(void) {
    if (host_user.thread == nullptr) {
        host_wake();
        return host_user.thread != nullptr || host_wait_for_timer();
    }
    const struct process *process = host_user.thread->process;
    const uint8_t what = take();
    if (what < 150) {
        call_method(process);
    } else if (what < 200) {
        exchange(process);
    } else if (what < 225) {
        use_ring(process);
    } else if (what < 234) {
        host_slice_ends();
    } else if (what < 235) {
        host_line_fires(take() & 15);
    } else if (what < 242) {
        host_fault(take_number());
    } else if (what < 248) {
        (void)host_wait_for_timer();
    } else {
        call_wildly();
    }
    return true;
}

// ---- the scene -------------------------------------------------------------------------------------

constexpr uint32_t EVERYTHING = RIGHTS_ALL_BITS;

// The authority over the machine, and the right to look at it.
static void give_machine(struct process *process, struct account *account) {
    constexpr enum object_type TYPES[] = {OBJECT_RESOURCE, OBJECT_INSPECTOR};
    for (uint32_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        struct object *object;
        if (status_ok(object_create(TYPES[i], account, &object))) {
            host_give(process, object, EVERYTHING, 0);
            object_put(object);
        }
    }
}

static void give_memory(struct process *process, struct account *account) {
    struct vmo *vmo;
    if (status_ok(vmo_create(account, 8 * PAGE_BYTES, &vmo))) {
        host_give(process, &vmo->object, EVERYTHING, 0);
        object_put(&vmo->object);
    }
}

static void furnish(struct process *process, struct account *account, struct endpoint *endpoint) {
    uint64_t handle;
    host_give(process, &process->object, EVERYTHING, 0);
    host_give(process, &process->vspace->object, EVERYTHING, 0);
    host_give(process, &account->object, EVERYTHING, 0);
    host_give(process, &endpoint->object, EVERYTHING, 7);
    host_notification(process, &handle);
    give_memory(process, account);
    give_machine(process, account);
    for (uint32_t i = 0; i < THREADS; i++) {
        struct thread *thread = host_thread(process, BAND_NORMAL, 0x10'0000 + i * PAGE_BYTES);
        host_give(process, &thread->object, EVERYTHING, 0);
    }
}

// A ring for the first threads that run.
static void open_rings(void) {
    host_wake();
    for (uint32_t i = 0; i < PROCESSES && host_user.thread != nullptr; i++) {
        const struct process *process = host_user.thread->process;
        (void)HOST_METHOD(handle_of_type(process, OBJECT_ACCOUNT), ACCOUNT_CREATE_RING, 8, 4, 2, 0,
                          handle_of_type(process, OBJECT_VSPACE), 0)
            .code;
        host_slice_ends();
    }
}

static void complain(const char *what) {
    fprintf(stderr, "%s\n", what);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    host_only_user_start = (uint64_t)user_memory;
    host_only_user_end = (uint64_t)user_memory + sizeof(user_memory);
    host_machine_init(MEMORY_BYTES);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input.next = data;
    input.end = data + size;
    // What the kernel finds when it follows a pointer, and what is written into rings: the input itself.
    for (size_t at = 0; at < FILLED_BYTES && size != 0; at += size) {
        memcpy(user_memory + at, data, size < FILLED_BYTES - at ? size : FILLED_BYTES - at);
    }
    host_processor_reset();
    struct account *root = account_create_root(ROOT_BYTES), *shares[PROCESSES];
    struct process *processes[PROCESSES];
    for (uint32_t i = 0; i < PROCESSES; i++) {
        if (!status_ok(account_create(root, SHARE_BYTES, &shares[i]))) {
            complain("no account");
        }
        processes[i] = host_process(shares[i], i == 0 ? "left" : "right");
    }
    uint64_t handle;
    struct endpoint *endpoint = host_endpoint(processes[0], EVERYTHING, &handle);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        furnish(processes[i], shares[i], endpoint);
    }
    open_rings();
    for (uint32_t i = 0; i < STEPS_MAX && input.next != input.end && step(); i++) {
    }
    for (uint32_t i = 0; i < PROCESSES; i++) {
        if (!handle_table_check(processes[i])) {
            complain("a handle table lost its invariants");
        }
        account_end(shares[i]);
        object_put(&shares[i]->object);
    }
    if (!host_finish(root, processes, PROCESSES)) {
        complain("something stayed behind");
    }
    return 0;
}
