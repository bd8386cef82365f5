#include "lib/shell/filter.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "base/str.h"
#include "lib/shell/filter_kind.h"

bool filter_wrong(struct filter *filter, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(filter->error, sizeof(filter->error), format, args);
    va_end(args);
    return false;
}

bool filter_put(struct filter *filter, const char *bytes, size_t len) {
    filter->full = filter->full || !filter->sink(filter->context, bytes, len);
    return !filter->full;
}

bool filter_put_line(struct filter *filter, const char *line, size_t len) {
    return filter_put(filter, line, len) && filter_put(filter, "\n", 1);
}

bool filter_number(struct filter *filter, const char *name, const char *text, uint64_t *out) {
    return str_parse_u64(text, strlen(text), out) || filter_wrong(filter, "%s: `%s` is no number", name, text);
}

bool filter_begin(struct filter *filter, const struct filter_type *type, filter_sink_fn *sink, void *context, char *memory, size_t count,
                  const char *const *words) {
    memset(filter, 0, sizeof(*filter));
    filter->type = type;
    filter->sink = sink;
    filter->context = context;
    filter->memory = memory;
    return type->begin(filter, count, words);
}

static bool end_line(struct filter *filter) {
    const size_t len = filter->line_len;
    filter->line_len = 0;
    return filter->type->line(filter, filter->line, len);
}

bool filter_take(struct filter *filter, const char *bytes, size_t len) {
    if (filter->type->bytes != nullptr) {
        return filter->type->bytes(filter, bytes, len) && !filter->full;
    }
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\n') {
            filter->line[filter->line_len++] = bytes[i];
        }
        if ((bytes[i] == '\n' || filter->line_len == FILTER_LINE_MAX) && !end_line(filter)) {
            return false;
        }
    }
    return !filter->full;
}

int filter_end(struct filter *filter) {
    if (filter->line_len > 0 && !filter->full) {
        (void)end_line(filter); // what it wants makes no difference any more
    }
    const int status = filter->type->end(filter);
    return filter->error[0] != '\0' ? 1 : status;
}
