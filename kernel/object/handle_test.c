// Handle tables on the host port's machine: values, rights, growth, and the derivation tree.
#include "kernel/object/handle.h"

#include "abi/gen/abi.h"
#include "base/test.h"
#include "kernel/arch/host/invariants.h"
#include "kernel/arch/host/machine.h"
#include "kernel/arch/host/usage.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/notification.h"

constexpr uint32_t EVERY_RIGHT = 0xffff;
constexpr uint32_t PER_CHUNK = HANDLE_CHUNK_SLOTS - 1;

// Two processes that own nothing; `object` is what most handles are to.
static struct {
    struct account *root;
    struct process *a, *b;
    struct notification *notification;
    struct object *object;
} scene;

[[gnu::constructor]] static void begin(void) {
    host_machine_init(64 << 20);
}

static void set_scene(uint64_t limit_bytes) {
    host_processor_reset();
    scene.root = account_create_root(limit_bytes);
    scene.a = host_process(scene.root, "a");
    scene.b = host_process(scene.root, "b");
    REQUIRE(status_ok(object_create(OBJECT_NOTIFICATION, scene.root, &scene.object)));
    scene.notification = CONTAINER_OF(scene.object, struct notification, object);
}

static void clear_scene(void) {
    CHECK(handle_table_check(scene.a) && handle_table_check(scene.b));
    object_put(scene.object);
    struct process *const all[] = {scene.a, scene.b};
    CHECK(host_finish(scene.root, all, 2));
}

static struct handle_slot *slot_of(struct process *process, uint64_t handle) {
    return process_slot(process, handle);
}

static uint64_t derive(struct process *from, uint64_t handle, struct process *to) {
    uint64_t copy;
    struct capability from_now;
    return status_ok(handle_read(from, handle, &from_now)) &&
                   status_ok(handle_duplicate(&from_now, to, capability_rights(&from_now), 0, 0,
                                              ORIGIN_COPIED, &copy))
               ? copy
               : 0;
}

static struct handle_slot *parent_of(struct process *process, uint64_t handle) {
    uint32_t steps = UINT32_MAX;
    return derivation_parent(slot_of(process, handle), &steps);
}

// ---- values ----------------------------------------------------------------------------------------

TEST(look_up_says_what_is_wrong) {
    set_scene(4 << 20);
    const uint64_t handle = host_give(scene.a, scene.object, RIGHT_WAIT_BIT, 5);
    struct capability found;
    struct object *object;
    CHECK(status_ok(handle_read_as(scene.a, handle, OBJECT_NOTIFICATION, RIGHT_WAIT, &found)));
    CHECK_EQ(found.badge, 5u);
    CHECK_EQ(handle_slot_process(found.slot), scene.a);
    CHECK(status_ok(handle_object(scene.a, handle, OBJECT_NOTIFICATION, RIGHT_WAIT, &object)));
    CHECK_EQ(object, scene.object);
    CHECK(status_is(handle_read_as(scene.a, handle, OBJECT_ENDPOINT, RIGHT_SIGNAL, &found), STATUS_WRONG_TYPE));
    CHECK(
        status_is(handle_read_as(scene.a, handle, OBJECT_NOTIFICATION, RIGHT_SIGNAL, &found), STATUS_NO_RIGHT));
    // Zero, foreign, out of range, another generation, a chunk's header, bits above the value.
    const uint64_t bad[] = {0,
                            1,
                            64,
                            0x1'0000,
                            0x1'0040,
                            0xffff,
                            0xffff'ffff,
                            handle + 0x1'0000,
                            handle | 1ull << 32,
                            (uint16_t)handle,
                            HANDLE_CHUNK_MARK,
                            UINT64_MAX};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(status_is(handle_read(scene.a, bad[i], &found), STATUS_BAD_HANDLE));
        CHECK(status_is(handle_read(scene.b, bad[i], &found), STATUS_BAD_HANDLE));
    }
    CHECK(status_is(handle_read(scene.b, handle, &found), STATUS_BAD_HANDLE));
    clear_scene();
}

