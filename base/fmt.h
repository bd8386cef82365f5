// printf-style formatting without a C library, an allocation or a lock.
//
// Conversions: %d %i %u %x %X %o %c %s %p %%, with flags - 0 + space #, width and precision (numbers
// or *), lengths hh h l ll z j t. No floating point. The compiler checks the arguments. Anything
// else in a format prints as it stands, so that a mistake is seen and nothing is lost.
#pragma once

#include <stdarg.h>
#include <stddef.h>

// Receives the output in pieces, in order; `bytes` is not terminated and only valid during the call.
typedef void fmt_sink_fn(void *context, const char *bytes, size_t len);

// Formats into a sink. Returns the number of bytes handed to it.
[[gnu::format(printf, 3, 0)]] size_t fmt_vprint(fmt_sink_fn *sink, void *context, const char *format, va_list args);
[[gnu::format(printf, 3, 4)]] size_t fmt_print(fmt_sink_fn *sink, void *context, const char *format, ...);

// Formats into `buffer` of `size` bytes, always terminated when size > 0. Returns the length that
// the whole text has, which is >= size when it was cut off.
[[gnu::format(printf, 3, 0)]] size_t fmt_vsnprintf(char *buffer, size_t size, const char *format, va_list args);
[[gnu::format(printf, 3, 4)]] size_t fmt_snprintf(char *buffer, size_t size, const char *format, ...);
