// Programs of the boot package, for benchmarks that start some.
#pragma once

#include "abi/types.h"
#include "lib/package/package.h"

// Maps the boot package into this process and finds the program; ends this program when there is none.
struct package_entry image_find(handle_t boot_package, const char *name);
