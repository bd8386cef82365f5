// The parts of init, and the one state that they share.
//
// init is a single thread around one endpoint: requests to the supervisor and, through a bound
// notification, the ends of processes. It never waits for a service, but when the system goes down.
//
//   main.c    bring-up and the loop        unit.c     start and end of one process
//   grant.c   manifest line -> capability  outbox.c   what logd and consoled are to be told
//   tell.c    what samgrd is to be told
//   view.c    what the supervisor shows    control.c  what it can be told to do
//   power.c   going down                 jobs.c     who the jobs are that others run
//   ask.c     what services are asked    order.c    who needs whom, and what is done when one is given up
//   mode.c    how much of the system runs
//   absent.c  what is said in the place of services that nobody will start
//   crash.c   what is left of services that crashed
//   replace.c one process of a service in place of another; replace_check.c: whether that can be
//   withheld.c what the policy denies of what the manifest grants
//   early.c   last words on the serial line, before there is a console
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/types.h"
#include "idl/supervisor.capnp.h"
#include "lib/manifest/manifest.h"
#include "lib/launch/launch.h"
#include "lib/package/package.h"
#include "lib/roster/roster.h"
#include "lib/rpc/promise.h"
#include "lib/supervise/escalate.h"
#include "lib/supervise/probe.h"
#include "lib/supervise/replace.h"
#include "lib/supervise/supervise.h"
#include "lib/tess/spawn.h"
#include "lib/badge/badge.h"
#include "lib/crash/remains.h"

constexpr size_t INIT_JOBS_MAX = 96; // that run; those who run them have lower limits
constexpr size_t INIT_ENDPOINTS_MAX = 64;
constexpr uint64_t INIT_SET_ASIDE_BYTES = 400 * 1024; // for what init touches and makes once services run, and a page for each name that they provide
constexpr size_t INIT_FORMER_MAX = 32; // processes of a unit that are remembered when they have ended
constexpr uint32_t INIT_FIRST_ID = 2;               // 1 is the supervisor's own holder number
constexpr size_t OUTBOX_LINE_BYTES = 256;
constexpr size_t INIT_REASON_BYTES = 128;
constexpr size_t INIT_MODE_REASON_BYTES = 200;
constexpr size_t INIT_WHY_BYTES = 256;
constexpr size_t WITHHELD_RULES_MAX = 128;          // the contract's limit
constexpr size_t WITHHELD_GRANTS_MAX = BOOTSTRAP_MAX_CAPS; // of one unit: each is a capability that it is started with
constexpr size_t INIT_VERDICT_BYTES = INIT_REASON_BYTES - 3; // behind "it "
constexpr uint64_t INIT_ANSWER_BIT = 1ull << 63; // of init.ends: an answer to what init asked

// A service of the manifest. Its id is also its holder number (badge).
struct init_unit {
    const struct manifest_unit *spec;
    uint32_t id;
    const char *name;
    char program[NAME_BYTES]; // its file in the boot package: the manifest's, or what it was replaced by
    uint32_t replacements;    // of one of its processes by another
    struct supervise life;
    struct escalation escalation;

    // While it runs.
    struct spawned process; // handles owned
    handle_t account;       // owned
    handle_t lent;          // owned; above the accounts that it was granted, which end with it. 0: none
    struct launch_capset capset;

    handle_t crashes_news; // owned; where its process, if it was granted crashes, is told of them. 0: not granted

    handle_t kept; // owned; the memory that it was granted to keep, which outlives its processes. 0: none, or not yet

    struct init_asked {
        enum init_ask : uint8_t { ASK_NOTHING, ASK_BEGIN, ASK_PROBE, ASK_STOP } what; // is to be answered
        struct rpc_promise answer;
        handle_t endpoint; // owned; of this process, where it is asked to begin. 0: it is never asked anything
        handle_t way_in;   // owned; where it is asked
    } asked;
    struct probe probe;
    struct init_work {
        uint64_t requests, refused, denied;
    } work; // of its process, as that said last
    uint64_t names_told; // to its process, if it is the registry's: a bit for each of init.endpoints
    char verdict[INIT_VERDICT_BYTES]; // why it was ended, by init; empty: it was not

    bool waits_for_memory; // which has been said

