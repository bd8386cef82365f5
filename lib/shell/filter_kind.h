// What filters are made of.
#pragma once

#include "lib/shell/filter.h"

// Says what is wrong; false.
[[gnu::format(printf, 2, 3)]] bool filter_wrong(struct filter *filter, const char *format, ...);

// Takes bytes, or a line, further down the pipe. False: nobody wants any more.
bool filter_put(struct filter *filter, const char *bytes, size_t len);
bool filter_put_line(struct filter *filter, const char *line, size_t len);

// The value of an option, or says that it is none.
bool filter_number(struct filter *filter, const char *name, const char *text, uint64_t *out);
