// How much of the system runs, as the supervisor says.
#pragma once

#include "idl/supervisor.capnp.h"

const char *mode_name(enum supervisor_mode mode);

// Full where the supervisor does not say.
enum supervisor_mode mode_now(void);

// Whether a service will not answer: it was given up, is over, or is left out in this mode. One that starts, or waits for its next
// start, will.
bool mode_is_without(const char *service);
