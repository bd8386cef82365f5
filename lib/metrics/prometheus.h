// Figures in Prometheus's text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/. Pure.
#pragma once

#include "base/fmt.h"
#include "lib/metrics/histogram.h"
#include "lib/metrics/table.h"

// Every name begins with `tessera_` and ends as Prometheus's conventions want: in its unit, and `_total` for a counter.

// The lines that introduce a family.
void prometheus_family(const struct metrics_family *family, fmt_sink_fn *sink, void *context);

// A counter or gauge. `label` is the label's name; an empty source has none. Counters are unsigned.
void prometheus_value(const struct metrics_family *family, const char *label, const char *source, uint64_t value, fmt_sink_fn *sink,
                      void *context);

// A histogram: buckets up to powers of two, as far as there is something in them.
void prometheus_histogram(const struct metrics_family *family, const char *label, const char *source,
                          const struct histogram *histogram, fmt_sink_fn *sink, void *context);
