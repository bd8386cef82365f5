// A length of time, as a person types it.
#pragma once

#include <stdint.h>

// "90" and "90s", "1.5s", "250ms", "5m", "2h", "1d", in nanoseconds. False, with *out untouched, when it is none, or more than fits.
[[nodiscard]] bool shell_parse_duration(const char *word, uint64_t *out_ns);
