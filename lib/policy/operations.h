// What a person may have done: each operation that the manifest names, and the role that it takes. What is not named nobody may.
// Pure; who the person is comes from the one authority for it (idl/identity.capnp).
#pragma once

#include "lib/denial/denial.h"
#include "lib/manifest/manifest.h"

constexpr size_t OPERATIONS_REASON_BYTES = 120;
constexpr size_t OPERATIONS_PERSON_BYTES = 24;

struct operations_person {
    char name[OPERATIONS_PERSON_BYTES]; // "" when nobody is there
    bool is_there;                      // a session that has not ended, and is not locked
    bool locked;
    enum manifest_role role;
    bool answered;  // by the authority; else nothing is known
    bool cannot_ask; // who decides has no way to it any more
    bool unclaimed; // the machine has no account, and never had one: whoever is there may do everything
    bool lost;      // it had accounts, and has none any more
};

struct operations_decision {
    bool allowed;
    bool named;                          // in the manifest, as
    struct manifest_operation operation;
};

struct operations_decision operations_decide(const struct manifest *manifest, const char *operation, const struct operations_person *person);

const char *operations_role_name(enum manifest_role role); // "guest", "user", "administrator"

// Of a decision, as if it were no, `operation` being its name. Good as long as what it is made of, `reason` among it.
void operations_as_denial(const struct manifest *manifest, const struct operations_decision *decision, const char *operation,
                          const struct operations_person *person, char reason[OPERATIONS_REASON_BYTES], struct denial *to);
