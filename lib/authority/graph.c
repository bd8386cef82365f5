#include "lib/authority/authority.h"

#include "abi/gen/abi.h"
#include "abi/gen/decode.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/badge/badge.h"
#include "lib/tess/heap.h"

// ---- growing ----

// Makes room for one more; lists double.
static bool grow(void **at, uint32_t count, uint32_t *room, size_t bytes) {
    if (count < *room) {
        return true;
    }
    const uint32_t more = *room == 0 ? 32 : *room * 2;
    void *moved = more > *room ? realloc(*at, more * bytes) : nullptr;
    if (moved == nullptr) {
        return false;
    }
    *at = moved;
    *room = more;
    return true;
}

#define ADD(list, ...) \
    do { \
        if (!grow((void **)&(list).at, (list).count, &(list).room, sizeof *(list).at)) { \
            return false; \
        } \
        (list).at[(list).count++] = (__VA_ARGS__); \
        return true; \
    } while (0)

bool authority_add_process(struct authority *graph, const struct inspect_process *process) {
    struct authority_process one = {
        .koid = process->koid,
        .account_koid = process->account_koid,
        .vspace_koid = process->vspace_koid,
        .handles_made = process->handles_made,
        .handles_made_later = process->handles_made, // unless it is seen again, it has gone, and has none
        .unit = AUTHORITY_NONE,
        .first_handle = graph->handles.count,
        .ended = process->state == 2,
    };
    for (size_t i = 0; i < sizeof process->name && process->name[i] != '\0'; i++) {
        const char c = process->name[i]; // it names itself as it likes
        one.name[i] = c > ' ' && c < 0x7f ? c : '?';
    }
    ADD(graph->processes, one);
}

bool authority_add_handle(struct authority *graph, uint64_t process_koid, const struct inspect_handle *handle) {
    struct authority_process *last = &graph->processes.at[graph->processes.count - 1];
    const struct authority_handle one = {
        .seen = *handle,
        .process = graph->processes.count - 1,
        .parent = AUTHORITY_NONE,
        .grant = AUTHORITY_NONE,
        .object = AUTHORITY_NONE,
    };
    if (graph->processes.count == 0 || last->koid != process_koid ||
        !grow((void **)&graph->handles.at, graph->handles.count, &graph->handles.room, sizeof one)) {
        return false;
    }
    graph->handles.at[graph->handles.count++] = one;
    last->handle_count++;
    return true;
}

bool authority_add_object(struct authority *graph, const struct inspect_object *object) {
    ADD(graph->objects, *object);
}

bool authority_add_account(struct authority *graph, uint64_t koid, uint64_t parent_koid) {
    ADD(graph->accounts, (struct authority_account){koid, parent_koid});
}

bool authority_add_unit(struct authority *graph, const struct authority_unit *unit) {
    ADD(graph->units, *unit);
}

bool authority_add_former(struct authority *graph, const struct authority_former *former) {
    ADD(graph->formers, *former);
}

bool authority_add_grant(struct authority *graph, const struct authority_grant *grant) {
    ADD(graph->grants, *grant);
}

bool authority_add_interface(struct authority *graph, const struct authority_interface *interface) {
    ADD(graph->interfaces, *interface);
}

bool authority_add_method(struct authority *graph, const struct authority_method *method) {
    struct authority_method one = *method;
    one.first_carried = graph->carried.count;
    one.carried_count = 0;
    one.brings = one.gives = false;
    ADD(graph->methods, one);
}

bool authority_add_carried(struct authority *graph, const struct authority_carried *carried) {
    struct authority_method *last = graph->methods.count > 0 ? &graph->methods.at[graph->methods.count - 1] : nullptr;
    if (last == nullptr || !grow((void **)&graph->carried.at, graph->carried.count, &graph->carried.room, sizeof *carried)) {
        return false;
    }
    for (uint32_t i = last->first_carried; i < graph->carried.count; i++) {
        if (graph->carried.at[i].interface_id == carried->interface_id && graph->carried.at[i].is_given == carried->is_given) {
            return true;
        }
    }
    graph->carried.at[graph->carried.count++] = *carried;
    last->carried_count++;
    last->brings = last->brings || !carried->is_given;
    last->gives = last->gives || carried->is_given;
    return true;
}

