// Where output goes: the console, or what a pipe, a redirection or $(...) puts in its place.
#pragma once

#include <stddef.h>

#include "lib/shell/filter.h"

struct outlet {
    filter_sink_fn *take;
    void *context;
    bool closed; // who takes it wants no more
    struct outlet *outer;
};

// Once, first: why a service is not there that was called is kept until it is shown (status_text).
void out_open(void);

// Output goes there from here on, up to the pop; both nest.
void out_push(struct outlet *to);
void out_pop(void);

// Where it goes now; null: the console.
struct outlet *out_outlet(void);

// Writes to an outlet, or the console. False: nobody wants any more.
bool out_put(struct outlet *to, const char *bytes, size_t len);

// Writes to the console what is no part of what is being printed: the pager does not count it. May block.
void out_at_once(const char *bytes, size_t len);

// Writes to the console, wherever output goes. May block.
void out_console(const char *bytes, size_t len);
