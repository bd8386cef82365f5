// What clients ask the services while those are killed (kills_test.c), and what a right answer is.
#pragma once

#include <stdint.h>

#include "abi/types.h"
#include "lib/rpc/call.h"

enum answer : uint8_t {
    ANSWER_RIGHT,
    ANSWER_WRONG,        // one came, and it is not what it should be
    ANSWER_DISCONNECTED, // the service died under a call that must not be made twice; of any other it is a failure
    ANSWER_LOST,         // none, though the call could be repeated until one came
    ANSWER_KINDS,
};

constexpr uint32_t CLIENT_NUMBERS = 5;

// A thread that asks.
struct client {
    uint32_t number;   // below CLIENT_NUMBERS, and nobody else's meanwhile
    uint64_t state;    // of its generator; not 0
    uint64_t drawn[4]; // what it was given last
    status_t status;   // of the last call
    struct tess_message wrong; // the last answer that was, as it came
};

// A service, and how it is asked.
struct load {
    const char *service; // its name in the manifest
    const char *what;
    enum answer (*ask)(struct client *client);
    bool once; // may be disconnected
};

extern const struct load loads[];
extern const uint32_t load_count;

// The next number of a generator, below `limit`.
uint64_t any(uint64_t *state, uint64_t limit);

// What became of a call: an answer to be looked at (RIGHT), or none. And whether the one that came is right; one that is not is noted as it came.
enum answer came(struct client *client, status_t status);
enum answer judged(struct client *client, const struct rpc_call *call, enum answer answer, bool right);

// Finds what the loads call in the CapSet.
void loads_init(void);

// ---- kept.c ----

void kept_init(void);

// Takes all of it back, so that services have as much to keep as at first.
void kept_reset(void);
enum answer revocation_stays(struct client *client);
enum answer key_stays(struct client *client);
enum answer setting_stays(struct client *client);
