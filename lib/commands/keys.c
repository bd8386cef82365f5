// keys: what keystored keeps for the shell.
#include "lib/commands/shell.h"
#include "lib/commands/units.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/keys.capnp.h"
#include "lib/shell/hex.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"

constexpr size_t BYTES_MAX = 512; // that a line of the shell has room for, as hexadecimal digits

static struct keys keys;

// "keys: why" for a call that failed.
static int refused(const struct rpc_call *call, status_t status) {
    char why[RPC_TEXT_BYTES];
    rpc_exception_text(call, why);
    return fail("keys: %s\n", why[0] != '\0' ? why : status_text(status));
}

static void print_hex(struct capnp_data bytes) {
    for (uint32_t i = 0; i < bytes.len; i++) {
        out("%02x", ((const uint8_t *)bytes.bytes)[i]);
    }
}

static bool take_hex(const char *word, uint8_t bytes[BYTES_MAX], struct capnp_data *taken) {
    size_t len;
    const bool good = shell_hex(word, bytes, BYTES_MAX, &len);
    *taken = (struct capnp_data){bytes, (uint32_t)len};
    return good;
}

static struct capnp_data bytes_of(const char *word) {
    return (struct capnp_data){(const uint8_t *)word, (uint32_t)strlen(word)};
}

// ---- keys alone: a table ----

static int list(const char *const *) {
    const uint64_t now = tess_now_ns();
    uint32_t total = 1;
    table_begin(&shell.table, "NAME >AGE >SIGNED >SEALED PUBLIC", out_sink, nullptr);
    for (uint32_t first = 0; first < total;) {
        RPC_CALL(call);
        struct keys_list_results results;
        const status_t status = keys_call_list(keys, &call, first, rpc_patience(), &results);
        if (!status_ok(status)) {
            return refused(&call, status);
        }
        rpc_hold(&call, held_results, &results.s);
        const struct key_info_list infos = keys_list_results_get_keys(results);
        total = key_info_list_count(infos) > 0 ? keys_list_results_get_total(results) : first;
        for (uint32_t i = 0; i < key_info_list_count(infos); i++, first++) {
            const struct key_info info = key_info_list_get(infos, i);
            const struct capnp_data public_key = key_info_get_public_key(info);
            const uint64_t created = key_info_get_created_ns(info);
            char name[NAME_BYTES], text[SHELL_NUMBER_BYTES], hex[2 * 32 + 1] = "";
            for (uint32_t k = 0; k < public_key.len && k < 32; k++) {
                fmt_snprintf(hex + 2 * k, 3, "%02x", ((const uint8_t *)public_key.bytes)[k]);
            }
            table_cell(&shell.table, "%s", shown(name, sizeof(name), key_info_get_name(info)));
            table_cell(&shell.table, "%s", shell_duration(text, now > created ? now - created : 0));
            table_cell(&shell.table, "%llu", (unsigned long long)key_info_get_signatures(info));
            table_cell(&shell.table, "%llu", (unsigned long long)key_info_get_seals(info));
            table_cell(&shell.table, "%s", hex);
        }
    }
    table_end(&shell.table);
    return COMMAND_OK;
}

// ---- the machine, and keys of others ----

static int device(const char *const *) {
    RPC_CALL(call);
    struct keys_device_results results;
    const status_t status = keys_call_device(keys, &call, rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, status);
    }
    rpc_hold(&call, held_results, &results.s);
    print_hex(keys_device_results_get_public_key(results));
    out("\n");
    return COMMAND_OK;
}

static int attest(const char *const *words) {
    RPC_CALL(call);
    struct keys_attest_results results;
    const status_t status = keys_call_attest(keys, &call, bytes_of(words[0]), rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, status);
    }
    rpc_hold(&call, held_results, &results.s);
    print_hex(keys_attest_results_get_signature(results));
    out("\n");
    return COMMAND_OK;
}

static int verify(const char *const *words) {
    static uint8_t public_bytes[BYTES_MAX], signature_bytes[BYTES_MAX];
    struct capnp_data public_key, signature;
    if (!take_hex(words[0], public_bytes, &public_key) || !take_hex(words[1], signature_bytes, &signature)) {
        return misused("keys: a public key and a signature are hexadecimal digits\n");
    }
    RPC_CALL(call);
    struct keys_verify_results results;
    const status_t status = keys_call_verify(keys, &call, public_key, bytes_of(words[2]), signature, rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, status);
    }
    if (!keys_verify_results_get_good(results)) {
        return fail("keys: that is not their signature\n");
    }
    out("good\n");
    return COMMAND_OK;
}

// ---- one key ----

