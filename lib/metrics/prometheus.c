#include "lib/metrics/prometheus.h"

#include "base/str.h"

constexpr uint64_t NS_PER_S = 1'000'000'000;

static void print_name(const struct metrics_family *family, const char *suffix, fmt_sink_fn *sink, void *context) {
    static const char *const units[] = {"", "_bytes", "_seconds"};
    const char *unit = units[family->unit];
    const bool said = str_ends_with(family->name, unit);
    fmt_print(sink, context, "tessera_%s%s%s%s", family->name, said ? "" : unit, family->kind == METRICS_COUNTER ? "_total" : "", suffix);
}

// In help a backslash and a line's end are escaped, in a label's value quotes, too.
static void print_escaped(const char *text, bool quotes, fmt_sink_fn *sink, void *context) {
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\n') {
            sink(context, "\\n", 2);
        } else {
            if (*c == '\\' || (quotes && *c == '"')) {
                sink(context, "\\", 1);
            }
            sink(context, c, 1);
        }
    }
}

static void print_number(const struct metrics_family *family, uint64_t value, fmt_sink_fn *sink, void *context) {
    const bool negative = family->kind == METRICS_GAUGE && value >> 63 != 0;
    const uint64_t size = negative ? 0 - value : value;
    if (family->unit == METRICS_NANOSECONDS) {
        fmt_print(sink, context, "%s%llu.%09llu", negative ? "-" : "", (unsigned long long)(size / NS_PER_S),
                  (unsigned long long)(size % NS_PER_S));
    } else {
        fmt_print(sink, context, "%s%llu", negative ? "-" : "", (unsigned long long)size);
    }
}

void prometheus_family(const struct metrics_family *family, fmt_sink_fn *sink, void *context) {
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    fmt_print(sink, context, "# HELP ");
    print_name(family, "", sink, context);
    fmt_print(sink, context, " ");
    print_escaped(family->help, false, sink, context);
    fmt_print(sink, context, "\n# TYPE ");
    print_name(family, "", sink, context);
    fmt_print(sink, context, " %s\n", kinds[family->kind]);
}

// The labels; `limit`, of a bucket, may be null. Behind them the space before the value.
static void print_labels(const struct metrics_family *family, const char *label, const char *source, const uint64_t *limit,
                         fmt_sink_fn *sink, void *context) {
    if (source[0] != '\0') {
        fmt_print(sink, context, "{%s=\"", label);
        print_escaped(source, true, sink, context);
        fmt_print(sink, context, "\"");
    }
    if (limit != nullptr) {
        fmt_print(sink, context, "%sle=\"", source[0] != '\0' ? "," : "{");
        if (*limit == UINT64_MAX) {
            fmt_print(sink, context, "+Inf");
        } else {
            print_number(family, *limit, sink, context);
        }
        fmt_print(sink, context, "\"");
    }
    fmt_print(sink, context, "%s ", source[0] != '\0' || limit != nullptr ? "}" : "");
}

void prometheus_value(const struct metrics_family *family, const char *label, const char *source, uint64_t value, fmt_sink_fn *sink,
                      void *context) {
    print_name(family, "", sink, context);
    print_labels(family, label, source, nullptr, sink, context);
    print_number(family, value, sink, context);
    fmt_print(sink, context, "\n");
}

static void print_bucket(const struct metrics_family *family, const char *label, const char *source, uint64_t limit, uint64_t count,
                         fmt_sink_fn *sink, void *context) {
    print_name(family, "_bucket", sink, context);
    print_labels(family, label, source, &limit, sink, context);
    fmt_print(sink, context, "%llu\n", (unsigned long long)count);
}

void prometheus_histogram(const struct metrics_family *family, const char *label, const char *source,
                          const struct histogram *histogram, fmt_sink_fn *sink, void *context) {
    uint64_t count = 0;
    bool begun = false;
    // Whole powers of two, and no more of them when all has been counted.
    for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS && (count < histogram->count || i % 4 != 0); i++) {
        count = count + histogram->buckets[i] < count ? UINT64_MAX : count + histogram->buckets[i];
        begun = begun || count > 0;
        if (begun && i % 4 == 3) { // a limit that is one less than a power of two
            print_bucket(family, label, source, histogram_limit(i), count, sink, context);
        }
    }
    print_bucket(family, label, source, UINT64_MAX, histogram->count, sink, context);
    print_name(family, "_sum", sink, context);
    print_labels(family, label, source, nullptr, sink, context);
    print_number(family, histogram->sum, sink, context);
    fmt_print(sink, context, "\n");
    print_name(family, "_count", sink, context);
    print_labels(family, label, source, nullptr, sink, context);
    fmt_print(sink, context, "%llu\n", (unsigned long long)histogram->count);
}
