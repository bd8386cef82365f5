#include "kernel/object/account.h"

#include "abi/gen/methods.h"
#include "base/test.h"
#include "kernel/arch/host/arena.h"
#include "kernel/arch/host/objects.h"
#include "kernel/arch/host/usage.h"

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

// Two levels of sub-accounts that reserve less than they may use.
TEST(what_goes_beyond_the_reservation_is_charged_upwards) {
    struct account *root = account_create_root(ROOT_LIMIT), *middle, *leaf;
    REQUIRE(status_ok(account_create(root, 20'000, &middle)));
    REQUIRE(status_ok(account_create(middle, 1000, &leaf)));
    const uint64_t in_root = account_usage(root).used_bytes, in_middle = account_usage(middle).used_bytes;
    CHECK(status_is(account_set_limit(root, leaf, LIMIT_BYTES, 1000, 500), STATUS_NOT_ALLOWED));
    CHECK(status_is(account_set_limit(middle, leaf, LIMIT_BYTES, 1000, 1001), STATUS_BAD_ARGUMENT));
    CHECK(status_is(account_set_limit(middle, leaf, LIMIT_BYTES, 0, 0), STATUS_BAD_ARGUMENT));
    CHECK(status_is(account_set_limit(middle, leaf, LIMIT_BYTES, 100'000, 50'000), STATUS_NO_MEMORY));
    CHECK_EQ(account_usage(middle).used_bytes, in_middle);
    REQUIRE(status_ok(account_set_limit(middle, leaf, LIMIT_BYTES, 100'000, 400)));
    REQUIRE(status_ok(account_set_limit(root, middle, LIMIT_BYTES, 30'000, 10'000)));
    CHECK_EQ(account_usage(middle).used_bytes, in_middle - 600);
    CHECK_EQ(account_usage(root).used_bytes, in_root - 10'000);
    const uint64_t base = in_middle - 1000; // what the leaf's object costs
    CHECK(status_ok(account_charge(leaf, 400)));
    CHECK_EQ(account_usage(middle).used_bytes, base + 400);
    CHECK(status_ok(account_charge(leaf, 9600 - base))); // to the end of the middle one's reservation
    CHECK_EQ(account_usage(root).used_bytes, in_root - 10'000);
    CHECK(status_ok(account_charge(leaf, base + 5000)));
    CHECK_EQ(account_usage(leaf).used_bytes, 15'000u);
    CHECK_EQ(account_usage(middle).used_bytes, base + 15'000);
    CHECK_EQ(account_usage(root).used_bytes, in_root - 20'000 + base + 15'000);
    CHECK(status_is(account_charge(leaf, 30'000 - base - 15'000 + 1),
                    STATUS_NO_MEMORY)); // the middle one's limit
    CHECK(status_is(account_charge(leaf, UINT64_MAX), STATUS_NO_MEMORY));
    CHECK_EQ(account_usage(leaf).used_bytes, 15'000u);
    CHECK_EQ(account_usage(middle).used_bytes, base + 15'000);
    CHECK(status_is(account_set_limit(middle, leaf, LIMIT_BYTES, 14'999, 0), STATUS_BAD_STATE));
    CHECK(status_ok(account_set_limit(middle, leaf, LIMIT_BYTES, 15'000, 0)));
    account_uncharge(leaf, 14'900);
    CHECK_EQ(account_usage(middle).used_bytes, base + 100);
    CHECK_EQ(account_usage(root).used_bytes, in_root - 10'000);
    account_uncharge(leaf, 100);
    object_put(&leaf->object);
    object_put(&middle->object);
    host_reap();
    CHECK_EQ(account_usage(root).used_bytes, 0u);
    object_put(&root->object);
    host_reap();
    CHECK_EQ(host_live_objects(), 0u);
}

// Random charges over a tree: each level is the sum of what it should be, whatever fails on the way.
TEST(a_tree_of_accounts_adds_up) {
    struct account *root = account_create_root(ROOT_LIMIT), *all[7];
    uint64_t charged[7] = {}, random = 1;
    for (uint32_t i = 0; i < 7; i++) {
        REQUIRE(status_ok(account_create(i == 0 ? root : all[(i - 1) / 2], 100'000 >> i, &all[i])));
    }
    const uint64_t self = slab_charge(&account_cache);
    for (uint32_t round = 0; round < 20'000; round++) {
        random = random * 6364136223846793005 + 1442695040888963407;
        const uint32_t i = (uint32_t)(random >> 33) % 7;
        const uint64_t amount = (random >> 40) % 4000;
        struct account *parent = i == 0 ? root : all[(i - 1) / 2];
        if (random >> 62 == 0) {
            const uint64_t limit = (random >> 20) % 60'000;
            (void)status_ok(
                account_set_limit(parent, all[i], LIMIT_BYTES, limit + 1, (random >> 50) % (limit + 1)));
        } else if (random >> 62 == 1 && charged[i] >= amount) {
            account_uncharge(all[i], amount);
            charged[i] -= amount;
        } else if (status_ok(account_charge(all[i], amount))) {
            charged[i] += amount;
        }
        uint64_t expected[7];
        for (uint32_t k = 7; k-- > 0;) {
            expected[k] = charged[k];
            for (uint32_t child = 2 * k + 1; child < 2 * k + 3 && child < 7; child++) {
                struct inspect_account of;
                account_describe(&all[child]->object, &of);
                expected[k] +=
                    self + (of.reserved_bytes > expected[child] ? of.reserved_bytes : expected[child]);
            }
            const struct account_usage usage = account_usage(all[k]);
            CHECK_EQ(usage.used_bytes, expected[k]);
            CHECK(usage.used_bytes <= usage.limit_bytes);
        }
    }
    for (uint32_t i = 7; i-- > 0;) {
        account_uncharge(all[i], charged[i]);
        object_put(&all[i]->object);
    }
    host_reap();
    CHECK_EQ(account_usage(root).used_bytes, 0u);
    object_put(&root->object);
    host_reap();
}

TEST(counts_are_limited_for_all_below) {
    struct account *root = account_create_root(ROOT_LIMIT), *middle, *leaf;
    REQUIRE(status_ok(account_create(root, 50'000, &middle)));
    REQUIRE(status_ok(account_set_limit(root, middle, LIMIT_OBJECTS, 3, 0)));
    REQUIRE(status_ok(account_create(middle, 20'000, &leaf)));
    CHECK(status_ok(account_set_limit(root, middle, LIMIT_OBJECTS, LIMIT_NONE, 0))); // counts on, no limit
    CHECK(status_ok(account_set_limit(root, middle, LIMIT_OBJECTS, 3, 0)));
    CHECK(status_ok(account_charge_object(leaf, OBJECT_VMO, 10)));
    CHECK(status_ok(account_charge_object(middle, OBJECT_VMO, 10)));
    CHECK(status_is(account_charge_object(leaf, OBJECT_VMO, 10), STATUS_NO_MEMORY));
    CHECK_EQ(account_usage(leaf).used_bytes, 10u);
    CHECK_EQ(middle->count[LIMIT_OBJECTS], 3u);
    account_uncharge_object(middle, OBJECT_VMO, 10);
    CHECK(status_ok(account_charge_object(leaf, OBJECT_ENDPOINT, 10)));
    CHECK_EQ(leaf->objects[OBJECT_VMO], 1u);
    CHECK_EQ(leaf->objects[OBJECT_ENDPOINT], 1u);
    CHECK(status_is(account_set_limit(middle, leaf, LIMIT_OBJECTS, 3, 0), STATUS_BAD_STATE)); // too late to begin
    account_uncharge_object(leaf, OBJECT_VMO, 10);
    account_uncharge_object(leaf, OBJECT_ENDPOINT, 10);
    CHECK(status_ok(account_set_limit(middle, leaf, LIMIT_OBJECTS, 3, 0)));
    CHECK_EQ(middle->count[LIMIT_OBJECTS], 1u);
    // A kind's own limit: none is counted anywhere of what one level refuses.
    CHECK(status_ok(account_set_limit(root, middle, LIMIT_OBJECTS, LIMIT_NONE, 0)));
    CHECK(status_ok(account_set_limit(root, middle, OBJECT_TIMER, 1, 0)));
    CHECK(status_ok(account_charge_object(leaf, OBJECT_TIMER, 10)));
    CHECK(status_is(account_charge_object(leaf, OBJECT_TIMER, 10), STATUS_NO_MEMORY));
    CHECK_EQ(leaf->count[OBJECT_TIMER], 1u);
    CHECK_EQ(leaf->count[LIMIT_OBJECTS], 1u);
    CHECK_EQ(middle->count[OBJECT_TIMER], 1u);
    CHECK_EQ(middle->count[LIMIT_OBJECTS], 2u);
    account_uncharge_object(leaf, OBJECT_TIMER, 10);
    CHECK_EQ(middle->count[OBJECT_TIMER], 0u);
    object_put(&leaf->object);
    object_put(&middle->object);
    host_reap();
    CHECK_EQ(account_usage(root).used_bytes, 0u);
    object_put(&root->object);
    host_reap();
}

TEST(methods) {
    struct account *root = account_create_root(ROOT_LIMIT);
    uint64_t words[8] = {0};
    CHECK(status_is(host_invoke(invoke_account_create_account, &root->object, words), STATUS_BAD_ARGUMENT));
    words[0] = 4096;
    REQUIRE(status_ok(host_invoke(invoke_account_create_account, &root->object, words)));
    CHECK(words[0] != 0);
    words[0] = 0;
    CHECK(status_is(host_invoke(invoke_account_create_vmo, &root->object, words), STATUS_BAD_ARGUMENT));
    words[0] = 5;
    REQUIRE(status_ok(host_invoke(invoke_account_create_vmo, &root->object, words)));
    REQUIRE(status_ok(host_invoke(invoke_account_info, &root->object, words)));
    CHECK_EQ(words[0], ROOT_LIMIT);
    CHECK(words[1] > 4096 && words[1] == words[2]);
    CHECK_EQ(words[3], 2u);
}
