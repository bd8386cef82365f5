// Makes random system calls: random_calls [SEED [COUNT [THREADS]]]. It may well end itself with one of them.
//
// Every thread has its own sequence, which the seed and the thread's number say; what they have made they share, so
// that on several processors they use and close the same handles at once. Methods are called as the table says:
// handles where it wants handles, mostly of the right type, and numbers that mean something elsewhere. No wait is
// without an end.
#include "abi/gen/decode.h"
#include "tests/programs/common.h"
#include "raw.h"
#include "lib/tess/clock.h"
#include "lib/tess/thread.h"

constexpr uint32_t KNOWN = 64, THREADS_MAX = 16, OWN = 5;

// What all threads may use: the program's own at the front, then what was made. Racy on purpose.
static struct {
    _Atomic uint64_t handle;
    _Atomic uint32_t type;
} known[KNOWN];

static uint8_t memory[8 * PAGE_BYTES];
static uint64_t seed, count;

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545'f491'4f6c'dd1d;
}

static void remember(uint32_t place, uint64_t handle, uint32_t type) {
    known[place].handle = handle;
    known[place].type = type;
}

static bool same(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++, b++;
    }
    return *a == *b;
}

static uint32_t type_named(const char *name) {
    for (uint32_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
        if (same(abi_object_name(type), name)) {
            return type;
        }
    }
    return 0;
}

static uint64_t some_handle(uint64_t *state) {
    const uint64_t r = next(state);
    return (r & 15) == 0 ? next(state) >> (r >> 8 & 63) : known[r >> 8 & (KNOWN - 1)].handle;
}

static uint64_t some_number(uint64_t *state) {
    const uint64_t r = next(state), value = next(state);
    switch (r & 7) {
    case 0: return value >> (r >> 8 & 63);
    case 1: return (value & 0xff) * PAGE_BYTES;
    case 2: return (uint64_t)memory + (value & 7) * PAGE_BYTES;
    case 3: return 1ull << (value & 63);
    case 4: return value & 7;
    case 5: return USER_LOWEST + (value & 0xffff) * PAGE_BYTES;
    case 6: return 0;
    default: return value & 0xff;
    }
}

static uint64_t some_deadline(uint64_t *state) {
    const uint64_t r = next(state);
    return (r & 3) != 0 ? DEADLINE_POLL : tess_deadline_after_ns((r >> 8 & 0xff) * 1000);
}

// Ends of what the program lives on would only make the run shorter.
static bool would_end_us(uint64_t handle, uint32_t method) {
    return (handle == tess_self_process().v && method == PROCESS_EXIT) ||
           (handle == tess_self_account().v && method == ACCOUNT_END) ||
           (handle == tess_self_vspace().v && (method == VSPACE_UNMAP || method == VSPACE_PROTECT));
}

static void call_method(uint64_t *state) {
    const uint64_t r = next(state);
    const uint32_t place = r & (KNOWN - 1), number = 1 + (r >> 8 & 15);
    const uint64_t handle = known[place].handle;
    const struct abi_method *method = abi_method_find(known[place].type, number);
    // A thread that begins at a random place ends the process sooner or later: seldom.
    const bool risky = (handle == tess_self_process().v && number == PROCESS_CREATE_THREAD) ||
                       (handle == tess_self_thread().v && number == THREAD_EXIT);
    if (method == nullptr || would_end_us(handle, number) || (risky && (r >> 16 & 63) != 0)) {
        return;
    }
    struct raw_message message = {.info = number};
    for (uint32_t i = 0; i < method->argument_count; i++) {
        const struct abi_field *field = &method->arguments[i];
        message.words[i] = field->is_handle || same(field->name, "target") ? some_handle(state) : some_number(state);
    }
    if (!status_ok(raw_syscall(SYS_CALL, handle, &message, 0))) {
        return;
    }
    for (uint32_t i = 0; i < method->result_count; i++) {
        if (method->results[i].is_handle && message.words[i] != 0) {
            remember(OWN + next(state) % (KNOWN - OWN), message.words[i], type_named(method->results[i].name));
        }
    }
}

static void exchange(uint64_t *state) {
    static const uint8_t calls[] = {SYS_CALL, SYS_SEND, SYS_RECV,  SYS_REPLY_RECV,
                                    SYS_SIGNAL, SYS_WAIT, SYS_YIELD, SYS_RING_ENTER};
    const uint64_t r = next(state);
    const uint32_t handles = (r >> 8 & 7) % 5;
    struct raw_message message = {
        .info = message_info(r >> 16 & 3, (r & 1) != 0 ? r >> 24 & 0xfff : 0, handles,
                             r >> 40 & ((1u << handles) - 1)) |
                (r >> 48 & 7) % 5 << MESSAGE_ACCEPT_SHIFT};
    for (uint32_t i = 0; i < handles; i++) {
        message.words[6 + i / 2] |= (some_handle(state) & UINT32_MAX) << i % 2 * 32;
    }
    const uint64_t handle = some_handle(state);
    if (would_end_us(handle, message_label(message.info))) {
        return;
    }
    (void)raw_syscall(calls[(r >> 56) % sizeof(calls)], handle, &message, some_deadline(state)).code;
}

static void call_wildly(uint64_t *state) {
    struct raw_message message = {.info = some_number(state)};
    for (uint32_t i = 0; i < MESSAGE_WORDS; i++) {
        message.words[i] = some_number(state);
    }
    const uint64_t handle = some_handle(state);
    if (!would_end_us(handle, message_label(message.info))) {
        (void)raw_syscall(next(state) % (SYSCALL_COUNT + 2), handle, &message, some_deadline(state)).code;
    }
}

static void run(void *argument) {
    uint64_t state = (seed * THREADS_MAX + (uint64_t)argument) * 0x9e37'79b9'7f4a'7c15 | 1;
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t what = next(&state) >> 32 & 15;
        if (what < 10) {
            call_method(&state);
        } else if (what < 14) {
            exchange(&state);
        } else {
            call_wildly(&state);
        }
    }
}

int main(int argc, char **argv) {
    seed = argument(argc, argv, 1, 1);
    count = argument(argc, argv, 2, 20'000);
    uint64_t threads = argument(argc, argv, 3, 1);
    threads = threads > THREADS_MAX ? THREADS_MAX : threads;
    remember(0, tess_self_process().v, OBJECT_PROCESS);
    remember(1, tess_self_thread().v, OBJECT_THREAD);
    remember(2, tess_self_vspace().v, OBJECT_VSPACE);
    remember(3, tess_self_account().v, OBJECT_ACCOUNT);
    remember(4, tess_self_account().v, OBJECT_ACCOUNT);
    struct tess_thread *others[THREADS_MAX] = {};
    for (uint64_t i = 1; i < threads; i++) {
        if (!status_ok(tess_thread_create(run, (void *)i, nullptr, &others[i]))) {
            others[i] = nullptr;
        }
    }
    run(nullptr);
    // Whoever was lost in a thread of its own making ends with the process.
    for (uint64_t i = 1; i < threads; i++) {
        if (others[i] != nullptr) {
            (void)tess_thread_join(others[i], tess_deadline_after_ms(2000)).code;
        }
    }
    SAY("random_calls: survived: as it should be\n");
    return 0;
}
