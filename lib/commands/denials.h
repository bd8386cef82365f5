// Denials of the log and of the kernel, with who may.
#pragma once

#include "idl/log.capnp.h"
#include "lib/denial/denial.h"

// The sentence with what can be found out now. False: there is no more than the record's own text says.
bool denial_told(struct log_record record, char text[DENIAL_TEXT_BYTES]);

// The sentence of what the kernel refused this thread, with who has what it takes, where the graph can be seen; false when it is
// not the kernel that the status is from. Overwrites the message page.
bool denial_refused(status_t status, char text[DENIAL_TEXT_BYTES]);

// The sentence of the program's own grant of a service, when that is without `control`, with who has it with; false when it is not, or
// there is none. Tells the log. Overwrites the message page.
bool denial_uncontrolled(const char *name, char text[DENIAL_TEXT_BYTES]);

// Gives up what was looked at for it.
void denials_end(void);

// What the policy says about this, as a sentence; false when it allows it, does not know of it, or does not answer. (policy.c)
bool denial_explained(const char *who, const char *action, const char *object, char text[DENIAL_TEXT_BYTES]);