TEST(a_closed_handle_stays_stale) {
    set_scene(4 << 20);
    const uint64_t first = host_give(scene.a, scene.object, EVERY_RIGHT, 0);
    const uint32_t references = scene.object->references;
    CHECK(status_ok(handle_close(scene.a, first)));
    CHECK_EQ(scene.object->references, references - 1);
    for (uint32_t i = 0; i < 5 * PER_CHUNK; i++) {
        const uint64_t handle = host_give(scene.a, scene.object, EVERY_RIGHT, 0);
        CHECK(handle != 0 && handle != first);
        CHECK_EQ(slot_of(scene.a, first), nullptr);
        CHECK(status_ok(handle_close(scene.a, handle)));
    }
    clear_scene();
}

// The same slot over and over: generations come round, skip 0, and never give a value twice in a row.
TEST(generations_come_round) {
    set_scene(4 << 20);
    for (uint32_t i = 0; i < PER_CHUNK - 1; i++) {
        CHECK(host_give(scene.a, scene.object, EVERY_RIGHT, 0) != 0);
    }
    uint64_t last = 0;
    for (uint32_t i = 0; i < 0x1'0010; i++) {
        const uint64_t handle = host_give(scene.a, scene.object, EVERY_RIGHT, 0);
        if (handle_generation((uint32_t)handle) == 0 || handle == last) {
            test_fail(__FILE__, __LINE__, "a handle without generation, or the same again");
            break;
        }
        last = handle;
        CHECK(status_ok(handle_close(scene.a, handle)));
    }
    CHECK_EQ(scene.a->slot_limit, HANDLE_CHUNK_SLOTS); // no chunk was added for it
    clear_scene();
}

// ---- growth ----------------------------------------------------------------------------------------

TEST(a_table_grows_to_its_limit_and_no_further) {
    set_scene(32 << 20);
    uint32_t count = 0;
    uint64_t handle;
    status_t status = STATUS_OK;
    for (;; count++) {
        object_get(scene.object);
        status = handle_insert(scene.a, scene.object, RIGHT_WAIT, 0, 0, ORIGIN_BOOT, &handle);
        if (!status_ok(status)) {
            object_put(scene.object);
            break;
        }
    }
    CHECK(status_is(status, STATUS_NO_HANDLES));
    CHECK_EQ(count, PROCESS_MAX_CHUNKS * PER_CHUNK);
    CHECK_EQ(handle_total_count(), count);
    CHECK(handle_table_check(scene.a));
    const uint32_t references = scene.object->references;
    CHECK_EQ(host_give(scene.a, scene.object, EVERY_RIGHT, 0), 0u);
    CHECK_EQ(scene.object->references, references);
    clear_scene();
}

// Wherever the account runs out, nothing has changed.
TEST(a_table_that_cannot_be_paid_for) {
    constexpr uint32_t MOST = 3000;
    for (uint64_t limit = 40 << 10; limit < 100 << 10; limit += 1 << 10) {
        set_scene(limit);
        REQUIRE(scene.a != nullptr && scene.b != nullptr && scene.object != nullptr);
        uint32_t count = 0;
        uint64_t before;
        do {
            before = account_usage(scene.root).used_bytes;
        } while (host_give(scene.a, scene.object, EVERY_RIGHT, 0) != 0 && ++count < MOST);
        CHECK(count < MOST);
        CHECK_EQ(count % PER_CHUNK, 0u);
        CHECK(account_usage(scene.root).used_bytes - before <= PROCESS_MAX_CHUNKS * sizeof(void *));
        CHECK_EQ(scene.object->references, count + 1);
        clear_scene();
    }
}

// ---- derivation ------------------------------------------------------------------------------------

TEST(children_of_a_closed_handle_go_to_its_parent) {
    set_scene(4 << 20);
    const uint64_t root = host_give(scene.a, scene.object, EVERY_RIGHT, 0);
    const uint64_t middle = derive(scene.a, root, scene.b);
    const uint64_t leaf[] = {derive(scene.b, middle, scene.a), derive(scene.b, middle, scene.b),
                             derive(scene.b, middle, scene.a)};
    CHECK_EQ(parent_of(scene.b, middle), slot_of(scene.a, root));
    CHECK(status_ok(handle_close(scene.b, middle)));
    CHECK_EQ(parent_of(scene.a, leaf[0]), slot_of(scene.a, root));
    CHECK_EQ(parent_of(scene.b, leaf[1]), slot_of(scene.a, root));
    CHECK_EQ(parent_of(scene.a, leaf[2]), slot_of(scene.a, root));
    CHECK(handle_table_check(scene.a) && handle_table_check(scene.b));
    CHECK(status_ok(handle_close(scene.a, root)));
    CHECK_EQ(parent_of(scene.a, leaf[0]), nullptr);
    CHECK_EQ(parent_of(scene.b, leaf[1]), nullptr);
    clear_scene();
}

