// Uses the random number service as its clients do: random_client [unseeded].
//
// Prints "random_client: as it should be", or what was not.
#include "base/mem.h"
#include "base/str.h"
#include "idl/random.capnp.h"
#include "tests/programs/common.h"

static uint32_t failures;

static void check(bool good, const char *what, status_t status) {
    if (!good) {
        SAY("random_client: %s: %s\n", what, rpc_status_text(status));
        failures++;
    }
}

static status_t draw(struct random random, uint64_t words[4]) {
    RPC_CALL(call);
    struct random_draw_results results;
    TRY(random_call_draw(random, &call, rpc_patience(), &results));
    words[0] = random_draw_results_get_first(results);
    words[1] = random_draw_results_get_second(results);
    words[2] = random_draw_results_get_third(results);
    words[3] = random_draw_results_get_fourth(results);
    return STATUS_OK;
}

// No word comes twice: by chance once in 2^55 runs.
static void numbers_differ(struct random random) {
    uint64_t words[16];
    for (uint32_t i = 0; i < 16; i += 4) {
        const status_t status = draw(random, &words[i]);
        check(status_ok(status), "draw", status);
        if (!status_ok(status)) {
            return;
        }
    }
    for (uint32_t i = 0; i < 16; i++) {
        for (uint32_t j = 0; j < i; j++) {
            check(words[i] != words[j], "a number came twice", STATUS_OK);
        }
    }
}

static void bytes_fill(struct random random) {
    static const uint32_t counts[] = {0, 1, 31, 32, 512, RANDOM_FILL_MAX_BYTES};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        RPC_CALL(call);
        struct random_fill_results results;
        const status_t status = random_call_fill(random, &call, counts[i], rpc_patience(), &results);
        check(status_ok(status), "fill", status);
        if (!status_ok(status)) {
            return;
        }
        const struct capnp_data bytes = random_fill_results_get_bytes(results);
        uint32_t ones = 0;
        for (uint32_t k = 0; k < bytes.len; k++) {
            ones += (uint32_t)__builtin_popcount(((const uint8_t *)bytes.bytes)[k]);
        }
        check(bytes.len == counts[i], "the number of bytes", STATUS_OK);
        // 16,000 bits expected, with a deviation of 89 from it: ten of them.
        check(counts[i] < RANDOM_FILL_MAX_BYTES || (ones > 15100 && ones < 16900), "how many bits are set", STATUS_OK);
    }
    RPC_CALL(call);
    const status_t status = random_call_fill(random, &call, RANDOM_FILL_MAX_BYTES + 1, rpc_patience(), nullptr);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "too many bytes are refused", status);
}

static status_t contribute(struct random_control control, const char *source, uint32_t bits) {
    RPC_CALL(call);
    const uint8_t bytes[32] = {1};
    return random_control_call_contribute(control, &call, capnp_text(source), (struct capnp_data){bytes, sizeof(bytes)}, bits,
                                          rpc_patience(), nullptr);
}

static void sources_are_named(struct random random, const char *wanted) {
    RPC_CALL(call);
    struct random_sources_results results;
    const status_t status = random_call_sources(random, &call, rpc_patience(), &results);
    bool found = false;
    check(status_ok(status), "sources", status);
    if (status_ok(status)) {
        const struct random_source_list list = random_sources_results_get_sources(results);
        for (uint32_t i = 0; i < random_source_list_count(list); i++) {
            const struct capnp_text name = random_source_get_name(random_source_list_get(list, i));
            found |= str_equal(name.bytes, wanted);
        }
    }
    check(found, "the source is named", STATUS_OK);
}

int main(int argc, char **argv) {
    const struct random random = {tess_cap_required("random", RANDOM_ID)};
    const struct random_control control = {tess_cap_required("control", RANDOM_ID)};
    uint64_t words[4];
    if (argc > 1 && str_equal(argv[1], "unseeded")) {
        status_t status = draw(random, words);
        check(status_is(status, rpc_status(RPC_OVERLOADED)), "nothing is drawn before it is seeded", status);
        status = contribute(control, "test", 128);
        check(status_ok(status), "contribute", status);
        sources_are_named(random, "test");
    }
    status_t status = contribute((struct random_control){random.handle}, "test", 8);
    check(status_is(status, rpc_status(RPC_DENIED)), "only its drivers contribute", status);
    status = contribute(control, "test", 257);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "more bits than there are", status);
    status = contribute(control, "", 8);
    check(status_is(status, rpc_status(RPC_INVALID_ARGUMENT)), "a source without a name", status);
    numbers_differ(random);
    bytes_fill(random);
    if (failures == 0) {
        SAY("random_client: as it should be\n");
    }
    return failures == 0 ? 0 : 1;
}
