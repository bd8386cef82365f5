// What the registry is told: of every name that is provided, before it serves, so that nobody is told of one that it has not heard of yet;
// and again when a service was started again, replaced or given up, for those who watch it. A few at a time over init's ring, each until
// it is answered; of each process of the registry init knows what it has heard.
#include "abi/gen/stubs.h"
#include "idl/registry.capnp.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "services/init/init.h"

constexpr size_t TELLINGS_MAX = 4; // of the ring's calls (ask.c)

struct outbox_target the_registry = {.name = "registry"};

// What is on its way to a process of the registry.
static struct telling {
    struct rpc_promise answer; // slot 0: the place is free
    uint64_t koid;             // of the process
    bool early;                // it went where the process is told to begin
    size_t endpoint;           // the place in init.endpoints
    handle_t lent;             // owned; what is passed
} tellings[TELLINGS_MAX];

static bool is_early(const struct init_unit *unit) {
    return unit->life.state == SUPERVISE_STARTING;
}

// Before it begins it is told where nobody else calls.
static struct registry_control_target way_to(const struct init_unit *unit) {
    return (struct registry_control_target){rpc_target(is_early(unit) ? unit->asked.way_in : the_registry.client)};
}

static void forget(struct telling *telling) {
    rpc_drop(ask_ring(), telling->answer);
    tess_close(telling->lent);
    telling->answer = (struct rpc_promise){};
}

static struct telling *find(uint64_t koid, size_t endpoint) {
    for (size_t i = 0; i < TELLINGS_MAX; i++) {
        if (tellings[i].answer.slot != 0 && tellings[i].koid == koid && tellings[i].endpoint == endpoint) {
            return &tellings[i];
        }
    }
    return nullptr;
}

static struct telling *find_free(void) {
    for (size_t i = 0; i < TELLINGS_MAX; i++) {
        if (tellings[i].answer.slot == 0) {
            return &tellings[i];
        }
    }
    return nullptr;
}

// False: not now.
static bool tell(const struct init_unit *to, size_t number) {
    const struct init_endpoint *endpoint = &init.endpoints[number];
    constexpr rights_t RIGHTS = {RIGHT_SEND_BIT | RIGHT_MINT_BIT | RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT};
    struct telling *telling = find_free();
    handle_t copy;
    if (telling == nullptr || !status_ok(tess_handle_copy(endpoint->endpoint, RIGHTS, &copy))) {
        return false;
    }
    *telling = (struct telling){.koid = to->process.koid.v, .early = is_early(to), .endpoint = number, .lent = copy};
    telling->answer = registry_control_submit_register(ask_ring(), way_to(to), capnp_text(endpoint->name), endpoint->interface_id,
                                                       (struct endpoint){copy}, endpoint->provider->life.state == SUPERVISE_FAILED);
    if (telling->answer.slot == 0) {
        tess_close(copy); // an answer makes room in the ring
    }
    return telling->answer.slot != 0;
}

// The process of the registry, or the one that is to take its place.
static struct init_unit *process_of(const struct telling *telling) {
    struct init_unit *const units[] = {the_registry.endpoint->provider, replace_other_registry()};
    for (size_t i = 0; i < 2; i++) {
        if (units[i] != nullptr && unit_runs(units[i]) && units[i]->process.koid.v == telling->koid && is_early(units[i]) == telling->early) {
            return units[i];
        }
    }
    return nullptr;
}

// Takes the answers; what went to who is gone, or receives elsewhere by now, is not waited for.
static void take_answers(void) {
    for (size_t i = 0; i < TELLINGS_MAX; i++) {
        struct telling *telling = &tellings[i];
        if (telling->answer.slot == 0) {
            continue;
        }
        struct init_unit *unit = process_of(telling);
        if (unit != nullptr && !rpc_answered(ask_ring(), telling->answer)) {
            continue;
        }
        if (unit != nullptr &&
            outbox_came_to(&the_registry, rpc_take(ask_ring(), telling->answer, DEADLINE_POLL, nullptr)) != OUTBOX_AGAIN) {
            unit->names_told |= 1ull << telling->endpoint;
        }
        forget(telling);
    }
}

static uint64_t all_names(void) {
    return (1ull << init.endpoint_count) - 1; // MANIFEST_PROVIDED_MAX is less than there are bits
}

// All that this process has not been told yet.
static void tell_names(const struct init_unit *to) {
    for (size_t i = 0; i < init.endpoint_count; i++) {
        if ((to->names_told >> i & 1) == 0 && find(to->process.koid.v, i) == nullptr && !tell(to, i)) {
            return;
        }
    }
}

uint64_t tell_pump(void) {
    if (!outbox_finds(&the_registry)) {
        return UINT64_MAX;
    }
    take_answers();
    const struct init_unit *provider = the_registry.endpoint->provider, *next = replace_new_registry();
    if (tess_now_ns() >= the_registry.retry_ns) {
        if (unit_runs(provider)) {
            tell_names(provider);
        }
        if (next != nullptr) {
            tell_names(next);
        }
    }
    return outbox_retry_ns(&the_registry, unit_runs(provider));
}

bool outbox_told(const struct init_unit *unit) {
    return the_registry.endpoint == nullptr || the_registry.endpoint->provider->spec != unit->spec || unit->names_told == all_names();
}

void tell_again(const struct init_unit *unit) {
    const struct init_endpoint *registry = endpoint_find(the_registry.name);
    struct init_unit *other = replace_other_registry();
    for (size_t i = 0; registry != nullptr && i < init.endpoint_count; i++) {
        if (init.endpoints[i].provider != unit) {
            continue;
        }
        registry->provider->names_told &= ~(1ull << i);
        if (other != nullptr) {
            other->names_told &= ~(1ull << i);
        }
        for (size_t at = 0; at < TELLINGS_MAX; at++) {
            if (tellings[at].answer.slot != 0 && tellings[at].endpoint == i) {
                forget(&tellings[at]); // what is on its way is not so any more
            }
        }
    }
}
