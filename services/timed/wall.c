// The wall clock: read from the chip at start, more precisely at the next second, and set by whoever may.
#include "base/mem.h"
#include "base/str.h"
#include "lib/keep/keep.h"
#include "lib/rpc/method.h"
#include "lib/tess/clock.h"
#include "lib/time/settle.h"
#include "services/timed/timed.h"

static struct chip chip;
static struct settle settle;
static enum time_source source;
static uint64_t set_ns; // when it was set last
static char set_by[NAME_BYTES];
static const char *problem = ""; // of the chip

// What outlives this process. The monotonic clock does, so a time that somebody set goes on where it was; one from the chip is read anew.
struct kept {
    struct wall wall;
    uint64_t set_ns;
    uint32_t source;
    char set_by[NAME_BYTES];
};

static struct keep keep;

static void keep_time(void) {
    struct kept *next = keep_begin(&keep);
    memset(next, 0, sizeof(*next));
    next->wall = timed.wall;
    next->set_ns = set_ns;
    next->source = source;
    (void)str_copy(next->set_by, sizeof(next->set_by), set_by); // as long as that
    keep_commit(&keep, sizeof(*next));
}

// Whether there was one to go on with. It is not trusted more than a message.
static bool take_kept(void) {
    const void *left;
    size_t len;
    const status_t status = keep_load(&keep, &left, &len);
    const struct kept *kept = left;
    if (status_is(status, STATUS_NOT_FOUND)) {
        return false;
    }
    if (!status_ok(status) || len != sizeof(*kept) || !wall_is_sound(&kept->wall, tess_now_ns()) ||
        kept->source <= TIME_SOURCE_RTC || kept->source > TIME_SOURCE_NETWORK || kept->set_by[NAME_BYTES - 1] != '\0') {
        keep_forget(&keep);
        return false;
    }
    timed.wall = kept->wall;
    set_ns = kept->set_ns;
    source = (enum time_source)kept->source;
    (void)str_copy(set_by, sizeof(set_by), kept->set_by); // as long as that
    return true;
}

// Alarms go by the new time from now on, also if it changes again before the next of them is due.
static void is_set(enum time_source from, uint64_t when_ns, const char *whom) {
    source = from;
    set_ns = when_ns;
    (void)str_copy(set_by, sizeof(set_by), whom); // a name
    if (from != TIME_SOURCE_RTC) {
        keep_time();
    }
    alarms_run(&timed.alarms, tess_now_ns(), &timed.wall);
}

static void take(struct settle_time time) {
    wall_set(&timed.wall, time.mono_ns, time.wall_ns, time.uncertainty_ns);
    is_set(TIME_SOURCE_RTC, time.mono_ns, "");
}

static const char *problem_of(status_t status) {
    return status_is(status, STATUS_UNSUPPORTED) ? "there is none"
           : status_is(status, STATUS_TIMED_OUT) ? "it does not hold still"
                                                 : "what it says is no time; its battery may be empty";
}

// One reading, and the times on the monotonic clock around it. What is outside of what can be set is no time.
static status_t read_chip(int64_t *wall_ns, uint64_t *before_ns, uint64_t *after_ns) {
    *before_ns = tess_now_ns();
    status_t status = chip_read(&chip, wall_ns);
    *after_ns = tess_now_ns();
    if (status_ok(status) && (*wall_ns <= 0 || *wall_ns > WALL_MAX_NS)) {
        status = STATUS_BAD_STATE;
    }
    problem = status_ok(status) ? "" : problem_of(status);
    return status;
}

static status_t set_by_chip(void) {
    int64_t wall_ns;
    uint64_t before_ns, after_ns;
    TRY(read_chip(&wall_ns, &before_ns, &after_ns));
    settle.goes_on = false;
    keep_forget(&keep);
    if (chip.counts_seconds) {
        take(settle_begin(&settle, wall_ns / (int64_t)TESS_NS_PER_S, before_ns, after_ns));
    } else {
        take((struct settle_time){.wall_ns = wall_ns, .mono_ns = after_ns, .uncertainty_ns = after_ns - before_ns});
    }
    return STATUS_OK;
}

