// The graph of authority (lib/authority) of the running system, for the commands that ask it something.
#pragma once

#include "abi/types.h"
#include "lib/authority/authority.h"

// Looks at everything. Who has the result frees it. NO_MEMORY, or why somebody who knows a part did not answer; then the graph is
// empty.
status_t graph_take(struct authority *graph);

// The same for a command: says why there is none.
bool graph_taken(const char *command, struct authority *graph);

// The same for one that answers what can never be: again for some seconds, unless there is a Ctrl-C, until nothing came to a process
// meanwhile. What the last look saw, whether it is whole (authority_is_whole) or not.
bool graph_taken_whole(const char *command, struct authority *graph);

// The process or handle that words of the command line mean; AUTHORITY_NONE, after saying so, when there is none.
uint32_t graph_process(const char *command, const struct authority *graph, const char *name);
uint32_t graph_handle(const char *command, const struct authority *graph, uint32_t process, const char *word);
