#include "base/test.h"

#include <sodium.h>

#include "base/str.h"
#include "lib/accounts/accounts.h"

constexpr struct password_cost CHEAP = {.passes = 1, .memory_kib = 8};
constexpr uint64_t SECOND = 1'000'000'000, SHELL = 7, OTHER = 8;

static struct accounts accounts;
static uint64_t now, wait;
static struct accounts_drawn drawn;

static const struct accounts_drawn *draw(void) {
    drawn.number++;
    drawn.salt[0]++;
    return &drawn;
}

static const struct password *hashed(struct password salted, const void *bytes, size_t len) {
    static struct password results[4]; // several to a call
    static size_t next;
    struct password *result = &results[next++ % 4];
    *result = salted;
    CHECK(status_ok(password_hash(result, bytes, len)));
    return result;
}

// What proves that one has this name; and what somebody is to have.
static const struct password *proof(const char *name, const char *password) {
    return hashed(accounts_salt(&accounts, name), password, strlen(password));
}
static const struct password *fresh(const char *password) {
    return hashed(accounts_new_salt(&accounts, draw()), password, strlen(password));
}
static struct accounts_claim claim(const char *name, const char *password) {
    return (struct accounts_claim){name, strlen(password), proof(name, password)};
}
static struct accounts_claim new_claim(const char *name, const char *password) {
    return (struct accounts_claim){name, strlen(password), fresh(password)};
}

static struct accounts_session *login(const char *name, const char *password) {
    struct accounts_session *session = nullptr;
    CHECK_EQ(accounts_login(&accounts, SHELL, claim(name, password), draw(), now, &session, &wait), ACCOUNTS_DONE);
    return session;
}

static enum accounts_result try_login(const char *name, const char *password) {
    struct accounts_session *session;
    return accounts_login(&accounts, SHELL, claim(name, password), draw(), now, &session, &wait);
}

// A machine with the administrator `anna`, who is there, and the user `bert`.
static struct accounts_session *setup(void) {
    static const uint64_t key[2] = {1, 2};
    struct accounts_session *anna = nullptr;
    now = 1000 * SECOND;
    accounts_init(&accounts, CHEAP, key);
    CHECK_EQ(accounts_set_up(&accounts, SHELL, new_claim("anna", "annas password"), draw(), now, &anna), ACCOUNTS_DONE);
    CHECK_EQ(accounts_add(&accounts, anna, ACCOUNTS_USER, new_claim("bert", "berts password"), now), ACCOUNTS_DONE);
    return anna;
}

// ---- passwords ----

// Argon2id, 3 passes over 64 KiB: what RFC 9106 comes to when it is written down in another language.
TEST(hashes_are_those_of_the_standard) {
    static const uint8_t expected[] = {0xa1, 0xdc, 0x6a, 0x57, 0xc6, 0x1d, 0x5f, 0xb4, 0x70, 0x58, 0x4e, 0x24, 0x08, 0x5e, 0xa3, 0x21, 0x6f, 0xd3, 0x69, 0xc6, 0x1b, 0xcd, 0x5f, 0x84, 0x57, 0x45, 0xf9, 0xcb, 0x0e, 0xd0, 0x2f, 0xca};
    uint8_t salt[PASSWORD_SALT_BYTES];
    struct password password;
    for (uint8_t i = 0; i < sizeof(salt); i++) {
        salt[i] = i;
    }
    password = (struct password){.cost = {3, 64}};
    memcpy(password.salt, salt, sizeof(salt));
    CHECK_EQ(password_hash(&password, "correct horse", 13).code, 0);
    CHECK_MEM_EQ(password.hash, expected, sizeof(expected));
}

static struct password hash_of(struct password_cost cost, uint8_t salt, const void *bytes, size_t len) {
    return *hashed((struct password){.cost = cost, .salt = {salt}}, bytes, len);
}

