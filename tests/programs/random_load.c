// random_load MS: draws random numbers for so long, as fast as it can, and says how that went.
//
// CapSet: `console`, `random`.
#include "base/str.h"
#include "idl/random.capnp.h"
#include "lib/tess/clock.h"
#include "tests/programs/common.h"

int main(int argc, char **argv) {
    const struct random random = {tess_cap_required("random", RANDOM_ID)};
    uint64_t ms = 1000, drawn = 0, failed = 0, repeated = 0, last = 0, longest_ns = 0;
    if (argc > 1 && !str_parse_u64(argv[1], strlen(argv[1]), &ms)) {
        SAY("random_load: for how many milliseconds?\n");
        return 2;
    }
    for (const uint64_t end_ns = tess_deadline_after_ms(ms); tess_now_ns() < end_ns;) {
        RPC_CALL(call);
        struct random_draw_results results;
        const uint64_t start_ns = tess_now_ns();
        if (!status_ok(random_call_draw(random, &call, rpc_patience(), &results))) {
            failed++;
            continue;
        }
        const uint64_t first = random_draw_results_get_first(results), took_ns = tess_now_ns() - start_ns;
        repeated += first == last;
        last = first;
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
        drawn++;
    }
    SAY("random_load: %s, %lu failed, %lu repeated, at most %lu us for one\n", drawn > 100 ? "many drawn" : "few drawn", failed, repeated,
        longest_ns / 1000);
    return failed + repeated > 0;
}
