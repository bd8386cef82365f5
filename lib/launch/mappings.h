// What a program of the package that is known by its remains was mapped when it was started, found again from its file.
#pragma once

#include "lib/crash/crash.h"
#include "lib/package/package.h"

void launch_mappings(const struct remains *remains, const struct package_entry *file, struct crash *to);