TEST(a_moved_handle_keeps_its_place) {
    set_scene(4 << 20);
    const uint64_t root = host_give(scene.a, scene.object, EVERY_RIGHT, 0);
    const uint64_t old = derive(scene.a, root, scene.a);
    const uint64_t child[] = {derive(scene.a, old, scene.a), derive(scene.a, old, scene.b)};
    const uint32_t references = scene.object->references;
    const uint64_t moved = derive(scene.a, old, scene.b);
    const uint64_t younger = derive(scene.a, old, scene.a);
    struct capability from;
    REQUIRE(status_ok(handle_read(scene.a, old, &from)));
    handle_retire(&from, scene.b, moved);
    CHECK_EQ(slot_of(scene.a, old), nullptr);
    CHECK_EQ(scene.object->references, references + 1);
    CHECK_EQ(parent_of(scene.b, moved), slot_of(scene.a, root));
    CHECK_EQ(parent_of(scene.a, child[0]), slot_of(scene.b, moved));
    CHECK_EQ(parent_of(scene.b, child[1]), slot_of(scene.b, moved));
    CHECK_EQ(parent_of(scene.a, younger), slot_of(scene.b, moved));
    clear_scene();
}

static bool revoke(struct process *process, uint64_t handle, uint32_t limit) {
    struct capability from;
    return status_ok(handle_read(process, handle, &from)) && handle_revoke_some(&from, false, limit);
}

TEST(revoking_in_steps) {
    set_scene(4 << 20);
    const uint64_t root = host_give(scene.a, scene.object, EVERY_RIGHT, 0);
    const uint64_t beside = derive(scene.a, root, scene.b);
    const uint64_t middle = derive(scene.a, root, scene.a);
    uint64_t handle = middle;
    for (uint32_t i = 0; i < 99; i++) {
        const uint64_t next = derive(scene.a, handle, scene.a);
        CHECK(derive(scene.a, handle, scene.b) != 0);
        handle = next;
    }
    for (uint32_t done = 0; done < 190; done += 10) {
        CHECK_EQ(scene.object->references, 1 + 3 + 198 - done);
        CHECK(!revoke(scene.a, middle, 10));
        CHECK(handle_table_check(scene.a) && handle_table_check(scene.b));
    }
    CHECK(revoke(scene.a, middle, 10));
    CHECK_EQ(scene.object->references, 4u);
    CHECK_EQ(parent_of(scene.b, beside), slot_of(scene.a, root));
    CHECK_EQ(parent_of(scene.a, middle), slot_of(scene.a, root));
    CHECK(revoke(scene.a, root, 10));
    CHECK_EQ(slot_of(scene.b, beside), nullptr);
    CHECK_EQ(scene.object->references, 2u);
    CHECK(revoke(scene.a, root, 1));
    clear_scene();
}

// What another processor did between the look-up and the lock.
TEST(a_handle_that_went_away_meanwhile) {
    set_scene(4 << 20);
    const uint64_t root = host_give(scene.a, scene.object, EVERY_RIGHT, 0);
    const uint64_t child = derive(scene.a, root, scene.a);
    struct capability gone, kept;
    uint64_t handle;
    REQUIRE(status_ok(handle_read(scene.a, child, &gone)) && status_ok(handle_read(scene.a, root, &kept)));
    const uint64_t copy = derive(scene.a, child, scene.b);
    CHECK(status_ok(handle_close(scene.a, child)));
    CHECK(status_is(handle_close(scene.a, child), STATUS_BAD_HANDLE));
    CHECK(status_is(handle_duplicate(&gone, scene.b, RIGHT_WAIT, 0, 0, ORIGIN_COPIED, &handle),
                    STATUS_BAD_HANDLE));
    handle_retire(&gone, scene.b, copy);
    CHECK_EQ(parent_of(scene.b, copy), slot_of(scene.a, root));
    CHECK(handle_revoke_some(&gone, true, 1));
    CHECK(slot_of(scene.b, copy) != nullptr);
    // The heir is closed before it inherits: the children stay with the grandparent.
    const uint64_t heir = derive(scene.a, root, scene.b);
    CHECK(status_ok(handle_close(scene.b, heir)));
    handle_retire(&kept, scene.b, heir);
    CHECK_EQ(slot_of(scene.a, root), nullptr);
    CHECK_EQ(parent_of(scene.b, copy), nullptr);
    CHECK_EQ(scene.object->references, 2u);
    clear_scene();
}

