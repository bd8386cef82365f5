// User copies of the host port: user addresses are plain pointers.
#include "kernel/mm/copy.h"

#include <string.h>

#include "abi/gen/abi.h"
#include "kernel/arch/host/copy.h"

uint64_t host_bad_user_start, host_bad_user_end;
uint64_t host_only_user_start, host_only_user_end = UINT64_MAX;

static bool user_range_good(uint64_t start, size_t len) {
    if (start < host_only_user_start || start > host_only_user_end || len > host_only_user_end - start) {
        return false;
    }
    return start + len <= host_bad_user_start || start >= host_bad_user_end;
}

status_t copy_in(void *to, uaddr_t from, size_t len) {
    if (!user_range_good(from.v, len)) {
        return STATUS_BAD_ADDRESS;
    }
    memcpy(to, (const void *)from.v, len);
    return STATUS_OK;
}

status_t copy_out(uaddr_t to, const void *from, size_t len) {
    if (!user_range_good(to.v, len)) {
        return STATUS_BAD_ADDRESS;
    }
    memcpy((void *)to.v, from, len);
    return STATUS_OK;
}
