// Another version of rngd, for `replace rngd random_next`: it takes over the state that rngd hands over, and can be told from it by
// `random.stats`, which wants OTHER_BITS. What it draws comes of that state alone. The same with an illness (ILLNESS):
//
//   random_refuses  does not understand the state
//   random_hangs    neither takes the state over nor refuses it
//   random_dies     ends while it takes the state over
//
// CapSet: what the manifest grants rngd.
#include "base/mem.h"
#include "base/str.h"
#include "base/xxh64.h"
#include "idl/random.capnp.h"
#include "lib/service/service.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"
#include "raw.h"

constexpr uint32_t OTHER_BITS = 512;
constexpr size_t STATE_BYTES = 36;

static uint8_t state[STATE_BYTES];
static uint64_t draws;
static struct rpc_server server;

static status_t draw(void *, struct rpc_request *, struct random_draw_params, struct random_draw_results_builder results) {
    random_draw_results_set_first(results, xxh64(state, sizeof(state), ++draws));
    random_draw_results_set_second(results, xxh64(state, sizeof(state), ++draws));
    random_draw_results_set_third(results, xxh64(state, sizeof(state), ++draws));
    random_draw_results_set_fourth(results, xxh64(state, sizeof(state), ++draws));
    return STATUS_OK;
}

static status_t stats(void *, struct rpc_request *, struct random_stats_params, struct random_stats_results_builder results) {
    const struct random_stats_builder stats = random_stats_results_init_stats(results);
    random_stats_set_seeded(stats, state[0] != 0);
    random_stats_set_wanted_bits(stats, OTHER_BITS);
    random_stats_set_drawn_bytes(stats, 8 * draws);
    return STATUS_OK;
}

static size_t save(void *to, size_t room) {
    if (room >= sizeof(state)) {
        memcpy(to, state, sizeof(state));
    }
    return sizeof(state);
}

static bool adopt(const void *from, size_t len_bytes) {
    if (str_equal(ILLNESS, "dies")) {
        tess_exit(4);
    }
    while (str_equal(ILLNESS, "hangs")) {
        raw_relax();
    }
    if (len_bytes != sizeof(state) || str_equal(ILLNESS, "refuses")) {
        return false;
    }
    memcpy(state, from, sizeof(state));
    return true;
}

static status_t dispatch(struct rpc_request *request) {
    static const struct random_server methods = {.draw = draw, .stats = stats};
    return random_dispatch(&methods, nullptr, request);
}

int main(int argc, char **argv) {
    static const struct service service = {.provides = "random", .interface_id = RANDOM_ID, .save = save, .adopt = adopt};
    (void)argc;
    (void)argv;
    return service_run(&service, &server, dispatch);
}
