// What clients ask the services while those are killed (kills_test.c), and what a right answer is.
#pragma once

#include <stdint.h>

#include "abi/types.h"
#include "lib/tess/message.h"

enum answer : uint8_t {
    ANSWER_RIGHT,
    ANSWER_WRONG,        // one came, and it is not what it should be
    ANSWER_DISCONNECTED, // the service died under a call that must not be made twice; of any other it is a failure
    ANSWER_LOST,         // none, though the call could be repeated until one came
    ANSWER_KINDS,
};

// A thread that asks.
struct client {
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

// Finds what the loads call in the CapSet.
void loads_init(void);