TEST(a_password_is_all_of_its_bytes) {
    const struct password password = hash_of(CHEAP, 1, "a\0b", 3);
    static const struct {
        const char *bytes;
        size_t len;
    } others[] = {{"a\0c", 3}, {"a", 1}, {"a\0b\0", 4}, {"", 0}};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const struct password other = hash_of(CHEAP, 1, others[i].bytes, others[i].len);
        CHECK(!password_equal(&password, &other));
    }
    const struct password same = hash_of(CHEAP, 1, "a\0b", 3), salted = hash_of(CHEAP, 2, "a\0b", 3);
    CHECK(password_equal(&password, &same));
    CHECK(!password_equal(&password, &salted));
    CHECK(memcmp(password.hash, salted.hash, sizeof(password.hash)) != 0);
}

TEST(old_parameters_stay_good) {
    struct password password = hash_of((struct password_cost){2, 16}, 1, "password", 8);
    const struct password same = hash_of((struct password_cost){2, 16}, 1, "password", 8);
    CHECK(password_equal(&password, &same));
    password.cost.passes = 3;
    CHECK(!password_equal(&password, &same));
}

// Whoever asks without a hash learns that there is nothing else against it, and changes nothing.
TEST(without_a_hash_nothing_happens) {
    struct accounts_session *anna = setup(), *session;
    struct accounts before = accounts;
    const struct accounts_claim none = {.name = "bert", .len = 14}, another = {.name = "carl", .len = 14}, shorter = {.name = "carl", .len = 7};
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(accounts_login(&accounts, SHELL, none, &drawn, now, &session, &wait), ACCOUNTS_HASH_FIRST);
        CHECK_EQ(accounts_login(&accounts, SHELL, another, &drawn, now, &session, &wait), ACCOUNTS_HASH_FIRST); // there is none
    }
    CHECK_EQ(accounts_set_up(&accounts, SHELL, another, &drawn, now, &session), ACCOUNTS_TAKEN);
    CHECK_EQ(accounts_add(&accounts, anna, ACCOUNTS_USER, another, now), ACCOUNTS_HASH_FIRST);
    CHECK_EQ(accounts_add(&accounts, anna, ACCOUNTS_USER, shorter, now), ACCOUNTS_BAD_PASSWORD);
    CHECK_EQ(accounts_add(&accounts, anna, ACCOUNTS_USER, none, now), ACCOUNTS_TAKEN);
    CHECK_EQ(accounts_set_password(&accounts, anna, none), ACCOUNTS_HASH_FIRST);
    CHECK_EQ(accounts_set_password(&accounts, anna, another), ACCOUNTS_NOT_FOUND);
    CHECK_EQ(accounts_unlock(&accounts, anna, nullptr, now, &wait), ACCOUNTS_HASH_FIRST);
    CHECK_EQ(accounts_change_password(&accounts, anna, nullptr, 14, nullptr, now, &wait), ACCOUNTS_HASH_FIRST);
    CHECK_EQ(accounts_change_password(&accounts, anna, nullptr, 7, nullptr, now, &wait), ACCOUNTS_BAD_PASSWORD);
    CHECK_MEM_EQ(&accounts, &before, sizeof(accounts));
}

// Between the hash and the proof the account may have been given another password, or be gone.
TEST(what_was_hashed_for_another_password_proves_nothing) {
    struct accounts_session *anna = setup(), *session;
    const struct accounts_claim early = claim("bert", "berts password");
    CHECK_EQ(accounts_set_password(&accounts, anna, new_claim("bert", "berts password")), ACCOUNTS_DONE); // the same, salted anew
    CHECK_EQ(accounts_login(&accounts, SHELL, early, draw(), now, &session, &wait), ACCOUNTS_WRONG);
    const struct accounts_claim later = claim("bert", "berts password");
    CHECK_EQ(accounts_remove(&accounts, anna, "bert"), ACCOUNTS_DONE);
    CHECK_EQ(accounts_login(&accounts, SHELL, later, draw(), now, &session, &wait), ACCOUNTS_WRONG);
}