    uint64_t former[INIT_FORMER_MAX]; // koids of its processes that have ended: number n at n % INIT_FORMER_MAX
    uint32_t former_count;            // of all that ever did

    // Of its last end.
    char reason[INIT_REASON_BYTES];
    uint64_t peak_bytes;

};

// A job that some service runs, as far as others must know of it.
struct init_job {
    uint32_t id;     // its holder number; 0: the place is free
    uint32_t listed; // whose name stands in the roster: its own, or that of the last one here. 0: nobody's
    uint32_t owner;  // the service's
};

// What a service provides. init owns the endpoint and lends the right to receive.
struct init_endpoint {
    const char *name;
    uint64_t interface_id;
    handle_t endpoint; // owned, all rights
    struct init_unit *provider;
};

struct init {
    handle_t account, resource, inspector, trace, package_vmo; // init's own
    handle_t services; // account of all services, and of what they keep and lend: all but what init may need itself
    handle_t supervisor;                                       // endpoint
    struct rpc_server server;                                  // of it
    handle_t ends;       // notification bound to it: processes that ended, 63 bits shared by all units, and answers
    struct roster *roster; // who is who, as it is granted
    handle_t roster_vmo;
    struct remains_box *crashes; // what is left of services, as it is granted
    handle_t crashes_vmo;
    const char *cmdline; // null when there is none
    struct package package;
    struct manifest manifest;
    struct init_endpoint endpoints[INIT_ENDPOINTS_MAX];
    size_t endpoint_count;
    struct init_unit units[MANIFEST_UNITS_MAX]; // the services, in the manifest's order
    size_t unit_count;
    struct init_job jobs[INIT_JOBS_MAX];
    uint32_t next_id;
    enum manifest_mode mode;
    char mode_reason[INIT_MODE_REASON_BYTES]; // why it is not full
    uint64_t freed_ns; // when memory last began to become free; 0: never
    bool closing;
};

extern struct init init;

// --- early.c ---

// The registers of a serial port, minted on that account; UNSUPPORTED when there is none that programs here can use.
status_t serial_mint(const struct bootstrap_serial *serial, handle_t account, uint32_t *type, handle_t *out);

// Writes one line to the serial port when nobody else holds it; says whether it could.
bool early_print(const char *line);

// Says why the system cannot come up, and switches the machine off.
[[noreturn, gnu::format(printf, 1, 2)]] void early_stop(const char *format, ...);

// --- grant.c ---

// Makes what the manifest grants to a unit beyond what lib/launch makes; the context is the unit.
launch_make_fn grant_make;
launch_provide_fn grant_provide;

struct init_endpoint *endpoint_find(const char *name);

// --- unit.c ---

// Sets up the places of the manifest's services and their endpoints.
status_t units_init(void);

// Sets memory aside for the vital services (order_is_vital), before any other can take it.
void units_reserve(void);

// A process has ended, and its memory becomes free: whoever waits for memory may try again.
void units_memory_came(void);

// Starts the process of a unit that is not running; its life and reason say how that went.
status_t unit_start(struct init_unit *unit);

// Ends the process of a running unit; its end is noticed like every other.
void unit_kill(struct init_unit *unit);

// Starts a process for the unit, whatever its life says. On failure nothing is left, and `why` has one line about it.
status_t unit_spawn(struct init_unit *unit, char *why, size_t why_bytes);

// Whether its process has ended. Then: why, as `reason` and in the record; and gives up what the process was.
bool unit_has_ended(const struct init_unit *unit);
void unit_examine(struct init_unit *unit, struct exit_record *record);
void unit_bury(struct init_unit *unit, const struct exit_record *record);

// Looks at all units that `bits` may mean, and settles those whose process has ended.
void units_collect(uint64_t bits);

// Starts every service that is due; returns when the next one is, UINT64_MAX for never.
uint64_t units_start_due(void);

struct init_unit *unit_by_id(uint32_t id);
struct init_unit *unit_by_name(const char *name); // or an id

// There is a process; it may not be ready yet.
static inline bool unit_runs(const struct init_unit *unit) {
    return supervise_lives(&unit->life);
}

// --- ask.c ---

status_t ask_init(void);

// The ring over which init asks; its answers come with INIT_ANSWER_BIT.
struct rpc_ring *ask_ring(void);

