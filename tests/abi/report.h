// Verdict lines, written to the port that only the suite holds. report_line is in suite.h.
#pragma once

#include "abi/types.h"

// Takes the port (the caller's handle stays the caller's) and sets it up; false when it refuses.
bool report_open(handle_t registers, uint32_t type);