// ---- the second look ----

void authority_begin_again(struct authority *graph) {
    graph->processes.count = graph->handles.count = graph->objects.count = graph->unseen = 0;
}

void authority_look_again(struct authority *graph, const struct inspect_process *process) {
    const uint32_t known = authority_process_by_koid(graph, process->koid);
    if (known == AUTHORITY_NONE) {
        graph->unseen++;
    } else {
        graph->processes.at[known].handles_made_later = process->handles_made;
    }
}

bool authority_is_whole(const struct authority *graph) {
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        if (graph->processes.at[i].handles_made != graph->processes.at[i].handles_made_later) {
            return false;
        }
    }
    return graph->unseen == 0;
}

void authority_free(struct authority *graph) {
    free(graph->processes.at);
    free(graph->handles.at);
    free(graph->objects.at);
    free(graph->accounts.at);
    free(graph->units.at);
    free(graph->formers.at);
    free(graph->grants.at);
    free(graph->interfaces.at);
    free(graph->methods.at);
    free(graph->carried.at);
    *graph = (struct authority){};
}

// ---- order ----

// Heap sort by the 64 bits that an element has at `key`: no memory, no recursion, no worst case.
static uint64_t key_at(const char *at, size_t bytes, uint32_t i, size_t key) {
    uint64_t value;
    memcpy(&value, at + i * bytes + key, sizeof value);
    return value;
}

static void swap(char *at, size_t bytes, uint32_t i, uint32_t j) {
    for (size_t b = 0; b < bytes; b++) {
        const char kept = at[i * bytes + b];
        at[i * bytes + b] = at[j * bytes + b];
        at[j * bytes + b] = kept;
    }
}

static void sift_down(char *at, size_t bytes, size_t key, uint32_t i, uint32_t count) {
    for (;;) {
        uint32_t most = i;
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < count; child++) {
            most = key_at(at, bytes, child, key) > key_at(at, bytes, most, key) ? child : most;
        }
        if (most == i) {
            return;
        }
        swap(at, bytes, i, most);
        i = most;
    }
}

static void sort(void *list, size_t bytes, size_t key, uint32_t count) {
    for (uint32_t i = count / 2; i-- > 0;) {
        sift_down(list, bytes, key, i, count);
    }
    for (uint32_t end = count; end-- > 1;) {
        swap(list, bytes, 0, end);
        sift_down(list, bytes, key, 0, end);
    }
}

// The first element whose key is at least this one; `count` when there is none.
static uint32_t lower_bound(const void *list, size_t bytes, size_t key, uint32_t count, uint64_t wanted) {
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (key_at(list, bytes, middle, key) < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

#define SORT(list, member) sort((list).at, sizeof *(list).at, offsetof(typeof(*(list).at), member), (list).count)
#define FIND(list, member, wanted) \
    ({ \
        const uint32_t index_ = \
            lower_bound((list).at, sizeof *(list).at, offsetof(typeof(*(list).at), member), (list).count, wanted); \
        index_ < (list).count && (list).at[index_].member == (wanted) ? index_ : AUTHORITY_NONE; \
    })

// ---- linking ----

// Who holds several handles to an object described it several times.
static void drop_doubles(struct authority *graph) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < graph->objects.count; i++) {
        if (kept == 0 || graph->objects.at[kept - 1].koid != graph->objects.at[i].koid) {
            graph->objects.at[kept++] = graph->objects.at[i];
        }
    }
    graph->objects.count = kept;
}

