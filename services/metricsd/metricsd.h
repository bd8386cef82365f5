// metricsd's parts: what they share.
#pragma once

#include "idl/metrics.capnp.h"
#include "lib/badge/badge.h"
#include "lib/metrics/health.h"
#include "lib/metrics/histogram.h"
#include "lib/metrics/table.h"
#include "lib/roster/roster.h"

extern struct metrics_table table;
extern struct health_watch the_health;
extern const struct roster *roster;

// --- watch.c: how well the services are, asked once a second ---

constexpr size_t WATCHED_MAX = HEALTH_SOURCES_MAX;

struct watched {
    char name[NAME_BYTES]; // "": free
    uint64_t restarts;
    uint64_t restarted_ns; // 0: not seen
    enum health_level level;
    uint64_t requests, refused, denied; // of its process, as it was asked last
    bool seen; // in this round
};

extern struct watched watched[WATCHED_MAX];

void watch_open(void);

// Asks, if it is time to; and when it is. Calls the supervisor.
void watch_round(void);
uint64_t watch_next(void);

// --- figures.c: all figures, in an order that stays ---

struct figure {
    const struct metrics_family *family;
    const char *label;  // what kind of thing the source is
    const char *source; // "": the system
    uint64_t value;
    const struct histogram *histogram; // null unless it is one; until the next
    uint64_t cursor;                   // never 0
    bool first;                        // of its family
};

void figures_open(void);

// Looks at the kernel and the log, so that all of an answer in several parts is of one moment.
void figures_refresh(void);

// Each figure behind this cursor; 0: all. Until the function returns false.
typedef bool figure_fn(void *context, const struct figure *figure);
void figures_each(uint64_t after, figure_fn *function, void *context);
