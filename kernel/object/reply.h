// reply: the right to answer one call, once.
//
// Made from a thread's current caller by thread.save_reply. The answer consumes it; closing its last
// handle unanswered gives the caller PEER_DIED.
#pragma once

#include "kernel/object/object.h"

struct thread;

struct reply {
    struct object object;
    struct thread *caller; // atomic; not referenced: a caller that goes away takes itself out
};

bool reply_destroy_step(struct object *object);
