// keystored: the one authority for keys. Wiring only: the keys are lib/keystore, the contract idl/keys.capnp.
//
// CapSet: `keys` (RECEIVE, MINT), `random`, `roster`, `state`. A capability to a key is one to the same endpoint, minted here. What keys
// there are is kept in `state` before anybody hears of it; how often they were used, with the next change.
//
// What was in a message is wiped when it was answered: neither what was to be sealed nor what was opened stays in a page.
#include <sodium.h>

#include "base/mem.h"
#include "idl/keys.capnp.h"
#include "idl/random.capnp.h"
#include "lib/keystore/keystore.h"
#include "lib/roster/roster.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/page.h"

constexpr uint32_t TRIES = 4; // to draw a number that is not taken: one in 2^50 is

static_assert(KEYSTORE_KEYS_MAX == KEYS_MAX && KEYSTORE_OF_HOLDER_MAX == KEYS_OF_HOLDER_MAX &&
              KEYSTORE_MESSAGE_MAX == KEYS_MESSAGE_MAX_BYTES && KEYSTORE_CONTEXT_MAX == KEYS_CONTEXT_MAX_BYTES &&
              KEYSTORE_SEAL_OVERHEAD == KEYS_SEAL_OVERHEAD_BYTES);

static struct keystore store;
static struct rpc_server server;
static bool is_wiped = true; // nothing of a request is left
static struct random random_numbers;
static const struct roster *roster;

// Overwrites the message page: what the request has there has been read.
static status_t draw(struct rpc_request *request, uint8_t *out, uint32_t len) {
    RPC_CALL(call);
    struct random_fill_results results;
    const status_t status = random_call_fill(random_numbers, &call, len, rpc_patience(), &results);
    const struct capnp_data bytes = status_ok(status) ? random_fill_results_get_bytes(results) : (struct capnp_data){};
    if (bytes.len != len) {
        char denied[DENIAL_TEXT_BYTES];
        return rpc_refuse(request, RPC_OVERLOADED, "there are no random numbers: %s", service_status_text(status, denied));
    }
    memcpy(out, bytes.bytes, len);
    return STATUS_OK;
}

static constexpr rights_t MINTED = {RIGHT_SEND_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT};

static status_t take_name(struct rpc_request *request, struct capnp_text text, char name[NAME_BYTES]) {
    return name_put(name, text.bytes, text.len)
               ? STATUS_OK
               : rpc_refuse(request, RPC_INVALID_ARGUMENT, "a name has 1 to %zu printable characters and no space", NAME_BYTES - 1);
}

// ---- keys: for everybody ----

static status_t refuse_another(struct rpc_request *request, status_t why) {
    if (status_is(why, STATUS_IN_USE)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "there is a key of this name already");
    }
    return status_is(why, STATUS_NO_HANDLES)
               ? rpc_refuse(request, RPC_OVERLOADED, "a holder has at most %zu keys", KEYSTORE_OF_HOLDER_MAX)
               : rpc_refuse(request, RPC_OVERLOADED, "all %zu keys are taken", KEYSTORE_KEYS_MAX);
}

static status_t make_key(struct rpc_request *request, const char name[NAME_BYTES], struct keystore_key **out) {
    uint8_t drawn[KEYSTORE_DRAWN_BYTES];
    status_t status = STATUS_BAD_STATE;
    for (uint32_t i = 0; i < TRIES && status_is(status, STATUS_BAD_STATE); i++) {
        TRY(draw(request, drawn, sizeof(drawn)));
        status = keystore_generate(&store, badge_holder(request->badge), name, tess_now_ns(), drawn, out);
        sodium_memzero(drawn, sizeof(drawn));
    }
    return status;
}

static bool lives(void *, uint64_t holder) {
    return roster_has(roster, holder);
}

