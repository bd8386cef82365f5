#include "kernel/object/account.h"

#include "base/mem.h"
#include "kernel/mm/frame.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/panic.h"

SLAB_CACHE(account_cache, struct account);

struct object_list account_list = OBJECT_LIST;

static uint32_t ends_under_way; // atomic

// ---- Creation and destruction ----

// The rest of a new account; its reservation is its limit.
static struct account *prepare(struct object *object, uint64_t limit_bytes) NO_THREAD_SAFETY_ANALYSIS {
    struct account *account = account_of(object);
    spin_init(&account->lock, LOCK_ACCOUNT);
    account->limit_bytes = account->reserved_bytes = limit_bytes;
    object_list_add(&account_list, object, &account->link);
    return account;
}

struct account *account_create_root(uint64_t limit_bytes) {
    struct object *object;
    if (!status_ok(object_create(OBJECT_ACCOUNT, nullptr, &object))) {
        panic("no memory for the root account");
    }
    return prepare(object, limit_bytes);
}

status_t account_create(struct account *parent, uint64_t limit_bytes, struct account **out) {
    if (limit_bytes == 0 || parent->depth == ACCOUNT_MAX_DEPTH) {
        return STATUS_BAD_ARGUMENT;
    }
    TRY(account_charge(parent, limit_bytes));
    struct object *object;
    status_t status = object_create(OBJECT_ACCOUNT, parent, &object);
    if (!status_ok(status)) {
        account_uncharge(parent, limit_bytes);
        return status;
    }
    *out = prepare(object, limit_bytes);
    (*out)->depth = parent->depth + 1;
    (*out)->counter = parent->counter; // what is charged to it keeps it from becoming another
    (*out)->timed = parent->timed;
    return STATUS_OK;
}

// Everything charged holds a reference, so nothing is charged any more.
bool account_destroy_step(struct object *object) NO_THREAD_SAFETY_ANALYSIS {
    struct account *account = account_of(object), *parent = object->account;
    ASSERT(account->used_bytes == 0);
    object_list_remove(&account_list, &account->link);
    if (parent != nullptr) {
        account_uncharge(parent, account->reserved_bytes);
        __atomic_fetch_add(&parent->cpu_ns, account->cpu_ns, __ATOMIC_RELAXED);
    }
    return true;
}

// ---- Charging ----

// What an account that uses so much costs its parent.
static uint64_t cost(const struct account *account, uint64_t used_bytes) REQUIRES(account->lock) {
    return used_bytes > account->reserved_bytes ? used_bytes : account->reserved_bytes;
}

static void add(struct account *account, uint64_t bytes) REQUIRES(account->lock) {
    account->used_bytes += bytes;
    if (account->used_bytes > account->peak_bytes) {
        account->peak_bytes = account->used_bytes;
    }
}

// Charges a locked account, and what that costs those above it, with all their locks held. ACCOUNT_MAX_DEPTH bounds
// how deep this goes.
static status_t charge_above(struct account *account, uint64_t bytes) NO_THREAD_SAFETY_ANALYSIS {
    const uint64_t used = account->used_bytes;
    if (bytes > account->limit_bytes || used > account->limit_bytes - bytes) {
        return STATUS_NO_MEMORY;
    }
    const uint64_t more = cost(account, used + bytes) - cost(account, used);
    if (more != 0) {
        struct account *above = account->object.account; // there is one: the root reserves its whole limit
        spin_lock_related(&above->lock);
        status_t status = charge_above(above, more);
        spin_unlock(&above->lock);
        TRY(status);
    }
    add(account, bytes);
    return STATUS_OK;
}

static void uncharge_above(struct account *account, uint64_t bytes) NO_THREAD_SAFETY_ANALYSIS {
    const uint64_t used = account->used_bytes;
    ASSERT(used >= bytes);
    const uint64_t less = cost(account, used) - cost(account, used - bytes);
    account->used_bytes = used - bytes;
    if (less != 0) {
        struct account *above = account->object.account;
        spin_lock_related(&above->lock);
        uncharge_above(above, less);
        spin_unlock(&above->lock);
    }
}

