// The capability tables, exhaustively: every sequence of copies, moves, closes, revokes (of the handle, too) and ends of tables up
// to a depth, over the real handle.c, beside a model that writes each handle's parent down. After each step
// the two must agree on which handles there are and what each was derived from, and the tables' own
// invariants hold.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "kernel/arch/host/invariants.h"
#include "kernel/arch/host/machine.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/process.h"

constexpr uint32_t PROCESSES_MOST = 3, HANDLES_MOST = 5, NODES_MOST = 16, DEPTH_MOST = 8;
constexpr uint32_t ALL_RIGHTS = RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT;
constexpr uint32_t NOBODY = UINT32_MAX;

enum op_kind : uint8_t { OP_COPY, OP_MOVE, OP_CLOSE, OP_REVOKE, OP_TAKE, OP_END };

struct op {
    enum op_kind kind;
    uint8_t node;    // which handle, of those that the model has made (not OP_END)
    uint8_t process; // where to
};

struct node {
    bool there;
    uint32_t process, parent, rights;
    uint64_t handle;
};

static struct {
    struct account *root;
    struct process *processes[PROCESSES_MOST];
    uint32_t process_count;
    struct object *object;
    struct node nodes[NODES_MOST];
    uint32_t node_count;
    struct op path[DEPTH_MOST];
    uint64_t states;
} world;

[[gnu::constructor]] static void begin(void) {
    host_machine_init(16 << 20);
}

static uint32_t live(void) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < world.node_count; i++) {
        count += world.nodes[i].there;
    }
    return count;
}

static bool descends(uint32_t node, uint32_t from) {
    for (node = world.nodes[node].parent; node != NOBODY; node = world.nodes[node].parent) {
        if (node == from) {
            return true;
        }
    }
    return false;
}

static void model_close(uint32_t closed) {
    world.nodes[closed].there = false;
    for (uint32_t i = 0; i < world.node_count; i++) {
        if (world.nodes[i].there && world.nodes[i].parent == closed) {
            world.nodes[i].parent = world.nodes[closed].parent;
        }
    }
}

static struct handle_slot *slot_of(const struct node *node) {
    return process_slot(world.processes[node->process], node->handle);
}

// ---- steps -----------------------------------------------------------------------------------------

// A copy to an odd process loses a right.
static uint32_t rights_at(uint32_t rights, uint32_t process) {
    return process % 2 == 1 ? rights & ~(uint32_t)RIGHT_WAIT_BIT : rights;
}

static void revoke_in_steps(const struct capability *from, bool itself) {
    uint32_t steps = 0;
    while (!handle_revoke_some(from, itself, 1) && steps++ < NODES_MOST) {
        for (uint32_t i = 0; i < world.process_count; i++) {
            CHECK(handle_table_check(world.processes[i]));
        }
    }
}

static void do_op(const struct op *op) {
    struct node *node = &world.nodes[op->node];
    struct capability from = {};
    uint64_t handle = 0;
    if (op->kind != OP_END && op->kind != OP_CLOSE) {
        CHECK(status_ok(handle_read(world.processes[node->process], node->handle, &from)));
    }
    switch (op->kind) {
    case OP_COPY: {
        const uint32_t rights = rights_at(node->rights, op->process);
        CHECK(status_ok(handle_duplicate(&from, world.processes[op->process], (rights_t){rights}, 0, 0,
                                         ORIGIN_GRANTED, &handle)));
        world.nodes[world.node_count++] = (struct node){true, op->process, op->node, rights, handle};
        break;
    }
    case OP_MOVE:
        CHECK(status_ok(handle_move(&from, world.processes[op->process], (rights_t){node->rights},
                                    ORIGIN_GRANTED, &handle)));
        node->process = op->process;
        node->handle = handle;
        break;
    case OP_CLOSE:
        CHECK(status_ok(handle_close(world.processes[node->process], node->handle)));
        CHECK(status_is(handle_close(world.processes[node->process], node->handle), STATUS_BAD_HANDLE));
        model_close(op->node);
        break;
    case OP_REVOKE:
    case OP_TAKE:
        revoke_in_steps(&from, op->kind == OP_TAKE);
        node->there = op->kind == OP_REVOKE;
        for (uint32_t i = 0; i < world.node_count; i++) {
            world.nodes[i].there &= !descends(i, op->node);
        }
        break;
    case OP_END: { // what the end of a process does with its handles
        uint32_t index = 0;
        CHECK(handle_close_some(world.processes[op->process], &index, UINT32_MAX));
        for (uint32_t i = 0; i < world.node_count; i++) {
            if (world.nodes[i].there && world.nodes[i].process == op->process) {
                model_close(i);
            }
        }
        break;
    }
    }
}