// A way in with the supervisor's badge. The handle is the caller's.
status_t ask_way_in(handle_t endpoint, handle_t *out);

// Nothing more is asked of a unit's process, and what was asked is not waited for.
void ask_pause(struct init_unit *unit);

// Its process serves: from now on it is asked where its clients call, and now and then whether it is well.
status_t ask_follow(struct init_unit *unit);

// Makes what a process needs to be asked, before it starts; its account pays.
status_t ask_open(struct init_unit *unit);

// The process is gone, or was never there.
void ask_close(struct init_unit *unit);

// Asks what is due, and ends who has not answered in time; returns when there will be something to do.
uint64_t ask_due(void);

// Takes the answers that have come.
void ask_collect(void);

// Asks a service to end. False: it cannot be asked.
bool ask_stop(struct init_unit *unit);

// --- order.c ---

// After units_init. False: services wait for each other, which the manifest's reader has ruled out.
bool order_init(void);

// Without it the system would stop: it is essential, or an essential one needs it.
bool order_is_vital(const struct init_unit *unit);

// Whether all that it waits for is ready.
bool order_may_start(const struct init_unit *unit);

// Service number `number`, each after all that it needs.
struct init_unit *order_at(size_t number);

// What it needs and has to run without, since that was given up; null: nothing.
const struct init_unit *order_missing(const struct init_unit *unit);

// A service has used up its budget, or (hopeless) cannot be started at all.
void order_given_up(struct init_unit *unit, bool hopeless);

// --- mode.c ---

// Takes the mode from the boot command line. False: that names one that there is not.
bool mode_init(void);

// The name of the mode in which the system is.
const char *mode_name(void);
bool mode_has(const struct init_unit *unit);

// Says on the serial line that not everything runs, and why.
void mode_announce(void);

// From now on only what belongs to safe mode runs; an essential service was given up. What runs well goes on.
void mode_make_safe(struct init_unit *unit);

// --- absent.c ---

// Answers what has been asked of services that are not there, and will not be by themselves. Waits for nobody.
void absent_take(void);

// Makes init receive in the place of those that have gone, and for those that come back no more; returns when there is something to do.
uint64_t absent_due(void);

// What was asked of it meanwhile, ever: calls that were refused in its place, and messages that wanted no answer.
struct init_unserved {
    uint64_t refused, dropped;
} absent_unserved(const struct init_unit *unit);

// A service is about to be started: what its clients ask from now on is for its process.
void absent_end(const struct init_unit *unit);

// --- crash.c ---

status_t crash_init(void);

// What `crashes` grants: the box; and the notification by which its holder is told, on the unit's account.
status_t crash_grant(struct init_unit *unit, struct launch_grants *all, struct manifest_grant grant, struct spawn_grant *to);

// A unit has ended: lays what is left of it into the box if it crashed. Waits for nobody. Its memory is still there.
void crash_note(const struct init_unit *unit, const struct exit_record *record);

// --- jobs.c ---

// A number for a job of the program, which the owner runs; null when there are too many.
struct init_job *job_enlist(uint32_t owner, const struct manifest_unit *program);

// The owner has ended, and its jobs with it: says which these were.
void job_report_ends(const struct init_unit *owner);

// A job of this owner is over, or (id 0) all of them.
void job_discharge(uint32_t owner, uint32_t id);

// --- replace.c ---

struct replace_request {
    const char *program; // empty: the one that it has
    bool may_lose;
    handle_t watcher; // gets the bits at each step; taken over when it has begun. 0: nobody
    uint64_t bits;
};

// Begins to replace the process of a unit. Otherwise BAD_STATE, IN_USE or NOT_FOUND (no such unit), and `why` says it in a sentence.
status_t replace_begin(struct init_unit *unit, const struct replace_request *request, char *why, size_t why_bytes);

// OK when the process that the unit has (null: there is no such unit) can be replaced by one of this program (empty: the same); else
// NOT_FOUND or BAD_STATE, and the sentence. (replace_check.c)
status_t replace_check_unit(const struct init_unit *unit, const char *program, char *why, size_t why_bytes);

// Takes the answers that have come, and does what follows.
void replace_take(void);

// The same when the process that is not the service's may have ended; and when the service's own has.
void replace_collect(void);
void replace_lost(const struct init_unit *unit);

// Does what is due, and returns when there will be something to do.
uint64_t replace_due(void);