status_t account_charge(struct account *account, uint64_t bytes) {
    status_t status = STATUS_OK;
    spin_lock_related(&account->lock);
    if (account->used_bytes <= account->reserved_bytes &&
        bytes <= account->reserved_bytes - account->used_bytes) {
        add(account, bytes);
    } else {
        status = charge_above(account, bytes);
    }
    spin_unlock(&account->lock);
    return status;
}

void account_uncharge(struct account *account, uint64_t bytes) {
    spin_lock_related(&account->lock);
    uncharge_above(account, bytes);
    spin_unlock(&account->lock);
}

void *account_alloc(struct account *account, size_t bytes) {
    if (!status_ok(account_charge(account, kalloc_charge(bytes)))) {
        return nullptr;
    }
    void *memory = kalloc(bytes);
    if (memory == nullptr) {
        account_uncharge(account, kalloc_charge(bytes));
    }
    return memory;
}

paddr_t account_frame(struct account *account) {
    if (!status_ok(account_charge(account, PAGE_BYTES))) {
        return (paddr_t){0};
    }
    const paddr_t frame = frame_alloc_zeroed();
    if (frame.v == 0) {
        account_uncharge(account, PAGE_BYTES);
    }
    return frame;
}

void account_free(struct account *account, void *memory, size_t bytes) {
    kfree(memory, bytes);
    account_uncharge(account, kalloc_charge(bytes));
}

// One more in a counter; false when that is beyond a limit. An object counts among all objects, too.
static bool count_in(struct account *counter, uint32_t kind, uint32_t more) {
    const bool fits = __atomic_add_fetch(&counter->count[kind], more, __ATOMIC_RELAXED) <= counter->count_limit[kind];
    return kind == LIMIT_OBJECTS || kind == LIMIT_HANDLES ? fits : count_in(counter, LIMIT_OBJECTS, more) && fits;
}

static struct account *counter_above(const struct account *counter) {
    return counter->object.account != nullptr ? counter->object.account->counter : nullptr;
}

static void discount_below(struct account *account, const struct account *end, uint32_t kind) {
    for (struct account *each = account->counter; each != end; each = counter_above(each)) {
        (void)count_in(each, kind, -1u);
    }
}

bool account_count(struct account *account, uint32_t kind) {
    for (struct account *each = account->counter; each != nullptr; each = counter_above(each)) {
        if (!count_in(each, kind, 1)) {
            discount_below(account, counter_above(each), kind);
            return false;
        }
    }
    return true;
}

void account_discount(struct account *account, uint32_t kind) {
    discount_below(account, nullptr, kind);
}

// Charged first and counted then, and the other way round: what is charged keeps set_limit from beginning to
// count.
status_t account_charge_object(struct account *account, enum object_type type, uint64_t bytes) {
    TRY(account_charge(account, bytes));
    if (!account_count(account, type)) {
        account_uncharge(account, bytes);
        return STATUS_NO_MEMORY;
    }
    __atomic_fetch_add(&account->objects[type], 1, __ATOMIC_RELAXED);
    return STATUS_OK;
}

void account_uncharge_object(struct account *account, enum object_type type, uint64_t bytes) {
    __atomic_fetch_sub(&account->objects[type], 1, __ATOMIC_RELAXED);
    account_discount(account, type);
    account_uncharge(account, bytes);
}

// ---- Limits ----

// Gives an account another limit and reservation; `parent` pays the difference.
static status_t change(struct account *parent, struct account *child, uint64_t limit_bytes,
                       uint64_t reserved_bytes) REQUIRES(child->lock) {
    const uint64_t used = child->used_bytes, before = cost(child, used);
    const uint64_t after = used > reserved_bytes ? used : reserved_bytes;
    if (after > before) {
        TRY(account_charge(parent, after - before));
    } else {
        account_uncharge(parent, before - after);
    }
    child->limit_bytes = limit_bytes;
    child->reserved_bytes = reserved_bytes;
    return STATUS_OK;
}

