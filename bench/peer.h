// What bench and bench_peer say to each other. Only for measuring: not a service of the system.
#pragma once

#include <stdint.h>

enum peer_request : uint32_t {
    PEER_ECHO = 1,     // answers with the same words and as many page bytes as came
    PEER_CLOSE = 2,    // closes the one handle that came
    PEER_RETURN = 3,   // moves the one handle that came back
    PEER_KEEP = 11,    // keeps the one handle that came,
    PEER_GIVE = 12,    // and answers with a copy of it
    PEER_PINGPONG = 4, // handles: one to wait on, one to signal; word 0: rounds. Answers first.
    PEER_YIELD = 5,    // word 0: how often to yield. Answers first.
    PEER_PARK = 7,     // handle: a VMO whose first word is whose turn it is; word 0: rounds. Answers first.
    PEER_TOUCH = 6,    // maps the VMO that came, reads and writes its first page, unmaps and closes it
    PEER_RING = 9,     // answers, and then serves calls through a ring, 64 at once, until it is told PEER_STOP
    PEER_STOP = 10,
    PEER_PAGE = 8,     // keeps the two handles that came: a pager's VMO, and one that it supplies that from, page by page
};
