// call, of a kernel object.
#pragma once

#include "lib/commands/link.h"
#include "lib/reflect/read.h"

// Says that so many capabilities came with an answer, and are not kept.
void print_given_up(uint32_t count);

// Calls the method with parameters as text, and prints what comes of it; or, with a link, takes that
// capability of the results, which is the caller's to close, and prints nothing. Returns a command's exit status. May block for as long as somebody waits for a service
// (RPC_PATIENCE_MS): the kernel itself answers at once.
int call_object(const struct target *target, const struct reflect_method *method, const char *parameters,
                struct reflect_handles handles, const struct link *link, handle_t *linked);
