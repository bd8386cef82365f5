// What the tests of rings have in common: a process with a ring, a server, and what the two do. To be included once
// by each test program.
#pragma once

#include "abi/gen/abi.h"
#include "base/test.h"
#include "kernel/arch/host/invariants.h"
#include "kernel/arch/host/machine.h"
#include "kernel/ipc/ring_index.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/ring.h"
#include "kernel/object/vspace.h"

constexpr uint64_t NO_WORDS[MESSAGE_WORDS] = {};
constexpr uint32_t RIGHTS_SHARE = RIGHT_TRANSFER_BIT | RIGHT_COPY_BIT;
constexpr uint64_t BADGE = 7;

// The owner's process with its ring, and a server's with two endpoints.
static struct {
    struct account *root;
    struct process *client, *server;
    struct thread *owner, *other, *s0, *s1;
    struct endpoint *endpoint, *second;
    struct ring *ring;
    uint64_t account, vspace, ring_handle, process, other_handle; // the client's
    uint64_t at_client, at_server, second_at_server, second_at_client;
    uint32_t submitted, seen; // the program's own indices
} scene;

[[gnu::constructor]] static void begin(void) {
    host_machine_init(32 << 20);
}

#define WORDS(...) ((const uint64_t[MESSAGE_WORDS]){__VA_ARGS__})

static inline void make_ring(uint32_t entries, uint32_t in_flight, uint32_t pages) {
    REQUIRE(host_run(scene.owner));
    CHECK_EQ(HOST_METHOD(scene.account, ACCOUNT_CREATE_RING, entries, in_flight, pages, 0, scene.vspace, 0).code, 0u);
    scene.ring_handle = host_user.words[0];
    scene.ring = scene.owner->ring;
    scene.submitted = scene.seen = 0;
}

static inline void set_scene(uint32_t entries, uint32_t in_flight) {
    host_processor_reset();
    scene.root = account_create_root(16 << 20);
    scene.client = host_process(scene.root, "client");
    scene.server = host_process(scene.root, "server");
    scene.s0 = host_thread(scene.server, BAND_NORMAL, 0x10'0000);
    scene.s1 = host_thread(scene.server, BAND_NORMAL, 0);
    scene.owner = host_thread(scene.client, BAND_NORMAL, 0);
    scene.other = host_thread(scene.client, BAND_NORMAL, 0);
    constexpr uint32_t RIGHTS_SERVER = RIGHTS_SHARE | RIGHT_RECEIVE_BIT | RIGHT_SEND_BIT;
    scene.endpoint = host_endpoint(scene.server, RIGHTS_SERVER, &scene.at_server);
    scene.second = host_endpoint(scene.server, RIGHTS_SERVER, &scene.second_at_server);
    scene.at_client = host_give(scene.client, &scene.endpoint->object, RIGHTS_SHARE | RIGHT_SEND_BIT, BADGE);
    scene.second_at_client = 0;
    scene.account = host_give(scene.client, &scene.root->object, RIGHT_CREATE_BIT, 0);
    scene.vspace = host_give(scene.client, &scene.client->vspace->object, RIGHT_MAP_BIT, 0);
    scene.process = host_give(scene.client, &scene.client->object, RIGHT_MANAGE_BIT | RIGHT_KILL_BIT, 0);
    scene.other_handle = host_give(scene.client, &scene.owner->object, RIGHT_MANAGE_BIT, 0);
    make_ring(entries, in_flight, 2);
}

static inline void clear_scene(void) {
    if (scene.ring != nullptr) {
        CHECK(ring_check(scene.ring));
    }
    struct process *const all[] = {scene.client, scene.server};
    CHECK(host_finish(scene.root, all, 2));
}

// ---- the program's side ----------------------------------------------------------------------------

// Returns the submission index of the entry.
static inline uint32_t put(struct ring_entry entry) {
    struct ring_header *header = scene.ring->header;
    scene.ring->entries[scene.submitted & scene.ring->mask] = entry;
    header->submission_tail = ++scene.submitted;
    return scene.submitted - 1;
}

static inline uint64_t *buffer(uint32_t number) {
    return scene.ring->buffers[number - 1].words;
}

static inline void enter(uint64_t min_complete, uint64_t deadline_ns) {
    REQUIRE(host_run(scene.owner));
    host_syscall(SYS_RING_ENTER, scene.ring_handle, scene.ring->mask + 1, deadline_ns, WORDS(min_complete));
}

// Submits all and does not wait.
static inline void submit(void) {
    enter(0, DEADLINE_POLL);
    CHECK_EQ(host_user.thread, scene.owner);
    CHECK_EQ(host_user.status, 0u);
}

// The next completion; user_data UINT64_MAX when there is none.
static inline struct ring_completion next(void) {
    struct ring_header *header = scene.ring->header;
    CHECK(ring_check(scene.ring));
    if (header->completion_tail == scene.seen) {
        return (struct ring_completion){.user_data = UINT64_MAX};
    }
    const struct ring_completion completion = *completion_at(scene.ring, scene.seen);
    header->completion_head = ++scene.seen;
    return completion;
}

#define NEXT_IS(data, name) \
    do { \
        const struct ring_completion completion_ = next(); \
        CHECK_EQ(completion_.user_data, (uint64_t)(data)); \
        CHECK_EQ(completion_.status, STATUS_##name.code); \
    } while (0)
#define NOTHING_NEXT() CHECK_EQ(next().user_data, UINT64_MAX)

static inline struct ring_entry call_entry(uint64_t user_data, uint64_t target) {
    return (struct ring_entry){.op = RING_CALL, .target = (uint32_t)target, .user_data = user_data,
                               .info = 5, .deadline_ns = DEADLINE_NEVER, .words = {user_data, 2, 3, 4}};
}

static inline struct ring_entry after(struct ring_entry entry, uint32_t earlier, uint8_t index) {
    entry.flags |= RING_EARLIER;
    entry.target = earlier;
    entry.index = index;
    return entry;
}

// A CALL that takes a handle into buffer `number`.
static inline struct ring_entry taking(struct ring_entry entry, uint8_t number) {
    memset(buffer(number), 0, 64);
    buffer(number)[0] = entry.user_data;
    entry.buffer = number;
    entry.info |= 1ull << MESSAGE_ACCEPT_SHIFT;
    return entry;
}

// ---- the server's side -----------------------------------------------------------------------------

static inline void receive(uint64_t endpoint) {
    REQUIRE(host_run(scene.s0));
    host_syscall(SYS_RECV, endpoint, 4ull << MESSAGE_ACCEPT_SHIFT, DEADLINE_NEVER, NO_WORDS);
}

// Takes a message that is there, whose word 0 must be this.
static inline void receive_data(uint64_t endpoint, uint64_t data) {
    receive(endpoint);
    CHECK_EQ(host_user.thread, scene.s0);
    CHECK_EQ(host_user.words[0], data);
}

static inline void answer(uint32_t label) {
    REQUIRE(host_run(scene.s0));
    host_syscall(SYS_REPLY_RECV, 0, label, DEADLINE_POLL, WORDS(label + 100));
    CHECK_EQ(host_user.status, 0u);
}

// Answers with a copy of a handle.
static inline void answer_with(uint64_t handle) {
    REQUIRE(host_run(scene.s0));
    host_syscall(SYS_REPLY_RECV, 0, message_info(0, 0, 1, 0), DEADLINE_POLL, WORDS(0, 0, 0, 0, 0, 0, handle));
    CHECK_EQ(host_user.status, 0u);
}
