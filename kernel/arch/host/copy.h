// What the host port's user copies find no memory behind.
#pragma once

#include <stdint.h>

// User addresses of the test are plain pointers; this range of them cannot be touched.
extern uint64_t host_bad_user_start, host_bad_user_end;

// Only what lies within can be touched: all of memory, unless a test says otherwise.
extern uint64_t host_only_user_start, host_only_user_end;
