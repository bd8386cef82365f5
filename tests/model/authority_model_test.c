// What is foretold of a revocation, and what the real capability tables do: random graphs of handles over several processes, put
// together with the real handle.c, looked at with what inspector uses, foretold by lib/authority, then revoked.
#include <stdio.h>

#include "base/test.h"
#include "kernel/arch/host/machine.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"
#include "lib/authority/effect.h"

constexpr uint32_t GRAPHS = 1000, PROCESSES = 4, OBJECTS = 3, STEPS_MOST = 60;
constexpr uint32_t ALL_RIGHTS = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT;

[[gnu::constructor]] static void begin(void) {
    host_machine_init(16 << 20);
}

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint32_t random_below(uint32_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 32) % limit;
}

static struct process *processes[PROCESSES];

// One of all handles there are; false when there is none.
static bool any_handle(uint32_t *process, struct inspect_handle *out) {
    const uint32_t first = random_below(PROCESSES);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        uint64_t index = 0;
        uint32_t steps = 4096, left = 1 + random_below(8);
        bool found = false;
        *process = (first + i) % PROCESSES;
        while (left-- > 0 && handle_describe(processes[*process], &index, &steps, out)) {
            found = true;
        }
        if (found) {
            return true;
        }
    }
    return false;
}

// Copies most of the time, so that graphs grow; moves and closes leave handles whose parents are others than they were.
static void random_step(void) {
    uint32_t process;
    struct inspect_handle chosen;
    struct capability from;
    uint64_t handle;
    if (!any_handle(&process, &chosen) || !status_ok(handle_read(processes[process], chosen.handle, &from))) {
        return;
    }
    struct process *to = processes[random_below(PROCESSES)];
    const uint32_t kind = random_below(10);
    if (kind < 7) {
        CHECK(status_ok(handle_duplicate(&from, to, (rights_t){chosen.rights}, 0, 0, ORIGIN_GRANTED, &handle)));
    } else if (kind < 9) {
        CHECK(status_ok(handle_move(&from, to, (rights_t){chosen.rights}, ORIGIN_GRANTED, &handle)));
    } else {
        CHECK(status_ok(handle_close(processes[process], chosen.handle)));
    }
}

// As a program sees it that goes through the pages of inspector.
static void look(struct authority *graph) {
    *graph = (struct authority){};
    for (uint32_t i = 0; i < PROCESSES; i++) {
        const uint64_t koid = processes[i]->object.koid.v;
        uint64_t index = 0;
        CHECK(authority_add_process(graph, &(struct inspect_process){.koid = koid, .state = 1}));
        for (;;) {
            struct inspect_handle handle;
            uint32_t steps = 4096;
            if (!handle_describe(processes[i], &index, &steps, &handle)) {
                break;
            }
            CHECK(authority_add_handle(graph, koid, &handle));
        }
    }
    authority_link(graph);
}

static void revoke_for_real(const struct authority_handle *of) {
    struct capability from;
    struct process *process = processes[of->process];
    CHECK(status_ok(handle_read(process, of->seen.handle, &from)));
    while (!handle_revoke_some(&from, true, 1 + random_below(4))) {
    }
}

// One graph and one revocation; returns how many handles went.
static uint32_t try_one(struct object *objects[OBJECTS]) {
    struct authority before, later;
    struct authority_effect effect;
    for (uint32_t i = 0; i < OBJECTS; i++) {
        (void)host_give(processes[random_below(PROCESSES)], objects[i], ALL_RIGHTS, 0);
    }
    for (uint32_t i = random_below(STEPS_MOST); i-- > 0;) {
        random_step();
    }
    look(&before);
    if (before.handles.count == 0) {
        authority_free(&before);
        return 0;
    }
    const uint32_t handle = random_below(before.handles.count);
    CHECK(authority_if_revoked(&before, handle, &effect));
    revoke_for_real(&before.handles.at[handle]);
    look(&later);
    const struct authority_difference difference = authority_compare(&before, &effect, &later);
    const uint32_t gone = effect.gone_count;
    CHECK_EQ(difference.still_there, 0);
    CHECK_EQ(difference.also_gone, 0);
    CHECK_EQ(difference.closed, 0);
    CHECK_EQ(later.handles.count, before.handles.count - gone);
    authority_effect_free(&effect);
    authority_free(&before);
    authority_free(&later);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        uint32_t index = 0;
        CHECK(handle_close_some(processes[i], &index, UINT32_MAX));
    }
    return gone;
}

TEST(what_is_foretold_is_what_happens) {
    struct object *objects[OBJECTS];
    uint32_t several = 0, most = 0;
    host_processor_reset();
    struct account *root = account_create_root(4 << 20);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        processes[i] = host_process(root, "p");
    }
    for (uint32_t i = 0; i < OBJECTS; i++) {
        REQUIRE(status_ok(object_create(OBJECT_NOTIFICATION, root, &objects[i])));
    }
    for (uint32_t i = 0; i < GRAPHS; i++) {
        const uint32_t gone = try_one(objects);
        several += gone > 1;
        most = gone > most ? gone : most;
    }
    printf("authority_model: %u graphs, %u revocations took several handles, at most %u\n", GRAPHS, several, most);
    CHECK(several > GRAPHS / 10 && most > 10); // else it was no test
    for (uint32_t i = 0; i < OBJECTS; i++) {
        object_put(objects[i]);
    }
    CHECK(host_finish(root, processes, PROCESSES));
}