static status_t generate(void *, struct rpc_request *request, struct keys_generate_params params,
                         struct keys_generate_results_builder results) {
    char name[NAME_BYTES];
    struct keystore_key *key;
    struct key made;
    TRY(take_name(request, keys_generate_params_get_name(params), name));
    TRY(rpc_well_formed(request));
    if (keystore_sweep(&store, lives, nullptr) > 0) {
        service_keep();
    }
    const status_t may = keystore_may_generate(&store, badge_holder(request->badge), name);
    if (!status_ok(may)) {
        return refuse_another(request, may);
    }
    TRY(make_key(request, name, &key));
    const status_t status = tess_handle_mint(server.endpoint, MINTED, keystore_badge(key->number, KEYSTORE_ALL_USES), KEY_ID, &made.handle);
    if (!status_ok(status)) {
        keystore_destroy(&store, key); // nobody has heard of it
        return status;
    }
    service_keep();
    keys_generate_results_give_key(results, made);
    keys_generate_results_set_public_key(results, (struct capnp_data){key->public_key, sizeof(key->public_key)});
    return STATUS_OK;
}

static status_t open(void *, struct rpc_request *request, struct keys_open_params params, struct keys_open_results_builder results) {
    char name[NAME_BYTES];
    TRY(take_name(request, keys_open_params_get_name(params), name));
    TRY(rpc_well_formed(request));
    const struct keystore_key *key = keystore_find_named(&store, badge_holder(request->badge), name);
    if (key != nullptr) {
        keys_open_results_mint_key(results, request, MINTED, keystore_badge(key->number, KEYSTORE_ALL_USES));
        keys_open_results_set_found(results, true);
    }
    return STATUS_OK;
}

static void describe(const struct keystore_key *key, struct key_info_builder info) {
    key_info_set_name(info, capnp_text(key->name));
    key_info_set_public_key(info, (struct capnp_data){key->public_key, sizeof(key->public_key)});
    key_info_set_holder(info, key->holder);
    key_info_set_created_ns(info, key->created_ns);
    key_info_set_signatures(info, key->signatures);
    key_info_set_seals(info, key->seals);
}

static status_t list(void *, struct rpc_request *request, struct keys_list_params params, struct keys_list_results_builder results) {
    const uint64_t holder = badge_holder(request->badge);
    const uint32_t first = keys_list_params_get_first(params);
    uint32_t total;
    TRY(rpc_well_formed(request));
    (void)keystore_at(&store, holder, first, &total); // all that one holder may have fit into an answer
    const struct key_info_list_builder infos = keys_list_results_init_keys(results, first < total ? total - first : 0);
    for (uint32_t i = first; i < total; i++) {
        describe(keystore_at(&store, holder, i, &total), key_info_list_edit(infos, i - first));
    }
    keys_list_results_set_total(results, total);
    return STATUS_OK;
}

static status_t verify(void *, struct rpc_request *request, struct keys_verify_params params, struct keys_verify_results_builder results) {
    const struct capnp_data public_key = keys_verify_params_get_public_key(params);
    const struct capnp_data message = keys_verify_params_get_message(params);
    const struct capnp_data signature = keys_verify_params_get_signature(params);
    TRY(rpc_well_formed(request));
    keys_verify_results_set_good(results, keystore_verify(public_key.bytes, public_key.len, message.bytes, message.len, signature.bytes, signature.len));
    return STATUS_OK;
}

// When it is first asked for: at the start there may be no entropy yet.
static status_t need_device(struct rpc_request *request) {
    uint8_t seed[KEYSTORE_SEED_BYTES];
    if (!store.has_device) {
        TRY(draw(request, seed, sizeof(seed)));
        keystore_make_device(&store, seed);
        sodium_memzero(seed, sizeof(seed));
        service_keep();
    }
    return STATUS_OK;
}

static status_t device(void *, struct rpc_request *request, struct keys_device_params, struct keys_device_results_builder results) {
    TRY(need_device(request));
    keys_device_results_set_public_key(results, (struct capnp_data){store.device.public_key, KEYSTORE_PUBLIC_BYTES});
    return STATUS_OK;
}

static status_t attest(void *, struct rpc_request *request, struct keys_attest_params params, struct keys_attest_results_builder results) {
    const struct capnp_data given = keys_attest_params_get_statement(params);
    uint8_t statement[KEYSTORE_STATEMENT_MAX];
    char speaker[NAME_BYTES];
    const size_t len = given.len;
    uint8_t signature[KEYSTORE_SIGNATURE_BYTES];
    TRY(rpc_well_formed(request));
    memcpy(statement, given.bytes, len); // the contract bounds it
    TRY(need_device(request));
    TRY(keystore_attest(&store, roster_name(roster, badge_holder(request->badge), speaker), statement, len, signature));
    keys_attest_results_set_signature(results, (struct capnp_data){signature, sizeof(signature)});
    keys_attest_results_set_speaker(results, capnp_text(speaker));
    return STATUS_OK;
}