static void link_units(struct authority *graph) {
    for (uint32_t i = 0; i < graph->units.count; i++) {
        const struct authority_unit *unit = &graph->units.at[i];
        const uint32_t process = authority_process_by_koid(graph, unit->process_koid);
        if (process != AUTHORITY_NONE) {
            graph->processes.at[process].unit = i;
            (void)str_copy(graph->processes.at[process].name, AUTHORITY_NAME_BYTES, unit->name); // the same bound on both sides
        }
    }
}

void authority_link(struct authority *graph) {
    SORT(graph->objects, koid);
    drop_doubles(graph);
    SORT(graph->accounts, koid);
    link_units(graph);
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        struct authority_handle *handle = &graph->handles.at[i];
        handle->object = authority_object_by_koid(graph, handle->seen.object_koid);
        const uint32_t process = authority_process_by_koid(graph, handle->seen.parent_process_koid);
        if (process != AUTHORITY_NONE && handle->seen.parent_handle != 0 && handle->seen.parent_handle != INSPECT_PARENT_FAR) {
            handle->parent = authority_handle_of(graph, process, handle->seen.parent_handle);
        }
    }
    for (uint32_t i = 0; i < graph->grants.count; i++) {
        const uint32_t process = authority_process_by_koid(graph, graph->grants.at[i].process_koid);
        const uint32_t handle =
            process == AUTHORITY_NONE ? AUTHORITY_NONE : authority_handle_of(graph, process, graph->grants.at[i].handle);
        if (handle != AUTHORITY_NONE) {
            graph->handles.at[handle].grant = i;
        }
    }
}

// ---- looking up ----

// Processes come by koid, and their handles by slot: as the kernel lists them.
uint32_t authority_process_by_koid(const struct authority *graph, uint64_t koid) {
    return FIND(graph->processes, koid, koid);
}

uint32_t authority_process_by_name(const struct authority *graph, const char *name) {
    // Whoever makes a process may call it what it likes: a service is the one that the supervisor runs.
    const uint32_t unit = authority_unit_by_name(graph, name);
    const uint32_t service = unit != AUTHORITY_NONE ? authority_process_by_koid(graph, graph->units.at[unit].process_koid) : AUTHORITY_NONE;
    if (service != AUTHORITY_NONE && !graph->processes.at[service].ended) {
        return service;
    }
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        if (!graph->processes.at[i].ended && str_equal(graph->processes.at[i].name, name)) {
            return i;
        }
    }
    return AUTHORITY_NONE;
}

uint32_t authority_handle_of(const struct authority *graph, uint32_t process, uint32_t handle) {
    const struct authority_process *of = &graph->processes.at[process];
    for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
        if (graph->handles.at[i].seen.handle == handle) {
            return i;
        }
    }
    return AUTHORITY_NONE;
}

uint32_t authority_handle_called(const struct authority *graph, uint32_t process, const char *word) {
    const struct authority_process *of = &graph->processes.at[process];
    uint64_t number;
    if (str_parse_u64(word, strlen(word), &number) && number <= UINT32_MAX) {
        return authority_handle_of(graph, process, (uint32_t)number);
    }
    for (uint32_t i = of->first_handle; i < of->first_handle + of->handle_count; i++) {
        char name[AUTHORITY_NAME_BYTES];
        if (str_equal(authority_handle_name(graph, i, name), word)) {
            return i;
        }
    }
    return AUTHORITY_NONE;
}

uint32_t authority_object_by_koid(const struct authority *graph, uint64_t koid) {
    return FIND(graph->objects, koid, koid);
}

uint32_t authority_unit_by_name(const struct authority *graph, const char *name) {
    for (uint32_t i = 0; i < graph->units.count; i++) {
        if (str_equal(graph->units.at[i].name, name)) {
            return i;
        }
    }
    return AUTHORITY_NONE;
}

uint32_t authority_former_unit(const struct authority *graph, uint64_t process_koid) {
    for (uint32_t i = 0; i < graph->formers.count; i++) {
        if (graph->formers.at[i].process_koid == process_koid) {
            return graph->formers.at[i].unit;
        }
    }
    return AUTHORITY_NONE;
}