// The process that the registry's is to be replaced by, which has to be told before it begins; null: there is none.
struct init_unit *replace_new_registry(void);

// The same until it is settled which of the two serves.
struct init_unit *replace_other_registry(void);

// It is not settled yet which process of the unit is to serve: none is started.
bool replace_holds(const struct init_unit *unit);

// The system goes down: ends the process that is not the unit's.
void replace_close(void);

// For whoever wants to see it.
void replace_put(struct supervisor_replacement_builder to);

// --- withheld.c ---

// Supervisor.withhold and Supervisor.withheld.
status_t withheld_take(void *, struct rpc_request *request, struct supervisor_withhold_params params, struct supervisor_withhold_results_builder results);
status_t withheld_show(void *, struct rpc_request *request, struct supervisor_withheld_params params, struct supervisor_withheld_results_builder results);

// Of each grant of a unit or program the actions that it may not be granted (`actions` may be null). False: there are none, and nothing is
// written.
bool withheld_of(const struct manifest_unit *spec, uint8_t actions[WITHHELD_GRANTS_MAX]);

// Files with the log what a holder is not granted, if there is anything.
void withheld_report(const struct manifest_unit *spec, uint32_t holder);

// --- outbox.c ---

// Whether a service that is starting knows all that it must know before it begins.
bool outbox_told(const struct init_unit *unit);

// Files a record under the unit (null: init). Never blocks; when logd cannot keep up the oldest go.
[[gnu::format(printf, 3, 4)]] void outbox_log(const struct init_unit *subject, uint8_t level,
                                              const char *format, ...);

// The same of an end that was none of its own doing.
[[gnu::format(printf, 3, 4)]] void outbox_crash(const struct init_unit *subject, uint8_t level, const char *format, ...);

// Files that a holder was denied something: the sentence, and who attempted what with what.
void outbox_denial(const char *who, const char *attempted, const char *object, const char *reason);

// Tells a person, on the serial line or through the console, that something did not start.
void outbox_announce(const char *line);

// The oldest of what could not be told so far, which is nobody's business any more then. False: there is nothing.
bool outbox_unsaid(char line[OUTBOX_LINE_BYTES]);

// A service has (re)started and knows nothing of what its predecessor was told.
void outbox_restarted(struct init_unit *unit);

// Another process of it serves, or none any more: those who watch its names are told.
void outbox_replaced(const struct init_unit *unit);
void outbox_given_up(const struct init_unit *unit);

// Hands over what can be handed over, without waiting; returns when to try again, UINT64_MAX when nothing is left, or is on its way.
uint64_t outbox_pump(void);

// Whether all that it has for who would hear it has been taken.
bool outbox_is_empty(void);

// One service that is told things, and when it is worth trying again after a failure.
struct outbox_target {
    const char *name; // of what it provides
    const struct init_endpoint *endpoint;
    handle_t client; // init's own way in, with the supervisor's badge
    uint64_t retry_ns, pause_ns;
};

// Whether there is such a service in this system, and a way in; and whether it serves.
bool outbox_finds(struct outbox_target *target);
bool outbox_hears(const struct outbox_target *target);

// Takes note of how one message fared.
enum outbox_end : uint8_t { OUTBOX_TAKEN, OUTBOX_REFUSED, OUTBOX_AGAIN } outbox_came_to(struct outbox_target *target, status_t status);
uint64_t outbox_retry_ns(const struct outbox_target *target, bool hears);

// --- tell.c ---

extern struct outbox_target the_registry;

// As outbox_pump, of the registry.
uint64_t tell_pump(void);

// The registry is to hear of what a service provides once more.
void tell_again(const struct init_unit *unit);

// --- control.c ---

// Carries out the request that init.server has received, and answers it.
void control_handle(void);

// The unit that a request means (unit_by_name); null when there is none.
struct init_unit *control_find(struct capnp_text name);

// --- view.c ---

// Carries out a request for something to be seen; any other is unimplemented.
status_t view_dispatch(struct rpc_request *request);

// --- power.c ---

// Takes everything down in the reverse order of its start, then the machine. `last_words` (may be null) is
// one line for the serial port, printed when nobody else uses that any more.
[[noreturn]] void power_down(enum supervisor_control_power action, const char *last_words);
