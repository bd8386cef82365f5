#include "kernel/mm/copy.h"

#include "abi/gen/abi.h"
#include "abi/message.h"
#include "kernel/arch/mmu.h"
#include "kernel/percpu.h"

// Pairs of offsets, each relative to its own place (the macro FIXUP of the port's assembly).
struct extable_entry {
    int32_t fault_ip;
    int32_t fixup_ip;
};

extern const struct extable_entry __extable_start[], __extable_end[];

// A handful of entries: not worth sorting.
uint64_t extable_fixup(uint64_t ip) {
    for (const struct extable_entry *entry = __extable_start; entry < __extable_end; entry++) {
        if ((uint64_t)&entry->fault_ip + (uint64_t)(int64_t)entry->fault_ip == ip) {
            return (uint64_t)&entry->fixup_ip + (uint64_t)(int64_t)entry->fixup_ip;
        }
    }
    return 0;
}

// `user` is the one of the two that is a program's.
static status_t checked_copy(void *to, const void *from, uint64_t user, size_t len) {
    if (user < USER_LOWEST || user > arch_user_end() || len > arch_user_end() - user) {
        return STATUS_BAD_ADDRESS;
    }
    return user_copy(to, from, len) ? STATUS_OK : this_cpu()->copy_status;
}

status_t copy_in(void *to, uaddr_t from, size_t len) {
    return checked_copy(to, (const void *)from.v, from.v, len);
}

status_t copy_out(uaddr_t to, const void *from, size_t len) {
    return checked_copy((void *)to.v, from, to.v, len);
}
