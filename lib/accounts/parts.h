// What the files of this folder share.
#pragma once

#include "lib/accounts/accounts.h"

// Whether the claim is true, unless there is to be a wait. On DONE *out is the account. A wrong one is counted.
enum accounts_result accounts_prove(struct accounts *accounts, struct accounts_claim claim, uint64_t now_ns,
                                    struct accounts_account **out, uint64_t *wait_ns);

// Opens a session; a holder that has too many loses the one that was not used for longest. FULL.
enum accounts_result accounts_open(struct accounts *accounts, uint64_t holder, const struct accounts_account *account,
                                   uint64_t number, uint64_t now_ns, struct accounts_session **out);