static int generate(const char *const *words) {
    RPC_CALL(call);
    struct keys_generate_results results;
    const status_t status = keys_call_generate(keys, &call, capnp_text(words[0]), rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, status);
    }
    rpc_hold(&call, held_results, &results.s);
    print_hex(keys_generate_results_get_public_key(results));
    out("\n");
    return COMMAND_OK;
}

// The capability to a key of the shell's, to be closed; false when that was said.
static bool open_key(const char *name, struct key *out, int *result) {
    RPC_CALL(call);
    struct keys_open_results results;
    const status_t status = keys_call_open(keys, &call, capnp_text(name), rpc_patience(), &results);
    if (!status_ok(status)) {
        *result = refused(&call, status);
        return false;
    }
    if (!keys_open_results_get_found(results)) {
        *result = fail("keys: there is no key `%s`; `keys` lists them\n", name);
        return false;
    }
    *out = (struct key){rpc_keep(&call, keys_open_results_get_key(results).handle)};
    return true;
}

static int sign(const char *const *words) {
    RPC_CALL(call);
    TESS_OWNED handle_t owned = {};
    struct key key;
    struct key_sign_results results;
    int result;
    if (!open_key(words[0], &key, &result)) {
        return result;
    }
    owned = key.handle;
    const status_t status = key_call_sign(key, &call, bytes_of(words[1]), rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, status);
    }
    rpc_hold(&call, held_results, &results.s);
    print_hex(key_sign_results_get_signature(results));
    out("\n");
    return COMMAND_OK;
}

static int seal(const char *const *words) {
    RPC_CALL(call);
    TESS_OWNED handle_t owned = {};
    struct key key;
    struct key_seal_results results;
    int result;
    if (!open_key(words[0], &key, &result)) {
        return result;
    }
    owned = key.handle;
    const status_t status = key_call_seal(key, &call, bytes_of(words[1]), bytes_of(words[2]), rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, status);
    }
    rpc_hold(&call, held_results, &results.s);
    print_hex(key_seal_results_get_sealed(results));
    out("\n");
    return COMMAND_OK;
}

static int unseal(const char *const *words) {
    static uint8_t bytes[BYTES_MAX];
    struct capnp_data sealed;
    TESS_OWNED handle_t owned = {};
    struct key key;
    int result;
    if (!take_hex(words[2], bytes, &sealed)) {
        return misused("keys: what is sealed is hexadecimal digits\n");
    }
    if (!open_key(words[0], &key, &result)) {
        return result;
    }
    owned = key.handle;
    RPC_CALL(call);
    struct key_unseal_results results;
    const status_t status = key_call_unseal(key, &call, bytes_of(words[1]), sealed, rpc_patience(), &results);
    if (!status_ok(status)) {
        return refused(&call, status);
    }
    rpc_hold(&call, held_results, &results.s);
    const struct capnp_data message = key_unseal_results_get_message(results);
    char text[BYTES_MAX + 1];
    shell_printable(text, sizeof(text), (const char *)message.bytes, message.len);
    out("%s\n", text);
    return COMMAND_OK;
}

static int destroy(const char *const *words) {
    TESS_OWNED handle_t owned = {};
    struct key key;
    int result;
    if (!open_key(words[0], &key, &result)) {
        return result;
    }
    owned = key.handle;
    RPC_CALL(call);
    const status_t status = key_call_destroy(key, &call, rpc_patience(), nullptr);
    return status_ok(status) ? COMMAND_OK : refused(&call, status);
}

// ---- which of them ----

static const struct {
    const char *name, *operands;
    size_t count;
    int (*run)(const char *const *words);
} verbs[] = {
    {"new", "NAME", 1, generate},
    {"sign", "NAME TEXT", 2, sign},
    {"verify", "PUBLIC SIGNATURE TEXT", 3, verify},
    {"seal", "NAME CONTEXT TEXT", 3, seal},
    {"unseal", "NAME CONTEXT SEALED", 3, unseal},
    {"destroy", "NAME", 1, destroy},
    {"device", "", 0, device},
    {"attest", "TEXT", 1, attest},
};

int command_keys(const struct arguments *arguments) {
    if (!status_ok(tess_cap("keys", KEYS_ID, &keys.handle))) {
        return fail_ungranted("keys", "keys", KEYS_ID);
    }
    if (arguments->count == 1) {
        return list(nullptr);
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (str_equal(verbs[i].name, arguments->words[1])) {
            return arguments->count - 2 == verbs[i].count ? verbs[i].run(arguments->words + 2)
                                                          : misused("usage: keys %s %s\n", verbs[i].name, verbs[i].operands);
        }
    }
    return misused("keys: there is no `keys %s`; see `help keys`\n", arguments->words[1]);
}