// Far from both ends of its list a parent is not looked for any further than was asked.
TEST(a_parent_among_many_siblings) {
    set_scene(4 << 20);
    const uint64_t root = host_give(scene.a, scene.object, EVERY_RIGHT, 0);
    uint64_t child[101];
    for (uint32_t i = 0; i < 101; i++) {
        child[i] = derive(scene.a, root, scene.b);
    }
    for (uint32_t i = 0; i < 101; i++) {
        const uint32_t need = i <= 50 ? i + 1 : 101 - i;
        uint32_t enough = need, too_few = need - 1;
        CHECK_EQ(derivation_parent(slot_of(scene.b, child[i]), &enough), slot_of(scene.a, root));
        CHECK_EQ(derivation_parent(slot_of(scene.b, child[i]), &too_few), nullptr);
        CHECK_EQ(too_few, 0u);
    }
    clear_scene();
}

TEST(handles_are_described_in_steps) {
    set_scene(4 << 20);
    const uint64_t root = host_give(scene.a, scene.object, EVERY_RIGHT, 9);
    for (uint32_t i = 0; i < 150; i++) {
        CHECK(host_give(scene.b, scene.object, EVERY_RIGHT, 0) != 0);
    }
    const uint64_t copy = derive(scene.a, root, scene.b);
    struct inspect_handle handle = {};
    uint64_t index = 0;
    uint32_t count = 0, calls = 0;
    do {
        uint32_t steps = 10;
        while (handle_describe(scene.b, &index, &steps, &handle)) {
            count++;
        }
        calls++;
    } while (index < scene.b->slot_limit);
    CHECK_EQ(count, 151u);
    CHECK(calls >= scene.b->slot_limit / 10);
    CHECK_EQ(handle.handle, copy);
    CHECK_EQ(handle.parent_handle, root);
    CHECK_EQ(handle.parent_process_koid, scene.a->object.koid.v);
    CHECK_EQ(handle.granter_koid, scene.a->object.koid.v);
    CHECK(status_ok(handle_close(scene.a, root)));
    uint32_t steps = UINT32_MAX;
    index = (uint16_t)copy;
    CHECK(handle_describe(scene.b, &index, &steps, &handle));
    CHECK_EQ(handle.parent_handle, 0u);
    CHECK_EQ(handle.granter_koid, scene.a->object.koid.v); // who it was is known for ever
    clear_scene();
}

// A process that ends with handles in the middle of everybody's derivations.
TEST(the_end_of_a_table_in_the_middle_of_a_tree) {
    set_scene(4 << 20);
    const uint64_t root = host_give(scene.a, scene.object, EVERY_RIGHT, 0);
    uint64_t handle = root;
    uint64_t ours[100];
    for (uint32_t i = 0; i < 100; i++) { // a chain that goes to and fro
        const uint64_t theirs = derive(scene.a, handle, scene.b);
        handle = ours[i] = derive(scene.b, theirs, scene.a);
    }
    process_end(scene.b, &(struct exit_record){.kind = EXIT_KILLED});
    host_wake();
    host_settle();
    CHECK_EQ(scene.object->references, 102u);
    for (uint32_t i = 0; i < 100; i++) {
        CHECK_EQ(parent_of(scene.a, ours[i]), slot_of(scene.a, i == 0 ? root : ours[i - 1]));
    }
    clear_scene();
}

// ---- rights ----------------------------------------------------------------------------------------

TEST(the_last_receive_right_kills_the_endpoint) {
    set_scene(4 << 20);
    uint64_t handle;
    struct endpoint *endpoint = host_endpoint(scene.a, EVERY_RIGHT, &handle);
    const uint64_t copy = derive(scene.a, handle, scene.b);
    uint64_t send_only;
    struct capability from;
    REQUIRE(status_ok(handle_read(scene.a, handle, &from)));
    REQUIRE(status_ok(handle_duplicate(&from, scene.a, RIGHT_SEND, 1, 2, ORIGIN_COPIED, &send_only)));
    CHECK_EQ(endpoint->receive_handles, 2u);
    CHECK(status_ok(handle_close(scene.a, handle)));
    CHECK_EQ(endpoint->receive_handles, 1u);
    CHECK(endpoint_check(endpoint));
    CHECK(status_ok(handle_close(scene.b, copy)));
    CHECK_EQ(endpoint->receive_handles, 0u);
    CHECK(endpoint_check(endpoint));
    CHECK_EQ(endpoint->object.references, 1u);
    clear_scene();
}