static status_t stats(void *, struct rpc_request *, struct keys_stats_params, struct keys_stats_results_builder results) {
    const struct keys_stats_builder stats = keys_stats_results_init_stats(results);
    keys_stats_set_keys(stats, store.count);
    keys_stats_set_generated(stats, store.generated);
    keys_stats_set_signatures(stats, store.signatures);
    keys_stats_set_seals(stats, store.seals);
    keys_stats_set_refused(stats, store.refused);
    return STATUS_OK;
}

// ---- one key: what the capability allows ----

// The key that the request came for, if its capability allows this use.
static status_t key_for(struct rpc_request *request, uint8_t use, struct keystore_key **out) {
    const uint8_t uses = keystore_badge_uses(request->badge);
    *out = keystore_find(&store, keystore_badge_number(request->badge));
    if (*out == nullptr) {
        return rpc_refuse(request, RPC_DISCONNECTED, "the key is gone");
    }
    if ((uses & use) == use) {
        return STATUS_OK;
    }
    static const char *const names[] = {[KEYSTORE_SIGN] = "sign", [KEYSTORE_SEAL] = "seal", [KEYSTORE_UNSEAL] = "unseal", [KEYSTORE_DESTROY] = "destroy"};
    store.refused++;
    return rpc_refuse(request, RPC_UNIMPLEMENTED, "this capability to the key `%s` does not allow to %s; who made the key has one that does",
                      (*out)->name, names[use]);
}

static status_t info(void *, struct rpc_request *request, struct key_info_params, struct key_info_results_builder results) {
    struct keystore_key *key;
    const uint8_t allowed = keystore_badge_uses(request->badge);
    TRY(key_for(request, 0, &key));
    describe(key, key_info_results_init_info(results));
    const struct key_uses_builder uses = key_info_results_init_uses(results);
    key_uses_set_sign(uses, allowed & KEYSTORE_SIGN);
    key_uses_set_seal(uses, allowed & KEYSTORE_SEAL);
    key_uses_set_unseal(uses, allowed & KEYSTORE_UNSEAL);
    key_uses_set_destroy(uses, allowed & KEYSTORE_DESTROY);
    return STATUS_OK;
}

static status_t sign(void *, struct rpc_request *request, struct key_sign_params params, struct key_sign_results_builder results) {
    struct keystore_key *key;
    uint8_t signature[KEYSTORE_SIGNATURE_BYTES];
    const struct capnp_data message = key_sign_params_get_message(params);
    TRY(rpc_well_formed(request));
    TRY(key_for(request, KEYSTORE_SIGN, &key));
    keystore_sign(&store, key, message.bytes, message.len, signature);
    key_sign_results_set_signature(results, (struct capnp_data){signature, sizeof(signature)});
    return STATUS_OK;
}

static status_t verify_own(void *, struct rpc_request *request, struct key_verify_params params, struct key_verify_results_builder results) {
    struct keystore_key *key;
    const struct capnp_data message = key_verify_params_get_message(params);
    const struct capnp_data signature = key_verify_params_get_signature(params);
    TRY(rpc_well_formed(request));
    TRY(key_for(request, 0, &key));
    key_verify_results_set_good(results, keystore_verify(key->public_key, sizeof(key->public_key), message.bytes, message.len, signature.bytes, signature.len));
    return STATUS_OK;
}

// The nonce is drawn first into what the message page is not: the message is taken out of it before.
static status_t seal(void *, struct rpc_request *request, struct key_seal_params params, struct key_seal_results_builder results) {
    static uint8_t message[KEYSTORE_MESSAGE_MAX];
    uint8_t context[KEYSTORE_CONTEXT_MAX], nonce[KEYSTORE_NONCE_BYTES];
    struct keystore_key *key;
    const struct capnp_data given = key_seal_params_get_message(params), where = key_seal_params_get_context(params);
    const size_t len = given.len, context_len = where.len;
    TRY(rpc_well_formed(request));
    TRY(key_for(request, KEYSTORE_SEAL, &key));
    memcpy(context, where.bytes, context_len); // the contract bounds both
    memcpy(message, given.bytes, len);
    status_t status = draw(request, nonce, sizeof(nonce));
    uint8_t *sealed = status_ok(status) ? key_seal_results_init_sealed(results, (uint32_t)(len + KEYSTORE_SEAL_OVERHEAD)) : nullptr;
    if (sealed != nullptr) {
        status = keystore_seal(&store, key, context, context_len, message, len, nonce, sealed);
    }
    sodium_memzero(message, len);
    return status;
}

