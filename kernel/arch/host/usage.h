// What an account has used, in short, for tests.
#pragma once

#include "kernel/object/account.h"

struct account_usage {
    uint64_t limit_bytes, used_bytes, peak_bytes, objects;
};

static inline struct account_usage account_usage(struct account *account) {
    struct inspect_account all;
    account_describe(&account->object, &all);
    struct account_usage usage = {all.limit_bytes, all.used_bytes, all.peak_bytes, 0};
    for (uint32_t type = 0; type < OBJECT_TYPE_COUNT; type++) {
        usage.objects += all.objects[type];
    }
    return usage;
}
