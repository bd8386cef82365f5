// rngd: the one authority for random numbers. Wiring only: pool and generator are lib/entropy, the contract idl/random.capnp.
//
// CapSet: `random` (RECEIVE); `metrics` if its figures are to be read. Sources: the processor, the seed that the boot code drew, the clock, and what drivers bring.
#include <sodium.h>

#include "base/mem.h"
#include "base/str.h"
#include "idl/random.capnp.h"
#include "lib/entropy/entropy.h"
#include "lib/metrics/client.h"
#include "lib/service/service.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"

constexpr uint64_t RESEED_MS = 5 * 60 * 1000; // so old may be what was gathered last when something is drawn
constexpr size_t PROCESSOR_WORDS = 8;

enum { DRAWS, BYTES, KEYS };
static const struct metrics_definition figures[] = {
    [DRAWS] = {"random_draws", "How often random numbers were drawn.", METRICS_KIND_COUNTER, METRICS_UNIT_NONE},
    [BYTES] = {"random_drawn", "Random bytes that were drawn.", METRICS_KIND_COUNTER, METRICS_UNIT_BYTES},
    [KEYS] = {"random_keys", "Keys that were made of new entropy.", METRICS_KIND_COUNTER, METRICS_UNIT_NONE},
};

static struct metrics_own own;
static struct entropy entropy;
static struct rpc_server server;
static uint64_t stale_ns; // when to gather again

static void add(const char *source, void *bytes, size_t len, uint32_t bits) {
    const status_t status = entropy_add(&entropy, source, bytes, len, bits);
    TESS_ASSERT(status_ok(status)); // the names are ours, and few
    sodium_memzero(bytes, len);
}

// What the boot code drew, as this process was given it. Counted once: it never changes.
static void add_boot_seed(void) {
    static const char *const names[] = {
        [SEED_CLOCK] = "boot, clock", [SEED_PROCESSOR] = "boot, processor", [SEED_FIRMWARE] = "boot, firmware"};
    uint64_t seed[2] = {tess_bootstrap->seed[0], tess_bootstrap->seed[1]};
    const uint32_t source = tess_bootstrap->seed_source <= SEED_FIRMWARE ? tess_bootstrap->seed_source : SEED_CLOCK;
    add(names[source], seed, sizeof(seed), source == SEED_CLOCK ? 0 : sizeof(seed) * 8);
}

static void add_processor(void) {
    uint64_t words[PROCESSOR_WORDS];
    uint32_t bits = 0, count = 0;
    for (; count < PROCESSOR_WORDS; count++) {
        const uint32_t more = tess_arch_entropy(&words[count]);
        if (more == 0) {
            break;
        }
        bits += more;
    }
    if (count > 0) {
        add("processor", words, count * sizeof(words[0]), bits);
    }
}

// What can be had now. The clock is stirred in, and counts for nothing.
static void gather(void) {
    add_processor();
    uint64_t cycles = tess_arch_cycles();
    add("clock", &cycles, sizeof(cycles), 0);
    stale_ns = tess_deadline_after_ms(RESEED_MS);
}

// Draws, or refuses; asks the processor once more before that. Nobody needs to be woken for it while nothing is drawn.
static status_t draw_bytes(struct rpc_request *request, void *out, size_t len) {
    const uint64_t now_ns = tess_now_ns();
    if (!entropy_is_seeded(&entropy) || now_ns >= stale_ns) {
        gather();
    }
    if (now_ns >= own.again_ns) {
        metrics_set(&own, KEYS, (int64_t)entropy.keys);
        metrics_keep_now(&own, now_ns);
    }
    if (!entropy_is_seeded(&entropy)) {
        return rpc_refuse(request, RPC_OVERLOADED, "there is not enough entropy yet: %u of %u bits", entropy.fresh_bits,
                          ENTROPY_ENOUGH_BITS);
    }
    metrics_add(&own, DRAWS, 1);
    metrics_add(&own, BYTES, len);
    return entropy_draw(&entropy, out, len);
}

static status_t draw(void *, struct rpc_request *request, struct random_draw_params, struct random_draw_results_builder results) {
    uint64_t words[4];
    TRY(draw_bytes(request, words, sizeof(words)));
    random_draw_results_set_first(results, words[0]);
    random_draw_results_set_second(results, words[1]);
    random_draw_results_set_third(results, words[2]);
    random_draw_results_set_fourth(results, words[3]);
    sodium_memzero(words, sizeof(words));
    return STATUS_OK;
}

