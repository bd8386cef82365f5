// The kernel's refusals as denials: a handle that is not there, of another type, or without the right. Made when somebody asks for
// one, of what lib/tess noted (lib/tess/refusal.h), what the handle is now, and what this program was granted.
#pragma once

#include "lib/denial/denial.h"
#include "lib/tess/thread.h"

// What is known of a handle.
struct refusal_handle {
    bool there; // in the table
    uint32_t type, rights; // the type also of one that was granted and is not there any more
    uint64_t koid;
    const char *name; // under which it was granted; null: it was not
    const char *file; // of the manifest, and the line that grants it
    uint32_t line;
};

struct refusal_facts {
    const char *subject;
    const char *file; // where the manifest describes it
    uint32_t line;
    struct refusal_handle handle, argument;
};

// The texts of a denial.
struct refusal_text {
    char attempted[48], object[64], missing[64], reason[200], advice[120];
};

// Pure. Good as long as text and facts are.
void refusal_explain(const struct tess_refusal *refused, const struct refusal_facts *facts, struct refusal_text *text,
                     struct denial *to);

// Of what this thread was refused last; false when that is not where this status is from.
bool refusal_denial(status_t status, struct refusal_text *text, struct denial *to);

// What this program was not granted at all, as `how` would grant it ("service = \"log\""): what would have to be added, and where.
// Good as long as name and text are.
void refusal_ungranted(const char *name, const char *how, struct refusal_text *text, struct denial *to);

// What this program was granted under this name, but not to control it: true, with the line of the grant. False where it controls it,
// or was granted no such thing. Good as long as name and text are.
bool refusal_uncontrolled(const char *name, struct refusal_text *text, struct denial *to);

// One line for a person, of any status: the sentence of a denial if it is the kernel that refused this thread something, else what
// rpc_status_text says.
const char *denial_status_text(status_t status, char to[DENIAL_TEXT_BYTES]);
