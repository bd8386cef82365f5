// What the contracts of the system say, as a part of the graph: which methods there are, and what each can carry.
#pragma once

#include "lib/authority/authority.h"

// All of them. False without memory; what was added stays.
bool authority_add_contracts(struct authority *graph);
