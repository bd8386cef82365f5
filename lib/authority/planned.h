// The graph of a system that has not been booted: what its manifest grants, as the supervisor and execd would.
//
// Every service runs, and of programs those that are asked for, once. Contracts are not among it (contracts.h). What is made while the
// system runs nobody foresees, but what can come of it the rules of reach.h do.
#pragma once

#include "lib/authority/authority.h"
#include "lib/manifest/manifest.h"

// Which programs run.
enum authority_programs : uint8_t { AUTHORITY_NO_PROGRAM, AUTHORITY_THIS_PROGRAM, AUTHORITY_EVERY_PROGRAM };

// `program`: which one, where it is one. The first process is the supervisor. Linked only by authority_link, when the contracts have been added. False without memory, then
// the graph has a part. Serial ports and the clock are a PC's: input and output ports.
bool authority_plan(const struct manifest *manifest, enum authority_programs programs, const char *program, struct authority *graph);