// What every limit needs: that the sub-account can still use something, that it has not used more already, and that what
// has to be counted from the beginning has been. BAD_STATE.
static status_t check_use(const struct account *account, uint32_t what, uint64_t limit) REQUIRES(account->lock) {
    const bool counts = what == LIMIT_BYTES  ? account->used_bytes <= limit
                        : what == LIMIT_TIME ? account->timed == account || account->used_bytes == 0
                                             : account_is_counter(account) || account->used_bytes == 0;
    return counts && !account->ended ? STATUS_OK : STATUS_BAD_STATE;
}

// From now on the account counts, and limits what was asked for.
static void set_count_limit(struct account *account, uint32_t kind, uint64_t limit) REQUIRES(account->lock) {
    for (uint32_t each = 0; !account_is_counter(account) && each < COUNT_KINDS; each++) {
        account->count_limit[each] = COUNT_UNLIMITED;
    }
    account->count_limit[kind] = limit < COUNT_UNLIMITED ? (uint32_t)limit : COUNT_UNLIMITED;
    account->counter = account;
}

static bool makes_sense(uint64_t what, uint64_t limit, uint64_t extent) {
    switch (what) {
    case LIMIT_BYTES: return limit != 0 && extent <= limit;
    case LIMIT_TIME: return limit >= ACCOUNT_LEAST_BUDGET_NS && extent != 0 && extent <= ACCOUNT_MAX_PERIOD_NS;
    default: return account_counts(what) && extent == 0;
    }
}

status_t account_set_limit(struct account *account, struct account *child, uint64_t what, uint64_t limit,
                           uint64_t extent) {
    if (child->object.account != account) {
        return STATUS_NOT_ALLOWED;
    }
    if (!makes_sense(what, limit, extent)) {
        return STATUS_BAD_ARGUMENT;
    }
    spin_lock(&child->lock);
    status_t status = check_use(child, (uint32_t)what, limit);
    if (status_ok(status) && what == LIMIT_BYTES) {
        status = change(account, child, limit, extent);
    } else if (status_ok(status) && what == LIMIT_TIME) {
        child->budget_ns = limit;
        child->period_ns = extent;
        child->timed = child;
    } else if (status_ok(status)) {
        set_count_limit(child, (uint32_t)what, limit);
    }
    spin_unlock(&child->lock);
    return status;
}

// ---- Time ----

static struct account *timed_above(const struct account *account) {
    return account->object.account == nullptr ? nullptr : account->object.account->timed;
}

