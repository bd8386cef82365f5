// What is left of a process that has ended, taken by whoever started it before its account ends: with that its memory goes.
#pragma once

#include "lib/crash/remains.h"
#include "lib/launch/launch.h"

// Fills *out (large), but for the holder's name and number, the program and the reason, which the caller knows. False: it ended in no crash, and
// nothing is to be kept. The process was started with `keep_memory`. Does not block.
bool launch_remains(const struct spawned *process, const struct launch_capset *capset, const struct exit_record *record,
                    struct remains *out);