// ---- coming in ----

TEST(the_first_account_is_an_administrator) {
    static const uint64_t key[2] = {};
    struct accounts_session *session = nullptr;
    accounts_init(&accounts, CHEAP, key);
    CHECK_EQ(accounts_count(&accounts), 0);
    CHECK_EQ(try_login("", ""), ACCOUNTS_WRONG);
    CHECK_EQ(accounts_set_up(&accounts, SHELL, new_claim("Anna", "a password"), draw(), 1, &session), ACCOUNTS_BAD_NAME);
    CHECK_EQ(accounts_set_up(&accounts, SHELL, new_claim("anna", "short"), draw(), 1, &session), ACCOUNTS_BAD_PASSWORD);
    CHECK_EQ(accounts_set_up(&accounts, SHELL, new_claim("anna", "a password"), draw(), 1, &session), ACCOUNTS_DONE);
    CHECK_EQ(accounts_session_role(session), ACCOUNTS_ADMINISTRATOR);
    CHECK_STR_EQ(accounts_session_name(session), "anna");
    CHECK_EQ(accounts_set_up(&accounts, SHELL, new_claim("berta", "a password"), draw(), 1, &session), ACCOUNTS_TAKEN);
}

TEST(names_and_passwords_are_as_they_must_be) {
    struct accounts_session *anna = setup();
    static const char *const bad[] = {"", "A", "Anna", "1a", "-a", "a b", "a.b", "a/b", "guest", "caf\xc3\xa9", "a\x1b", "twenty-four-letters-long"};
    char longest[PASSWORD_MAX_BYTES + 2] = {};
    memset(longest, 'x', PASSWORD_MAX_BYTES + 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(accounts_add(&accounts, anna, ACCOUNTS_USER, new_claim(bad[i], "a password"), now), ACCOUNTS_BAD_NAME);
    }
    CHECK_EQ(accounts_add(&accounts, anna, ACCOUNTS_USER, new_claim("c", longest), now), ACCOUNTS_BAD_PASSWORD);
    CHECK_EQ(accounts_add(&accounts, anna, ACCOUNTS_USER, new_claim("c", "seven77"), now), ACCOUNTS_BAD_PASSWORD);
    CHECK_EQ(accounts_add(&accounts, anna, ACCOUNTS_USER, new_claim("bert", "a password"), now), ACCOUNTS_TAKEN);
    CHECK_EQ(accounts_add(&accounts, anna, ACCOUNTS_GUEST, new_claim("c", "a password"), now), ACCOUNTS_NOT_ALLOWED);
    CHECK_EQ(accounts_add(&accounts, anna, (enum accounts_role)9, new_claim("c", "a password"), now), ACCOUNTS_NOT_ALLOWED);
    CHECK_EQ(accounts_add(&accounts, anna, ACCOUNTS_USER, new_claim("c-3_po", "eight888"), now), ACCOUNTS_DONE);
    CHECK_EQ(accounts_count(&accounts), 3);
    CHECK_STR_EQ(accounts_at(&accounts, 2)->name, "c-3_po");
    CHECK(accounts_at(&accounts, 3) == nullptr);
}

TEST(wrong_is_wrong_whatever_it_was) {
    setup();
    CHECK_EQ(try_login("anna", "annas passworD"), ACCOUNTS_WRONG);
    CHECK_EQ(try_login("anna", ""), ACCOUNTS_WRONG);
    CHECK_EQ(try_login("nobody", "annas password"), ACCOUNTS_WRONG);
    CHECK_EQ(try_login("", ""), ACCOUNTS_WRONG); // the empty places have no name either
    CHECK_EQ(accounts_session_role(login("bert", "berts password")), ACCOUNTS_USER);
}