void account_use_budget(struct account *account, uint64_t used_ns, uint64_t now_ns) {
    for (account = account->timed; account != nullptr; account = timed_above(account)) {
        uint64_t end_ns = __atomic_load_n(&account->period_end_ns, __ATOMIC_RELAXED);
        if (now_ns >= end_ns && __atomic_compare_exchange_n(&account->period_end_ns, &end_ns, now_ns + account->period_ns,
                                                            false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            __atomic_store_n(&account->period_used_ns, 0, __ATOMIC_RELAXED);
        }
        __atomic_fetch_add(&account->period_used_ns, used_ns, __ATOMIC_RELAXED);
    }
}

uint64_t account_time_left(const struct account *account, uint64_t now_ns, uint64_t *until) {
    uint64_t least_ns = UINT64_MAX;
    *until = 0;
    for (account = account->timed; account != nullptr; account = timed_above(account)) {
        const uint64_t end_ns = __atomic_load_n(&account->period_end_ns, __ATOMIC_RELAXED);
        const uint64_t used_ns = now_ns < end_ns ? __atomic_load_n(&account->period_used_ns, __ATOMIC_RELAXED) : 0;
        const uint64_t left_ns = used_ns < account->budget_ns ? account->budget_ns - used_ns : 0;
        if (left_ns == 0 && end_ns > *until) {
            *until = end_ns;
        }
        least_ns = left_ns < least_ns ? left_ns : least_ns;
    }
    return least_ns;
}

// ---- The end ----

bool account_dooms(const struct object *object) {
    return __atomic_load_n(&ends_under_way, __ATOMIC_ACQUIRE) != 0 && object->type != OBJECT_ACCOUNT &&
           object->type != OBJECT_PROCESS && object->type != OBJECT_THREAD &&
           account_has_ended(object->account);
}

// From now on the account can pay for nothing, and its parent gets back what it does not use any more.
static void shut(struct account *account) {
    spin_lock(&account->lock);
    __atomic_store_n(&account->ended, true, __ATOMIC_RELEASE);
    if (account->object.account != nullptr) {
        status_t ignored = change(account->object.account, account, 0, 0);
        (void)ignored; // nothing more is charged by it
    }
    spin_unlock(&account->lock);
}

// Closes what a process holds of ended accounts, a few slots at a time; true at the end of its table.
static bool sweep_some(struct process *process, uint32_t *index) {
    constexpr uint32_t AT_ONCE = 64;
    for (uint32_t i = 0; i < AT_ONCE; i++, ++*index) {
        struct capability capability;
        if (*index >= process->slot_limit) {
            return true;
        }
        if (!status_ok(handle_read_at(process, *index, &capability))) {
            continue;
        }
        if (account_dooms(capability.object)) {
            handle_take_away(&capability);
        } else if (capability_type(&capability) == OBJECT_ACCOUNT && object_try_get(capability.object)) {
            if (account_has_ended(account_of(capability.object)) && !account_of(capability.object)->ended) {
                shut(account_of(capability.object));
            }
            object_put(capability.object);
        }
    }
    return false;
}

// One step of the end: process by process, in the order of their creation, so that new ones come last.
static bool end_step(struct reap_item *item) {
    struct account *account = CONTAINER_OF(item, struct account, ending);
    struct object *object = object_list_after(&process_list, account->swept_koid);
    if (object == nullptr) {
        __atomic_fetch_sub(&ends_under_way, 1, __ATOMIC_ACQ_REL);
        account->ending.step = nullptr;
        object_put(&account->object);
        return true;
    }
    struct process *process = CONTAINER_OF(object, struct process, object);
    const bool ends = account_has_ended(object->account);
    if (ends) {
        process_end(process, &(struct exit_record){.kind = EXIT_KILLED});
    }
    if (ends || sweep_some(process, &account->sweep_index)) {
        account->swept_koid = object->koid.v;
        account->sweep_index = 0;
    }
    object_put(object);
    return false;
}

void account_end(struct account *account) {
    shut(account);
    spin_lock(&account->lock);
    const bool begins = account->ending.step == nullptr;
    account->ending.step = end_step;
    spin_unlock(&account->lock);
    if (begins) {
        __atomic_fetch_add(&ends_under_way, 1, __ATOMIC_ACQ_REL);
        object_get(&account->object); // until the last step
        account->swept_koid = 0;
        reaper_add(&account->ending);
    }
}

// ---- Looking at accounts ----

void account_describe(struct object *object, void *to) {
    struct account *account = account_of(object);
    const struct account *parent = object->account;
    struct inspect_account *out = to;
    spin_lock(&account->lock);
    *out = (struct inspect_account){
        .koid = account->object.koid.v,
        .parent_koid = parent == nullptr ? 0 : parent->object.koid.v,
        .limit_bytes = account->limit_bytes,
        .reserved_bytes = account->reserved_bytes,
        .used_bytes = account->used_bytes,
        .peak_bytes = account->peak_bytes,
        .cpu_ns = account->cpu_ns,
        .count = {account->count[LIMIT_OBJECTS], account->count[LIMIT_HANDLES]},
        .count_limit = {account_count_limit(account, LIMIT_OBJECTS), account_count_limit(account, LIMIT_HANDLES)},
        .counts = account_is_counter(account),
        .ended = account->ended,
    };
    memcpy(out->objects, account->objects, sizeof account->objects);
    spin_unlock(&account->lock);
}
