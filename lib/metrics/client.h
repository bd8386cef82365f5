// A program's figures: defined once, changed without a call, read by metricsd.
//
//   enum { DRAWS, WAITS };
//   static const struct metrics_definition figures[] = {
//       [DRAWS] = {"random_draws", "How often random numbers were drawn.", METRICS_KIND_COUNTER, METRICS_UNIT_NONE},
//       [WAITS] = {"random_wait", "How long a caller waited.", METRICS_KIND_HISTOGRAM, METRICS_UNIT_NANOSECONDS},
//   };
//   static struct metrics_own own;
//   metrics_init(&own, figures, 2);
//   metrics_keep(&own);               // now and then: at most once a second it does something
//   metrics_add(&own, DRAWS, 1);
//
// Figures are words in a page that metricsd made and pays for. Without metricsd they are in the program's own memory; when it comes,
// or comes back, they move, and lose nothing but what other threads change just then.
#pragma once

#include "idl/metrics.capnp.h"
#include "lib/metrics/histogram.h"
#include "lib/tess/clock.h"

constexpr size_t METRICS_OWN_MAX = 16;

struct metrics_definition {
    const char *name, *help;
    enum metrics_kind kind;
    enum metrics_unit unit;
};

struct metrics_own {
    uint64_t *words;
    const struct metrics_definition *definitions;
    uint32_t count;
    uint16_t at[METRICS_OWN_MAX];
    handle_t metrics, page; // 0: there is none
    uint64_t again_ns;      // when to see after it
    alignas(uint64_t) uint64_t spare[METRICS_WORDS_MAX];
};

// At most METRICS_OWN_MAX, which fit into a page. Finds `metrics` in the CapSet; without it the figures are nobody's business.
void metrics_init(struct metrics_own *own, const struct metrics_definition *definitions, uint32_t count);

// Sees to it that the figures are where they are read. Waits at most METRICS_PATIENCE_MS. Overwrites the message page.
constexpr uint64_t METRICS_PATIENCE_MS = 50;
void metrics_keep_now(struct metrics_own *own, uint64_t now_ns);

static inline void metrics_keep(struct metrics_own *own) {
    const uint64_t now_ns = tess_now_ns();
    if (now_ns >= own->again_ns) {
        metrics_keep_now(own, now_ns);
    }
}

static inline void metrics_add(struct metrics_own *own, uint32_t figure, uint64_t more) {
    __atomic_fetch_add(&own->words[own->at[figure]], more, __ATOMIC_RELAXED);
}

static inline void metrics_set(struct metrics_own *own, uint32_t figure, int64_t value) {
    __atomic_store_n(&own->words[own->at[figure]], (uint64_t)value, __ATOMIC_RELAXED);
}

// A value of a histogram, and what it was for; 0: not said.
void metrics_observe(struct metrics_own *own, uint32_t figure, uint64_t value, uint64_t cause);

// Something that takes time: its duration becomes a value of a histogram of nanoseconds.
struct metrics_span {
    uint64_t start_ns, cause;
};

static inline struct metrics_span metrics_span_begin(uint64_t cause) {
    return (struct metrics_span){tess_now_ns(), cause};
}

static inline void metrics_span_end(struct metrics_own *own, uint32_t figure, struct metrics_span span) {
    metrics_observe(own, figure, tess_now_ns() - span.start_ns, span.cause);
}