bool authority_is_supervisor(const struct authority *graph, uint32_t process) {
    const uint32_t unit = graph->processes.at[process].unit;
    return unit != AUTHORITY_NONE && graph->units.at[unit].kind == AUTHORITY_SUPERVISOR;
}

static uint64_t account_above(const struct authority *graph, uint64_t koid) {
    const uint32_t found = FIND(graph->accounts, koid, koid);
    return found == AUTHORITY_NONE ? 0 : graph->accounts.at[found].parent_koid;
}

// A child's koid is higher than its parent's, so no way up has a circle.
bool authority_account_is_under(const struct authority *graph, uint64_t koid, uint64_t ancestor) {
    while (koid > ancestor) {
        koid = account_above(graph, koid);
    }
    return koid == ancestor && koid != 0;
}

// The first process of an account is who it was made for; what it starts on the same account comes later.
uint32_t authority_payer(const struct authority *graph, uint64_t account_koid) {
    for (uint64_t koid = account_koid; koid != 0;) {
        for (uint32_t i = 0; i < graph->processes.count; i++) {
            if (graph->processes.at[i].account_koid == koid) {
                return i;
            }
        }
        const uint64_t above = account_above(graph, koid);
        koid = above < koid ? above : 0;
    }
    return AUTHORITY_NONE;
}

const struct authority_interface *authority_interface_by_id(const struct authority *graph, uint64_t id) {
    for (uint32_t i = 0; i < graph->interfaces.count; i++) {
        if (graph->interfaces.at[i].id == id) {
            return &graph->interfaces.at[i];
        }
    }
    return nullptr;
}

bool authority_may_use(const struct authority *graph, const struct inspect_handle *handle, uint64_t interface_id) {
    const struct authority_interface *own = authority_interface_by_id(graph, handle->interface_id);
    if (own == nullptr || own->id == interface_id || own->extends_id == interface_id) {
        return true;
    }
    const struct authority_interface *wanted = authority_interface_by_id(graph, interface_id);
    return badge_controls(handle->badge) && wanted != nullptr && wanted->extends_id == own->id;
}

bool authority_receives(const struct authority *graph, const struct authority_handle *handle) {
    if (handle->seen.type != OBJECT_ENDPOINT || (handle->seen.rights & RIGHT_RECEIVE_BIT) == 0) {
        return false;
    }
    const uint64_t served_by = handle->object == AUTHORITY_NONE ? 0 : graph->objects.at[handle->object].numbers[2];
    const uint32_t thread = authority_object_by_koid(graph, served_by);
    return thread == AUTHORITY_NONE || graph->objects.at[thread].numbers[3] == graph->processes.at[handle->process].koid;
}

uint32_t authority_server_of(const struct authority *graph, uint64_t endpoint_koid) {
    uint32_t found = AUTHORITY_NONE;
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        const struct authority_handle *handle = &graph->handles.at[i];
        if (handle->seen.object_koid == endpoint_koid && authority_receives(graph, handle)) {
            found = handle->process; // the supervisor comes first: it may receive for each that has not begun to
        }
    }
    return found;
}

const char *authority_handle_name(const struct authority *graph, uint32_t handle, char out[AUTHORITY_NAME_BYTES]) {
    const struct authority_handle *of = &graph->handles.at[handle];
    const struct authority_interface *interface = authority_interface_by_id(graph, of->seen.interface_id);
    if (of->grant != AUTHORITY_NONE && graph->grants.at[of->grant].name[0] != '\0') {
        (void)str_copy(out, AUTHORITY_NAME_BYTES, graph->grants.at[of->grant].name); // the same bound
    } else if (of->seen.type == OBJECT_ENDPOINT && interface != nullptr) {
        (void)str_copy(out, AUTHORITY_NAME_BYTES, interface->name);
    } else {
        fmt_snprintf(out, AUTHORITY_NAME_BYTES, "%s", abi_object_name(of->seen.type));
    }
    return out;
}