static status_t fill(void *, struct rpc_request *request, struct random_fill_params params,
                     struct random_fill_results_builder results) {
    const uint32_t count = random_fill_params_get_count(params);
    TRY(rpc_well_formed(request));
    if (count > RANDOM_FILL_MAX_BYTES) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "at most %u bytes at once", RANDOM_FILL_MAX_BYTES);
    }
    uint8_t *bytes = random_fill_results_init_bytes(results, count);
    return bytes == nullptr ? rpc_refuse(request, RPC_FAILED, "the bytes fit into no answer")
                            : draw_bytes(request, bytes, count);
}

static status_t stats(void *, struct rpc_request *, struct random_stats_params, struct random_stats_results_builder results) {
    const struct random_stats_builder stats = random_stats_results_init_stats(results);
    random_stats_set_seeded(stats, entropy_is_seeded(&entropy));
    random_stats_set_keys(stats, entropy.keys);
    random_stats_set_fresh_bits(stats, entropy.fresh_bits);
    random_stats_set_wanted_bits(stats, ENTROPY_ENOUGH_BITS);
    random_stats_set_drawn_bytes(stats, entropy.drawn_bytes);
    return STATUS_OK;
}

static status_t sources(void *, struct rpc_request *, struct random_sources_params,
                        struct random_sources_results_builder results) {
    const struct random_source_list_builder list =
        random_sources_results_init_sources(results, (uint32_t)entropy.source_count);
    for (uint32_t i = 0; i < entropy.source_count; i++) {
        const struct entropy_source *from = &entropy.sources[i];
        const struct random_source_builder to = random_source_list_edit(list, i);
        random_source_set_name(to, capnp_text(from->name));
        random_source_set_times(to, from->times);
        random_source_set_bytes(to, from->bytes);
        random_source_set_bits(to, from->bits);
    }
    return STATUS_OK;
}

static status_t contribute(void *, struct rpc_request *request, struct random_control_contribute_params params,
                           struct random_control_contribute_results_builder) {
    const struct capnp_text source = random_control_contribute_params_get_source(params);
    const struct capnp_data bytes = random_control_contribute_params_get_bytes(params);
    const uint32_t bits = random_control_contribute_params_get_bits(params);
    char name[ENTROPY_NAME_BYTES];
    TRY(rpc_well_formed(request));
    if (!str_copy_bytes(name, sizeof(name), source.bytes, source.len) || strlen(name) != source.len) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "a source has a name of 1 to %zu characters", sizeof(name) - 1);
    }
    const status_t status = entropy_add(&entropy, name, bytes.bytes, bytes.len, bits);
    if (status_is(status, STATUS_BAD_ARGUMENT)) {
        return rpc_refuse(request, RPC_INVALID_ARGUMENT, "a source has a name, and at most 8 bits in each byte");
    }
    if (status_is(status, STATUS_TOO_LARGE)) {
        return rpc_refuse(request, RPC_OVERLOADED, "there are %zu sources already", ENTROPY_SOURCES_MAX);
    }
    return status;
}

static const struct random_control_server methods = {
    .random = {.draw = draw, .fill = fill, .stats = stats, .sources = sources},
    .contribute = contribute,
};

static status_t dispatch(struct rpc_request *request) {
    return badge_controls(request->badge) ? random_control_dispatch(&methods, nullptr, request)
                                          : random_dispatch(&methods.random, nullptr, request);
}

// A successor begins with what nobody else was ever given, beside what it finds itself.
struct seed {
    uint32_t bits;
    uint8_t bytes[ENTROPY_KEY_BYTES];
};

static size_t save(void *to, size_t room) {
    struct seed seed = {};
    if (room < sizeof(seed)) {
        return sizeof(seed);
    }
    if (status_ok(entropy_draw(&entropy, seed.bytes, sizeof(seed.bytes)))) {
        seed.bits = ENTROPY_ENOUGH_BITS;
    }
    memcpy(to, &seed, sizeof(seed));
    sodium_memzero(&seed, sizeof(seed));
    return sizeof(seed);
}

static bool adopt(const void *state, size_t len_bytes) {
    struct seed seed;
    if (len_bytes != sizeof(seed)) {
        return false;
    }
    memcpy(&seed, state, sizeof(seed));
    const status_t status = entropy_add(&entropy, "predecessor", seed.bytes, sizeof(seed.bytes), seed.bits);
    sodium_memzero(&seed, sizeof(seed));
    return status_ok(status);
}

static const struct service service = {.provides = "random", .interface_id = RANDOM_ID, .save = save, .adopt = adopt};

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    entropy_init(&entropy);
    add_boot_seed();
    gather();
    metrics_init(&own, figures, sizeof(figures) / sizeof(figures[0]));
    return service_run(&service, &server, dispatch);
}