TEST(guests_can_be_kept_out) {
    struct accounts_session *anna = setup(), *guest, *again;
    REQUIRE(accounts_guest(&accounts, OTHER, draw(), now, &guest) == ACCOUNTS_DONE);
    const uint64_t number = guest->number;
    CHECK_STR_EQ(accounts_session_name(guest), "guest");
    CHECK_EQ(accounts_session_role(guest), ACCOUNTS_GUEST);
    CHECK_EQ(accounts_lock(guest), ACCOUNTS_NOT_ALLOWED);
    CHECK_EQ(accounts_allow_guests(&accounts, guest, false), ACCOUNTS_NOT_ALLOWED);
    CHECK_EQ(accounts_allow_guests(&accounts, anna, false), ACCOUNTS_DONE);
    CHECK(accounts_find(&accounts, number, now) == nullptr);
    CHECK_EQ(accounts_guest(&accounts, OTHER, draw(), now, &again), ACCOUNTS_NOT_ALLOWED);
}

// ---- waiting ----

TEST(each_wrong_one_waits_longer) {
    setup();
    for (uint32_t i = 0; i < THROTTLE_FREE_TRIES; i++) {
        CHECK_EQ(try_login("bert", "x"), ACCOUNTS_WRONG);
    }
    uint64_t expected = THROTTLE_FIRST_NS;
    for (uint32_t i = 0; i < 12; i++) {
        CHECK_EQ(try_login("bert", "berts password"), ACCOUNTS_WAIT); // not even the right one
        CHECK_EQ(wait, expected);
        now += expected - 1;
        CHECK_EQ(try_login("bert", "x"), ACCOUNTS_WAIT);
        CHECK_EQ(wait, 1);
        now++;
        CHECK_EQ(try_login("bert", "x"), ACCOUNTS_WRONG);
        expected = expected * 2 < THROTTLE_LONGEST_NS ? expected * 2 : THROTTLE_LONGEST_NS;
    }
    CHECK_EQ(try_login("anna", "annas password"), ACCOUNTS_DONE); // others do not wait
    now += THROTTLE_LONGEST_NS;
    CHECK_EQ(try_login("bert", "berts password"), ACCOUNTS_DONE);
    CHECK_EQ(try_login("bert", "x"), ACCOUNTS_WRONG); // and all is forgiven
    CHECK_EQ(try_login("bert", "berts password"), ACCOUNTS_DONE);
}

TEST(names_that_there_are_not_wait_too) {
    setup();
    for (uint32_t i = 0; i < THROTTLE_FREE_TRIES; i++) {
        CHECK_EQ(try_login("carl", "x"), ACCOUNTS_WRONG);
    }
    CHECK_EQ(try_login("carl", "x"), ACCOUNTS_WAIT);
    CHECK_EQ(wait, THROTTLE_FIRST_NS);
    now += THROTTLE_FORGET_NS;
    for (uint32_t i = 0; i < THROTTLE_FREE_TRIES; i++) {
        CHECK_EQ(try_login("carl", "x"), ACCOUNTS_WRONG);
    }
}

TEST(all_names_together_may_not_be_wrong_too_often) {
    setup();
    char name[] = "x0";
    uint32_t wrong = 0;
    for (; wrong < 100; wrong++) {
        name[0] = (char)('a' + wrong % 26);
        name[1] = (char)('0' + wrong / 26);
        const enum accounts_result result = try_login(name, "x");
        if (result == ACCOUNTS_WAIT && wait > THROTTLE_FIRST_NS) {
            break;
        }
    }
    CHECK(wrong >= THROTTLE_ALL_FREE_TRIES && wrong < 40);
    CHECK_EQ(try_login("bert", "berts password"), ACCOUNTS_WAIT);
    CHECK(wait <= THROTTLE_ALL_EACH_NS);
    now += wait;
    CHECK_EQ(try_login("bert", "berts password"), ACCOUNTS_DONE);
    now += THROTTLE_ALL_FREE_TRIES * THROTTLE_ALL_EACH_NS;
    CHECK_EQ(try_login("dora", "x"), ACCOUNTS_WRONG);
}

