// The other process of every measurement on Linux that needs two.
#pragma once

#include <stdint.h>
#include <sys/types.h>

enum peer_request : uint64_t {
    PEER_EVENTS = 1,    // rounds over the two eventfds
    PEER_YIELD = 2,     // yields so often, then answers with a byte
    PEER_PARK = 3,      // rounds over the two words of `shared`
    PEER_CLOSE = 4,     // so often: closes the descriptor that comes, answers with a byte
    PEER_TOUCH = 5,     // so often: maps, touches, unmaps and closes the memory that comes, answers with a byte
    PEER_RETURN = 6,    // so often: sends the descriptor that comes back, and closes it
    PEER_ECHO = 0x1000, // + bytes: so often, sends as many bytes back as came
};

struct shared {
    uint32_t to_peer;
    alignas(64) uint32_t to_us;
};

struct peer {
    pid_t process;
    int socket; // a connected Unix stream
    int event_to_peer, event_to_us;
    struct shared *shared;
};

// Forks the peer, which serves until it is killed.
void peer_start(struct peer *peer);

// Says what to do and how often. When it returns the peer has begun, or will when this process waits.
void peer_ask(const struct peer *peer, uint64_t request, uint64_t count);
