#include "kernel/mm/copy.h"

#include "abi/gen/abi.h"
#include "abi/message.h"
#include "cpu.h"
#include "kernel/percpu.h"

// Pairs of offsets, each relative to its own place (user_access.h).
struct extable_entry {
    int32_t fault_ip;
    int32_t fixup_ip;
};

extern const struct extable_entry __extable_start[], __extable_end[];

bool user_copy(void *to, const void *from, size_t len);

// A handful of entries: not worth sorting.
uint64_t extable_fixup(uint64_t ip) {
    for (const struct extable_entry *entry = __extable_start; entry < __extable_end; entry++) {
        if ((uint64_t)&entry->fault_ip + (uint64_t)(int64_t)entry->fault_ip == ip) {
            return (uint64_t)&entry->fixup_ip + (uint64_t)(int64_t)entry->fixup_ip;
        }
    }
    return 0;
}

static bool range_is_user(uint64_t address, size_t len) {
    return address >= USER_LOWEST && address <= USER_END && len <= USER_END - address;
}

status_t copy_in(void *to, uaddr_t from, size_t len) {
    return !range_is_user(from.v, len)                   ? STATUS_BAD_ADDRESS
           : user_copy(to, (const void *)from.v, len) ? STATUS_OK
                                                      : this_cpu()->copy_status;
}

status_t copy_out(uaddr_t to, const void *from, size_t len) {
    return !range_is_user(to.v, len)           ? STATUS_BAD_ADDRESS
           : user_copy((void *)to.v, from, len) ? STATUS_OK
                                                : this_cpu()->copy_status;
}