// ---- being there ----

TEST(a_session_locks_itself_and_ends) {
    setup();
    struct accounts_session *bert = login("bert", "berts password");
    const uint64_t number = bert->number, began = now;
    now += ACCOUNTS_LOCK_NS - 1;
    REQUIRE(accounts_find(&accounts, number, now) == bert && !bert->locked);
    accounts_use(bert, now);
    now += ACCOUNTS_LOCK_NS - 1;
    CHECK(!accounts_find(&accounts, number, now)->locked);
    now++;
    CHECK(accounts_find(&accounts, number, now)->locked);
    CHECK_EQ(accounts_unlock(&accounts, bert, proof("bert", "wrong"), now, &wait), ACCOUNTS_WRONG);
    CHECK(bert->locked);
    CHECK_EQ(accounts_unlock(&accounts, bert, proof("bert", "berts password"), now, &wait), ACCOUNTS_DONE);
    CHECK(!accounts_find(&accounts, number, now)->locked);
    const uint64_t used = now;
    CHECK_EQ(accounts_session_ends_ns(bert), used + ACCOUNTS_END_NS);
    CHECK(accounts_find(&accounts, number, used + ACCOUNTS_END_NS - 1) == bert);
    CHECK(accounts_find(&accounts, number, used + ACCOUNTS_END_NS) == nullptr);
    // However often it is used.
    bert = login("bert", "berts password");
    const uint64_t second = bert->number;
    for (now = began; now < used + ACCOUNTS_LONGEST_NS; now += ACCOUNTS_LOCK_NS / 2) {
        if (accounts_find(&accounts, second, now) == nullptr) {
            break;
        }
        accounts_use(bert, now);
    }
    CHECK(now >= used + ACCOUNTS_LONGEST_NS);
    CHECK(accounts_find(&accounts, second, used + ACCOUNTS_LONGEST_NS) == nullptr);
}

TEST(guests_end_and_never_lock) {
    struct accounts_session *guest;
    setup();
    REQUIRE(accounts_guest(&accounts, OTHER, draw(), now, &guest) == ACCOUNTS_DONE);
    const uint64_t number = guest->number;
    CHECK(!accounts_find(&accounts, number, now + ACCOUNTS_END_NS - 1)->locked);
    CHECK(accounts_find(&accounts, number, now + ACCOUNTS_END_NS) == nullptr);
}

TEST(a_clock_that_jumps_back_harms_nobody) {
    setup();
    struct accounts_session *bert = login("bert", "berts password");
    accounts_use(bert, 5);
    CHECK_EQ(bert->used_ns, now);
    CHECK(accounts_find(&accounts, bert->number, 5) == bert && !bert->locked);
}

static bool only(void *context, uint64_t holder) {
    return holder == *(const uint64_t *)context;
}

TEST(too_many_sessions_cost_the_oldest_of_the_same_holder) {
    struct accounts_session *anna = setup(), *session;
    const uint64_t first = anna->number;
    for (size_t i = 1; i < ACCOUNTS_OF_HOLDER_MAX; i++) {
        now++;
        (void)login("bert", "berts password");
    }
    now++;
    CHECK(accounts_find(&accounts, first, now) != nullptr);
    (void)login("bert", "berts password");
    CHECK(accounts_find(&accounts, first, now) == nullptr);
    for (uint64_t holder = 100; accounts_guest(&accounts, holder / 8, draw(), now, &session) == ACCOUNTS_DONE; holder++) {
        REQUIRE(holder < 200);
    }
    CHECK_EQ(accounts_guest(&accounts, 999, draw(), now, &session), ACCOUNTS_FULL);
    uint64_t lives = SHELL;
    CHECK_EQ(accounts_sweep(&accounts, only, &lives), ACCOUNTS_SESSIONS_MAX - ACCOUNTS_OF_HOLDER_MAX);
    CHECK_EQ(accounts_guest(&accounts, 999, draw(), now, &session), ACCOUNTS_DONE);
}