static status_t unseal(void *, struct rpc_request *request, struct key_unseal_params params, struct key_unseal_results_builder results) {
    struct keystore_key *key;
    const struct capnp_data sealed = key_unseal_params_get_sealed(params), context = key_unseal_params_get_context(params);
    TRY(rpc_well_formed(request));
    TRY(key_for(request, KEYSTORE_UNSEAL, &key));
    const uint32_t len = sealed.len >= KEYSTORE_SEAL_OVERHEAD ? (uint32_t)(sealed.len - KEYSTORE_SEAL_OVERHEAD) : 0;
    uint8_t *message = key_unseal_results_init_message(results, len);
    if (message == nullptr ||
        !status_ok(keystore_unseal(&store, key, context.bytes, context.len, sealed.bytes, sealed.len, message))) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "it was not sealed by this key for this context, or was changed since");
    }
    return STATUS_OK;
}

static status_t restrict_uses(void *, struct rpc_request *request, struct key_restrict_params params, struct key_restrict_results_builder results) {
    struct keystore_key *key;
    const struct key_uses wanted = key_restrict_params_get_uses(params);
    const uint8_t uses = (uint8_t)((key_uses_get_sign(wanted) ? KEYSTORE_SIGN : 0) | (key_uses_get_seal(wanted) ? KEYSTORE_SEAL : 0) |
                                   (key_uses_get_unseal(wanted) ? KEYSTORE_UNSEAL : 0) | (key_uses_get_destroy(wanted) ? KEYSTORE_DESTROY : 0));
    TRY(rpc_well_formed(request));
    TRY(key_for(request, 0, &key));
    const uint64_t badge = keystore_badge(key->number, uses & keystore_badge_uses(request->badge));
    key_restrict_results_mint_key(results, request, MINTED, badge);
    return STATUS_OK;
}

static status_t destroy(void *, struct rpc_request *request, struct key_destroy_params, struct key_destroy_results_builder) {
    struct keystore_key *key;
    TRY(key_for(request, KEYSTORE_DESTROY, &key));
    keystore_destroy(&store, key);
    service_keep();
    return STATUS_OK;
}

static const struct keys_server methods = {
    .generate = generate, .open = open, .list = list, .verify = verify, .device = device, .attest = attest, .stats = stats};
static const struct key_server key_methods = {
    .info = info, .sign = sign, .verify = verify_own, .seal = seal, .unseal = unseal, .restrict_ = restrict_uses, .destroy = destroy};

static status_t dispatch(struct rpc_request *request) {
    is_wiped = false;
    return badge_is_made(request->badge) ? key_dispatch(&key_methods, nullptr, request) : keys_dispatch(&methods, nullptr, request);
}

static uint64_t before_wait(void) {
    return is_wiped ? DEADLINE_NEVER : 0;
}

// The last answer is out, and nothing of it stays.
static void wipe(void) {
    sodium_memzero(server.page, sizeof(server.page));
    sodium_memzero(tess_message_page(), MESSAGE_PAGE_BYTES);
    if (server.request.stage != RPC_CHAIN_REQUEST) { // else there are calls to come in it
        sodium_memzero(server.chain.page, sizeof(server.chain.page));
        sodium_memzero(server.chain.kept, sizeof(server.chain.kept));
        is_wiped = true;
    }
}

static size_t save(void *to, size_t room) {
    return keystore_save(&store, to, room);
}

static bool adopt(const void *state, size_t len_bytes) {
    return keystore_adopt(&store, state, len_bytes);
}

static const struct service service = {.provides = "keys", .interface_id = KEYS_ID, .before_wait = before_wait, .when_due = wipe,
                                       .save = save, .adopt = adopt, .keeps = "state"};

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    keystore_init(&store);
    random_numbers.handle = tess_cap_required("random", RANDOM_ID);
    roster = roster_open("roster");
    return service_run(&service, &server, dispatch);
}
