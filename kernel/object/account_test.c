#include "kernel/object/account.h"

#include "abi/gen/methods.h"
#include "base/test.h"
#include "kernel/arch/host/arena.h"
#include "kernel/arch/host/objects.h"

constexpr uint64_t ROOT_LIMIT = 1 << 20;

[[gnu::constructor]] static void begin(void) {
    host_memory_init(16 << 20);
}

TEST(charging_stops_at_the_limit) {
    struct account *root = account_create_root(1000);
    CHECK(status_ok(account_charge(root, 600)));
    CHECK(status_is(account_charge(root, 401), STATUS_NO_MEMORY));
    CHECK(status_is(account_charge(root, UINT64_MAX), STATUS_NO_MEMORY));
    CHECK(status_ok(account_charge(root, 400)));
    CHECK(status_is(account_charge(root, 1), STATUS_NO_MEMORY));
    CHECK(status_ok(account_charge(root, 0)));
    account_uncharge(root, 900);
    CHECK(status_ok(account_charge(root, 1)));
    struct account_usage usage = account_usage(root);
    CHECK_EQ(usage.limit_bytes, 1000u);
    CHECK_EQ(usage.used_bytes, 101u);
    CHECK_EQ(usage.peak_bytes, 1000u);
    account_uncharge(root, 101);
    object_put(&root->object);
    host_reap();
    CHECK_EQ(host_live_objects(), 0u);
}

TEST(a_sub_account_reserves_its_limit) {
    struct account *root = account_create_root(ROOT_LIMIT), *sub, *other;
    uint64_t self = slab_charge(&account_cache);
    CHECK(status_is(account_create(root, 0, &sub), STATUS_BAD_ARGUMENT));
    CHECK(status_is(account_create(root, ROOT_LIMIT + 1, &sub), STATUS_NO_MEMORY));
    CHECK(status_is(account_create(root, ROOT_LIMIT, &sub), STATUS_NO_MEMORY)); // nothing left for the object
    CHECK_EQ(account_usage(root).used_bytes, 0u);
    REQUIRE(status_ok(account_create(root, 1000, &sub)));
    CHECK_EQ(account_usage(root).used_bytes, 1000 + self);
    CHECK_EQ(account_usage(root).objects, 1u);
    REQUIRE(status_ok(account_create(root, 1000, &other)));
    CHECK(status_ok(account_charge(sub, 1000)));
    CHECK(status_is(account_charge(sub, 1), STATUS_NO_MEMORY));
    CHECK(status_ok(account_charge(other, 1000))); // the neighbour notices nothing
    CHECK_EQ(account_usage(root).used_bytes, 2 * (1000 + self));
    account_uncharge(sub, 1000);
    account_uncharge(other, 1000);
    object_put(&sub->object);
    object_put(&other->object);
    host_reap();
    CHECK_EQ(account_usage(root).used_bytes, 0u);
    CHECK_EQ(account_usage(root).objects, 0u);
    object_put(&root->object);
    host_reap();
    CHECK_EQ(host_live_objects(), 0u);
}

TEST(a_chain_of_accounts_ends_from_the_leaf) {
    struct account *root = account_create_root(ROOT_LIMIT), *chain[8], *parent = root;
    for (int i = 0; i < 8; i++) {
        REQUIRE(status_ok(account_create(parent, ROOT_LIMIT >> (i + 1), &chain[i])));
        parent = chain[i];
    }
    for (int i = 0; i < 7; i++) {
        object_put(&chain[i]->object); // each is held by the next
    }
    host_reap();
    CHECK_EQ(host_live_objects(), 9u);
    object_put(&chain[7]->object);
    host_reap();
    CHECK_EQ(host_live_objects(), 1u);
    CHECK_EQ(account_usage(root).used_bytes, 0u);
    object_put(&root->object);
    host_reap();
}

TEST(accounts_are_not_split_without_end) {
    struct account *root = account_create_root(ROOT_LIMIT), *chain[ACCOUNT_MAX_DEPTH + 1], *parent = root;
    uint32_t depth = 0;
    for (; status_ok(account_create(parent, ROOT_LIMIT - (depth + 1) * 1024, &chain[depth])); depth++) {
        parent = chain[depth];
        REQUIRE(depth < ACCOUNT_MAX_DEPTH);
    }
    CHECK_EQ(depth, ACCOUNT_MAX_DEPTH);
    CHECK(status_is(account_create(parent, 1, &chain[depth]), STATUS_BAD_ARGUMENT));
    while (depth-- > 0) {
        object_put(&chain[depth]->object);
    }
    object_put(&root->object);
    host_reap();
    CHECK_EQ(host_live_objects(), 0u);
}

TEST(methods) {
    struct account *root = account_create_root(ROOT_LIMIT);
    uint64_t words[8] = {0};
    CHECK(status_is(host_invoke(method_account_create_account, &root->object, words), STATUS_BAD_ARGUMENT));
    words[0] = 4096;
    REQUIRE(status_ok(host_invoke(method_account_create_account, &root->object, words)));
    CHECK(words[0] != 0);
    words[0] = 0;
    CHECK(status_is(host_invoke(method_account_create_vmo, &root->object, words), STATUS_BAD_ARGUMENT));
    words[0] = 5;
    REQUIRE(status_ok(host_invoke(method_account_create_vmo, &root->object, words)));
    REQUIRE(status_ok(host_invoke(method_account_info, &root->object, words)));
    CHECK_EQ(words[0], ROOT_LIMIT);
    CHECK(words[1] > 4096 && words[1] == words[2]);
    CHECK_EQ(words[3], 2u);
}