TEST(everybody_sees_their_own) {
    struct accounts_session *anna = setup(), *guest;
    struct accounts_session *bert = login("bert", "berts password"), *again = login("bert", "berts password");
    REQUIRE(accounts_guest(&accounts, OTHER, draw(), now, &guest) == ACCOUNTS_DONE);
    uint32_t total;
    CHECK(accounts_visible(&accounts, bert, 0, now, &total) == bert && total == 2);
    CHECK(accounts_visible(&accounts, bert, 1, now, &total) == again);
    CHECK(accounts_visible(&accounts, bert, 2, now, &total) == nullptr);
    CHECK(accounts_visible(&accounts, guest, 0, now, &total) == guest && total == 1);
    CHECK(accounts_visible(&accounts, anna, 3, now, &total) == guest && total == 4);
    CHECK_EQ(accounts_end(&accounts, bert, anna->id, now), ACCOUNTS_NOT_FOUND);
    CHECK_EQ(accounts_end(&accounts, guest, bert->id, now), ACCOUNTS_NOT_FOUND);
    CHECK_EQ(accounts_end(&accounts, bert, again->id, now), ACCOUNTS_DONE);
    CHECK_EQ(accounts_end(&accounts, anna, bert->id, now), ACCOUNTS_DONE);
    CHECK_EQ(accounts_end(&accounts, anna, 4711, now), ACCOUNTS_NOT_FOUND);
    CHECK_EQ(accounts_sessions_of(&accounts, accounts_at(&accounts, 1)), 0);
}

// ---- administration ----

TEST(only_administrators_administer) {
    struct accounts_session *anna = setup();
    struct accounts_session *bert = login("bert", "berts password");
    CHECK_EQ(accounts_add(&accounts, bert, ACCOUNTS_USER, new_claim("c", "a password"), now), ACCOUNTS_NOT_ALLOWED);
    CHECK_EQ(accounts_remove(&accounts, bert, "anna"), ACCOUNTS_NOT_ALLOWED);
    CHECK_EQ(accounts_set_password(&accounts, bert, new_claim("anna", "a password")), ACCOUNTS_NOT_ALLOWED);
    CHECK_EQ(accounts_allow_guests(&accounts, bert, false), ACCOUNTS_NOT_ALLOWED);
    CHECK_EQ(accounts_remove(&accounts, anna, "nobody"), ACCOUNTS_NOT_FOUND);
    CHECK_EQ(accounts_remove(&accounts, anna, ""), ACCOUNTS_NOT_FOUND);
    CHECK_EQ(accounts_remove(&accounts, anna, "anna"), ACCOUNTS_LAST_ADMINISTRATOR);
    const uint64_t number = bert->number;
    CHECK_EQ(accounts_remove(&accounts, anna, "bert"), ACCOUNTS_DONE);
    CHECK(accounts_find(&accounts, number, now) == nullptr);
    CHECK_EQ(try_login("bert", "berts password"), ACCOUNTS_WRONG);
    CHECK_EQ(accounts_add(&accounts, anna, ACCOUNTS_ADMINISTRATOR, new_claim("dora", "a password"), now), ACCOUNTS_DONE);
    CHECK_EQ(accounts_remove(&accounts, anna, "anna"), ACCOUNTS_DONE); // oneself, too
    CHECK_EQ(accounts_count(&accounts), 1);
}