void wall_begin(void) {
    int64_t ignored_ns;
    uint64_t before_ns, after_ns;
    chip_open(&chip);
    keep_open("state", sizeof(struct kept), &keep);
    if (take_kept()) {
        (void)read_chip(&ignored_ns, &before_ns, &after_ns); // whether anything is wrong with it
    } else {
        (void)set_by_chip(); // a clock without a time says so
    }
}

uint64_t wall_next_poll(void) {
    return settle.goes_on ? settle.before_ns + SETTLE_POLL_NS : UINT64_MAX;
}

void wall_poll(uint64_t now_ns) {
    int64_t wall_ns;
    uint64_t before_ns, after_ns;
    struct settle_time time;
    if (now_ns < wall_next_poll()) {
        return;
    }
    if (!status_ok(read_chip(&wall_ns, &before_ns, &after_ns))) {
        settle.goes_on = false; // what was read first still holds
    } else if (settle_sample(&settle, wall_ns / (int64_t)TESS_NS_PER_S, before_ns, after_ns, &time)) {
        take(time);
    }
}

void wall_put_status(struct time_status_builder status) {
    const uint64_t now_ns = tess_now_ns();
    time_status_set_source(status, source);
    time_status_set_set_ns(status, set_ns);
    time_status_set_set_by(status, capnp_text(set_by));
    if (timed.wall.known) {
        time_status_set_uncertainty_ns(status, wall_uncertainty(&timed.wall, now_ns));
        time_status_set_slew_ns(status, wall_slew_left(&timed.wall, now_ns));
    }
    time_status_set_drift_ppm(status, WALL_DRIFT_PPM);
    time_status_set_chip(status, capnp_text(chip.name));
    time_status_set_chip_problem(status, capnp_text(problem));
}

status_t wall_now_method(void *, struct rpc_request *, struct time_now_params, struct time_now_results_builder results) {
    const uint64_t now_ns = tess_now_ns();
    time_now_results_set_monotonic_ns(results, now_ns);
    if (timed.wall.known) {
        time_now_results_set_wall_ns(results, wall_now(&timed.wall, now_ns));
        time_now_results_set_uncertainty_ns(results, wall_uncertainty(&timed.wall, now_ns));
        time_now_results_set_source(results, source);
    }
    return STATUS_OK;
}

status_t wall_set_method(void *, struct rpc_request *request, struct time_control_set_params params,
                         struct time_control_set_results_builder results) {
    const int64_t wall_ns = time_control_set_params_get_wall_ns(params);
    const uint64_t uncertainty_ns = time_control_set_params_get_uncertainty_ns(params), now_ns = tess_now_ns();
    const enum time_source from = time_control_set_params_get_source(params);
    TRY(rpc_well_formed(request));
    enum time_control_outcome outcome = TIME_CONTROL_OUTCOME_DONE;
    if (from == TIME_SOURCE_UNKNOWN || from > TIME_SOURCE_NETWORK) {
        outcome = TIME_CONTROL_OUTCOME_NO_SOURCE;
    } else if (wall_ns < 0 || wall_ns > WALL_MAX_NS) {
        outcome = TIME_CONTROL_OUTCOME_OUT_OF_RANGE;
    } else if (!time_control_set_params_get_slew(params)) {
        wall_set(&timed.wall, now_ns, wall_ns, uncertainty_ns);
    } else if (!wall_slew(&timed.wall, now_ns, wall_ns, uncertainty_ns)) {
        outcome = TIME_CONTROL_OUTCOME_TOO_FAR;
    }
    if (outcome == TIME_CONTROL_OUTCOME_DONE) {
        char whom[NAME_BYTES];
        settle.goes_on = false; // the chip has been overruled
        is_set(from, now_ns, roster_name(timed.roster, badge_holder(request->badge), whom));
    }
    time_control_set_results_set_outcome(results, outcome);
    return STATUS_OK;
}

status_t wall_read_chip_method(void *, struct rpc_request *, struct time_control_read_chip_params,
                               struct time_control_read_chip_results_builder results) {
    time_control_read_chip_results_set_outcome(results, status_ok(set_by_chip()) ? TIME_CONTROL_OUTCOME_DONE
                                                                                  : TIME_CONTROL_OUTCOME_NO_SOURCE);
    return STATUS_OK;
}