// process.grant, handle_copy and handle_mint only ever take rights away.
TEST(rights_only_shrink) {
    set_scene(4 << 20);
    struct thread *thread = host_thread(scene.a, BAND_NORMAL, 0);
    uint64_t endpoint;
    host_endpoint(scene.a, RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_MINT_BIT, &endpoint);
    const uint64_t self = host_give(scene.a, &scene.a->object, EVERY_RIGHT, 0);
    const uint64_t other = host_give(scene.a, &scene.b->object, RIGHT_MANAGE_BIT, 0);
    REQUIRE(host_run(thread));
    CHECK(status_ok(HOST_METHOD(self, PROCESS_HANDLE_COPY, endpoint, UINT32_MAX)));
    CHECK_EQ(slot_rights(slot_of(scene.a, host_user.words[0])).v,
             RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_MINT_BIT);
    CHECK(status_ok(
        HOST_METHOD(self, PROCESS_HANDLE_MINT, endpoint, RIGHT_SEND_BIT | RIGHT_RECEIVE_BIT, 77, 88)));
    const uint64_t minted = host_user.words[0];
    CHECK_EQ(slot_rights(slot_of(scene.a, minted)).v, RIGHT_SEND_BIT);
    CHECK_EQ(slot_of(scene.a, minted)->badge, 77u);
    CHECK_EQ(slot_of(scene.a, minted)->interface_id, 88u);
    CHECK(status_is(HOST_METHOD(self, PROCESS_HANDLE_COPY, minted, UINT32_MAX), STATUS_NO_RIGHT));
    CHECK(status_is(HOST_METHOD(self, PROCESS_HANDLE_MINT, minted, 0, 1), STATUS_NO_RIGHT));
    CHECK(status_is(HOST_METHOD(other, PROCESS_GRANT, minted, UINT32_MAX), STATUS_NO_RIGHT));
    CHECK(status_is(HOST_METHOD(other, PROCESS_GRANT, minted, UINT32_MAX, 1), STATUS_NO_RIGHT));
    CHECK(status_is(HOST_METHOD(other, PROCESS_GRANT, endpoint, 1ull << 32), STATUS_BAD_ARGUMENT));
    CHECK(status_is(HOST_METHOD(other, PROCESS_GRANT, endpoint, 0, 2), STATUS_BAD_ARGUMENT));
    CHECK(status_ok(HOST_METHOD(other, PROCESS_GRANT, endpoint, UINT32_MAX)));
    CHECK_EQ(slot_rights(slot_of(scene.b, host_user.words[0])).v,
             RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_MINT_BIT);
    clear_scene();
}

// The handle that is being invoked is closed, granted to where it leads, and moved to oneself.
TEST(a_handle_used_on_itself) {
    set_scene(4 << 20);
    struct thread *thread = host_thread(scene.a, BAND_NORMAL, 0);
    const uint64_t self = host_give(scene.a, &scene.a->object, EVERY_RIGHT, 0);
    const uint64_t spare = host_give(scene.a, &scene.a->object, EVERY_RIGHT, 0);
    const uint64_t other = host_give(scene.a, &scene.b->object, EVERY_RIGHT, 0);
    REQUIRE(host_run(thread));
    CHECK(status_ok(HOST_METHOD(self, PROCESS_GRANT, self, EVERY_RIGHT, 1)));
    const uint64_t moved = host_user.words[0];
    CHECK_EQ(slot_of(scene.a, self), nullptr);
    CHECK(status_ok(HOST_METHOD(moved, PROCESS_HANDLE_CLOSE, moved)));
    CHECK(status_is(HOST_METHOD(moved, PROCESS_HANDLE_CLOSE, moved), STATUS_BAD_HANDLE));
    CHECK(status_ok(HOST_METHOD(other, PROCESS_GRANT, other, EVERY_RIGHT, 1)));
    CHECK(status_is(HOST_METHOD(other, PROCESS_INFO), STATUS_BAD_HANDLE));
    CHECK(status_ok(HOST_METHOD(spare, PROCESS_HANDLE_CLOSE, spare)));
    clear_scene();
}