static bool agree(void) {
    bool good = world.object->references == 1 + live();
    for (uint32_t i = 0; i < world.node_count; i++) {
        const struct node *node = &world.nodes[i];
        const struct handle_slot *slot = slot_of(node);
        if (!node->there) {
            good = good && slot == nullptr;
            continue;
        }
        const struct node *parent = node->parent == NOBODY ? nullptr : &world.nodes[node->parent];
        uint32_t steps = NODES_MOST;
        good = good && slot != nullptr && slot->object == world.object &&
               slot_rights(slot).v == node->rights &&
               derivation_parent(slot, &steps) == (parent == nullptr ? nullptr : slot_of(parent)) &&
               steps > 0 && (parent == nullptr || (node->rights & ~parent->rights) == 0);
    }
    for (uint32_t i = 0; i < world.process_count; i++) {
        good = good && handle_table_check(world.processes[i]);
    }
    return good;
}

// ---- the search ------------------------------------------------------------------------------------

// From one root handle along the path.
static void replay(uint32_t depth) {
    uint32_t index;
    for (uint32_t i = 0; i < world.process_count; i++) {
        index = 0;
        CHECK(handle_close_some(world.processes[i], &index, UINT32_MAX));
    }
    world.nodes[0] = (struct node){true, 0, NOBODY, ALL_RIGHTS,
                                   host_give(world.processes[0], world.object, ALL_RIGHTS, 0)};
    world.node_count = 1;
    for (uint32_t i = 0; i < depth; i++) {
        do_op(&world.path[i]);
    }
}

static void explore(uint32_t depth, uint32_t deepest);

static void step(uint32_t depth, uint32_t deepest, struct op op) {
    world.path[depth] = op;
    replay(depth + 1);
    world.states++;
    if (!agree()) {
        for (uint32_t i = 0; i <= depth; i++) {
            fprintf(stderr, " (%u node %u process %u)", world.path[i].kind, world.path[i].node,
                    world.path[i].process);
        }
        test_fail(__FILE__, __LINE__, "the model and the tables differ after these steps");
        exit(1);
    }
    explore(depth + 1, deepest);
}

static void explore(uint32_t depth, uint32_t deepest) {
    if (depth == deepest) {
        return;
    }
    replay(depth);
    const uint32_t nodes = world.node_count;
    struct node before[NODES_MOST];
    const bool room = live() < HANDLES_MOST;
    memcpy(before, world.nodes, sizeof(before));
    for (uint8_t process = 0; process < world.process_count; process++) {
        step(depth, deepest, (struct op){OP_END, 0, process});
        for (uint8_t i = 0; i < nodes; i++) {
            if (before[i].there && room) {
                step(depth, deepest, (struct op){OP_COPY, i, process});
            }
            if (before[i].there) {
                step(depth, deepest, (struct op){OP_MOVE, i, process});
            }
        }
    }
    for (uint8_t i = 0; i < nodes; i++) {
        if (before[i].there) {
            step(depth, deepest, (struct op){OP_CLOSE, i, 0});
            step(depth, deepest, (struct op){OP_REVOKE, i, 0});
            step(depth, deepest, (struct op){OP_TAKE, i, 0});
        }
    }
}

static void search(uint32_t processes, uint32_t deepest) {
    host_processor_reset();
    world.root = account_create_root(4 << 20);
    world.process_count = processes;
    world.states = 0;
    for (uint32_t i = 0; i < processes; i++) {
        world.processes[i] = host_process(world.root, "p");
    }
    REQUIRE(status_ok(object_create(OBJECT_NOTIFICATION, world.root, &world.object)));
    explore(0, deepest);
    printf("capability_model: %u processes, %u steps: %llu states\n", processes, deepest,
           (unsigned long long)world.states);
    CHECK(world.states > 1000);
    object_put(world.object);
    CHECK(host_finish(world.root, world.processes, processes));
}

TEST(every_sequence_over_three_processes) {
    search(3, 5);
}

TEST(every_longer_sequence_in_one_process) {
    search(1, 6);
}