TEST(passwords_change) {
    struct accounts_session *anna = setup();
    struct accounts_session *bert = login("bert", "berts password");
    CHECK_EQ(accounts_change_password(&accounts, bert, proof("bert", "wrong"), 12, fresh("new password"), now, &wait), ACCOUNTS_WRONG);
    CHECK_EQ(accounts_change_password(&accounts, bert, proof("bert", "berts password"), 3, fresh("new"), now, &wait), ACCOUNTS_BAD_PASSWORD);
    CHECK_EQ(accounts_change_password(&accounts, bert, proof("bert", "berts password"), 12, fresh("new password"), now, &wait), ACCOUNTS_DONE);
    CHECK_EQ(try_login("bert", "berts password"), ACCOUNTS_WRONG);
    (void)login("bert", "new password");
    CHECK_EQ(accounts_set_password(&accounts, anna, new_claim("bert", "newer password")), ACCOUNTS_DONE);
    CHECK_EQ(accounts_sessions_of(&accounts, accounts_at(&accounts, 1)), 0);
    (void)login("bert", "newer password");
    CHECK_EQ(accounts_set_password(&accounts, anna, new_claim("carl", "newer password")), ACCOUNTS_NOT_FOUND);
}

TEST(state_is_handed_over) {
    static struct accounts successor;
    alignas(16) static uint8_t saved[64 * 1024];
    struct accounts_session *anna = setup(), *guest;
    struct accounts_session *bert = login("bert", "berts password");
    REQUIRE(accounts_guest(&accounts, OTHER, draw(), now, &guest) == ACCOUNTS_DONE);
    for (uint32_t i = 0; i < THROTTLE_FREE_TRIES; i++) {
        CHECK_EQ(try_login("carl", "x"), ACCOUNTS_WRONG);
    }
    CHECK_EQ(accounts_allow_guests(&accounts, anna, true), ACCOUNTS_DONE);
    const size_t len = accounts_save(&accounts, nullptr, 0);
    REQUIRE(len > 0 && len <= sizeof(saved));
    CHECK_EQ(accounts_save(&accounts, saved, len - 1), 0);
    CHECK_EQ(accounts_save(&accounts, saved, sizeof(saved)), len);
    REQUIRE(accounts_adopt(&successor, saved, len));
    const struct accounts_session *found = accounts_find(&successor, bert->number, now);
    REQUIRE(found != nullptr);
    CHECK(found->account == &successor.list[1]); // its own, not the predecessor's
    CHECK_STR_EQ(accounts_session_name(found), "bert");
    CHECK_STR_EQ(accounts_session_name(accounts_find(&successor, guest->number, now)), "guest");
    CHECK_EQ(accounts_session_role(accounts_find(&successor, anna->number, now)), ACCOUNTS_ADMINISTRATOR);
    CHECK(throttle_wait_ns(&successor.throttle, "carl", now) > 0); // who waits goes on waiting
    // What is not whole is not taken over, and changes nothing.
    CHECK(!accounts_adopt(&successor, saved, len - 1));
    saved[0] ^= 1;
    CHECK(!accounts_adopt(&successor, saved, len));
    saved[0] ^= 1;
    struct accounts *inside = (struct accounts *)(saved + 2 * sizeof(uint64_t));
    inside->list[1].name[0] = '\0'; // the session of nobody
    CHECK(!accounts_adopt(&successor, saved, len));
    memset(inside->list[1].name, 'b', NAME_BYTES);
    CHECK(!accounts_adopt(&successor, saved, len));
    CHECK_STR_EQ(accounts_session_name(accounts_find(&successor, bert->number, now)), "bert");
}

TEST(badges_carry_number_and_whether_one_acts) {
    const uint64_t badge = accounts_badge(0x00ab'cdef'0123'4567, true), weak = accounts_badge(0x00ab'cdef'0123'4567, false);
    CHECK(badge_is_made(badge) && badge_is_made(weak) && !badge_controls(badge));
    CHECK(accounts_badge_acts(badge) && !accounts_badge_acts(weak));
    CHECK_EQ(accounts_badge_number(badge), 0x00ab'cdef'0123'4567);
    CHECK_EQ(accounts_badge_number(weak), 0x00ab'cdef'0123'4567);
}
