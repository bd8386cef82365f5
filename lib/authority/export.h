// The graph written down, for other programs: JSON (tools/authority-check reads it) and Graphviz's DOT.
#pragma once

#include "base/fmt.h"
#include "lib/authority/reach.h"

void authority_write_json(const struct authority *graph, fmt_sink_fn *sink, void *context);

// Processes, and which of them may call which, or hold what of the kernel's objects that others have, too.
void authority_write_dot(const struct authority *graph, fmt_sink_fn *sink, void *context);

// That a process can never come to hold something: what each process may come to hold at most, which whoever does not believe it
// can check against the graph and the rules, and who is trusted: all but the supervisor and `rogues`. `target` is the word that it was
// asked by.
void authority_write_certificate(const struct authority *graph, const struct authority_reach *reach, const bool *rogues, uint32_t process,
                                 const char *target, fmt_sink_fn *sink, void *context);
